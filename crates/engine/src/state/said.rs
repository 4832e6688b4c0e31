//! Where each piece of evidence about a dispatch stands, by what it is about, who says it and what.

use std::cmp::Ordering;

use tram_dispatch::{AgencyCode, Event, EvidenceRecord, NodeId};

use super::held::Known;

/// Places in the evidence of one dispatch, in the order of (recipient, node, event); those alike in the
/// order in which they became known. Four bytes for each: there are dispatches with thousands of legs,
/// and several receipts for each.
#[derive(Clone, Debug, Default)]
pub(super) struct Said(Vec<u32>);

/// What the places are ordered by.
pub(super) type Key<'a> = (Option<&'a AgencyCode>, &'a NodeId, Event);

fn key(e: &EvidenceRecord) -> Key<'_> {
    (e.recipient.as_ref(), &e.node, e.event)
}

impl Said {
    /// Notes what was added to the evidence last.
    pub(super) fn note_last(&mut self, evidence: &[Known]) {
        let Some(last) = evidence.last() else { return };
        // More than four thousand million are never in memory.
        let Ok(place) = u32::try_from(evidence.len() - 1) else { return };
        let new = key(&last.evidence);
        let index = self.0.partition_point(|p| at(evidence, *p).is_some_and(|k| k <= new));
        self.0.insert(index, place);
    }

    /// The evidence for which `compare` says equal, in the order of its keys. `compare` must agree with
    /// that order.
    pub(super) fn range<'a>(
        &'a self,
        evidence: &'a [Known],
        compare: &dyn Fn(Key<'_>) -> Ordering,
    ) -> impl ExactSizeIterator<Item = (usize, &'a Known)> + use<'a> {
        let is = |p: &u32, what: Ordering| at(evidence, *p).is_some_and(|k| compare(k) == what);
        let from = self.0.partition_point(|p| is(p, Ordering::Less));
        let rest = &self.0[from..];
        let alike = &rest[..rest.partition_point(|p| is(p, Ordering::Equal))];
        alike.iter().map(|p| (*p as usize, &evidence[*p as usize]))
    }
}

fn at(evidence: &[Known], place: u32) -> Option<Key<'_>> {
    evidence.get(place as usize).map(|k| key(&k.evidence))
}
