use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::text::{
    AgencyText, Base64, CodeText, DigestText, DispatchText, EpochText, EventText, NetworkText,
    NodeText, TimeText,
};

/// One receipt: what it says, and its bytes, which alone prove it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptView {
    /// SHA-256 of the bytes.
    pub digest: DigestText,
    /// What happened.
    pub event: EventText,
    /// The dispatch.
    pub dispatch: DispatchText,
    /// The originator.
    pub originator: AgencyText,
    /// The recipient; absent where it is about the whole dispatch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<AgencyText>,
    /// The node that says so.
    pub node: NodeText,
    /// The epoch of that node's receipt log.
    pub epoch: EpochText,
    /// Position of the leaf in that log.
    pub index: u64,
    /// Size of the tree that the receipt's proof ends in.
    pub tree_size: u64,
    /// When it happened, by that node's clock.
    pub at: TimeText,
    /// Why, on a negative event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
    /// A person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// False where that node may not say this: kept as a claim, without effect.
    pub authorised: bool,
    /// The receipt itself.
    pub raw: Base64,
}

/// Query of an evidence file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct EvidenceQuery {
    /// Whether the documents go in as well; otherwise their digests alone.
    pub documents: bool,
}

/// Query of the listing of receipts. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ReceiptQuery {
    /// About this dispatch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatch: Option<DispatchText>,
    /// With this agency as originator or recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency: Option<AgencyText>,
    /// Of this event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventText>,
    /// At this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeText>,
    /// Before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeText>,
    /// Cursor: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most items in the page, 1 to 500; 100 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Query of the receipts of one dispatch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct DispatchReceiptsQuery {
    /// Cursor: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most items in the page, 1 to 500; 100 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The newest durable state of this node's receipt log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogHead {
    /// The network.
    pub network: NetworkText,
    /// This node.
    pub node: NodeText,
    /// The epoch.
    pub epoch: EpochText,
    /// Number of leaves.
    pub size: u64,
    /// RFC 9162 root hash.
    pub root: DigestText,
    /// When the newest leaf was committed.
    pub at: TimeText,
    /// Checkpoint as a signed note (C2SP tlog-checkpoint).
    pub checkpoint: String,
}

/// What the anchor file, outside the store, says of the receipt log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogAnchor {
    /// This node.
    pub node: NodeText,
    /// The epoch.
    pub epoch: EpochText,
    /// Whether receipts are signed.
    pub signing: bool,
    /// Why not, by the table of codes; absent: they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
    /// What the anchor said at the start, in words; absent: it agreed with the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// The peer whose view of the log took a doubt away since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchored_by: Option<NodeText>,
    /// The anchor file.
    pub file: String,
}

/// Why the log goes on though nothing outside the store vouches for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnchorRequest {
    /// In words; the receipt says them to everybody who sees it.
    pub reason: String,
}

/// The log goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Anchored {
    /// The node's receipt of it.
    pub receipt: Base64,
}

/// Who cosigned this node's receipt log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogWitnesses {
    /// This node.
    pub node: NodeText,
    /// The epoch.
    pub epoch: EpochText,
    /// Tree size of the checkpoint that the neighbours were told of last.
    pub size: u64,
    /// That checkpoint as a signed note, with the cosignatures on it (C2SP tlog-cosignature).
    pub checkpoint: String,
    /// Whether the policy follows from the node's position; otherwise it is configured.
    pub by_position: bool,
    /// The policy (C2SP tlog-policy).
    pub policy: String,
    /// Whether that checkpoint is cosigned as the policy asks.
    pub reached: bool,
    /// The groups or witnesses of the policy that it still needs; empty if it is reached.
    pub missing: Vec<String>,
    /// The newest checkpoint that is cosigned as the policy asks; absent: none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<QuorumView>,
    /// The nodes around, and others that cosigned, with what each cosigned last.
    pub witnesses: Vec<WitnessView>,
}

/// The time-stamps (RFC 3161) on this node's receipt log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogTimeStamps {
    /// This node.
    pub node: NodeText,
    /// The epoch.
    pub epoch: EpochText,
    /// Leaves in the log.
    pub size: u64,
    /// How it stands; absent: no server is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<TimeStampsStanding>,
    /// The newest ones, newest first.
    pub stamps: Vec<TimeStampView>,
}

/// What is time-stamped, and what is not yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimeStampsStanding {
    /// The server that is asked.
    pub server: String,
    /// Leaves under the newest time-stamp; 0 where there is none.
    pub stamped_size: u64,
    /// When the oldest leaf that no time-stamp covers was committed; absent: all are covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unstamped_since: Option<TimeText>,
    /// Why the last try failed; absent where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// One time-stamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimeStampView {
    /// Leaves of the checkpoint that it is over.
    pub size: u64,
    /// The checkpoint existed no later than this; absent where the token does not verify any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<TimeText>,
    /// The subject of the certificate that signed it; otherwise why the token does not verify.
    pub authority: String,
    /// The number that the authority gave it, hexadecimal.
    pub serial: String,
    /// SHA-256 of the token, which names its file.
    pub token: DigestText,
}

/// A checkpoint that is cosigned as the policy asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuorumView {
    /// Tree size.
    pub size: u64,
    /// The signed note with its cosignatures.
    pub checkpoint: String,
}

/// What one witness cosigned last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WitnessView {
    /// The node.
    pub node: NodeText,
    /// Tree size of the newest checkpoint that it cosigned; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When, by its own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<TimeText>,
    /// Name of the key that it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Query of entries of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntriesQuery {
    /// Number of the bundle: its first entry is that of leaf 256 times this.
    pub index: u64,
    /// How many entries, 1 to 256.
    pub width: usize,
}

/// Query of an inclusion proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InclusionQuery {
    /// Position of the leaf.
    pub index: u64,
    /// Size of the tree; more than `index`, at most the log's.
    pub size: u64,
}

/// An inclusion proof (RFC 9162 section 2.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Inclusion {
    /// The epoch.
    pub epoch: EpochText,
    /// Position of the leaf.
    pub index: u64,
    /// Size of the tree.
    pub size: u64,
    /// Hash of the leaf.
    pub leaf: DigestText,
    /// Root of the tree of that size.
    pub root: DigestText,
    /// The nodes of the proof, from the leaf up.
    pub path: Vec<DigestText>,
}

/// Query of a consistency proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConsistencyQuery {
    /// The smaller size, at least 1.
    pub old: u64,
    /// The larger size, at most the log's.
    pub new: u64,
}

/// A consistency proof (RFC 9162 section 2.1.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Consistency {
    /// The epoch.
    pub epoch: EpochText,
    /// The smaller size.
    pub old: u64,
    /// The larger size.
    pub new: u64,
    /// Root at the smaller size.
    pub old_root: DigestText,
    /// Root at the larger size.
    pub new_root: DigestText,
    /// The nodes of the proof.
    pub path: Vec<DigestText>,
}

/// The first leaf of this node's receipt log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenesisView {
    /// The node.
    pub node: NodeText,
    /// The epoch: the leaf hash.
    pub epoch: EpochText,
    /// When the epoch began.
    pub started_at: TimeText,
    /// The genesis leaf's bytes, as docs/protocol.md describes them.
    pub genesis: Base64,
    /// SubjectPublicKeyInfo (DER) of the receipt key.
    pub receipt_key: Base64,
    /// SubjectPublicKeyInfo (DER) of the checkpoint key.
    pub checkpoint_key: Base64,
}
