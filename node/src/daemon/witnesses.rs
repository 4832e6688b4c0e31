//! Who must cosign this node's checkpoints, and who did.

use tram_config::Config;
use tram_dispatch::{Code, NodeId};
use tram_spool::store::{CosignedCheckpoint, StoreError};
use tram_tlog::cosignature::Cosignature;
use tram_tlog::note::{NOTE_SIGNATURES_MAX, Note, NoteError};
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
        checkpoint: &CosignedCheckpoint,
    ) -> Option<Judgement> {
        let text = self.own_checkpoint(checkpoint.size, checkpoint.root).ok()?.to_note_text();
        let by: Vec<Cosignature> = checkpoint.by.iter().map(|c| c.cosignature.clone()).collect();
        Some(policy.judge(&text, &by))
    }

    /// Whether a checkpoint is cosigned as the policy asks.
    pub(crate) fn reached(&self, policy: &Policy, checkpoint: &CosignedCheckpoint) -> bool {
        self.judge(policy, checkpoint).is_some_and(|judged| judged.reached)
    }

    /// The newest checkpoint that is cosigned as the policy asks. Blocks.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn newest_quorum(
        &self,
        policy: &Policy,
    ) -> Result<Option<CosignedCheckpoint>, StoreError> {
        self.store.newest_cosigned(0, |c| self.reached(policy, c))
    }

    /// A checkpoint of this log as a note with its cosignatures under it, as public tools read it: those
    /// of the policy's witnesses first, since a note has at most [`NOTE_SIGNATURES_MAX`] lines.
    ///
    /// # Errors
    /// [`NoteError`].
    pub(crate) fn cosigned_note(
        &self,
        policy: Option<&Policy>,
        checkpoint: &CosignedCheckpoint,
    ) -> Result<Vec<u8>, NoteError> {
        let mut note = Note::parse(&self.signed_checkpoint(checkpoint.size, checkpoint.root)?)?;
        for line in lines(policy, checkpoint).take(NOTE_SIGNATURES_MAX - 1) {
            note.add(line.to_signature())?;
        }
        note.to_bytes()
    }
}

/// The cosignatures of a checkpoint, those of the policy's witnesses first.
fn lines<'a>(
    policy: Option<&'a Policy>,
    checkpoint: &'a CosignedCheckpoint,
) -> impl Iterator<Item = &'a Cosignature> {
    let asked = move |c: &&Cosignature| {
        let witnesses = policy.map(Policy::witnesses).unwrap_or_default();
        witnesses.iter().any(|w| w.key.name() == c.name())
    };
    let all = || checkpoint.by.iter().map(|c| &c.cosignature);
    all().filter(asked).chain(all().filter(move |c| !asked(c)))
}
