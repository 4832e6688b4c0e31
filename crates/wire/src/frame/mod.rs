//! Frames: the units of the node-to-node protocol (`docs/protocol.md`, section 10).

mod check;
mod decode;
mod encode;

use tram_dispatch::{AgencyCode, Code, Digest, EpochId, NetworkId, NodeId, UnixMillis};

pub use check::{detail, validate};
pub use decode::decode;
pub use encode::encode;

use crate::evidence_file::ProvedCheckpoint;

/// Most tree sizes in one request for proofs.
pub const PROOF_SIZES_MAX: usize = 512;
/// Bytes of one piece of a directory: a narrow link is busy with it for a moment only.
pub const DIRECTORY_PIECE_BYTES: usize = 64 << 10;
/// Most checkpoints in the answer.
pub const PROOF_CHECKPOINTS_MAX: usize = 4;

/// One unit of the node-to-node protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// First on the control stream, from both sides.
    Hello(Box<Hello>),
    /// Instead of a hello that is acceptable: why this session ends.
    HelloRefused {
        /// Why.
        code: Code,
        /// The same for people; see [`detail`].
        detail: String,
    },
    /// Receipts on their way back; repeated until stored.
    Receipts {
        /// The sender's number for this batch, named in `Stored`.
        batch: u64,
        /// Receipts as they are, at least one.
        receipts: Vec<Vec<u8>>,
        /// Statements of agencies that these receipts name, as they are.
        statements: Vec<Vec<u8>>,
    },
    /// The batch is durable here, or every receipt of it was recorded as not acceptable.
    Stored {
        /// The number in `Receipts`.
        batch: u64,
    },
    /// A newer checkpoint of the sender's receipt log.
    Checkpoint {
        /// Signed note (C2SP tlog-checkpoint).
        note: Vec<u8>,
    },
    /// Asks for a proof that the receiver's log only grew.
    ConsistencyRequest {
        /// Which epoch of the receiver's log.
        epoch: EpochId,
        /// Size of the older tree.
        old_size: u64,
        /// Size of the newer tree.
        new_size: u64,
    },
    /// That proof (RFC 9162 section 2.1.4).
    Consistency {
        /// Which epoch of the sender's log.
        epoch: EpochId,
        /// Size of the older tree.
        old_size: u64,
        /// Size of the newer tree.
        new_size: u64,
        /// The proof.
        path: Vec<[u8; 32]>,
    },
    /// A witness's cosignature on a checkpoint of the log of `log`, on its way to that node.
    Cosignature {
        /// Whose log.
        log: NodeId,
        /// Which epoch of it.
        epoch: EpochId,
        /// The tree size of the checkpoint.
        size: u64,
        /// The line of a signed note (C2SP tlog-cosignature), without its newline.
        line: String,
    },
    /// Asks a witness that is no neighbour to cosign; the node between passes it on.
    CosignatureRequest {
        /// Whose log.
        log: NodeId,
        /// The checkpoint, a signed note of that node.
        note: Vec<u8>,
        /// Size of the tree that the witness holds, as far as the log's node knows; 0 for none.
        old_size: u64,
        /// The consistency proof from there.
        path: Vec<[u8; 32]>,
    },
    /// Instead of a cosignature: what the witness holds of that log, from where a proof is needed.
    CosignatureHeld {
        /// Whose log.
        log: NodeId,
        /// The checkpoint it holds, a signed note of that node.
        note: Vec<u8>,
    },
    /// An epoch of a log that the sender's directory does not list: its own before its hello, and those
    /// of other nodes that it takes for valid.
    Epoch {
        /// An epoch file, see [`crate::epoch`].
        file: Vec<u8>,
    },
    /// Asks a node for checkpoints of its own log over trees that it signed, with their proofs; the nodes
    /// between pass it on.
    ProofRequest {
        /// Who asks.
        asker: NodeId,
        /// Whose log.
        log: NodeId,
        /// Which epoch of it.
        epoch: EpochId,
        /// Sizes of the trees, ascending.
        sizes: Vec<u64>,
    },
    /// The answer, on its way back to who asked.
    Proof {
        /// Who asked.
        asker: NodeId,
        /// Whose log.
        log: NodeId,
        /// Which epoch of it.
        epoch: EpochId,
        /// Checkpoints that continue trees of the sizes asked for.
        checkpoints: Vec<ProvedCheckpoint>,
    },
    /// Offers a dispatch; opens a transfer stream.
    Transfer(Box<Transfer>),
    /// The documents and offsets from which bytes are wanted; empty when nothing is missing.
    Want(Vec<Range>),
    /// `length` bytes of a document follow this frame on the stream, outside of any frame.
    Data {
        /// Index in the envelope.
        document: u16,
        /// Offset of the first byte.
        offset: u64,
        /// How many bytes follow.
        length: u64,
    },
    /// What became of recipients of the transfer; more answers may follow until each has one.
    Answer(Vec<Answer>),
    /// The sender has a newer directory than it said before.
    Directory {
        /// Its version.
        version: u64,
        /// SHA-256 of its head.
        digest: Digest,
    },
    /// Asks for a piece of what makes the receiver's directory of the sender's, which is older: a
    /// difference, or the whole.
    DirectoryRequest {
        /// SHA-256 of the head of the sender's directory.
        have: Digest,
        /// First byte wanted.
        offset: u64,
    },
    /// That piece.
    DirectoryPiece(Box<DirectoryPiece>),
    /// A frame of a later version that may be ignored (types from 128 on).
    Unknown {
        /// Its type.
        kind: u64,
        /// Its body, a raw map.
        body: Vec<u8>,
    },
}

/// A piece of a directory file, or of a difference between two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryPiece {
    /// The version that it leads to.
    pub version: u64,
    /// SHA-256 of the head of that version.
    pub digest: Digest,
    /// SHA-256 of the head that the difference is made for; absent where the whole directory comes.
    pub base: Option<Digest>,
    /// Bytes of the file.
    pub total: u64,
    /// Where in the file the piece begins.
    pub offset: u64,
    /// The piece: [`DIRECTORY_PIECE_BYTES`], or what is left of the file.
    pub bytes: Vec<u8>,
}

/// What each side says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The network.
    pub network: NetworkId,
    /// Protocol versions spoken, ascending; the highest that both speak is used.
    pub versions: Vec<u16>,
    /// Optional features, ascending.
    pub features: Vec<u16>,
    /// Who is speaking; must be the node of the certificate.
    pub node: NodeId,
    /// Directory version in use.
    pub directory_version: u64,
    /// SHA-256 of its head.
    pub directory: Digest,
    /// Epoch of the sender's receipt log.
    pub epoch: EpochId,
    /// The sender's newest checkpoint, a signed note.
    pub checkpoint: Vec<u8>,
    /// The newest checkpoint of the *other* side's log that the sender holds: the other side's own
    /// signed note, as it was received. It proves what it says, or it says nothing.
    pub held: Option<Vec<u8>>,
    /// The sender's wall clock.
    pub wall: UnixMillis,
    /// How many transfers the sender is ready to take at once.
    pub credit: u32,
}

/// An offer of one dispatch toward some of its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The sealed dispatch as received.
    pub dispatch: Vec<u8>,
    /// The recipients this transfer is for, ascending.
    pub recipients: Vec<AgencyCode>,
    /// The first node's receipt, then the upstream receipts in the order of the hops.
    pub receipts: Vec<Vec<u8>>,
    /// Small documents that ride along: (index in the envelope, bytes), ascending by index.
    pub inline: Vec<(u16, Vec<u8>)>,
}

/// From where on the bytes of a document are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// Index in the envelope.
    pub document: u16,
    /// First byte wanted; everything from there to the end.
    pub offset: u64,
}

/// What became of one recipient of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which.
    pub recipient: AgencyCode,
    /// What.
    pub outcome: Outcome,
}

/// The four answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Custody taken, durably; the receipt proves it.
    Accepted(Vec<u8>),
    /// Refused for good; the receipt proves it.
    Refused(Vec<u8>),
    /// Refused for good before anything could be recorded.
    RefusedUnsigned {
        /// Why.
        code: Code,
        /// The same for people; see [`detail`].
        detail: String,
    },
    /// Not now.
    Later {
        /// Why.
        code: Code,
        /// Try again after so many milliseconds.
        retry_ms: u64,
    },
}

/// Numbers of the frames; from 128 on a receiver ignores what it does not know.
mod kind {
    pub(super) const HELLO: u64 = 1;
    pub(super) const HELLO_REFUSED: u64 = 2;
    pub(super) const RECEIPTS: u64 = 3;
    pub(super) const STORED: u64 = 4;
    pub(super) const CHECKPOINT: u64 = 5;
    pub(super) const CONSISTENCY_REQUEST: u64 = 6;
    pub(super) const CONSISTENCY: u64 = 7;
    pub(super) const TRANSFER: u64 = 8;
    pub(super) const WANT: u64 = 9;
    pub(super) const DATA: u64 = 10;
    pub(super) const ANSWER: u64 = 11;
    pub(super) const DIRECTORY: u64 = 12;
    pub(super) const COSIGNATURE: u64 = 13;
    pub(super) const COSIGNATURE_REQUEST: u64 = 14;
    pub(super) const COSIGNATURE_HELD: u64 = 15;
    pub(super) const EPOCH: u64 = 16;
    pub(super) const PROOF_REQUEST: u64 = 17;
    pub(super) const PROOF: u64 = 18;
    pub(super) const DIRECTORY_REQUEST: u64 = 19;
    pub(super) const DIRECTORY_PIECE: u64 = 20;
}

/// Numbers of the answers.
mod outcome {
    pub(super) const ACCEPTED: u64 = 1;
    pub(super) const REFUSED: u64 = 2;
    pub(super) const REFUSED_UNSIGNED: u64 = 3;
    pub(super) const LATER: u64 = 4;
}
