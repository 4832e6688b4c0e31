//! Files of evidence: an export bundle, one receipt, receipts one after the other (as the API gives
//! them), or a sealed dispatch.

use std::path::Path;

use tram_dispatch::limits::BUNDLE_BYTES_MAX;
use tram_wire::bundle::split_sequence;
use tram_wire::{Bundle, Receipt, SealedDispatch};

use crate::cli::failure::Failure;
use crate::cli::files;

/// A dispatch is tagged 18, which nothing else here is.
const DISPATCH_HEAD: u8 = 0xd2;

/// What a file brings for verification.
#[derive(Clone, Debug)]
pub(crate) enum Evidence {
    /// One or more raw receipts.
    Receipts(Bundle),
    /// A sealed dispatch.
    Dispatch(Box<SealedDispatch>),
}

impl Evidence {
    /// Reads a file of any of the four forms.
    ///
    /// # Errors
    /// `UNREADABLE`, `TOO_LARGE`.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = files::read(path, BUNDLE_BYTES_MAX)?;
        Self::of(&bytes).map_err(|e| Failure::unreadable(path, e))
    }

    fn of(bytes: &[u8]) -> Result<Self, String> {
        if Bundle::is_meant(bytes) {
            return Bundle::decode(bytes).map(Evidence::Receipts).map_err(|e| e.detail);
        }
        if bytes.first() == Some(&DISPATCH_HEAD) {
            let sealed = SealedDispatch::parse(bytes).map_err(|e| e.detail)?;
            return Ok(Evidence::Dispatch(Box::new(sealed)));
        }
        let receipts = split_sequence(bytes).map_err(|e| {
            let what = "neither receipts, nor a bundle of them, nor a sealed dispatch";
            format!("{what}: {}", e.detail)
        })?;
        if receipts.is_empty() {
            return Err("the file is empty".to_owned());
        }
        Ok(Evidence::Receipts(Bundle { receipts, directory: None }))
    }
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
    fn other_bytes_are_refused_with_what_they_seem_to_be() {
        let good = Bundle { receipts: vec![vec![1]], directory: None }.encode();
        assert!(matches!(Evidence::of(&good), Ok(Evidence::Receipts(b)) if b.encode() == good));
        for end in 0..good.len() {
            assert!(Evidence::of(&good[..end]).is_err(), "{end}");
        }
        for bytes in [&b""[..], &[0xd2, 0x84], &[0xff; 40], &[0x83, 0, 0]] {
            assert!(Evidence::of(bytes).is_err(), "{bytes:?}");
        }
        assert!(Evidence::of(&[&good[..], &[0]].concat()).unwrap_err().contains("left over"));
    }
}
