//! An offer: a peer wants to pass a dispatch on to us, for some recipients.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tram_dispatch::{AgencyCode, Code, Event, NodeId, Now};
use tram_trust::directory::STEPS_MAX;
use tram_trust::{Directory, VerifiedDispatch, VerifiedReceipt};

use super::chain::{Shown, chain};
use super::rules::Objection;
use crate::custody::follows_from_directory;
use crate::engine::{Engine, Fatal};
use crate::input::{Documents, Token};
use crate::output::{Answer, Output};
use crate::quarantine::Here;
use crate::quota::{Coming, Shortage, Use, Way};
use crate::record::{Held, Legs, Owed, Record};
use crate::release::{Waiting, WaitingAnswer};
use crate::route::{Route, route, toward};
use crate::state::held::Known;
use crate::state::lanes::Flow;
use crate::state::leg::{Leg, Outcome};
use crate::view::View;

/// What a peer offers.
#[derive(Debug)]
pub(crate) struct Offer {
    pub token: Token,
    pub peer: NodeId,
    pub dispatch: VerifiedDispatch,
    pub recipients: Vec<AgencyCode>,
    pub receipts: Vec<VerifiedReceipt>,
    pub documents: Documents,
    pub shown: Shown,
}

impl Engine {
    pub(crate) fn offer(&mut self, now: Now, offer: Offer, view: &dyn View) -> Result<(), Fatal> {
        if let Some(code) = self.shut() {
            let later = Answer::Later(code, self.settings.busy_retry_ms);
            self.answer_all(&offer, later);
            return Ok(());
        }
        if let Err((code, detail)) = Self::check_upstream(&offer) {
            self.answer_all(&offer, Answer::RefusedUnsigned(code, detail));
            return Ok(());
        }
        let id = offer.dispatch.id();
        let answer = self.quarantine_answer(&id).filter(|_| !self.state.is_aside(&id));
        if let Some(later) = answer {
            self.answer_all(&offer, later);
            return Ok(());
        }
        let known = self.take_up_again(now, &id, view)? == Here::Known;
        // Its records cannot be read.
        if let Some(later) = self.quarantine_answer(&id) {
            self.answer_all(&offer, later);
            return Ok(());
        }
        if known && let Some(p) = self.state.peers.get_mut(&offer.peer) {
            p.outbox.again(&id);
        }
        // Once closed, its documents are gone: then they are needed again.
        let complete = self.state.held.get(&offer.dispatch.id()).is_some_and(|h| h.documents);
        let mut answers: Vec<(AgencyCode, WaitingAnswer)> = Vec::new();
        let (mut fresh, mut repeated) = (Vec::new(), Vec::new());
        for r in &offer.recipients {
            match known.then(|| self.first_answer(&offer, r)).flatten() {
                Some(answer) => {
                    if let WaitingAnswer::Accepted(_) = answer {
                        repeated.push(r.clone());
                    }
                    answers.push((r.clone(), answer));
                }
                None => fresh.push(r.clone()),
            }
        }
        if !fresh.is_empty() && now.wall >= offer.dispatch.envelope().expires_at {
            // Its custodian expires it; a refusal of ours would only race with that.
            for r in fresh.drain(..) {
                let later = Answer::Later(Code::DispatchExpired, self.settings.retry_ms_max);
                answers.push((r, WaitingAnswer::Ready(later)));
            }
        }
        // What is recorded takes room for ever, a refusal too: not faster than allowed.
        let tell_again = self.is_to_be_told_again(&offer, &repeated);
        let records = tell_again || !fresh.is_empty();
        let too_fast = self.peer_too_fast(now, &offer.peer).filter(|_| records);
        if let Some(Shortage { code, retry_ms }) = too_fast {
            let later = |r| (r, WaitingAnswer::Ready(Answer::Later(code, retry_ms)));
            answers.extend(fresh.drain(..).map(later));
            if tell_again {
                // Told that it is taken, it would never ask again for what it lost.
                for (_, answer) in &mut answers {
                    *answer = WaitingAnswer::Ready(Answer::Later(code, retry_ms));
                }
            }
        }
        let (mut take, mut refuse) = (Vec::new(), Vec::new());
        for r in fresh {
            match self.offer_objection(now, &offer, &r) {
                Ok(way) => take.push((r, way)),
                Err(objection) => refuse.push((r, objection)),
            }
        }
        let (take, later) = self.with_room(&offer, complete, take);
        if too_fast.is_some() || !later.is_empty() {
            self.rates.peer_turned_away(&offer.peer, &self.settings.quotas, now.mono_ms);
        }
        answers.extend(later);
        if !take.is_empty() && !complete && !offer.documents.missing.is_empty() {
            // Nothing is recorded yet: the peer first lets us have the documents, then we decide.
            self.wait(Waiting::Ready(Output::TakeDocuments { token: offer.token }));
            return Ok(());
        }
        if !take.is_empty() || !refuse.is_empty() || (tell_again && too_fast.is_none()) {
            self.rates.peer_took(&offer.peer, &self.settings.quotas, now.mono_ms);
        }
        // Read once, and only if anybody is refused: there may be thousands of them.
        let past = if refuse.is_empty() { Vec::new() } else { view.history(&id)? };
        let mut told = self.refusals_told(&offer, &past);
        for (r, (code, _)) in refuse {
            if let Some(leaf) = told.remove(&(r.clone(), code.number())) {
                answers.push((r, WaitingAnswer::Refused(leaf)));
                continue;
            }
            let mut e = self.evidence(now, Event::RelayRejection, &offer.dispatch, Some(r.clone()));
            e.reason = Some(code);
            e.previous = Some(offer.peer.clone());
            let leaf = self.witness(now, e, Vec::new())?;
            answers.push((r, WaitingAnswer::Refused(leaf)));
        }
        self.admit_offer(now, &offer, complete, take, &mut answers, view)?;
        if tell_again && too_fast.is_none() && self.is_to_be_told_again(&offer, &repeated) {
            self.tell_again(now, &offer);
        }
        let (token, dispatch) = (offer.token, offer.dispatch.id());
        self.wait(Waiting::Answer { token, dispatch, answers });
        Ok(())
    }

    /// The upstream receipts must show that the peer itself holds custody toward each recipient.
    fn check_upstream(offer: &Offer) -> Result<(), Objection> {
        let bad = |detail: &str| Err((Code::ReceiptInvalid, detail.to_owned()));
        let id = offer.dispatch.id();
        if offer.receipts.iter().any(|r| r.record().dispatch != id) {
            return bad("an upstream receipt is about another dispatch");
        }
        let Some(first) = offer.receipts.first().map(VerifiedReceipt::record) else {
            return bad("the first node's receipt is missing");
        };
        if first.event != Event::SubmissionAcceptance
            || first.object != Some(offer.dispatch.object())
        {
            return bad("the first receipt does not accept this submission");
        }
        for r in &offer.recipients {
            if offer.shown.toward(r).is_none() {
                return bad("the peer's own receipt is missing for a recipient");
            }
            // They are in ascending order: the envelope's own rule.
            if offer.dispatch.envelope().recipients.binary_search(r).is_err() {
                return bad("a recipient is not in the envelope");
            }
        }
        Ok(())
    }

    /// What was answered when this leg was first offered, if it was and still stands. Given back
    /// and offered again it is a new leg.
    fn first_answer(&self, offer: &Offer, recipient: &AgencyCode) -> Option<WaitingAnswer> {
        let h = self.state.held.get(&offer.dispatch.id())?;
        // It refused this leg before, when ways led elsewhere, and with that the leg ended here.
        let by_its_word = matches!(
            h.legs.get(recipient),
            Some(Leg::Ended { outcome: Outcome::Refused, via: Some(via), .. }) if *via == offer.peer
        );
        if by_its_word {
            return None;
        }
        let owed = h.accepted(recipient)?.owed;
        if h.known(owed).is_some_and(|accepted| went_round(offer, accepted)) {
            let later = Answer::Later(Code::Misrouted, self.settings.retry_ms_max);
            return Some(WaitingAnswer::Ready(later));
        }
        Some(WaitingAnswer::Accepted(owed))
    }

    /// The refusals that this peer was given before and that still say the same: leaf by recipient and
    /// number of the code, the first of each.
    fn refusals_told(&self, offer: &Offer, past: &[Record]) -> BTreeMap<(AgencyCode, u16), u64> {
        let mut told = BTreeMap::new();
        for record in past {
            let Record::Evidence(own) = record else { continue };
            let e = &own.evidence;
            let (Some(recipient), Some(code)) = (&e.recipient, e.reason) else { continue };
            let same = e.event == Event::RelayRejection
                && e.previous.as_ref() == Some(&offer.peer)
                && e.object == Some(offer.dispatch.object())
                // Under another directory it says something else.
                && (!follows_from_directory(code)
                    || e.directory == Some(self.directory.digest()));
            if same {
                let key = (recipient.clone(), code.number());
                told.entry(key).or_insert(own.leaf.index);
            }
        }
        told
    }

    /// A peer that offers again what this node holds has lost what it was told since; so has a
    /// peer that offers it for the first time never been told.
    fn is_to_be_told_again(&self, offer: &Offer, repeated: &[AgencyCode]) -> bool {
        let Some(h) = self.state.held.get(&offer.dispatch.id()) else { return false };
        let known = h.upstreams.contains(&offer.peer);
        !repeated.is_empty() && (!known || repeated.iter().any(|r| h.lost_news(&offer.peer, r)))
    }

    fn tell_again(&mut self, now: Now, offer: &Offer) {
        let legs = Legs {
            dispatch: offer.dispatch.id(),
            previous: offer.peer.clone(),
            recipients: Vec::new(),
            receipts: Vec::new(),
        };
        self.record(now, Record::Legs(legs), None, true);
    }

    /// The recipients for whom there is room, and a "later" for each of the others: the peer, the
    /// node, or only the way of that one recipient can be full.
    fn with_room(
        &self,
        offer: &Offer,
        complete: bool,
        take: Vec<(AgencyCode, Way)>,
    ) -> (Vec<AgencyCode>, Vec<(AgencyCode, WaitingAnswer)>) {
        let (dispatch, envelope) = (&offer.dispatch, offer.dispatch.envelope());
        let class = envelope.metadata.urgency.class();
        let upstream = chain(offer, take.iter().map(|(r, _)| r)).into_iter().map(|r| r.raw().len());
        let more = Use::to_come(envelope, dispatch.raw().len(), take.len(), upstream);
        // What is held already takes no more room but on its new ways.
        let all = if complete {
            None
        } else {
            let full = self.node_is_full(more, class, nodes_passed(offer).len());
            full.or_else(|| self.peer_is_full(&offer.peer, more, class))
        };
        let flow = Flow::Peer(offer.peer.clone());
        let load = Coming { originator: &envelope.originator, flow, more, class };
        let mut ways: BTreeMap<Way, Option<Shortage>> = BTreeMap::new();
        let (mut room, mut later) = (Vec::new(), Vec::new());
        for (r, way) in take {
            let full = all.or_else(|| {
                let look = |way: &Way| self.way_is_full(way, &load);
                *ways.entry(way).or_insert_with_key(look)
            });
            match full {
                None => room.push(r),
                Some(Shortage { code, retry_ms }) => {
                    later.push((r, WaitingAnswer::Ready(Answer::Later(code, retry_ms))));
                }
            }
        }
        (room, later)
    }

    /// Where a leg leads, or why this node must not take it from this peer, for good.
    fn offer_objection(
        &self,
        now: Now,
        offer: &Offer,
        recipient: &AgencyCode,
    ) -> Result<Way, Objection> {
        let envelope = offer.dispatch.envelope();
        if let Some(objection) = Self::secrecy_objection(envelope) {
            return Err(objection);
        }
        if let Some(objection) = self.lifetime_objection(envelope) {
            return Err(objection);
        }
        let mut hops = nodes_passed(offer);
        hops.insert(self.me());
        if hops.len() > usize::from(envelope.max_hops) {
            let detail = format!("{} nodes, the envelope allows {}", hops.len(), envelope.max_hops);
            return Err((Code::HopLimit, detail));
        }
        let Some(taken) = offer.receipts.first().map(VerifiedReceipt::record) else {
            return Err((Code::ReceiptInvalid, "the first node's receipt is missing".to_owned()));
        };
        let first = &taken.node;
        if !self.served(now, taken, &envelope.originator) {
            let detail = format!("{first} does not serve {}", envelope.originator);
            return Err((Code::Misrouted, detail));
        }
        // What was routed under the directory before is still let through.
        let directories = [Some(&self.directory), self.directory_before.as_ref()];
        if !directories
            .into_iter()
            .flatten()
            .any(|d| passes(d, first, &offer.peer, self.me(), recipient))
        {
            let detail = format!("{} is not on the way from {first}", offer.peer);
            return Err((Code::Misrouted, detail));
        }
        match route(&self.directory, self.me(), recipient) {
            Route::Local => Ok(Way::Into(recipient.clone())),
            Route::Hop(next) if next == offer.peer => {
                Err((Code::Misrouted, format!("the way to {recipient} leads back to {next}")))
            }
            Route::Hop(next) => Ok(Way::Toward(next)),
            Route::None(code) => Err((code, format!("recipient {recipient}"))),
        }
    }

    fn admit_offer(
        &mut self,
        now: Now,
        offer: &Offer,
        complete: bool,
        take: Vec<AgencyCode>,
        answers: &mut Vec<(AgencyCode, WaitingAnswer)>,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        let id = offer.dispatch.id();
        let receipts: Vec<Arc<[u8]>> =
            chain(offer, &take).into_iter().map(|r| r.raw().clone()).collect();
        if complete && !take.is_empty() {
            let previous = offer.peer.clone();
            let legs = Legs { dispatch: id, previous, recipients: take.clone(), receipts };
            self.record(now, Record::Legs(legs), None, true);
        } else if !take.is_empty() {
            let envelope = offer.dispatch.envelope();
            let held = Held {
                dispatch: id,
                raw: offer.dispatch.raw().clone(),
                object: offer.dispatch.object(),
                originator: envelope.originator.clone(),
                reference: envelope.reference.clone(),
                previous: Some(offer.peer.clone()),
                recipients: take.clone(),
                receipts,
                inline: offer.documents.inline.clone(),
                files: offer.documents.files.clone(),
                removed: Vec::new(),
                at: self.leaf_time(now),
            };
            self.record(now, Record::Held(held), Some(offer.dispatch.clone()), true);
        }
        for r in take {
            let local = route(&self.directory, self.me(), &r) == Route::Local;
            let event = if local { Event::ContentConsignment } else { Event::RelayAcceptance };
            let mut e = self.evidence(now, event, &offer.dispatch, Some(r.clone()));
            e.previous = Some(offer.peer.clone());
            e.upstream = offer.shown.toward(&r);
            e.status = local.then_some(1);
            let leaf = self.witness(now, e, Vec::new())?;
            answers.push((r, WaitingAnswer::Accepted(Owed::Own(leaf))));
        }
        self.link(now, &id, view)?;
        self.queue_legs(&id);
        self.state.charge(&id);
        Ok(())
    }

    fn answer_all(&mut self, offer: &Offer, answer: Answer) {
        let answers = offer
            .recipients
            .iter()
            .map(|r| (r.clone(), WaitingAnswer::Ready(answer.clone())))
            .collect();
        let (token, dispatch) = (offer.token, offer.dispatch.id());
        self.wait(Waiting::Answer { token, dispatch, answers });
    }
}

/// Whether who offers a leg had it by way of this node, as our own receipt among those upstream shows. This
/// node let it go: to say that it has it would leave it in nobody's custody.
fn went_round(offer: &Offer, accepted: &Known) -> bool {
    offer.shown.ours && offer.receipts.iter().any(|r| *r.record() == accepted.evidence)
}

/// The nodes that had it before, as their receipts show.
fn nodes_passed(offer: &Offer) -> BTreeSet<&NodeId> {
    offer.receipts.iter().map(|r| &r.record().node).collect()
}

/// Whether the way from the first node to the recipient, or the way here, comes from this peer. The
/// two can differ where lateral ways cross.
fn passes(
    directory: &Directory,
    first: &NodeId,
    peer: &NodeId,
    me: &NodeId,
    recipient: &AgencyCode,
) -> bool {
    if toward(directory, me, first).as_ref() == Some(peer) {
        return true;
    }
    let Some(host) = directory.hosting(recipient) else { return false };
    let mut at = first.clone();
    for _ in 0..STEPS_MAX {
        match toward(directory, &at, host) {
            Some(next) if next == *me => return at == *peer,
            Some(next) if next != at => at = next,
            _ => return false,
        }
    }
    false
}
