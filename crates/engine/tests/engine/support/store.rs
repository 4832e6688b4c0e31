//! A store in memory: the records in order, and what can be rebuilt from them.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tram_dispatch::envelope::Sequence;
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, Event, Reference, UnixMillis};
use tram_engine::record::{Cause, Leaf, Quarantine};
use tram_engine::state::numbers::Numbers;
use tram_engine::{Batch, NumberUse, Record, Recovered, View, ViewError};
use tram_tlog::{Frontier, MemoryTree, inclusion_proof, leaf_hash, root_at};
use tram_wire::evidence::commitment;
use tram_wire::{Receipt, SignedRoot};

use super::net::{Life, net};

#[derive(Clone, Default)]
pub(crate) struct MemStore {
    pub(crate) records: Vec<Record>,
    histories: BTreeMap<DispatchId, Vec<usize>>,
    references: BTreeMap<(AgencyCode, Reference), DispatchId>,
    open: BTreeSet<DispatchId>,
    tree: MemoryTree,
    frontier: Frontier,
    leaves: Vec<Leaf>,
    roots: BTreeMap<u64, SignedRoot>,
    /// Dispatches whose records cannot be read at present; a start finds all but the beginning.
    pub(crate) unreadable: BTreeSet<DispatchId>,
    /// So many reads of records fail from now on.
    pub(crate) failing: Cell<u32>,
    /// No receipt of our own can be read at present.
    pub(crate) receipts_unreadable: bool,
}

impl MemStore {
    /// A new log, with its genesis leaf signed.
    pub(crate) fn new(life: &Life) -> Self {
        let mut store = MemStore::default();
        let genesis = tram_wire::genesis::leaf(&life.genesis);
        let leaf = Leaf { index: 0, salt: genesis.salt, record: genesis.bytes.into() };
        store.push(Record::Genesis(leaf));
        let mut root = SignedRoot {
            key: Digest(life.receipt.public_key().key_id()),
            node: life.genesis.node.clone(),
            epoch: life.epoch,
            size: 1,
            time: life.genesis.started_at,
            root: store.frontier.root().0,
            signature: Vec::new(),
        };
        root.signature = life.receipt.sign(&root.to_be_signed(life.genesis.network)).unwrap();
        store.push(Record::Root(root));
        store
    }

    /// Makes a batch durable.
    pub(crate) fn commit(&mut self, batch: Batch) {
        let (before, nodes) = (self.tree.size(), batch.tree_nodes.len());
        batch.records.into_iter().for_each(|r| self.push(r));
        let grown = self.tree.size() - before;
        assert!(nodes as u64 >= grown, "{nodes} tree nodes for {grown} leaves");
        assert!(self.roots.contains_key(&self.tree.size()), "leaves without a signed root");
    }

    fn push(&mut self, record: Record) {
        if let Some(leaf) = record.leaf() {
            assert_eq!(leaf.index, self.tree.size(), "leaves come in order");
            let hash = leaf_hash(&commitment(&leaf.salt, &leaf.record));
            self.tree.push_hash(hash);
            self.frontier.append(hash);
            self.leaves.push(leaf.clone());
        }
        match &record {
            Record::Held(h) => {
                let key = (h.originator.clone(), h.reference.clone());
                self.references.entry(key).or_insert(h.dispatch);
                self.open.insert(h.dispatch);
            }
            Record::Closed(id) => _ = self.open.remove(id),
            Record::Attempt(a) => _ = self.open.insert(a.dispatch),
            Record::Quarantine(Quarantine { dispatch, cause: Some(_), .. }) => {
                self.open.insert(*dispatch);
            }
            Record::Root(root) => {
                assert_eq!((root.size, root.root), (self.tree.size(), self.tree.root().0));
                assert!(self.roots.insert(root.size, root.clone()).is_none(), "a size twice");
            }
            Record::Evidence(own) if own.evidence.event == Event::DocumentsRemoval => {}
            other => {
                // Something happened to a dispatch that was closed: it is looked after again.
                let held = |id: &DispatchId| {
                    let history = self.histories.get(id).into_iter().flatten();
                    history.map(|i| &self.records[*i]).any(|r| matches!(r, Record::Held(_)))
                };
                self.open.extend(other.dispatch().filter(held));
            }
        }
        if let Some(id) = record.dispatch() {
            self.histories.entry(id).or_default().push(self.records.len());
        }
        self.records.push(record);
    }

    /// What a start finds.
    pub(crate) fn recover(&self) -> Recovered {
        let about_peers = |r: &&Record| {
            matches!(r, Record::PeerEpoch(_) | Record::PeerCheckpoint(_) | Record::Cosigned(_))
        };
        let mut numbers = Numbers::default();
        self.records.iter().for_each(|record| numbers.apply(record));
        Recovered {
            anchor: Default::default(),
            custody_base: 0,
            frontier: self.frontier.clone(),
            last_time: self.roots.values().map(|r| r.time).max().unwrap_or(UnixMillis(0)),
            peers: self.records.iter().filter(about_peers).cloned().collect(),
            open: self.open.iter().map(|id| self.found(id)).collect(),
            numbers,
        }
    }

    fn found(&self, id: &DispatchId) -> Vec<Record> {
        let places = self.histories.get(id).into_iter().flatten();
        let mut history: Vec<Record> = places.map(|i| self.records[*i].clone()).collect();
        if self.unreadable.contains(id) {
            history.retain(|r| !matches!(r, Record::Held(_)));
            let detail = "a sector's checksum is wrong".to_owned();
            let cause = Some(Cause { code: Code::StoreCorrupt, detail, unread: true });
            let at = UnixMillis(0);
            history.push(Record::Quarantine(Quarantine { dispatch: *id, cause, at }));
        }
        history
    }

    pub(crate) fn head(&self) -> (u64, [u8; 32]) {
        (self.tree.size(), self.tree.root().0)
    }

    pub(crate) fn is_open(&self, id: &DispatchId) -> bool {
        self.open.contains(id)
    }
}

impl View for MemStore {
    fn by_reference(
        &self,
        originator: &AgencyCode,
        reference: &Reference,
    ) -> Result<Option<DispatchId>, ViewError> {
        Ok(self.references.get(&(originator.clone(), reference.clone())).copied())
    }

    fn history(&self, dispatch: &DispatchId) -> Result<Vec<Record>, ViewError> {
        let fails = self.failing.get() > 0;
        self.failing.set(self.failing.get().saturating_sub(1));
        if fails || self.unreadable.contains(dispatch) {
            return Err(ViewError("a sector's checksum is wrong".to_owned()));
        }
        let places = self.histories.get(dispatch).into_iter().flatten();
        Ok(places.map(|i| self.records[*i].clone()).collect())
    }

    fn own_receipt(&self, leaf: u64) -> Result<Option<Arc<[u8]>>, ViewError> {
        if self.receipts_unreadable {
            return Err(ViewError("a sector's checksum is wrong".to_owned()));
        }
        let Some((size, root)) = self.roots.range(leaf + 1..).next() else { return Ok(None) };
        let stored = &self.leaves[leaf as usize];
        let path: Vec<[u8; 32]> =
            inclusion_proof(&self.tree, leaf, *size).unwrap().iter().map(|h| h.0).collect();
        let network = net().base.id();
        let built = Receipt::build(network, root, leaf, &path, &stored.salt, &stored.record);
        Ok(Some(built.map_err(|e| ViewError(e.to_string()))?.raw().clone()))
    }

    fn number_use(
        &self,
        originator: &AgencyCode,
        sequence: Sequence,
    ) -> Result<Option<(NumberUse, UnixMillis)>, ViewError> {
        let found = self.records.iter().find_map(|record| match record {
            Record::Evidence(own) => {
                let e = &own.evidence;
                let it = e.originator == *originator && e.sequence == Some(sequence);
                let what = match e.event {
                    Event::SubmissionAcceptance => NumberUse::Accepted,
                    Event::SubmissionRejection => NumberUse::Refused,
                    _ => NumberUse::Void,
                };
                it.then_some((what, e.time))
            }
            _ => None,
        });
        Ok(found)
    }

    fn root_at(&self, size: u64) -> Result<Option<[u8; 32]>, ViewError> {
        Ok(root_at(&self.tree, size).ok().map(|h| h.0))
    }
}
