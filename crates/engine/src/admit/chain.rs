//! The receipts of an offer that lead to its legs.

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::limits::UPSTREAM_RECEIPTS_MAX;
use tram_dispatch::{AgencyCode, Digest, Event, NodeId};
use tram_trust::VerifiedReceipt;

use super::offer::Offer;

/// Of the receipts that came with an offer, in their order, those that lead to some of its legs: the first
/// node's, and from the offering node's own receipt for each leg up to it, each naming the one before.
/// Whatever else came along proves nothing about them, and is not kept.
pub(super) fn chain<'a>(
    offer: &'a Offer,
    legs: impl IntoIterator<Item = &'a AgencyCode>,
) -> Vec<&'a VerifiedReceipt> {
    let places: BTreeMap<Digest, usize> =
        offer.receipts.iter().enumerate().map(|(i, r)| (r.digest(), i)).collect();
    let mut kept = BTreeSet::from([0]);
    for leg in legs {
        let mut next = offer.shown.toward(leg);
        for _ in 0..=UPSTREAM_RECEIPTS_MAX {
            let Some(place) = next.and_then(|digest| places.get(&digest)) else { break };
            if !kept.insert(*place) {
                break;
            }
            next = offer.receipts[*place].record().upstream;
        }
    }
    kept.into_iter().filter_map(|place| offer.receipts.get(place)).collect()
}

/// The offering node's own receipts: which of them shows its custody toward which recipient.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// That of the first node, about the whole dispatch, with its place among the receipts.
    whole: Option<(usize, Digest)>,
    /// Those about one recipient.
    each: BTreeMap<AgencyCode, (usize, Digest)>,
    /// Whether one of the receipts is of the node that it is offered to.
    pub(super) ours: bool,
}

impl Shown {
    /// Looks through the receipts once: there may be thousands, for thousands of recipients.
    pub(crate) fn by(peer: &NodeId, me: &NodeId, receipts: &[VerifiedReceipt]) -> Self {
        let ours = receipts.iter().any(|r| r.record().node == *me);
        let mut shown = Shown { ours, ..Shown::default() };
        let own = receipts.iter().enumerate().filter(|(_, r)| r.record().node == *peer);
        for (place, receipt) in own {
            let e = receipt.record();
            let here = (place, receipt.digest());
            match (e.event, &e.recipient) {
                (Event::SubmissionAcceptance, _) => {
                    shown.whole.get_or_insert(here);
                }
                (Event::RelayAcceptance, Some(recipient)) => {
                    shown.each.entry(recipient.clone()).or_insert(here);
                }
                _ => {}
            }
        }
        shown
    }

    /// Digest of the first receipt that shows the offering node's custody toward this recipient.
    pub(super) fn toward(&self, recipient: &AgencyCode) -> Option<Digest> {
        let first = self.whole.iter().chain(self.each.get(recipient)).min_by_key(|(at, _)| *at);
        first.map(|(_, digest)| *digest)
    }
}
