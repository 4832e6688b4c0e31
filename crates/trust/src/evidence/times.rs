//! When it happened: bounds by others than the node that says so.
//!
//! Not before: when the originator says that it sealed, and when other nodes committed the receipts that
//! this one rests on, for a record names the receipt before it by digest. Not after: when other nodes
//! committed receipts that rest on this one, when witnesses cosigned a checkpoint over it, and what a
//! time-stamp on one says.

use std::collections::BTreeSet;

use tram_dispatch::limits::CLOCK_SKEW_MS_MAX;

use super::custody::Chain;
use super::found::{Bound, By, Lack, Place, Proof};
use super::parts::Held;
use crate::time_stamp::TimeStamp;
use crate::verified::VerifiedReceipt;

/// The bounds of one receipt.
pub(super) fn bounds(
    held: &Held,
    chain: &Chain<'_>,
    receipt: &VerifiedReceipt,
    place: Place,
) -> Result<Proof, Lack> {
    let Some(latest) = latest(held, chain, receipt) else {
        return Err(Lack::NoLatest(Box::new(place)));
    };
    let Some(earliest) = earliest(held, chain, receipt) else { return Err(Lack::NoEnvelope) };
    // Nodes trust each other's clocks to five minutes, and so does who reads their times.
    let in_order = earliest.at <= latest.at.plus_ms(CLOCK_SKEW_MS_MAX);
    let own_fits = earliest.at <= place.time.plus_ms(CLOCK_SKEW_MS_MAX)
        && place.time <= latest.at.plus_ms(CLOCK_SKEW_MS_MAX);
    if in_order && own_fits {
        Ok(Proof::When { place, earliest, latest })
    } else {
        Err(Lack::Clocks { place: Box::new(place), earliest, latest })
    }
}

fn committed(receipt: &VerifiedReceipt) -> Bound {
    let root = receipt.receipt().signed_root();
    Bound { at: root.time, by: By::Node(root.node.clone()) }
}

fn earliest(held: &Held, chain: &Chain<'_>, receipt: &VerifiedReceipt) -> Option<Bound> {
    let mut bounds = Vec::new();
    if held.seal.sealed.is_ok()
        && let Some(sealed) = &held.sealed
    {
        let envelope = sealed.envelope();
        let by = By::Originator(envelope.originator.clone());
        bounds.push(Bound { at: envelope.issued_at, by });
    }
    let (own, mut at, mut seen) = (&receipt.record().node, receipt, BTreeSet::new());
    while let Some(up) = at.record().upstream.and_then(|digest| held.receipts.get(&digest)) {
        if !seen.insert(up.digest()) || !chain.counts(up) {
            break;
        }
        if up.record().node != *own {
            bounds.push(committed(up));
        }
        at = up;
    }
    bounds.into_iter().max_by(|a, b| a.at.cmp(&b.at).then_with(|| a.by.cmp(&b.by)))
}

fn latest(held: &Held, chain: &Chain<'_>, receipt: &VerifiedReceipt) -> Option<Bound> {
    let own = &receipt.record().node;
    let (mut seen, mut open) = (BTreeSet::from([receipt.digest()]), vec![receipt]);
    let mut bounds = Vec::new();
    while let Some(at) = open.pop() {
        if at.record().node != *own {
            bounds.push(committed(at));
        }
        for note in held.checkpoints.iter().filter(|note| note.covers(at)) {
            let others = note.witnesses.iter().filter(|w| w.2.as_ref() != Some(own));
            bounds.extend(others.map(|w| Bound { at: w.1, by: By::Witness(w.0.clone()) }));
            let stamped =
                |s: &TimeStamp| Bound { at: s.latest, by: By::TimeStamp(s.authority.clone()) };
            bounds.extend(note.stamped().map(stamped));
        }
        for later in held.resting.get(&at.digest()).into_iter().flatten() {
            if seen.insert(*later) {
                // Anybody can sign that something of theirs rests on this, at any time.
                open.extend(held.receipts.get(later).filter(|r| chain.counts(r)));
            }
        }
    }
    bounds.into_iter().min_by(|a, b| a.at.cmp(&b.at).then_with(|| a.by.cmp(&b.by)))
}
