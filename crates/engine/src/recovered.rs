//! What a start finds.

use tram_dispatch::UnixMillis;
use tram_tlog::Frontier;

use crate::record::Record;
use crate::state::numbers::Numbers;

/// What recovery found in the store.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The receipt log's frontier.
    pub frontier: Frontier,
    /// Commit time of its newest root.
    pub last_time: UnixMillis,
    /// Records about peers, oldest first.
    pub peers: Vec<Record>,
    /// The history of every dispatch that was not closed.
    pub open: Vec<Vec<Record>>,
    /// What is counted of each originator.
    pub numbers: Numbers,
}
