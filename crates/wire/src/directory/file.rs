//! The directory file: head, signatures and entries in one.

use minicbor::Decoder;
use tram_crypto::sha256;
use tram_dispatch::Digest;
use tram_dispatch::directory::{Entry, Head};
use tram_dispatch::limits::{DIRECTORY_BYTES_MAX, DIRECTORY_ENTRIES_MAX};
use tram_tlog::merkle_root;

use super::entry::{decode_entry, sort_key};
use super::head::SignedHead;
use crate::WireError;
use crate::cbor::{Rules, Writer, array, check_with, finish, header};
use crate::root::{KeySignature, write_signatures};

/// A directory file, parsed and *not* verified: the signatures are carried, and whether the head commits
/// to these entries is for the verifier to say (count and [`entries_root`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryFile {
    /// The head as signed.
    pub head_bytes: Vec<u8>,
    /// The head, parsed.
    pub head: Head,
    /// By keys of the root document, ascending by index.
    pub signatures: Vec<KeySignature>,
    /// The entries as committed to, in the order of their sort keys.
    pub entries: Vec<Vec<u8>>,
    /// The same entries, parsed.
    pub decoded: Vec<Entry>,
}

impl DirectoryFile {
    /// Reads a directory file: `[head, signatures, entries]`.
    ///
    /// # Errors
    /// `NotCanonical`, `TooLarge`; `Malformed` also where entries are repeated or out of order.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let rules = Rules { items_max: DIRECTORY_ENTRIES_MAX, ..Rules::plain(DIRECTORY_BYTES_MAX) };
        check_with(bytes, &rules).map_err(|e| e.within("directory file"))?;
        let mut d = Decoder::new(bytes);
        if header(d.array()?)? != 3 {
            return Err(WireError::malformed("directory file: an array of 3 is needed"));
        }
        let SignedHead { bytes: head_bytes, head, signatures } = SignedHead::read(&mut d)?;
        let entries =
            array(&mut d, 0, DIRECTORY_ENTRIES_MAX, "entries", |d| Ok(d.bytes()?.to_vec()))?;
        finish(&d)?;
        let decoded: Vec<Entry> =
            entries.iter().map(|entry| decode_entry(entry)).collect::<Result<_, _>>()?;
        let keys: Vec<Vec<u8>> = decoded.iter().map(sort_key).collect();
        if !keys.is_sorted_by(|a, b| a < b) {
            return Err(WireError::malformed("directory entries are repeated or out of order"));
        }
        Ok(DirectoryFile { head_bytes, head, signatures, entries, decoded })
    }

    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let length: usize = self.entries.iter().map(|entry| entry.len() + 5).sum();
        let mut w = Writer::with_capacity(self.head_bytes.len() + length + 1024);
        w.array(3).bytes(&self.head_bytes);
        write_signatures(&mut w, &self.signatures);
        w.array(self.entries.len());
        self.entries.iter().for_each(|entry| _ = w.bytes(entry));
        w.finish()
    }

    /// SHA-256 of the head: the digest by which a version of the directory is named.
    pub fn digest(&self) -> Digest {
        Digest(sha256(&self.head_bytes))
    }
}

/// The RFC 9162 root over encoded entries in the order of their sort keys.
pub fn entries_root(entries: &[Vec<u8>]) -> [u8; 32] {
    merkle_root(entries).0
}
