//! The envelope: what the originator signs and relays may read.

use std::collections::BTreeMap;

use crate::{AgencyCode, Digest, DispatchId, NetworkId, NodeId, Reference, UnixMillis};

/// Everything that is signed. The first version carries every field, also where the feature that
/// reads it comes later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The network this dispatch belongs to; nothing replays between networks.
    pub network: NetworkId,
    /// The agency that signs.
    pub originator: AgencyCode,
    /// The originator's own name for this dispatch; with the originator, the submission key.
    pub reference: Reference,
    /// Gap-free counter per originator and sealing key; absent where the agency's own system seals
    /// and keeps none.
    pub sequence: Option<Sequence>,
    /// The agencies addressed: at least one, ascending, without repeats.
    pub recipients: Vec<AgencyCode>,
    /// The group the recipients were expanded from, where there was one.
    pub group: Option<String>,
    /// Any mark but `None` is refused at the first node.
    pub secrecy: Secrecy,
    /// What the document is about.
    pub metadata: Metadata,
    /// What this dispatch does.
    pub act: Act,
    /// The documents, by digest, in the originator's order.
    pub documents: Vec<Document>,
    /// Whose hand held the sealing key.
    pub sealed_by: SealedBy,
    /// The originator's claim of when it sealed.
    pub issued_at: UnixMillis,
    /// After this the present custodian gives up, with evidence.
    pub expires_at: UnixMillis,
    /// Most nodes that may take custody, the first included.
    pub max_hops: u8,
    /// Room for encryption to recipients: opaque in this version, carried unread.
    pub encryption: Option<Vec<u8>>,
    /// Non-critical fields this version does not know (keys from 128), as raw CBOR.
    pub extensions: BTreeMap<u64, Vec<u8>>,
}

/// A place in the originator's numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sequence {
    /// Which series: one per sealing key. Where the node seals, as `docs/protocol.md` section 4 makes it.
    pub series: u64,
    /// The number, from 1.
    pub number: u64,
}

/// The secrecy mark (mật, tối mật, tuyệt mật).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Secrecy {
    /// No mark.
    #[default]
    None,
    /// Mật.
    Secret,
    /// Tối mật.
    TopSecret,
    /// Tuyệt mật.
    UltraSecret,
}

/// How urgent the originator says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// Thường.
    #[default]
    Normal,
    /// Khẩn.
    Urgent,
    /// Thượng khẩn.
    VeryUrgent,
    /// Hỏa tốc.
    Flash,
    /// Hỏa tốc hẹn giờ: flash, to arrive at the hour given.
    FlashAt(UnixMillis),
}

impl Urgency {
    /// 0 (normal) to 3 (flash): the order of queues and the priority of streams.
    pub const fn class(self) -> u8 {
        match self {
            Urgency::Normal => 0,
            Urgency::Urgent => 1,
            Urgency::VeryUrgent => 2,
            Urgency::Flash | Urgency::FlashAt(_) => 3,
        }
    }
}

/// Document metadata as Decree 30/2020/NĐ-CP names it. Texts are kept as received.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Number (số), for example `16`.
    pub number: Option<String>,
    /// Notation (ký hiệu), for example `CT-TTg`.
    pub notation: Option<String>,
    /// Type of document (loại văn bản), for example `Chỉ thị`.
    pub kind: Option<String>,
    /// Subject (trích yếu).
    pub subject: String,
    /// Date of issue as printed on the document, `YYYY-MM-DD`.
    pub issued_on: Option<String>,
    /// Place of issue.
    pub place: Option<String>,
    /// Who signed, with office.
    pub signer: Option<Signer>,
    /// Urgency.
    pub urgency: Urgency,
    /// Date by which an answer is due, `YYYY-MM-DD`.
    pub due_on: Option<String>,
    /// Earlier documents this one answers.
    pub answers_to: Vec<Related>,
}

/// The person who signed the document.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Signer {
    /// Full name.
    pub name: String,
    /// Office held.
    pub office: Option<String>,
}

/// Points at an earlier dispatch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Related {
    /// Its originator.
    pub originator: AgencyCode,
    /// Its reference.
    pub reference: Reference,
    /// Its id, where known.
    pub dispatch: Option<DispatchId>,
}

/// What a dispatch does.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Act {
    /// A new document.
    #[default]
    New,
    /// Asks to take back one earlier dispatch.
    Recall(Related),
    /// Changes data or recipients of one earlier dispatch.
    Update(Related),
    /// Replaces earlier dispatches.
    Replace(Vec<Related>),
}

/// One document of the dispatch: payload bytes named by their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Name as the originator wrote it: data, never a path.
    pub name: String,
    /// Media type, for example `application/pdf`.
    pub media_type: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// A second digest, such as BLAKE3: (algorithm, value).
    pub second_digest: Option<(u64, Vec<u8>)>,
}

/// Who held the sealing key.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum SealedBy {
    /// The agency's own system.
    #[default]
    Agency,
    /// The key provider of this node, on the agency's behalf.
    Node(NodeId),
}
