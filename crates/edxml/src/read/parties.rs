//! Who: `From`, `To`, `StaffInfo`; and the documents that are answered.

use std::io::BufRead;

use super::field::{Seen, day};
use crate::fault::{EdxmlError, Fault};
use crate::model::{Party, Response, Staff};
use crate::xml::Pull;

/// `From` or `To`.
pub(super) fn party<R: BufRead>(pull: &mut Pull<R>) -> Result<Party, EdxmlError> {
    let missing = pull.fail_inside("OrganId", Fault::Missing);
    let mut party = Party::default();
    let mut code = None;
    let mut seen = Seen::default();
    pull.children(|pull, name| {
        let field = match name.word() {
            "OrganId" => &mut code,
            "OrganizationInCharge" => &mut party.in_charge,
            "OrganName" => &mut party.name,
            "OrganAdd" => &mut party.address,
            "Email" => &mut party.email,
            "Telephone" => &mut party.telephone,
            "Fax" => &mut party.fax,
            "Website" => &mut party.website,
            _ => return pull.skip(),
        };
        seen.once(pull, name.word())?;
        *field = pull.text()?;
        Ok(())
    })?;
    party.code = code.ok_or(missing)?;
    Ok(party)
}

/// `StaffInfo`.
pub(super) fn staff<R: BufRead>(pull: &mut Pull<R>) -> Result<Staff, EdxmlError> {
    let mut staff = Staff::default();
    let mut seen = Seen::default();
    pull.children(|pull, name| {
        let field = match name.word() {
            "Department" => &mut staff.department,
            "DepartmentId" => &mut staff.department_id,
            "Staff" => &mut staff.name,
            "StaffId" => &mut staff.name_id,
            "Mobile" => &mut staff.mobile,
            "Email" => &mut staff.email,
            _ => return pull.skip(),
        };
        seen.once(pull, name.word())?;
        *field = pull.text()?;
        Ok(())
    })?;
    Ok(staff)
}

/// `ResponseFor`. Its `Code` is a text in some files, and in others holds number and notation apart.
pub(super) fn response<R: BufRead>(pull: &mut Pull<R>) -> Result<Response, EdxmlError> {
    let mut response = Response::default();
    let mut seen = Seen::default();
    pull.children(|pull, name| {
        let word = name.word();
        match word {
            "OrganId" => {
                seen.once(pull, word)?;
                response.code = pull.text()?;
            }
            "Code" => {
                seen.once(pull, word)?;
                response.number = code(pull)?;
            }
            "PromulgationDate" => {
                seen.once(pull, word)?;
                response.issued_on = day(pull)?;
            }
            "DocumentId" => {
                seen.once(pull, word)?;
                response.document_id = pull.text()?;
            }
            _ => pull.skip()?,
        }
        Ok(())
    })?;
    Ok(response)
}

/// `Code` in either form, as `number/notation`.
fn code<R: BufRead>(pull: &mut Pull<R>) -> Result<Option<String>, EdxmlError> {
    let (mut number, mut notation) = (None, None);
    let mut seen = Seen::default();
    let text = pull.text_or_children(|pull, name| {
        let field = match name.word() {
            "CodeNumber" => &mut number,
            "CodeNotation" => &mut notation,
            _ => return pull.skip(),
        };
        seen.once(pull, name.word())?;
        *field = pull.text()?;
        Ok(())
    })?;
    Ok(match (number, notation) {
        (Some(number), Some(notation)) => Some(format!("{number}/{notation}")),
        (number, notation) => text.or(number).or(notation),
    })
}
