//! What opening a store found.

use super::AnchorState;
use crate::journal;

/// What opening a store found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryReport {
    /// The journal: created, or recovered, perhaps with a torn batch discarded.
    pub journal: journal::RecoveryReport,
    /// The index.
    pub index: IndexRecovery,
    /// The store beside its anchor. Unless [`AnchorState::is_safe`], nothing may be signed before
    /// a peer or the operator has spoken, which is for the engine.
    pub anchor: AnchorState,
    /// Leaves of the receipt log.
    pub tree_size: u64,
    /// Dispatches with something left to do.
    pub open_dispatches: u64,
}

/// How the index was brought up to the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexRecovery {
    /// Why it was built anew, if it was; in words.
    pub rebuilt: Option<String>,
    /// Batches that were read from the journal.
    pub replayed_batches: u64,
    /// Their records.
    pub replayed_records: u64,
}
