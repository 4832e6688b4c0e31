//! What a batch adds to the index. Normal running, recovery and the check all come here.

use super::audit::facts::Fact;
use super::audit::touched::Seals;
use super::audit::{Auditor, Past};
use super::growth::Growth;
use super::head::Head;
use super::kv::{Kv, Put};
use super::lookup::Lookup;
use super::numbers::AllSeries;
use super::ordered::{position, put_position, put_uint};
use super::{IndexError, keys, numbers};
use crate::journal::{BatchPosition, Position};
use crate::records::kind;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use tram_dispatch::{AgencyCode, DispatchId, EpochId, Event, EvidenceRecord, NodeId};
use tram_engine::record::{Held, Quarantine, Record};
use tram_tlog::tile::{TILE_WIDTH, tile_updates};

/// Dispatches with something left to do, shared with the readers.
pub(crate) type Active = Arc<RwLock<HashSet<DispatchId>>>;

/// A batch on its way into the index.
#[derive(Debug)]
pub(crate) struct Applied<'a> {
    pub(crate) at: BatchPosition,
    /// [`super::head::tag`] of its journal records.
    pub(crate) tag: u32,
    pub(crate) positions: &'a [Position],
    pub(crate) records: &'a [Record],
    pub(crate) growth: Growth<'a>,
}

/// The newest records about a peer.
#[derive(Clone, Debug, Default)]
pub(crate) struct PeerLatest {
    pub(crate) epoch: Option<(EpochId, Position)>,
    /// Of each epoch of its log the newest checkpoint.
    pub(crate) checkpoints: BTreeMap<EpochId, Position>,
    /// Its newest cosignature on the own log.
    pub(crate) cosigned: Option<Position>,
}

/// What must be known to index the next batch.
#[derive(Debug)]
pub(crate) struct Indexer {
    pub(crate) head: Head,
    pub(crate) active: Active,
    pub(crate) peers: BTreeMap<NodeId, PeerLatest>,
    /// The series that this node's key provider counts.
    pub(crate) series: AllSeries,
    pub(crate) auditor: Auditor,
    seals: Seals,
    /// The hashes of the last, not yet full tile of each tile level.
    tails: Vec<Vec<u8>>,
}

impl Indexer {
    /// At the beginning of a journal.
    pub(crate) fn new(store_id: [u8; 16]) -> Self {
        Self {
            head: Head { store_id, ..Head::default() },
            active: Active::default(),
            peers: BTreeMap::new(),
            series: AllSeries::new(),
            auditor: Auditor::default(),
            seals: Seals::default(),
            tails: Vec::new(),
        }
    }

    /// Where the index file ends.
    pub(crate) fn load(lookup: &Lookup) -> Result<Option<Self>, IndexError> {
        let Some(head) = lookup.kv.get(keys::HEAD)? else { return Ok(None) };
        let head = Head::decode(&head)?;
        let mut active = HashSet::new();
        for (key, _) in lookup.kv.all(&[keys::ACTIVE])? {
            let id = key[1..].try_into().map_err(|_| IndexError::damaged("an active dispatch"))?;
            active.insert(DispatchId(id));
        }
        let mut peers: BTreeMap<NodeId, PeerLatest> = BTreeMap::new();
        for (key, value) in lookup.kv.all(&[keys::PEERS])? {
            let mut rest = value.as_slice();
            let at = super::ordered::take_position(&mut rest)
                .ok_or_else(|| IndexError::damaged("an entry of a peer cannot be read"))?;
            match lookup.record(at)? {
                Record::PeerEpoch(r) if key == keys::peer_epoch(&r.peer) => {
                    peers.entry(r.peer).or_default().epoch = Some((r.epoch, at));
                }
                Record::PeerCheckpoint(r) if key == keys::peer_checkpoint(&r.peer, &r.epoch) => {
                    peers.entry(r.peer).or_default().checkpoints.insert(r.epoch, at);
                }
                Record::Cosigned(r) if key == keys::peer_cosigned(&r.witness) => {
                    peers.entry(r.witness).or_default().cosigned = Some(at);
                }
                _ => return Err(IndexError::damaged("an entry of a peer leads elsewhere")),
            }
        }
        let series = numbers::load(&lookup.kv)?;
        let tails = load_tails(&lookup.kv, head.frontier.size())?;
        let (active, auditor) = (Arc::new(RwLock::new(active)), Auditor::default());
        let seals = Seals::default();
        Ok(Some(Self { head, active, peers, series, auditor, seals, tails }))
    }

    /// The entries of one batch.
    ///
    /// # Errors
    /// [`IndexError`]; then this value is of no more use.
    pub(crate) fn apply(
        &mut self,
        batch: &Applied<'_>,
        past: &impl Past,
    ) -> Result<Vec<Put>, IndexError> {
        let time = batch.growth.root.map_or(self.head.last_time, |root| root.time);
        let mut out = Vec::with_capacity(batch.records.len() * 5);
        let mut begun: BTreeSet<DispatchId> = BTreeSet::new();
        let mut histories: BTreeMap<DispatchId, (Position, Vec<u8>)> = BTreeMap::new();
        for (at, record) in batch.positions.iter().zip(batch.records) {
            self.apply_one(&mut out, *at, record);
            let fact = self.auditor.note(&mut out, *at, record, past)?;
            let Some(id) = record.dispatch() else { continue };
            let (_, history) = histories.entry(id).or_insert((*at, Vec::with_capacity(32)));
            put_position(history, *at);
            history.push(kind_of(record) as u8);
            put_fact(history, fact.as_ref());
            match record {
                Record::Held(_) => {
                    begun.insert(id);
                    self.activate(&mut out, id);
                }
                Record::Closed(_) => {
                    put(&mut out, keys::at(keys::event(keys::CLOSED_EVENT, time), *at), Vec::new());
                    self.deactivate(&mut out, id);
                }
                // It changes nothing about what is left to do.
                _ if event_of(record) == Some(Event::DocumentsRemoval) => {
                    put(&mut out, keys::at(keys::removals(&id), *at), Vec::new());
                }
                // Kept in mind also for one that was never taken, so that every start counts on
                // from there; until the operator releases it.
                Record::Attempt(_) | Record::Quarantine(Quarantine { cause: Some(_), .. }) => {
                    self.activate(&mut out, id);
                }
                Record::Quarantine(Quarantine { cause: None, .. })
                    if !begun.contains(&id) && !past.held(&id)? =>
                {
                    self.deactivate(&mut out, id);
                }
                // Something happened to a dispatch that was closed: it is looked after again.
                _ if !self.is_active(&id) && (begun.contains(&id) || past.held(&id)?) => {
                    self.activate(&mut out, id);
                }
                _ => {}
            }
        }
        self.seals.note(&mut out, time, batch.positions, batch.records);
        for (id, (at, history)) in histories {
            put(&mut out, keys::at(keys::history(&id), at), history);
        }
        self.auditor.settle();
        self.grow(&mut out, &batch.growth)?;
        self.head.counts.records += batch.records.len() as u64;
        self.head.reached = Some(batch.at);
        self.head.tag = batch.tag;
        Ok(out)
    }

    fn apply_one(&mut self, out: &mut Vec<Put>, at: Position, record: &Record) {
        match record {
            Record::Genesis(leaf) => {
                self.head.genesis = Some(at);
                self.head.counts.leaves += 1;
                put(out, keys::leaf(leaf.index), position(at));
            }
            Record::Held(held) => {
                self.head.counts.dispatches += 1;
                put_held(out, at, held);
            }
            Record::Evidence(own) => {
                self.head.counts.leaves += 1;
                put(out, keys::leaf(own.leaf.index), position(at));
                put_receipt(out, at, &own.evidence);
                numbers::put_evidence(out, &mut self.series, at, own);
            }
            Record::Numbered(numbered) => {
                numbers::put_numbered(out, &mut self.series, at, numbered);
            }
            Record::Foreign(foreign) => {
                self.head.counts.foreign += 1;
                put_receipt(out, at, &foreign.evidence);
            }
            Record::Earlier(own) => {
                self.head.custody_base = self.head.custody_base.max(own.evidence.custody + 1);
                put_receipt(out, at, &own.evidence);
                numbers::put_earlier(out, &mut self.series, at, &own.evidence);
            }
            Record::PeerEpoch(r) => {
                self.peers.entry(r.peer.clone()).or_default().epoch = Some((r.epoch, at));
                put(out, keys::peer_epoch(&r.peer), position(at));
            }
            Record::PeerCheckpoint(r) => {
                let peer = self.peers.entry(r.peer.clone()).or_default();
                peer.checkpoints.insert(r.epoch, at);
                put(out, keys::peer_checkpoint(&r.peer, &r.epoch), position(at));
            }
            Record::Cosigned(r) => {
                self.peers.entry(r.witness.clone()).or_default().cosigned = Some(at);
                put(out, keys::peer_cosigned(&r.witness), position(at));
                put(out, keys::at(keys::cosigned(r.size, &r.witness), at), position(at));
            }
            _ => {}
        }
    }

    fn grow(&mut self, out: &mut Vec<Put>, growth: &Growth<'_>) -> Result<(), IndexError> {
        for update in tile_updates(&growth.nodes) {
            let level = usize::from(update.tile.level);
            if self.tails.len() <= level {
                self.tails.resize_with(level + 1, Vec::new);
            }
            let tail = &mut self.tails[level];
            if tail.len() != update.offset * 32 {
                return Err(IndexError::Log("new nodes do not follow the tiles".to_owned()));
            }
            update.hashes.iter().for_each(|hash| tail.extend_from_slice(&hash.0));
            put(out, keys::tile(update.tile.level, update.tile.index), tail.clone());
            if tail.len() == TILE_WIDTH * 32 {
                tail.clear();
            }
        }
        if let Some(root) = growth.root {
            self.head.counts.roots += 1;
            self.head.last_time = self.head.last_time.max(root.time);
            put(out, keys::root(root.size), root.encode());
        }
        self.head.frontier = growth.frontier.clone();
        Ok(())
    }

    fn set(&self) -> std::sync::RwLockWriteGuard<'_, HashSet<DispatchId>> {
        self.active.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_active(&self, id: &DispatchId) -> bool {
        self.active.read().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    fn deactivate(&self, out: &mut Vec<Put>, id: DispatchId) {
        if self.set().remove(&id) {
            out.push((keys::active(&id), None));
        }
    }

    fn activate(&self, out: &mut Vec<Put>, id: DispatchId) {
        if self.set().insert(id) {
            put(out, keys::active(&id), Vec::new());
        }
    }
}

/// The kind under which a record lies in the journal.
fn kind_of(record: &Record) -> u16 {
    match record {
        Record::Genesis(_) => kind::GENESIS,
        Record::Held(_) => kind::HELD,
        Record::Legs(_) => kind::LEGS,
        Record::Evidence(_) => kind::EVIDENCE,
        Record::Foreign(_) => kind::FOREIGN,
        Record::Earlier(_) => kind::EARLIER,
        Record::OutboxDone(_) => kind::OUTBOX_DONE,
        Record::Hold(_) => kind::HOLD,
        Record::PeerEpoch(_) => kind::PEER_EPOCH,
        Record::Reoffer(_) => kind::REOFFER,
        Record::PeerCheckpoint(_) => kind::PEER_CHECKPOINT,
        Record::Closed(_) => kind::CLOSED,
        Record::Root(_) => kind::ROOT,
        Record::Attempt(_) => kind::ATTEMPT,
        Record::Quarantine(_) => kind::QUARANTINE,
        Record::Cosigned(_) => kind::COSIGNED,
        Record::Numbered(_) => kind::NUMBERED,
        Record::Void(_) => kind::VOID,
        Record::Statement(_) => kind::STATEMENT,
        Record::Linked(_) => kind::LINKED,
        Record::Unit(_) => kind::UNIT,
        Record::Offered(_) => kind::OFFERED,
    }
}

/// The event of evidence of this node.
fn event_of(record: &Record) -> Option<Event> {
    match record {
        Record::Evidence(own) => Some(own.evidence.event),
        Record::Earlier(own) => Some(own.evidence.event),
        _ => None,
    }
}

/// A fact behind its length; nothing has the length 0.
fn put_fact(history: &mut Vec<u8>, fact: Option<&Fact>) {
    let mut bytes = Vec::new();
    fact.inspect(|fact| fact.put(&mut bytes));
    put_uint(history, bytes.len() as u64);
    history.extend_from_slice(&bytes);
}

pub(super) fn put(out: &mut Vec<Put>, key: Vec<u8>, value: Vec<u8>) {
    out.push((key, Some(value)));
}

fn put_held(out: &mut Vec<Put>, at: Position, held: &Held) {
    let id = held.dispatch.as_bytes().to_vec();
    put(out, keys::at(keys::reference(&held.originator, &held.reference), at), id);
    put(out, keys::at(keys::event(keys::HELD_EVENT, held.at), at), Vec::new());
    let parties: BTreeSet<&AgencyCode> = held.recipients.iter().chain([&held.originator]).collect();
    for agency in parties {
        let key = keys::at(keys::agency(agency, keys::CLASS_DISPATCH, held.at), at);
        put(out, key, vec![keys::HELD_EVENT]);
    }
    let inline = held.inline.iter().map(|(digest, _)| digest).chain(&held.removed);
    let inline = inline.map(|digest| (digest, keys::FORM_INLINE));
    let files = held.files.iter().map(|(digest, _)| (digest, keys::FORM_FILE));
    let documents: BTreeMap<_, u8> = inline.chain(files).collect();
    for (digest, form) in documents {
        let value = [&[form], held.dispatch.as_bytes().as_slice()].concat();
        put(out, keys::at(keys::document(digest), at), value);
    }
}

fn put_receipt(out: &mut Vec<Put>, at: Position, evidence: &EvidenceRecord) {
    let event = keys::listed(evidence.event);
    put(out, keys::at(keys::event(event, evidence.time), at), Vec::new());
    let parties: BTreeSet<&AgencyCode> =
        evidence.recipient.iter().chain([&evidence.originator]).collect();
    for agency in parties {
        let key = keys::at(keys::agency(agency, keys::CLASS_RECEIPT, evidence.time), at);
        put(out, key, vec![event]);
    }
}

fn load_tails(kv: &Kv, size: u64) -> Result<Vec<Vec<u8>>, IndexError> {
    let mut tails = Vec::new();
    let mut nodes = size;
    while nodes > 0 {
        let level = tails.len() as u8;
        let width = (nodes % TILE_WIDTH as u64) as usize;
        let tail = match width {
            0 => Vec::new(),
            _ => kv.get(&keys::tile(level, nodes / TILE_WIDTH as u64))?.unwrap_or_default(),
        };
        if tail.len() != width * 32 {
            return Err(IndexError::damaged("the last tile of a level has a wrong width"));
        }
        tails.push(tail);
        nodes /= TILE_WIDTH as u64;
    }
    Ok(tails)
}
