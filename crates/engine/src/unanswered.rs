//! What was offered and not answered, as a value: which peer may have taken which leg, and until when that is
//! waited for.

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::envelope::Envelope;
use tram_dispatch::{AgencyCode, DispatchId, NodeId, Now, UnixMillis};

use crate::record::{Hold, Offered, Record};

/// So long a leg waits for the peer that may have taken it, by the class of its urgency, ms: a day, four hours,
/// one, ten minutes. It comes to rest in two mailboxes where that peer had it and is away for longer.
const WAIT_MS: [u64; 4] = [86_400_000, 14_400_000, 3_600_000, 600_000];
/// The same where nothing but a start of this node makes it possible, ms: most of these legs it never had.
const AFTER_START_WAIT_MS: u64 = 600_000;

/// How long a leg of this dispatch waits, from a moment on: it keeps half of the time that it has left.
fn wait_ms(envelope: &Envelope, from: UnixMillis) -> u64 {
    let class = usize::from(envelope.metadata.urgency.class());
    let by_urgency = WAIT_MS.get(class).copied().unwrap_or(AFTER_START_WAIT_MS);
    by_urgency.min(envelope.expires_at.since_ms(from) / 2)
}

/// When a peer is waited for no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// At this moment of the monotonic clock, ms.
    At(u64),
    /// So long after a moment in an earlier life of the process.
    After(UnixMillis, u64),
    /// It was waited for long enough: its legs take the way of the directory, whatever it does.
    Over,
}

/// What one peer may have taken of one dispatch.
#[derive(Debug)]
struct Doubt {
    recipients: BTreeSet<AgencyCode>,
    end: End,
}

/// What was offered and not answered, by dispatch and peer.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    known: BTreeMap<DispatchId, BTreeMap<NodeId, Doubt>>,
    /// Held since before this life of the process, whose end may have come between an offer and its answer.
    since_before: BTreeSet<DispatchId>,
    /// The store had some.
    recalled: bool,
}

impl Doubts {
    /// A peer answered for one recipient.
    pub(crate) fn answered(&mut self, id: &DispatchId, peer: &NodeId, recipient: &AgencyCode) {
        self.settle(id, |p| p == peer, |r| r == recipient);
    }

    /// Nobody is waited for any more.
    pub(crate) fn release(&mut self, id: &DispatchId, recipient: &AgencyCode) {
        self.settle(id, |_| true, |r| r == recipient);
    }

    fn settle(
        &mut self,
        id: &DispatchId,
        peers: impl Fn(&NodeId) -> bool,
        recipients: impl Fn(&AgencyCode) -> bool,
    ) {
        let Some(of_dispatch) = self.known.get_mut(id) else { return };
        of_dispatch.retain(|peer, doubt| {
            if peers(peer) {
                doubt.recipients.retain(|r| !recipients(r));
            }
            !doubt.recipients.is_empty()
        });
        if of_dispatch.is_empty() {
            self.known.remove(id);
        }
    }

    /// The peers that may have taken a leg and are still waited for.
    pub(crate) fn of<'d>(
        &'d self,
        id: &DispatchId,
        recipient: &'d AgencyCode,
    ) -> impl Iterator<Item = &'d NodeId> {
        let all = self.known.get(id).into_iter().flatten();
        all.filter(|(_, d)| d.end != End::Over && d.recipients.contains(recipient))
            .map(|(peer, _)| peer)
    }

    /// Whether an offer of this leg to that peer was not answered, however long ago.
    pub(crate) fn names(&self, id: &DispatchId, peer: &NodeId, recipient: &AgencyCode) -> bool {
        let doubt = self.known.get(id).and_then(|of| of.get(peer));
        doubt.is_some_and(|d| d.recipients.contains(recipient))
    }

    /// Whether a start found some: by a directory before, of which it knows no more.
    pub(crate) fn are_recalled(&self) -> bool {
        self.recalled
    }

    /// Until when that peer is waited for, monotonic ms.
    pub(crate) fn ends_mono_ms(&self, id: &DispatchId, peer: &NodeId) -> Option<u64> {
        match self.known.get(id)?.get(peer)?.end {
            End::At(mono_ms) => Some(mono_ms),
            End::After(..) | End::Over => None,
        }
    }

    /// Of these recipients, those not noted yet for that peer.
    pub(crate) fn new_of(
        &self,
        id: &DispatchId,
        peer: &NodeId,
        mut recipients: Vec<AgencyCode>,
    ) -> Vec<AgencyCode> {
        if let Some(doubt) = self.known.get(id).and_then(|of| of.get(peer)) {
            recipients.retain(|r| !doubt.recipients.contains(r));
        }
        recipients
    }

    /// An offer was not answered, as far as is known `at` that moment.
    pub(crate) fn note(
        &mut self,
        now: Now,
        (id, peer): (&DispatchId, &NodeId),
        recipients: Vec<AgencyCode>,
        (envelope, at): (&Envelope, UnixMillis),
    ) {
        let end = End::At(now.mono_ms.saturating_add(wait_ms(envelope, at)));
        self.add(id, peer, recipients, end);
    }

    /// The same of what may have been offered before this life of the process.
    pub(crate) fn note_possible(
        &mut self,
        now: Now,
        (id, peer): (&DispatchId, &NodeId),
        recipients: Vec<AgencyCode>,
        (envelope, at): (&Envelope, UnixMillis),
    ) {
        let wait = wait_ms(envelope, at).min(AFTER_START_WAIT_MS);
        self.add(id, peer, recipients, End::At(now.mono_ms.saturating_add(wait)));
    }

    fn add(&mut self, id: &DispatchId, peer: &NodeId, recipients: Vec<AgencyCode>, end: End) {
        let fresh = || Doubt { recipients: BTreeSet::new(), end };
        let of_dispatch = self.known.entry(*id).or_default();
        of_dispatch.entry(peer.clone()).or_insert_with(fresh).recipients.extend(recipients);
    }

    /// Takes up again what the store says of a dispatch that is in custody.
    pub(crate) fn recall(&mut self, id: &DispatchId, envelope: &Envelope, history: &[Record]) {
        self.since_before.insert(*id);
        for record in history {
            match record {
                Record::Offered(Offered { peer, recipients, at, .. }) => {
                    let end = End::After(*at, wait_ms(envelope, *at));
                    self.add(id, peer, recipients.clone(), end);
                    self.recalled = true;
                }
                Record::Foreign(f) if f.evidence.node == f.from => {
                    if let Some(recipient) = &f.evidence.recipient {
                        self.answered(id, &f.from, recipient);
                    }
                }
                // With its disk it lost what it took.
                Record::Reoffer(back) => self.settle(id, |p| *p == back.peer, |_| true),
                Record::Hold(Hold { recipient, held: false, .. }) => self.release(id, recipient),
                _ => {}
            }
        }
    }

    /// The dispatches that may have been offered before this life of the process; each is given until
    /// [`Doubts::looked_at`] says that it need not be.
    pub(crate) fn since_before(&self) -> impl Iterator<Item = &DispatchId> {
        self.since_before.iter()
    }

    pub(crate) fn looked_at(&mut self, id: &DispatchId) {
        self.since_before.remove(id);
    }

    /// Time passed: gives those that are waited for no more from now on. What `held` does not know is
    /// forgotten.
    pub(crate) fn end(
        &mut self,
        now: Now,
        held: impl Fn(&DispatchId) -> bool,
    ) -> Vec<(DispatchId, NodeId)> {
        self.known.retain(|id, _| held(id));
        self.since_before.retain(|id| held(id));
        let mut over = Vec::new();
        for (id, of_dispatch) in &mut self.known {
            for (peer, doubt) in of_dispatch {
                if let End::After(at, wait) = doubt.end {
                    let left = wait.saturating_sub(now.wall.since_ms(at));
                    doubt.end = End::At(now.mono_ms.saturating_add(left));
                }
                if matches!(doubt.end, End::At(mono_ms) if mono_ms <= now.mono_ms) {
                    doubt.end = End::Over;
                    over.push((*id, peer.clone()));
                }
            }
        }
        over
    }
}
