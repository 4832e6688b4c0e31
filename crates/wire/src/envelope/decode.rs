//! Bytes to envelope.

use minicbor::Decoder;
use minicbor::data::Type;
use tram_dispatch::Envelope;
use tram_dispatch::envelope::{
    Act, Document, Metadata, Related, SealedBy, Secrecy, Signer, Urgency,
};
use tram_dispatch::limits::{DISPATCH_BYTES_MAX, DOCUMENTS_MAX, RECIPIENTS_MAX, RELATED_MAX};

use super::{VERSION, act, check, key, meta};
use crate::WireError;
use crate::cbor::{self, Fields, array, finish, header};
use crate::fields::{agency, bytes_max, exactly, id, node, reference, sequence, string, time};

/// Reads an envelope and checks every rule of `docs/protocol.md` section 5 that needs nothing but the
/// envelope itself.
///
/// # Errors
/// `NotCanonical`, `TooLarge`, `Malformed`.
pub fn decode(bytes: &[u8]) -> Result<Envelope, WireError> {
    cbor::check(bytes, DISPATCH_BYTES_MAX).map_err(|e| e.within("envelope"))?;
    let mut d = Decoder::new(bytes);
    let envelope = read(&mut d)?;
    finish(&d)?;
    check::validate(&envelope)?;
    Ok(envelope)
}

fn read(d: &mut Decoder<'_>) -> Result<Envelope, WireError> {
    let mut f = Fields::open(d, "envelope")?;
    f.version(key::VERSION, VERSION)?;
    Ok(Envelope {
        network: f.required(key::NETWORK, id)?,
        originator: f.required(key::ORIGINATOR, agency)?,
        reference: f.required(key::REFERENCE, reference)?,
        sequence: f.optional(key::SEQUENCE, sequence)?,
        recipients: f
            .required(key::RECIPIENTS, |d| array(d, 1, RECIPIENTS_MAX, "recipients", agency))?,
        group: f.optional(key::GROUP, string)?,
        secrecy: f.required(key::SECRECY, secrecy)?,
        metadata: f.required(key::METADATA, metadata)?,
        act: f.required(key::ACT, act)?,
        documents: f
            .required(key::DOCUMENTS, |d| array(d, 0, DOCUMENTS_MAX, "documents", document))?,
        sealed_by: f.optional(key::SEALED_BY, node)?.map_or(SealedBy::Agency, SealedBy::Node),
        issued_at: f.required(key::ISSUED_AT, time)?,
        expires_at: f.required(key::EXPIRES_AT, time)?,
        max_hops: f.required(key::MAX_HOPS, |d| Ok(d.u8()?))?,
        encryption: f.optional(key::ENCRYPTION, |d| bytes_max(d, DISPATCH_BYTES_MAX))?,
        extensions: f.end_keeping()?,
    })
}

/// An array header of this length.
/// An array header of `short` or `short + 1`; whether it is the longer.
fn maybe_longer(d: &mut Decoder<'_>, short: u64) -> Result<bool, WireError> {
    match header(d.array()?)?.checked_sub(short) {
        Some(0) => Ok(false),
        Some(1) => Ok(true),
        _ => {
            let long = short + 1;
            Err(WireError::malformed(format_args!("an array of {short} or {long} is needed")))
        }
    }
}

fn secrecy(d: &mut Decoder<'_>) -> Result<Secrecy, WireError> {
    match d.u64()? {
        0 => Ok(Secrecy::None),
        1 => Ok(Secrecy::Secret),
        2 => Ok(Secrecy::TopSecret),
        3 => Ok(Secrecy::UltraSecret),
        other => Err(WireError::malformed(format_args!("secrecy mark {other}"))),
    }
}

fn metadata(d: &mut Decoder<'_>) -> Result<Metadata, WireError> {
    let mut f = Fields::open(d, "metadata")?;
    let metadata = Metadata {
        number: f.optional(meta::NUMBER, string)?,
        notation: f.optional(meta::NOTATION, string)?,
        kind: f.optional(meta::KIND, string)?,
        subject: f.required(meta::SUBJECT, string)?,
        issued_on: f.optional(meta::ISSUED_ON, string)?,
        place: f.optional(meta::PLACE, string)?,
        signer: f.optional(meta::SIGNER, |d| {
            let office = maybe_longer(d, 1)?;
            Ok(Signer { name: string(d)?, office: office.then(|| string(d)).transpose()? })
        })?,
        urgency: f.required(meta::URGENCY, urgency)?,
        due_on: f.optional(meta::DUE_ON, string)?,
        answers_to: f.optional(meta::ANSWERS_TO, related_list)?.unwrap_or_default(),
    };
    f.end()?;
    Ok(metadata)
}

pub(super) fn urgency(d: &mut Decoder<'_>) -> Result<Urgency, WireError> {
    if d.datatype()? == Type::Array {
        exactly(d, 2)?;
        return match d.u64()? {
            3 => Ok(Urgency::FlashAt(time(d)?)),
            _ => Err(WireError::malformed("only the highest urgency has an hour")),
        };
    }
    match d.u64()? {
        0 => Ok(Urgency::Normal),
        1 => Ok(Urgency::Urgent),
        2 => Ok(Urgency::VeryUrgent),
        3 => Ok(Urgency::Flash),
        other => Err(WireError::malformed(format_args!("urgency {other}"))),
    }
}

fn act(d: &mut Decoder<'_>) -> Result<Act, WireError> {
    let referring = maybe_longer(d, 1)?;
    match (d.u64()?, referring) {
        (act::NEW, false) => Ok(Act::New),
        (act::RECALL, true) => Ok(Act::Recall(related(d)?)),
        (act::UPDATE, true) => Ok(Act::Update(related(d)?)),
        (act::REPLACE, true) => Ok(Act::Replace(related_list(d)?)),
        (other, _) => Err(WireError::malformed(format_args!("act {other}"))),
    }
}

fn related_list(d: &mut Decoder<'_>) -> Result<Vec<Related>, WireError> {
    array(d, 1, RELATED_MAX, "related dispatches", related)
}

fn related(d: &mut Decoder<'_>) -> Result<Related, WireError> {
    let named = maybe_longer(d, 2)?;
    Ok(Related {
        originator: agency(d)?,
        reference: reference(d)?,
        dispatch: named.then(|| id(d)).transpose()?,
    })
}

fn document(d: &mut Decoder<'_>) -> Result<Document, WireError> {
    let second = maybe_longer(d, 4)?;
    Ok(Document {
        name: string(d)?,
        media_type: string(d)?,
        size: d.u64()?,
        sha256: id(d)?,
        second_digest: second
            .then(|| {
                exactly(d, 2)?;
                Ok::<_, WireError>((d.u64()?, bytes_max(d, check::SECOND_DIGEST_BYTES_MAX)?))
            })
            .transpose()?,
    })
}
