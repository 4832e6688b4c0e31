//! How documents begin, remembered: whoever lists a mailbox again and again does not have each opened anew.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tram_dispatch::Digest;
use tram_edxml::{LOOK_BYTES, Sniffed};

use super::context::{Bytes, Context};

/// Most documents remembered; then it begins anew.
const DOCUMENTS_MAX: usize = 20_000;

/// What the first bytes of documents are, by digest.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<BTreeMap<Digest, Sniffed>>);

impl Looks {
    /// Notes a document whose bytes are at hand, or its first ones.
    pub(crate) fn note(&self, digest: Digest, bytes: &[u8]) -> Sniffed {
        let seen = Sniffed::of(bytes);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= DOCUMENTS_MAX {
            known.clear();
        }
        known.insert(digest, seen);
        seen
    }

    fn get(&self, digest: &Digest) -> Option<Sniffed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(digest).copied()
    }
}

impl Context {
    /// How a document begins, where that is known without a disk.
    pub(crate) fn begins(&self, digest: &Digest) -> Option<Sniffed> {
        let recent = || Some(self.looks.note(*digest, &self.recent.get(digest)?));
        self.looks.get(digest).or_else(recent)
    }

    /// How a document of so many bytes held here begins; `None` where it is not there or cannot be read, which whoever
    /// fetches it is told. Its digest is not compared: a remark rests on this, and nothing else. Blocks.
    pub(crate) fn look(&self, digest: &Digest, size: u64) -> Option<Sniffed> {
        if let Some(known) = self.begins(digest) {
            return Some(known);
        }
        let found: Bytes = self.document(digest).ok()??;
        let first = found.read(0, LOOK_BYTES).ok()?;
        (found.len() == size).then(|| self.looks.note(*digest, &first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_anew_when_it_is_full() {
        let looks = Looks::default();
        let digest = |n: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&n.to_be_bytes());
            Digest(bytes)
        };
        for n in 0..=DOCUMENTS_MAX {
            looks.note(digest(n), b"%PDF-1.7\n");
        }
        assert_eq!(looks.get(&digest(0)), None);
        assert_eq!(looks.get(&digest(DOCUMENTS_MAX)), Some(Sniffed::Pdf));
    }
}
