//! What changes from one version of the directory to a later one: the later head with its signatures, and
//! the entries that are not the same. Who has the earlier version makes the later one of it, and the head
//! says whether it is right.

use std::cmp::Ordering;

use minicbor::Decoder;
use tram_dispatch::Digest;
use tram_dispatch::directory::{Entry, Head};
use tram_dispatch::limits::{DIRECTORY_BYTES_MAX, DIRECTORY_ENTRIES_MAX};

use super::entry::{decode_entry, sort_key};
use super::file::DirectoryFile;
use super::head::SignedHead;
use crate::WireError;
use crate::cbor::{Rules, Writer, array, check_with, finish, header};
use crate::fields::{bytes_max, id};
use crate::root::{KeySignature, write_signatures};

/// Longest sort key: kind, code, zero, digest.
const KEY_BYTES_MAX: usize = 128;

/// A difference, parsed and *not* verified: it is taken at its word only by making the later version of the
/// earlier one and verifying that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryDifference {
    /// The later head as signed.
    pub head_bytes: Vec<u8>,
    /// The later head, parsed.
    pub head: Head,
    /// By keys of the root document, ascending by index.
    pub signatures: Vec<KeySignature>,
    /// Digest of the earlier head.
    pub base: Digest,
    /// Sort keys of the entries that are gone, ascending.
    pub removed: Vec<Vec<u8>>,
    /// Entries that are new, or other than before, as the later head commits to them.
    pub changed: Vec<Vec<u8>>,
    /// The same entries, parsed.
    pub decoded: Vec<Entry>,
}

impl DirectoryDifference {
    /// What makes `later` of `earlier`.
    pub fn between(earlier: &DirectoryFile, later: &DirectoryFile) -> Self {
        let (mut removed, mut changed, mut decoded) = (Vec::new(), Vec::new(), Vec::new());
        let keyed =
            |file: &DirectoryFile| -> Vec<Vec<u8>> { file.decoded.iter().map(sort_key).collect() };
        let (old, new) = (keyed(earlier), keyed(later));
        let (mut i, mut j) = (0, 0);
        while i < old.len() || j < new.len() {
            let order = match (old.get(i), new.get(j)) {
                (Some(old), Some(new)) => old.cmp(new),
                (Some(_), None) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            if order == Ordering::Less {
                removed.push(old[i].clone());
            } else if order == Ordering::Greater || earlier.entries[i] != later.entries[j] {
                changed.push(later.entries[j].clone());
                decoded.push(later.decoded[j].clone());
            }
            i += usize::from(order != Ordering::Greater);
            j += usize::from(order != Ordering::Less);
        }
        DirectoryDifference {
            head_bytes: later.head_bytes.clone(),
            head: later.head.clone(),
            signatures: later.signatures.clone(),
            base: earlier.digest(),
            removed,
            changed,
            decoded,
        }
    }

    /// Whether these bytes begin as a difference does, and not as a whole directory.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.first() == Some(&0x85)
    }

    /// Reads a difference: `[head, signatures, base, removed, changed]`.
    ///
    /// # Errors
    /// `NotCanonical`, `TooLarge`; `Malformed` also where keys or entries are repeated or out of order.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let rules = Rules { items_max: DIRECTORY_ENTRIES_MAX, ..Rules::plain(DIRECTORY_BYTES_MAX) };
        check_with(bytes, &rules).map_err(|e| e.within("directory difference"))?;
        let mut d = Decoder::new(bytes);
        if header(d.array()?)? != 5 {
            return Err(WireError::malformed("directory difference: an array of 5 is needed"));
        }
        let SignedHead { bytes: head_bytes, head, signatures } = SignedHead::read(&mut d)?;
        let base = id(&mut d)?;
        let key = |d: &mut Decoder<'_>| bytes_max(d, KEY_BYTES_MAX);
        let removed = array(&mut d, 0, DIRECTORY_ENTRIES_MAX, "keys", key)?;
        let changed =
            array(&mut d, 0, DIRECTORY_ENTRIES_MAX, "entries", |d| Ok(d.bytes()?.to_vec()))?;
        finish(&d)?;
        let decoded: Vec<Entry> =
            changed.iter().map(|entry| decode_entry(entry)).collect::<Result<_, _>>()?;
        let keys: Vec<Vec<u8>> = decoded.iter().map(sort_key).collect();
        if !keys.is_sorted_by(|a, b| a < b) || !removed.is_sorted_by(|a, b| a < b) {
            let detail = "directory difference: keys or entries are repeated or out of order";
            return Err(WireError::malformed(detail));
        }
        Ok(DirectoryDifference { head_bytes, head, signatures, base, removed, changed, decoded })
    }

    /// The bytes of the difference.
    pub fn encode(&self) -> Vec<u8> {
        let length: usize = self.removed.iter().chain(&self.changed).map(|b| b.len() + 5).sum();
        let mut w = Writer::with_capacity(self.head_bytes.len() + length + 1024);
        w.array(5).bytes(&self.head_bytes);
        write_signatures(&mut w, &self.signatures);
        w.bytes(self.base.as_bytes());
        for list in [&self.removed, &self.changed] {
            w.array(list.len());
            list.iter().for_each(|item| _ = w.bytes(item));
        }
        w.finish()
    }

    /// Makes the later version of the earlier one: not verified, as any directory file.
    ///
    /// # Errors
    /// `Malformed` where `earlier` is not the one it was made for, or a removed entry is not there.
    pub fn apply(self, earlier: DirectoryFile) -> Result<DirectoryFile, WireError> {
        let misfit =
            |what: &str| WireError::malformed(format_args!("directory difference: {what}"));
        if earlier.digest() != self.base {
            return Err(misfit("it is made for another version"));
        }
        let mut removed = self.removed.into_iter().peekable();
        let mut changed = self.changed.into_iter().zip(self.decoded).peekable();
        let (mut entries, mut decoded) = (Vec::new(), Vec::new());
        for (bytes, entry) in earlier.entries.into_iter().zip(earlier.decoded) {
            let key = sort_key(&entry);
            while let Some((new, value)) = changed.next_if(|(_, value)| sort_key(value) < key) {
                entries.push(new);
                decoded.push(value);
            }
            let replaced = changed.next_if(|(_, value)| sort_key(value) == key);
            let gone = removed.next_if(|gone| *gone == key).is_some();
            match (gone, replaced) {
                (true, Some(_)) => return Err(misfit("an entry is removed and changed")),
                (true, None) => {}
                (false, Some((new, value))) => {
                    entries.push(new);
                    decoded.push(value);
                }
                (false, None) => {
                    entries.push(bytes);
                    decoded.push(entry);
                }
            }
        }
        if removed.next().is_some() {
            return Err(misfit("it removes an entry that is not there"));
        }
        for (new, value) in changed {
            entries.push(new);
            decoded.push(value);
        }
        let (head_bytes, head, signatures) = (self.head_bytes, self.head, self.signatures);
        Ok(DirectoryFile { head_bytes, head, signatures, entries, decoded })
    }
}
