//! `TraceHeaderList` and, in it, `Bussiness`: where the file has been, and what it does.

use std::io::BufRead;

use super::field::{self, Seen};
use super::parties::staff;
use crate::fault::{EdxmlError, Fault};
use crate::model::{Change, Changed, Hop, Replaced, Task};
use crate::values::Operation;
use crate::xml::Pull;

/// `TraceHeaderList`.
pub(super) fn trace<R: BufRead>(
    pull: &mut Pull<R>,
    trace: &mut Vec<Hop>,
    task: &mut Option<Task>,
) -> Result<(), EdxmlError> {
    pull.children(|pull, name| match name.word() {
        "TraceHeader" => {
            field::room(pull, trace.len())?;
            trace.push(hop(pull)?);
            Ok(())
        }
        "Bussiness" | "Business" => {
            if task.is_some() {
                return Err(pull.fail(Fault::Duplicate));
            }
            *task = Some(read(pull)?);
            Ok(())
        }
        _ => pull.skip(),
    })
}

fn hop<R: BufRead>(pull: &mut Pull<R>) -> Result<Hop, EdxmlError> {
    let mut hop = Hop::default();
    let mut seen = Seen::default();
    pull.children(|pull, name| {
        match name.word() {
            "OrganId" => {
                seen.once(pull, "OrganId")?;
                hop.code = pull.text()?;
            }
            "Timestamp" => {
                seen.once(pull, "Timestamp")?;
                hop.at = field::moment(pull)?;
            }
            _ => pull.skip()?,
        }
        Ok(())
    })?;
    Ok(hop)
}

/// `Bussiness`. One parser in the field looks for the right spelling, so both are read.
pub(super) fn read<R: BufRead>(pull: &mut Pull<R>) -> Result<Task, EdxmlError> {
    let mut task = Task::default();
    let mut seen = Seen::default();
    let missing = pull.fail_inside("DocumentId", Fault::Missing);
    pull.children(|pull, name| {
        let word = name.word().replace("Business", "Bussiness");
        match word.as_str() {
            "BussinessDocType"
            | "BussinessDocReason"
            | "BussinessDocumentInfo"
            | "DocumentId"
            | "StaffInfo"
            | "Paper"
            | "ReplacementInfoList" => seen.once(pull, &word)?,
            _ => return pull.skip(),
        }
        match word.as_str() {
            "BussinessDocType" => {
                let number = field::number(pull, 3, "0 to 3 belongs here")?;
                task.operation = number.and_then(Operation::from_number).unwrap_or_default();
            }
            "BussinessDocReason" => task.reason = pull.text()?,
            "BussinessDocumentInfo" => task.change = Some(change(pull)?),
            "DocumentId" => task.document_id = pull.text()?,
            "StaffInfo" => task.staff = staff(pull)?,
            "Paper" => task.paper = pull.text()?,
            _ => replaced(pull, &mut task.replaced)?,
        }
        Ok(())
    })?;
    // What is taken back or changed must be named; what is replaced may be named in either place.
    let named = match task.operation {
        Operation::New => true,
        Operation::Recall | Operation::Update => task.document_id.is_some(),
        Operation::Replace => task.document_id.is_some() || !task.replaced.is_empty(),
    };
    if named { Ok(task) } else { Err(missing) }
}

fn change<R: BufRead>(pull: &mut Pull<R>) -> Result<Change, EdxmlError> {
    let mut change = Change::default();
    let mut seen = Seen::default();
    pull.children(|pull, name| {
        let word = name.word();
        match word {
            "DocumentInfo" | "DocumentReceiver" | "ReceiverList" => seen.once(pull, word)?,
            _ => return pull.skip(),
        }
        match word {
            "DocumentInfo" => change.data = field::flag(pull)?,
            "DocumentReceiver" => change.recipients = field::flag(pull)?,
            _ => pull.children(|pull, name| match name.word() {
                "Receiver" => {
                    let max = pull.limits().recipients_max;
                    if change.changed.len() >= max {
                        return Err(pull.fail(Fault::large("recipients_max", max)));
                    }
                    change.changed.push(changed(pull)?);
                    Ok(())
                }
                _ => pull.skip(),
            })?,
        }
        Ok(())
    })?;
    Ok(change)
}

fn changed<R: BufRead>(pull: &mut Pull<R>) -> Result<Changed, EdxmlError> {
    let missing = pull.fail_inside("OrganId", Fault::Missing);
    let (mut code, mut added) = (None, false);
    let mut seen = Seen::default();
    pull.children(|pull, name| {
        match name.word() {
            "OrganId" => {
                seen.once(pull, "OrganId")?;
                code = pull.text()?;
            }
            "ReceiverType" => {
                seen.once(pull, "ReceiverType")?;
                added = field::flag(pull)?;
            }
            _ => pull.skip()?,
        }
        Ok(())
    })?;
    Ok(Changed { code: code.ok_or(missing)?, added })
}

fn replaced<R: BufRead>(pull: &mut Pull<R>, list: &mut Vec<Replaced>) -> Result<(), EdxmlError> {
    pull.children(|pull, name| {
        if name.word() != "ReplacementInfo" {
            return pull.skip();
        }
        field::room(pull, list.len())?;
        let missing = pull.fail_inside("DocumentId", Fault::Missing);
        let (mut id, mut holders) = (None, Vec::new());
        let mut seen = Seen::default();
        pull.children(|pull, name| {
            match name.word() {
                "DocumentId" => {
                    seen.once(pull, "DocumentId")?;
                    id = pull.text()?;
                }
                "OrganIdList" => {
                    seen.once(pull, "OrganIdList")?;
                    field::list(pull, "OrganId", &mut holders)?;
                }
                _ => pull.skip()?,
            }
            Ok(())
        })?;
        list.push(Replaced { document_id: id.ok_or(missing)?, holders });
        Ok(())
    })
}
