//! Who must cosign this node's checkpoints, and who did.

use tram_config::Config;
use tram_dispatch::{Code, NodeId};
use tram_spool::store::{CosignedCheckpoint, StoreError};
use tram_tlog::Hash;
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::cosignature::Cosignature;
use tram_tlog::note::{Note, NoteError};
use tram_tlog::policy::{Judgement, Policy, PolicyFault};
use tram_trust::position;

use super::context::Context;

/// Reads the policy that the configuration names.
///
/// # Errors
/// In words, with `CONFIG_INVALID`.
pub(crate) fn load(config: &Config) -> Result<Option<Policy>, (Code, String)> {
    let Some(path) = &config.witness_policy else { return Ok(None) };
    let bad = |what: String| (Code::ConfigInvalid, format!("{}: {what}", path.display()));
    let bytes = std::fs::read(path).map_err(|e| bad(e.to_string()))?;
    Policy::parse(&bytes).map(Some).map_err(|e| bad(e.to_string()))
}

impl Context {
    /// The policy for this node's own log: the configured one, else by position.
    ///
    /// # Errors
    /// [`PolicyFault`] where the directory makes none.
    pub(crate) fn policy(&self) -> Result<Policy, PolicyFault> {
        match &self.witness_policy {
            Some(policy) => Ok(policy.clone()),
            None => position::policy(self.verifier().directory(), &self.me),
        }
    }

    /// The nodes whose cosignatures may come: those around.
    pub(crate) fn around(&self) -> Vec<NodeId> {
        let around = position::Around::of(self.verifier().directory(), &self.me);
        let above = around.parent.into_iter().chain(around.grandparent);
        above.chain(around.children).chain(around.lateral).collect()
    }

    /// What the policy says of a checkpoint of this log with these cosignatures.
    pub(crate) fn judge(
        &self,
        policy: &Policy,
        size: u64,
        root: [u8; 32],
        by: &[Cosignature],
    ) -> Option<Judgement> {
        let origin = tram_trust::checkpoint::origin(self.network, &self.me, self.epoch);
        let checkpoint = Checkpoint::new(&origin, size, Hash(root)).ok()?;
        Some(policy.judge(&checkpoint.to_note_text(), by))
    }

    /// The newest checkpoint that is cosigned as the policy asks. Blocks.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn newest_quorum(
        &self,
        policy: &Policy,
    ) -> Result<Option<CosignedCheckpoint>, StoreError> {
        self.store.newest_cosigned(|c| self.reached(policy, c))
    }

    fn reached(&self, policy: &Policy, checkpoint: &CosignedCheckpoint) -> bool {
        let by = cosignatures(checkpoint);
        let judged = self.judge(policy, checkpoint.size, checkpoint.root, &by);
        judged.is_some_and(|judged| judged.reached)
    }

    /// A checkpoint of this log as a note with its cosignatures under it, as public tools read it.
    ///
    /// # Errors
    /// [`NoteError`].
    pub(crate) fn cosigned_note(
        &self,
        checkpoint: &CosignedCheckpoint,
    ) -> Result<String, NoteError> {
        let signed = self.checkpoint_of(checkpoint.size, checkpoint.root)?;
        let mut note = Note::parse(&signed)?;
        for cosigned in &checkpoint.by {
            // What is over the limit of lines is left out; the newest of each is kept anyway.
            if note.add(cosigned.cosignature.to_signature()).is_err() {
                break;
            }
        }
        let bytes = note.to_bytes()?;
        String::from_utf8(bytes).map_err(|_| NoteError::Malformed("UTF-8"))
    }
}

/// The cosignatures of a checkpoint.
pub(crate) fn cosignatures(checkpoint: &CosignedCheckpoint) -> Vec<Cosignature> {
    checkpoint.by.iter().map(|c| c.cosignature.clone()).collect()
}
