//! Reading through the index into the journal.

use super::audit::Trace;
use super::audit::facts::Fact;
use super::kv::Kv;
use super::ordered::{take_position, take_uint};
use super::{IndexError, keys};
use crate::journal::{JournalReader, Position};
use crate::records;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use tram_dispatch::DispatchId;
use tram_engine::record::{Leaf, Record};
use tram_tlog::{Hash, TileSource};
use tram_wire::receipt::SignedRoot;

/// The index and the journal it leads to. Clones are handles.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub(crate) kv: Arc<Kv>,
    pub(crate) journal: JournalReader,
}

impl Lookup {
    /// The record at a position.
    pub(crate) fn record(&self, at: Position) -> Result<Record, IndexError> {
        Ok(records::decode(&self.journal.read(at)?)?)
    }

    /// Where the records of a dispatch lie, in commit order, with their kinds.
    pub(crate) fn history(&self, id: &DispatchId) -> Result<Vec<(Position, u8)>, IndexError> {
        let mut found = Vec::new();
        self.facts(id, |at, kind, _| found.push((at, kind)))?;
        Ok(found)
    }

    /// How far the legs of a dispatch had come before a position.
    pub(crate) fn trace_before(
        &self,
        id: &DispatchId,
        before: Option<Position>,
    ) -> Result<Trace, IndexError> {
        let mut trace = Trace::default();
        let mut bad = false;
        self.facts(id, |at, _, fact| {
            if !fact.is_empty() && before.is_none_or(|before| at < before) {
                match Fact::read(fact) {
                    Some(fact) => _ = trace.learn(&fact, at),
                    None => bad = true,
                }
            }
        })?;
        if bad { Err(IndexError::damaged("a fact in a history cannot be read")) } else { Ok(trace) }
    }

    /// Shows the entries of a dispatch's history: where, which kind, and the fact kept with it.
    fn facts(
        &self,
        id: &DispatchId,
        mut each: impl FnMut(Position, u8, &[u8]),
    ) -> Result<(), IndexError> {
        let prefix = keys::history(id);
        for (key, value) in self.kv.all(&prefix)? {
            let bad = || IndexError::damaged("an entry of a history cannot be read");
            keys::position_of(&key, prefix.len()).ok_or_else(bad)?;
            let mut rest = value.as_slice();
            while !rest.is_empty() {
                let at = take_position(&mut rest).ok_or_else(bad)?;
                let (kind, behind) = rest.split_first().ok_or_else(bad)?;
                rest = behind;
                let length = take_uint(&mut rest).and_then(|n| usize::try_from(n).ok());
                let (fact, behind) =
                    length.and_then(|n| rest.split_at_checked(n)).ok_or_else(bad)?;
                each(at, *kind, fact);
                rest = behind;
            }
        }
        Ok(())
    }

    /// Every record of a dispatch, in commit order.
    pub(crate) fn records_of(&self, id: &DispatchId) -> Result<Vec<Record>, IndexError> {
        self.history(id)?.into_iter().map(|(at, _)| self.record(at)).collect()
    }

    /// Where custody of a dispatch began, if it ever did.
    pub(crate) fn held_at(&self, id: &DispatchId) -> Result<Option<Position>, IndexError> {
        let held = |(_, kind): &(Position, u8)| u16::from(*kind) == records::kind::HELD;
        Ok(self.history(id)?.into_iter().find(held).map(|(at, _)| at))
    }

    /// A leaf of our own log, with the record that holds it.
    pub(crate) fn leaf(&self, index: u64) -> Result<Option<Record>, IndexError> {
        let Some(value) = self.kv.get(&keys::leaf(index))? else { return Ok(None) };
        let mut rest = value.as_slice();
        let at = take_position(&mut rest)
            .filter(|_| rest.is_empty())
            .ok_or_else(|| IndexError::damaged("the entry of a leaf cannot be read"))?;
        let record = self.record(at)?;
        match record.leaf() {
            Some(Leaf { index: found, .. }) if *found == index => Ok(Some(record)),
            _ => Err(IndexError::damaged(format_args!("leaf {index} is not where it should be"))),
        }
    }

    /// The root signed for exactly this size.
    pub(crate) fn root(&self, size: u64) -> Result<Option<SignedRoot>, IndexError> {
        self.kv.get(&keys::root(size))?.map(|bytes| signed_root(&bytes)).transpose()
    }

    /// The root of the commit that holds a leaf: the first one signed for a larger size.
    pub(crate) fn root_over(&self, leaf: u64) -> Result<Option<SignedRoot>, IndexError> {
        let from = keys::root(leaf.saturating_add(1));
        let found = self.kv.page(&from, &keys::behind(&[keys::ROOTS]), 1)?;
        found.first().map(|(_, bytes)| signed_root(bytes)).transpose()
    }
}

fn signed_root(bytes: &[u8]) -> Result<SignedRoot, IndexError> {
    SignedRoot::decode(bytes).map_err(|e| IndexError::damaged(format_args!("a signed root: {e}")))
}

/// The hashes of one tile, if there is such a tile.
type Tile = Option<Vec<Hash>>;

/// Tiles of the log, each read once. A failure is kept and asked for with [`Tiles::failed`], since
/// the proof only learns that a node is missing.
#[derive(Debug)]
pub(crate) struct Tiles<'a> {
    kv: &'a Kv,
    read: RefCell<BTreeMap<(u8, u64), Tile>>,
    failed: RefCell<Option<IndexError>>,
}

impl<'a> Tiles<'a> {
    pub(crate) fn new(kv: &'a Kv) -> Self {
        Self { kv, read: RefCell::default(), failed: RefCell::default() }
    }

    /// The failure behind a missing node, if there was one.
    pub(crate) fn failed(&self) -> Option<IndexError> {
        self.failed.borrow_mut().take()
    }
}

impl TileSource for Tiles<'_> {
    fn tile(&self, tile_level: u8, tile_index: u64) -> Option<Vec<Hash>> {
        let mut read = self.read.borrow_mut();
        let known = read.entry((tile_level, tile_index)).or_insert_with(|| {
            match self.kv.get(&keys::tile(tile_level, tile_index)) {
                Ok(value) => value.map(|bytes| hashes(&bytes)),
                Err(e) => {
                    self.failed.borrow_mut().get_or_insert(e);
                    None
                }
            }
        });
        known.clone()
    }
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    let (hashes, _) = bytes.as_chunks::<32>();
    hashes.iter().map(|h| Hash(*h)).collect()
}
