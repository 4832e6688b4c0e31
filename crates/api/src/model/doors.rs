use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text::{AgencyText, TimeText};

/// A folder through which a system exchanges files with the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DropFolderView {
    /// Whose it is.
    pub agency: AgencyText,
    /// Where it is.
    pub folder: String,
    /// What the node writes: `edxml` or `json`.
    pub mode: String,
    /// Entries in `out`, whole or not.
    pub to_send: u64,
    /// Dispatches that are not in `in` yet.
    pub to_hand_over: u64,
    /// Statuses that are not in `status` yet.
    pub statuses: u64,
    /// Entries put into `sent` since the process started.
    pub sent: u64,
    /// Entries put into `failed` since then.
    pub refused: u64,
    /// What cannot be done now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Since when something cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<TimeText>,
}

/// A receiver of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookView {
    /// Whose events.
    pub agency: AgencyText,
    /// Where they are sent.
    pub url: String,
    /// Events taken since the process started.
    pub sent: u64,
    /// When the event happened that waits to be taken; absent where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<TimeText>,
    /// Why it was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Since when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<TimeText>,
}
