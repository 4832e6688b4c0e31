//! The export bundle: receipts in one file, with the directory they are verified by if wanted.
//!
//! ```text
//! bundle = ["tram-receipts", 1, [* receipt: bstr], ? directory-file: bstr]   ; deterministic CBOR
//! ```
//!
//! Beside it, three more forms are read: one receipt, receipts one after the other (a CBOR
//! sequence, RFC 8742, as the API gives them), and a sealed dispatch.

use std::path::Path;

use minicbor::{Decoder, Encoder};
use tram_dispatch::Code;
use tram_dispatch::limits::{DIRECTORY_BYTES_MAX, RECEIPT_BYTES_MAX};
use tram_wire::cbor::{Rules, check_with};
use tram_wire::{Receipt, SealedDispatch};

use crate::cli::failure::Failure;
use crate::cli::files;

/// First element of a bundle.
const NAME: &str = "tram-receipts";
/// Format version of a bundle.
const VERSION: u64 = 1;
/// Most receipts in one bundle or sequence.
pub(crate) const RECEIPTS_MAX: usize = 100_000;
/// Largest file that is read for verification.
pub(crate) const FILE_BYTES_MAX: usize = DIRECTORY_BYTES_MAX + (64 << 20);

/// Receipts taken out of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// Raw receipts.
    pub(crate) receipts: Vec<Vec<u8>>,
    /// The signed directory, as installed.
    pub(crate) directory: Option<Vec<u8>>,
}

/// What a file brings for verification.
#[derive(Clone, Debug)]
pub(crate) enum Evidence {
    /// One or more raw receipts.
    Receipts(Bundle),
    /// A sealed dispatch.
    Dispatch(Box<SealedDispatch>),
}

impl Bundle {
    /// The bundle's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut e = Encoder::new(Vec::new());
        // A Vec takes every write.
        let written = (|| {
            e.array(3 + u64::from(self.directory.is_some()))?.str(NAME)?.u64(VERSION)?;
            e.array(self.receipts.len() as u64)?;
            for receipt in &self.receipts {
                e.bytes(receipt)?;
            }
            if let Some(directory) = &self.directory {
                e.bytes(directory)?;
            }
            Ok::<(), minicbor::encode::Error<std::convert::Infallible>>(())
        })();
        debug_assert!(written.is_ok());
        e.into_writer()
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// What does not fit, in English.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let rules = Rules { items_max: RECEIPTS_MAX, ..Rules::plain(FILE_BYTES_MAX) };
        check_with(bytes, &rules).map_err(|e| e.detail)?;
        let mut d = Decoder::new(bytes);
        let read = |e: minicbor::decode::Error| format!("bundle: {e}");
        let length = d.array().map_err(read)?;
        let (name, version) = (d.str().map_err(read)?, d.u64().map_err(read)?);
        if name != NAME || version != VERSION || !matches!(length, Some(3 | 4)) {
            return Err(format!("not a bundle \"{NAME}\" of version {VERSION}"));
        }
        let count = d.array().map_err(read)?.unwrap_or_default();
        let mut receipts = Vec::new();
        for _ in 0..count {
            receipts.push(d.bytes().map_err(read)?.to_vec());
        }
        let directory = match length {
            Some(4) => Some(d.bytes().map_err(read)?.to_vec()),
            _ => None,
        };
        Ok(Bundle { receipts, directory })
    }
}

impl Evidence {
    /// Reads a file of any of the four forms.
    ///
    /// # Errors
    /// `UNREADABLE`, `TOO_LARGE`.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = files::read(path, FILE_BYTES_MAX)?;
        Self::of(&bytes).map_err(|e| Failure::unreadable(path, e))
    }

    /// Cuts receipts that stand one after the other (RFC 8742).
    ///
    /// # Errors
    /// `UNREADABLE`.
    pub(crate) fn sequence(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
        sequence(bytes).map_err(|e| Failure::new(Code::Unreadable, e))
    }

    fn of(bytes: &[u8]) -> Result<Self, String> {
        let mut d = Decoder::new(bytes);
        let bundle_like = matches!(d.array(), Ok(Some(3 | 4))) && d.str().is_ok_and(|s| s == NAME);
        if bundle_like {
            return Bundle::decode(bytes).map(Evidence::Receipts);
        }
        // A dispatch is tagged 18; a receipt is an array of three.
        if bytes.first() == Some(&0xd2) {
            let sealed = SealedDispatch::parse(bytes).map_err(|e| e.detail)?;
            return Ok(Evidence::Dispatch(Box::new(sealed)));
        }
        let receipts = sequence(bytes)?;
        Ok(Evidence::Receipts(Bundle { receipts, directory: None }))
    }
}

const STRANGE: &str = "neither receipts, nor a bundle of them, nor a sealed dispatch";

/// Cuts a CBOR sequence into its items.
fn sequence(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut receipts = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let mut d = Decoder::new(rest);
        d.skip().map_err(|_| STRANGE)?;
        let (item, after) = rest.split_at(d.position());
        // Each receipt is an array of three.
        if item.first() != Some(&0x83) || item.len() > RECEIPT_BYTES_MAX {
            return Err(STRANGE.to_owned());
        }
        if receipts.len() == RECEIPTS_MAX {
            return Err(format!("more than {RECEIPTS_MAX} receipts"));
        }
        receipts.push(item.to_vec());
        rest = after;
    }
    if receipts.is_empty() {
        return Err("the file is empty".to_owned());
    }
    Ok(receipts)
}

/// Parses every receipt of a bundle.
///
/// # Errors
/// The number of the one that does not parse, and why.
pub(crate) fn parse_all(bundle: &Bundle) -> Result<Vec<Receipt>, Failure> {
    let numbered = bundle.receipts.iter().enumerate();
    let parsed = numbered.map(|(i, raw)| {
        Receipt::parse(raw).map_err(|e| Failure::from(e).about(format!("receipt {}", i + 1)))
    });
    parsed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_round_trips_with_and_without_directory() {
        for directory in [None, Some(vec![9; 300])] {
            let bundle = Bundle { receipts: vec![vec![1, 2], vec![], vec![3; 70_000]], directory };
            assert_eq!(Bundle::decode(&bundle.encode()).unwrap(), bundle);
        }
    }

    #[test]
    fn other_bytes_are_refused_and_never_panic() {
        let good = Bundle { receipts: vec![vec![1]], directory: None }.encode();
        for end in 0..good.len() {
            assert!(Evidence::of(&good[..end]).is_err(), "{end}");
        }
        assert!(Evidence::of(b"").is_err());
        assert!(Evidence::of(&[0xd2, 0x84]).is_err());
        assert!(Evidence::of(&[0xff; 40]).is_err());
        let mut long = good;
        long.push(0);
        assert!(Bundle::decode(&long).is_err());
    }
}
