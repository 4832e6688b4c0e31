//! The receipts of an offer that lead to its legs.

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::limits::UPSTREAM_RECEIPTS_MAX;
use tram_dispatch::{AgencyCode, Digest, Event};
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
        let mut next = upstream_receipt(offer, leg);
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

/// Digest of the receipt that shows the offering node's custody toward this recipient.
pub(super) fn upstream_receipt(offer: &Offer, recipient: &AgencyCode) -> Option<Digest> {
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
