use serde::{Deserialize, Serialize};
use tram_dispatch::UnitMark;
use utoipa::{IntoParams, ToSchema};

use super::inbox::InboxItem;
use crate::text::{DispatchText, TimeText, UnitText};

/// How far a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnitState {
    /// The clerk forwarded it.
    Forwarded,
    /// The unit read it.
    Read,
    /// The unit is done with it.
    Handled,
}

impl From<UnitMark> for UnitState {
    fn from(mark: UnitMark) -> Self {
        match mark {
            UnitMark::Forwarded => UnitState::Forwarded,
            UnitMark::Read => UnitState::Read,
            UnitMark::Handled => UnitState::Handled,
        }
    }
}

/// A unit of an agency, with what lies in its mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnitView {
    /// Its code.
    pub unit: UnitText,
    /// Its name; that of a unit that is no longer configured is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it has an account of its own.
    pub account: bool,
    /// Forwarded to it and not read.
    pub forwarded: u32,
    /// Read and not handled.
    pub read: u32,
    /// Handled.
    pub handled: u32,
}

/// One record about a dispatch and a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnitNoteView {
    /// The unit.
    pub unit: UnitText,
    /// What was recorded.
    pub state: UnitState,
    /// When.
    pub at: TimeText,
    /// Whose account did it.
    pub by: String,
    /// Their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// One line of a unit's mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnitItem {
    /// The dispatch, as in the mailbox of the agency.
    pub item: InboxItem,
    /// How it came to the unit: the newest time that it was forwarded.
    pub forwarded: UnitNoteView,
    /// How far the unit is.
    pub newest: UnitNoteView,
}

/// Query of a unit's mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct UnitQuery {
    /// Only dispatches with which the unit is so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<UnitState>,
    /// Cursor: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most items in the page, 1 to 500; 100 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The clerk forwards an arrived dispatch to units of the agency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardRequest {
    /// The units: at least one, each of which the configuration names.
    pub units: Vec<UnitText>,
    /// The clerk's own words, for the units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// A unit says that it read a dispatch, or is done with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkRequest {
    /// `read` or `handled`.
    pub state: UnitState,
    /// The unit's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// What is on record about a dispatch and units, durably.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnitsRecorded {
    /// The dispatch.
    pub dispatch: DispatchText,
    /// The newest record of each unit that the request named.
    pub units: Vec<UnitNoteView>,
    /// Whether all of it was on record before: nothing was added.
    #[serde(default)]
    pub repeat: bool,
}
