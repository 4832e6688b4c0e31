use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::dispatch::DocumentView;
use super::seal::{SealMetadata, SealRelated, UrgencyLevel};
use crate::text::{
    AgencyText, Base64, DigestText, DispatchText, EventText, NodeText, ReferenceText, TimeText,
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
}

/// Query of an inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct InboxQuery {
    /// Only dispatches in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<InboxState>,
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
    /// How many documents it has.
    pub documents: u32,
    /// Bytes of all documents.
    pub documents_bytes: u64,
}

/// One consigned dispatch, all but its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InboxEntry {
    /// Its id.
    pub dispatch: DispatchText,
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
}
