use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::quota::Gauge;
use super::unit::UnitView;
use crate::text::{AgencyText, TimeText};

/// Query of the hosted agencies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct HostedQuery {
    /// Cursor: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most items in the page, 1 to 500; 100 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// An agency whose mailbox this node holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostedAgency {
    /// Its code.
    pub agency: AgencyText,
    /// Its name.
    pub name: String,
    /// Its tier.
    pub tier: u8,
    /// Whether the node holds its sealing key.
    pub seals: bool,
    /// When the certificate of that key ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal_ends_at: Option<TimeText>,
    /// What lies in its mailbox.
    pub mailbox: MailboxCounts,
    /// What of its quota it uses as a recipient: dispatches kept for it.
    pub kept: Gauge,
    /// What it uses as an originator: dispatches without an outcome.
    pub open: Gauge,
    /// Who may act for it at this node.
    pub accounts: Vec<AccountView>,
    /// Its units.
    pub units: Vec<UnitView>,
}

/// What lies in a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MailboxCounts {
    /// Not confirmed by its system.
    pub waiting: u32,
    /// Confirmed, and neither registered nor refused.
    pub handed_over: u32,
    /// Registered.
    pub registered: u32,
    /// Refused, or given back since it was recalled.
    pub returned: u32,
}

/// A rule that lets somebody act for an agency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountView {
    /// The socket or door.
    pub place: String,
    /// Who: `uid 1000`, `gid 77`, `any`, or the name of a system.
    pub who: String,
    /// What they may do.
    pub roles: Vec<String>,
    /// Whether the rule names every agency of the node.
    pub every_agency: bool,
}
