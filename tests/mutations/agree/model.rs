//! What an altered evidence file may still prove.

use tram_trust::evidence::{Claim, Proof, Voice};

use super::worlds::Proved;

/// Whether a proof says nothing but what the sound file proved.
fn says_no_more(now: &Proof, before: &Proof) -> bool {
    match (now, before) {
        (
            Proof::When { place: a, earliest: e, latest: l },
            Proof::When { place: b, earliest: f, latest: m },
        ) => a == b && e.at <= f.at && l.at >= m.at,
        (Proof::Witnessed { witnesses: a, .. }, Proof::Witnessed { witnesses: b, .. }) => {
            a.iter().all(|w| b.contains(w))
        }
        (
            Proof::Decided { place: a, registered: r, by: Voice::Node },
            Proof::Decided { place: b, registered: s, .. },
        ) => a == b && r == s,
        (
            Proof::Handled { place: a, status: r, by: Voice::Node },
            Proof::Handled { place: b, status: s, .. },
        ) => a == b && r == s,
        _ => now == before,
    }
}

/// The first thing that an altered file proves and the sound one did not.
pub(super) fn grew(now: &Proved, before: &Proved) -> Option<String> {
    now.iter().find_map(|(key, proofs)| {
        let known = before.get(key).map(Vec::as_slice).unwrap_or_default();
        let new = proofs.iter().find(|now| !known.iter().any(|before| says_no_more(now, before)));
        new.map(|proof| format!("{key:?}: {proof:?}"))
    })
}

/// What only the recipient's own node may say, said by another.
pub(super) fn presumed(now: &Proved) -> Option<String> {
    let only_own = [Claim::Arrived, Claim::Taken, Claim::Decided, Claim::Handled];
    now.iter().filter(|(key, _)| only_own.contains(&key.0)).flat_map(|(_, proofs)| proofs).find_map(
        |proof| match proof {
            Proof::Leaf(place) | Proof::Decided { place, .. } | Proof::Handled { place, .. }
                if place.node.as_str() != "n1.H41.12.03" =>
            {
                Some(format!("{proof:?}"))
            }
            _ => None,
        },
    )
}
