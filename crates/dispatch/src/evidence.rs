//! Evidence: every recorded fact about a dispatch, named as in ETSI EN 319 522-1.

use crate::envelope::Sequence;
use crate::{AgencyCode, Code, Digest, DispatchId, EpochId, NetworkId, NodeId, UnixMillis};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The first node took custody.
    SubmissionAcceptance,
    /// The first node refused; the signer was authenticated.
    SubmissionRejection,
    /// The next node took custody toward this recipient.
    RelayAcceptance,
    /// The next node refused this recipient, for good.
    RelayRejection,
    /// The present custodian gives the leg up: expired, no route, or returned to the peer before.
    RelayFailure,
    /// The recipient's node holds it durably for the recipient (national status 01).
    ContentConsignment,
    /// The recipient's node cannot hold it for the recipient.
    ContentConsignmentFailure,
    /// The recipient's own system took it and confirmed.
    ContentHandover,
    /// The recipient's own system cannot be given it.
    ContentHandoverFailure,
    /// The clerk registered it (national status 03).
    ConsignmentAcceptance,
    /// The clerk refused it, with a reason (national status 02).
    ConsignmentRejection,
    /// The recipient neither registered nor refused in time.
    AcceptanceRejectionExpiry,
    /// The first node took a signed statement that a number of the originator's series stays unused.
    /// Not an event of ETSI: it is about no dispatch, and the record's dispatch id names the statement.
    SequenceVoid,
    /// The recipient's system says how far the registered document is: assigned, processing or
    /// completed (national status 04 to 06). Each change is a record of its own.
    HandlingStatus,
    /// The recipient agrees to what an act asks for: to give an earlier dispatch back, or to take
    /// its update (national status 15). About the dispatch that asks.
    ActAcceptance,
    /// The recipient does not agree, with a reason (national status 16). About the dispatch that
    /// asks.
    ActRejection,
    /// The recipient cancelled an earlier dispatch, since it agreed to give it back. About the
    /// earlier dispatch; `related` names the one that asked.
    Withdrawal,
    /// The operator let the log go on though nothing outside the store vouched for its end. Not an event
    /// of ETSI: it is about no dispatch, and the record's dispatch id is the epoch id.
    AnchorOverride,
    /// The node removes documents after their time, by its policy of retention. Not an event of ETSI:
    /// it is about what the node keeps, and changes nothing about a leg.
    DocumentsRemoval,
    /// An event of a later version, by its number: kept and passed on, without effect here.
    Unknown(u8),
}

impl Event {
    /// Every event of this version, in numeric order.
    pub const ALL: [Event; 19] = [
        Event::SubmissionAcceptance,
        Event::SubmissionRejection,
        Event::RelayAcceptance,
        Event::RelayRejection,
        Event::RelayFailure,
        Event::ContentConsignment,
        Event::ContentConsignmentFailure,
        Event::ContentHandover,
        Event::ContentHandoverFailure,
        Event::ConsignmentAcceptance,
        Event::ConsignmentRejection,
        Event::AcceptanceRejectionExpiry,
        Event::SequenceVoid,
        Event::HandlingStatus,
        Event::ActAcceptance,
        Event::ActRejection,
        Event::Withdrawal,
        Event::AnchorOverride,
        Event::DocumentsRemoval,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Event::SubmissionAcceptance => 1,
            Event::SubmissionRejection => 2,
            Event::RelayAcceptance => 3,
            Event::RelayRejection => 4,
            Event::RelayFailure => 5,
            Event::ContentConsignment => 6,
            Event::ContentConsignmentFailure => 7,
            Event::ContentHandover => 8,
            Event::ContentHandoverFailure => 9,
            Event::ConsignmentAcceptance => 10,
            Event::ConsignmentRejection => 11,
            Event::AcceptanceRejectionExpiry => 12,
            Event::SequenceVoid => 13,
            Event::HandlingStatus => 14,
            Event::ActAcceptance => 15,
            Event::ActRejection => 16,
            Event::Withdrawal => 17,
            Event::AnchorOverride => 18,
            Event::DocumentsRemoval => 30,
            Event::Unknown(number) => number,
        }
    }

    /// The event of this version with this number.
    pub fn from_number(n: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.number() == n)
    }

    /// Reads the number on the wire; one of a later version is kept. Zero is none.
    pub fn read(n: u8) -> Option<Self> {
        Self::from_number(n).or((n > 0).then_some(Event::Unknown(n)))
    }

    /// The ETSI name.
    pub const fn name(self) -> &'static str {
        match self {
            Event::SubmissionAcceptance => "SubmissionAcceptance",
            Event::SubmissionRejection => "SubmissionRejection",
            Event::RelayAcceptance => "RelayAcceptance",
            Event::RelayRejection => "RelayRejection",
            Event::RelayFailure => "RelayFailure",
            Event::ContentConsignment => "ContentConsignment",
            Event::ContentConsignmentFailure => "ContentConsignmentFailure",
            Event::ContentHandover => "ContentHandover",
            Event::ContentHandoverFailure => "ContentHandoverFailure",
            Event::ConsignmentAcceptance => "ConsignmentAcceptance",
            Event::ConsignmentRejection => "ConsignmentRejection",
            Event::AcceptanceRejectionExpiry => "AcceptanceRejectionExpiry",
            Event::SequenceVoid => "SequenceVoid",
            Event::HandlingStatus => "HandlingStatus",
            Event::ActAcceptance => "ActAcceptance",
            Event::ActRejection => "ActRejection",
            Event::Withdrawal => "Withdrawal",
            Event::AnchorOverride => "AnchorOverride",
            Event::DocumentsRemoval => "DocumentsRemoval",
            Event::Unknown(_) => "UnknownEvent",
        }
    }

    /// What the event says, in Vietnamese, for tables meant for people.
    pub const fn name_vi(self) -> &'static str {
        match self {
            Event::SubmissionAcceptance => "Đã tiếp nhận gửi",
            Event::SubmissionRejection => "Từ chối gửi",
            Event::RelayAcceptance => "Nút kế tiếp đã nhận",
            Event::RelayRejection => "Nút kế tiếp từ chối",
            Event::RelayFailure => "Không chuyển tiếp được",
            Event::ContentConsignment => "Đã đến nơi nhận",
            Event::ContentConsignmentFailure => "Không lưu được tại nơi nhận",
            Event::ContentHandover => "Hệ thống nơi nhận đã lấy",
            Event::ContentHandoverFailure => "Không bàn giao được",
            Event::ConsignmentAcceptance => "Đã vào sổ",
            Event::ConsignmentRejection => "Nơi nhận trả lại",
            Event::AcceptanceRejectionExpiry => "Quá hạn vào sổ",
            Event::SequenceVoid => "Số bỏ trống",
            Event::HandlingStatus => "Trạng thái xử lý",
            Event::ActAcceptance => "Đồng ý yêu cầu",
            Event::ActRejection => "Không đồng ý yêu cầu",
            Event::Withdrawal => "Đã hủy theo thu hồi",
            Event::AnchorOverride => "Ghi tiếp nhật ký không có neo",
            Event::DocumentsRemoval => "Đã hủy văn bản hết hạn lưu",
            Event::Unknown(_) => "Sự kiện của phiên bản mới hơn",
        }
    }

    /// Who may say it about a leg: the recipient's hosting node, or any node that held it.
    pub const fn only_recipient_node(self) -> bool {
        matches!(
            self,
            Event::ContentConsignment
                | Event::ContentConsignmentFailure
                | Event::ContentHandover
                | Event::ContentHandoverFailure
                | Event::ConsignmentAcceptance
                | Event::ConsignmentRejection
                | Event::AcceptanceRejectionExpiry
                | Event::HandlingStatus
                | Event::ActAcceptance
                | Event::ActRejection
                | Event::Withdrawal
        )
    }
}

/// One recorded fact. Its bytes, salted, are what a leaf of the receipt log commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRecord {
    /// What happened.
    pub event: Event,
    /// The network.
    pub network: NetworkId,
    /// The node that says so.
    pub node: NodeId,
    /// The epoch of that node's receipt log.
    pub epoch: EpochId,
    /// The dispatch.
    pub dispatch: DispatchId,
    /// SHA-256 of the whole sealed object as received; absent when nothing of a refused secret
    /// dispatch may be kept.
    pub object: Option<Digest>,
    /// Who the dispatch claims, and for accepted ones proved, as originator.
    pub originator: AgencyCode,
    /// The recipient whose leg this is about; absent when it is about the whole dispatch.
    pub recipient: Option<AgencyCode>,
    /// The node's own running number of custody decisions.
    pub custody: u64,
    /// The first node's running number of this originator's submissions, accepted or refused with
    /// evidence: from 1, without a gap, in the order of the leaves.
    pub admission: Option<u64>,
    /// Commit time at the node: never earlier than the record before it in the same log.
    pub time: UnixMillis,
    /// Why, on every negative event.
    pub reason: Option<Code>,
    /// The clerk's own words, where a person refused.
    pub remark: Option<String>,
    /// National status code 01 to 16, where the event carries one.
    pub status: Option<u8>,
    /// The peer that handed it over; absent at the first node.
    pub previous: Option<NodeId>,
    /// SHA-256 of the upstream receipt this custody rests on.
    pub upstream: Option<Digest>,
    /// Digest of the directory head used.
    pub directory: Option<Digest>,
    /// Digest of the revocation data used.
    pub revocation: Option<Digest>,
    /// Digest of a statement sealed by the agency itself.
    pub attestation: Option<Digest>,
    /// The digest already held under the same reference, when that is why it was refused.
    pub other_object: Option<Digest>,
    /// The originator's own number, where the envelope has one; on what the first node says of a
    /// submission, and on a void statement.
    pub sequence: Option<Sequence>,
    /// Another dispatch that this event comes of: of a withdrawal, the recall.
    pub related: Option<DispatchId>,
    /// What is removed, and by which rule; on a removal of documents, and nowhere else.
    pub removal: Option<Box<Removal>>,
}

/// Documents that a node removes after their time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// SHA-256 of the file of the policy.
    pub policy: Digest,
    /// The name of its rule.
    pub rule: String,
    /// The newest evidence about the dispatch that the node had: days count from here.
    pub since: UnixMillis,
    /// For how many days the rule keeps them.
    pub days: u64,
    /// The documents, by digest, 1 to [`REMOVED_MAX`](crate::limits::REMOVED_MAX); where there are more,
    /// more records follow.
    pub documents: Vec<Digest>,
}

/// The first leaf of every receipt log; its leaf hash is the epoch id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The network.
    pub network: NetworkId,
    /// The node.
    pub node: NodeId,
    /// SubjectPublicKeyInfo (DER) of the receipt key.
    pub receipt_key: Vec<u8>,
    /// SubjectPublicKeyInfo (DER) of the checkpoint key.
    pub checkpoint_key: Vec<u8>,
    /// When the epoch began.
    pub started_at: UnixMillis,
    /// The last good checkpoint (signed note) of the epoch before, if there was one.
    pub previous: Option<Vec<u8>>,
}
