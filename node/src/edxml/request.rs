//! From an edXML file to what the node is asked to seal and send.

use tram_api::model::{
    SealAct, SealActKind, SealDocument, SealMetadata, SealRelated, SealRequest, SealSigner,
    SecrecyMark, UrgencyLevel,
};
use tram_dispatch::envelope::{Act, Metadata, Related, Secrecy, Urgency};
use tram_dispatch::{Digest, Reference};
use tram_edxml::map::Outline;
use tram_edxml::{EdxmlError, MEDIA_TYPE};

use super::Unpacked;

/// What the node is asked.
pub(crate) struct Asked {
    /// Under which name.
    pub(crate) reference: Reference,
    /// What.
    pub(crate) request: SealRequest,
}

/// The request for a file with this outline: its documents, and behind them the file itself, byte for
/// byte. Of a file with a secrecy mark nothing is asked but that the node refuses it: no text of it and
/// no document goes anywhere.
///
/// # Errors
/// None of its own; those of the outline come before.
pub(crate) fn ask(unpacked: &Unpacked, outline: &Outline, kept_name: &str) -> Asked {
    let mark = unpacked.reading.marks.iter().map(|m| m.mark).max().unwrap_or_default();
    let mut documents: Vec<SealDocument> = Vec::new();
    let mut metadata = SealMetadata::default();
    if mark == Secrecy::None {
        let named = |name: &str, media_type: &str, sha256: Digest| SealDocument {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            sha256: sha256.into(),
        };
        documents
            .extend(unpacked.documents.iter().map(|d| named(&d.name, &d.media_type, d.sha256)));
        documents.push(named(kept_name, MEDIA_TYPE, unpacked.reading.sha256));
        metadata = said(&outline.metadata);
    }
    let request = SealRequest {
        originator: outline.originator.clone().into(),
        reference: Some(outline.reference.clone().into()),
        recipients: outline.recipients.iter().cloned().map(Into::into).collect(),
        groups: Vec::new(),
        group: None,
        secrecy: match mark {
            Secrecy::None => SecrecyMark::None,
            Secrecy::Secret => SecrecyMark::Secret,
            Secrecy::TopSecret => SecrecyMark::TopSecret,
            Secrecy::UltraSecret => SecrecyMark::UltraSecret,
        },
        metadata,
        act: act(&outline.act),
        documents,
        expires_at: None,
        max_hops: None,
    };
    Asked { reference: outline.reference.clone(), request }
}

fn related(r: &Related) -> SealRelated {
    SealRelated {
        originator: r.originator.clone().into(),
        reference: r.reference.clone().into(),
        dispatch: r.dispatch.map(Into::into),
    }
}

fn act(act: &Act) -> Option<SealAct> {
    let (kind, of) = match act {
        Act::New => return None,
        Act::Recall(of) => (SealActKind::Recall, vec![related(of)]),
        Act::Update(of) => (SealActKind::Update, vec![related(of)]),
        Act::Replace(of) => (SealActKind::Replace, of.iter().map(related).collect()),
    };
    Some(SealAct { kind, of })
}

fn said(m: &Metadata) -> SealMetadata {
    let (urgency, urgent_by) = match m.urgency {
        Urgency::Normal => (UrgencyLevel::Normal, None),
        Urgency::Urgent => (UrgencyLevel::Urgent, None),
        Urgency::VeryUrgent => (UrgencyLevel::VeryUrgent, None),
        Urgency::Flash => (UrgencyLevel::Flash, None),
        Urgency::FlashAt(at) => (UrgencyLevel::FlashAt, Some(at.into())),
    };
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
        urgency,
        urgent_by,
        due_on: m.due_on.clone(),
        answers_to: m.answers_to.iter().map(related).collect(),
    }
}

/// The outline of a file: of a document, or of the recall that status 13 asks for.
///
/// # Errors
/// [`EdxmlError`] for what a dispatch cannot say; of another status.
pub(crate) fn outline_of(
    unpacked: &Unpacked,
    notes: &mut Vec<tram_edxml::Note>,
) -> Result<Outline, EdxmlError> {
    let sha256 = &unpacked.reading.sha256;
    match &unpacked.reading.content {
        tram_edxml::Content::Document(edoc) => tram_edxml::map::outline(edoc, sha256, notes),
        tram_edxml::Content::Status(notice) => tram_edxml::map::recall(notice, sha256),
    }
}
