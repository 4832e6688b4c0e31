//! What is known of dispatches whose handling broke off, and of those set aside for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId, UnixMillis};

use super::State;
use crate::record::{Attempt, Cause, Foreign, Held, Owed, Record, Stage};

/// Attempts that did not come to an end before a dispatch is set aside.
pub const ATTEMPTS_MAX: usize = 3;

/// A dispatch on which work broke off at least once since the operator last released it, or that is
/// set aside. It need not be one that this node took.
#[derive(Clone, Debug, Default)]
pub struct Broken {
    /// Attempts that did not come to an end, oldest first.
    pub attempts: Vec<Attempt>,
    /// Why it is set aside, and since when; absent: it is not.
    pub cause: Option<(Cause, UnixMillis)>,
    /// What is known of one that is not in memory like the others.
    pub aside: Option<Aside>,
}

/// A dispatch that this node holds and that cannot be folded, or must not be: what its records say
/// without being understood.
#[derive(Clone, Debug, Default)]
pub struct Aside {
    /// How custody began, where that can be read.
    pub held: Option<Held>,
    /// The peers it came from, as far as that can be read.
    pub upstreams: BTreeSet<NodeId>,
    /// Receipts still owed to upstream peers.
    pub owed: BTreeSet<(NodeId, Owed)>,
    /// Recipients whose leg this node gave up.
    pub ended: BTreeSet<AgencyCode>,
    /// Next nodes that took a leg, as they said themselves.
    pub taken: BTreeSet<(AgencyCode, NodeId)>,
    /// Receipts that came since, as bytes: the store may not know them yet.
    pub raws: BTreeMap<Owed, Arc<[u8]>>,
    /// Records made since it was set aside, with the number of their batch, as long as that may not
    /// be durable.
    pub fresh: Vec<(u64, Record)>,
}

impl Broken {
    /// What the history of one dispatch says of this.
    pub fn of(history: &[Record]) -> Self {
        let mut broken = Broken::default();
        history.iter().for_each(|record| broken.apply(record));
        broken
    }

    /// Applies a record about this dispatch.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Attempt(attempt) => self.attempts.push(attempt.clone()),
            Record::Quarantine(q) => match &q.cause {
                Some(cause) => self.cause = Some((cause.clone(), q.at)),
                None => *self = Broken::default(),
            },
            Record::Closed(_) => *self = Broken::default(),
            _ => {}
        }
        if let Some(aside) = &mut self.aside {
            aside.apply(record);
        }
    }

    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        self.attempts.is_empty() && self.cause.is_none()
    }

    /// Why it is to be set aside now, if it was tried too often.
    pub fn verdict(&self) -> Option<Cause> {
        let last = self.attempts.last()?;
        if self.cause.is_some() || self.attempts.len() < ATTEMPTS_MAX {
            return None;
        }
        let detail = format!("{} times; the last: {}", self.attempts.len(), last.detail);
        // What breaks deciding would break housekeeping too.
        let unread = |a: &Attempt| matches!(a.stage, Stage::Read | Stage::Decide);
        let unread = self.attempts.iter().any(unread);
        Some(Cause { code: Code::WorkUnfinished, detail, unread })
    }
}

impl State {
    /// What broke off, what is set aside and what is released again.
    pub(super) fn apply_broken(&mut self, record: &Record) {
        let Some(id) = record.dispatch() else { return };
        if let Record::Attempt(_) | Record::Quarantine(_) = record {
            self.broken.entry(id).or_default();
        }
        let Some(broken) = self.broken.get_mut(&id) else { return };
        broken.apply(record);
        if let Record::Quarantine(_) | Record::Closed(_) = record {
            self.set_aside_changes += 1;
            if broken.is_empty() {
                self.broken.remove(&id);
            }
            self.unqueue(&id);
        }
    }

    /// Whether a dispatch is set aside: nothing is done with it until the operator says so.
    pub fn is_quarantined(&self, id: &DispatchId) -> bool {
        self.broken.get(id).is_some_and(|b| b.cause.is_some())
    }

    /// Whether it is set aside without being in memory like the others.
    pub fn is_aside(&self, id: &DispatchId) -> bool {
        self.broken.get(id).is_some_and(|b| b.aside.is_some())
    }

    /// Notes a record about a dispatch that is not in memory, where it is set aside.
    pub(crate) fn note_unread(
        &mut self,
        id: &DispatchId,
        batch: u64,
        durable: u64,
        record: &Record,
    ) {
        if let Some(aside) = self.broken.get_mut(id).and_then(|b| b.aside.as_mut()) {
            aside.fresh.retain(|(batch, _)| *batch > durable);
            aside.fresh.push((batch, record.clone()));
        }
    }

    /// Keeps the bytes of our own receipt about a dispatch that is not read.
    pub(crate) fn remember_unread(&mut self, id: &DispatchId, owed: Owed, raw: &Arc<[u8]>) {
        if let Some(aside) = self.broken.get_mut(id).and_then(|b| b.aside.as_mut()) {
            aside.raws.insert(owed, raw.clone());
        }
    }

    /// Takes a dispatch out of every queue, under way or not.
    pub(crate) fn unqueue(&mut self, id: &DispatchId) {
        for p in self.peers.values_mut() {
            p.queue.remove(id);
        }
    }

    /// Owes everybody again what the records say is owed of a dispatch.
    pub(crate) fn owe_all(&mut self, id: &DispatchId) {
        let Some(h) = self.held.get(id) else { return };
        for (peer, owed) in h.owed.clone() {
            self.owe(*id, std::slice::from_ref(&peer), owed);
        }
    }
}

impl Aside {
    /// What a history says, without parsing the dispatch.
    pub fn of(history: &[Record]) -> Self {
        let mut aside = Aside::default();
        history.iter().for_each(|record| aside.apply(record));
        aside
    }

    fn apply(&mut self, record: &Record) {
        match record {
            Record::Held(held) => {
                let mut recipients = self.held.take().map_or(Vec::new(), |h| h.recipients);
                recipients.extend(held.recipients.iter().cloned());
                self.upstreams.extend(held.previous.clone());
                self.held = Some(Held { recipients, ..held.clone() });
            }
            Record::Legs(legs) => {
                self.upstreams.insert(legs.previous.clone());
                if let Some(held) = &mut self.held {
                    held.recipients.extend(legs.recipients.iter().cloned());
                }
            }
            Record::Evidence(own) => {
                let owed = Owed::Own(own.leaf.index);
                self.owed.extend(own.owed_to.iter().map(|p| (p.clone(), owed)));
                if own.evidence.event == Event::RelayFailure {
                    self.ended.extend(own.evidence.recipient.clone());
                }
            }
            Record::Earlier(own) => {
                let owed = Owed::Foreign(own.digest);
                self.owed.extend(own.owed_to.iter().map(|p| (p.clone(), owed)));
                self.raws.insert(owed, own.raw.clone());
                if own.evidence.event == Event::RelayFailure {
                    self.ended.extend(own.evidence.recipient.clone());
                }
            }
            Record::Foreign(f) => {
                let owed = Owed::Foreign(f.digest);
                self.owed.extend(f.owed_to.iter().map(|p| (p.clone(), owed)));
                self.raws.insert(owed, f.raw.clone());
                let e = &f.evidence;
                if let (Event::RelayAcceptance, Some(r)) = (e.event, &e.recipient)
                    && e.node == f.from
                {
                    self.taken.insert((r.clone(), f.from.clone()));
                }
            }
            Record::OutboxDone(done) => _ = self.owed.remove(&(done.peer.clone(), done.owed)),
            _ => {}
        }
    }

    /// The recipients this node took and did not give up itself. What next nodes did is not read.
    pub fn recipients(&self) -> BTreeSet<&AgencyCode> {
        let taken = self.held.iter().flat_map(|h| &h.recipients);
        taken.filter(|r| !self.ended.contains(*r)).collect()
    }

    /// Whether nothing is left to do for it.
    pub fn is_done(&self) -> bool {
        self.held.is_some() && self.owed.is_empty() && self.recipients().is_empty()
    }
}

/// The receipts in a history that were kept while nobody could read where the dispatch came from: they
/// count for nothing yet, and nobody was given them. At a first node, which gives them to nobody, every
/// claim that does not count is among them.
pub fn unpassed(history: &[Record]) -> Vec<Foreign> {
    let foreign = |r: &Record| match r {
        Record::Foreign(f) => Some(f.clone()),
        _ => None,
    };
    let kept = |f: &Foreign| !f.authorised && f.owed_to.is_empty();
    let all: Vec<Foreign> = history.iter().filter_map(foreign).collect();
    let passed = |f: &Foreign| all.iter().any(|other| other.digest == f.digest && !kept(other));
    all.iter().filter(|f| kept(f) && !passed(f)).cloned().collect()
}
