//! Checkpoints of this node's own log, and its cosignatures on those of others.

use tram_dispatch::{EpochId, NodeId};
use tram_peer::limits::CHECKPOINT_MS;
use tram_tlog::Hash;
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::cosignature::Cosignature;
use tram_tlog::note::NoteError;

use super::context::Context;

impl Context {
    /// The checkpoint over a tree of this node's own log.
    ///
    /// # Errors
    /// [`NoteError`] for a tree that there cannot be.
    pub(crate) fn own_checkpoint(
        &self,
        size: u64,
        root: [u8; 32],
    ) -> Result<Checkpoint, NoteError> {
        let origin = tram_trust::checkpoint::origin(self.network, &self.me, self.epoch);
        Checkpoint::new(&origin, size, Hash(root))
    }

    /// The same as a signed note, the same bytes each time. The tree must be durable.
    ///
    /// # Errors
    /// As for [`Context::own_checkpoint`], or the key cannot sign.
    pub(crate) fn signed_checkpoint(
        &self,
        size: u64,
        root: [u8; 32],
    ) -> Result<Vec<u8>, NoteError> {
        let origin = tram_trust::checkpoint::origin(self.network, &self.me, self.epoch);
        self.own_checkpoint(size, root)?.sign(&origin, &*self.checkpoint_key)
    }

    /// The newest checkpoint: a signed note over a tree that is durable. Empty for an empty log.
    pub(crate) fn checkpoint(&self) -> Vec<u8> {
        let head = self.core.head();
        match head.size {
            0 => Vec::new(),
            size => self.signed_checkpoint(size, head.root).unwrap_or_default(),
        }
    }

    /// The checkpoint that peers are told of and witnesses asked to cosign, with its size: the same
    /// for all of them, and a newer one at most every [`CHECKPOINT_MS`]. `None` for an empty log.
    pub(crate) fn published(&self) -> Option<(u64, Vec<u8>)> {
        let now_ms = self.core.now().mono_ms;
        let mut last = self.published.lock().ok()?;
        let head = self.core.head();
        let due = match &*last {
            None => head.size > 0,
            Some((at_ms, size, _)) => {
                now_ms.saturating_sub(*at_ms) >= CHECKPOINT_MS && head.size > *size
            }
        };
        if due && let Ok(note) = self.signed_checkpoint(head.size, head.root) {
            *last = Some((now_ms, head.size, note));
        }
        last.as_ref().map(|(_, size, note)| (*size, note.clone()))
    }

    /// Cosigns a checkpoint of another node's log that is held durably.
    ///
    /// # Errors
    /// [`NoteError`].
    pub(crate) fn cosign(
        &self,
        log: (&NodeId, EpochId),
        tree: (u64, [u8; 32]),
        time: u64,
    ) -> Result<Cosignature, NoteError> {
        let me = (&self.me, self.epoch);
        let key = &*self.checkpoint_key;
        tram_trust::cosignature::sign(self.network, me, log, tree, time, key)
    }
}
