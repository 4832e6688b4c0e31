//! Envelope to bytes.

use tram_dispatch::Envelope;
use tram_dispatch::envelope::{Act, Document, Metadata, Related, SealedBy, Secrecy, Urgency};

use super::{VERSION, act, check, key, meta};
use crate::WireError;
use crate::cbor::{FieldsOut, Writer};

/// The one encoding of this envelope. It is what [`super::decode()`] takes if [`super::validate`] agrees
/// with the envelope; use [`encode_checked`] for envelopes from outside.
pub fn encode(envelope: &Envelope) -> Vec<u8> {
    let e = envelope;
    let mut f = FieldsOut::new();
    f.put(key::VERSION, |w| _ = w.uint(VERSION))
        .put(key::NETWORK, |w| _ = w.bytes(e.network.as_bytes()))
        .put(key::ORIGINATOR, |w| _ = w.text(e.originator.as_str()))
        .put(key::REFERENCE, |w| _ = w.text(e.reference.as_str()))
        .put_some(key::SEQUENCE, e.sequence, |w, s| _ = w.array(2).uint(s.series).uint(s.number))
        .put(key::RECIPIENTS, |w| {
            w.array(e.recipients.len());
            e.recipients.iter().for_each(|code| _ = w.text(code.as_str()));
        })
        .put_some(key::GROUP, e.group.as_deref(), |w, group| _ = w.text(group))
        .put(key::SECRECY, |w| _ = w.uint(secrecy(e.secrecy)))
        .put(key::METADATA, |w| metadata(w, &e.metadata))
        .put(key::ACT, |w| act(w, &e.act))
        .put(key::DOCUMENTS, |w| {
            w.array(e.documents.len());
            e.documents.iter().for_each(|d| document(w, d));
        });
    if let SealedBy::Node(node) = &e.sealed_by {
        f.put(key::SEALED_BY, |w| _ = w.text(node.as_str()));
    }
    f.put(key::ISSUED_AT, |w| _ = w.uint(e.issued_at.0))
        .put(key::EXPIRES_AT, |w| _ = w.uint(e.expires_at.0))
        .put(key::MAX_HOPS, |w| _ = w.uint(e.max_hops.into()))
        .put_some(key::ENCRYPTION, e.encryption.as_deref(), |w, bytes| _ = w.bytes(bytes));
    for (number, item) in &e.extensions {
        f.put(*number, |w| _ = w.raw(item));
    }
    f.finish()
}

/// [`encode`], if the envelope keeps to every rule.
///
/// # Errors
/// As [`super::validate`].
pub fn encode_checked(envelope: &Envelope) -> Result<Vec<u8>, WireError> {
    check::validate(envelope)?;
    Ok(encode(envelope))
}

fn secrecy(mark: Secrecy) -> u64 {
    match mark {
        Secrecy::None => 0,
        Secrecy::Secret => 1,
        Secrecy::TopSecret => 2,
        Secrecy::UltraSecret => 3,
    }
}

fn metadata(w: &mut Writer, m: &Metadata) {
    let text = |w: &mut Writer, text: &String| _ = w.text(text);
    let mut f = FieldsOut::new();
    f.put_some(meta::NUMBER, m.number.as_ref(), text)
        .put_some(meta::NOTATION, m.notation.as_ref(), text)
        .put_some(meta::KIND, m.kind.as_ref(), text)
        .put(meta::SUBJECT, |w| _ = w.text(&m.subject))
        .put_some(meta::ISSUED_ON, m.issued_on.as_ref(), text)
        .put_some(meta::PLACE, m.place.as_ref(), text)
        .put_some(meta::SIGNER, m.signer.as_ref(), |w, signer| {
            w.array(1 + usize::from(signer.office.is_some())).text(&signer.name);
            if let Some(office) = &signer.office {
                w.text(office);
            }
        })
        .put(meta::URGENCY, |w| match m.urgency {
            Urgency::FlashAt(hour) => _ = w.array(2).uint(3).uint(hour.0),
            Urgency::Normal | Urgency::Urgent | Urgency::VeryUrgent | Urgency::Flash => {
                _ = w.uint(m.urgency.class().into());
            }
        })
        .put_some(meta::DUE_ON, m.due_on.as_ref(), text);
    if !m.answers_to.is_empty() {
        f.put(meta::ANSWERS_TO, |w| related_list(w, &m.answers_to));
    }
    w.fields(f);
}

fn act(w: &mut Writer, act: &Act) {
    match act {
        Act::New => _ = w.array(1).uint(act::NEW),
        Act::Recall(earlier) => related(w.array(2).uint(act::RECALL), earlier),
        Act::Update(earlier) => related(w.array(2).uint(act::UPDATE), earlier),
        Act::Replace(earlier) => related_list(w.array(2).uint(act::REPLACE), earlier),
    }
}

fn related_list(w: &mut Writer, list: &[Related]) {
    w.array(list.len());
    list.iter().for_each(|r| related(w, r));
}

fn related(w: &mut Writer, r: &Related) {
    w.array(2 + usize::from(r.dispatch.is_some()))
        .text(r.originator.as_str())
        .text(r.reference.as_str());
    if let Some(id) = &r.dispatch {
        w.bytes(id.as_bytes());
    }
}

fn document(w: &mut Writer, d: &Document) {
    w.array(4 + usize::from(d.second_digest.is_some()))
        .text(&d.name)
        .text(&d.media_type)
        .uint(d.size)
        .bytes(d.sha256.as_bytes());
    if let Some((algorithm, value)) = &d.second_digest {
        w.array(2).uint(*algorithm).bytes(value);
    }
}
