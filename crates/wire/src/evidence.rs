//! Evidence records, and what a leaf of the receipt log holds of them.

use minicbor::Decoder;
use tram_crypto::sha256_parts;
use tram_dispatch::limits::{EVIDENCE_BYTES_MAX, TEXT_BYTES_MAX};
use tram_dispatch::{Digest, Event, EvidenceRecord};

mod removal;

use crate::WireError;
use crate::cbor::{self, Fields, FieldsOut, Writer, finish};
use crate::fields::{agency, code, id, node, plain, sequence, string, time};

/// The format version this program writes and reads (field 0).
pub const VERSION: u64 = 1;

/// Bytes of salt in a commitment.
pub const SALT_BYTES: usize = 16;

mod key {
    pub(super) const VERSION: u64 = 0;
    pub(super) const EVENT: u64 = 1;
    pub(super) const NETWORK: u64 = 2;
    pub(super) const NODE: u64 = 3;
    pub(super) const EPOCH: u64 = 4;
    pub(super) const DISPATCH: u64 = 5;
    pub(super) const OBJECT: u64 = 6;
    pub(super) const ORIGINATOR: u64 = 7;
    pub(super) const RECIPIENT: u64 = 8;
    pub(super) const CUSTODY: u64 = 9;
    pub(super) const ADMISSION: u64 = 10;
    pub(super) const TIME: u64 = 11;
    pub(super) const REASON: u64 = 12;
    pub(super) const REMARK: u64 = 13;
    pub(super) const STATUS: u64 = 14;
    pub(super) const PREVIOUS: u64 = 15;
    pub(super) const UPSTREAM: u64 = 16;
    pub(super) const DIRECTORY: u64 = 17;
    pub(super) const REVOCATION: u64 = 18;
    pub(super) const ATTESTATION: u64 = 19;
    pub(super) const OTHER_OBJECT: u64 = 20;
    pub(super) const SEQUENCE: u64 = 21;
    pub(super) const RELATED: u64 = 22;
    pub(super) const REMOVAL: u64 = 23;
}

/// The one encoding of this record.
pub fn encode(record: &EvidenceRecord) -> Vec<u8> {
    let r = record;
    let digest = |w: &mut Writer, d: Digest| _ = w.bytes(d.as_bytes());
    let mut f = FieldsOut::new();
    f.put(key::VERSION, |w| _ = w.uint(VERSION))
        .put(key::EVENT, |w| _ = w.uint(r.event.number().into()))
        .put(key::NETWORK, |w| _ = w.bytes(r.network.as_bytes()))
        .put(key::NODE, |w| _ = w.text(r.node.as_str()))
        .put(key::EPOCH, |w| _ = w.bytes(r.epoch.as_bytes()))
        .put(key::DISPATCH, |w| _ = w.bytes(r.dispatch.as_bytes()))
        .put_some(key::OBJECT, r.object, digest)
        .put(key::ORIGINATOR, |w| _ = w.text(r.originator.as_str()))
        .put_some(key::RECIPIENT, r.recipient.as_ref(), |w, code| _ = w.text(code.as_str()))
        .put(key::CUSTODY, |w| _ = w.uint(r.custody))
        .put_some(key::ADMISSION, r.admission, |w, number| _ = w.uint(number))
        .put(key::TIME, |w| _ = w.uint(r.time.0))
        .put_some(key::REASON, r.reason, |w, code| _ = w.uint(code.number().into()))
        .put_some(key::REMARK, r.remark.as_deref(), |w, text| _ = w.text(text))
        .put_some(key::STATUS, r.status, |w, status| _ = w.uint(status.into()))
        .put_some(key::PREVIOUS, r.previous.as_ref(), |w, node| _ = w.text(node.as_str()))
        .put_some(key::UPSTREAM, r.upstream, digest)
        .put_some(key::DIRECTORY, r.directory, digest)
        .put_some(key::REVOCATION, r.revocation, digest)
        .put_some(key::ATTESTATION, r.attestation, digest)
        .put_some(key::OTHER_OBJECT, r.other_object, digest)
        .put_some(key::SEQUENCE, r.sequence, |w, s| _ = w.array(2).uint(s.series).uint(s.number))
        .put_some(key::RELATED, r.related, |w, dispatch| _ = w.bytes(dispatch.as_bytes()))
        .put_some(key::REMOVAL, r.removal.as_deref(), removal::put);
    f.finish()
}

/// Reads a record of at most [`EVIDENCE_BYTES_MAX`] bytes. Fields from 128 on that this version does not
/// know are passed over, events and codes that it does not know are kept by their numbers; the raw
/// bytes, which the log commits to, keep everything.
///
/// # Errors
/// `NotCanonical`, `TooLarge`, `Malformed`.
pub fn decode(bytes: &[u8]) -> Result<EvidenceRecord, WireError> {
    cbor::check(bytes, EVIDENCE_BYTES_MAX).map_err(|e| e.within("evidence record"))?;
    let mut d = Decoder::new(bytes);
    let mut f = Fields::open(&mut d, "evidence record")?;
    f.version(key::VERSION, VERSION)?;
    let record = EvidenceRecord {
        event: f.required(key::EVENT, event)?,
        network: f.required(key::NETWORK, id)?,
        node: f.required(key::NODE, node)?,
        epoch: f.required(key::EPOCH, id)?,
        dispatch: f.required(key::DISPATCH, id)?,
        object: f.optional(key::OBJECT, id)?,
        originator: f.required(key::ORIGINATOR, agency)?,
        recipient: f.optional(key::RECIPIENT, agency)?,
        custody: f.required(key::CUSTODY, |d| Ok(d.u64()?))?,
        admission: f.optional(key::ADMISSION, |d| Ok(d.u64()?))?,
        time: f.required(key::TIME, time)?,
        reason: f.optional(key::REASON, code)?,
        remark: f.optional(key::REMARK, string)?,
        status: f.optional(key::STATUS, |d| Ok(d.u8()?))?,
        previous: f.optional(key::PREVIOUS, node)?,
        upstream: f.optional(key::UPSTREAM, id)?,
        directory: f.optional(key::DIRECTORY, id)?,
        revocation: f.optional(key::REVOCATION, id)?,
        attestation: f.optional(key::ATTESTATION, id)?,
        other_object: f.optional(key::OTHER_OBJECT, id)?,
        sequence: f.optional(key::SEQUENCE, sequence)?,
        related: f.optional(key::RELATED, id)?,
        removal: f.optional(key::REMOVAL, removal::take)?.map(Box::new),
    };
    f.end_skipping()?;
    finish(&d)?;
    validate(&record)?;
    Ok(record)
}

/// Whether the record keeps to every rule that needs nothing but the record itself.
///
/// # Errors
/// `TooLarge` for a long remark, `Malformed` for a status outside 1 to 16, a number 0, or a remark that
/// is empty or not plain text; and where a removal of documents does not say which, or another event does.
pub fn validate(record: &EvidenceRecord) -> Result<(), WireError> {
    if record.sequence.is_some_and(|s| s.number == 0) || record.admission == Some(0) {
        return Err(WireError::malformed("numbers start at 1"));
    }
    if record.status.is_some_and(|status| !(1..=16).contains(&status)) {
        return Err(WireError::malformed("status is not 1 to 16"));
    }
    removal::validate(record)?;
    match &record.remark {
        Some(remark) => plain(remark, 1, TEXT_BYTES_MAX).map_err(|e| e.within("remark")),
        None => Ok(()),
    }
}

fn event(d: &mut Decoder<'_>) -> Result<Event, WireError> {
    let number = d.u8()?;
    Event::read(number).ok_or_else(|| WireError::malformed("event 0"))
}

/// What a leaf of the receipt log holds: SHA-256(salt ‖ record). The salt keeps a short record from being
/// guessed from a public tile, and lets the record be erased without breaking a proof.
pub fn commitment(salt: &[u8; SALT_BYTES], record: &[u8]) -> [u8; 32] {
    sha256_parts(&[salt, record])
}
