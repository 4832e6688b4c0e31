//! From the engine's values to the API's.

use std::collections::BTreeMap;

use tram_api::Problem;
use tram_api::model::{
    ActView, DocumentView, EvidenceView, InboxEntry, InboxItem, InboxState, LegState, LegView,
    Outcome, SealActKind, SealMetadata, SealRelated, SealSigner, UrgencyLevel,
};
use tram_dispatch::envelope::{Act, Document, Metadata, Related, SealedBy, Urgency};
use tram_dispatch::{
    AgencyCode, Code, DispatchId, Event, EvidenceRecord, Now, Status, UnixMillis, WorkingDays,
};
use tram_engine::state::held::{HeldDispatch, Known};
use tram_engine::state::leg::{Leg, Outcome as EngineOutcome};
use tram_engine::{Engine, Fatal, View};
use tram_wire::Receipt;

use super::mailbox::inbox_state;
use super::{acts, handling, units};

/// The legs of a dispatch, with what the queues know of them.
pub(super) fn legs(engine: &Engine, held: &HeldDispatch, now: Now) -> Vec<LegView> {
    let broken = engine.state().broken.get(&held.id());
    let cause = broken.and_then(|b| Some(&b.cause.as_ref()?.0));
    let mut statuses = handling::newest(held);
    // One pass: there may be thousands of legs, and several receipts for each.
    let mut newest: BTreeMap<&AgencyCode, &Known> = BTreeMap::new();
    for known in held.evidence.iter().filter(|k| k.authorised) {
        newest.extend(known.evidence.recipient.as_ref().map(|recipient| (recipient, known)));
    }
    held.legs
        .iter()
        .map(|(recipient, leg)| {
            let last = newest.get(recipient);
            let standing = engine.standing(&held.id(), recipient);
            let (mut state, outcome, peer) =
                leg_state(leg, standing.as_ref().is_some_and(|s| s.1.due_mono_ms.is_some()));
            let cause = cause.filter(|_| {
                matches!(
                    state,
                    LegState::Active | LegState::Deferred | LegState::OnHold | LegState::Consigned
                )
            });
            if cause.is_some() && state != LegState::Consigned {
                state = LegState::Quarantined;
            }
            LegView {
                recipient: recipient.clone().into(),
                state,
                outcome,
                event: last.map(|k| k.evidence.event.into()),
                status: statuses.remove(recipient),
                peer: peer.or_else(|| standing.as_ref().map(|(p, _)| p.clone())).map(Into::into),
                changed_at: last.map_or(held.at, |k| k.evidence.time).into(),
                attempts: standing.as_ref().map_or(0, |(_, s)| s.attempts),
                next_attempt_at: standing
                    .as_ref()
                    .and_then(|(_, s)| s.due_mono_ms)
                    .map(|due| at(now, due).into()),
                code: cause
                    .map(|cause| cause.code)
                    .or_else(|| standing.as_ref().and_then(|(_, s)| s.cause))
                    .or_else(|| last.and_then(|k| k.evidence.reason))
                    .map(Into::into),
                remark: last.and_then(|k| k.evidence.remark.clone()),
            }
        })
        .collect()
}

/// The answer about a dispatch that is set aside.
pub(super) fn set_aside(engine: &Engine, id: &DispatchId) -> Option<Problem> {
    let (cause, _) = engine.state().broken.get(id)?.cause.as_ref()?;
    Some(Problem::new(Code::Quarantined, format!("{}: {}", cause.code, cause.detail)))
}

/// The answer about one that is set aside and whose records are not read, with its parties as far as
/// they are known.
pub(super) fn unread(engine: &Engine, id: &DispatchId) -> Option<(Problem, Vec<AgencyCode>)> {
    let held = engine.state().broken.get(id)?.aside.as_ref()?.held.as_ref();
    let parties = held.iter().flat_map(|h| h.recipients.iter().chain([&h.originator])).cloned();
    Some((set_aside(engine, id)?, parties.collect()))
}

/// The legs of a dispatch accepted just now, from the receipts of that commit.
pub(super) fn fresh_legs(
    recipients: &[AgencyCode],
    records: &[EvidenceRecord],
    accepted_at: UnixMillis,
) -> Vec<LegView> {
    let here = records.iter().filter(|e| e.event == Event::ContentConsignment);
    let here: BTreeMap<&AgencyCode, &EvidenceRecord> =
        here.filter_map(|e| Some((e.recipient.as_ref()?, e))).collect();
    let leg = |r: &AgencyCode| fresh_leg(r, here.get(r).copied(), accepted_at);
    recipients.iter().map(leg).collect()
}

fn fresh_leg(
    recipient: &AgencyCode,
    consigned: Option<&EvidenceRecord>,
    accepted_at: UnixMillis,
) -> LegView {
    LegView {
        recipient: recipient.clone().into(),
        state: if consigned.is_some() { LegState::Consigned } else { LegState::Active },
        outcome: consigned.map(|_| Outcome::Consigned),
        event: consigned.map(|e| e.event.into()),
        status: consigned.map(|e| handling::of(Status::Arrived, e)),
        peer: None,
        changed_at: consigned.map_or(accepted_at, |e| e.time).into(),
        attempts: 0,
        next_attempt_at: None,
        code: None,
        remark: None,
    }
}

/// The wall time of a monotonic one.
pub(super) fn at(now: Now, mono_ms: u64) -> UnixMillis {
    now.wall.plus_ms(mono_ms.saturating_sub(now.mono_ms))
}

/// State, outcome and peer of a leg.
pub(super) fn leg_state(
    leg: &Leg,
    deferred: bool,
) -> (LegState, Option<Outcome>, Option<tram_dispatch::NodeId>) {
    match leg {
        Leg::Held { .. } if deferred => (LegState::Deferred, None, None),
        Leg::Held { .. } => (LegState::Active, None, None),
        Leg::OnHold => (LegState::OnHold, None, None),
        Leg::Transferred { peer, .. } => (LegState::Transferred, None, Some(peer.clone())),
        Leg::Mailbox { .. } => (LegState::Consigned, Some(Outcome::Consigned), None),
        Leg::Returned { to } => (LegState::Returned, None, Some(to.clone())),
        Leg::Ended { outcome, via, .. } => {
            let outcome = match outcome {
                EngineOutcome::Consigned => Outcome::Consigned,
                EngineOutcome::Refused => Outcome::Refused,
                EngineOutcome::Failed => Outcome::Failed,
                EngineOutcome::Expired => Outcome::Expired,
            };
            (LegState::Ended, Some(outcome), via.clone())
        }
    }
}

/// Every receipt known of a dispatch: those that came with it, then what followed, each with
/// whether its issuer may say so.
pub(super) fn receipts(
    engine: &Engine,
    view: &dyn View,
    held: &HeldDispatch,
) -> Result<Vec<(Receipt, bool)>, Fatal> {
    let parse = |raw: &[u8]| Receipt::parse(raw).map_err(|e| Fatal::Stored(e.detail));
    let mut all = Vec::new();
    // Taken only after each was verified.
    for raw in &held.upstream_receipts {
        all.push((parse(raw)?, true));
    }
    for (known, raw) in engine.receipts_of(held, view)? {
        all.push((parse(&raw)?, known.authorised));
    }
    Ok(all)
}

/// One piece of evidence, with the digest of the receipt that carries it.
pub(super) fn evidence(receipt: &Receipt, authorised: bool) -> EvidenceView {
    let e = receipt.record();
    EvidenceView {
        event: e.event.into(),
        at: e.time.into(),
        node: e.node.clone().into(),
        epoch: e.epoch.into(),
        index: receipt.leaf_index(),
        recipient: e.recipient.clone().map(Into::into),
        status: e.status.and_then(Status::from_number).map(Into::into),
        code: e.reason.map(Into::into),
        remark: e.remark.clone(),
        receipt: receipt.digest().into(),
        authorised,
    }
}

pub(super) fn documents(documents: &[Document]) -> Vec<DocumentView> {
    documents
        .iter()
        .map(|d| DocumentView {
            name: d.name.clone(),
            media_type: d.media_type.clone(),
            size: d.size,
            sha256: d.sha256.into(),
            begins_like: None,
        })
        .collect()
}

pub(super) fn urgency(urgency: Urgency) -> UrgencyLevel {
    match urgency {
        Urgency::Normal => UrgencyLevel::Normal,
        Urgency::Urgent => UrgencyLevel::Urgent,
        Urgency::VeryUrgent => UrgencyLevel::VeryUrgent,
        Urgency::Flash => UrgencyLevel::Flash,
        Urgency::FlashAt(_) => UrgencyLevel::FlashAt,
    }
}

/// What a dispatch does, and to which earlier ones.
pub(super) fn act(act: &Act) -> (SealActKind, Vec<SealRelated>) {
    match act {
        Act::New => (SealActKind::New, Vec::new()),
        Act::Recall(of) => (SealActKind::Recall, vec![related(of)]),
        Act::Update(of) => (SealActKind::Update, vec![related(of)]),
        Act::Replace(of) => (SealActKind::Replace, of.iter().map(related).collect()),
    }
}

pub(super) fn related(r: &Related) -> SealRelated {
    SealRelated {
        originator: r.originator.clone().into(),
        reference: r.reference.clone().into(),
        dispatch: r.dispatch.map(Into::into),
    }
}

fn metadata(m: &Metadata) -> SealMetadata {
    SealMetadata {
        number: m.number.clone(),
        notation: m.notation.clone(),
        kind: m.kind.clone(),
        subject: m.subject.clone(),
        issued_on: m.issued_on.clone(),
        place: m.place.clone(),
        signer: m
            .signer
            .as_ref()
            .map(|s| SealSigner { name: s.name.clone(), office: s.office.clone() }),
        urgency: urgency(m.urgency),
        urgent_by: if let Urgency::FlashAt(at) = m.urgency { Some(at.into()) } else { None },
        due_on: m.due_on.clone(),
        answers_to: m.answers_to.iter().map(related).collect(),
    }
}

/// When it was consigned here.
fn consigned_at(held: &HeldDispatch, agency: &AgencyCode) -> UnixMillis {
    held.evidence
        .iter()
        .find(|k| {
            k.evidence.event == Event::ContentConsignment
                && k.evidence.recipient.as_ref() == Some(agency)
        })
        .map_or(held.at, |k| k.evidence.time)
}

/// Number and notation as people write them: `16/CT-TTg`.
fn number(m: &Metadata) -> Option<String> {
    match (&m.number, &m.notation) {
        (Some(number), Some(notation)) if !number.contains('/') => {
            Some(format!("{number}/{}", notation.trim_start_matches('/')))
        }
        (Some(number), _) => Some(number.clone()),
        (None, notation) => notation.clone(),
    }
}

/// A line of the mailbox.
pub(super) fn inbox_item(
    (engine, view): (&Engine, &dyn View),
    held: &HeldDispatch,
    agency: &AgencyCode,
    (days, now): (&WorkingDays, UnixMillis),
) -> Option<InboxItem> {
    let state = inbox_state(held.legs.get(agency)?)?;
    let e = held.dispatch.envelope();
    let register_by = days.register_by(consigned_at(held, agency), e.metadata.urgency);
    let open = matches!(state, InboxState::Waiting | InboxState::Fetched | InboxState::HandedOver);
    let overdue = open && register_by <= now;
    Some(InboxItem {
        dispatch: held.id().into(),
        recipient: agency.clone().into(),
        originator: e.originator.clone().into(),
        reference: e.reference.clone().into(),
        number: number(&e.metadata),
        kind: e.metadata.kind.clone(),
        subject: e.metadata.subject.clone(),
        urgency: urgency(e.metadata.urgency),
        due_on: e.metadata.due_on.clone(),
        consigned_at: consigned_at(held, agency).into(),
        state,
        status: held.statuses(agency).last().map(|s| s.status.into()),
        register_by: register_by.into(),
        overdue,
        act: act(&e.act).0,
        acts: acts::acts(engine, view, held, Some(agency)),
        same_number: Vec::new(),
        units: held.newest_of_units(agency).into_values().map(units::note).collect(),
        documents: e.documents.len() as u32,
        documents_bytes: e.documents.iter().map(|d| d.size).sum(),
        type_remarks: None,
    })
}

/// One entry of the mailbox, whole.
pub(super) fn inbox_entry(
    held: &HeldDispatch,
    agency: &AgencyCode,
    (acts, same_number): (Vec<ActView>, Vec<DispatchId>),
) -> Option<InboxEntry> {
    let state = inbox_state(held.legs.get(agency)?)?;
    let e = held.dispatch.envelope();
    let (act, act_of) = act(&e.act);
    let remark = held
        .evidence
        .iter()
        .rev()
        .find(|k| k.evidence.recipient.as_ref() == Some(agency) && k.evidence.remark.is_some())
        .and_then(|k| k.evidence.remark.clone());
    Some(InboxEntry {
        dispatch: held.id().into(),
        recipient: agency.clone().into(),
        object: held.dispatch.object().into(),
        sealed_bytes: held.dispatch.raw().len() as u64,
        originator: e.originator.clone().into(),
        reference: e.reference.clone().into(),
        recipients: e.recipients.iter().map(|r| r.clone().into()).collect(),
        metadata: metadata(&e.metadata),
        act,
        act_of,
        documents: documents(&e.documents),
        sealed_by: match &e.sealed_by {
            SealedBy::Agency => None,
            SealedBy::Node(node) => Some(node.clone().into()),
        },
        issued_at: e.issued_at.into(),
        consigned_at: consigned_at(held, agency).into(),
        state,
        acts,
        same_number: same_number.into_iter().map(Into::into).collect(),
        statuses: held.statuses(agency).iter().map(handling::view).collect(),
        units: held.unit_notes(agency).map(units::note).collect(),
        signature: handling::signature(held),
        remark,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_people_write_them() {
        let of = |number: Option<&str>, notation: Option<&str>| {
            let [number, notation] = [number, notation].map(|t| t.map(str::to_owned));
            super::number(&Metadata { number, notation, ..Metadata::default() })
        };
        assert_eq!(of(Some("08"), Some("BC-UBND")).as_deref(), Some("08/BC-UBND"));
        assert_eq!(of(Some("08"), Some("/BC-UBND")).as_deref(), Some("08/BC-UBND"));
        assert_eq!(of(Some("08/BC-UBND"), Some("BC-UBND")).as_deref(), Some("08/BC-UBND"));
        assert_eq!(of(Some("8"), None).as_deref(), Some("8"));
        assert_eq!(of(None, Some("CT")).as_deref(), Some("CT"));
        assert_eq!(of(None, None), None);
    }
}
