//! Journal record → engine record.

use super::{Reader, RecordError, STRIPPED, VERSION, kind};
use crate::journal;
use tram_crypto::sha256;
use tram_dispatch::envelope::Sequence;
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, EpochId, NodeId, UnitMark, UnixMillis};
use tram_engine::record::{
    Attempt, Bearing, Cause, Cosigned, Earlier, Foreign, Held, Hold, Leaf, Legs, Linked, Numbered,
    Offered, OutboxDone, Owed, OwnEvidence, PeerCheckpoint, PeerEpoch, Quarantine, Record, Reoffer,
    Stage, Statement, UnitNote, Void,
};
use tram_tlog::cosignature::Cosignature;
use tram_wire::receipt::{Receipt, SignedRoot};

/// Reads a record back.
///
/// # Errors
/// [`RecordError`], which names the kind and the field. Any bytes are safe to give.
pub fn decode(record: &journal::Record) -> Result<Record, RecordError> {
    let mut r = Reader::new(record.kind, &record.body);
    if !(kind::GENESIS..=kind::OFFERED).contains(&record.kind) && record.kind != kind::EARLIER {
        return Err(RecordError::UnknownKind { kind: record.kind });
    }
    let mut stripped = false;
    match r.u8("version")? {
        VERSION => {}
        STRIPPED if record.kind == kind::HELD => stripped = true,
        0 => return Err(r.bad("version", "there is no version 0")),
        found => {
            return Err(RecordError::TooNew { kind: record.kind, found, supported: VERSION });
        }
    }
    let r = &mut r;
    let value = match record.kind {
        kind::GENESIS => Record::Genesis(leaf(r)?),
        kind::HELD => Record::Held(held(r)?),
        kind::LEGS => Record::Legs(Legs {
            dispatch: dispatch(r)?,
            previous: r.parse("previous")?,
            recipients: agencies(r, "recipients")?,
            receipts: r.list("receipts", |r| r.shared("receipts"))?,
        }),
        kind::EVIDENCE => Record::Evidence(own(r)?),
        kind::FOREIGN => Record::Foreign(foreign(r)?),
        kind::EARLIER => Record::Earlier(earlier(r)?),
        kind::OUTBOX_DONE => Record::OutboxDone(OutboxDone {
            dispatch: dispatch(r)?,
            peer: r.parse("peer")?,
            owed: owed(r)?,
        }),
        kind::HOLD => Record::Hold(Hold {
            dispatch: dispatch(r)?,
            recipient: agency(r, "recipient")?,
            held: r.bool("held")?,
        }),
        kind::PEER_EPOCH => Record::PeerEpoch(PeerEpoch {
            peer: r.parse("peer")?,
            epoch: EpochId(r.fixed("epoch")?),
        }),
        kind::REOFFER => {
            Record::Reoffer(Reoffer { dispatch: dispatch(r)?, peer: r.parse("peer")? })
        }
        kind::PEER_CHECKPOINT => Record::PeerCheckpoint(PeerCheckpoint {
            peer: r.parse("peer")?,
            epoch: EpochId(r.fixed("epoch")?),
            size: r.uint("size")?,
            root: r.fixed("root")?,
            note: r.shared("note")?,
        }),
        kind::CLOSED => Record::Closed(dispatch(r)?),
        kind::ATTEMPT => Record::Attempt(Attempt {
            dispatch: dispatch(r)?,
            stage: stage(r)?,
            detail: r.parse("detail")?,
            at: UnixMillis(r.uint("at")?),
        }),
        kind::QUARANTINE => Record::Quarantine(Quarantine {
            dispatch: dispatch(r)?,
            cause: if r.bool("cause")? { Some(cause(r)?) } else { None },
            at: UnixMillis(r.uint("at")?),
        }),
        kind::COSIGNED => Record::Cosigned(Cosigned {
            witness: r.parse("witness")?,
            size: r.uint("size")?,
            root: r.fixed("root")?,
            cosignature: r.parse_by("cosignature", Cosignature::from_line)?,
        }),
        kind::NUMBERED => Record::Numbered(Numbered {
            originator: agency(r, "originator")?,
            sequence: Sequence { series: r.uint("series")?, number: r.uint("number")? },
            reference: r.parse("reference")?,
            content: Digest(r.fixed("content")?),
            at: UnixMillis(r.uint("at")?),
        }),
        kind::VOID => Record::Void(Void { statement: dispatch(r)?, raw: r.shared("raw")? }),
        kind::STATEMENT => {
            let (dispatch, raw) = (dispatch(r)?, r.shared("raw")?);
            Record::Statement(Statement { dispatch, digest: Digest(sha256(&raw)), raw })
        }
        kind::LINKED => Record::Linked(Linked {
            dispatch: dispatch(r)?,
            by: dispatch(r)?,
            bearing: bearing(r)?,
            recipients: agencies(r, "recipients")?,
            at: UnixMillis(r.uint("at")?),
        }),
        kind::UNIT => Record::Unit(UnitNote {
            dispatch: dispatch(r)?,
            recipient: agency(r, "recipient")?,
            unit: r.parse("unit")?,
            mark: mark(r)?,
            by: r.parse("by")?,
            remark: if r.bool("remark")? { Some(r.parse("remark")?) } else { None },
            at: UnixMillis(r.uint("at")?),
        }),
        kind::OFFERED => Record::Offered(Offered {
            dispatch: dispatch(r)?,
            peer: r.parse("peer")?,
            recipients: agencies(r, "recipients")?,
            at: UnixMillis(r.uint("at")?),
        }),
        _ => {
            let bytes = r.rest();
            Record::Root(SignedRoot::decode(bytes).map_err(|e| r.bad("root", e))?)
        }
    };
    if stripped {
        r.end_in_zeros()?
    } else {
        r.end()?
    }
    match &value {
        Record::Held(held) if stripped == held.removed.is_empty() => {
            Err(r.bad("removed", "it does not fit the version"))
        }
        _ => Ok(value),
    }
}

fn earlier(r: &mut Reader<'_>) -> Result<Earlier, RecordError> {
    // What it says stands in the receipt itself.
    let receipt = Receipt::parse(r.bytes("raw")?).map_err(|e| r.bad("raw", e))?;
    Ok(Earlier {
        digest: receipt.digest(),
        raw: receipt.raw().clone(),
        evidence: receipt.record().clone(),
        owed_to: nodes(r, "owed_to")?,
    })
}

fn held(r: &mut Reader<'_>) -> Result<Held, RecordError> {
    Ok(Held {
        dispatch: dispatch(r)?,
        raw: r.shared("raw")?,
        object: Digest(r.fixed("object")?),
        originator: agency(r, "originator")?,
        reference: r.parse("reference")?,
        previous: if r.bool("previous")? { Some(r.parse("previous")?) } else { None },
        recipients: agencies(r, "recipients")?,
        receipts: r.list("receipts", |r| r.shared("receipts"))?,
        inline: r.list("inline", |r| Ok((Digest(r.fixed("inline")?), r.shared("inline")?)))?,
        files: r.list("files", |r| Ok((Digest(r.fixed("files")?), r.uint("files")?)))?,
        removed: r.list("removed", |r| Ok(Digest(r.fixed("removed")?)))?,
        at: UnixMillis(r.uint("at")?),
    })
}

fn leaf(r: &mut Reader<'_>) -> Result<Leaf, RecordError> {
    Ok(Leaf { index: r.uint("index")?, salt: r.fixed("salt")?, record: r.shared("record")? })
}

fn own(r: &mut Reader<'_>) -> Result<OwnEvidence, RecordError> {
    let leaf = leaf(r)?;
    let evidence = tram_wire::evidence::decode(&leaf.record).map_err(|e| r.bad("record", e))?;
    Ok(OwnEvidence { leaf, evidence, owed_to: nodes(r, "owed_to")? })
}

fn foreign(r: &mut Reader<'_>) -> Result<Foreign, RecordError> {
    let receipt = Receipt::parse(r.bytes("raw")?).map_err(|e| r.bad("raw", e))?;
    Ok(Foreign {
        digest: receipt.digest(),
        raw: receipt.raw().clone(),
        evidence: receipt.record().clone(),
        from: r.parse("from")?,
        authorised: r.bool("authorised")?,
        owed_to: nodes(r, "owed_to")?,
    })
}

fn owed(r: &mut Reader<'_>) -> Result<Owed, RecordError> {
    match r.u8("owed")? {
        0 => Ok(Owed::Own(r.uint("owed")?)),
        1 => Ok(Owed::Foreign(Digest(r.fixed("owed")?))),
        other => Err(r.bad("owed", format_args!("{other} is neither 0 nor 1"))),
    }
}

fn stage(r: &mut Reader<'_>) -> Result<Stage, RecordError> {
    let number = r.u8("stage")?;
    Stage::from_number(number).ok_or_else(|| r.bad("stage", format_args!("there is no {number}")))
}

fn bearing(r: &mut Reader<'_>) -> Result<Bearing, RecordError> {
    let number = r.u8("bearing")?;
    Bearing::from_number(number)
        .ok_or_else(|| r.bad("bearing", format_args!("there is no {number}")))
}

fn mark(r: &mut Reader<'_>) -> Result<UnitMark, RecordError> {
    let number = r.u8("mark")?;
    UnitMark::from_number(number).ok_or_else(|| r.bad("mark", format_args!("there is no {number}")))
}

fn cause(r: &mut Reader<'_>) -> Result<Cause, RecordError> {
    let number = r.uint("code")?;
    let code = u16::try_from(number).ok().and_then(Code::read);
    let code = code.ok_or_else(|| r.bad("code", format_args!("there is no {number}")))?;
    Ok(Cause { code, detail: r.parse("detail")?, unread: r.bool("unread")? })
}

fn dispatch(r: &mut Reader<'_>) -> Result<DispatchId, RecordError> {
    Ok(DispatchId(r.fixed("dispatch")?))
}

fn agency(r: &mut Reader<'_>, field: &'static str) -> Result<AgencyCode, RecordError> {
    r.parse_by(field, AgencyCode::parse_canonical)
}

fn agencies(r: &mut Reader<'_>, field: &'static str) -> Result<Vec<AgencyCode>, RecordError> {
    r.list(field, |r| agency(r, field))
}

fn nodes(r: &mut Reader<'_>, field: &'static str) -> Result<Vec<NodeId>, RecordError> {
    r.list(field, |r| r.parse(field))
}
