//! Statuses: edXML's, and what the evidence of a dispatch says.

use tram_dispatch::{AgencyCode, Digest, Event, Reference, Status, UnixMillis};

use super::{Outline, outline, reference_to};
use crate::fault::{EdxmlError, Fault, shown};
use crate::model::{Edoc, Party, Response, Staff, StatusNotice};
use crate::values::{IssueDay, LocalTime, Operation};

/// What a status that is to be written is about.
#[derive(Clone, Debug)]
pub struct StatusOf<'a> {
    /// Who says so, and its name.
    pub from: (&'a AgencyCode, Option<&'a str>),
    /// Whom the status is for: of most the originator, of 13 the recipient.
    pub addressee: &'a AgencyCode,
    /// The reference of the document, which is its `DocumentId`.
    pub reference: &'a Reference,
    /// Its number and notation.
    pub number: Option<String>,
    /// Its day of issue.
    pub issued_on: Option<IssueDay>,
    /// The status.
    pub status: Status,
    /// Why, or a remark.
    pub description: Option<String>,
    /// When.
    pub at: UnixMillis,
}

/// The status as edXML says it. Where there is nothing to describe, the name of the status is written.
pub fn notice(of: &StatusOf<'_>) -> StatusNotice {
    StatusNotice {
        from: Party {
            code: of.from.0.to_string(),
            name: of.from.1.map(str::to_owned),
            ..Party::default()
        },
        about: Response {
            code: Some(of.addressee.to_string()),
            number: of.number.clone(),
            issued_on: of.issued_on,
            document_id: Some(of.reference.to_string()),
        },
        status: of.status,
        description: Some(of.description.clone().unwrap_or_else(|| of.status.name_vi().to_owned())),
        at: LocalTime::of(of.at),
        staff: Staff::default(),
    }
}

/// Who gives the status, whom it is for, and the reference of the document it is about.
///
/// # Errors
/// [`Fault::NotCarried`] where a code is none or no document is named.
pub fn about(notice: &StatusNotice) -> Result<(AgencyCode, AgencyCode, Reference), EdxmlError> {
    const HEADER: &str = "edXML/edXMLEnvelope/edXMLHeader/MessageHeader";
    let code = |text: &str, name: &str| {
        AgencyCode::parse(text)
            .map_err(|e| Fault::NotCarried(shown(e)).at(format!("{HEADER}/{name}/OrganId"), 0))
    };
    let from = code(&notice.from.code, "From")?;
    let addressee = code(notice.about.code.as_deref().unwrap_or_default(), "ResponseFor")?;
    let id = notice.about.document_id.as_deref().ok_or_else(|| {
        Fault::NotCarried("no document is named".to_owned())
            .at(format!("{HEADER}/ResponseFor/DocumentId"), 0)
    })?;
    Ok((from, addressee, reference_to(id)))
}

/// The recall that status 13 asks for: the originator wants a document back from one recipient. Its
/// reference is made of the file, so that the same request again is the same dispatch.
///
/// # Errors
/// As [`about`]; [`Fault::NotCarried`] of another status.
pub fn recall(notice: &StatusNotice, sha256: &Digest) -> Result<Outline, EdxmlError> {
    if notice.status != Status::TakeBackRequested {
        let why = format!("status {} asks for nothing back", notice.status);
        return Err(Fault::NotCarried(why).at("edXML", 0));
    }
    let (_, recipient, of) = about(notice)?;
    let mut edoc = Edoc {
        from: notice.from.clone(),
        to: vec![Party { code: recipient.to_string(), ..Party::default() }],
        subject: notice
            .description
            .clone()
            .unwrap_or_else(|| Status::TakeBackRequested.name_vi().to_owned()),
        document_id: of.to_string(),
        ..Edoc::default()
    };
    edoc.task.operation = Operation::Recall;
    edoc.task.document_id = Some(edoc.document_id.clone());
    let mut outline = outline(&edoc, sha256, &mut Vec::new())?;
    outline.metadata.number.clone_from(&notice.about.number);
    Ok(outline)
}

/// The status that an event of evidence comes to. A record of handling says its status itself.
pub fn status_of(event: Event) -> Option<Status> {
    match event {
        Event::ContentConsignment => Some(Status::Arrived),
        Event::ConsignmentRejection => Some(Status::Refused),
        Event::ConsignmentAcceptance => Some(Status::Accepted),
        Event::ActAcceptance => Some(Status::Agreed),
        Event::ActRejection => Some(Status::Declined),
        _ => None,
    }
}
