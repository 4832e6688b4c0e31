//! The JSON of the contract. Requests refuse unknown fields; answers may grow new ones, so
//! clients ignore what they do not know.

mod act;
mod audit;
mod directory;
mod dispatch;
mod document;
mod doors;
mod event;
mod group;
mod hosting;
mod inbox;
mod node;
mod numbers;
mod queue;
mod quota;
mod receipt;
mod retention;
mod seal;
mod status;
mod store;
mod unit;
mod upload;

pub use act::{ActAnswer, ActKind, ActView, RefusalCause};
pub use audit::{
    BetweenQuery, Durations, KeyItem, KeyQuery, KeyUse, NumberedQuery, OverdueItem, OverdueQuery,
    OverdueView, RefusalsQuery, StatisticsBy, StatisticsParty, StatisticsQuery, StatisticsRow,
    StatisticsView,
};
pub use directory::{DirectoryAgency, DirectoryInstalled, DirectoryQuery, DirectoryView};
pub use dispatch::{
    Accepted, DispatchQuery, DispatchSummary, EvidenceView, LegState, LegView, Outcome, Tracking,
};
pub use document::{DocumentView, FirstBytes, TypeRemark};
pub use doors::{DropFolderView, WebhookView};
pub use event::{EventNotice, Happening};
pub use group::{
    ExpandedView, GroupView, LeftOutReason, LeftOutView, RecipientView, RecipientsQuery,
    RecipientsView,
};
pub use hosting::{AccountView, HostedAgency, HostedQuery, MailboxCounts};
pub use inbox::{
    ConfirmRequest, InboxEntry, InboxItem, InboxQuery, InboxState, Recorded, RefuseRequest,
    RegisterRequest,
};
pub use node::{
    Alarm, CertificateView, NodeState, PeerRelation, PeerTest, PeerTestStep, PeerView, QueueCounts,
    RevocationView, StatusView,
};
pub use numbers::{
    AdmissionLeaf, Gap, GapClass, GapsQuery, GapsReport, Numbering, Suppression, VoidRequest,
    Voided,
};
pub use queue::{QueueAction, QueueChange, QueueItem, QueueQuery, QueueRequest};
pub use quota::{AgencyQuotaView, Gauge, LimitsView, MailboxQuotaView, PeerQuotaView};
pub use receipt::{
    AnchorRequest, Anchored, Consistency, ConsistencyQuery, DispatchReceiptsQuery, EntriesQuery,
    EvidenceQuery, GenesisView, Inclusion, InclusionQuery, LogAnchor, LogHead, LogTimeStamps,
    LogWitnesses, QuorumView, ReceiptQuery, ReceiptView, TimeStampView, TimeStampsStanding,
    WitnessView,
};
pub use retention::{
    RetentionItem, RetentionPolicyView, RetentionQuery, RetentionRuleView, RetentionView,
};
pub use seal::{
    SealAct, SealActKind, SealDocument, SealMetadata, SealRelated, SealRequest, SealSigner,
    SecrecyMark, UrgencyLevel, misplaced_mark,
};
pub use status::{HandlingView, SignatureVerdict, SignatureView, StatusRequest};
pub use store::{CheckLine, CheckQuery, CheckReport};
pub use unit::{
    ForwardRequest, MarkRequest, UnitItem, UnitNoteView, UnitQuery, UnitState, UnitView,
    UnitsRecorded,
};
pub use upload::{EventsQuery, UploadQuery, UploadState, UploadStateQuery};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the order of the listing.
    pub items: Vec<T>,
    /// Give it as `after` to get what follows. Absent at the end of a listing; an inbox always
    /// has one, because new dispatches follow. Opaque: its form may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Page { items: Vec::new(), next: None }
    }
}
