//! A part of a directory: its signed head, and a few entries with the proof that the head commits to each.

use minicbor::Decoder;
use tram_crypto::sha256;
use tram_dispatch::Digest;
use tram_dispatch::directory::{Entry, Head};
use tram_dispatch::limits::{EVIDENCE_FILE_ENTRIES_MAX, PROOF_PATH_MAX};
use tram_tlog::{Hash, MemoryTree, leaf_hash, root_from_inclusion};

use super::entry::{decode_entry, sort_key};
use super::file::DirectoryFile;
use super::head::{HEAD_BYTES_MAX, decode_head};
use crate::WireError;
use crate::cbor::{Writer, array, header};
use crate::fields::{bytes_max, fixed};
use crate::root::{KeySignature, read_signatures, write_signatures};

/// Largest entry in a part: what carries it has a limit of its own.
const ENTRY_BYTES_MAX: usize = 1 << 20;

/// One entry and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedEntry {
    /// Its index among the entries, from 0.
    pub index: u64,
    /// The entry as committed to.
    pub bytes: Vec<u8>,
    /// The same, parsed.
    pub entry: Entry,
    /// The inclusion path, from the leaf to the root (RFC 9162 section 2.1.3).
    pub path: Vec<[u8; 32]>,
}

/// A part of a directory, parsed and *not* verified: whether the head is signed, and whether each path
/// leads to its root ([`ProvedEntry::root`]), is for the verifier to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryPart {
    /// The head as signed.
    pub head_bytes: Vec<u8>,
    /// The head, parsed.
    pub head: Head,
    /// By keys of the root document, ascending by index.
    pub signatures: Vec<KeySignature>,
    /// Ascending by index, and so by sort key.
    pub entries: Vec<ProvedEntry>,
}

impl ProvedEntry {
    /// The root that the path leads to in a directory of so many entries.
    ///
    /// # Errors
    /// `Malformed` where the path does not fit index and number.
    pub fn root(&self, entries: u64) -> Result<Digest, WireError> {
        let path: Vec<Hash> = self.path.iter().copied().map(Hash).collect();
        root_from_inclusion(&leaf_hash(&self.bytes), self.index, entries, &path)
            .map(|root| Digest(root.0))
            .map_err(|e| WireError::malformed(e).within("directory entry"))
    }
}

impl DirectoryPart {
    /// Takes the entries that are wanted out of a whole directory, each with its proof.
    pub fn of(file: &DirectoryFile, wanted: impl Fn(&Entry) -> bool) -> Self {
        let tree: MemoryTree = file.entries.iter().collect();
        let mut entries = Vec::new();
        for (index, (bytes, entry)) in (0u64..).zip(file.entries.iter().zip(&file.decoded)) {
            // A leaf of this very tree has a proof.
            let Some(path) = wanted(entry).then(|| tree.inclusion(index).ok()).flatten() else {
                continue;
            };
            let path = path.into_iter().map(|hash| hash.0).collect();
            entries.push(ProvedEntry { index, bytes: bytes.clone(), entry: entry.clone(), path });
        }
        DirectoryPart {
            head_bytes: file.head_bytes.clone(),
            head: file.head.clone(),
            signatures: file.signatures.clone(),
            entries,
        }
    }

    /// SHA-256 of the head: the digest by which a version of the directory is named.
    pub fn digest(&self) -> Digest {
        Digest(sha256(&self.head_bytes))
    }

    /// Reads `[head, signatures, [[index, entry, path]]]` inside of something that has been walked.
    pub(crate) fn read(d: &mut Decoder<'_>) -> Result<Self, WireError> {
        if header(d.array()?)? != 3 {
            return Err(WireError::malformed("an array of 3 is needed"));
        }
        let head_bytes = bytes_max(d, HEAD_BYTES_MAX)?;
        let head = decode_head(&head_bytes)?;
        let signatures = read_signatures(d)?;
        let entries = array(d, 1, EVIDENCE_FILE_ENTRIES_MAX, "entries", |d| {
            if header(d.array()?)? != 3 {
                return Err(WireError::malformed("an entry is an array of 3"));
            }
            let index = d.u64()?;
            let bytes = bytes_max(d, ENTRY_BYTES_MAX)?;
            let entry = decode_entry(&bytes)?;
            let path = array(d, 0, PROOF_PATH_MAX, "path nodes", fixed)?;
            Ok(ProvedEntry { index, bytes, entry, path })
        })?;
        let in_order = entries
            .is_sorted_by(|a, b| a.index < b.index && sort_key(&a.entry) < sort_key(&b.entry));
        if !in_order {
            return Err(WireError::malformed("directory entries are repeated or out of order"));
        }
        Ok(DirectoryPart { head_bytes, head, signatures, entries })
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.array(3).bytes(&self.head_bytes);
        write_signatures(w, &self.signatures);
        w.array(self.entries.len());
        for entry in &self.entries {
            w.array(3).uint(entry.index).bytes(&entry.bytes).array(entry.path.len());
            entry.path.iter().for_each(|hash| _ = w.bytes(hash));
        }
    }
}
