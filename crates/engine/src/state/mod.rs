//! State: a fold over the records, the same in normal running and in recovery.

pub mod aside;
mod fold;
pub mod held;
pub mod lanes;
pub mod leg;
pub mod logs;
pub mod numbers;
pub mod peers;
pub mod queue;
mod said;

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::{
    AgencyCode, Code, Digest, DispatchId, Event, EvidenceRecord, NodeId, Reference, UnixMillis,
};
use tram_trust::VerifiedDispatch;

use crate::quota::{Usage, Use};
use crate::record::{Earlier, Held, Legs, Owed, OwnEvidence, Record};
use aside::Broken;
use held::HeldDispatch;
use logs::Logs;
use numbers::Numbers;
use peers::Peers;

/// Everything in memory that records decide.
#[derive(Debug, Default)]
pub struct State {
    /// Dispatches with something left to do.
    pub held: BTreeMap<DispatchId, HeldDispatch>,
    /// Submission keys of those.
    pub references: BTreeMap<(AgencyCode, Reference), DispatchId>,
    /// Those that name earlier dispatches, by the submission keys of these.
    pub acts: BTreeMap<(AgencyCode, Reference), BTreeSet<DispatchId>>,
    /// Mailboxes: per agency, by custody number of the consignment.
    pub mailboxes: BTreeMap<AgencyCode, BTreeMap<u64, DispatchId>>,
    /// Peers.
    pub peers: Peers,
    /// Logs: what is held of others', and who cosigned the own.
    pub logs: Logs,
    /// What is counted of each originator.
    pub numbers: Numbers,
    /// Document files in use, with how many held dispatches use each.
    pub files: BTreeMap<Digest, u32>,
    /// Dispatches that changed since they were last looked at.
    pub touched: BTreeSet<DispatchId>,
    /// Dispatches with nothing left to do whose last records are still on their way to disk: until
    /// they are there, the store knows less of them than this.
    pub closing: BTreeMap<DispatchId, HeldDispatch>,
    /// What is held, by who has to answer for it.
    pub usage: Usage,
    /// Dispatches on which work broke off, and those set aside.
    pub broken: BTreeMap<DispatchId, Broken>,
    /// How often it changed which are set aside.
    pub set_aside_changes: u64,
    /// When time alone gives something to do.
    due: BTreeSet<(UnixMillis, DispatchId)>,
}

impl State {
    /// Applies one record. `dispatch` is the verified form of a `Held` record's bytes: from the
    /// admission in normal running, from our own store in recovery.
    pub fn apply(&mut self, record: &Record, dispatch: Option<VerifiedDispatch>) {
        self.numbers.apply(record);
        match record {
            Record::Held(again) if self.held.contains_key(&again.dispatch) => {
                self.change_files(&again.dispatch, release);
                if let Some(h) = self.held.get_mut(&again.dispatch) {
                    h.apply(record);
                }
                self.change_files(&again.dispatch, |files, d| *files.entry(d).or_default() += 1);
            }
            Record::Held(held) => {
                if let Some(dispatch) = dispatch {
                    self.insert(HeldDispatch::new(dispatch, held));
                }
            }
            Record::Evidence(OwnEvidence { evidence, .. })
            | Record::Earlier(Earlier { evidence, .. })
                if evidence.reason == Some(Code::CopyDamaged) =>
            {
                self.change_files(&evidence.dispatch, release);
                if let Some(h) = self.held.get_mut(&evidence.dispatch) {
                    h.apply(record);
                }
            }
            Record::Closed(id) => {
                self.forget(id);
                if let Some(h) = self.closing.get_mut(id) {
                    h.apply(record);
                }
            }
            Record::PeerEpoch(new) => {
                self.peers.entry(new.peer.clone()).or_default().epoch = Some(new.epoch);
            }
            Record::PeerCheckpoint(c) => self.logs.hold(c),
            Record::Cosigned(c) => self.logs.cosign(c),
            other => {
                if let Some(h) = other.dispatch().and_then(|id| self.held.get_mut(&id)) {
                    h.apply(other);
                }
            }
        }
        self.apply_broken(record);
        match record {
            Record::Evidence(own) => {
                self.owe(own.evidence.dispatch, &own.owed_to, Owed::Own(own.leaf.index));
                self.deposit(&own.evidence);
            }
            Record::Earlier(own) => {
                let owed = Owed::Foreign(own.digest);
                self.owe(own.evidence.dispatch, &own.owed_to, owed);
                self.deposit(&own.evidence);
            }
            Record::Foreign(f) => {
                self.owe(f.evidence.dispatch, &f.owed_to, Owed::Foreign(f.digest))
            }
            Record::Held(Held { dispatch, previous: Some(peer), .. })
            | Record::Legs(Legs { dispatch, previous: peer, .. }) => {
                self.owe_again(*dispatch, peer)
            }
            _ => {}
        }
        self.touched.extend(record.dispatch());
    }

    /// A dispatch in memory.
    pub fn get(&self, id: &DispatchId) -> Option<&HeldDispatch> {
        self.held.get(id).or_else(|| self.closing.get(id))
    }

    /// Drops what is closed and durable.
    pub(crate) fn evict(&mut self, durable_batch: u64) {
        let done = |h: &HeldDispatch| h.batch <= durable_batch;
        let ids: Vec<DispatchId> =
            self.closing.iter().filter(|(_, h)| done(h)).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(h) = self.closing.remove(&id) else { continue };
            let e = h.dispatch.envelope();
            let key = (e.originator.clone(), e.reference.clone());
            if self.held.contains_key(&id) {
                continue;
            }
            if self.references.get(&key) == Some(&id) {
                self.references.remove(&key);
            }
            for (_, of) in crate::acts::earlier(e) {
                let key = (of.originator.clone(), of.reference.clone());
                if let Some(ids) = self.acts.get_mut(&key) {
                    ids.remove(&id);
                    if ids.is_empty() {
                        self.acts.remove(&key);
                    }
                }
            }
        }
    }

    /// Notes when time alone gives something to do for a dispatch.
    pub(crate) fn look_at(&mut self, id: &DispatchId, at: Option<UnixMillis>) {
        let Some(h) = self.held.get_mut(id) else { return };
        if h.look_at == at {
            return;
        }
        if let Some(before) = std::mem::replace(&mut h.look_at, at) {
            self.due.remove(&(before, *id));
        }
        self.due.extend(at.map(|at| (at, *id)));
    }

    /// Touches every dispatch for which time has come.
    pub(crate) fn touch_due(&mut self, wall: UnixMillis) {
        let end = (wall, DispatchId([0xff; 32]));
        self.touched.extend(self.due.range(..=end).map(|(_, id)| *id));
    }

    /// Counts a dispatch by how it stands now.
    pub(crate) fn charge(&mut self, id: &DispatchId) {
        if let Some(h) = self.held.get(id) {
            self.usage.charge(*id, h);
        }
    }

    /// Counts everything held anew.
    pub(crate) fn charge_all(&mut self) {
        for (id, h) in &self.held {
            self.usage.charge(*id, h);
        }
    }

    /// What waits for a peer, with the copies kept of what it has.
    pub fn direction_use(&self, peer: &NodeId) -> Use {
        let waiting = self.peers.get(peer).map_or_else(Use::default, |p| p.queue.waiting());
        waiting.plus(self.usage.kept(peer))
    }

    /// Of that, what one flow has.
    pub fn direction_use_of(&self, peer: &NodeId, flow: &lanes::Flow) -> Use {
        let queue = self.peers.get(peer).map(|p| &p.queue);
        let waiting = queue.map_or_else(Use::default, |q| q.waiting_of(flow));
        waiting.plus(self.usage.kept_of(peer, flow))
    }

    /// Brings a dispatch into memory with everything that hangs on it.
    pub fn insert(&mut self, held: HeldDispatch) {
        let id = held.id();
        let e = held.dispatch.envelope();
        self.references.entry((e.originator.clone(), e.reference.clone())).or_insert(id);
        for (_, of) in crate::acts::earlier(e) {
            let key = (of.originator.clone(), of.reference.clone());
            self.acts.entry(key).or_default().insert(id);
        }
        if held.documents {
            for (digest, _) in &held.files {
                *self.files.entry(*digest).or_default() += 1;
            }
        }
        for (peer, owed) in &held.owed {
            self.peers.entry(peer.clone()).or_default().outbox.push(id, *owed);
        }
        for known in held.evidence.iter().filter(|k| k.ours) {
            let e = &known.evidence;
            if let (Event::ContentConsignment, Some(r)) = (e.event, &e.recipient) {
                self.mailboxes.entry(r.clone()).or_default().insert(e.custody, id);
            }
        }
        self.held.insert(id, held);
        self.touched.insert(id);
    }

    fn deposit(&mut self, e: &EvidenceRecord) {
        if let (Event::ContentConsignment, Some(r)) = (e.event, &e.recipient)
            && self.held.contains_key(&e.dispatch)
        {
            self.mailboxes.entry(r.clone()).or_default().insert(e.custody, e.dispatch);
        }
    }

    pub(crate) fn owe(&mut self, dispatch: DispatchId, peers: &[NodeId], owed: Owed) {
        for p in peers {
            self.peers.entry(p.clone()).or_default().outbox.push(dispatch, owed);
        }
    }

    /// Owes a peer everything that its offer brought back to mind.
    fn owe_again(&mut self, dispatch: DispatchId, peer: &NodeId) {
        let Some(h) = self.held.get(&dispatch) else { return };
        let owed: Vec<Owed> =
            h.owed.iter().filter(|(p, _)| p == peer).map(|(_, owed)| *owed).collect();
        for owed in owed {
            self.owe(dispatch, std::slice::from_ref(peer), owed);
        }
    }

    fn change_files(
        &mut self,
        id: &DispatchId,
        change: impl Fn(&mut BTreeMap<Digest, u32>, Digest),
    ) {
        let Some(h) = self.held.get(id).filter(|h| h.documents) else { return };
        for (digest, _) in &h.files {
            change(&mut self.files, *digest);
        }
    }

    /// Takes a dispatch out of everything that leads to it. Its submission key stays until the
    /// store knows all of it.
    pub(crate) fn forget(&mut self, id: &DispatchId) {
        let Some(mut h) = self.held.remove(id) else { return };
        self.usage.discharge(id);
        if let Some(at) = h.look_at.take() {
            self.due.remove(&(at, *id));
        }
        for (digest, _) in h.files.iter().filter(|_| h.documents) {
            release(&mut self.files, *digest);
        }
        for known in h.evidence.iter().filter(|k| k.ours) {
            let e = &known.evidence;
            if let (Event::ContentConsignment, Some(r)) = (e.event, &e.recipient)
                && let Some(mailbox) = self.mailboxes.get_mut(r)
            {
                mailbox.remove(&e.custody);
                if mailbox.is_empty() {
                    self.mailboxes.remove(r);
                }
            }
        }
        for p in self.peers.values_mut() {
            p.queue.remove(id);
        }
        self.closing.insert(*id, h);
    }
}

fn release(files: &mut BTreeMap<Digest, u32>, digest: Digest) {
    if let Some(n) = files.get_mut(&digest) {
        *n -= 1;
        if *n == 0 {
            files.remove(&digest);
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
    h.rest();
    Some(h)
}
