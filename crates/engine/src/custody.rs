//! Custody passing on: answers of peers, receipts on their way back, what is tried again.

use tram_dispatch::{AgencyCode, Code, DispatchId, Event, EvidenceRecord, NodeId, Now};
use tram_trust::{Directory, VerifiedReceipt};

use crate::crowd;
use crate::engine::{Engine, Fatal};
use crate::input::PeerAnswer;
use crate::output::{Notice, Output};
use crate::quarantine::Here;
use crate::record::{Foreign, OutboxDone, Owed, Record};
use crate::release::Waiting;
use crate::route::{Route, route};
use crate::state::held::HeldDispatch;
use crate::state::leg::Leg;
use crate::state::queue::Load;
use crate::view::View;

impl Engine {
    /// A peer answered a transfer of ours.
    pub(crate) fn answered(
        &mut self,
        now: Now,
        peer: &NodeId,
        id: DispatchId,
        answers: Vec<(AgencyCode, PeerAnswer)>,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        // It may have ended and been closed while the answer was on its way.
        self.take_up_again(now, &id, view)?;
        let mut later: Option<(Code, u64)> = None;
        for (recipient, answer) in answers {
            match answer {
                PeerAnswer::Accepted(receipt) | PeerAnswer::Refused(receipt) => {
                    let e = receipt.record();
                    let fits = e.dispatch == id
                        && e.node == *peer
                        && e.recipient.as_ref() == Some(&recipient)
                        && answers_a_transfer(e.event);
                    if fits {
                        self.doubts.answered(&id, peer, &recipient);
                    }
                    if fits && self.refused_by_another_directory(peer, e) {
                        later = Some((e.reason.unwrap_or(Code::Misrouted), 0));
                    } else if fits {
                        self.take_receipt(now, peer, &receipt);
                    } else {
                        later = Some((Code::ReceiptInvalid, 0));
                    }
                }
                PeerAnswer::Later { code, retry_ms } => {
                    if follows_from_directory(code) {
                        self.doubts.answered(&id, peer, &recipient);
                    }
                    later = Some((code, retry_ms));
                }
            }
        }
        // Legs that joined the dispatch while this transfer was under way need not wait.
        let queue = self.state.peers.get_mut(peer).map(|p| &mut p.queue);
        if later.is_none() && queue.is_some_and(|q| q.go_on(&id)) {
            self.queue_elsewhere(&id);
            return Ok(());
        }
        let (code, retry_ms) = later.unwrap_or((Code::PeerUnreachable, 0));
        self.defer(now, peer, id, code, retry_ms);
        Ok(())
    }

    /// Whether a peer refused what its directory does not lead to, and its directory is not ours: one of
    /// the two is old. Nothing ends by that; the leg waits until they agree, or its time is over. Nor does
    /// it where a newer directory came while the answer was on its way, which does not lead to that peer.
    fn refused_by_another_directory(&self, peer: &NodeId, said: &EvidenceRecord) -> bool {
        let leads_elsewhere = || {
            let recipient = said.recipient.as_ref();
            recipient
                .is_some_and(|r| route(&self.directory, self.me(), r) != Route::Hop(peer.clone()))
        };
        said.event == Event::RelayRejection
            && said.reason.is_some_and(follows_from_directory)
            && (said.directory != Some(self.directory.digest()) || leads_elsewhere())
    }

    /// Puts what is left of a transfer back into the queue for a later try; what is settled leaves
    /// the queue.
    pub(crate) fn defer(
        &mut self,
        now: Now,
        peer: &NodeId,
        id: DispatchId,
        cause: Code,
        retry_ms: u64,
    ) {
        let wanted = self.next_hops(&id).contains(peer);
        let Some(p) = self.state.peers.get(peer) else { return };
        let attempts = p.queue.attempts(&id);
        let delay = match retry_ms {
            0 => self.backoff(attempts),
            // Asked again and again, this node takes its own time.
            asked => asked.max(self.backoff(attempts)).min(self.settings.retry_ms_max),
        };
        // A recall may have come while it was under way.
        self.state.touched.insert(id);
        if let Some(p) = self.state.peers.get_mut(peer) {
            if wanted {
                p.queue.defer(&id, now.mono_ms.saturating_add(delay), cause);
            } else {
                p.queue.remove(&id);
            }
        }
        if !wanted {
            self.queue_legs(&id);
        }
        // Nothing is under way to that peer any more: what waited for that takes its way now.
        self.queue_elsewhere(&id);
    }

    /// Doubling delays up to the maximum, with ±25 % jitter.
    fn backoff(&mut self, attempts: u32) -> u64 {
        let doubled =
            self.settings.retry_ms_min.saturating_mul(1 << attempts.saturating_sub(1).min(20));
        let delay = doubled.min(self.settings.retry_ms_max);
        delay - delay / 4 + self.random_below(delay / 2 + 1)
    }

    /// Receipts on their way back from a peer.
    pub(crate) fn receipts(
        &mut self,
        now: Now,
        peer: &NodeId,
        batch: u64,
        receipts: Vec<VerifiedReceipt>,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        for receipt in &receipts {
            let id = receipt.record().dispatch;
            self.decide_on(&id);
            match self.take_up_again(now, &id, view)? {
                Here::Known if self.was_given_to(&id, peer, receipt.record()) => {
                    self.take_receipt(now, peer, receipt);
                }
                Here::Aside => self.keep_unread(now, peer, receipt),
                Here::Known | Here::Unknown => {}
            }
        }
        // Waits for the commit that holds what was just taken, and only then says "stored".
        self.wait(Waiting::Ready(Output::Stored { peer: peer.clone(), batch }));
        Ok(())
    }

    /// Only receipts for a leg that went, or goes, to that peer are taken: any other neighbour could take
    /// a leg out of our hands, or end it, by its word alone.
    fn was_given_to(&self, id: &DispatchId, peer: &NodeId, said: &EvidenceRecord) -> bool {
        let Some(h) = self.state.held.get(id) else { return false };
        let Some(recipient) = &said.recipient else { return false };
        match h.legs.get(recipient) {
            Some(Leg::Transferred { peer: p, .. } | Leg::Ended { via: Some(p), .. }) => p == peer,
            // Its answer may be lost, or still on its way.
            Some(Leg::Held { .. } | Leg::OnHold | Leg::Ended { via: None, .. }) => {
                // Under the directory before it may have gone another way.
                let leads =
                    |d: &Directory| route(d, self.me(), recipient) == Route::Hop(peer.clone());
                leads(&self.directory)
                    || self.directory_before.as_ref().is_some_and(|d| leads(d))
                    || h.had_it(peer, recipient)
                    || self.doubts.names(id, peer, recipient)
            }
            Some(Leg::Mailbox { .. } | Leg::Returned { .. }) | None => false,
        }
    }

    /// Records a receipt of another node, once, and owes it to those upstream.
    fn take_receipt(&mut self, now: Now, from: &NodeId, receipt: &VerifiedReceipt) {
        let e = receipt.record().clone();
        let owed = Owed::Foreign(receipt.digest());
        let me = self.me().clone();
        let Some(h) = self.state.held.get(&e.dispatch) else { return };
        let object_fits = e.object == Some(h.dispatch.object());
        // It may have been verified by the directory before, a moment ago.
        let authorised = receipt.authorised_issuer() == Some(true) || self.counts(&e);
        let ignored = match h.known(owed) {
            // Exceptions: a claim that counts by now, and a peer that still says it holds a leg which is
            // in our custody.
            Some(known) => {
                let takes = match e.event {
                    Event::RelayAcceptance => crowd::moves(h, from, &e, authorised),
                    Event::ContentConsignment => crowd::claims(h, from, &e),
                    _ => false,
                };
                known.authorised >= authorised && !takes
            }
            None => self.is_too_much(h, from, &e, authorised),
        };
        if ignored || e.node == me || !object_fits {
            return;
        }
        let foreign = Foreign {
            digest: receipt.digest(),
            raw: receipt.raw().clone(),
            from: from.clone(),
            authorised,
            owed_to: h.upstreams.iter().cloned().collect(),
            evidence: e,
        };
        if let Some(sealed) = receipt.statement() {
            self.keep_statement(now, sealed);
        }
        self.note_foreign(now, foreign);
    }

    /// What was kept while its dispatch could not be read counts now, and is owed to those upstream.
    pub(crate) fn pass_on(&mut self, now: Now, kept: Foreign) {
        let e = &kept.evidence;
        let Some(h) = self.state.held.get(&e.dispatch) else { return };
        let object_fits = e.object == Some(h.dispatch.object());
        let authorised = self.counts(e);
        let owed_to: Vec<NodeId> = h.upstreams.iter().cloned().collect();
        // Of a claim that does not count, the first node learns nothing by taking it again.
        let nothing_new = !authorised && owed_to.is_empty();
        if object_fits && !nothing_new && self.was_given_to(&e.dispatch, &kept.from, e) {
            self.note_foreign(now, Foreign { authorised, owed_to, ..kept });
        }
    }

    /// Whether the directory lets its issuer say this, or the one before did: a recipient may have moved
    /// while what its node said was on its way.
    fn counts(&self, said: &EvidenceRecord) -> bool {
        let lets = |d: &Directory| tram_trust::authority::is_authorised(d, said);
        lets(&self.directory)
            || self.directory_before.as_ref().is_some_and(|d| lets(d))
            || self.had_mailbox(said)
    }

    /// Records a receipt of another node, tells who listens, and goes on with the leg it is about.
    fn note_foreign(&mut self, now: Now, foreign: Foreign) {
        let (e, from) = (foreign.evidence.clone(), foreign.from.clone());
        let id = e.dispatch;
        let urgent = !foreign.owed_to.is_empty();
        self.record(now, Record::Foreign(foreign), None, urgent);
        self.wait(Waiting::Ready(Output::Notify(Notice::from(&e))));
        let to_offer = self.state.held.get(&id).is_some_and(|h| {
            let leg = e.recipient.as_ref().and_then(|r| Some((r, h.legs.get(r)?)));
            leg.is_some_and(|(r, leg)| {
                matches!(leg, Leg::Held { .. }) || h.offered_after_the_end(r, leg).is_some()
            })
        });
        if to_offer {
            self.queue_leg(&id, e.recipient.as_ref());
        } else if let Some(r) = &e.recipient {
            self.leave_queue(&from, &id, r);
        }
    }

    /// A leg that ended by way of one peer waits for no other: the directory may have led it to one
    /// meanwhile.
    fn leave_queue(&mut self, via: &NodeId, id: &DispatchId, recipient: &AgencyCode) {
        let Route::Hop(other) = route(&self.directory, self.me(), recipient) else { return };
        if other == *via || self.next_hops(id).contains(&other) {
            return;
        }
        if let Some(p) = self.state.peers.get_mut(&other)
            && p.queue.standing(id).is_some_and(|s| !s.in_flight)
        {
            p.queue.remove(id);
        }
    }

    /// What was said too early counts once the directory that makes it true is in force here: a
    /// recipient's new node may have said it before this node learned of the move.
    pub(crate) fn count_claims(&mut self, now: Now) {
        let mut counts = Vec::new();
        for (id, h) in &self.state.held {
            for k in h.evidence.iter().filter(|k| !k.authorised) {
                self.housekeeping_on(id);
                let (Owed::Foreign(digest), Some(raw)) = (k.owed, &k.raw) else { continue };
                let Some(recipient) = &k.evidence.recipient else { continue };
                let from = match h.legs.get(recipient) {
                    Some(Leg::Transferred { peer, .. } | Leg::Ended { via: Some(peer), .. }) => {
                        peer.clone()
                    }
                    // An offer was answered with what did not count yet: nothing else comes of it.
                    Some(Leg::Held { .. } | Leg::OnHold) => {
                        match route(&self.directory, self.me(), recipient) {
                            Route::Hop(next) => next,
                            Route::Local | Route::None(_) => continue,
                        }
                    }
                    _ => continue,
                };
                if tram_trust::authority::is_authorised(&self.directory, &k.evidence) {
                    counts.push(Foreign {
                        digest,
                        raw: raw.clone(),
                        from,
                        authorised: true,
                        // Those upstream were given it, and have directories of their own.
                        owed_to: Vec::new(),
                        evidence: k.evidence.clone(),
                    });
                }
            }
        }
        self.claims_left = false;
        for foreign in counts {
            if self.is_full() {
                self.claims_left = true;
                return;
            }
            self.record(now, Record::Foreign(foreign), None, true);
        }
    }

    /// A batch of our receipts is durable at the peer.
    pub(crate) fn stored(&mut self, now: Now, peer: &NodeId, batch: u64) {
        let Some(p) = self.state.peers.get_mut(peer) else { return };
        for (dispatch, owed) in p.outbox.stored(batch) {
            self.housekeeping_on(&dispatch);
            let done = OutboxDone { dispatch, peer: peer.clone(), owed };
            self.record(now, Record::OutboxDone(done), None, false);
            self.close_aside(now, &dispatch);
        }
    }

    /// The next nodes toward which this dispatch has legs in our custody.
    pub(crate) fn next_hops(&self, id: &DispatchId) -> Vec<NodeId> {
        let Some(h) = self.state.held.get(id) else { return Vec::new() };
        if self.state.is_quarantined(id) {
            return Vec::new();
        }
        let hop = |(r, leg): (&AgencyCode, &Leg)| self.next_hop(h, r, leg);
        let mut hops: Vec<NodeId> = h.legs.iter().filter_map(hop).collect();
        hops.sort();
        hops.dedup();
        hops
    }

    /// The next node that this leg is to be offered to, or is to be asked about it.
    fn next_hop(&self, h: &HeldDispatch, r: &AgencyCode, leg: &Leg) -> Option<NodeId> {
        // Before the way is looked for: most legs of what lies here long are past it.
        let missing = match leg {
            Leg::Held { .. } => None,
            leg => Some(h.offered_after_the_end(r, leg)?),
        };
        let id = h.dispatch.id();
        if matches!(leg, Leg::Held { .. }) && self.is_under_way_as_before(&id, r) {
            return None;
        }
        if let Some(peer) = self.in_doubt_as_before(&id, r) {
            return Some(peer);
        }
        let Route::Hop(next) = route(&self.directory, self.me(), r) else { return None };
        let wanted = match leg {
            // To whom it came from it is returned, not offered.
            Leg::Held { returned_by } => !returned_by.contains_key(&next) && !h.came_by(r, &next),
            _ => missing == Some(&next),
        };
        wanted.then_some(next)
    }

    /// Puts a dispatch into the queue of the next hop of one leg.
    fn queue_leg(&mut self, id: &DispatchId, recipient: Option<&AgencyCode>) {
        let Some(h) = self.state.held.get(id) else { return };
        let Some(leg) = recipient.and_then(|r| Some((r, h.legs.get(r)?))) else { return };
        let Some(hop) = self.next_hop(h, leg.0, leg.1) else { return };
        if !self.state.is_quarantined(id) {
            let load = Load::of(h);
            self.state.peers.entry(hop).or_default().queue.push(*id, load);
        }
    }

    /// Puts a dispatch into the queue of every next hop it has work for.
    pub(crate) fn queue_legs(&mut self, id: &DispatchId) {
        let hops = self.next_hops(id);
        let Some(load) = self.state.held.get(id).map(Load::of) else { return };
        for hop in hops {
            self.state.peers.entry(hop).or_default().queue.push(*id, load.clone());
        }
    }

    /// Puts a dispatch into the queues that it is not in yet and has work for: after the way to a peer was
    /// tried, legs that the directory leads elsewhere by now go there, or are judged.
    pub(crate) fn queue_elsewhere(&mut self, id: &DispatchId) {
        if self.directory_before.is_none() && !self.doubts.are_recalled() {
            return;
        }
        self.state.touched.insert(*id);
        let Some(load) = self.state.held.get(id).map(Load::of) else { return };
        for hop in self.next_hops(id) {
            let queue = &mut self.state.peers.entry(hop).or_default().queue;
            if queue.standing(id).is_none() {
                queue.push(*id, load.clone());
            }
        }
    }

    /// Rebuilds every queue from the legs: at start, and when the directory changes.
    pub(crate) fn requeue_all(&mut self) {
        for p in self.state.peers.values_mut() {
            let ids: Vec<DispatchId> = p.queue.ids().copied().collect();
            for id in ids {
                if p.queue.standing(&id).is_some_and(|s| !s.in_flight) {
                    p.queue.remove(&id);
                }
            }
        }
        let ids: Vec<DispatchId> = self.state.held.keys().copied().collect();
        for id in &ids {
            self.housekeeping_on(id);
            self.queue_legs(id);
        }
        self.state.touched.extend(ids);
    }
}

/// Whether a refusal says no more than what the directory of who refuses says.
pub(crate) fn follows_from_directory(code: Code) -> bool {
    matches!(code, Code::RecipientUnknown | Code::AgencyClosed | Code::NoRoute | Code::Misrouted)
}

/// Whether a receipt with this event can answer a transfer.
pub(crate) fn answers_a_transfer(event: Event) -> bool {
    matches!(
        event,
        Event::RelayAcceptance
            | Event::RelayRejection
            | Event::ContentConsignment
            | Event::ContentConsignmentFailure
    )
}
