use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::status::HandlingView;
use crate::text::{AgencyText, DispatchText, ReferenceText, TimeText};

/// A later dispatch that bears on an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActView {
    /// How it bears on it.
    pub kind: ActKind,
    /// The later dispatch.
    pub dispatch: DispatchText,
    /// Who sealed it; absent where it cannot be read here any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originator: Option<AgencyText>,
    /// Its reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceText>,
    /// When it became known at this node.
    pub at: TimeText,
    /// What each recipient answered to a recall or an update: 15 agreed, 16 declined, or how far it is.
    #[serde(default)]
    pub answers: Vec<ActAnswer>,
}

/// What one recipient says to an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActAnswer {
    /// The recipient.
    pub recipient: AgencyText,
    /// Its newest status about the act; 13, requested, where it only arrived.
    pub status: HandlingView,
}

/// How a dispatch bears on an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActKind {
    /// Asks to take it back.
    Recall,
    /// Changes its data or recipients.
    Update,
    /// Takes its place.
    Replace,
    /// Answers it.
    Answer,
}

/// Why a clerk returns a dispatch, where one of these is the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCause {
    /// It is meant for another agency: recorded as `WRONG_ADDRESSEE`.
    WrongAddressee,
    /// A document is broken, not whole or not authentic: recorded as `DOCUMENT_UNSOUND`.
    DocumentUnsound,
}
