//! The newest checkpoint of a node's log.

use std::cell::OnceCell;
use std::sync::Arc;

use tram_crypto::Sign;
use tram_tlog::Hash;
use tram_tlog::checkpoint::Checkpoint;

/// The head of the log as far as it is durable, and the note over it, signed when it is first asked for.
pub(super) struct Newest {
    origin: String,
    key: Arc<dyn Sign>,
    size: u64,
    root: [u8; 32],
    note: OnceCell<Vec<u8>>,
}

impl Newest {
    pub(super) fn new(origin: String, key: Arc<dyn Sign>, (size, root): (u64, [u8; 32])) -> Self {
        Newest { origin, key, size, root, note: OnceCell::new() }
    }

    /// A batch that makes the log grow is durable.
    pub(super) fn grew(&mut self, size: u64, root: [u8; 32]) {
        (self.size, self.root, self.note) = (size, root, OnceCell::new());
    }

    /// The checkpoint key.
    pub(super) fn key(&self) -> &dyn Sign {
        &*self.key
    }

    /// Leaves of the log.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The signed note; empty for an empty log.
    pub(super) fn note(&self) -> Vec<u8> {
        if self.size == 0 {
            return Vec::new();
        }
        let sign = || {
            Checkpoint::new(&self.origin, self.size, Hash(self.root))
                .and_then(|c| c.sign(&self.origin, &*self.key))
                .unwrap_or_default()
        };
        self.note.get_or_init(sign).clone()
    }
}
