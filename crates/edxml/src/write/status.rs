//! `MessageHeader` of a status.

use std::io::Write;

use super::WriteError;
use super::element::Elements;
use super::header::{party, response, staff};
use crate::model::StatusNotice;

/// Writes it.
pub(super) fn write<W: Write>(
    to: &mut Elements<W>,
    notice: &StatusNotice,
) -> Result<(), WriteError> {
    to.open("MessageHeader")?;
    party(to, "From", &notice.from)?;
    response(to, &notice.about)?;
    to.leaf("StatusCode", &notice.status.to_string())?;
    to.maybe("Description", notice.description.as_deref())?;
    to.leaf("Timestamp", &notice.at.map(|at| at.to_string()).unwrap_or_default())?;
    staff(to, &notice.staff)?;
    to.close()
}
