//! `MessageHeader` and `TraceHeaderList` of a document, in the order of the regulation.

use std::io::Write;

use super::WriteError;
use super::element::Elements;
use crate::model::{Change, Edoc, Party, Response, Staff, Task};
use crate::values::Operation;

/// Writes both.
pub(super) fn write<W: Write>(to: &mut Elements<W>, edoc: &Edoc) -> Result<(), WriteError> {
    to.open("MessageHeader")?;
    party(to, "From", &edoc.from)?;
    for recipient in &edoc.to {
        party(to, "To", recipient)?;
    }
    to.open("Code")?;
    to.maybe("CodeNumber", edoc.number.as_deref())?;
    to.maybe("CodeNotation", edoc.notation.as_deref())?;
    to.close()?;
    to.open("PromulgationInfo")?;
    to.maybe("Place", edoc.place.as_deref())?;
    to.leaf("PromulgationDate", &shown(edoc.issued_on))?;
    to.close()?;
    to.open("DocumentType")?;
    to.maybe("Type", edoc.kind.class.as_deref())?;
    to.extra("TypeDetail", edoc.kind.detail.as_deref())?;
    to.maybe("TypeName", edoc.kind.name.as_deref())?;
    to.close()?;
    to.leaf("Subject", &edoc.subject)?;
    to.maybe("Content", edoc.summary.as_deref())?;
    to.open("SignerInfo")?;
    to.maybe("Competence", edoc.signer.competence.as_deref())?;
    to.maybe("Position", edoc.signer.position.as_deref())?;
    to.maybe("FullName", edoc.signer.name.as_deref())?;
    to.close()?;
    to.leaf("DueDate", &shown(edoc.due_on))?;
    to.open("ToPlaces")?;
    for place in &edoc.places {
        to.leaf("Place", place)?;
    }
    to.close()?;
    other(to, edoc)?;
    for answered in &edoc.answers_to {
        response(to, answered)?;
    }
    to.leaf("SteeringType", &shown(edoc.steering))?;
    to.leaf("DocumentId", &edoc.document_id)?;
    if !edoc.task_codes.is_empty() {
        to.open("ResponseForTask")?;
        for code in &edoc.task_codes {
            to.leaf("TaskCode", code)?;
        }
        to.close()?;
    }
    to.extra("ApplicationType", edoc.application.as_deref())?;
    to.close()?;
    trace(to, edoc)
}

fn shown(value: Option<impl ToString>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

/// `From` or `To`.
pub(super) fn party<W: Write>(
    to: &mut Elements<W>,
    name: &str,
    party: &Party,
) -> Result<(), WriteError> {
    to.open(name)?;
    to.leaf("OrganId", &party.code)?;
    to.maybe("OrganizationInCharge", party.in_charge.as_deref())?;
    to.maybe("OrganName", party.name.as_deref())?;
    to.maybe("OrganAdd", party.address.as_deref())?;
    to.maybe("Email", party.email.as_deref())?;
    to.maybe("Telephone", party.telephone.as_deref())?;
    to.maybe("Fax", party.fax.as_deref())?;
    to.maybe("Website", party.website.as_deref())?;
    to.close()
}

/// `ResponseFor`.
pub(super) fn response<W: Write>(
    to: &mut Elements<W>,
    response: &Response,
) -> Result<(), WriteError> {
    to.open("ResponseFor")?;
    to.maybe("OrganId", response.code.as_deref())?;
    to.maybe("Code", response.number.as_deref())?;
    to.leaf("PromulgationDate", &shown(response.issued_on))?;
    to.maybe("DocumentId", response.document_id.as_deref())?;
    to.close()
}

/// `StaffInfo`.
pub(super) fn staff<W: Write>(to: &mut Elements<W>, staff: &Staff) -> Result<(), WriteError> {
    to.open("StaffInfo")?;
    to.maybe("Department", staff.department.as_deref())?;
    to.extra("DepartmentId", staff.department_id.as_deref())?;
    to.maybe("Staff", staff.name.as_deref())?;
    to.extra("StaffId", staff.name_id.as_deref())?;
    to.maybe("Mobile", staff.mobile.as_deref())?;
    to.maybe("Email", staff.email.as_deref())?;
    to.close()
}

fn other<W: Write>(to: &mut Elements<W>, edoc: &Edoc) -> Result<(), WriteError> {
    to.open("OtherInfo")?;
    to.leaf("Priority", &edoc.priority.number().to_string())?;
    to.maybe("SphereOfPromulgation", edoc.circulation.as_deref())?;
    to.maybe("TyperNotation", edoc.drafter.as_deref())?;
    to.leaf("PromulgationAmount", &shown(edoc.copies))?;
    to.leaf("PageAmount", &shown(edoc.pages))?;
    to.open("Appendixes")?;
    for appendix in &edoc.appendices {
        to.leaf("Appendix", appendix)?;
    }
    to.close()?;
    to.extra("Direction", edoc.direction.as_deref())?;
    to.extra("ReplyFors", edoc.reply_fors.as_deref())?;
    to.extra("ReferenceCodes", edoc.reference_codes.as_deref())?;
    to.close()
}

fn trace<W: Write>(to: &mut Elements<W>, edoc: &Edoc) -> Result<(), WriteError> {
    to.open_with("TraceHeaderList", &[("version", "1.0")])?;
    for hop in &edoc.trace {
        to.open("TraceHeader")?;
        to.maybe("OrganId", hop.code.as_deref())?;
        to.leaf("Timestamp", &shown(hop.at))?;
        to.close()?;
    }
    task(to, &edoc.task)?;
    to.close()
}

fn task<W: Write>(to: &mut Elements<W>, task: &Task) -> Result<(), WriteError> {
    to.open("Bussiness")?;
    to.leaf("BussinessDocType", &task.operation.number().to_string())?;
    to.maybe("BussinessDocReason", task.reason.as_deref())?;
    if let Some(change) = &task.change {
        changed(to, change)?;
    }
    let named = matches!(task.operation, Operation::Recall | Operation::Update);
    if named || task.document_id.is_some() {
        to.maybe("DocumentId", task.document_id.as_deref())?;
    }
    staff(to, &task.staff)?;
    to.maybe("Paper", task.paper.as_deref())?;
    if !task.replaced.is_empty() {
        to.open("ReplacementInfoList")?;
        for replaced in &task.replaced {
            to.open("ReplacementInfo")?;
            to.leaf("DocumentId", &replaced.document_id)?;
            to.open("OrganIdList")?;
            for holder in &replaced.holders {
                to.leaf("OrganId", holder)?;
            }
            to.close()?;
            to.close()?;
        }
        to.close()?;
    }
    to.close()
}

fn changed<W: Write>(to: &mut Elements<W>, change: &Change) -> Result<(), WriteError> {
    let flag = |on: bool| if on { "1" } else { "0" };
    to.open("BussinessDocumentInfo")?;
    to.leaf("DocumentInfo", flag(change.data))?;
    to.leaf("DocumentReceiver", flag(change.recipients))?;
    to.open("ReceiverList")?;
    for one in &change.changed {
        to.open("Receiver")?;
        to.leaf("OrganId", &one.code)?;
        to.leaf("ReceiverType", flag(one.added))?;
        to.close()?;
    }
    to.close()?;
    to.close()
}
