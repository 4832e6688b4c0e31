//! What became of a document with its recipient, and what its seal is worth, for answers.

use std::collections::BTreeMap;

use tram_api::model::{HandlingView, SignatureVerdict, SignatureView};
use tram_dispatch::{AgencyCode, Event, EvidenceRecord, Status};
use tram_engine::handling::StatusAt;
use tram_engine::state::held::HeldDispatch;
use tram_wire::Receipt;

/// A status that was given.
pub(super) fn view(given: &StatusAt<'_>) -> HandlingView {
    of(given.status, &given.known.evidence)
}

/// A status, from the record that carries it.
pub(super) fn of(status: Status, e: &EvidenceRecord) -> HandlingView {
    HandlingView {
        status: status.into(),
        word: status.word().to_owned(),
        at: e.time.into(),
        node: e.node.clone().into(),
        remark: e.remark.clone(),
        sealed_by_agency: e.attestation.is_some(),
    }
}

/// The status that each recipient has now.
pub(super) fn newest(held: &HeldDispatch) -> BTreeMap<&AgencyCode, HandlingView> {
    held.newest_statuses().into_iter().map(|(r, given)| (r, view(&given))).collect()
}

/// What the first node found about the seal: its receipt says so to everybody.
pub(super) fn signature(held: &HeldDispatch) -> SignatureView {
    let is_first = |e: &EvidenceRecord| e.event == Event::SubmissionAcceptance;
    let own = held.evidence.iter().map(|k| &k.evidence).find(|e| is_first(e)).cloned();
    let upstream = || {
        let first = held.upstream_receipts.first()?;
        Receipt::parse(first).ok().map(|r| r.record().clone()).filter(is_first)
    };
    let first = own.or_else(upstream);
    SignatureView {
        verdict: match first {
            Some(_) => SignatureVerdict::Verified,
            None => SignatureVerdict::Undetermined,
        },
        judged_at: first.as_ref().map(|e| e.time.into()),
        revocation_checked: first.is_some_and(|e| e.revocation.is_some()),
    }
}
