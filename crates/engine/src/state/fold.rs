//! How records change a held dispatch: the same fold in normal running and in recovery.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use tram_dispatch::{AgencyCode, Code, Event, EvidenceRecord, NodeId, UnixMillis};

use super::held::{Accepted, HeldDispatch, Known, receipt_bytes, returned};
use super::leg::{Leg, Outcome, Stage};
use crate::crowd;
use crate::record::{Foreign, Held, Legs, Owed, Record};

impl HeldDispatch {
    /// Applies one later record about this dispatch. Normal running and recovery both come here.
    pub fn apply(&mut self, record: &Record) {
        // That documents go after their time gives nothing to do.
        let event = match record {
            Record::Evidence(own) => Some(own.evidence.event),
            Record::Earlier(own) => Some(own.evidence.event),
            _ => None,
        };
        let removal = event == Some(Event::DocumentsRemoval);
        self.closed = matches!(record, Record::Closed(_)) || (self.closed && removal);
        match record {
            Record::Held(again) => self.apply_again(again),
            Record::Closed(_) => self.documents = false,
            Record::Legs(legs) => self.apply_legs(legs),
            Record::Evidence(own) => {
                let owed = Owed::Own(own.leaf.index);
                self.apply_own(&own.evidence, owed, &own.owed_to, None, own.leaf.record.len());
            }
            Record::Earlier(own) => {
                let owed = Owed::Foreign(own.digest);
                let raw = Some(own.raw.clone());
                self.apply_own(&own.evidence, owed, &own.owed_to, raw, own.raw.len());
            }
            Record::Foreign(f) => self.apply_foreign(f),
            Record::OutboxDone(done) => {
                self.owed.remove(&(done.peer.clone(), done.owed));
                if self.owed.is_empty() {
                    // An empty tree keeps its room.
                    self.owed = BTreeSet::new();
                }
            }
            Record::Linked(linked) => self.links.push(linked.clone()),
            Record::Unit(note) => self.units.push(note.clone()),
            Record::Hold(hold) => {
                if let Some(leg) = self.legs.get_mut(&hold.recipient)
                    && leg.in_custody()
                {
                    // One that only waited for an answer keeps who gave it back.
                    *leg = match (hold.held, &*leg) {
                        (true, _) => Leg::OnHold,
                        (false, Leg::Held { .. }) => leg.clone(),
                        (false, _) => Leg::held(),
                    };
                }
            }
            Record::Reoffer(back) => {
                for (recipient, leg) in self.legs.iter_mut() {
                    if matches!(leg, Leg::Transferred { peer, .. } if *peer == back.peer) {
                        *leg = Leg::held();
                    } else if leg.is_consigned_only(&back.peer) {
                        // That it was consigned stands: the originator learnt it.
                        self.bereft.insert(recipient.clone());
                    }
                }
            }
            _ => {}
        }
    }

    /// Custody begins again after the dispatch had been closed and its documents let go.
    fn apply_again(&mut self, held: &Held) {
        if let Some(previous) = &held.previous {
            self.apply_taken(previous, &held.recipients, &held.receipts);
        }
        self.inline = held.inline.iter().map(|(d, _)| *d).collect();
        self.files = held.files.clone();
        self.documents = true;
    }

    /// Legs offered later.
    fn apply_legs(&mut self, legs: &Legs) {
        self.apply_taken(&legs.previous, &legs.recipients, &legs.receipts);
    }

    fn apply_taken(&mut self, peer: &NodeId, recipients: &[AgencyCode], receipts: &[Arc<[u8]>]) {
        if self.upstreams.insert(peer.clone()) || recipients.is_empty() {
            // This peer has not been told, or lost, what became known before it asked.
            let news = self.evidence.iter().filter(|k| k.is_news());
            self.owed.extend(news.map(|k| (peer.clone(), k.owed)));
        }
        for r in recipients {
            self.legs.insert(r.clone(), Leg::held());
        }
        let mut known: BTreeSet<Arc<[u8]>> = self.upstream_receipts.iter().cloned().collect();
        for raw in receipts.iter().filter(|raw| known.insert((*raw).clone())) {
            self.upstream_receipts.push(raw.clone());
            self.receipt_bytes += receipt_bytes(raw.len());
            self.upstream_about = OnceLock::new();
        }
    }

    /// Evidence of this node.
    fn apply_own(
        &mut self,
        e: &EvidenceRecord,
        owed: Owed,
        owed_to: &[NodeId],
        raw: Option<Arc<[u8]>>,
        len: usize,
    ) {
        if e.reason == Some(Code::CopyDamaged) {
            // They are asked for again when the dispatch is offered again.
            self.documents = false;
        }
        self.owed.extend(owed_to.iter().map(|p| (p.clone(), owed)));
        self.note(Known { evidence: e.clone(), owed, raw, authorised: true, ours: true }, len);
        if let Some(r) = &e.recipient {
            match e.event {
                Event::ContentConsignment | Event::RelayAcceptance => {
                    let from = e.previous.clone();
                    self.accepted.entry(r.clone()).or_insert(Accepted { owed, from });
                }
                Event::RelayFailure if returned(e) => {
                    self.accepted.remove(r);
                }
                _ => {}
            }
        }
        let Some(leg) = e.recipient.as_ref().and_then(|r| self.legs.get_mut(r)) else { return };
        let at = e.time;
        match e.event {
            Event::ContentConsignment => *leg = Leg::Mailbox { stage: Stage::Consigned, at },
            Event::ContentHandover
            | Event::ConsignmentAcceptance
            | Event::ConsignmentRejection
            | Event::ActAcceptance
            | Event::ActRejection
            | Event::Withdrawal => reach(leg, stage_of(e.event), at),
            // Consigned it was; nothing more will come of it here.
            Event::ContentHandoverFailure => {
                *leg = Leg::Ended {
                    outcome: Outcome::Consigned,
                    at,
                    via: None,
                    last_relay: false,
                    stage: Stage::Consigned,
                };
            }
            Event::RelayFailure => {
                *leg = match (e.reason, &e.previous) {
                    (Some(Code::Returned | Code::CopyDamaged), Some(to)) => {
                        Leg::Returned { to: to.clone() }
                    }
                    (reason, _) => Leg::Ended {
                        outcome: failure(reason),
                        at,
                        via: None,
                        last_relay: false,
                        stage: Stage::Consigned,
                    },
                };
            }
            _ => {}
        }
    }

    /// A receipt of another node.
    fn apply_foreign(&mut self, f: &Foreign) {
        let e = &f.evidence;
        let owed = Owed::Foreign(f.digest);
        self.owed.extend(f.owed_to.iter().map(|p| (p.clone(), owed)));
        let surplus = self.is_surplus(e, f.authorised);
        let raw = Some(f.raw.clone());
        let known = Known { evidence: e.clone(), owed, raw, authorised: f.authorised, ours: false };
        if self.note(known, f.raw.len()) && surplus {
            *self.surplus_bytes.entry(f.from.clone()).or_insert(0) += receipt_bytes(f.raw.len());
        }
        // Receipts can overtake the answer that should have come before them.
        let undone = e.event == Event::RelayAcceptance && self.was_returned_after(e);
        let Some(r) = e.recipient.as_ref().filter(|_| !undone) else { return };
        if self.legs.get(r).is_some_and(|leg| leg.is_consigned_only(&e.node)) {
            // It has it again, or says why not.
            self.bereft.remove(r);
        }
        if !f.authorised {
            // The peer that was offered the leg took it as its recipient's node, by a directory which
            // this node never had. That it holds the leg it may say of itself, and no more.
            if crowd::claims(self, &f.from, e)
                && let Some(leg) = self.legs.get_mut(r)
            {
                *leg = Leg::Transferred { peer: f.from.clone(), receipt: f.digest };
            }
            return;
        }
        if let Some(stage) = stage_of(e.event) {
            let known = self.stages.entry(r.clone()).or_insert(stage);
            *known = stage.max(*known);
        }
        let stage = self.stages.get(r).copied().unwrap_or(Stage::Consigned);
        let Some(leg) = self.legs.get_mut(r) else { return };
        let ended = |outcome| Leg::Ended {
            outcome,
            at: e.time,
            via: Some(f.from.clone()),
            last_relay: e.node == f.from,
            stage,
        };
        match (e.event, &mut *leg) {
            // What this node itself said about the leg stands.
            (_, Leg::Mailbox { .. } | Leg::Returned { .. }) => {}
            (Event::RelayAcceptance, Leg::Held { .. } | Leg::OnHold) if e.node == f.from => {
                *leg = Leg::Transferred { peer: f.from.clone(), receipt: f.digest };
            }
            // A consignment prevails over an earlier failure; a later stage is not undone by it.
            (Event::ContentConsignment, Leg::Ended { outcome: Outcome::Consigned, .. }) => {}
            (Event::ContentConsignment, _) => *leg = ended(Outcome::Consigned),
            (event, Leg::Ended { outcome: Outcome::Consigned, stage: reached, .. })
                if stage_of(event).is_some() =>
            {
                *reached = stage;
            }
            (event, Leg::Ended { .. }) if stage_of(event).is_some() => {
                *leg = ended(Outcome::Consigned);
            }
            // They can overtake the consignment, which is on its way back, or given again when
            // this node offers the leg again.
            (event, _) if stage_of(event).is_some() => {}
            (_, Leg::Ended { .. }) => {}
            (Event::RelayRejection | Event::ContentConsignmentFailure, _) => {
                *leg = ended(Outcome::Refused);
            }
            // Given back further down the way: the custodian there decides.
            (Event::RelayFailure, _) if returned(e) && e.node != f.from => {}
            (Event::RelayFailure, Leg::Transferred { peer, .. })
                if returned(e) && *peer == e.node =>
            {
                // One whose copy is damaged wants it again; any other has no way on.
                *leg = match e.reason {
                    Some(Code::CopyDamaged) => Leg::held(),
                    _ => Leg::Held { returned_by: [(peer.clone(), e.directory)].into() },
                };
            }
            (Event::RelayFailure, Leg::Transferred { .. }) if returned(e) => {}
            (Event::RelayFailure, Leg::Held { .. }) if e.reason == Some(Code::CopyDamaged) => {}
            (Event::RelayFailure, Leg::Held { returned_by }) if returned(e) => {
                returned_by.insert(e.node.clone(), e.directory);
            }
            (Event::RelayFailure, Leg::OnHold) if returned(e) => {}
            (Event::RelayFailure, _) => *leg = ended(failure(e.reason)),
            _ => {}
        }
    }

    /// Keeps a piece of evidence, each receipt once. What was an unauthorised claim can come to
    /// count, under a newer directory.
    /// Gives whether it was not known.
    fn note(&mut self, known: Known, len: usize) -> bool {
        if let Some(first) = self.places.get(&known.owed).and_then(|i| self.evidence.get_mut(*i)) {
            first.authorised |= known.authorised;
            return false;
        }
        let place = self.evidence.len();
        self.places.insert(known.owed, place);
        if place == self.evidence.capacity() {
            self.evidence.reserve_exact(1 + place / 2);
        }
        self.evidence.push(known);
        self.said.note_last(&self.evidence);
        self.receipt_bytes += receipt_bytes(len);
        true
    }

    /// Whether a receipt is one of those that a node can make as many of as it likes: it counts for
    /// nothing here, or its node said the same about the leg before.
    pub(crate) fn is_surplus(&self, e: &EvidenceRecord, authorised: bool) -> bool {
        !authorised
            || matches!(e.event, Event::Unknown(_))
            || self.about(e.recipient.as_ref(), &e.node, Some(e.event)).len() > 0
    }
}

/// Takes a leg in a mailbox to a stage; never back.
fn reach(leg: &mut Leg, stage: Option<Stage>, at: UnixMillis) {
    let reached = match leg {
        Leg::Mailbox { stage, .. } => Some(*stage),
        _ => None,
    };
    if let Some(stage) = stage.filter(|stage| Some(*stage) > reached) {
        *leg = Leg::Mailbox { stage, at };
    }
}

fn failure(reason: Option<Code>) -> Outcome {
    if reason == Some(Code::DispatchExpired) { Outcome::Expired } else { Outcome::Failed }
}

fn stage_of(event: Event) -> Option<Stage> {
    match event {
        Event::ContentHandover => Some(Stage::HandedOver),
        Event::ConsignmentAcceptance
        | Event::HandlingStatus
        | Event::ActAcceptance
        | Event::ActRejection => Some(Stage::Registered),
        Event::Withdrawal => Some(Stage::Withdrawn),
        Event::ConsignmentRejection => Some(Stage::Refused),
        _ => None,
    }
}
