//! Who cosigned checkpoints of this node's log.

use std::collections::BTreeMap;

use tram_dispatch::NodeId;
use tram_engine::record::{Cosigned, Record};

use super::{StoreError, StoreReader};
use crate::index::ordered::take_position;
use crate::index::{IndexError, keys};

/// Most cosignatures looked at to find one checkpoint.
pub const LOOKED_AT_MAX: usize = 65_536;
/// So many of them at a time.
const AT_A_TIME: usize = 1_024;
/// The newest checkpoint is looked for in so many tree sizes at first, then in eight times as many,
/// and so on, as long as few cosignatures lie there.
const WINDOW: u64 = 256;

/// A checkpoint of this node's log, by those who cosigned it.
#[derive(Clone, Debug, PartialEq)]
pub struct CosignedCheckpoint {
    /// Tree size.
    pub size: u64,
    /// Root.
    pub root: [u8; 32],
    /// The cosignatures, by witness; at least one.
    pub by: Vec<Cosigned>,
}

impl StoreReader {
    /// The newest cosignature of each witness.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cosigned_by(&self) -> Result<BTreeMap<NodeId, Cosigned>, StoreError> {
        let mut newest = BTreeMap::new();
        for (key, value) in self.lookup.kv.all(&[keys::PEERS])? {
            if keys::is_peer_cosigned(&key)
                && let Some(cosigned) = self.cosigned_at(&value)?
            {
                newest.insert(cosigned.witness.clone(), cosigned);
            }
        }
        Ok(newest)
    }

    /// The smallest checkpoint of at least this size that `enough` takes: for evidence about a leaf,
    /// ask from its index plus one. `None` also where none of the next [`LOOKED_AT_MAX`]
    /// cosignatures makes one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cosigned_from(
        &self,
        size: u64,
        mut enough: impl FnMut(&CosignedCheckpoint) -> bool,
    ) -> Result<Option<CosignedCheckpoint>, StoreError> {
        let mut start = keys::cosigned_from(size);
        let end = keys::behind(&[keys::COSIGNATURES]);
        for _ in 0..LOOKED_AT_MAX / AT_A_TIME {
            let groups = self.by_size(&start, &end, AT_A_TIME)?;
            let Some(last) = groups.keys().next_back().copied() else { return Ok(None) };
            let whole = groups.values().map(Vec::len).sum::<usize>() < AT_A_TIME;
            for (size, places) in groups {
                // The last size of a full page may have more.
                if !whole && size == last {
                    break;
                }
                if let Some(found) = self.checkpoint(size, &places)?.filter(|c| enough(c)) {
                    return Ok(Some(found));
                }
            }
            if whole {
                return Ok(None);
            }
            start = keys::cosigned_from(last);
        }
        Ok(None)
    }

    /// The newest checkpoint of at least this size that `enough` takes. `None` also where none of the
    /// newest [`LOOKED_AT_MAX`] cosignatures makes one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn newest_cosigned(
        &self,
        at_least: u64,
        mut enough: impl FnMut(&CosignedCheckpoint) -> bool,
    ) -> Result<Option<CosignedCheckpoint>, StoreError> {
        let mut end = keys::behind(&[keys::COSIGNATURES]);
        let Some(mut newest) = self.cosigned_by()?.values().map(|c| c.size).max() else {
            return Ok(None);
        };
        let (mut window, mut looked_at) = (WINDOW, 0);
        while newest >= at_least && looked_at < LOOKED_AT_MAX {
            let from = newest.saturating_sub(window).max(at_least);
            let start = keys::cosigned_from(from);
            let max = if from == newest { LOOKED_AT_MAX } else { AT_A_TIME };
            let groups = self.by_size(&start, &end, max)?;
            let count = groups.values().map(Vec::len).sum::<usize>();
            if count == max && from < newest {
                // A page is cut at its end, which is where the newest are.
                window /= 2;
                continue;
            }
            for (size, places) in groups.into_iter().rev() {
                if let Some(found) = self.checkpoint(size, &places)?.filter(|c| enough(c)) {
                    return Ok(Some(found));
                }
            }
            let Some(below) = from.checked_sub(1) else { break };
            looked_at += count;
            (end, newest, window) = (start, below, window.max(1).saturating_mul(8));
        }
        Ok(None)
    }

    /// Where the cosignatures of one range of the table lie, by tree size.
    fn by_size(
        &self,
        from: &[u8],
        to: &[u8],
        max: usize,
    ) -> Result<BTreeMap<u64, Vec<Vec<u8>>>, StoreError> {
        let mut out: BTreeMap<u64, Vec<Vec<u8>>> = BTreeMap::new();
        for (key, value) in self.lookup.kv.page(from, to, max)? {
            let size = keys::cosigned_size(&key)
                .ok_or_else(|| IndexError::damaged("an entry of a cosignature cannot be read"))?;
            out.entry(size).or_default().push(value);
        }
        Ok(out)
    }

    fn checkpoint(
        &self,
        size: u64,
        places: &[Vec<u8>],
    ) -> Result<Option<CosignedCheckpoint>, StoreError> {
        let mut by = Vec::with_capacity(places.len());
        for place in places {
            by.extend(self.cosigned_at(place)?);
        }
        // All are of this log, which has one root at a size.
        let root = by.first().map(|c: &Cosigned| c.root);
        Ok(root.map(|root| CosignedCheckpoint { size, root, by }))
    }

    fn cosigned_at(&self, value: &[u8]) -> Result<Option<Cosigned>, StoreError> {
        let mut rest = value;
        let at = take_position(&mut rest)
            .ok_or_else(|| IndexError::damaged("an entry of a cosignature cannot be read"))?;
        Ok(match self.lookup.record(at)? {
            Record::Cosigned(cosigned) => Some(cosigned),
            _ => None,
        })
    }
}
