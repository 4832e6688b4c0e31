use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text::AgencyText;

/// How much of a limit is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gauge {
    /// In use.
    pub used: u64,
    /// Most that may be.
    pub max: u64,
}

/// The node's limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitsView {
    /// Dispatches with work left to do.
    pub open: Gauge,
    /// Memory that they take, as estimated, bytes.
    pub memory_bytes: Gauge,
    /// What they and their documents take on disk, bytes.
    pub stored_bytes: Gauge,
    /// Agencies that submit here: those with the most open, or turned away; at most 100.
    pub agencies: Vec<AgencyQuotaView>,
    /// Mailboxes here for which most is kept; at most 100.
    pub mailboxes: Vec<MailboxQuotaView>,
}

/// The quotas of one agency that submits here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgencyQuotaView {
    /// The agency.
    pub agency: AgencyText,
    /// Dispatches without an outcome.
    pub open: Gauge,
    /// Their bytes.
    pub open_bytes: Gauge,
    /// Dispatches it may submit at once now.
    pub dispatches_left: u64,
    /// Bytes it may submit at once now.
    pub bytes_left: u64,
    /// Submissions answered with a time to try again since the node started.
    pub turned_away: u64,
}

/// One mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MailboxQuotaView {
    /// The recipient.
    pub recipient: AgencyText,
    /// Dispatches kept for it: not taken yet, or taken and not kept long enough.
    pub kept: Gauge,
    /// Their bytes.
    pub kept_bytes: Gauge,
}

/// The quotas of one peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerQuotaView {
    /// Dispatches it gave that are not delivered yet, or whose receipts it did not take.
    pub incoming: Gauge,
    /// Their bytes.
    pub incoming_bytes: Gauge,
    /// Dispatches that wait for it, with the copies kept of what it has.
    pub outgoing: Gauge,
    /// Their bytes.
    pub outgoing_bytes: Gauge,
    /// Of the outgoing ones, copies kept.
    pub kept: u64,
    /// Offers it may make at once now.
    pub offers_left: u64,
    /// Offers answered with a time to try again since the node started.
    pub turned_away: u64,
}
