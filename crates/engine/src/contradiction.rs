//! What somebody holds of our own receipt log, against what we have of it.

use tram_dispatch::{Code, NodeId, Now, UnixMillis};
use tram_trust::VerifiedCheckpoint;

use crate::engine::{Engine, Fatal};
use crate::view::View;

/// A checkpoint that this node signed and that its store contradicts: why nothing is signed any
/// more, with everything that proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// `LOG_ROLLBACK`: the store knows less than was signed. `LOG_FORK`: it knows something else.
    pub code: Code,
    /// Who showed it.
    pub shown_by: NodeId,
    /// The checkpoint shown, of our log and epoch.
    pub shown: VerifiedCheckpoint,
    /// When.
    pub at: UnixMillis,
    /// Our root at the size of the checkpoint shown; absent where our log is shorter.
    pub root: Option<[u8; 32]>,
}

impl Engine {
    /// Compares a checkpoint that a peer shows of our own log. Only
    /// one that verified with our key gets here, so only what this node really signed can stop it;
    /// one of another node or of an epoch before says nothing about this log.
    ///
    /// # Errors
    /// [`Fatal`] when the store cannot be read.
    pub(crate) fn compare(
        &mut self,
        now: Now,
        shown_by: &NodeId,
        shown: VerifiedCheckpoint,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        let issuer = self.log.issuer();
        if *shown.node() != issuer.node || shown.epoch() != issuer.epoch || shown.size() == 0 {
            return Ok(());
        }
        let (size, head) = self.log.head();
        let (code, root) = if shown.size() > size {
            (Code::LogRollback, None)
        } else {
            let there = shown.size() == size;
            let root = if there { Some(head) } else { view.root_at(shown.size())? };
            if root.is_none_or(|r| r == *shown.root()) {
                if root.is_some() {
                    self.agreed(now, shown_by);
                }
                return Ok(());
            }
            (Code::LogFork, root)
        };
        // The first one stays: it is what was proved, and since when.
        self.halted.get_or_insert(code);
        let at = now.wall;
        self.contradiction.get_or_insert(Contradiction {
            code,
            shown_by: shown_by.clone(),
            shown,
            at,
            root,
        });
        Ok(())
    }

    /// Compares a checkpoint of our own log that was kept as a proof earlier. It can halt the node, and
    /// vouches for nothing: no peer shows it now.
    ///
    /// # Errors
    /// [`Fatal`] when the store cannot be read.
    pub fn weigh(
        &mut self,
        now: Now,
        kept_of: &NodeId,
        checkpoint: VerifiedCheckpoint,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        let gate = std::mem::take(&mut self.gate);
        let compared = self.compare(now, kept_of, checkpoint, view);
        self.gate = gate;
        compared
    }

    /// What stopped this node from signing, if something did.
    pub fn contradiction(&self) -> Option<&Contradiction> {
        self.contradiction.as_ref()
    }
}
