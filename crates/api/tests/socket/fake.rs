//! A node in memory, for these tests only: small, but with real behaviour behind every route.
//! A "sealed dispatch" is the text `ORIGINATOR|REFERENCE|RECIPIENT,RECIPIENT`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use tram_api::model::*;
use tram_api::service::{Fetched, Said, Submission, Upload};
use tram_api::{
    Base64, BodyStream, Caller, DocumentRead, Feed, OpenDocument, Problem, Reply, Role, Scope,
    Service,
};
use tram_dispatch::envelope::Sequence;
use tram_dispatch::{
    AgencyCode, Code, Digest, DispatchId, Event, NodeId, Reference, Succession, UnixMillis,
};

#[path = "fake/dispatches.rs"]
mod dispatches;
#[path = "fake_hosting.rs"]
pub mod hosting;
#[path = "fake/mailbox.rs"]
mod mailbox;
#[path = "fake/operation.rs"]
mod operation;
#[path = "fake_questions.rs"]
pub mod questions;
#[path = "fake/receipts.rs"]
mod receipts;
#[path = "fake/uploads.rs"]
mod uploads;

pub const NOW: UnixMillis = UnixMillis(1_795_302_001_234);

#[derive(Clone)]
pub struct Item {
    pub id: DispatchId,
    pub originator: AgencyCode,
    pub reference: Reference,
    pub recipients: Vec<AgencyCode>,
    pub sealed: Bytes,
    pub state: InboxState,
}

#[derive(Default)]
pub struct State {
    pub uploads: BTreeMap<(AgencyCode, Digest), UploadState>,
    pub items: Vec<Item>,
    pub inline: Vec<Option<usize>>,
    pub notices: Vec<EventNotice>,
    pub units: BTreeMap<(AgencyCode, DispatchId), Vec<UnitNoteView>>,
    pub largest_piece: usize,
    pub calls: u64,
}

#[derive(Default)]
pub struct Fake {
    pub state: Mutex<State>,
    pub changed: Notify,
    /// Bytes of the one large document that can be downloaded, and where reading it fails.
    pub document_bytes: u64,
    pub document_breaks_at: Option<u64>,
    pub refuse_uploads: bool,
    pub succession: Arc<Succession>,
}

/// Byte `i` of the large document.
pub fn pattern(i: u64) -> u8 {
    (i % 251) as u8
}

pub fn digest_of(bytes: &[u8]) -> [u8; 32] {
    // Not SHA-256: the socket passes digests through unread, so any 32 bytes do.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut out = [0; 32];
    for round in 0..4 {
        for b in bytes {
            hash = (hash ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3).rotate_left(round);
        }
        out[round as usize * 8..][..8].copy_from_slice(&hash.to_be_bytes());
    }
    out
}

impl Fake {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn node() -> NodeId {
        "n1.H41".parse().unwrap()
    }

    fn find(&self, id: DispatchId) -> Result<Item, Problem> {
        let state = self.lock();
        let found = state.items.iter().find(|i| i.id == id).cloned();
        found.ok_or_else(|| Problem::new(Code::NotFound, "no such dispatch"))
    }

    fn mine(&self, agency: &AgencyCode, id: DispatchId) -> Result<Item, Problem> {
        let item = self.find(id)?;
        if item.recipients.contains(agency) {
            return Ok(item);
        }
        Err(Problem::new(Code::NotFound, "not in this inbox"))
    }
}

fn signature() -> SignatureView {
    let verdict = SignatureVerdict::Verified;
    SignatureView { verdict, judged_at: Some(NOW.into()), revocation_checked: true }
}

fn page<T>(all: Vec<T>, after: Option<&str>, limit: Option<u32>) -> Page<T> {
    let start = after.and_then(|a| a.parse().ok()).unwrap_or(0_usize);
    let limit = limit.unwrap() as usize;
    let more = all.len() > start + limit;
    let items = all.into_iter().skip(start).take(limit).collect();
    Page { items, next: more.then(|| (start + limit).to_string()) }
}

impl Service for Fake {
    fn succession(&self) -> Arc<Succession> {
        self.succession.clone()
    }

    fn upload_state(
        &self,
        caller: Caller,
        agency: AgencyCode,
        sha256: Digest,
    ) -> Reply<'_, Option<UploadState>> {
        self.upload_state(caller, agency, sha256)
    }

    fn upload(&self, caller: Caller, upload: Upload, body: BodyStream) -> Reply<'_, UploadState> {
        self.upload(caller, upload, body)
    }

    fn submit(&self, caller: Caller, submission: Submission) -> Reply<'_, Accepted> {
        self.submit(caller, submission)
    }

    fn seal(
        &self,
        caller: Caller,
        reference: Reference,
        request: SealRequest,
    ) -> Reply<'_, Accepted> {
        self.seal(caller, reference, request)
    }

    fn track(&self, caller: Caller, dispatch: DispatchId) -> Reply<'_, Tracking> {
        self.track(caller, dispatch)
    }

    fn dispatches(
        &self,
        caller: Caller,
        query: DispatchQuery,
        scope: Scope,
    ) -> Reply<'_, Page<DispatchSummary>> {
        self.dispatches(caller, query, scope)
    }

    fn inbox(
        &self,
        caller: Caller,
        agency: AgencyCode,
        query: InboxQuery,
        wait: Duration,
    ) -> Reply<'_, Page<InboxItem>> {
        self.inbox(caller, agency, query, wait)
    }

    fn inbox_entry(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
    ) -> Reply<'_, InboxEntry> {
        self.inbox_entry(caller, agency, dispatch)
    }

    fn fetch(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
    ) -> Reply<'_, Fetched> {
        self.fetch(caller, agency, dispatch)
    }

    fn open_document(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        digest: Digest,
    ) -> Reply<'_, OpenDocument> {
        self.open_document(caller, agency, dispatch, digest)
    }

    fn confirm(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        request: ConfirmRequest,
    ) -> Reply<'_, Recorded> {
        self.confirm(caller, agency, dispatch, request)
    }

    fn register(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<RegisterRequest>,
    ) -> Reply<'_, Recorded> {
        self.register(caller, agency, dispatch, said)
    }

    fn refuse(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<RefuseRequest>,
    ) -> Reply<'_, Recorded> {
        self.refuse(caller, agency, dispatch, said)
    }

    fn report(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<StatusRequest>,
    ) -> Reply<'_, Recorded> {
        self.report(caller, agency, dispatch, said)
    }

    fn receipts(
        &self,
        caller: Caller,
        query: ReceiptQuery,
        scope: Scope,
    ) -> Reply<'_, Page<ReceiptView>> {
        self.receipts(caller, query, scope)
    }

    fn evidence(
        &self,
        caller: Caller,
        dispatch: DispatchId,
        query: EvidenceQuery,
    ) -> Reply<'_, Bytes> {
        self.evidence(caller, dispatch, query)
    }

    fn log_head(&self, caller: Caller) -> Reply<'_, LogHead> {
        self.log_head(caller)
    }

    fn log_anchor(&self, caller: Caller) -> Reply<'_, LogAnchor> {
        self.log_anchor(caller)
    }

    fn override_anchor(&self, caller: Caller, request: AnchorRequest) -> Reply<'_, Anchored> {
        self.override_anchor(caller, request)
    }

    fn log_timestamps(&self, caller: Caller) -> Reply<'_, LogTimeStamps> {
        self.log_timestamps(caller)
    }

    fn log_witnesses(&self, caller: Caller) -> Reply<'_, LogWitnesses> {
        self.log_witnesses(caller)
    }

    fn retention(&self, caller: Caller, query: RetentionQuery) -> Reply<'_, RetentionView> {
        self.retention(caller, query)
    }

    fn log_entries(&self, caller: Caller, query: EntriesQuery) -> Reply<'_, Bytes> {
        self.log_entries(caller, query)
    }

    fn inclusion(&self, caller: Caller, query: InclusionQuery) -> Reply<'_, Inclusion> {
        self.inclusion(caller, query)
    }

    fn consistency(&self, caller: Caller, query: ConsistencyQuery) -> Reply<'_, Consistency> {
        self.consistency(caller, query)
    }

    fn gaps(&self, caller: Caller, query: GapsQuery) -> Reply<'_, GapsReport> {
        self.gaps(caller, query)
    }

    fn void(
        &self,
        caller: Caller,
        agency: AgencyCode,
        sequence: Sequence,
        said: Said<VoidRequest>,
    ) -> Reply<'_, Voided> {
        self.void(caller, agency, sequence, said)
    }

    fn genesis(&self, caller: Caller) -> Reply<'_, GenesisView> {
        self.genesis(caller)
    }

    fn status(&self, caller: Caller) -> Reply<'_, StatusView> {
        self.status(caller)
    }

    fn peers(&self, caller: Caller) -> Reply<'_, Page<PeerView>> {
        self.peers(caller)
    }

    fn test_peer(&self, caller: Caller, node: NodeId) -> Reply<'_, PeerTest> {
        self.test_peer(caller, node)
    }

    fn queue(&self, caller: Caller, query: QueueQuery) -> Reply<'_, Page<QueueItem>> {
        self.queue(caller, query)
    }

    fn change_queue(
        &self,
        caller: Caller,
        dispatch: DispatchId,
        recipient: AgencyCode,
        action: QueueAction,
        request: QueueRequest,
    ) -> Reply<'_, QueueChange> {
        self.change_queue(caller, dispatch, recipient, action, request)
    }

    fn directory(&self, caller: Caller, query: DirectoryQuery) -> Reply<'_, DirectoryView> {
        self.directory(caller, query)
    }

    fn install_directory(&self, caller: Caller, body: BodyStream) -> Reply<'_, DirectoryInstalled> {
        self.install_directory(caller, body)
    }

    fn check_store(&self, caller: Caller, query: CheckQuery) -> Reply<'_, Feed<CheckLine>> {
        self.check_store(caller, query)
    }

    fn events(&self, caller: Caller, after: Option<String>) -> Reply<'_, Feed<EventNotice>> {
        self.events(caller, after)
    }
}
