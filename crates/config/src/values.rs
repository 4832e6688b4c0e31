//! The checked values, as the node uses them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use tram_dispatch::group::{GroupName, NamedGroup};
use tram_dispatch::{AgencyCode, NodeId};

use crate::axis::Axis;
use crate::door::Door;
use crate::drop_folders::DropFolder;
use crate::files::Claim;
use crate::hosting::Unit;
use crate::limits::{
    DropLimits, Limits, Quotas, Retention, RevocationGrace, TilesPace, WebhookPace, WitnessPace,
};
use crate::time_stamps::TimeStamps;
use crate::webhooks::Webhook;

/// A node's configuration. Every path is resolved against the folder of the file.
#[derive(Clone, Debug)]
pub struct Config {
    /// This node.
    pub node: NodeId,
    /// Spool, journal, index, receipt log.
    pub data_dir: PathBuf,
    /// Where the last checkpoint is noted outside `data_dir`, so that a restored backup of the
    /// data is noticed before anything is signed.
    pub anchor_dir: PathBuf,
    /// The network's root document.
    pub root: PathBuf,
    /// The signed directory.
    pub directory: PathBuf,
    /// Where peers may dial in (UDP); absent: this node only dials.
    pub listen: Option<SocketAddr>,
    /// The peers this node dials.
    pub peers: Vec<Peer>,
    /// The node's own keys.
    pub keys: Keys,
    /// Revocation lists, PEM or DER.
    pub crls: Vec<PathBuf>,
    /// How long a list that is out of date still decides.
    pub revocation: RevocationGrace,
    /// Local sockets with who may do what on each.
    pub sockets: Vec<Socket>,
    /// Agencies this node may seal for; empty unless the file names some.
    pub seals: Vec<Seal>,
    /// Groups of recipients that the operator made, by name.
    pub groups: BTreeMap<GroupName, NamedGroup>,
    /// The units that agencies of this node forward what arrives to.
    pub units: Vec<Unit>,
    /// Bounds on memory, disk and time.
    pub limits: Limits,
    /// What one agency, peer or mailbox may have.
    pub quotas: Quotas,
    /// How long things are kept.
    pub retention: Retention,
    /// How long documents are kept after that; absent: files go at once, what rides in the journal stays.
    pub retention_policy: Option<PathBuf>,
    /// Where the receipt log is written as static files (C2SP tlog-tiles); absent: nowhere.
    pub tiles: Option<PathBuf>,
    /// How often.
    pub tiles_pace: TilesPace,
    /// Whose cosignatures this node's checkpoints need (C2SP tlog-policy); absent: by position.
    pub witness_policy: Option<PathBuf>,
    /// How often they are asked for where that is not with each checkpoint.
    pub witness: WitnessPace,
    /// Where time-stamps for this node's checkpoints come from; absent: there are none.
    pub time_stamps: Option<TimeStamps>,
    /// The endpoint of the national axis; absent: there is none.
    pub axis: Option<Axis>,
    /// The API for systems on other machines; absent: there is none.
    pub door: Option<Door>,
    /// Folders through which systems exchange files; empty unless the file names some.
    pub drop_folders: Vec<DropFolder>,
    /// Their sizes and paces.
    pub drop: DropLimits,
    /// Where events are announced; empty unless the file names some.
    pub webhooks: Vec<Webhook>,
    /// How.
    pub webhook: WebhookPace,
    /// The list of working days; absent: the one that came with the program.
    pub working_days: Option<PathBuf>,
    /// The service log.
    pub log: Log,
    pub(crate) file: PathBuf,
    pub(crate) claims: Vec<Claim>,
}

/// A peer this node dials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Which node must answer there.
    pub name: PeerName,
    /// Where to dial; absent: the addresses in the directory.
    pub address: Option<HostPort>,
}

/// How the file names a peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeerName {
    /// By its id.
    Node(NodeId),
    /// Whichever node the directory gives as this node's parent.
    Parent,
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerName::Node(id) => id.fmt(f),
            PeerName::Parent => f.pad("parent"),
        }
    }
}

/// A host name or IP address, and a port that is not zero.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPort {
    /// Without the brackets of IPv6.
    pub host: String,
    /// UDP port.
    pub port: u16,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The node's own keys; none does another's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Chain for TLS, PEM, own certificate first, without the trust anchor.
    pub tls_certificate: PathBuf,
    /// Private key of that certificate, PKCS#8 PEM.
    pub tls_key: PathBuf,
    /// Signs receipts, PKCS#8 PEM.
    pub receipt_key: PathBuf,
    /// Signs checkpoints, Ed25519, PKCS#8 PEM.
    pub checkpoint_key: PathBuf,
}

/// An agency whose seal key the node itself holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The agency.
    pub agency: AgencyCode,
    /// Chain, PEM, the seal certificate first.
    pub certificate: PathBuf,
    /// Private key, PKCS#8 PEM.
    pub key: PathBuf,
}

/// A local socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Name within the file, for rules and logs.
    pub name: String,
    /// Where it is made; at most [`crate::Socket::PATH_BYTES_MAX`] bytes.
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
    /// Group that owns it; absent: the process's own.
    pub gid: Option<u32>,
    /// Who may do what here; what no rule grants is refused. Never empty.
    pub rules: Vec<Rule>,
}

impl Socket {
    /// Longest socket path: `sun_path` of unix(7) holds 108 bytes with its terminating zero.
    pub const PATH_BYTES_MAX: usize = 107;

    /// Whether any rule lets a caller with these kernel credentials act in `role`, and, where
    /// the act concerns one agency, for that agency.
    #[must_use]
    pub fn permits(&self, uid: u32, gids: &[u32], role: Role, agency: Option<&AgencyCode>) -> bool {
        self.rules.iter().any(|r| {
            r.who.is(uid, gids)
                && r.roles.contains(&role)
                && agency.is_none_or(|a| r.agencies.contains(a))
        })
    }
}

/// Grants roles, for agencies, to callers known by the kernel's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The callers.
    pub who: Who,
    /// The agencies they act for.
    pub agencies: Agencies,
    /// What they may do.
    pub roles: BTreeSet<Role>,
}

/// Which callers a rule speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// This user.
    Uid(u32),
    /// Members of this group.
    Gid(u32),
    /// Whoever can open the socket.
    Any,
}

impl Who {
    /// Whether a caller with these credentials is meant.
    #[must_use]
    pub fn is(self, uid: u32, gids: &[u32]) -> bool {
        match self {
            Who::Uid(u) => u == uid,
            Who::Gid(g) => gids.contains(&g),
            Who::Any => true,
        }
    }
}

/// Agencies a rule covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agencies {
    /// All that this node hosts.
    All,
    /// These; empty in a rule that only grants `operate`.
    Only(BTreeSet<AgencyCode>),
}

impl Agencies {
    /// Whether `agency` is covered.
    #[must_use]
    pub fn contains(&self, agency: &AgencyCode) -> bool {
        match self {
            Agencies::All => true,
            Agencies::Only(set) => set.contains(agency),
        }
    }
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Hand in dispatches of its agencies.
    Submit,
    /// Fetch, confirm and register dispatches to its agencies.
    Collect,
    /// Read what is in the mailboxes of its agencies, and follow their dispatches; change nothing.
    Read,
    /// See and steer queues and peers.
    Operate,
    /// Read receipts and the log.
    Audit,
}

impl Role {
    pub(crate) const NAMES: &'static [(&'static str, Role)] = &[
        ("submit", Role::Submit),
        ("collect", Role::Collect),
        ("read", Role::Read),
        ("operate", Role::Operate),
        ("audit", Role::Audit),
    ];
}

/// The service log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// From which level on.
    pub level: LogLevel,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    pub(crate) const NAMES: &'static [(&'static str, LogFormat)] =
        &[("human", LogFormat::Human), ("json", LogFormat::Json)];
}

/// From which level on the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Faults only.
    Error,
    /// And what may become one.
    Warn,
    /// And what an operator wants to see.
    Info,
    /// And steps within.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    pub(crate) const NAMES: &'static [(&'static str, LogLevel)] = &[
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];

    /// The name, as `tracing` spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, level)| *level == self).map_or("info", |(name, _)| name)
    }
}
