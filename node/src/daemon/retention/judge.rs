//! What the policy says of one dispatch, from what the store holds of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tram_config::retention::{Ending, Keep, Place, RetentionFacts, RetentionPolicy};
use tram_dispatch::{Event, NodeId, UnixMillis};
use tram_engine::record::Record;
use tram_engine::retention::Kept;
use tram_engine::state::held::HeldDispatch;
use tram_engine::state::revive;
use tram_wire::SealedDispatch;

/// What becomes of the documents of a dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// There is nothing to remove: it is open, without documents, or done.
    Nothing,
    /// They are kept, without end: the name of the rule, or none speaks of it.
    Kept(Option<String>),
    /// They go when this is over.
    Until {
        /// The rule.
        rule: String,
        /// Its period.
        days: u64,
        /// Days count from here.
        since: UnixMillis,
    },
}

impl Fate {
    /// When they go.
    pub(crate) fn due(&self) -> Option<UnixMillis> {
        const DAY_MS: u64 = 86_400_000;
        match self {
            Fate::Until { days, since, .. } => Some(since.plus_ms(days.saturating_mul(DAY_MS))),
            Fate::Nothing | Fate::Kept(_) => None,
        }
    }
}

/// Judges a history; `closed_at` is when it was closed, by this node's own log: no other node's clock
/// counts beyond it.
pub(crate) fn judge(
    policy: &RetentionPolicy,
    me: &NodeId,
    history: &[Record],
    closed_at: UnixMillis,
) -> Fate {
    let kept = Kept::of(history);
    if !kept.closed || !kept.removals.is_empty() || kept.documents.is_empty() {
        return Fate::Nothing;
    }
    if kept.recall {
        return Fate::Kept(None);
    }
    // One that cannot be read is kept.
    let Some(held) = read(history) else { return Fate::Kept(None) };
    match policy.rule_for(&facts(me, &held)) {
        None => Fate::Kept(None),
        Some(rule) => match rule.keep {
            Keep::ForEver => Fate::Kept(Some(rule.name.clone())),
            Keep::Days(days) => {
                let since = kept.since.min(closed_at);
                Fate::Until { rule: rule.name.clone(), days, since }
            }
        },
    }
}

fn read(history: &[Record]) -> Option<HeldDispatch> {
    let raw = history.iter().find_map(|record| match record {
        Record::Held(held) => Some(&held.raw),
        _ => None,
    })?;
    let fold = || {
        let sealed = SealedDispatch::parse(raw).ok()?;
        revive(history, tram_trust::assertion::dispatch_from_store(sealed))
    };
    // What breaks this is nothing that should go unseen: it stays.
    catch_unwind(AssertUnwindSafe(fold)).ok().flatten()
}

fn facts(me: &NodeId, held: &HeldDispatch) -> RetentionFacts {
    let envelope = held.dispatch.envelope();
    let own =
        |event| held.evidence.iter().any(|k| k.evidence.node == *me && k.evidence.event == event);
    let mut places = Vec::new();
    if held.upstreams.is_empty() || own(Event::SubmissionAcceptance) {
        places.push(Place::First);
    }
    if own(Event::RelayAcceptance) {
        places.push(Place::Relay);
    }
    if own(Event::ContentConsignment) {
        places.push(Place::Recipient);
    }
    let mut endings: Vec<Ending> =
        held.legs.values().filter_map(|leg| Ending::from_word(leg.word())).collect();
    endings.sort_unstable();
    endings.dedup();
    let agencies = envelope.recipients.iter().chain([&envelope.originator]).cloned().collect();
    RetentionFacts { places, endings, kind: envelope.metadata.kind.clone(), agencies }
}
