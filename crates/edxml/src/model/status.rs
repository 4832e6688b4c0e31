use tram_dispatch::Status;

use super::{Party, Response, Staff};
use crate::values::LocalTime;

/// A status sent by edXML: a header alone, about a document that was sent before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusNotice {
    /// `From`: who says so.
    pub from: Party,
    /// `ResponseFor`: its `OrganId` is whom the status is for, the rest names the document.
    pub about: Response,
    /// `StatusCode`.
    pub status: Status,
    /// `Description`: the reason of a refusal.
    pub description: Option<String>,
    /// `Timestamp`.
    pub at: Option<LocalTime>,
    /// `StaffInfo`.
    pub staff: Staff,
}
