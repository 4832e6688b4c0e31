//! A dispatch as edXML.

use std::collections::BTreeMap;

use tram_dispatch::envelope::{Act, Metadata, Related, Urgency};
use tram_dispatch::{AgencyCode, Digest, UnixMillis};

use super::overlay;
use super::{Outline, kinds};
use crate::fault::{EdxmlError, Fault};
use crate::model::{Edoc, Hop, Kind, Party, Replaced, Response, Signer, Task};
use crate::notes::{Note, Odd};
use crate::values::{IssueDay, LocalTime, Operation, Priority};

/// What the outline itself does not say.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// When the dispatch was sealed: the time of the first hop.
    pub issued_at: UnixMillis,
    /// The file that the dispatch was made of, where it was, with its digest.
    pub kept: Option<(&'a Edoc, Digest)>,
    /// Names of agencies, as the directory has them.
    pub names: &'a BTreeMap<AgencyCode, String>,
}

/// The document that says what the outline says. Of the kept file everything is taken that the envelope
/// does not contradict: where they say the same, the result is the kept file's own header.
///
/// # Errors
/// [`Fault::NotCarried`] for a date that is none.
pub fn edoc(
    outline: &Outline,
    setting: &Setting<'_>,
    notes: &mut Vec<Note>,
) -> Result<Edoc, EdxmlError> {
    let made = fresh(outline, setting, notes)?;
    let Some((kept, sha256)) = setting.kept else { return Ok(made) };
    // A file that is not of this dispatch has nothing to say about it.
    let said = super::outline(kept, &sha256, &mut Vec::new());
    let Ok(said) = said else { return Ok(made) };
    if said.originator != outline.originator || said.reference != outline.reference {
        return Ok(made);
    }
    Ok(overlay::lay(kept, &said, made, outline))
}

fn fresh(
    outline: &Outline,
    setting: &Setting<'_>,
    notes: &mut Vec<Note>,
) -> Result<Edoc, EdxmlError> {
    let m = &outline.metadata;
    let party = |code: &AgencyCode| Party {
        code: code.to_string(),
        name: setting.names.get(code).cloned(),
        ..Party::default()
    };
    let (number, notation) = number(m);
    let signer = m.signer.as_ref().map(|s| Signer {
        competence: None,
        position: s.office.clone(),
        name: Some(s.name.clone()),
    });
    let (class, detail) = kinds::numbers(m.kind.as_deref().unwrap_or_default());
    Ok(Edoc {
        from: party(&outline.originator),
        to: outline.recipients.iter().map(party).collect(),
        number,
        notation,
        place: m.place.clone(),
        issued_on: day("issued_on", m.issued_on.as_deref())?,
        kind: Kind { class: Some(class.to_owned()), detail: Some(detail), name: m.kind.clone() },
        subject: m.subject.clone(),
        signer: signer.unwrap_or_default(),
        due_on: day("due_on", m.due_on.as_deref())?,
        priority: priority(m.urgency, notes),
        copies: Some(0),
        pages: Some(0),
        answers_to: m.answers_to.iter().map(|r| response(r, notes)).collect(),
        steering: Some(0),
        document_id: outline.reference.to_string(),
        trace: vec![Hop {
            code: Some(outline.originator.to_string()),
            at: LocalTime::of(setting.issued_at),
        }],
        task: task(outline, notes),
        ..Edoc::default()
    })
}

/// Number and notation apart, also where the number holds both.
fn number(m: &Metadata) -> (Option<String>, Option<String>) {
    match (&m.number, &m.notation) {
        (Some(both), None) => match both.split_once('/') {
            Some((number, notation)) if !number.is_empty() && !notation.is_empty() => {
                (Some(number.to_owned()), Some(notation.to_owned()))
            }
            _ => (Some(both.clone()), None),
        },
        (number, notation) => (number.clone(), notation.clone()),
    }
}

fn day(what: &str, text: Option<&str>) -> Result<Option<IssueDay>, EdxmlError> {
    let Some(text) = text else { return Ok(None) };
    let day = IssueDay::parse(text);
    let no_day = || Fault::NotCarried(format!("{what}: no day")).at("(the envelope)", 0);
    day.map(Some).ok_or_else(no_day)
}

fn no_field(what: &str) -> Note {
    Note { place: format!("(the envelope)/{what}"), odd: Odd::NoField }
}

fn priority(urgency: Urgency, notes: &mut Vec<Note>) -> Priority {
    match urgency {
        Urgency::Normal => Priority::Normal,
        Urgency::Urgent => Priority::Urgent,
        Urgency::VeryUrgent => Priority::VeryUrgent,
        Urgency::Flash => Priority::Flash,
        Urgency::FlashAt(_) => {
            notes.push(no_field("hour of urgency"));
            Priority::FlashAt
        }
    }
}

fn response(related: &Related, notes: &mut Vec<Note>) -> Response {
    if related.dispatch.is_some() {
        notes.push(no_field("dispatch id of an answered document"));
    }
    Response {
        code: Some(related.originator.to_string()),
        number: None,
        issued_on: None,
        document_id: Some(related.reference.to_string()),
    }
}

fn task(outline: &Outline, notes: &mut Vec<Note>) -> Task {
    let mut named = |related: &Related| {
        if related.originator != outline.originator {
            notes.push(no_field("originator of the document that the act is about"));
        }
        related.reference.to_string()
    };
    let (operation, document_id, replaced) = match &outline.act {
        Act::New => (Operation::New, None, Vec::new()),
        Act::Recall(of) => (Operation::Recall, Some(named(of)), Vec::new()),
        Act::Update(of) => (Operation::Update, Some(named(of)), Vec::new()),
        Act::Replace(of) => {
            let one = |r: &Related| Replaced { document_id: named(r), holders: Vec::new() };
            (Operation::Replace, None, of.iter().map(one).collect())
        }
    };
    Task {
        operation,
        reason: Some(operation.vietnamese().to_owned()),
        document_id,
        paper: Some("0".to_owned()),
        replaced,
        ..Task::default()
    }
}
