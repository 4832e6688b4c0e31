//! A dispatch this node has something left to do for, and how records change it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tram_dispatch::{
    AgencyCode, Code, Digest, DispatchId, Event, EvidenceRecord, NodeId, UnixMillis,
};
use tram_trust::VerifiedDispatch;

use super::leg::{Leg, Outcome, Stage};
use crate::record::{Foreign, Held, Legs, Owed, OwnEvidence, Record};

/// One dispatch in memory.
#[derive(Clone, Debug)]
pub struct HeldDispatch {
    /// The sealed object.
    pub dispatch: VerifiedDispatch,
    /// The peers it came from; empty at the first node.
    pub upstreams: BTreeSet<NodeId>,
    /// The legs this node took.
    pub legs: BTreeMap<AgencyCode, Leg>,
    /// Upstream receipts, as received, the first node's first.
    pub upstream_receipts: Vec<Arc<[u8]>>,
    /// Everything known about it, in commit order.
    pub evidence: Vec<Known>,
    /// Receipts still owed to upstream peers.
    pub owed: BTreeSet<(NodeId, Owed)>,
    /// Documents in the journal, by digest.
    pub inline: Vec<Digest>,
    /// Documents as files: (digest, size).
    pub files: Vec<(Digest, u64)>,
    /// When custody began.
    pub at: UnixMillis,
    /// Number of the last batch that changed it; answers wait for that batch.
    pub batch: u64,
}

/// One piece of evidence about a dispatch.
#[derive(Clone, Debug)]
pub struct Known {
    /// The record.
    pub evidence: EvidenceRecord,
    /// Which receipt carries it.
    pub owed: Owed,
    /// The receipt as bytes; absent for our own leaf until its commit is sealed, or after a
    /// restart until somebody asks.
    pub raw: Option<Arc<[u8]>>,
    /// Whether it counts.
    pub authorised: bool,
}

impl HeldDispatch {
    /// Custody begins.
    pub fn new(dispatch: VerifiedDispatch, held: &Held) -> Self {
        HeldDispatch {
            dispatch,
            upstreams: held.previous.iter().cloned().collect(),
            legs: held.recipients.iter().map(|r| (r.clone(), Leg::held())).collect(),
            upstream_receipts: held.receipts.clone(),
            evidence: Vec::new(),
            owed: BTreeSet::new(),
            inline: held.inline.iter().map(|(d, _)| *d).collect(),
            files: held.files.clone(),
            at: held.at,
            batch: 0,
        }
    }

    /// Its id.
    pub fn id(&self) -> DispatchId {
        self.dispatch.id()
    }

    /// Urgency class, 0 to 3.
    pub fn class(&self) -> u8 {
        self.dispatch.envelope().metadata.urgency.class()
    }

    /// Applies one later record about this dispatch. Normal running and recovery both come here.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Legs(legs) => self.apply_legs(legs),
            Record::Evidence(own) => self.apply_own(own),
            Record::Foreign(f) => self.apply_foreign(f),
            Record::OutboxDone(done) => {
                self.owed.remove(&(done.peer.clone(), done.owed));
            }
            Record::Hold(hold) => {
                if let Some(leg) = self.legs.get_mut(&hold.recipient)
                    && leg.in_custody()
                {
                    *leg = if hold.held { Leg::OnHold } else { Leg::held() };
                }
            }
            Record::Reoffer(back) => {
                for leg in self.legs.values_mut() {
                    if matches!(leg, Leg::Transferred { peer, .. } if *peer == back.peer) {
                        *leg = Leg::held();
                    }
                }
            }
            _ => {}
        }
    }

    /// Legs offered later.
    fn apply_legs(&mut self, legs: &Legs) {
        self.upstreams.insert(legs.previous.clone());
        for r in &legs.recipients {
            self.legs.insert(r.clone(), Leg::held());
        }
        for raw in &legs.receipts {
            if !self.upstream_receipts.contains(raw) {
                self.upstream_receipts.push(raw.clone());
            }
        }
    }

    /// Evidence of this node.
    fn apply_own(&mut self, own: &OwnEvidence) {
        let e = &own.evidence;
        let owed = Owed::Own(own.leaf.index);
        self.owed.extend(own.owed_to.iter().map(|p| (p.clone(), owed)));
        self.evidence.push(Known { evidence: e.clone(), owed, raw: None, authorised: true });
        let Some(leg) = e.recipient.as_ref().and_then(|r| self.legs.get_mut(r)) else { return };
        let at = e.time;
        match e.event {
            Event::ContentConsignment => *leg = Leg::Mailbox { stage: Stage::Consigned, at },
            Event::ContentHandover => *leg = Leg::Mailbox { stage: Stage::HandedOver, at },
            Event::ConsignmentAcceptance => *leg = Leg::Mailbox { stage: Stage::Registered, at },
            Event::ConsignmentRejection => *leg = Leg::Mailbox { stage: Stage::Refused, at },
            Event::RelayFailure => {
                *leg = match (e.reason, &e.previous) {
                    (Some(Code::Returned), Some(to)) => Leg::Returned { to: to.clone() },
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
        self.evidence.push(Known {
            evidence: e.clone(),
            owed,
            raw: Some(f.raw.clone()),
            authorised: f.authorised,
        });
        let Some(leg) = e.recipient.as_ref().and_then(|r| self.legs.get_mut(r)) else { return };
        if !f.authorised {
            return;
        }
        let ended = |outcome| Leg::Ended {
            outcome,
            at: e.time,
            via: Some(f.from.clone()),
            last_relay: e.node == f.from,
            stage: Stage::Consigned,
        };
        match (e.event, &mut *leg) {
            (Event::RelayAcceptance, Leg::Held { .. } | Leg::OnHold) if e.node == f.from => {
                *leg = Leg::Transferred { peer: f.from.clone(), receipt: f.digest };
            }
            // A consignment prevails over an earlier failure; a later stage is not undone by it.
            (Event::ContentConsignment, Leg::Ended { outcome: Outcome::Consigned, .. }) => {}
            (Event::ContentConsignment, _) => *leg = ended(Outcome::Consigned),
            (
                Event::ContentHandover | Event::ConsignmentAcceptance | Event::ConsignmentRejection,
                Leg::Ended { stage, .. },
            ) => *stage = (*stage).max(stage_of(e.event)),
            (
                Event::ContentHandover | Event::ConsignmentAcceptance | Event::ConsignmentRejection,
                _,
            ) => {
                // Later events can overtake the consignment on the way back; they imply it.
                let mut new = ended(Outcome::Consigned);
                if let Leg::Ended { stage, .. } = &mut new {
                    *stage = stage_of(e.event);
                }
                *leg = new;
            }
            (_, Leg::Ended { .. }) => {}
            (Event::RelayRejection | Event::ContentConsignmentFailure, _) => {
                *leg = ended(Outcome::Refused);
            }
            (Event::RelayFailure, Leg::Transferred { peer, .. }) => {
                *leg = if e.reason == Some(Code::Returned) && e.node == *peer {
                    Leg::Held { returned_by: [peer.clone()].into() }
                } else if e.reason == Some(Code::Returned) {
                    // Given back further down the way; the custodian there decides.
                    return;
                } else {
                    ended(failure(e.reason))
                };
            }
            _ => {}
        }
    }

    /// The raw receipt of one piece of evidence, where it is in memory.
    pub fn raw(&self, owed: Owed) -> Option<&Arc<[u8]>> {
        self.evidence.iter().find(|k| k.owed == owed)?.raw.as_ref()
    }

    /// Our own newest evidence of one of these events about a recipient (or the whole dispatch).
    pub fn own(
        &self,
        node: &NodeId,
        events: &[Event],
        recipient: Option<&AgencyCode>,
    ) -> Option<&Known> {
        self.evidence.iter().rev().find(|k| {
            k.evidence.node == *node
                && events.contains(&k.evidence.event)
                && k.evidence.recipient.as_ref() == recipient
        })
    }

    /// Whether nothing is left to do at `wall`: no custody, nothing owed, no bytes to keep.
    pub fn is_finished(
        &self,
        wall: UnixMillis,
        keep_last_relay_ms: u64,
        keep_mailbox_ms: u64,
    ) -> bool {
        self.owed.is_empty()
            && self.legs.values().all(|leg| match leg {
                Leg::Held { .. } | Leg::OnHold | Leg::Transferred { .. } => false,
                Leg::Returned { .. } => true,
                Leg::Mailbox { stage, at } => {
                    *stage >= Stage::Refused && wall.since_ms(*at) >= keep_mailbox_ms
                }
                Leg::Ended { outcome: Outcome::Consigned, last_relay: true, stage, at, .. } => {
                    *stage >= Stage::HandedOver || wall.since_ms(*at) >= keep_last_relay_ms
                }
                Leg::Ended { .. } => true,
            })
    }
}

fn failure(reason: Option<Code>) -> Outcome {
    if reason == Some(Code::DispatchExpired) { Outcome::Expired } else { Outcome::Failed }
}

fn stage_of(event: Event) -> Stage {
    match event {
        Event::ConsignmentAcceptance => Stage::Registered,
        Event::ConsignmentRejection => Stage::Refused,
        _ => Stage::HandedOver,
    }
}
