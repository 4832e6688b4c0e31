//! What is found out about an evidence file.

use tram_dispatch::{
    AgencyCode, Code, Digest, DispatchId, EpochId, Event, NetworkId, NodeId, UnixMillis,
};

use crate::directory::Directory;
use crate::time_stamp::TimeStamp;
use crate::verdict::Refusal;
use crate::verified::Signer;

/// Everything that was found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The network that the file names.
    pub network: NetworkId,
    /// The dispatch that it is about.
    pub dispatch: DispatchId,
    /// The directory in it, if that verifies.
    pub directory: Option<DirectoryUsed>,
    /// Every claim, in the order of [`Claim`].
    pub findings: Vec<Finding>,
    /// Parts of the file that are false. One is enough to call the file forged.
    pub faults: Vec<Fault>,
}

/// Which directory the claims rest on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryUsed {
    /// Its version.
    pub version: u64,
    /// SHA-256 of its head.
    pub digest: Digest,
    /// When it was signed.
    pub issued_at: UnixMillis,
    /// When it expires.
    pub expires_at: UnixMillis,
}

impl DirectoryUsed {
    pub(super) fn of(directory: &Directory) -> Self {
        DirectoryUsed {
            version: directory.version(),
            digest: directory.digest(),
            issued_at: directory.head().issued_at,
            expires_at: directory.expires_at(),
        }
    }
}

/// What can be claimed of a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// The originator sealed these very bytes.
    Sealed,
    /// The seal's certificate was not revoked when the first node took custody.
    Unrevoked,
    /// A node had custody.
    Held,
    /// Custody has no gap from the originator's node to the recipient's.
    Custody,
    /// The recipient's node holds it for the recipient.
    Arrived,
    /// The recipient's own system took it.
    Taken,
    /// The clerk registered or refused it.
    Decided,
    /// The recipient reported how far it is, or answered a recall or an update.
    Handled,
    /// A node refused it or gave it up.
    Ended,
    /// When it happened, bounded by others than the node that says so.
    When,
    /// Witnesses cosigned a checkpoint of the log that holds it.
    Witnessed,
    /// The document is the one that was sealed.
    Document,
    /// A time-stamp of a third party.
    Stamped,
    /// The witness policy in the file is the verifier's.
    Policy,
    /// Genuine, and of a node that may not say so.
    Unauthorised,
}

impl Claim {
    /// Every claim, in order.
    pub const ALL: [Claim; 15] = [
        Claim::Sealed,
        Claim::Unrevoked,
        Claim::Held,
        Claim::Custody,
        Claim::Arrived,
        Claim::Taken,
        Claim::Decided,
        Claim::Handled,
        Claim::Ended,
        Claim::When,
        Claim::Witnessed,
        Claim::Document,
        Claim::Stamped,
        Claim::Policy,
        Claim::Unauthorised,
    ];

    /// Name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Claim::Sealed => "sealed",
            Claim::Unrevoked => "unrevoked",
            Claim::Held => "held",
            Claim::Custody => "custody",
            Claim::Arrived => "arrived",
            Claim::Taken => "taken",
            Claim::Decided => "decided",
            Claim::Handled => "handled",
            Claim::Ended => "ended",
            Claim::When => "when",
            Claim::Witnessed => "witnessed",
            Claim::Document => "document",
            Claim::Stamped => "stamped",
            Claim::Policy => "policy",
            Claim::Unauthorised => "unauthorised",
        }
    }
}

/// One claim with what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is claimed.
    pub claim: Claim,
    /// Of which recipient; absent where it is about the whole dispatch.
    pub recipient: Option<AgencyCode>,
    /// Of which node, event, document or witness, in the words of the formats; may be empty.
    pub about: String,
    /// Whether it is proved.
    pub state: State,
    /// Whether a verifier asks for it unless told otherwise: then a claim that is not proved leaves the
    /// file undetermined.
    pub asked: bool,
}

/// Whether a claim is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Yes, by this.
    Proved(Proof),
    /// No, and why not.
    Lacking(Lack),
}

/// What proves a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The seal verifies, and its certificate led to an anchor at that moment.
    Sealed {
        /// Whose seal.
        signer: Signer,
        /// The node that sealed on the agency's behalf, by the envelope.
        by_node: Option<NodeId>,
        /// The moment of first custody.
        judged_at: UnixMillis,
    },
    /// The lists that the first node used do not hold the certificate.
    Unrevoked {
        /// The oldest thisUpdate among them.
        as_of: UnixMillis,
        /// A newer list was due.
        stale: bool,
        /// How many certificates above the leaf have no list.
        unlisted: u8,
    },
    /// A leaf of a receipt log says so: held, arrived, taken, ended.
    Leaf(Place),
    /// The nodes from the originator's to the recipient's.
    Custody {
        /// In the order of the hops.
        nodes: Vec<NodeId>,
    },
    /// The clerk decided.
    Decided {
        /// Where it is recorded.
        place: Place,
        /// Registered; otherwise refused.
        registered: bool,
        /// Who says so.
        by: Voice,
    },
    /// The recipient reported or answered.
    Handled {
        /// Where it is recorded.
        place: Place,
        /// The national status in the record.
        status: Option<u8>,
        /// Who says so.
        by: Voice,
    },
    /// Bounds by others.
    When {
        /// What is bounded.
        place: Place,
        /// Not before.
        earliest: Bound,
        /// Not after.
        latest: Bound,
    },
    /// The quorum cosigned.
    Witnessed {
        /// Tree size of the checkpoint.
        size: u64,
        /// Witnesses of the policy, with the time each gives.
        witnesses: Vec<(String, UnixMillis)>,
    },
    /// The tree stood no later than an authority says, and with it every receipt beneath it.
    Stamped {
        /// Tree size of the checkpoint.
        size: u64,
        /// What the token says.
        by: TimeStamp,
    },
    /// These bytes are the document's.
    Document {
        /// Their SHA-256.
        sha256: Digest,
        /// How many.
        size: u64,
    },
}

/// A leaf of a receipt log, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What happened.
    pub event: Event,
    /// The node that says so.
    pub node: NodeId,
    /// The life of its log.
    pub epoch: EpochId,
    /// Index of the leaf.
    pub leaf: u64,
    /// The recipient.
    pub recipient: Option<AgencyCode>,
    /// When, by this node.
    pub time: UnixMillis,
    /// When it was committed, by this node.
    pub committed: UnixMillis,
    /// Why, on a negative event.
    pub reason: Option<Code>,
    /// The clerk's words.
    pub remark: Option<String>,
    /// SHA-256 of the receipt.
    pub receipt: Digest,
}

/// Who says that the clerk decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voice {
    /// The agency: a statement under its own seal.
    Agency {
        /// Whose seal.
        signer: Signer,
        /// The node that sealed on the agency's behalf, by the statement.
        by_node: Option<NodeId>,
    },
    /// The agency's node alone.
    Node,
}

/// A moment, and who stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// When.
    pub at: UnixMillis,
    /// By whose clock.
    pub by: By,
}

/// Whose clock.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// The originator's: when it sealed.
    Originator(AgencyCode),
    /// Another node's: its commit.
    Node(NodeId),
    /// A witness's: its cosignature.
    Witness(String),
    /// A time-stamping authority's: the subject of its certificate.
    TimeStamp(String),
}

/// Why a claim is not proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The file was made under another root document of this network.
    OtherRoot(Digest),
    /// The file's directory, or its network, does not hold: see the faults.
    NoGround,
    /// The file does not hold the sealed dispatch.
    NoEnvelope,
    /// What would prove it is false: see the faults.
    Forged,
    /// No receipt of the originator's node says when it took custody.
    NoFirstCustody,
    /// The first node checked no revocation list.
    NotChecked,
    /// The revocation lists that the first node used are not in the file.
    NoLists(Digest),
    /// The lists in the file are too old to decide at that moment.
    ListsTooOld(UnixMillis),
    /// No receipt in the file says so.
    NoReceipt,
    /// The chain of receipts stops here.
    Gap {
        /// The node whose receipt is missing something.
        node: NodeId,
        /// The receipt that it rests on, and that is not here or does not carry it.
        upstream: Option<Digest>,
    },
    /// It was refused or given up on the way.
    Ended(Box<Place>),
    /// Nobody but its own node bounds it from above.
    NoLatest(Box<Place>),
    /// The clocks of those who bound it contradict each other.
    Clocks {
        /// What is bounded.
        place: Box<Place>,
        /// Not before.
        earliest: Bound,
        /// Not after: earlier than that.
        latest: Bound,
    },
    /// No checkpoint in the file covers it.
    NoCheckpoint,
    /// The policy does not name this log.
    LogNotInPolicy,
    /// Fewer witnesses than the policy asks for.
    NoQuorum {
        /// Those that cosigned.
        have: Vec<String>,
        /// Those that are missing, as the policy groups them.
        missing: Vec<String>,
    },
    /// A line by a key that neither directory nor policy names.
    UnknownWitness,
    /// The document is neither in the file nor at hand.
    NoDocument(Digest),
    /// Nobody told the verifier whose time-stamps count.
    StampNotChecked(Digest),
    /// The time-stamp is none of an authority that counts.
    StampRefused(Refusal),
    /// The policy in the file is its maker's; give it to the verifier to go by it.
    OtherPolicy(Digest),
    /// The node may not say this of that recipient, or stands outside the chain of receipts.
    NotAuthorised(Box<Place>),
}

impl Lack {
    /// Name for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Lack::OtherRoot(_) => "other_root",
            Lack::NoGround => "no_ground",
            Lack::NoEnvelope => "no_envelope",
            Lack::Forged => "forged",
            Lack::NoFirstCustody => "no_first_custody",
            Lack::NotChecked => "not_checked",
            Lack::NoLists(_) => "no_lists",
            Lack::ListsTooOld(_) => "lists_too_old",
            Lack::NoReceipt => "no_receipt",
            Lack::Gap { .. } => "gap",
            Lack::Ended(_) => "ended",
            Lack::NoLatest(_) => "no_latest",
            Lack::Clocks { .. } => "clocks",
            Lack::NoCheckpoint => "no_checkpoint",
            Lack::LogNotInPolicy => "log_not_in_policy",
            Lack::NoQuorum { .. } => "no_quorum",
            Lack::UnknownWitness => "unknown_witness",
            Lack::NoDocument(_) => "no_document",
            Lack::StampNotChecked(_) => "stamp_not_checked",
            Lack::StampRefused(_) => "stamp_refused",
            Lack::OtherPolicy(_) => "other_policy",
            Lack::NotAuthorised(_) => "not_authorised",
        }
    }
}

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The file as a whole.
    File,
    /// The head of the directory and the entries.
    Directory,
    /// The sealed dispatch.
    Dispatch,
    /// The receipt of this number, from 0.
    Receipt(usize),
    /// The revocation lists.
    Revocation,
    /// The checkpoint of this number, from 0, or a line or link of it.
    Checkpoint(usize),
    /// The statement of this number, from 0.
    Statement(usize),
    /// The document with this index in the envelope.
    Document(u8),
}

impl Part {
    /// Name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Part::File => "file",
            Part::Directory => "directory",
            Part::Dispatch => "dispatch",
            Part::Receipt(_) => "receipt",
            Part::Revocation => "revocation",
            Part::Checkpoint(_) => "checkpoint",
            Part::Statement(_) => "statement",
            Part::Document(_) => "document",
        }
    }

    /// Its number in the file, where there are several.
    pub const fn number(self) -> Option<usize> {
        match self {
            Part::Receipt(n) | Part::Checkpoint(n) | Part::Statement(n) => Some(n),
            Part::Document(n) => Some(n as usize),
            Part::File | Part::Directory | Part::Dispatch | Part::Revocation => None,
        }
    }
}

/// A part that is false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which.
    pub part: Part,
    /// What does not hold.
    pub refusal: Refusal,
}
