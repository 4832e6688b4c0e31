//! Small documents that came in just now: they are about to be passed on, and reading them back
//! from the journal for that took a quarter of the session thread's CPU under load.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tram_dispatch::Digest;

/// Most bytes kept; the oldest go first.
const BYTES_MAX: usize = 4 << 20;

/// Recently taken small documents, by digest.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    order: VecDeque<Digest>,
    documents: BTreeMap<Digest, Arc<[u8]>>,
    bytes: usize,
}

impl Recent {
    /// Remembers documents whose bytes were checked against their digests.
    pub(crate) fn add(&self, documents: &[(Digest, Arc<[u8]>)]) {
        let Ok(mut kept) = self.0.lock() else { return };
        for (digest, bytes) in documents {
            if kept.documents.insert(*digest, bytes.clone()).is_none() {
                kept.order.push_back(*digest);
                kept.bytes += bytes.len();
            }
        }
        while kept.bytes > BYTES_MAX {
            let Some(oldest) = kept.order.pop_front() else { break };
            if let Some(bytes) = kept.documents.remove(&oldest) {
                kept.bytes -= bytes.len();
            }
        }
    }

    /// The bytes of one, if it is still here.
    pub(crate) fn get(&self, digest: &Digest) -> Option<Arc<[u8]>> {
        self.0.lock().ok()?.documents.get(digest).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_when_it_is_full() {
        let recent = Recent::default();
        let bytes: Arc<[u8]> = vec![0; BYTES_MAX / 2].into();
        for n in 0..3 {
            recent.add(&[(Digest([n; 32]), bytes.clone())]);
            recent.add(&[(Digest([n; 32]), bytes.clone())]);
        }
        let here: Vec<bool> = (0..3).map(|n| recent.get(&Digest([n; 32])).is_some()).collect();
        assert_eq!(here, [false, true, true]);
    }
}
