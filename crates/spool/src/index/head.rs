//! The head: how far the index has come, and what was counted on the way. Written in the same
//! transaction as the entries it speaks of.

use super::IndexError;
use crate::journal::{self, BatchPosition, Position};
use crate::records::{Reader, RecordError, Writer};
use tram_dispatch::UnixMillis;
use tram_tlog::{Frontier, Hash};

/// Numbers of things in a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Dispatches this node ever held.
    pub dispatches: u64,
    /// Leaves of its receipt log, the genesis leaf included.
    pub leaves: u64,
    /// Receipts of other nodes.
    pub foreign: u64,
    /// Signed roots.
    pub roots: u64,
    /// Records in the journal since it began.
    pub records: u64,
}

/// The state of the index between two batches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) store_id: [u8; 16],
    /// The last batch applied.
    pub(crate) reached: Option<BatchPosition>,
    /// [`tag`] of that batch: tells another batch of the same number from it.
    pub(crate) tag: u32,
    /// Commit time of the newest signed root.
    pub(crate) last_time: UnixMillis,
    /// Where the genesis record lies.
    pub(crate) genesis: Option<Position>,
    pub(crate) counts: Counts,
    /// The custody number that follows those of earlier epochs.
    pub(crate) custody_base: u64,
    /// The receipt log.
    pub(crate) frontier: Frontier,
}

/// CRC-32C over a batch's records.
pub(crate) fn tag(records: &[journal::Record]) -> u32 {
    records.iter().fold(0, |crc, record| {
        let crc = crc32c::crc32c_append(crc, &record.kind.to_le_bytes());
        crc32c::crc32c_append(crc, &record.body)
    })
}

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(256);
        w.fixed(&self.store_id).bool(self.reached.is_some());
        if let Some(reached) = self.reached {
            w.fixed(&reached.to_bytes());
        }
        w.uint(self.tag.into()).uint(self.last_time.0).bool(self.genesis.is_some());
        if let Some(genesis) = self.genesis {
            w.fixed(&genesis.to_bytes());
        }
        let c = &self.counts;
        w.uint(c.dispatches).uint(c.leaves).uint(c.foreign).uint(c.roots).uint(c.records);
        w.uint(self.custody_base).uint(self.frontier.size());
        w.list(self.frontier.peaks(), |w, peak| _ = w.fixed(&peak.0));
        w.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, IndexError> {
        read(&mut Reader::new(0, bytes)).map_err(|e| IndexError::damaged(format_args!("head: {e}")))
    }
}

fn read(r: &mut Reader<'_>) -> Result<Head, RecordError> {
    let store_id = r.fixed("store_id")?;
    let reached = match r.bool("reached")? {
        true => Some(BatchPosition::from_bytes(&r.fixed("reached")?)),
        false => None,
    };
    let tag = u32::try_from(r.uint("tag")?).map_err(|e| r.bad("tag", e))?;
    let last_time = UnixMillis(r.uint("last_time")?);
    let genesis = match r.bool("genesis")? {
        true => Some(Position::from_bytes(&r.fixed("genesis")?)),
        false => None,
    };
    let counts = Counts {
        dispatches: r.uint("dispatches")?,
        leaves: r.uint("leaves")?,
        foreign: r.uint("foreign")?,
        roots: r.uint("roots")?,
        records: r.uint("records")?,
    };
    let custody_base = r.uint("custody_base")?;
    let size = r.uint("size")?;
    let peaks = r.list("peaks", |r| Ok(Hash(r.fixed("peaks")?)))?;
    let frontier = Frontier::from_parts(size, peaks).map_err(|e| r.bad("peaks", e))?;
    r.end()?;
    Ok(Head { store_id, reached, tag, last_time, genesis, counts, custody_base, frontier })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_round_trips_and_cuts_are_noticed() {
        let mut frontier = Frontier::new();
        (0..11_u8).for_each(|n| _ = frontier.append(Hash([n; 32])));
        let head = Head {
            store_id: [3; 16],
            reached: Some(BatchPosition { segment: 2, offset: 512, batch_seq: 77 }),
            tag: u32::MAX,
            last_time: UnixMillis(5),
            genesis: Some(Position { segment: 1, offset: 600, record: 0 }),
            counts: Counts { dispatches: 1, leaves: 2, foreign: 3, roots: 4, records: 500 },
            custody_base: 9,
            frontier,
        };
        let bytes = head.encode();
        assert_eq!(Head::decode(&bytes).unwrap(), head);
        assert!((0..bytes.len()).all(|len| Head::decode(&bytes[..len]).is_err()));
    }
}
