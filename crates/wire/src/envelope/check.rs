//! The rules an envelope must keep, beside its shape.

use std::collections::BTreeMap;

use tram_dispatch::envelope::{Act, Document, Metadata, Related, SealedBy};
use tram_dispatch::limits::{
    DISPATCH_BYTES_MAX, DOCUMENT_BYTES_MAX, DOCUMENT_NAME_BYTES_MAX, DOCUMENTS_MAX, HOPS_MAX,
    MEDIA_TYPE_BYTES_MAX, RECIPIENTS_MAX, RELATED_MAX, TEXT_BYTES_MAX,
};
use tram_dispatch::{Envelope, UnixMillis};

use crate::WireError;
use crate::cbor::{self, NON_CRITICAL_KEYS_FROM};
use crate::fields::{ascending, plain, within_bytes};

/// Longest value of a second digest: 512 bits.
pub(super) const SECOND_DIGEST_BYTES_MAX: usize = 64;

/// Whether the envelope keeps to every rule that needs nothing but the envelope itself. What depends on
/// the network, the directory, a clock or a key is decided elsewhere.
///
/// # Errors
/// `TooLarge` over a limit, `Malformed` (`NotCanonical` inside an extension) otherwise.
pub fn validate(envelope: &Envelope) -> Result<(), WireError> {
    let e = envelope;
    count(e.recipients.len(), 1, RECIPIENTS_MAX, "recipients")?;
    ascending(&e.recipients, "recipients")?;
    if e.sequence.is_some_and(|s| s.number == 0) {
        return Err(WireError::malformed("sequence numbers start at 1"));
    }
    if e.sequence.is_none() && matches!(e.sealed_by, SealedBy::Node(_)) {
        return Err(WireError::malformed("what a node seals has a sequence number"));
    }
    optional_text(e.group.as_deref(), "group")?;
    metadata(&e.metadata)?;
    match &e.act {
        Act::New | Act::Recall(_) | Act::Update(_) => {}
        Act::Replace(list) => related(list, 1)?,
    }
    count(e.documents.len(), 0, DOCUMENTS_MAX, "documents")?;
    for (i, d) in e.documents.iter().enumerate() {
        document(d).map_err(|error| error.within(&format!("document {i}")))?;
    }
    same_sizes(&e.documents)?;
    if e.expires_at <= e.issued_at {
        return Err(WireError::malformed("expires before it was issued"));
    }
    if !(1..=HOPS_MAX).contains(&e.max_hops) {
        return Err(WireError::malformed(format_args!("max-hops must be 1 to {HOPS_MAX}")));
    }
    within_bytes(e.encryption.as_ref().map_or(0, Vec::len), DISPATCH_BYTES_MAX)?;
    for (key, item) in &e.extensions {
        if *key < NON_CRITICAL_KEYS_FROM {
            return Err(WireError::malformed(format_args!("extension with critical key {key}")));
        }
        cbor::check(item, DISPATCH_BYTES_MAX)
            .map_err(|error| error.within(&format!("extension {key}")))?;
    }
    Ok(())
}

fn count(found: usize, least: usize, most: usize, what: &str) -> Result<(), WireError> {
    if found > most {
        return Err(WireError::too_large(format_args!("{found} {what}, at most {most} allowed")));
    }
    if found < least {
        return Err(WireError::malformed(format_args!("{found} {what}, at least {least} needed")));
    }
    Ok(())
}

/// One digest has one size: with two, one of them is a lie that nobody could keep.
fn same_sizes(documents: &[Document]) -> Result<(), WireError> {
    let mut sizes = BTreeMap::new();
    for d in documents {
        if sizes.insert(d.sha256, d.size).is_some_and(|other| other != d.size) {
            return Err(WireError::malformed("one digest stands with two sizes"));
        }
    }
    Ok(())
}

/// A text that is absent rather than empty.
fn optional_text(value: Option<&str>, what: &str) -> Result<(), WireError> {
    value.map_or(Ok(()), |text| plain(text, 1, TEXT_BYTES_MAX)).map_err(|e| e.within(what))
}

fn metadata(m: &Metadata) -> Result<(), WireError> {
    for (value, what) in
        [(&m.number, "number"), (&m.notation, "notation"), (&m.kind, "kind"), (&m.place, "place")]
    {
        optional_text(value.as_deref(), what)?;
    }
    plain(&m.subject, 0, TEXT_BYTES_MAX).map_err(|e| e.within("subject"))?;
    if let Some(signer) = &m.signer {
        plain(&signer.name, 1, TEXT_BYTES_MAX).map_err(|e| e.within("signer"))?;
        optional_text(signer.office.as_deref(), "office")?;
    }
    for (value, what) in [(&m.issued_on, "issued-on"), (&m.due_on, "due-on")] {
        if value.as_deref().is_some_and(|text| !is_date(text)) {
            return Err(WireError::malformed(format_args!("{what} is not a date YYYY-MM-DD")));
        }
    }
    related(&m.answers_to, 0)
}

/// Whether the text is a day of the calendar, `YYYY-MM-DD`, from 1970 on.
fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<UnixMillis>().is_ok()
}

fn related(list: &[Related], least: usize) -> Result<(), WireError> {
    count(list.len(), least, RELATED_MAX, "related dispatches")
}

fn document(d: &Document) -> Result<(), WireError> {
    plain(&d.name, 1, DOCUMENT_NAME_BYTES_MAX).map_err(|e| e.within("name"))?;
    within_bytes(d.media_type.len(), MEDIA_TYPE_BYTES_MAX).map_err(|e| e.within("media type"))?;
    if !is_media_type(&d.media_type) {
        return Err(WireError::malformed("media type is not type/subtype in printable ASCII"));
    }
    if d.size > DOCUMENT_BYTES_MAX {
        let size = d.size;
        return Err(WireError::too_large(format_args!(
            "{size} bytes, at most {DOCUMENT_BYTES_MAX} allowed"
        )));
    }
    match &d.second_digest {
        Some((_, value)) if value.is_empty() => Err(WireError::malformed("empty second digest")),
        Some((_, value)) => within_bytes(value.len(), SECOND_DIGEST_BYTES_MAX),
        None => Ok(()),
    }
}

/// `type/subtype`, parameters allowed, printable ASCII.
fn is_media_type(text: &str) -> bool {
    let printable = text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    printable && text.split_once('/').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
}
