//! Export bundles: receipts in one file, with the directory they are verified by if wanted; and the other
//! form in which several receipts travel, one after the other (a CBOR sequence, RFC 8742).

use minicbor::Decoder;
use tram_dispatch::limits::{
    BUNDLE_BYTES_MAX, BUNDLE_RECEIPTS_MAX, DIRECTORY_BYTES_MAX, RECEIPT_BYTES_MAX,
};

use crate::WireError;
use crate::cbor::{Rules, Writer, array, check_with, finish, header};
use crate::fields::bytes_max;

/// First element of a bundle.
const NAME: &str = "tram-receipts";
/// Format version.
const VERSION: u64 = 1;
/// Every receipt is an array of three.
const RECEIPT_HEAD: u8 = 0x83;

/// Receipts taken out of a node; neither they nor the directory are looked into here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    /// Raw receipts.
    pub receipts: Vec<Vec<u8>>,
    /// A signed directory file.
    pub directory: Option<Vec<u8>>,
}

impl Bundle {
    /// Reads a bundle, `["tram-receipts", 1, receipts, ? directory]`.
    ///
    /// # Errors
    /// `NotCanonical`, `TooLarge`, `Malformed`.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        read(bytes).map_err(|e| e.within("bundle"))
    }

    /// The bundle's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let receipts: usize = self.receipts.iter().map(|r| r.len() + 5).sum();
        let directory = self.directory.as_ref().map_or(0, |d| d.len() + 5);
        let mut w = Writer::with_capacity(receipts + directory + 32);
        w.array(3 + usize::from(self.directory.is_some())).text(NAME).uint(VERSION);
        w.array(self.receipts.len());
        self.receipts.iter().for_each(|receipt| _ = w.bytes(receipt));
        if let Some(directory) = &self.directory {
            w.bytes(directory);
        }
        w.finish()
    }

    /// Whether the bytes begin as a bundle of any version does, so that [`Bundle::decode`] is the one to
    /// say what is wrong with them.
    pub fn is_meant(bytes: &[u8]) -> bool {
        let mut d = Decoder::new(bytes);
        d.array().is_ok() && d.str().is_ok_and(|name| name == NAME)
    }
}

fn read(bytes: &[u8]) -> Result<Bundle, WireError> {
    let rules = Rules { items_max: BUNDLE_RECEIPTS_MAX, ..Rules::plain(BUNDLE_BYTES_MAX) };
    check_with(bytes, &rules)?;
    let mut d = Decoder::new(bytes);
    let length = header(d.array()?)?;
    if !matches!(length, 3 | 4) || d.str()? != NAME {
        return Err(WireError::malformed("an array of 3 or 4 with its name is needed"));
    }
    let version = d.u64()?;
    if version != VERSION {
        return Err(WireError::malformed(format_args!(
            "format version {version}, this program knows {VERSION}"
        )));
    }
    let receipts = array(&mut d, 0, BUNDLE_RECEIPTS_MAX, "receipts", |d| {
        some_bytes(d, RECEIPT_BYTES_MAX).map_err(|e| e.within("receipt"))
    })?;
    let directory = match length {
        4 => Some(some_bytes(&mut d, DIRECTORY_BYTES_MAX).map_err(|e| e.within("directory"))?),
        _ => None,
    };
    finish(&d)?;
    Ok(Bundle { receipts, directory })
}

fn some_bytes(d: &mut Decoder<'_>, max: usize) -> Result<Vec<u8>, WireError> {
    let bytes = bytes_max(d, max)?;
    if bytes.is_empty() { Err(WireError::malformed("no bytes")) } else { Ok(bytes) }
}

/// Cuts receipts that stand one after the other. The cuts alone are made here: each receipt is still to
/// be parsed.
///
/// # Errors
/// `Malformed` where something else than an array of three begins or one is cut short, `TooLarge`.
pub fn split_sequence(bytes: &[u8]) -> Result<Vec<Vec<u8>>, WireError> {
    let mut receipts = Vec::new();
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        if *first != RECEIPT_HEAD {
            return Err(WireError::malformed("no receipt begins here"));
        }
        if receipts.len() == BUNDLE_RECEIPTS_MAX {
            let most = BUNDLE_RECEIPTS_MAX;
            return Err(WireError::too_large(format_args!("more than {most} receipts")));
        }
        let mut d = Decoder::new(rest);
        d.skip()?;
        let (receipt, after) = rest.split_at(d.position());
        crate::fields::within_bytes(receipt.len(), RECEIPT_BYTES_MAX)?;
        receipts.push(receipt.to_vec());
        rest = after;
    }
    Ok(receipts)
}
