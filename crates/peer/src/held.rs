//! What each side holds of the other's log, and what that proves.

use std::sync::Arc;

use tram_dispatch::{Code, EpochId, NodeId};
use tram_tlog::{Hash, verify_consistency};
use tram_trust::{VerifiedCheckpoint, Verifier};

use crate::Refused;

/// The newest checkpoint that we hold of the peer's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCheckpoint {
    /// The epoch.
    pub epoch: EpochId,
    /// The size.
    pub size: u64,
    /// The root.
    pub root: [u8; 32],
    /// The signed note, as the peer gave it.
    pub note: Arc<[u8]>,
}

/// What a peer says that it holds of our log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It holds nothing.
    Nothing,
    /// Our own signature proves it.
    Proved(VerifiedCheckpoint),
    /// Nothing proves it, and it counts for nothing; why.
    Unproved(String),
}

/// Two checkpoints that the peer signed and that contradict each other, or that it did not show to
/// be one history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoHistories {
    /// `LOG_ROLLBACK` or `LOG_FORK`.
    pub code: Code,
    /// What we held.
    pub held: HeldCheckpoint,
    /// What it showed; empty for an empty log.
    pub shown: Arc<[u8]>,
}

impl HeldCheckpoint {
    pub(crate) fn of(shown: &VerifiedCheckpoint) -> Self {
        HeldCheckpoint {
            epoch: shown.epoch(),
            size: shown.size(),
            root: *shown.root(),
            note: shown.note().into(),
        }
    }

    /// Compares a tree that the peer shows with this one. True if a consistency proof must settle
    /// it.
    pub(crate) fn needs_proof(
        &self,
        peer: &NodeId,
        size: u64,
        root: &[u8; 32],
    ) -> Result<bool, Refused> {
        if size < self.size {
            let detail = format!("the log of {peer} has {size} leaves, we hold {}", self.size);
            return Err(Refused::new(Code::LogRollback, detail));
        }
        if size == self.size && *root != self.root {
            let detail = format!("two roots of the log of {peer} at size {size}");
            return Err(Refused::new(Code::LogFork, detail));
        }
        Ok(size > self.size)
    }

    /// Whether this path proves that the tree shown extends this one.
    pub(crate) fn is_extended_by(&self, shown: &VerifiedCheckpoint, path: Vec<[u8; 32]>) -> bool {
        let path: Vec<Hash> = path.into_iter().map(Hash).collect();
        let (old, new) = (Hash(self.root), Hash(*shown.root()));
        verify_consistency(self.size, &old, shown.size(), &new, &path).is_ok()
    }
}

impl Claim {
    /// Reads what a hello says. Only a note that our own checkpoint key signed, for our own log,
    /// proves anything: whatever else a peer says could be said to halt us.
    pub(crate) fn read(me: &NodeId, note: Option<&[u8]>, verifier: &Verifier) -> Self {
        let Some(note) = note else { return Claim::Nothing };
        match verifier.checkpoint(me, note) {
            Ok(checkpoint) => Claim::Proved(checkpoint),
            Err(refusal) => Claim::Unproved(refusal.detail),
        }
    }
}
