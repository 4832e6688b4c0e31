//! An offer: a peer wants to pass a dispatch on to us, for some recipients.

use std::collections::BTreeSet;
use std::sync::Arc;

use tram_dispatch::{AgencyCode, Code, Digest, Event, NodeId, Now};
use tram_trust::{VerifiedDispatch, VerifiedReceipt};

use super::rules::Objection;
use crate::engine::{Engine, Fatal, Waiting, WaitingAnswer};
use crate::input::{Documents, Token};
use crate::output::{Answer, Output};
use crate::record::{Held, Legs, Owed, Record};
use crate::route::{Route, route, toward};
use crate::state::leg::Leg;
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
}

impl Engine {
    pub(crate) fn offer(&mut self, now: Now, offer: Offer, view: &dyn View) -> Result<(), Fatal> {
        if let Some(code) = self.halted {
            let later = Answer::Later(code, self.settings.busy_retry_ms);
            self.answer_all(&offer, later);
            return Ok(());
        }
        if let Err((code, detail)) = Self::check_upstream(&offer) {
            self.answer_all(&offer, Answer::RefusedUnsigned(code, detail));
            return Ok(());
        }
        let known = self.load(&offer.dispatch.id(), view)?;
        let mut answers: Vec<(AgencyCode, WaitingAnswer)> = Vec::new();
        let mut fresh: Vec<AgencyCode> = Vec::new();
        for r in &offer.recipients {
            match known.then(|| self.first_answer(&offer, r)).flatten() {
                Some(answer) => answers.push((r.clone(), answer)),
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
        if !fresh.is_empty() && self.state.held.len() >= self.settings.held_max && !known {
            for r in fresh.drain(..) {
                let later = Answer::Later(Code::Busy, self.settings.busy_retry_ms);
                answers.push((r, WaitingAnswer::Ready(later)));
            }
        }
        let (mut take, mut refuse) = (Vec::new(), Vec::new());
        for r in fresh {
            match self.offer_objection(&offer, &r) {
                Some(objection) => refuse.push((r, objection)),
                None => take.push(r),
            }
        }
        if !take.is_empty() && !known && !offer.documents.missing.is_empty() {
            // Nothing is recorded yet: the peer first lets us have the documents, then we decide.
            self.wait(Waiting::Ready(Output::TakeDocuments { token: offer.token }));
            return Ok(());
        }
        for (r, (code, _)) in refuse {
            let mut e = self.evidence(now, Event::RelayRejection, &offer.dispatch, Some(r.clone()));
            e.reason = Some(code);
            e.previous = Some(offer.peer.clone());
            let leaf = self.witness(now, e, Vec::new())?;
            answers.push((r, WaitingAnswer::Refused(leaf)));
        }
        self.admit_offer(now, &offer, known, take, &mut answers)?;
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
            if upstream_receipt(offer, r).is_none() {
                return bad("the peer's own receipt is missing for a recipient");
            }
            if !offer.dispatch.envelope().recipients.contains(r) {
                return bad("a recipient is not in the envelope");
            }
        }
        Ok(())
    }

    /// What was answered when this leg was first offered, if it was and still stands.
    fn first_answer(&mut self, offer: &Offer, recipient: &AgencyCode) -> Option<WaitingAnswer> {
        let me = self.me().clone();
        let h = self.state.held.get(&offer.dispatch.id())?;
        let leg = h.legs.get(recipient)?;
        if matches!(leg, Leg::Returned { .. }) {
            // It was given back; offered again it is a new leg, not the old receipt.
            return None;
        }
        let events = [Event::ContentConsignment, Event::RelayAcceptance];
        let known = h.evidence.iter().find(|k| {
            k.evidence.node == me
                && events.contains(&k.evidence.event)
                && k.evidence.recipient.as_ref() == Some(recipient)
        })?;
        Some(WaitingAnswer::Accepted(known.owed))
    }

    /// Why this node must not take this leg from this peer, for good.
    fn offer_objection(&self, offer: &Offer, recipient: &AgencyCode) -> Option<Objection> {
        let envelope = offer.dispatch.envelope();
        if let Some(objection) = Self::secrecy_objection(envelope) {
            return Some(objection);
        }
        let mut hops: BTreeSet<&NodeId> = offer.receipts.iter().map(|r| &r.record().node).collect();
        hops.insert(self.me());
        if hops.len() > usize::from(envelope.max_hops) {
            let detail = format!("{} nodes, the envelope allows {}", hops.len(), envelope.max_hops);
            return Some((Code::HopLimit, detail));
        }
        let first = &offer.receipts.first()?.record().node;
        if self.directory.hosting(&envelope.originator) != Some(first) {
            let detail = format!("{first} does not serve {}", envelope.originator);
            return Some((Code::Misrouted, detail));
        }
        if toward(&self.directory, self.me(), first).as_ref() != Some(&offer.peer) {
            let detail = format!("{} is not on the way from {first}", offer.peer);
            return Some((Code::Misrouted, detail));
        }
        match route(&self.directory, self.me(), recipient) {
            Route::Local => None,
            Route::Hop(next) if next == offer.peer => {
                Some((Code::Misrouted, format!("the way to {recipient} leads back to {next}")))
            }
            Route::Hop(_) => None,
            Route::None(code) => Some((code, format!("recipient {recipient}"))),
        }
    }

    fn admit_offer(
        &mut self,
        now: Now,
        offer: &Offer,
        known: bool,
        take: Vec<AgencyCode>,
        answers: &mut Vec<(AgencyCode, WaitingAnswer)>,
    ) -> Result<(), Fatal> {
        let id = offer.dispatch.id();
        let receipts: Vec<Arc<[u8]>> = offer.receipts.iter().map(|r| r.raw().clone()).collect();
        if known {
            let new_peer =
                self.state.held.get(&id).is_some_and(|h| !h.upstreams.contains(&offer.peer));
            if !take.is_empty() || new_peer {
                let previous = offer.peer.clone();
                let legs = Legs { dispatch: id, previous, recipients: take.clone(), receipts };
                self.record(now, Record::Legs(legs), None, true);
            }
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
                at: self.log.time(now.wall),
            };
            self.record(now, Record::Held(held), Some(offer.dispatch.clone()), true);
        }
        for r in take {
            let local = route(&self.directory, self.me(), &r) == Route::Local;
            let event = if local { Event::ContentConsignment } else { Event::RelayAcceptance };
            let mut e = self.evidence(now, event, &offer.dispatch, Some(r.clone()));
            e.previous = Some(offer.peer.clone());
            e.upstream = upstream_receipt(offer, &r);
            e.status = local.then_some(1);
            let leaf = self.witness(now, e, Vec::new())?;
            answers.push((r, WaitingAnswer::Accepted(Owed::Own(leaf))));
        }
        self.queue_legs(&id);
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

/// Digest of the receipt that shows the peer's custody toward this recipient.
fn upstream_receipt(offer: &Offer, recipient: &AgencyCode) -> Option<Digest> {
    offer
        .receipts
        .iter()
        .find(|r| {
            let e = r.record();
            e.node == offer.peer
                && match e.event {
                    Event::SubmissionAcceptance => true,
                    Event::RelayAcceptance => e.recipient.as_ref() == Some(recipient),
                    _ => false,
                }
        })
        .map(VerifiedReceipt::digest)
}
