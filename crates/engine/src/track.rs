//! Read-only questions: one dispatch, a mailbox, the queues, the peers.

use std::sync::Arc;

use tram_dispatch::envelope::Urgency;
use tram_dispatch::{AgencyCode, Digest, DispatchId, EpochId, NodeId, Reference, UnixMillis};

use crate::engine::{Engine, Fatal, fold};
use crate::record::{Cause, PeerCheckpoint};
use crate::route::{Route, route};
use crate::state::held::{HeldDispatch, Known};
use crate::state::leg::{Leg, Stage};
use crate::state::queue::Standing;
use crate::view::View;

/// One line of the queue.
#[derive(Clone, Debug)]
pub struct QueueLine {
    /// The dispatch.
    pub dispatch: DispatchId,
    /// Its originator.
    pub originator: AgencyCode,
    /// The recipient.
    pub recipient: AgencyCode,
    /// The next node, where there is one.
    pub peer: Option<NodeId>,
    /// The leg.
    pub leg: Leg,
    /// How it stands in the queue of that peer.
    pub standing: Option<Standing>,
    /// When custody began.
    pub since: tram_dispatch::UnixMillis,
    /// When its time runs out.
    pub expires_at: tram_dispatch::UnixMillis,
    /// Urgency.
    pub urgency: Urgency,
    /// Bytes of its documents.
    pub bytes: u64,
    /// Attempts that broke off.
    pub broke_off: u32,
    /// Why it is set aside, if it is.
    pub quarantine: Option<Cause>,
}

/// One line about a peer.
#[derive(Clone, Debug)]
pub struct PeerLine {
    /// The peer.
    pub peer: NodeId,
    /// A session is up.
    pub connected: bool,
    /// The epoch of its log.
    pub epoch: Option<EpochId>,
    /// Its newest checkpoint's size.
    pub log_size: Option<u64>,
    /// Its clock minus ours, milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// Dispatches waiting for it or under way.
    pub queued: usize,
    /// Of these, under way.
    pub in_flight: usize,
    /// Receipts owed to it.
    pub receipts_owed: usize,
}

impl Engine {
    /// One dispatch, from memory or from the store.
    ///
    /// # Errors
    /// [`Fatal`] when the store cannot be read.
    pub fn find(&self, id: &DispatchId, view: &dyn View) -> Result<Option<HeldDispatch>, Fatal> {
        match self.state.get(id) {
            Some(h) => Ok(Some(h.clone())),
            // Its records are not to be read.
            None if self.state.is_aside(id) => Ok(None),
            None => fold(&view.history(id)?),
        }
    }

    /// Every dispatch that is set aside, with why and since when, in id order.
    pub fn quarantined(&self) -> impl Iterator<Item = (DispatchId, &Cause, UnixMillis)> {
        self.state.broken.iter().filter_map(|(id, broken)| {
            let (cause, since) = broken.cause.as_ref()?;
            Some((*id, cause, *since))
        })
    }

    /// The dispatches in a mailbox after a cursor (the leaf index of a consignment), oldest first.
    pub fn mailbox(
        &self,
        agency: &AgencyCode,
        after: Option<u64>,
        max: usize,
    ) -> Vec<(u64, &HeldDispatch)> {
        let from = after.map_or(0, |a| a.saturating_add(1));
        let Some(mailbox) = self.state.mailboxes.get(agency) else { return Vec::new() };
        mailbox
            .range(from..)
            .filter_map(|(n, id)| Some((*n, self.state.held.get(id)?)))
            .take(max)
            .collect()
    }

    /// Legs in our custody, after a cursor, in id order.
    pub fn queue(&self, after: Option<(DispatchId, AgencyCode)>, max: usize) -> Vec<QueueLine> {
        let mut lines = Vec::new();
        let start = after.as_ref().map_or(DispatchId([0; 32]), |(id, _)| *id);
        let mut aside = self.unread_lines(start, &after).peekable();
        for (id, h) in self.state.held.range(start..) {
            while let Some(line) = aside.next_if(|line| line.dispatch < *id) {
                lines.push(line);
                if lines.len() == max {
                    return lines;
                }
            }
            let broken = self.state.broken.get(id);
            let quarantine = broken.and_then(|b| Some(b.cause.as_ref()?.0.clone()));
            let listed = |leg: &Leg| leg.in_custody() || self.waits_set_aside(id, leg);
            for (r, leg) in h.legs.iter().filter(|(_, leg)| listed(leg)) {
                if after.as_ref().is_some_and(|(i, a)| (id, r) <= (i, a)) {
                    continue;
                }
                let peer = match route(&self.directory, self.me(), r) {
                    Route::Hop(n) => Some(n),
                    Route::Local | Route::None(_) => None,
                };
                let standing = peer
                    .as_ref()
                    .and_then(|p| self.state.peers.get(p))
                    .and_then(|p| p.queue.standing(id));
                lines.push(QueueLine {
                    dispatch: *id,
                    originator: h.dispatch.envelope().originator.clone(),
                    recipient: r.clone(),
                    peer,
                    leg: leg.clone(),
                    standing,
                    since: h.at,
                    expires_at: h.dispatch.envelope().expires_at,
                    urgency: h.dispatch.envelope().metadata.urgency,
                    bytes: h.dispatch.envelope().documents.iter().map(|d| d.size).sum(),
                    broke_off: broken.map_or(0, |b| b.attempts.len() as u32),
                    quarantine: quarantine.clone(),
                });
                if lines.len() == max {
                    return lines;
                }
            }
        }
        let room = max - lines.len();
        lines.extend(aside.take(room));
        lines
    }

    /// The legs of dispatches that are set aside unread, as far as their beginning says.
    fn unread_lines<'a>(
        &'a self,
        start: DispatchId,
        after: &'a Option<(DispatchId, AgencyCode)>,
    ) -> impl Iterator<Item = QueueLine> + 'a {
        let unread = self.state.broken.range(start..).filter_map(|(id, b)| {
            let held = b.aside.as_ref()?.held.as_ref()?;
            Some((*id, b, held, b.aside.as_ref()?.recipients()))
        });
        unread.flat_map(move |(id, broken, held, recipients)| {
            let listed =
                move |r: &&AgencyCode| after.as_ref().is_none_or(|(i, a)| (&id, *r) > (i, a));
            recipients.into_iter().filter(listed).map(move |r| QueueLine {
                dispatch: id,
                originator: held.originator.clone(),
                recipient: r.clone(),
                peer: None,
                leg: Leg::held(),
                standing: None,
                since: held.at,
                // Both are in the envelope, which is not read.
                expires_at: held.at,
                urgency: Urgency::Normal,
                bytes: held.files.iter().map(|(_, size)| *size).sum(),
                broke_off: broken.attempts.len() as u32,
                quarantine: broken.cause.as_ref().map(|(cause, _)| cause.clone()),
            })
        })
    }

    /// Every peer known.
    pub fn peers(&self) -> Vec<PeerLine> {
        self.state
            .peers
            .iter()
            .map(|(name, p)| PeerLine {
                peer: name.clone(),
                connected: p.connected,
                epoch: p.epoch,
                log_size: p.checkpoint.as_ref().map(|held| held.size),
                clock_offset_ms: p.clock_offset_ms,
                queued: p.queue.len(),
                in_flight: p.queue.in_flight(),
                receipts_owed: p.outbox.len(),
            })
            .collect()
    }

    /// The newest checkpoint that we hold of a peer's log.
    pub fn held_of(&self, peer: &NodeId) -> Option<PeerCheckpoint> {
        self.state.peers.get(peer)?.checkpoint.clone()
    }

    /// The next node of a leg in our custody, and how the leg's dispatch stands in its queue.
    pub fn standing(&self, id: &DispatchId, recipient: &AgencyCode) -> Option<(NodeId, Standing)> {
        let leg = self.state.held.get(id)?.legs.get(recipient)?;
        let Route::Hop(next) = route(&self.directory, self.me(), recipient) else { return None };
        let standing = self.state.peers.get(&next)?.queue.standing(id)?;
        leg.in_custody().then_some((next, standing))
    }

    /// Whether a held dispatch needs this document file.
    pub fn uses_file(&self, digest: &Digest) -> bool {
        self.state.files.contains_key(digest)
    }

    /// The bytes of the receipt that carries one piece of evidence.
    ///
    /// # Errors
    /// [`Fatal`] when the store cannot be read.
    pub fn receipt_of(&self, known: &Known, view: &dyn View) -> Result<Option<Arc<[u8]>>, Fatal> {
        match &known.raw {
            Some(raw) => Ok(Some(raw.clone())),
            None => self.receipt(&known.evidence.dispatch, known.owed, view),
        }
    }

    /// The dispatch that used a submission key.
    ///
    /// # Errors
    /// [`Fatal`] when the store cannot be read.
    pub fn referenced(
        &self,
        originator: &AgencyCode,
        reference: &Reference,
        view: &dyn View,
    ) -> Result<Option<DispatchId>, Fatal> {
        self.by_reference(originator, reference, view)
    }

    /// Counts of legs for the status: (active, deferred, on hold, transferred, waiting for their
    /// recipient, quarantined).
    pub fn leg_counts(&self) -> [u64; 6] {
        let mut n = [0; 6];
        for (id, h) in &self.state.held {
            if !self.state.is_quarantined(id) {
                h.legs.values().for_each(|leg| count(&mut n, leg));
            } else {
                let stuck = |leg: &&Leg| leg.in_custody() || self.waits_set_aside(id, leg);
                n[5] += h.legs.values().filter(stuck).count() as u64;
            }
        }
        for aside in self.state.broken.values().filter_map(|b| b.aside.as_ref()) {
            // Of one whose beginning cannot be read it is not known how many there are.
            n[5] += aside.held.as_ref().map_or(1, |_| aside.recipients().len() as u64);
        }
        n[1] = self.state.peers.values().map(|p| p.queue.deferred() as u64).sum();
        n[0] = n[0].saturating_sub(n[1]);
        n
    }

    /// The batch that must be durable before what a reader sees now may be shown to anybody; `None`
    /// when it already is. Housekeeping that lingers changes nothing a reader could be misled by.
    pub fn awaits_batch(&self) -> Option<u64> {
        self.newest_unsafe_batch()
    }

    /// How many dispatches have something left to do.
    pub fn held_count(&self) -> usize {
        self.state.held.len()
    }

    /// Whether the clock may decide something irreversible.
    pub fn clock_is_certain(&self) -> bool {
        self.clock_certain()
    }
}

/// Counts one leg of a dispatch that is not set aside.
fn count(n: &mut [u64; 6], leg: &Leg) {
    match leg {
        Leg::Held { .. } => n[0] += 1,
        Leg::OnHold => n[2] += 1,
        Leg::Transferred { .. } => n[3] += 1,
        Leg::Mailbox { stage: Stage::Consigned, .. } => n[4] += 1,
        Leg::Mailbox { .. } | Leg::Ended { .. } | Leg::Returned { .. } => {}
    }
}
