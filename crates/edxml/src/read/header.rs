//! `MessageHeader`: of a document, or, where it has a `StatusCode`, of a status.

use std::io::BufRead;

use tram_dispatch::Status;

use super::field::{self, Seen};
use super::parties::{party, response, staff};
use super::status;
use crate::fault::{EdxmlError, Fault};
use crate::model::{Edoc, Response, Staff, StatusNotice};
use crate::secrecy;
use crate::values::{LocalTime, Priority};
use crate::xml::Pull;
use crate::{Note, Odd};

/// What the header turned out to be.
pub(super) enum Header {
    Document(Box<Edoc>),
    Status(Box<StatusNotice>),
}

/// The fields that only a status has.
#[derive(Default)]
struct OfStatus {
    status: Option<Status>,
    description: Option<String>,
    at: Option<LocalTime>,
    staff: Staff,
}

/// Reads it.
pub(super) fn read<R: BufRead>(pull: &mut Pull<R>) -> Result<Header, EdxmlError> {
    let here = pull.place();
    let missing = |pull: &Pull<R>, name: &str| {
        Fault::Missing.at(format!("{here}/{name}"), pull.fail(Fault::Missing).offset)
    };
    let mut edoc = Edoc::default();
    let mut of_status = OfStatus::default();
    let mut subject = None;
    let mut document_id = None;
    let mut seen = Seen::default();
    pull.children(|pull, name| {
        let word = name.word();
        match word {
            "To" => return recipient(pull, &mut edoc),
            "ResponseFor" => return answered(pull, &mut edoc.answers_to),
            "From" | "Code" | "PromulgationInfo" | "DocumentType" | "Subject" | "Content"
            | "SignerInfo" | "DueDate" | "ToPlaces" | "OtherInfo" | "SteeringType"
            | "DocumentId" | "ResponseForTask" | "ApplicationType" | "StatusCode"
            | "Description" | "Timestamp" | "StaffInfo" => seen.once(pull, word)?,
            _ => return pull.skip(),
        }
        match word {
            "From" => edoc.from = party(pull)?,
            "Code" => code(pull, &mut edoc)?,
            "PromulgationInfo" => issue(pull, &mut edoc)?,
            "DocumentType" => kind(pull, &mut edoc)?,
            "Subject" => subject = pull.text()?,
            "Content" => edoc.summary = pull.text()?,
            "SignerInfo" => signer(pull, &mut edoc)?,
            "DueDate" => edoc.due_on = field::day(pull)?,
            "ToPlaces" => field::list(pull, "Place", &mut edoc.places)?,
            "OtherInfo" => other(pull, &mut edoc)?,
            "SteeringType" => edoc.steering = field::number(pull, 3, "0 to 3 belongs here")?,
            "DocumentId" => document_id = pull.text()?,
            "ResponseForTask" => field::list(pull, "TaskCode", &mut edoc.task_codes)?,
            "ApplicationType" => edoc.application = pull.text()?,
            "StatusCode" => of_status.status = Some(status::code(pull)?),
            "Description" => of_status.description = pull.text()?,
            "Timestamp" => of_status.at = field::moment(pull)?,
            _ => of_status.staff = staff(pull)?,
        }
        Ok(())
    })?;
    if !seen.has("From") {
        return Err(missing(pull, "From"));
    }
    if let Some(status) = of_status.status {
        let OfStatus { description, at, staff, .. } = of_status;
        let about = edoc.answers_to.into_iter().next();
        let about = about.ok_or_else(|| missing(pull, "ResponseFor"))?;
        if about.code.is_none() {
            return Err(missing(pull, "ResponseFor/OrganId"));
        }
        let from = edoc.from;
        let notice = StatusNotice { from, about, status, description, at, staff };
        return Ok(Header::Status(Box::new(notice)));
    }
    if edoc.to.is_empty() {
        return Err(missing(pull, "To"));
    }
    edoc.subject = subject.ok_or_else(|| missing(pull, "Subject"))?;
    edoc.document_id = document_id.ok_or_else(|| missing(pull, "DocumentId"))?;
    wanting(pull, &here, &edoc);
    Ok(Header::Document(Box::new(edoc)))
}

/// What the standard asks for beyond what a file cannot be understood without.
fn wanting<R: BufRead>(pull: &mut Pull<R>, here: &str, edoc: &Edoc) {
    let fields = [
        (edoc.number.is_none(), "Code/CodeNumber"),
        (edoc.notation.is_none(), "Code/CodeNotation"),
        (edoc.issued_on.is_none(), "PromulgationInfo/PromulgationDate"),
        (edoc.kind.class.is_none() && edoc.kind.name.is_none(), "DocumentType"),
    ];
    for (_, name) in fields.iter().filter(|(wanting, _)| *wanting) {
        pull.note(Note { place: format!("{here}/{name}"), odd: Odd::Wanting });
    }
}

fn recipient<R: BufRead>(pull: &mut Pull<R>, edoc: &mut Edoc) -> Result<(), EdxmlError> {
    let max = pull.limits().recipients_max;
    if edoc.to.len() >= max {
        return Err(pull.fail(Fault::large("recipients_max", max)));
    }
    edoc.to.push(party(pull)?);
    Ok(())
}

fn answered<R: BufRead>(
    pull: &mut Pull<R>,
    answers_to: &mut Vec<Response>,
) -> Result<(), EdxmlError> {
    field::room(pull, answers_to.len())?;
    let place = pull.place();
    let response = response(pull)?;
    if response.is_empty() {
        pull.note(Note { place, odd: Odd::EmptyResponse });
    } else {
        answers_to.push(response);
    }
    Ok(())
}

fn code<R: BufRead>(pull: &mut Pull<R>, edoc: &mut Edoc) -> Result<(), EdxmlError> {
    let mut seen = Seen::default();
    pull.children(|pull, name| {
        let field = match name.word() {
            "CodeNumber" => &mut edoc.number,
            "CodeNotation" => &mut edoc.notation,
            _ => return pull.skip(),
        };
        seen.once(pull, name.word())?;
        *field = pull.text()?;
        Ok(())
    })
}

fn issue<R: BufRead>(pull: &mut Pull<R>, edoc: &mut Edoc) -> Result<(), EdxmlError> {
    let mut seen = Seen::default();
    pull.children(|pull, name| {
        match name.word() {
            "Place" => {
                seen.once(pull, "Place")?;
                edoc.place = pull.text()?;
            }
            "PromulgationDate" => {
                seen.once(pull, "PromulgationDate")?;
                edoc.issued_on = field::day(pull)?;
            }
            _ => pull.skip()?,
        }
        Ok(())
    })
}

fn kind<R: BufRead>(pull: &mut Pull<R>, edoc: &mut Edoc) -> Result<(), EdxmlError> {
    let mut seen = Seen::default();
    pull.children(|pull, name| {
        let word = name.word();
        if !matches!(word, "Type" | "TypeDetail" | "TypeName") {
            return pull.skip();
        }
        seen.once(pull, word)?;
        let number = word != "TypeName";
        let place = pull.fail(Fault::Missing);
        let value = pull.text()?;
        // Kept as it came, but a number it must be.
        if number
            && let Some(text) = &value
            && (text.len() > 6 || !text.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(EdxmlError { fault: Fault::value("a number belongs here", text), ..place });
        }
        match word {
            "Type" => edoc.kind.class = value,
            "TypeDetail" => edoc.kind.detail = value,
            _ => edoc.kind.name = value,
        }
        Ok(())
    })
}

fn signer<R: BufRead>(pull: &mut Pull<R>, edoc: &mut Edoc) -> Result<(), EdxmlError> {
    let mut seen = Seen::default();
    pull.children(|pull, name| {
        let field = match name.word() {
            "Competence" => &mut edoc.signer.competence,
            "Position" => &mut edoc.signer.position,
            "FullName" => &mut edoc.signer.name,
            _ => return pull.skip(),
        };
        seen.once(pull, name.word())?;
        *field = pull.text()?;
        Ok(())
    })
}

fn other<R: BufRead>(pull: &mut Pull<R>, edoc: &mut Edoc) -> Result<(), EdxmlError> {
    const AMOUNT: &str = "a number from 0 to 65535 belongs here";
    let mut seen = Seen::default();
    pull.children(|pull, name| {
        let word = name.word();
        match word {
            "Priority"
            | "SphereOfPromulgation"
            | "TyperNotation"
            | "PromulgationAmount"
            | "PageAmount"
            | "Appendixes"
            | "Direction"
            | "ReplyFors"
            | "ReferenceCodes" => {
                seen.once(pull, word)?;
            }
            _ => return pull.skip(),
        }
        match word {
            "Priority" => edoc.priority = priority(pull)?,
            "SphereOfPromulgation" => edoc.circulation = pull.text()?,
            "TyperNotation" => edoc.drafter = pull.text()?,
            "PromulgationAmount" => edoc.copies = field::number(pull, u16::MAX, AMOUNT)?,
            "PageAmount" => edoc.pages = field::number(pull, u16::MAX, AMOUNT)?,
            "Appendixes" => field::list(pull, "Appendix", &mut edoc.appendices)?,
            "Direction" => edoc.direction = pull.text_or_children(|pull, _| pull.skip())?,
            "ReplyFors" => edoc.reply_fors = pull.text_or_children(|pull, _| pull.skip())?,
            _ => edoc.reference_codes = pull.text_or_children(|pull, _| pull.skip())?,
        }
        Ok(())
    })
}

/// 0 to 4. A secrecy mark in this field is no number, and is told as a mark.
fn priority<R: BufRead>(pull: &mut Pull<R>) -> Result<Priority, EdxmlError> {
    pull.value(|text| {
        if text.is_empty() || text == "null" || secrecy::mark_in("Priority", text).is_some() {
            return Ok(Priority::Normal);
        }
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        let number = if plain { text.parse().ok() } else { None };
        number
            .and_then(Priority::from_number)
            .ok_or_else(|| Fault::value("0 to 4 belongs here", text))
    })
}
