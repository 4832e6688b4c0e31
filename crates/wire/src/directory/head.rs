//! The head: what the network's keys sign.

use minicbor::Decoder;
use tram_crypto::{Algorithm, sha256};
use tram_dispatch::directory::Head;
use tram_dispatch::limits::DIRECTORY_ENTRIES_MAX;
use tram_dispatch::{Digest, NetworkId};

use crate::WireError;
use crate::cbor::{self, Fields, FieldsOut, finish, header};
use crate::cose::TYP_DIRECTORY;
use crate::fields::{bytes_max, id, time};
use crate::root::{KeySignature, key_to_be_signed, read_signatures};

/// The format version this program writes and reads (field 0).
const VERSION: u64 = 1;

/// Largest encoded head; what is over its fixed fields is room for fields of later versions.
pub(super) const HEAD_BYTES_MAX: usize = 1024;

mod key {
    pub(super) const VERSION: u64 = 0;
    pub(super) const NETWORK: u64 = 1;
    pub(super) const NUMBER: u64 = 2;
    pub(super) const PREVIOUS: u64 = 3;
    pub(super) const ISSUED_AT: u64 = 4;
    pub(super) const EXPIRES_AT: u64 = 5;
    pub(super) const ENTRIES: u64 = 6;
    pub(super) const ROOT: u64 = 7;
}

/// The one encoding of this head.
pub fn encode_head(head: &Head) -> Vec<u8> {
    let h = head;
    let mut f = FieldsOut::new();
    f.put(key::VERSION, |w| _ = w.uint(VERSION))
        .put(key::NETWORK, |w| _ = w.bytes(h.network.as_bytes()))
        .put(key::NUMBER, |w| _ = w.uint(h.version))
        .put_some(key::PREVIOUS, h.previous, |w, digest| _ = w.bytes(digest.as_bytes()))
        .put(key::ISSUED_AT, |w| _ = w.uint(h.issued_at.0))
        .put(key::EXPIRES_AT, |w| _ = w.uint(h.expires_at.0))
        .put(key::ENTRIES, |w| _ = w.uint(h.entries))
        .put(key::ROOT, |w| _ = w.bytes(h.root.as_bytes()));
    f.finish()
}

/// Reads a head. Fields from 128 on are passed over; the raw bytes keep them.
///
/// # Errors
/// `NotCanonical`, `TooLarge`, `Malformed`.
pub fn decode_head(bytes: &[u8]) -> Result<Head, WireError> {
    cbor::check(bytes, HEAD_BYTES_MAX).map_err(|e| e.within("directory head"))?;
    let mut d = Decoder::new(bytes);
    let mut f = Fields::open(&mut d, "directory head")?;
    f.version(key::VERSION, VERSION)?;
    let head = Head {
        network: f.required(key::NETWORK, id)?,
        version: f.required(key::NUMBER, |d| Ok(d.u64()?))?,
        previous: f.optional(key::PREVIOUS, id)?,
        issued_at: f.required(key::ISSUED_AT, time)?,
        expires_at: f.required(key::EXPIRES_AT, time)?,
        entries: f.required(key::ENTRIES, |d| Ok(d.u64()?))?,
        root: f.required(key::ROOT, id)?,
    };
    f.end_skipping()?;
    finish(&d)?;
    if head.version == 0 || head.previous.is_some() != (head.version > 1) {
        return Err(WireError::malformed("version 1 has no head before it, later versions have"));
    }
    if head.expires_at <= head.issued_at {
        return Err(WireError::malformed("the directory expires before it was issued"));
    }
    if head.entries > DIRECTORY_ENTRIES_MAX as u64 {
        let count = head.entries;
        return Err(WireError::too_large(format_args!(
            "{count} entries, at most {DIRECTORY_ENTRIES_MAX} allowed"
        )));
    }
    Ok(head)
}

/// A head with its signatures: how every file about a version of the directory begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// The head as signed.
    pub bytes: Vec<u8>,
    /// The head, parsed.
    pub head: Head,
    /// By keys of the root document, ascending by index.
    pub signatures: Vec<KeySignature>,
}

impl SignedHead {
    /// Most bytes that the beginning of a file takes up to the end of the signatures.
    pub const BYTES_MAX: usize = 16 << 10;

    /// Reads the beginning of a directory file, or of a difference between two; what follows is not looked
    /// at and need not be there. So one can tell whether anything is worth reading on.
    ///
    /// # Errors
    /// `Malformed`, `TooLarge`.
    pub fn peek(beginning: &[u8]) -> Result<Self, WireError> {
        let mut d = Decoder::new(beginning.get(..Self::BYTES_MAX).unwrap_or(beginning));
        header(d.array()?)?;
        Self::read(&mut d)
    }

    pub(super) fn read(d: &mut Decoder<'_>) -> Result<Self, WireError> {
        let bytes = bytes_max(d, HEAD_BYTES_MAX)?;
        let head = decode_head(&bytes)?;
        Ok(SignedHead { bytes, head, signatures: read_signatures(d)? })
    }

    /// SHA-256 of the head: the digest by which a version of the directory is named.
    pub fn digest(&self) -> Digest {
        Digest(sha256(&self.bytes))
    }
}

/// The bytes that one key signs for a head.
pub fn to_be_signed(algorithm: Algorithm, head_bytes: &[u8], network: NetworkId) -> Vec<u8> {
    key_to_be_signed(TYP_DIRECTORY, algorithm, head_bytes, network)
}
