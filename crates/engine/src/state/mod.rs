//! State: a fold over the records, the same in normal running and in recovery.

pub mod held;
pub mod leg;
pub mod peers;
pub mod queue;

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::{AgencyCode, Digest, DispatchId, Event, NodeId, Reference};
use tram_trust::VerifiedDispatch;

use crate::record::{Owed, OwnEvidence, Record};
use held::HeldDispatch;
use peers::Peers;

/// Everything in memory that records decide.
#[derive(Debug, Default)]
pub struct State {
    /// Dispatches with something left to do.
    pub held: BTreeMap<DispatchId, HeldDispatch>,
    /// Submission keys of those.
    pub references: BTreeMap<(AgencyCode, Reference), DispatchId>,
    /// Mailboxes: per agency, by leaf index of the consignment.
    pub mailboxes: BTreeMap<AgencyCode, BTreeMap<u64, DispatchId>>,
    /// Peers.
    pub peers: Peers,
    /// Document files in use, with how many held dispatches use each.
    pub files: BTreeMap<Digest, u32>,
    /// Dispatches that changed since they were last looked at.
    pub touched: BTreeSet<DispatchId>,
}

impl State {
    /// Applies one record. `dispatch` is the verified form of a `Held` record's bytes: from the
    /// admission in normal running, from our own store in recovery.
    pub fn apply(&mut self, record: &Record, dispatch: Option<VerifiedDispatch>) {
        match record {
            Record::Held(held) => {
                if let Some(dispatch) = dispatch {
                    self.insert(HeldDispatch::new(dispatch, held));
                }
            }
            Record::Closed(id) => self.forget(id),
            Record::PeerEpoch(new) => {
                let peer = self.peers.entry(new.peer.clone()).or_default();
                if peer.epoch.replace(new.epoch).is_some_and(|old| old != new.epoch) {
                    peer.checkpoint = None;
                }
            }
            Record::PeerCheckpoint(c) => {
                let peer = self.peers.entry(c.peer.clone()).or_default();
                peer.checkpoint = Some((c.size, c.root));
            }
            other => {
                if let Some(h) = other.dispatch().and_then(|id| self.held.get_mut(&id)) {
                    h.apply(other);
                }
            }
        }
        match record {
            Record::Evidence(own) => {
                self.owe(own.evidence.dispatch, &own.owed_to, Owed::Own(own.leaf.index));
                self.deposit(own);
            }
            Record::Foreign(f) => {
                self.owe(f.evidence.dispatch, &f.owed_to, Owed::Foreign(f.digest))
            }
            _ => {}
        }
        self.touched.extend(record.dispatch());
    }

    /// Brings a dispatch into memory with everything that hangs on it.
    pub fn insert(&mut self, held: HeldDispatch) {
        let id = held.id();
        let e = held.dispatch.envelope();
        self.references.insert((e.originator.clone(), e.reference.clone()), id);
        for (digest, _) in &held.files {
            *self.files.entry(*digest).or_default() += 1;
        }
        for (peer, owed) in &held.owed {
            self.peers.entry(peer.clone()).or_default().outbox.push(id, *owed);
        }
        for known in &held.evidence {
            let (e, Owed::Own(index)) = (&known.evidence, known.owed) else { continue };
            if let (Event::ContentConsignment, Some(r)) = (e.event, &e.recipient) {
                self.mailboxes.entry(r.clone()).or_default().insert(index, id);
            }
        }
        self.held.insert(id, held);
        self.touched.insert(id);
    }

    fn deposit(&mut self, own: &OwnEvidence) {
        let e = &own.evidence;
        if let (Event::ContentConsignment, Some(r)) = (e.event, &e.recipient)
            && self.held.contains_key(&e.dispatch)
        {
            self.mailboxes.entry(r.clone()).or_default().insert(own.leaf.index, e.dispatch);
        }
    }

    fn owe(&mut self, dispatch: DispatchId, peers: &[NodeId], owed: Owed) {
        for p in peers {
            self.peers.entry(p.clone()).or_default().outbox.push(dispatch, owed);
        }
    }

    fn forget(&mut self, id: &DispatchId) {
        let Some(h) = self.held.remove(id) else { return };
        let e = h.dispatch.envelope();
        self.references.remove(&(e.originator.clone(), e.reference.clone()));
        for (digest, _) in &h.files {
            if let Some(n) = self.files.get_mut(digest) {
                *n -= 1;
                if *n == 0 {
                    self.files.remove(digest);
                }
            }
        }
        for r in h.legs.keys() {
            if let Some(mailbox) = self.mailboxes.get_mut(r) {
                mailbox.retain(|_, d| d != id);
            }
        }
        for p in self.peers.values_mut() {
            p.queue.remove(id);
        }
    }
}

/// Folds the history of one dispatch, as the store gives it, into its value in memory.
pub fn revive(history: &[Record], dispatch: VerifiedDispatch) -> Option<HeldDispatch> {
    let first = history.iter().position(|r| matches!(r, Record::Held(_)))?;
    let Record::Held(held) = &history[first] else { return None };
    let mut h = HeldDispatch::new(dispatch, held);
    for record in &history[first + 1..] {
        h.apply(record);
    }
    Some(h)
}
