//! What a file says, as the envelope of a dispatch says it.

use std::collections::BTreeSet;

use tram_dispatch::envelope::{Act, Metadata, Related, Signer, Urgency};
use tram_dispatch::limits::{RELATED_MAX, TEXT_BYTES_MAX};
use tram_dispatch::text::is_plain;
use tram_dispatch::{AgencyCode, Digest};

use super::{Outline, reference_of, reference_to};
use crate::fault::{EdxmlError, Fault, shown};
use crate::model::{Edoc, Party};
use crate::notes::{Note, Odd};
use crate::values::{IssueDay, Operation, Priority};

const HEADER: &str = "edXML/edXMLEnvelope/edXMLHeader/MessageHeader";
const TASK: &str = "edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness";

/// Most agencies that a note names.
const NAMED_MAX: usize = 10;

/// Draws the outline of a file with this digest; what does not fit an envelope exactly is noted.
///
/// # Errors
/// [`Fault::NotCarried`] for a code that no agency can have, for more related documents than an envelope
/// holds, and for texts that are too long for it.
pub fn outline(edoc: &Edoc, sha256: &Digest, notes: &mut Vec<Note>) -> Result<Outline, EdxmlError> {
    let originator = code(&edoc.from, "From")?;
    let mut recipients = Vec::new();
    for (i, party) in edoc.to.iter().enumerate() {
        let place = if i == 0 { "To".to_owned() } else { format!("To[{}]", i + 1) };
        recipients.push(code(party, &place)?);
    }
    let count = recipients.len();
    recipients.sort();
    recipients.dedup();
    if recipients.len() < count {
        notes.push(note("To", Odd::RecipientTwice));
    }
    changed_recipients(edoc, &recipients, notes);
    Ok(Outline {
        reference: reference_of(edoc, sha256),
        recipients,
        metadata: metadata(edoc, notes)?,
        act: act(edoc, &originator)?,
        originator,
    })
}

/// Who receives an update is said by `To` alone. Where its list of changes counts on others, that is told:
/// some systems send one file to each recipient, so it is no reason to refuse it.
fn changed_recipients(edoc: &Edoc, recipients: &[AgencyCode], notes: &mut Vec<Note>) {
    let Some(change) = &edoc.task.change else { return };
    if edoc.task.operation != Operation::Update {
        return;
    }
    let mut others = [BTreeSet::new(), BTreeSet::new()];
    for changed in &change.changed {
        let name = match AgencyCode::parse(&changed.code) {
            Ok(code) if recipients.contains(&code) => continue,
            Ok(code) => code.to_string(),
            Err(_) => shown(&changed.code),
        };
        others[usize::from(changed.added)].insert(name);
    }
    let [removed, added] = others.map(|names| named(&names));
    let mut tell = |odd| {
        let place = format!("{TASK}/BussinessDocumentInfo/ReceiverList");
        notes.push(Note { place, odd });
    };
    if let Some(agencies) = added {
        tell(Odd::AddedNotInTo { agencies });
    }
    if let Some(agencies) = removed {
        tell(Odd::RemovedNotTold { agencies });
    }
}

/// The first of them by name, and how many more.
fn named(names: &BTreeSet<String>) -> Option<String> {
    let first: Vec<&str> = names.iter().take(NAMED_MAX).map(String::as_str).collect();
    let more = names.len() - first.len();
    match (names.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(first.join(", ")),
        (false, more) => Some(format!("{} and {more} more", first.join(", "))),
    }
}

fn note(name: &str, odd: Odd) -> Note {
    Note { place: format!("{HEADER}/{name}"), odd }
}

fn not_carried(place: String, why: impl Into<String>) -> EdxmlError {
    Fault::NotCarried(why.into()).at(place, 0)
}

fn code(party: &Party, name: &str) -> Result<AgencyCode, EdxmlError> {
    AgencyCode::parse(&party.code)
        .map_err(|e| not_carried(format!("{HEADER}/{name}/OrganId"), shown(e)))
}

fn metadata(edoc: &Edoc, notes: &mut Vec<Note>) -> Result<Metadata, EdxmlError> {
    let mut text = |name: &str, value: Option<&str>| -> Result<Option<String>, EdxmlError> {
        let Some(value) = value else { return Ok(None) };
        let clean = cleaned(value);
        if clean != value {
            notes.push(note(name, Odd::Cleaned));
        }
        if clean.len() > TEXT_BYTES_MAX {
            let why = format!("a text of an envelope has at most {TEXT_BYTES_MAX} bytes");
            return Err(not_carried(format!("{HEADER}/{name}"), why));
        }
        Ok((!clean.is_empty()).then_some(clean))
    };
    let name = text("SignerInfo/FullName", edoc.signer.name.as_deref())?;
    let office = text("SignerInfo/Position", edoc.signer.position.as_deref())?;
    let metadata = Metadata {
        number: text("Code/CodeNumber", edoc.number.as_deref())?,
        notation: text("Code/CodeNotation", edoc.notation.as_deref())?,
        kind: text("DocumentType/TypeName", edoc.kind.name.as_deref())?,
        subject: text("Subject", Some(&edoc.subject))?.unwrap_or_default(),
        place: text("PromulgationInfo/Place", edoc.place.as_deref())?,
        signer: name.map(|name| Signer { name, office }),
        issued_on: None,
        urgency: Urgency::Normal,
        due_on: None,
        answers_to: Vec::new(),
    };
    let urgency = match edoc.priority {
        Priority::Normal => Urgency::Normal,
        Priority::Urgent => Urgency::Urgent,
        Priority::VeryUrgent => Urgency::VeryUrgent,
        Priority::Flash => Urgency::Flash,
        Priority::FlashAt => {
            notes.push(note("OtherInfo/Priority", Odd::HourUnknown));
            Urgency::Flash
        }
    };
    let mut day = |name: &str, day: Option<IssueDay>| {
        let day = day?;
        if !day.in_envelope() {
            notes.push(note(name, Odd::DayTooOld));
        }
        day.in_envelope().then(|| day.iso())
    };
    let issued_on = day("PromulgationInfo/PromulgationDate", edoc.issued_on);
    let due_on = day("DueDate", edoc.due_on);
    let answers_to = answers(edoc, notes)?;
    Ok(Metadata { urgency, issued_on, due_on, answers_to, ..metadata })
}

/// Without control and deceptive characters, white space folded to single spaces.
fn cleaned(text: &str) -> String {
    if is_plain(text) && text.trim() == text {
        return text.to_owned();
    }
    let spaced: String = text
        .chars()
        .map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c })
        .filter(|c| is_plain(c.encode_utf8(&mut [0; 4])))
        .collect();
    spaced.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

fn answers(edoc: &Edoc, notes: &mut Vec<Note>) -> Result<Vec<Related>, EdxmlError> {
    let mut related = Vec::new();
    for response in &edoc.answers_to {
        let originator = response.code.as_deref().and_then(|c| AgencyCode::parse(c).ok());
        match (originator, &response.document_id) {
            (Some(originator), Some(id)) => {
                related.push(Related { originator, reference: reference_to(id), dispatch: None });
            }
            _ => notes.push(note("ResponseFor", Odd::UnnamedResponse)),
        }
    }
    few(&related, format!("{HEADER}/ResponseFor"))?;
    Ok(related)
}

fn few(related: &[Related], place: String) -> Result<(), EdxmlError> {
    if related.len() <= RELATED_MAX {
        return Ok(());
    }
    Err(not_carried(place, format!("an envelope names at most {RELATED_MAX} earlier documents")))
}

fn act(edoc: &Edoc, originator: &AgencyCode) -> Result<Act, EdxmlError> {
    let task = &edoc.task;
    let of = |id: &str| Related {
        originator: originator.clone(),
        reference: reference_to(id),
        dispatch: None,
    };
    let one = || {
        let id = task.document_id.as_deref();
        id.map(of).ok_or_else(|| Fault::Missing.at(format!("{TASK}/DocumentId"), 0))
    };
    Ok(match task.operation {
        Operation::New => Act::New,
        Operation::Recall => Act::Recall(one()?),
        Operation::Update => Act::Update(one()?),
        Operation::Replace if task.replaced.is_empty() => Act::Replace(vec![one()?]),
        Operation::Replace => {
            let all: Vec<Related> = task.replaced.iter().map(|r| of(&r.document_id)).collect();
            few(&all, format!("{TASK}/ReplacementInfoList"))?;
            Act::Replace(all)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cleaned_only_where_they_must_be() {
        assert_eq!(cleaned("Về việc  báo cáo"), "Về việc  báo cáo");
        assert_eq!(cleaned("Về việc\n  báo\u{200b} cáo\t"), "Về việc báo cáo");
        assert_eq!(cleaned("\u{202e}\u{7f}"), "");
    }
}
