//! A dispatch this node has something left to do for, and how records change it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use litemap::LiteMap;
use tram_dispatch::{
    AgencyCode, Code, Digest, DispatchId, EpochId, Event, EvidenceRecord, NodeId, UnixMillis,
};
use tram_trust::VerifiedDispatch;

use tram_wire::Receipt;

use super::leg::{Leg, Outcome, Stage};
use super::said::Said;
use crate::record::{Held, Linked, Owed, UnitNote};

/// How long a leg that a peer gave back by another directory than ours waits for the two to agree.
const AGREE_MS: u64 = 600_000;

/// How long the receipt of a next node is asked for once the leg ended further down the way. It says
/// by which way a leg went; that it arrived is proved without it.
const MISSING_RECEIPT_MS_MAX: u64 = 3_600_000;

/// One dispatch in memory. Many are there for long, waiting for a recipient or to be forgotten; what has
/// few entries is a sorted vector, since a tree makes room for eleven.
#[derive(Clone, Debug)]
pub struct HeldDispatch {
    /// The sealed object.
    pub dispatch: VerifiedDispatch,
    /// The peers it came from; empty at the first node.
    pub upstreams: BTreeSet<NodeId>,
    /// The legs this node took.
    pub legs: LiteMap<AgencyCode, Leg>,
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
    /// Later dispatches that bear on it, in the order in which they became known.
    pub links: Vec<Linked>,
    /// What is on record of the recipients' units, in commit order.
    pub units: Vec<UnitNote>,
    /// Whether its documents are still here; they may go when it is closed.
    pub documents: bool,
    /// Whether the newest record about it says that nothing is left to do.
    pub closed: bool,
    /// Number of the last batch that changed it; until that one is durable the store does not
    /// know all that is known here.
    pub batch: u64,
    /// When time alone gives something to do, as indexed in the state.
    pub(crate) look_at: Option<UnixMillis>,
    /// How this node took each leg that it still answers for.
    pub(super) accepted: LiteMap<AgencyCode, Accepted>,
    /// Where each receipt stands in `evidence`.
    pub(super) places: LiteMap<Owed, usize>,
    /// How far recipients elsewhere are proved to have taken it, also where the consignment that
    /// this implies has not come back yet.
    pub(super) stages: LiteMap<AgencyCode, Stage>,
    /// Recipients whose node consigned the leg, and then lost its disk before it handed it over: they are
    /// offered the copy that the last relay keeps for that.
    pub(super) bereft: BTreeSet<AgencyCode>,
    /// The same by who says what about which leg.
    pub(super) said: Said,
    /// What the receipts in memory take, bytes, as estimated: the upstream ones, and those that carry
    /// `evidence`. Those whose bytes were let go count still.
    pub(super) receipt_bytes: u64,
    /// Of these, those that each peer gave beyond the first of their kind.
    pub(super) surplus_bytes: LiteMap<NodeId, u64>,
    /// The recipient that each upstream receipt is about; found out when first asked for, since the
    /// last node never asks.
    pub(super) upstream_about: OnceLock<Upstream>,
}

/// What upstream receipts say, in their order.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    /// The recipient that each is about.
    about: Vec<Option<AgencyCode>>,
    /// The nodes that issued them.
    nodes: BTreeSet<NodeId>,
}

/// How this node took a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The receipt given for it.
    pub(crate) owed: Owed,
    /// The peer it came from; absent at the first node.
    pub(crate) from: Option<NodeId>,
}

/// One piece of evidence about a dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The record.
    pub evidence: EvidenceRecord,
    /// Which receipt carries it.
    pub owed: Owed,
    /// The receipt as bytes; absent for our own leaf until its commit is sealed, and where the store
    /// has them and nothing is to be sent.
    pub raw: Option<Arc<[u8]>>,
    /// Whether it counts.
    pub authorised: bool,
    /// Whether this node said it, in this epoch of its log or an earlier one.
    pub ours: bool,
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
            links: Vec::new(),
            units: Vec::new(),
            documents: true,
            closed: false,
            batch: 0,
            look_at: None,
            accepted: LiteMap::new(),
            places: LiteMap::new(),
            said: Said::default(),
            receipt_bytes: held.receipts.iter().map(|raw| receipt_bytes(raw.len())).sum(),
            surplus_bytes: LiteMap::new(),
            stages: LiteMap::new(),
            bereft: BTreeSet::new(),
            upstream_about: OnceLock::new(),
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

    /// Lets go of bytes that the store can give once all that is known here is durable: they are not
    /// needed while nothing is to be sent.
    pub(crate) fn rest(&mut self) {
        if self.owed.is_empty() && !self.legs.values().any(Leg::in_custody) {
            // A claim that does not count yet is judged again under each new directory.
            for known in self.evidence.iter_mut().filter(|k| k.authorised) {
                known.raw = None;
            }
        }
    }

    /// Whether the node that says it took a leg is known to have given it back after that.
    pub(crate) fn was_returned_after(&self, acceptance: &EvidenceRecord) -> bool {
        let failed = Some(Event::RelayFailure);
        self.about(acceptance.recipient.as_ref(), &acceptance.node, failed).any(|(_, k)| {
            let e = &k.evidence;
            !k.ours && returned(e) && e.epoch == acceptance.epoch && e.custody > acceptance.custody
        })
    }

    /// What a node said about a leg, or about the whole dispatch: one event or all, each with its place
    /// in `evidence`.
    pub(crate) fn about<'a>(
        &'a self,
        recipient: Option<&AgencyCode>,
        node: &NodeId,
        event: Option<Event>,
    ) -> impl ExactSizeIterator<Item = (usize, &'a Known)> + use<'a> {
        self.said.range(&self.evidence, &|(r, n, e)| {
            (r, n, event.map(|_| e)).cmp(&(recipient, node, event))
        })
    }

    /// Everything that is said about a leg, or about the whole dispatch only.
    pub(crate) fn about_leg<'a>(
        &'a self,
        recipient: Option<&AgencyCode>,
    ) -> impl ExactSizeIterator<Item = &'a Known> + use<'a> {
        self.said.range(&self.evidence, &|(r, ..)| r.cmp(&recipient)).map(|(_, known)| known)
    }

    /// The next node of a leg that ended further down the way, where its own receipt for the leg is
    /// missing: its answer was lost, and what came of the leg overtook the next try. It is asked for
    /// by offering the leg again, since a repeat gets the first receipt.
    pub(crate) fn receipt_missing_from<'a>(
        &self,
        recipient: &AgencyCode,
        leg: &'a Leg,
    ) -> Option<&'a NodeId> {
        let Leg::Ended { via: Some(via), last_relay: false, .. } = leg else { return None };
        (self.documents && !self.had_it(via, recipient)).then_some(via)
    }

    /// The next node of a leg that ended, where the leg is offered to it once more: its receipt is missing,
    /// or it lost what it had consigned.
    pub(crate) fn offered_after_the_end<'a>(
        &self,
        recipient: &AgencyCode,
        leg: &'a Leg,
    ) -> Option<&'a NodeId> {
        let Leg::Ended { via: Some(via), .. } = leg else { return None };
        let bereft = self.documents && self.bereft.contains(recipient);
        bereft.then_some(via).or_else(|| self.receipt_missing_from(recipient, leg))
    }

    /// The peers that have a leg, or have consigned it only, each with the epoch of its log in which it said so.
    pub(crate) fn given(&self) -> impl Iterator<Item = (NodeId, EpochId)> {
        self.legs.iter().filter_map(|(recipient, leg)| match leg {
            Leg::Transferred { peer, receipt } => {
                Some((peer.clone(), self.known(Owed::Foreign(*receipt))?.evidence.epoch))
            }
            Leg::Ended { via: Some(via), .. } if leg.is_consigned_only(via) => {
                let consigned = Some(Event::ContentConsignment);
                let (_, last) = self.about(Some(recipient), via, consigned).last()?;
                Some((via.clone(), last.evidence.epoch))
            }
            _ => None,
        })
    }

    /// Whether it is still to be offered to a recipient's node that lost what it had consigned.
    pub(crate) fn offers_copies(&self) -> bool {
        self.documents && !self.bereft.is_empty()
    }

    /// Once its time is over, what its recipient's node lost is not offered to it any more. Only in memory:
    /// a start later on comes to the same.
    pub(crate) fn expire_copies(&mut self, now: UnixMillis) {
        if now >= self.dispatch.envelope().expires_at {
            self.bereft = BTreeSet::new();
        }
    }

    /// The evidence that one receipt carries.
    pub fn known(&self, owed: Owed) -> Option<&Known> {
        self.evidence.get(*self.places.get(&owed)?)
    }

    /// Until when a leg waits for the directory by which a peer gave it back.
    pub(crate) fn agrees_at(&self, recipient: &AgencyCode, peer: &NodeId) -> Option<UnixMillis> {
        let given_back = self.about(Some(recipient), peer, Some(Event::RelayFailure));
        given_back.map(|(_, k)| k.evidence.time.plus_ms(AGREE_MS)).max()
    }

    /// The next moment at which such a leg waits no longer.
    pub(crate) fn next_agreement(&self, now: UnixMillis) -> Option<UnixMillis> {
        let legs = self.legs.iter().filter_map(|(recipient, leg)| match leg {
            Leg::Held { returned_by } if !returned_by.is_empty() => Some((recipient, returned_by)),
            _ => None,
        });
        let moments = legs.flat_map(|(r, by)| by.keys().filter_map(|peer| self.agrees_at(r, peer)));
        moments.filter(|at| *at > now).min()
    }

    /// Whether a recall took it back wherever it was sent: each leg was stopped on its way, or withdrawn by
    /// its recipient. One that a recipient refused, or that failed otherwise, is no recalled leg.
    pub(crate) fn recalled_everywhere(&self) -> bool {
        let stopped = |r: &AgencyCode| {
            let mut said = self.about_leg(Some(r)).filter(|k| k.authorised);
            said.any(|k| {
                k.evidence.event == Event::RelayFailure && k.evidence.reason == Some(Code::Recalled)
            })
        };
        let recalled = |(r, leg): (&AgencyCode, &Leg)| match leg {
            Leg::Mailbox { stage, .. } | Leg::Ended { outcome: Outcome::Consigned, stage, .. } => {
                *stage == Stage::Withdrawn
            }
            Leg::Ended { outcome: Outcome::Failed, .. } => stopped(r),
            _ => false,
        };
        !self.legs.is_empty() && self.legs.iter().all(recalled)
    }

    /// Whether the recipient's node is proved to hold the leg, also before its consignment came.
    pub(crate) fn has_arrived(&self, recipient: &AgencyCode) -> bool {
        self.stages.contains_key(recipient)
    }

    /// Whether a peer is known to have had this leg; it may have given it back since.
    pub(crate) fn had_it(&self, peer: &NodeId, recipient: &AgencyCode) -> bool {
        self.about(Some(recipient), peer, Some(Event::RelayAcceptance)).len() > 0
    }

    /// Adds the bytes of our own receipt once they exist.
    pub(crate) fn remember(&mut self, owed: Owed, raw: &Arc<[u8]>) {
        if let Some(known) = self.places.get(&owed).and_then(|i| self.evidence.get_mut(*i)) {
            known.raw = Some(raw.clone());
        }
    }

    /// The raw receipt of one piece of evidence, where it is in memory.
    pub fn raw(&self, owed: Owed) -> Option<&Arc<[u8]>> {
        self.known(owed)?.raw.as_ref()
    }

    /// How this node took a leg that it still answers for: not one that it gave back.
    pub(crate) fn accepted(&self, recipient: &AgencyCode) -> Option<&Accepted> {
        self.accepted.get(recipient)
    }

    /// The peer a leg came from.
    pub(crate) fn upstream_of(&self, recipient: &AgencyCode) -> Option<NodeId> {
        self.accepted.get(recipient)?.from.clone()
    }

    /// Upstream receipts by the recipient they are about; none: about the whole dispatch.
    pub(crate) fn upstream_by_recipient(&self) -> BTreeMap<Option<&AgencyCode>, Vec<&Arc<[u8]>>> {
        let mut out: BTreeMap<Option<&AgencyCode>, Vec<&Arc<[u8]>>> = BTreeMap::new();
        for (raw, about) in self.upstream_receipts.iter().zip(&self.upstream().about) {
            out.entry(about.as_ref()).or_default().push(raw);
        }
        out
    }

    fn upstream(&self) -> &Upstream {
        self.upstream_about.get_or_init(|| {
            let mut upstream = Upstream { about: Vec::new(), nodes: BTreeSet::new() };
            for raw in &self.upstream_receipts {
                let receipt = Receipt::parse(raw).ok();
                let record = receipt.as_ref().map(Receipt::record);
                upstream.about.push(record.and_then(|e| e.recipient.clone()));
                upstream.nodes.extend(record.map(|e| e.node.clone()));
            }
            upstream
        })
    }

    /// Whether a leg came from this node or by way of it. It is not offered there: it would go round in a
    /// circle, and who let it pass before has let it go. It goes back.
    pub(crate) fn came_by(&self, recipient: &AgencyCode, node: &NodeId) -> bool {
        if self.upstreams.contains(node) {
            return true;
        }
        // With one receipt, it is that of who gave it.
        if self.upstream_receipts.len() <= 1 || !self.upstream().nodes.contains(node) {
            return false;
        }
        let is_of_leg = |about: &Option<AgencyCode>| about.as_ref().is_none_or(|r| r == recipient);
        let of_leg = self.upstream_receipts.iter().zip(&self.upstream().about);
        let of_leg = of_leg.filter(|(_, about)| is_of_leg(about));
        let parsed = of_leg.filter_map(|(raw, _)| Receipt::parse(raw).ok());
        let mut by_digest: BTreeMap<Digest, Receipt> = parsed.map(|r| (r.digest(), r)).collect();
        let ours = self.accepted(recipient).and_then(|accepted| self.known(accepted.owed));
        let mut before = ours.and_then(|known| known.evidence.upstream);
        while let Some(receipt) = before.and_then(|digest| by_digest.remove(&digest)) {
            if receipt.record().node == *node {
                return true;
            }
            before = receipt.record().upstream;
        }
        false
    }

    /// What the receipts about it take in memory, bytes, as estimated.
    pub(crate) fn receipt_bytes(&self) -> u64 {
        self.receipt_bytes
    }

    /// Of these, those that each peer gave beyond the first of their kind.
    pub(crate) fn surplus(&self) -> impl Iterator<Item = (&NodeId, &u64)> {
        self.surplus_bytes.iter()
    }

    /// Whether a peer that offers this leg again does not have, and is not about to be given,
    /// what became known of it since.
    pub(crate) fn lost_news(&self, peer: &NodeId, recipient: &AgencyCode) -> bool {
        self.about_leg(Some(recipient)).any(|k| {
            k.is_news()
                && self.accepted.get(recipient).is_none_or(|a| a.owed != k.owed)
                && !self.owed.contains(&(peer.clone(), k.owed))
        })
    }

    /// Our own newest evidence of one of these events about a recipient (or the whole dispatch).
    pub fn own(
        &self,
        node: &NodeId,
        events: &[Event],
        recipient: Option<&AgencyCode>,
    ) -> Option<&Known> {
        self.about(recipient, node, None)
            .filter(|(_, k)| k.ours && events.contains(&k.evidence.event))
            .max_by_key(|(place, _)| *place)
            .map(|(_, known)| known)
    }

    /// Periods that would begin later than this moment begin now. A log's time never goes back, so what
    /// is recorded after a clock ran ahead is dated there until that time comes: without this, what is
    /// kept for a month would be kept for as long as the clock was wrong, and a month. Only in memory:
    /// a start later on dates them anew, so that nothing goes too early.
    pub(crate) fn date_back(&mut self, now: UnixMillis) {
        for (_, leg) in self.legs.iter_mut() {
            if let Leg::Mailbox { at, .. } | Leg::Ended { at, .. } = leg {
                *at = now.min(*at);
            }
        }
    }

    /// The moment from which nothing is left to do: no custody, nothing owed, no bytes to keep.
    /// None where more than time is needed.
    pub fn finished_at(&self, keep_last_relay_ms: u64, keep_mailbox_ms: u64) -> Option<UnixMillis> {
        if !self.owed.is_empty() {
            return None;
        }
        // What a unit was given last is in its mailbox as long as what was registered then.
        let noted = self.units.last().map(|note| note.at.plus_ms(keep_mailbox_ms));
        let mut from = noted.unwrap_or(UnixMillis(0));
        for (recipient, leg) in &self.legs {
            match leg {
                Leg::Mailbox { stage, at } if *stage >= Stage::Refused => {
                    from = from.max(at.plus_ms(keep_mailbox_ms));
                }
                Leg::Held { .. } | Leg::OnHold | Leg::Transferred { .. } | Leg::Mailbox { .. } => {
                    return None;
                }
                Leg::Ended { outcome: Outcome::Consigned, last_relay: true, stage, at, .. }
                    if *stage < Stage::HandedOver =>
                {
                    from = from.max(at.plus_ms(keep_last_relay_ms));
                }
                Leg::Ended { at, .. } if self.receipt_missing_from(recipient, leg).is_some() => {
                    from = from.max(at.plus_ms(MISSING_RECEIPT_MS_MAX));
                }
                Leg::Returned { .. } | Leg::Ended { .. } => {}
            }
        }
        Some(from)
    }
}

impl Known {
    /// Whether this travels on its own, and not as the answer to the offer it belongs to.
    pub(super) fn is_news(&self) -> bool {
        let e = &self.evidence;
        match self.ours {
            false => true,
            true => match e.event {
                Event::SubmissionAcceptance
                | Event::SubmissionRejection
                | Event::RelayAcceptance
                | Event::RelayRejection
                // What a node keeps is nobody else's concern.
                | Event::DocumentsRemoval => false,
                Event::RelayFailure => !returned(e),
                _ => true,
            },
        }
    }
}

/// What a receipt takes in memory, bytes, as estimated from what a node grew by: the ordinary ones alike;
/// what a longer one has more is there as bytes and as values.
pub(crate) fn receipt_bytes(len: usize) -> u64 {
    const ORDINARY_BYTES: u64 = 2_048;
    const LONG_BYTES: u64 = 1_024;
    ORDINARY_BYTES + 2 * (len as u64).saturating_sub(LONG_BYTES)
}

/// The recipient that a receipt of our own store is about.
pub(super) fn returned(e: &EvidenceRecord) -> bool {
    matches!(e.reason, Some(Code::Returned | Code::CopyDamaged))
}
