use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::act::ActView;
use super::document::{DocumentView, TypeRemark};
use super::seal::{SealActKind, SealRelated, UrgencyLevel};
use super::status::{HandlingView, SignatureView};
use crate::text::{
    AgencyText, Base64, CodeText, DigestText, DispatchText, EpochText, EventText, NodeText,
    ReferenceText, StatusText, TimeText,
};

/// Answer to a submission: the node has custody, durably.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// Its id.
    pub dispatch: DispatchText,
    /// The originator.
    pub originator: AgencyText,
    /// The originator's reference.
    pub reference: ReferenceText,
    /// When the node took custody.
    pub accepted_at: TimeText,
    /// The receipt of submission, as bytes to keep; the same for every repeat.
    pub receipt: Base64,
    /// One leg per recipient.
    pub legs: Vec<LegView>,
    /// What became of the groups, where the node expanded some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expanded: Option<super::ExpandedView>,
    /// A warning: other dispatches of this agency with the same number, notation and year, that are no act
    /// on each other. It was accepted all the same.
    #[serde(default)]
    pub same_number: Vec<DispatchText>,
    /// A warning: documents whose first bytes do not fit their media type. They are carried as they are.
    #[serde(default)]
    pub type_remarks: Vec<TypeRemark>,
    /// Whether it had been accepted before (HTTP 200 instead of 201).
    #[serde(default)]
    pub repeat: bool,
}

/// One dispatch toward one recipient, as this node knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LegView {
    /// The recipient.
    pub recipient: AgencyText,
    /// Where custody stands at this node.
    pub state: LegState,
    /// How delivery ended; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The latest evidence event about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventText>,
    /// What became of it with the recipient, newest; absent until it arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<HandlingView>,
    /// The peer that it goes or went to; absent where this node hosts the recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<NodeText>,
    /// When state, outcome or event last changed.
    pub changed_at: TimeText,
    /// Tries at giving it to the peer.
    #[serde(default)]
    pub attempts: u32,
    /// When the next try is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<TimeText>,
    /// Why, where something went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
    /// A person's words, where a person refused or dropped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// Where custody of a leg stands at this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LegState {
    /// Durable, not yet queued.
    Incoming,
    /// Due, or being given to the peer.
    Active,
    /// Waiting for its next try.
    Deferred,
    /// Held by the operator.
    OnHold,
    /// Set aside with its cause.
    Quarantined,
    /// The peer has custody; the final receipt is still to come.
    Transferred,
    /// In the recipient's mailbox at this node.
    Consigned,
    /// Given back to the peer it came from.
    Returned,
    /// Finished: the outcome says how.
    Ended,
}

/// How delivery of a leg ended toward the originator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The recipient's node holds it for the recipient.
    Consigned,
    /// Refused by a node on the way.
    Refused,
    /// Given up.
    Failed,
    /// Its time ran out.
    Expired,
}

/// One recorded fact about a dispatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceView {
    /// What happened.
    pub event: EventText,
    /// When, by the clock of the node that says so.
    pub at: TimeText,
    /// The node that says so.
    pub node: NodeText,
    /// The epoch of that node's receipt log.
    pub epoch: EpochText,
    /// Position of the leaf in that log.
    pub index: u64,
    /// The recipient; absent where it is about the whole dispatch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<AgencyText>,
    /// National status, where the event carries one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusText>,
    /// Why, on a negative event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
    /// A person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Digest of the receipt that proves it.
    pub receipt: DigestText,
    /// False where that node may not say this: kept as a claim, without effect.
    pub authorised: bool,
}

/// All that this node knows about one dispatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tracking {
    /// Its id.
    pub dispatch: DispatchText,
    /// SHA-256 of the sealed bytes as received.
    pub object: DigestText,
    /// The originator.
    pub originator: AgencyText,
    /// The originator's reference.
    pub reference: ReferenceText,
    /// The subject; absent for callers who only operate the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whether its seal holds.
    pub signature: SignatureView,
    /// How urgent it is.
    pub urgency: UrgencyLevel,
    /// When it was sealed, as the originator says.
    pub issued_at: TimeText,
    /// When the custodian gives up.
    pub expires_at: TimeText,
    /// When this node took custody.
    pub accepted_at: TimeText,
    /// The peer that handed it over; absent where it was submitted here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<NodeText>,
    /// What it does: a new document, or an act on earlier dispatches.
    pub act: SealActKind,
    /// The earlier dispatches that the act is about.
    #[serde(default)]
    pub act_of: Vec<SealRelated>,
    /// Earlier documents that it answers.
    #[serde(default)]
    pub answers_to: Vec<SealRelated>,
    /// Later dispatches known here that bear on it.
    #[serde(default)]
    pub acts: Vec<ActView>,
    /// The documents.
    pub documents: Vec<DocumentView>,
    /// One leg per recipient that this node is concerned with.
    pub legs: Vec<LegView>,
    /// What is on record, in order of time.
    pub evidence: Vec<EvidenceView>,
}

/// One line of a listing of dispatches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DispatchSummary {
    /// Its id.
    pub dispatch: DispatchText,
    /// The originator.
    pub originator: AgencyText,
    /// The originator's reference.
    pub reference: ReferenceText,
    /// The subject; absent for callers who only operate the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How urgent it is.
    pub urgency: UrgencyLevel,
    /// When this node took custody.
    pub accepted_at: TimeText,
    /// The recipients that this node is concerned with.
    pub recipients: Vec<AgencyText>,
    /// Legs whose delivery is still open.
    pub open: u32,
    /// Legs consigned.
    pub consigned: u32,
    /// Legs refused, failed or expired.
    pub undelivered: u32,
    /// The first moment that is too late to send it, by the working days of Viet Nam: noon of the working
    /// day after it was sealed; of what is urgent at once, or its hour.
    pub send_by: TimeText,
    /// Legs that have not left this node though that moment has passed. Counted where it was submitted.
    #[serde(default)]
    pub late: u32,
    /// Of what has left this node and is not known to have arrived, the first moment that is too late for the
    /// receipt of arrival: the end of the day of sending in Viet Nam, or its hour; the earliest of its legs.
    /// Absent where none is awaited, and where it was not submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge_by: Option<TimeText>,
    /// Legs whose receipt of arrival is not here though that moment has passed. Counted where it was submitted.
    #[serde(default)]
    pub unacknowledged: u32,
}

/// Query of the listing of dispatches. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct DispatchQuery {
    /// Sealed by this agency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator: Option<AgencyText>,
    /// Under this reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceText>,
    /// Addressed to this agency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<AgencyText>,
    /// Sealed by or addressed to this agency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency: Option<AgencyText>,
    /// Only what should have left this node by now for some recipient; or, `false`, only the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<bool>,
    /// Only what has left and should be known to have arrived by now; or, `false`, only the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unacknowledged: Option<bool>,
    /// Accepted here at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeText>,
    /// Accepted here before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeText>,
    /// Cursor: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most items in the page, 1 to 500; 100 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}
