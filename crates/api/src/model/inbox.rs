use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::act::{ActView, RefusalCause};
use super::document::DocumentView;
use super::seal::{SealMetadata, SealRelated, UrgencyLevel};
use super::status::{HandlingView, SignatureView};
use crate::text::{
    AgencyText, Base64, DigestText, DispatchText, EventText, NodeText, ReferenceText, StatusText,
    TimeText,
};

/// Where a consigned dispatch stands with its recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InboxState {
    /// Not fetched yet.
    Waiting,
    /// Fetched, not confirmed: the recipient's system may have crashed; it is offered again.
    Fetched,
    /// Confirmed by the recipient's system.
    HandedOver,
    /// Registered by the clerk.
    Registered,
    /// Refused by the clerk.
    Refused,
    /// Given back, since its originator recalled it: it is not given out any more.
    Withdrawn,
}

/// Query of an inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct InboxQuery {
    /// Only dispatches in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<InboxState>,
    /// Only what should have been registered or refused by now; or, `false`, only the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overdue: Option<bool>,
    /// Where nothing is there, wait up to this many seconds (0 to 60) for something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<u64>,
    /// Cursor: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most items in the page, 1 to 500; 100 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// One line of an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InboxItem {
    /// Its id.
    pub dispatch: DispatchText,
    /// The code it is addressed to: that of the mailbox asked for, or an old one whose mailbox fell to it.
    /// What is said of this entry is said under this code.
    pub recipient: AgencyText,
    /// Who sealed it.
    pub originator: AgencyText,
    /// The originator's reference.
    pub reference: ReferenceText,
    /// Number and notation as people write them, `16/CT-TTg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Type of document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Subject.
    pub subject: String,
    /// How urgent it is.
    pub urgency: UrgencyLevel,
    /// Date by which an answer is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<String>,
    /// When it was consigned here.
    pub consigned_at: TimeText,
    /// Where it stands with the recipient.
    pub state: InboxState,
    /// The newest status that the recipient gave, or 01.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusText>,
    /// The first moment that is too late to register or refuse it, by the working days of Viet Nam.
    pub register_by: TimeText,
    /// Whether that moment has passed, and nobody registered or refused it.
    pub overdue: bool,
    /// What it does: a new document, or an act on earlier dispatches.
    pub act: super::SealActKind,
    /// Later dispatches here that bear on it.
    #[serde(default)]
    pub acts: Vec<ActView>,
    /// A warning: other dispatches in this mailbox with the same number, notation, agency and year, that
    /// are no act on each other. They travel all the same.
    #[serde(default)]
    pub same_number: Vec<DispatchText>,
    /// The units that it was forwarded to: of each the newest record.
    #[serde(default)]
    pub units: Vec<super::UnitNoteView>,
    /// How many documents it has.
    pub documents: u32,
    /// Bytes of all documents.
    pub documents_bytes: u64,
    /// A warning: how many of its documents begin with bytes that do not fit their media type; the entry says
    /// which. Absent where they were not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_remarks: Option<u32>,
}

/// One consigned dispatch, all but its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InboxEntry {
    /// Its id.
    pub dispatch: DispatchText,
    /// The code it is addressed to, as in the listing.
    pub recipient: AgencyText,
    /// SHA-256 of the sealed bytes.
    pub object: DigestText,
    /// Length of the sealed bytes.
    pub sealed_bytes: u64,
    /// Who sealed it.
    pub originator: AgencyText,
    /// The originator's reference.
    pub reference: ReferenceText,
    /// All agencies addressed.
    pub recipients: Vec<AgencyText>,
    /// What the document is about.
    pub metadata: SealMetadata,
    /// What the dispatch does: `new`, `recall`, `update` or `replace`.
    pub act: super::SealActKind,
    /// The earlier dispatches that the act is about.
    #[serde(default)]
    pub act_of: Vec<SealRelated>,
    /// The documents.
    pub documents: Vec<DocumentView>,
    /// The node that holds the sealing key; absent where the agency's own system does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_by: Option<NodeText>,
    /// When it was sealed, as the originator says.
    pub issued_at: TimeText,
    /// When it was consigned here.
    pub consigned_at: TimeText,
    /// Where it stands with the recipient.
    pub state: InboxState,
    /// Later dispatches here that bear on it.
    #[serde(default)]
    pub acts: Vec<ActView>,
    /// A warning, as in the listing.
    #[serde(default)]
    pub same_number: Vec<DispatchText>,
    /// Every status that was given, oldest first; the last one counts.
    #[serde(default)]
    pub statuses: Vec<HandlingView>,
    /// Everything on record about the units that it was forwarded to, oldest first.
    #[serde(default)]
    pub units: Vec<super::UnitNoteView>,
    /// Whether its seal holds.
    pub signature: SignatureView,
    /// The clerk's words, where refused or registered with a remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// Confirms that the recipient's system holds the dispatch and its documents durably.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmRequest {
    /// The token of the fetch: header `Tram-Fetch` of the answer that gave the sealed bytes.
    pub fetch: String,
}

/// The clerk registers it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RegisterRequest {
    /// The clerk's own words, such as the number given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// The clerk refuses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefuseRequest {
    /// Why, in the clerk's own words; travels back to the originator.
    pub reason: String,
    /// What kind of reason, where it is one of those that have a code of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<RefusalCause>,
}

/// A later event of a consigned dispatch, durably recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recorded {
    /// The dispatch.
    pub dispatch: DispatchText,
    /// The recipient.
    pub recipient: AgencyText,
    /// What was recorded.
    pub event: EventText,
    /// When.
    pub at: TimeText,
    /// The receipt, as bytes; the same for every repeat.
    pub receipt: Base64,
    /// Whether it had been recorded before.
    #[serde(default)]
    pub repeat: bool,
    /// The agency's own statement that the receipt names, as bytes; absent where nobody sealed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Base64>,
}
