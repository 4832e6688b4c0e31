//! What a start finds.

use tram_dispatch::UnixMillis;
use tram_tlog::Frontier;

use crate::anchor::Anchor;
use crate::record::Record;
use crate::state::numbers::Numbers;

/// What recovery found in the store.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The receipt log's frontier.
    pub frontier: Frontier,
    /// The custody number that follows the last one of earlier epochs; 0 where there was none.
    pub custody_base: u64,
    /// Commit time of its newest root.
    pub last_time: UnixMillis,
    /// Records about peers, oldest first.
    pub peers: Vec<Record>,
    /// The history of every dispatch that was not closed.
    pub open: Vec<Vec<Record>>,
    /// What is counted of each originator.
    pub numbers: Numbers,
    /// What the anchor file, outside the store, says of it.
    pub anchor: Anchor,
}
