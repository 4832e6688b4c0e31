use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::quota::{LimitsView, PeerQuotaView};
use crate::text::{AgencyText, CodeText, EpochText, NetworkText, NodeText, TimeText};

/// How a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Recovering; nothing is accepted yet.
    Starting,
    /// Working.
    Ready,
    /// Working, with an alarm that needs somebody.
    Degraded,
    /// Signing nothing new for now: nothing outside the store vouches for the end of its receipt log, or
    /// nobody takes its new epoch yet.
    /// What it holds can be read, and goes on its way.
    Unanchored,
    /// Signing nothing new: its receipt log contradicts what it signed before. What it holds can be
    /// read.
    Halted,
    /// Finishing what is open.
    Stopping,
}

/// The node at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusView {
    /// This node.
    pub node: NodeText,
    /// The network.
    pub network: NetworkText,
    /// The network's name for people.
    pub network_name: String,
    /// Version of the program.
    pub version: String,
    /// How it does.
    pub state: NodeState,
    /// What needs somebody.
    pub alarms: Vec<Alarm>,
    /// When the process started.
    pub started_at: TimeText,
    /// The node's clock.
    pub now: TimeText,
    /// The agencies whose mailboxes it holds.
    pub agencies: Vec<AgencyText>,
    /// Legs by state.
    pub queue: QueueCounts,
    /// Peers with a session.
    pub peers_connected: u32,
    /// Peers that the directory names.
    pub peers: u32,
    /// Version of the installed directory; 0 where none is.
    pub directory_version: u64,
    /// When that directory expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory_expires_at: Option<TimeText>,
    /// Epoch of the receipt log.
    pub epoch: EpochText,
    /// Leaves in the receipt log.
    pub log_size: u64,
    /// Bytes of the data directory.
    pub store_bytes: u64,
    /// Free bytes on its volume.
    pub free_bytes: u64,
    /// Certificates in use and when they end.
    pub certificates: Vec<CertificateView>,
    /// Revocation lists in force.
    #[serde(default)]
    pub revocation: Vec<RevocationView>,
    /// How far the receipt log is time-stamped from outside; absent: no server is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_stamps: Option<super::TimeStampsStanding>,
    /// The receivers of events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<super::WebhookView>,
    /// The drop folders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop_folders: Vec<super::DropFolderView>,
    /// Proofs that a log was put back or split: names of files in `proofs/` of the data directory.
    #[serde(default)]
    pub proofs: Vec<String>,
    /// What is in use of the node's limits and quotas.
    #[serde(default)]
    pub limits: LimitsView,
}

/// Legs by state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueCounts {
    /// Due, or being given to a peer.
    pub active: u64,
    /// Waiting for their next try.
    pub deferred: u64,
    /// Held by the operator.
    pub on_hold: u64,
    /// Set aside with their cause.
    pub quarantined: u64,
    /// With the next node, final receipt still to come.
    pub transferred: u64,
    /// In mailboxes here, not handed over yet.
    pub waiting: u64,
}

/// Something that needs somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alarm {
    /// What, by the table of codes.
    pub code: CodeText,
    /// The particulars.
    pub detail: String,
    /// When it came about, to within some seconds.
    pub since: TimeText,
}

/// A certificate in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateView {
    /// What it serves for: `node`, or `seal` of an agency.
    pub purpose: String,
    /// The name in it.
    pub name: String,
    /// When it ends.
    pub not_after: TimeText,
    /// Whether it ends so soon that it should be renewed now.
    pub renew: bool,
}

/// A revocation list in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevocationView {
    /// Its issuer.
    pub issuer: String,
    /// When it was made.
    pub this_update: TimeText,
    /// When a newer one was promised.
    pub next_update: TimeText,
    /// Whether that moment has passed.
    pub overdue: bool,
}

/// How a peer lies to this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PeerRelation {
    /// The node above.
    Parent,
    /// A node below.
    Child,
    /// A node beside, allowed by the directory.
    Lateral,
}

/// One adjacent node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerView {
    /// Its id.
    pub node: NodeText,
    /// How it lies.
    pub relation: PeerRelation,
    /// Where it listens; empty where it only dials.
    pub addresses: Vec<String>,
    /// Whether there is a session.
    pub connected: bool,
    /// Since when it is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<TimeText>,
    /// Round-trip time of the session, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<u64>,
    /// Legs waiting to go there.
    pub queued: u64,
    /// When the oldest of them was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_at: Option<TimeText>,
    /// Epoch of its receipt log, as last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<EpochText>,
    /// Size of its receipt log at the last checkpoint held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_size: Option<u64>,
    /// What is in use of its quotas.
    #[serde(default)]
    pub quota: PeerQuotaView,
    /// Why there is no session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
    /// The particulars of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A test of the way to one peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerTest {
    /// The peer.
    pub node: NodeText,
    /// Whether every step went well.
    pub ok: bool,
    /// The steps in order; the first that failed is the last one listed.
    pub steps: Vec<PeerTestStep>,
}

/// One step of the test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerTestStep {
    /// Which: `directory`, `route`, `protocol`, `certificate`, `name`, `clock`, `network`.
    pub step: String,
    /// Whether it went well.
    pub ok: bool,
    /// How long it took, milliseconds.
    pub elapsed_ms: u64,
    /// What was found.
    pub detail: String,
    /// The code, where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
}
