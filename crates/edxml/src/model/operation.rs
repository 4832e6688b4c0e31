use crate::values::{LocalTime, Operation};

/// `TraceHeader`: a system that the file came through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// `OrganId`; missing in real traffic.
    pub code: Option<String>,
    /// `Timestamp`.
    pub at: Option<LocalTime>,
}

/// `Bussiness`: what the file does, and to what. (The spelling is the standard's.)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// `BussinessDocType`; a new document where nothing is said.
    pub operation: Operation,
    /// `BussinessDocReason`.
    pub reason: Option<String>,
    /// `BussinessDocumentInfo`: what an update changes.
    pub change: Option<Change>,
    /// `DocumentId`: the document that is taken back or changed.
    pub document_id: Option<String>,
    /// `StaffInfo`.
    pub staff: Staff,
    /// `Paper`, as it came; its meaning is not sure.
    pub paper: Option<String>,
    /// `ReplacementInfoList`.
    pub replaced: Vec<Replaced>,
}

/// `BussinessDocumentInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// `DocumentInfo`: data of the document changed.
    pub data: bool,
    /// `DocumentReceiver`: the list of recipients changed.
    pub recipients: bool,
    /// `ReceiverList`.
    pub changed: Vec<Changed>,
}

/// `Receiver`: a recipient that an update adds or takes off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// `OrganId`.
    pub code: String,
    /// `ReceiverType`: 1 added, 0 removed.
    pub added: bool,
}

/// `StaffInfo`: whom to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staff {
    /// `Department`.
    pub department: Option<String>,
    /// `DepartmentId`, of one vendor.
    pub department_id: Option<String>,
    /// `Staff`.
    pub name: Option<String>,
    /// `StaffId`, of one vendor.
    pub name_id: Option<String>,
    /// `Mobile`.
    pub mobile: Option<String>,
    /// `Email`.
    pub email: Option<String>,
}

/// `ReplacementInfo`: an earlier document that is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    /// `DocumentId`.
    pub document_id: String,
    /// `OrganIdList/OrganId`: who has it.
    pub holders: Vec<String>,
}
