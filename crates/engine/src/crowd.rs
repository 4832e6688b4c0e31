//! How much may be said of one leg. Who signs receipts can make as many as it likes, and one signature
//! covers thousands: what is kept of them is bounded by what there is to say.

use tram_dispatch::limits::HANDLING_RECORDS_MAX;
use tram_dispatch::{Event, EvidenceRecord, NodeId};

use crate::custody::answers_a_transfer;
use crate::engine::Engine;
use crate::quarantine::GIVEN_BACK_MAX;
use crate::state::held::HeldDispatch;
use crate::state::leg::Leg;

/// Receipts about one leg: more than any way makes. Beyond, only what moves it is kept.
pub(crate) const RECEIPTS_PER_LEG_MAX: usize = 128;
/// Receipts of one node about one leg with events of later versions, whatever their numbers.
const UNKNOWN_MAX: usize = 32;
/// How often a next node may take one leg, over all epochs of its log: it loses its disk, or gives it back.
const TAKEN_MAX: usize = 64;
/// The part of the node's memory that receipts of one peer may have beyond the first of their kind.
const SURPLUS_SHARE: u64 = 16;

/// How often a node may say something about one leg, in one epoch of its log.
fn times_max(event: Event) -> usize {
    match event {
        // Once, and again after each time that it gave the leg back.
        Event::RelayAcceptance | Event::RelayFailure => 1 + GIVEN_BACK_MAX,
        Event::HandlingStatus => HANDLING_RECORDS_MAX,
        _ => 1,
    }
}

/// Whether this takes a leg out of our custody.
pub(crate) fn moves(h: &HeldDispatch, from: &NodeId, e: &EvidenceRecord, authorised: bool) -> bool {
    let leg = e.recipient.as_ref().and_then(|r| h.legs.get(r));
    authorised
        && e.node == *from
        && leg.is_some_and(Leg::in_custody)
        && answers_a_transfer(e.event)
        && !(e.event == Event::RelayAcceptance && h.was_returned_after(e))
}

/// Whether a peer says that it took, as its recipient's node, a leg that is in our custody.
pub(crate) fn claims(h: &HeldDispatch, from: &NodeId, e: &EvidenceRecord) -> bool {
    let leg = e.recipient.as_ref().and_then(|r| h.legs.get(r));
    e.event == Event::ContentConsignment && e.node == *from && leg.is_some_and(Leg::in_custody)
}

impl Engine {
    /// Whether a receipt that is not known yet says no more than there has been to say, or comes from a
    /// peer that has said too much. Nothing that moves a leg is among these.
    pub(crate) fn is_too_much(
        &self,
        h: &HeldDispatch,
        from: &NodeId,
        e: &EvidenceRecord,
        authorised: bool,
    ) -> bool {
        let leg = e.recipient.as_ref();
        let alike = h.about(leg, &e.node, Some(e.event));
        if moves(h, from, e, authorised) {
            return alike.len() >= TAKEN_MAX;
        }
        let unknown = |event| matches!(event, Event::Unknown(_));
        let of_later = || {
            let all = h.about(leg, &e.node, None);
            all.filter(|(_, k)| unknown(k.evidence.event)).count()
        };
        alike.filter(|(_, k)| k.evidence.epoch == e.epoch).count() >= times_max(e.event)
            || (unknown(e.event) && of_later() >= UNKNOWN_MAX)
            || h.about_leg(leg).len() >= RECEIPTS_PER_LEG_MAX
            || (h.is_surplus(e, authorised) && self.has_said_too_much(from))
    }

    /// Whether receipts of a peer take too much memory beyond the first of their kind. Its account is as
    /// of the last commit.
    fn has_said_too_much(&self, peer: &NodeId) -> bool {
        self.state.usage.surplus(peer) > self.settings.memory_bytes_max / SURPLUS_SHARE
    }
}
