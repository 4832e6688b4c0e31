use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::dispatch::LegState;
use super::seal::UrgencyLevel;
use crate::text::{AgencyText, Base64, CodeText, DispatchText, NodeText, TimeText};

/// Query of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct QueueQuery {
    /// Only legs toward this peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<NodeText>,
    /// Only legs in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<LegState>,
    /// Cursor: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most items in the page, 1 to 500; 100 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// One leg that this node still has to do something about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueItem {
    /// The dispatch.
    pub dispatch: DispatchText,
    /// The recipient; absent for a dispatch in quarantine of which nothing can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<AgencyText>,
    /// The originator; absent as the recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originator: Option<AgencyText>,
    /// Where custody stands.
    pub state: LegState,
    /// The peer it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<NodeText>,
    /// How urgent it is; absent where the envelope cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<UrgencyLevel>,
    /// Bytes of the sealed dispatch and its documents, as far as they are known.
    pub bytes: u64,
    /// When this node took custody; absent where that cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<TimeText>,
    /// When the custodian gives up; absent where the envelope cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<TimeText>,
    /// Tries so far; in quarantine, attempts that broke off, or how often what is stored was read
    /// again.
    pub attempts: u32,
    /// When the next try is due; in quarantine, when what is stored is read again. Absent there: it
    /// waits for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<TimeText>,
    /// Why the last try did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
    /// The particulars of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What an operator may do to a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueueAction {
    /// Stop offering it.
    Hold,
    /// Offer it again after `hold` or quarantine.
    Release,
    /// Try now.
    Retry,
    /// Give it up for good, with evidence to the originator.
    Drop,
}

impl QueueAction {
    /// Every action.
    pub const ALL: [QueueAction; 4] =
        [QueueAction::Hold, QueueAction::Release, QueueAction::Retry, QueueAction::Drop];

    /// The word in the path.
    pub const fn name(self) -> &'static str {
        match self {
            QueueAction::Hold => "hold",
            QueueAction::Release => "release",
            QueueAction::Retry => "retry",
            QueueAction::Drop => "drop",
        }
    }

    /// Reads the word in the path.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }
}

/// The operator's words; required to drop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QueueRequest {
    /// Why; goes into the audit log and, for `drop`, to the originator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueChange {
    /// The dispatch.
    pub dispatch: DispatchText,
    /// The recipient.
    pub recipient: AgencyText,
    /// The action.
    pub action: QueueAction,
    /// The state after it.
    pub state: LegState,
    /// The receipt, where the action is evidence (`drop`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Base64>,
}
