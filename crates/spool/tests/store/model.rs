//! What a store must answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tram_dispatch::{AgencyCode, Digest, DispatchId, Event, EvidenceRecord, Reference};
use tram_engine::Record;
use tram_engine::state::numbers::Numbers;
use tram_wire::receipt::SignedRoot;

/// What a store must answer after the batches so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) batches: u64,
    pub(crate) histories: BTreeMap<DispatchId, Vec<Record>>,
    pub(crate) references: BTreeMap<(AgencyCode, Reference), DispatchId>,
    /// Our receipts as first given.
    pub(crate) receipts: BTreeMap<u64, Arc<[u8]>>,
    pub(crate) roots: BTreeMap<u64, SignedRoot>,
    pub(crate) active: BTreeSet<DispatchId>,
    pub(crate) peers: Vec<Record>,
    pub(crate) numbers: Numbers,
    /// The records that say something of a number, in order.
    pub(crate) numbered: Vec<Record>,
    pub(crate) inline: BTreeMap<Digest, Arc<[u8]>>,
    pub(crate) files: BTreeMap<Digest, Arc<[u8]>>,
    /// Every receipt: time, event, parties, dispatch, bytes.
    pub(crate) listed: Vec<(EvidenceRecord, Arc<[u8]>)>,
}

impl Model {
    pub(crate) fn learn(&mut self, record: &Record) {
        if let Record::Held(held) = record {
            let key = (held.originator.clone(), held.reference.clone());
            self.references.entry(key).or_insert(held.dispatch);
        }
        self.learn_peer(record);
        self.numbers.apply(record);
        let of_a_number = match record {
            Record::Numbered(_) => true,
            Record::Evidence(own) => {
                own.evidence.admission.is_some() || own.evidence.sequence.is_some()
            }
            _ => false,
        };
        if of_a_number {
            self.numbered.push(record.clone());
        }
        let Some(id) = record.dispatch() else { return };
        let history = self.histories.entry(id).or_default();
        history.push(record.clone());
        let held = history.iter().any(|r| matches!(r, Record::Held(_)));
        match record {
            Record::Closed(_) => _ = self.active.remove(&id),
            Record::Quarantine(q) if q.cause.is_none() && !held => _ = self.active.remove(&id),
            Record::Attempt(_) | Record::Quarantine(_) => _ = self.active.insert(id),
            Record::Evidence(own) if own.evidence.event == Event::DocumentsRemoval => {}
            _ if held => _ = self.active.insert(id),
            _ => {}
        }
    }

    /// Of each peer the newest epoch, of each epoch the newest checkpoint, of each witness the newest
    /// cosignature.
    fn learn_peer(&mut self, record: &Record) {
        if !matches!(record, Record::PeerEpoch(_) | Record::PeerCheckpoint(_) | Record::Cosigned(_))
        {
            return;
        }
        self.peers.retain(|old| match (old, record) {
            (Record::PeerEpoch(o), Record::PeerEpoch(n)) => o.peer != n.peer,
            (Record::PeerCheckpoint(o), Record::PeerCheckpoint(n)) => {
                (&o.peer, o.epoch) != (&n.peer, n.epoch)
            }
            (Record::Cosigned(o), Record::Cosigned(n)) => o.witness != n.witness,
            _ => true,
        });
        self.peers.push(record.clone());
    }
}
