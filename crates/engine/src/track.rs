//! Read-only questions: one dispatch, a mailbox, the queues, the peers.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_dispatch::envelope::Urgency;
use tram_dispatch::{AgencyCode, Digest, DispatchId, EpochId, NodeId, Reference, UnixMillis};

use crate::engine::{Engine, Fatal};
use crate::hand::fold;
use crate::record::{Cause, Owed, PeerCheckpoint, Record};
use crate::state::held::{HeldDispatch, Known};
use crate::state::leg::{Leg, Stage};
use crate::state::queue::Standing;
use crate::view::View;

/// What is known, and the receipt that carries it.
pub(crate) type Carried<'h> = (&'h Known, Arc<[u8]>);

/// One line of the queue.
#[derive(Clone, Debug)]
pub struct QueueLine {
    /// The dispatch.
    pub dispatch: DispatchId,
    /// Its originator; absent where it cannot be read.
    pub originator: Option<AgencyCode>,
    /// The recipient; absent for a dispatch of which nothing can be read.
    pub recipient: Option<AgencyCode>,
    /// The next node, where there is one.
    pub peer: Option<NodeId>,
    /// The leg.
    pub leg: Leg,
    /// Where that node is not the next one, but may have taken the leg, under another directory, and is asked
    /// about it first: until when at the latest, monotonic ms.
    pub asked_until_mono_ms: Option<u64>,
    /// How it stands in the queue of that peer.
    pub standing: Option<Standing>,
    /// When custody began; absent where that cannot be read.
    pub since: Option<UnixMillis>,
    /// When its time runs out; absent where the envelope cannot be read.
    pub expires_at: Option<UnixMillis>,
    /// Urgency; absent where the envelope cannot be read.
    pub urgency: Option<Urgency>,
    /// Bytes of its documents.
    pub bytes: u64,
    /// Attempts that broke off.
    pub broke_off: u32,
    /// Why it is set aside, if it is.
    pub quarantine: Option<Cause>,
    /// How often what is stored of it was looked at again since it was set aside.
    pub looks: u32,
    /// When it is looked at again, monotonic ms; absent: it is not, or waits for the operator.
    pub look_mono_ms: Option<u64>,
}

/// Where a listing of the queue goes on: after this leg. One of which nothing can be read has no
/// recipient.
pub(crate) type After = (DispatchId, Option<AgencyCode>);

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
            None => self.read_noted(id, || fold(&view.history(id)?)),
        }
    }

    /// Every dispatch that is set aside, with why and since when, in id order.
    pub fn quarantined(&self) -> impl Iterator<Item = (DispatchId, &Cause, UnixMillis)> {
        self.state.broken.iter().filter_map(|(id, broken)| {
            let (cause, since) = broken.cause.as_ref()?;
            Some((*id, cause, *since))
        })
    }

    /// The dispatches in a mailbox after a cursor (the custody number of a consignment), oldest first.
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
    pub fn queue(&self, after: Option<After>, max: usize) -> Vec<QueueLine> {
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
                if after.as_ref().is_some_and(|(i, a)| (id, Some(r)) <= (i, a.as_ref())) {
                    continue;
                }
                let (peer, asked_until_mono_ms) = self.heads_for(id, r);
                let standing = peer
                    .as_ref()
                    .and_then(|p| self.state.peers.get(p))
                    .and_then(|p| p.queue.standing(id));
                let (looks, look_mono_ms) = self.looks.standing(id);
                lines.push(QueueLine {
                    dispatch: *id,
                    originator: Some(h.dispatch.envelope().originator.clone()),
                    recipient: Some(r.clone()),
                    peer,
                    asked_until_mono_ms,
                    leg: leg.clone(),
                    standing,
                    since: Some(h.at),
                    expires_at: Some(h.dispatch.envelope().expires_at),
                    urgency: Some(h.dispatch.envelope().metadata.urgency),
                    bytes: h.dispatch.envelope().documents.iter().map(|d| d.size).sum(),
                    broke_off: broken.map_or(0, |b| b.attempts.len() as u32),
                    quarantine: quarantine.clone(),
                    looks,
                    look_mono_ms,
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

    /// The legs of dispatches that are set aside unread, as far as their beginning says; of one that
    /// nothing can be read of, a line without parties.
    fn unread_lines<'a>(
        &'a self,
        start: DispatchId,
        after: &'a Option<After>,
    ) -> impl Iterator<Item = QueueLine> + 'a {
        let unread = self.state.broken.range(start..).filter_map(|(id, b)| {
            let (cause, _) = b.cause.as_ref().filter(|_| !self.state.held.contains_key(id))?;
            Some((*id, b, cause))
        });
        unread.flat_map(move |(id, broken, cause)| {
            let aside = broken.aside.as_ref();
            let held = aside.and_then(|aside| aside.held.as_ref());
            let recipients: Vec<Option<AgencyCode>> = match (held, aside) {
                (Some(_), Some(aside)) => {
                    aside.recipients().into_iter().cloned().map(Some).collect()
                }
                _ => vec![None],
            };
            let listed = move |r: &Option<AgencyCode>| {
                after.as_ref().is_none_or(|(i, a)| (&id, r.as_ref()) > (i, a.as_ref()))
            };
            let (looks, look_mono_ms) = self.looks.standing(&id);
            recipients.into_iter().filter(listed).map(move |recipient| QueueLine {
                dispatch: id,
                originator: held.map(|h| h.originator.clone()),
                recipient,
                peer: None,
                asked_until_mono_ms: None,
                leg: Leg::held(),
                standing: None,
                since: held.map(|h| h.at),
                expires_at: None,
                urgency: None,
                bytes: held.map_or(0, |h| h.files.iter().map(|(_, size)| *size).sum()),
                broke_off: broken.attempts.len() as u32,
                quarantine: Some(cause.clone()),
                looks,
                look_mono_ms,
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
                log_size: self.held_of(name).map(|held| held.size),
                clock_offset_ms: p.clock_offset_ms,
                queued: p.queue.len(),
                in_flight: p.queue.in_flight(),
                receipts_owed: p.outbox.len(),
            })
            .collect()
    }

    /// The newest checkpoint that we hold of a peer's log.
    pub fn held_of(&self, peer: &NodeId) -> Option<PeerCheckpoint> {
        let epoch = self.state.peers.get(peer)?.epoch?;
        self.state.logs.held(peer, &epoch).cloned()
    }

    /// The next node of a leg in our custody, and how the leg's dispatch stands in its queue.
    pub fn standing(&self, id: &DispatchId, recipient: &AgencyCode) -> Option<(NodeId, Standing)> {
        let leg = self.state.held.get(id)?.legs.get(recipient)?;
        let next = self.heads_for(id, recipient).0?;
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

    /// The receipts that carry what is known of a dispatch, in commit order, as far as they are here. What the
    /// store must give is read in one go: there may be thousands.
    ///
    /// # Errors
    /// [`Fatal`] when the store cannot be read.
    pub fn receipts_of<'h>(
        &self,
        held: &'h HeldDispatch,
        view: &dyn View,
    ) -> Result<Vec<Carried<'h>>, Fatal> {
        let elsewhere = |k: &Known| k.raw.is_none() && matches!(k.owed, Owed::Foreign(_));
        let mut stored: BTreeMap<Digest, Arc<[u8]>> = BTreeMap::new();
        if held.evidence.iter().any(elsewhere) {
            let history = self.read_noted(&held.id(), || view.history(&held.id()));
            stored.extend(history?.into_iter().filter_map(|r| match r {
                Record::Foreign(f) => Some((f.digest, f.raw)),
                Record::Earlier(own) => Some((own.digest, own.raw)),
                _ => None,
            }));
        }
        let mut all = Vec::with_capacity(held.evidence.len());
        for known in &held.evidence {
            let raw = match (&known.raw, known.owed) {
                (None, Owed::Foreign(digest)) => stored.get(&digest).cloned(),
                _ => self.receipt_of(known, view)?,
            };
            all.extend(raw.map(|raw| (known, raw)));
        }
        Ok(all)
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
        let unread = self
            .state
            .broken
            .iter()
            .filter(|(id, b)| b.cause.is_some() && !self.state.held.contains_key(id));
        for (_, broken) in unread {
            // Of one whose beginning cannot be read it is not known how many there are.
            let known = broken.aside.as_ref().filter(|aside| aside.held.is_some());
            n[5] += known.map_or(1, |aside| aside.recipients().len() as u64);
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
