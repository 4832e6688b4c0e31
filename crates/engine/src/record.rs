//! What one commit makes durable. The journal keeps these in order; state is a fold over them,
//! in normal running and in recovery alike.

use std::sync::Arc;

use tram_dispatch::envelope::Sequence;
use tram_dispatch::{
    AgencyCode, Code, Digest, DispatchId, EpochId, EvidenceRecord, NodeId, Reference, UnitCode,
    UnitMark, UnixMillis,
};
use tram_tlog::cosignature::Cosignature;
use tram_wire::receipt::SignedRoot;

/// One durable fact.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// The first leaf of this node's receipt log.
    Genesis(Leaf),
    /// Custody of a dispatch began.
    Held(Held),
    /// More legs of a dispatch already held, offered in a later transfer.
    Legs(Legs),
    /// This node recorded evidence; `leaf.record` is its encoded form.
    Evidence(OwnEvidence),
    /// A receipt of another node, as received.
    Foreign(Foreign),
    /// A receipt that this node itself gave in an earlier epoch of its log.
    Earlier(Earlier),
    /// A receipt reached the peer it was owed to and is durable there.
    OutboxDone(OutboxDone),
    /// The operator stopped or restarted work on a leg.
    Hold(Hold),
    /// A peer began a new epoch of its receipt log.
    PeerEpoch(PeerEpoch),
    /// The peer's disk is lost: legs given to it without a final receipt are in our custody again.
    Reoffer(Reoffer),
    /// The newest checkpoint of another node's log, checked to extend the one before.
    PeerCheckpoint(PeerCheckpoint),
    /// Nothing is left to do for this dispatch; its documents may go.
    Closed(DispatchId),
    /// The signed root of the commit that ends with this record; kept for ever.
    Root(SignedRoot),
    /// Work on a dispatch did not come to an end.
    Attempt(Attempt),
    /// A dispatch was set aside, or taken up again.
    Quarantine(Quarantine),
    /// A witness cosigned a checkpoint of this node's own log.
    Cosigned(Cosigned),
    /// The key provider of this node gave a number to what it is about to seal.
    Numbered(Numbered),
    /// A statement that a number stays unused, as received.
    Void(Void),
    /// What an agency sealed about a dispatch; the record of evidence that names it follows.
    Statement(Statement),
    /// A later dispatch bears on this one.
    Linked(Linked),
    /// The recipient forwarded it to one of its units, or the unit says how far it is.
    Unit(UnitNote),
    /// An offer was not answered: the peer may have taken it.
    Offered(Offered),
}

/// Custody of a dispatch.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Its id.
    pub dispatch: DispatchId,
    /// The sealed object as received.
    pub raw: Arc<[u8]>,
    /// SHA-256 of `raw`.
    pub object: Digest,
    /// With `reference`, the submission key.
    pub originator: AgencyCode,
    /// The originator's reference.
    pub reference: Reference,
    /// The peer it came from; absent at the first node.
    pub previous: Option<NodeId>,
    /// The recipients this node took.
    pub recipients: Vec<AgencyCode>,
    /// Upstream receipts as received: the first node's first.
    pub receipts: Vec<Arc<[u8]>>,
    /// Documents small enough to ride in the journal: (digest, bytes).
    pub inline: Vec<(Digest, Arc<[u8]>)>,
    /// Documents kept as files: (digest, size in bytes).
    pub files: Vec<(Digest, u64)>,
    /// Documents that rode in the journal until they were removed from it after their time.
    pub removed: Vec<Digest>,
    /// When custody began.
    pub at: UnixMillis,
}

/// Further recipients of a dispatch already held, or another peer that offered it.
#[derive(Clone, Debug, PartialEq)]
pub struct Legs {
    /// The dispatch.
    pub dispatch: DispatchId,
    /// The peer that offered them.
    pub previous: NodeId,
    /// The recipients taken; empty where the peer only learns what is already held.
    pub recipients: Vec<AgencyCode>,
    /// Upstream receipts for them.
    pub receipts: Vec<Arc<[u8]>>,
}

/// A leaf of this node's receipt log.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Its index in the log.
    pub index: u64,
    /// The salt of its commitment.
    pub salt: [u8; 16],
    /// The encoded record (evidence or genesis).
    pub record: Arc<[u8]>,
}

/// Evidence recorded by this node.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnEvidence {
    /// The leaf.
    pub leaf: Leaf,
    /// The record, decoded.
    pub evidence: EvidenceRecord,
    /// Peers that must be given this receipt on the way back to the originator.
    pub owed_to: Vec<NodeId>,
}

/// A receipt of another node.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreign {
    /// SHA-256 of `raw`.
    pub digest: Digest,
    /// The receipt as received.
    pub raw: Arc<[u8]>,
    /// Its record, decoded.
    pub evidence: EvidenceRecord,
    /// The peer that gave it.
    pub from: NodeId,
    /// Whether its issuer may say this about that recipient. A claim that fails this is kept and
    /// has no effect.
    pub authorised: bool,
    /// Peers that must be given this receipt.
    pub owed_to: Vec<NodeId>,
}

/// Evidence of an earlier epoch of this node's log, carried over into a new store: it counts as what this
/// node says itself, and its receipt is whole, for the tree it is in is another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier {
    /// SHA-256 of `raw`; it is owed under this name.
    pub digest: Digest,
    /// The receipt as it was given.
    pub raw: Arc<[u8]>,
    /// Its record, decoded.
    pub evidence: EvidenceRecord,
    /// Peers that must be given this receipt.
    pub owed_to: Vec<NodeId>,
}

/// Names one receipt owed to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owed {
    /// Our own leaf.
    Own(u64),
    /// Another node's receipt, or one of an earlier epoch of our log, by digest.
    Foreign(Digest),
}

/// A receipt is durable at the peer it was owed to.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxDone {
    /// The dispatch it is about.
    pub dispatch: DispatchId,
    /// The peer.
    pub peer: NodeId,
    /// Which receipt.
    pub owed: Owed,
}

/// The operator's hold on one leg.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    /// The dispatch.
    pub dispatch: DispatchId,
    /// The recipient.
    pub recipient: AgencyCode,
    /// True to hold, false to release.
    pub held: bool,
}

/// A peer's new epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerEpoch {
    /// The peer.
    pub peer: NodeId,
    /// Its epoch now.
    pub epoch: EpochId,
}

/// Custody came back from a peer that lost its disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Reoffer {
    /// The dispatch.
    pub dispatch: DispatchId,
    /// The peer.
    pub peer: NodeId,
}

/// A checkpoint of this node's own log, cosigned.
#[derive(Clone, Debug, PartialEq)]
pub struct Cosigned {
    /// The node that cosigned.
    pub witness: NodeId,
    /// Tree size.
    pub size: u64,
    /// Root.
    pub root: [u8; 32],
    /// The cosignature.
    pub cosignature: Cosignature,
}

/// A number of a series, and what it was assigned to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The agency that this node seals for.
    pub originator: AgencyCode,
    /// Series and number.
    pub sequence: Sequence,
    /// The reference of the dispatch.
    pub reference: Reference,
    /// SHA-256 over what it says, number and time of sealing apart.
    pub content: Digest,
    /// Its time of sealing.
    pub at: UnixMillis,
}

/// A void statement; the record of its evidence follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Void {
    /// What stands for a dispatch id in its evidence.
    pub statement: DispatchId,
    /// The sealed statement as received.
    pub raw: Arc<[u8]>,
}

/// An agency's own statement about a dispatch that came for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The dispatch.
    pub dispatch: DispatchId,
    /// SHA-256 of `raw`: evidence names it by this.
    pub digest: Digest,
    /// The sealed statement as received.
    pub raw: Arc<[u8]>,
}

/// How a dispatch bears on an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bearing {
    /// Asks to take it back.
    Recall = 1,
    /// Changes its data or recipients.
    Update = 2,
    /// Takes its place.
    Replace = 3,
    /// Answers it.
    Answer = 4,
}

impl Bearing {
    /// Every bearing, in numeric order.
    pub const ALL: [Bearing; 4] =
        [Bearing::Recall, Bearing::Update, Bearing::Replace, Bearing::Answer];

    /// The number in the journal.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Reads the number in the journal.
    pub fn from_number(n: u8) -> Option<Self> {
        Self::ALL.get(usize::from(n).checked_sub(1)?).copied()
    }

    /// The word for tables and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Bearing::Recall => "recall",
            Bearing::Update => "update",
            Bearing::Replace => "replace",
            Bearing::Answer => "answer",
        }
    }
}

/// A later dispatch that is known here, and bears on this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The earlier dispatch.
    pub dispatch: DispatchId,
    /// The later one.
    pub by: DispatchId,
    /// How.
    pub bearing: Bearing,
    /// Of a recall, the legs in custody here that it stops.
    pub recipients: Vec<AgencyCode>,
    /// When this became known here.
    pub at: UnixMillis,
}

impl Linked {
    /// Whether it stops the leg toward this recipient.
    pub fn stops(&self, recipient: &AgencyCode) -> bool {
        // They come from the legs, which are in order.
        self.bearing == Bearing::Recall && self.recipients.binary_search(recipient).is_ok()
    }
}

/// What is on record of a dispatch and a unit of its recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitNote {
    /// The dispatch.
    pub dispatch: DispatchId,
    /// The recipient.
    pub recipient: AgencyCode,
    /// The unit.
    pub unit: UnitCode,
    /// What was recorded.
    pub mark: UnitMark,
    /// Whose account said so.
    pub by: String,
    /// In words, where there was more to say.
    pub remark: Option<String>,
    /// When.
    pub at: UnixMillis,
}

/// What was offered to a peer that did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The dispatch.
    pub dispatch: DispatchId,
    /// The peer.
    pub peer: NodeId,
    /// The recipients whose legs led there.
    pub recipients: Vec<AgencyCode>,
    /// When that was noticed.
    pub at: UnixMillis,
}

/// The newest checkpoint of another node's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCheckpoint {
    /// Whose log: a peer's, or that of a peer's child.
    pub peer: NodeId,
    /// The epoch of its log.
    pub epoch: EpochId,
    /// Tree size.
    pub size: u64,
    /// Root.
    pub root: [u8; 32],
    /// The signed note.
    pub note: Arc<[u8]>,
}

/// What was being done to a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Parsing and verifying what was handed in or offered. Its id is not known yet: it goes by the
    /// SHA-256 of the sealed object.
    Take = 1,
    /// Deciding what to do about it.
    Decide = 2,
    /// Reading its records back.
    Read = 3,
    /// Reading its documents for a peer.
    Give = 4,
    /// Reading its documents for the recipient.
    Fetch = 5,
}

impl Stage {
    /// Every stage, in numeric order.
    pub const ALL: [Stage; 5] =
        [Stage::Take, Stage::Decide, Stage::Read, Stage::Give, Stage::Fetch];

    /// The number in the journal.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Reads the number in the journal.
    pub fn from_number(n: u8) -> Option<Self> {
        Self::ALL.get(usize::from(n).checked_sub(1)?).copied()
    }

    /// In words, after "in the middle of".
    pub const fn words(self) -> &'static str {
        match self {
            Stage::Take => "verifying it",
            Stage::Decide => "deciding about it",
            Stage::Read => "reading its records back",
            Stage::Give => "reading its documents for a peer",
            Stage::Fetch => "reading its documents for the recipient",
        }
    }
}

/// Work on a dispatch that did not come to an end.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The dispatch; one that was never taken is known by what [`Stage::Take`] says.
    pub dispatch: DispatchId,
    /// What was being done.
    pub stage: Stage,
    /// How it ended, in words.
    pub detail: String,
    /// When that was noticed.
    pub at: UnixMillis,
}

/// A dispatch set aside, or taken up again.
#[derive(Clone, Debug, PartialEq)]
pub struct Quarantine {
    /// The dispatch.
    pub dispatch: DispatchId,
    /// Why it was set aside; absent: the operator released it, or it could be read again, and attempts
    /// count anew.
    pub cause: Option<Cause>,
    /// When.
    pub at: UnixMillis,
}

/// Why a dispatch is in quarantine.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// The row of the table.
    pub code: Code,
    /// In words.
    pub detail: String,
    /// Its records are not to be read: they cannot be, or reading them is what broke off.
    pub unread: bool,
}

impl Cause {
    /// Whether it may pass by itself: what is stored could not be read, which need not last. What broke
    /// off may break the process.
    pub fn may_pass(&self) -> bool {
        self.code != Code::WorkUnfinished
    }
}

impl Record {
    /// The dispatch this record is about, where it is about one.
    pub fn dispatch(&self) -> Option<DispatchId> {
        match self {
            Record::Held(r) => Some(r.dispatch),
            Record::Legs(r) => Some(r.dispatch),
            Record::Evidence(r) => Some(r.evidence.dispatch),
            Record::Foreign(r) => Some(r.evidence.dispatch),
            Record::Earlier(r) => Some(r.evidence.dispatch),
            Record::OutboxDone(r) => Some(r.dispatch),
            Record::Hold(r) => Some(r.dispatch),
            Record::Reoffer(r) => Some(r.dispatch),
            Record::Closed(id) => Some(*id),
            Record::Attempt(r) => Some(r.dispatch),
            Record::Quarantine(r) => Some(r.dispatch),
            Record::Void(r) => Some(r.statement),
            Record::Statement(r) => Some(r.dispatch),
            Record::Linked(r) => Some(r.dispatch),
            Record::Unit(r) => Some(r.dispatch),
            Record::Offered(r) => Some(r.dispatch),
            Record::Numbered(_)
            | Record::Genesis(_)
            | Record::PeerEpoch(_)
            | Record::PeerCheckpoint(_)
            | Record::Cosigned(_)
            | Record::Root(_) => None,
        }
    }

    /// The leaf this record appends to the receipt log, where it appends one.
    pub fn leaf(&self) -> Option<&Leaf> {
        match self {
            Record::Genesis(leaf) => Some(leaf),
            Record::Evidence(own) => Some(&own.leaf),
            _ => None,
        }
    }
}

/// Everything one commit must make durable together.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Running number of batches in this process, from 1.
    pub number: u64,
    /// The records, in order; where leaves were added the last is their signed root.
    pub records: Vec<Record>,
    /// New complete nodes of the tree: (level, index, hash).
    pub tree_nodes: Vec<(u8, u64, [u8; 32])>,
}
