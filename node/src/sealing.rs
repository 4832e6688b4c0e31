//! From a seal request, as people and programs write it, to an envelope and a sealed dispatch.

use tram_api::Problem;
use tram_api::model::{SealActKind, SealRelated, SealRequest, SecrecyMark, UrgencyLevel};
use tram_crypto::{Sign, sha256, sha256_parts};
use tram_dispatch::envelope::{
    Act, Document, Envelope, Metadata, Related, SealedBy, Secrecy, Sequence, Signer, Urgency,
};
use tram_dispatch::{Code, Digest, EpochId, NetworkId, Reference, UnixMillis};
use tram_wire::{SealError, Sealable, Sealed};

/// Lifetime of a dispatch whose request names none: 30 days.
const LIFETIME_MS_DEFAULT: u64 = 30 * 86_400_000;
/// Hops allowed where the request names none.
const HOPS_DEFAULT: u8 = 8;

/// What the request itself does not say.
pub(crate) struct Circumstances {
    pub network: NetworkId,
    pub reference: Reference,
    pub sealed_by: SealedBy,
    /// Its place in a series; of what a node seals the series only, until the number is assigned.
    pub sequence: Option<Sequence>,
    pub now: UnixMillis,
}

/// Builds the envelope. `size_of` gives the length of a document in bytes.
///
/// # Errors
/// `BAD_REQUEST` naming the field, also where there are groups, which must be expanded before;
/// `DOCUMENT_MISSING`; what the envelope's own rules refuse.
pub(crate) fn envelope(
    request: &SealRequest,
    at: Circumstances,
    mut size_of: impl FnMut(&Digest) -> Option<u64>,
) -> Result<Envelope, Problem> {
    if !request.groups.is_empty() {
        return Err(Problem::bad_request("groups: they are not expanded"));
    }
    let mut recipients: Vec<_> = request.recipients.iter().map(|r| r.0.clone()).collect();
    recipients.sort();
    recipients.dedup();
    let mut documents = Vec::new();
    for d in &request.documents {
        let size = size_of(&d.sha256.0).ok_or_else(|| {
            Problem::new(Code::DocumentMissing, format!("document {}", d.sha256.0))
        })?;
        documents.push(Document {
            name: d.name.clone(),
            media_type: d.media_type.clone(),
            size,
            sha256: d.sha256.0,
            second_digest: None,
        });
    }
    let m = &request.metadata;
    let metadata = Metadata {
        number: m.number.clone(),
        notation: m.notation.clone(),
        kind: m.kind.clone(),
        subject: m.subject.clone(),
        issued_on: m.issued_on.clone(),
        place: m.place.clone(),
        signer: m
            .signer
            .as_ref()
            .map(|s| Signer { name: s.name.clone(), office: s.office.clone() }),
        urgency: urgency(m.urgency, m.urgent_by.as_ref().map(|t| t.0))?,
        due_on: m.due_on.clone(),
        answers_to: m.answers_to.iter().map(related).collect(),
    };
    let envelope = Envelope {
        network: at.network,
        originator: request.originator.0.clone(),
        reference: at.reference,
        sequence: at.sequence,
        recipients,
        group: request.group.clone(),
        secrecy: match request.secrecy {
            SecrecyMark::None => Secrecy::None,
            SecrecyMark::Secret => Secrecy::Secret,
            SecrecyMark::TopSecret => Secrecy::TopSecret,
            SecrecyMark::UltraSecret => Secrecy::UltraSecret,
        },
        metadata,
        act: act(request)?,
        documents,
        sealed_by: at.sealed_by,
        issued_at: at.now,
        expires_at: request
            .expires_at
            .as_ref()
            .map_or_else(|| at.now.plus_ms(LIFETIME_MS_DEFAULT), |t| t.0),
        max_hops: request.max_hops.unwrap_or(HOPS_DEFAULT),
        encryption: None,
        extensions: Default::default(),
    };
    tram_wire::envelope::validate(&envelope).map_err(|e| Problem::new(e.code, e.detail))?;
    Ok(envelope)
}

/// Seals an envelope or a statement with a key and its certificate chain.
///
/// # Errors
/// `INTERNAL` when the key cannot sign; what the format refuses.
pub(crate) fn seal<C: Sealable>(
    content: &C,
    chain: &[Vec<u8>],
    key: &dyn Sign,
) -> Result<Sealed<C>, Problem> {
    let sealed = Sealed::seal(content, chain, key.algorithm(), |message| key.sign(message));
    sealed.map_err(|e| match e {
        SealError::Wire(e) => Problem::new(e.code, e.detail),
        SealError::Sign(e) => Problem::new(Code::Internal, e.to_string()),
    })
}

/// The series of a sealing key that a node holds: 48 bits, so that every reader of JSON can hold it.
/// Another epoch of the node's log has another series: a store that was lost or put back does not know
/// which numbers it gave.
pub(crate) fn series_of(key: &dyn Sign, epoch: EpochId) -> u64 {
    let key_id = key.public_key().key_id();
    let name = sha256_parts(&[b"tram series", &key_id, epoch.as_bytes()]);
    name.iter().take(6).fold(0, |series, byte| series << 8 | u64::from(*byte))
}

/// SHA-256 over what an envelope says, time and numbering of the sealing apart.
pub(crate) fn content(envelope: &Envelope) -> Digest {
    let mut said = envelope.clone();
    set_issued_at(&mut said, UnixMillis(0));
    said.sequence = None;
    Digest(sha256(&tram_wire::envelope::encode(&said)))
}

/// Sets the time of sealing; a default lifetime goes with it.
pub(crate) fn set_issued_at(envelope: &mut Envelope, at: UnixMillis) {
    if envelope.expires_at.since_ms(envelope.issued_at) == LIFETIME_MS_DEFAULT {
        envelope.expires_at = at.plus_ms(LIFETIME_MS_DEFAULT);
    }
    envelope.issued_at = at;
}

/// Whether two envelopes say the same, times and numbering of the sealing apart: what makes a
/// repeated request the same request.
pub(crate) fn same_content(a: &Envelope, b: &Envelope) -> bool {
    let mut b = b.clone();
    let default_life = |e: &Envelope| e.expires_at.since_ms(e.issued_at) == LIFETIME_MS_DEFAULT;
    if default_life(a) && default_life(&b) {
        b.expires_at = a.expires_at;
    }
    b.issued_at = a.issued_at;
    b.sequence = a.sequence;
    *a == b
}

fn related(r: &SealRelated) -> Related {
    Related {
        originator: r.originator.0.clone(),
        reference: r.reference.0.clone(),
        dispatch: r.dispatch.as_ref().map(|d| d.0),
    }
}

fn urgency(level: UrgencyLevel, by: Option<UnixMillis>) -> Result<Urgency, Problem> {
    Ok(match (level, by) {
        (UrgencyLevel::FlashAt, Some(at)) => Urgency::FlashAt(at),
        (UrgencyLevel::FlashAt, None) => {
            return Err(Problem::bad_request("urgency flash_at needs urgent_by"));
        }
        (_, Some(_)) => {
            return Err(Problem::bad_request("urgent_by goes with urgency flash_at only"));
        }
        (UrgencyLevel::Normal, None) => Urgency::Normal,
        (UrgencyLevel::Urgent, None) => Urgency::Urgent,
        (UrgencyLevel::VeryUrgent, None) => Urgency::VeryUrgent,
        (UrgencyLevel::Flash, None) => Urgency::Flash,
    })
}

fn act(request: &SealRequest) -> Result<Act, Problem> {
    let Some(act) = &request.act else { return Ok(Act::New) };
    let of: Vec<Related> = act.of.iter().map(related).collect();
    let one = |of: Vec<Related>| -> Result<Related, Problem> {
        let n = of.len();
        let mut of = of.into_iter();
        match (of.next(), n) {
            (Some(only), 1) => Ok(only),
            _ => Err(Problem::bad_request("act.of must name exactly one earlier dispatch")),
        }
    };
    Ok(match act.kind {
        SealActKind::New if of.is_empty() => Act::New,
        SealActKind::New => return Err(Problem::bad_request("act.of has no place in a new one")),
        SealActKind::Recall => Act::Recall(one(of)?),
        SealActKind::Update => Act::Update(one(of)?),
        SealActKind::Replace => Act::Replace(of),
    })
}
