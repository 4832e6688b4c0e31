//! Every dispatch folded as the engine would, every leg against the log.

use super::walk::Walk;
use super::{CheckReport, Context, Phase, Progress};
use crate::index::IndexError;
use crate::index::keys;
use crate::index::lookup::Lookup;
use crate::store::StoreError;
use std::collections::BTreeSet;
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId, UnixMillis};
use tram_engine::record::Record;
use tram_trust::assertion;
use tram_wire::sealed::SealedDispatch;

/// Dispatches taken from the index in one step.
const STEP: usize = 256;

/// Folds the history of every dispatch up to where the walk came.
pub(super) fn check(
    walk: &Walk,
    lookup: &Lookup,
    report: &mut CheckReport,
    context: &mut Context<'_>,
) -> Result<(), StoreError> {
    let (total, mut done) = (report.dispatches, 0);
    let mut from = keys::event(keys::HELD_EVENT, UnixMillis(0));
    let end = keys::behind(&from[..2]);
    loop {
        let page = lookup.kv.page(&from, &end, STEP)?;
        for (key, _) in &page {
            let (_, at) = keys::moment_of(key, 2)
                .ok_or_else(|| IndexError::damaged("an entry of a listing cannot be read"))?;
            if walk.indexer.head.reached.is_none_or(|reached| at.segment > reached.segment) {
                continue;
            }
            let id = match lookup.record(at) {
                Ok(Record::Held(held)) => held.dispatch,
                Ok(_) => {
                    report.index("index, table e", "a listed dispatch leads elsewhere");
                    continue;
                }
                Err(e) => {
                    report.damage(Code::StoreCorrupt, "a dispatch", e);
                    continue;
                }
            };
            match lookup.records_of(&id) {
                Ok(history) => fold(&id, &history, walk.node.as_ref(), report),
                Err(e) => report.damage(Code::StoreCorrupt, format_args!("dispatch {id}"), e),
            }
            done += 1;
            (context.progress)(Progress { phase: Phase::Legs, done, total: total.max(done) });
        }
        match page.last() {
            Some((key, _)) if page.len() == STEP => from = [key, &[0][..]].concat(),
            _ => return Ok(()),
        }
    }
}

fn fold(id: &DispatchId, history: &[Record], me: Option<&NodeId>, report: &mut CheckReport) {
    let place = format_args!("dispatch {id}");
    let held = history.iter().find_map(|r| match r {
        Record::Held(held) => Some(held),
        _ => None,
    });
    let Some(held) = held else {
        return report.damage(Code::StoreCorrupt, place, "its history has no beginning");
    };
    let sealed = match SealedDispatch::parse(&held.raw) {
        Ok(sealed) => sealed,
        Err(e) => return report.damage(Code::StoreCorrupt, place, e),
    };
    let verified = assertion::dispatch_from_store(sealed);
    let Some(folded) = tram_engine::state::revive(history, verified) else {
        return report.damage(Code::StoreCorrupt, place, "its history does not fold");
    };
    let own = |event: Event, recipient: Option<&AgencyCode>| {
        folded.evidence.iter().any(|known| {
            me.is_none_or(|me| known.evidence.node == *me)
                && known.evidence.event == event
                && known.evidence.recipient.as_ref() == recipient
        })
    };
    let submitted = own(Event::SubmissionAcceptance, None);
    let mut without: BTreeSet<&AgencyCode> = BTreeSet::new();
    for recipient in folded.legs.keys() {
        report.legs += 1;
        let accepted = submitted
            || own(Event::RelayAcceptance, Some(recipient))
            || own(Event::ContentConsignment, Some(recipient));
        if !accepted {
            without.insert(recipient);
        }
    }
    for recipient in without {
        let what = format_args!("the leg to {recipient} has no acceptance in the log");
        report.damage(Code::StoreCorrupt, format_args!("dispatch {id}"), what);
    }
}
