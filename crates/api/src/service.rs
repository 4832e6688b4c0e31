//! What a node must be able to do: the port behind the socket.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tram_dispatch::envelope::Sequence;
use tram_dispatch::{AgencyCode, Digest, DispatchId, NodeId, Reference, Succession};

use crate::model::{
    Accepted, AnchorRequest, Anchored, CheckLine, CheckQuery, ConfirmRequest, Consistency,
    ConsistencyQuery, DirectoryInstalled, DirectoryQuery, DirectoryView, DispatchQuery,
    DispatchSummary, EntriesQuery, EventNotice, EvidenceQuery, GapsQuery, GapsReport, GenesisView,
    InboxEntry, InboxItem, InboxQuery, Inclusion, InclusionQuery, LogAnchor, LogHead,
    LogTimeStamps, LogWitnesses, Page, PeerTest, PeerView, QueueAction, QueueChange, QueueItem,
    QueueQuery, QueueRequest, ReceiptQuery, ReceiptView, Recorded, RefuseRequest, RegisterRequest,
    RetentionQuery, RetentionView, SealRequest, StatusRequest, StatusView, Tracking, UploadState,
    VoidRequest, Voided,
};
use crate::server::BodyStream;
use crate::{Caller, Problem, Scope};

/// The answer to one call; write `Box::pin(async move { … })`.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

/// Things that come one after the other: closing the sender ends the answer. The channel's
/// capacity is the bound; a sender that finds it full waits, or drops the listener.
pub type Feed<T> = mpsc::Receiver<T>;

/// One part of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The agency that the document belongs to; checked against the caller.
    pub agency: AgencyCode,
    /// Digest of the whole document.
    pub sha256: Digest,
    /// Length of the whole document in bytes, within the limit.
    pub size: u64,
    /// Where the body begins.
    pub offset: u64,
}

/// A sealed dispatch as handed in: parsed only as far as its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The sealed bytes, within the limit.
    pub sealed: Bytes,
    /// The documents in the order of the envelope; `None` where uploaded before. Empty where the
    /// sealed bytes came alone: then every document was uploaded before.
    pub documents: Vec<Option<Bytes>>,
}

/// Something that an agency says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said<W> {
    /// In words; under the agency's seal where the node holds its key.
    Words(W),
    /// A statement that the agency sealed itself: its bytes, within the limit.
    Sealed(Bytes),
}

impl<W> Said<W> {
    /// The same with other words.
    pub fn map<V>(self, words: impl FnOnce(W) -> V) -> Said<V> {
        match self {
            Said::Words(said) => Said::Words(words(said)),
            Said::Sealed(bytes) => Said::Sealed(bytes),
        }
    }
}

/// The sealed bytes of a consigned dispatch, given to its recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The sealed bytes.
    pub sealed: Bytes,
    /// Token that the confirmation repeats: visible ASCII, at most 256 bytes.
    pub token: String,
}

/// A document opened for reading.
pub struct OpenDocument {
    /// Length in bytes.
    pub size: u64,
    /// Media type as the originator wrote it.
    pub media_type: String,
    /// Where its bytes come from.
    pub reader: Box<dyn DocumentRead>,
}

/// Reads a document piece by piece; dropped when the caller has all, or goes away.
pub trait DocumentRead: Send + 'static {
    /// Between 1 and `bytes_max` bytes from `offset`, which is below the document's size.
    fn read(&mut self, offset: u64, bytes_max: usize) -> Reply<'_, Bytes>;
}

/// The node, as the socket sees it.
///
/// Every call is made only after the route's role was checked, and where path or query name an
/// agency, for that agency. What the caller sealed is known only after parsing: `submit` must ask
/// [`Caller::require`] for the originator with [`crate::Role::Submit`] itself. Listings get the
/// [`Scope`] that the caller may see and return nothing outside it (the socket drops what is, as
/// a second line). A future may be dropped at any point when its caller goes away: what must
/// happen then still happens, or had no effect.
pub trait Service: crate::Questions + crate::Hosting {
    /// Whose the mailboxes of closed agencies are, by the directory in force; the same value as long as
    /// that stays.
    fn succession(&self) -> Arc<Succession> {
        Arc::default()
    }

    /// How far an upload is; `None` where nothing is known of it.
    fn upload_state(
        &self,
        caller: Caller,
        agency: AgencyCode,
        sha256: Digest,
    ) -> Reply<'_, Option<UploadState>>;

    /// Takes part of a document. Bytes that arrived before a cut are kept, to be continued; a
    /// wrong offset is `WRONG_STATE` with [`Problem::at_offset`].
    fn upload(&self, caller: Caller, upload: Upload, body: BodyStream) -> Reply<'_, UploadState>;

    /// Takes custody of a sealed dispatch; answers once it is durable.
    fn submit(&self, caller: Caller, submission: Submission) -> Reply<'_, Accepted>;

    /// Seals with the originator's key in the node's key provider, then as `submit`.
    fn seal(
        &self,
        caller: Caller,
        reference: Reference,
        request: SealRequest,
    ) -> Reply<'_, Accepted>;

    /// All about one dispatch.
    fn track(&self, caller: Caller, dispatch: DispatchId) -> Reply<'_, Tracking>;

    /// Dispatches of which originator or a recipient is in scope.
    fn dispatches(
        &self,
        caller: Caller,
        query: DispatchQuery,
        scope: Scope,
    ) -> Reply<'_, Page<DispatchSummary>>;

    /// The mailbox of an agency. Where nothing matches, waits up to `wait` for something; the page
    /// always has a `next`.
    fn inbox(
        &self,
        caller: Caller,
        agency: AgencyCode,
        query: InboxQuery,
        wait: Duration,
    ) -> Reply<'_, Page<InboxItem>>;

    /// One consigned dispatch.
    fn inbox_entry(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
    ) -> Reply<'_, InboxEntry>;

    /// Its sealed bytes and a fetch token; first step of the handover.
    fn fetch(&self, caller: Caller, agency: AgencyCode, dispatch: DispatchId)
    -> Reply<'_, Fetched>;

    /// Opens one of its documents.
    fn open_document(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        sha256: Digest,
    ) -> Reply<'_, OpenDocument>;

    /// Second step of the handover: the recipient's system has it.
    fn confirm(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        request: ConfirmRequest,
    ) -> Reply<'_, Recorded>;

    /// The clerk registers it.
    fn register(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<RegisterRequest>,
    ) -> Reply<'_, Recorded>;

    /// The clerk refuses it.
    fn refuse(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<RefuseRequest>,
    ) -> Reply<'_, Recorded>;

    /// The recipient's system says how far it is, or answers a recall or an update.
    fn report(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<StatusRequest>,
    ) -> Reply<'_, Recorded>;

    /// Receipts of which originator or recipient is in scope. For one dispatch the socket has
    /// asked `track` whether the caller may see it, and then gives [`Scope::All`].
    fn receipts(
        &self,
        caller: Caller,
        query: ReceiptQuery,
        scope: Scope,
    ) -> Reply<'_, Page<ReceiptView>>;

    /// The evidence file of a dispatch that the socket has asked `track` about.
    fn evidence(
        &self,
        caller: Caller,
        dispatch: DispatchId,
        query: EvidenceQuery,
    ) -> Reply<'_, Bytes>;

    /// Newest durable state of the receipt log.
    fn log_head(&self, caller: Caller) -> Reply<'_, LogHead>;

    /// Who cosigned the log, and whether that is enough.
    fn log_witnesses(&self, caller: Caller) -> Reply<'_, LogWitnesses>;

    /// What the anchor says of the log.
    fn log_anchor(&self, caller: Caller) -> Reply<'_, LogAnchor>;

    /// Lets an unanchored log go on.
    fn override_anchor(&self, caller: Caller, request: AnchorRequest) -> Reply<'_, Anchored>;

    /// The time-stamps on the log.
    fn log_timestamps(&self, caller: Caller) -> Reply<'_, LogTimeStamps>;

    /// Entries of the log as an entry bundle (C2SP tlog-tiles); the query's width is checked, the log's
    /// size is not.
    fn log_entries(&self, caller: Caller, query: EntriesQuery) -> Reply<'_, Bytes>;

    /// Inclusion proof; the query's `index < size` is checked, the log's size is not.
    fn inclusion(&self, caller: Caller, query: InclusionQuery) -> Reply<'_, Inclusion>;

    /// Consistency proof; `1 <= old <= new` is checked, the log's size is not.
    fn consistency(&self, caller: Caller, query: ConsistencyQuery) -> Reply<'_, Consistency>;

    /// Which numbers of an agency are missing, and why; the query's limit is set.
    fn gaps(&self, caller: Caller, query: GapsQuery) -> Reply<'_, GapsReport>;

    /// Declares a number void.
    fn void(
        &self,
        caller: Caller,
        agency: AgencyCode,
        sequence: Sequence,
        said: Said<VoidRequest>,
    ) -> Reply<'_, Voided>;

    /// The genesis leaf.
    fn genesis(&self, caller: Caller) -> Reply<'_, GenesisView>;

    /// The node at a glance.
    fn status(&self, caller: Caller) -> Reply<'_, StatusView>;

    /// The adjacent nodes.
    fn peers(&self, caller: Caller) -> Reply<'_, Page<PeerView>>;

    /// Tries the way to one peer, step by step.
    fn test_peer(&self, caller: Caller, node: NodeId) -> Reply<'_, PeerTest>;

    /// The legs that still need something done.
    fn queue(&self, caller: Caller, query: QueueQuery) -> Reply<'_, Page<QueueItem>>;

    /// Holds, releases, retries or drops one leg.
    fn change_queue(
        &self,
        caller: Caller,
        dispatch: DispatchId,
        recipient: AgencyCode,
        action: QueueAction,
        request: QueueRequest,
    ) -> Reply<'_, QueueChange>;

    /// The policy of retention, and what is due when; the query's limit is set.
    fn retention(&self, caller: Caller, query: RetentionQuery) -> Reply<'_, RetentionView>;

    /// The installed directory.
    fn directory(&self, caller: Caller, query: DirectoryQuery) -> Reply<'_, DirectoryView>;

    /// Verifies and installs a signed directory file.
    fn install_directory(&self, caller: Caller, body: BodyStream) -> Reply<'_, DirectoryInstalled>;

    /// Checks the store; the last line sent is a report or a problem.
    fn check_store(&self, caller: Caller, query: CheckQuery) -> Reply<'_, Feed<CheckLine>>;

    /// Evidence events as they become durable, those after `after` first. Closing the feed tells a
    /// listener that fell behind to ask again from the last event it saw.
    fn events(&self, caller: Caller, after: Option<String>) -> Reply<'_, Feed<EventNotice>>;
}
