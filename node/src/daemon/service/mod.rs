//! The node behind the local socket.

mod acts;
mod anchor;
mod audit;
pub(crate) mod checkpoints;
mod convert;
mod cursor;
mod decisions;
mod directory;
mod events;
mod evidence;
mod gaps;
mod groups;
mod handling;
mod hosting;
mod inbox;
mod mailbox;
mod numbers;
mod operate;
pub(crate) mod places;
mod questions;
mod quotas;
mod retention;
mod statistics;
mod status;
mod story;
mod submit;
mod tiles;
mod time_stamps;
mod touched;
mod tracking;
mod types;
mod units;
mod upload;
mod witnesses;

use std::sync::Arc;
use std::time::Duration;

use tram_api::model::*;
use tram_api::service::{Fetched, OpenDocument, Said, Submission, Upload};
use tram_api::{BodyStream, Caller, Feed, Problem, Reply, Scope, Service};
use tram_dispatch::envelope::Sequence;
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, NodeId, Reference, Status, Succession};

use super::context::Context;
use super::core::Stopping;
use super::readers::Unread;

pub(crate) use numbers::close_stale_beside;
pub(crate) use operate::check_report;

/// The service of one running node.
#[derive(Clone)]
pub(crate) struct NodeService {
    pub(crate) context: Arc<Context>,
}

/// When to ask again while the store waits for room.
const WAITS_S: u64 = 30;

impl From<Stopping> for Problem {
    fn from(Stopping(waits): Stopping) -> Self {
        match waits {
            None => Problem::busy("the node is stopping", 5),
            Some(code) => Problem::new(code, "whether it was done is not known yet; ask again")
                .retry_after(WAITS_S),
        }
    }
}

/// A store that cannot be read.
fn storage(e: impl std::fmt::Display) -> Problem {
    Problem::new(Code::StorageFailed, e.to_string())
}

/// A problem of the store, by its own code.
fn store_problem(e: tram_spool::store::StoreError) -> Problem {
    Problem::new(e.code(), e.explain())
}

/// A cursor of a store listing.
fn cursor(text: Option<&str>) -> Result<Option<tram_spool::store::Cursor>, Problem> {
    let parse = |t: &str| {
        t.parse().map_err(|_| Problem::bad_request("after: not a cursor of this listing"))
    };
    text.map(parse).transpose()
}

/// Runs something that may block off the socket's loop.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Problem::new(Code::Internal, e.to_string()))?
}

impl NodeService {
    /// Reads what lies in the store, after what is on its way.
    async fn reading<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.context.readers.run(work).await.map_err(|e| match e {
            Unread::Busy => Problem::busy(e.to_string(), 1),
            Unread::Broken => Problem::new(Code::Internal, e.to_string()),
        })?
    }
}

/// Receipts as bytes, and whether they repeat an earlier answer.
type Settled = (Vec<Arc<[u8]>>, bool);

/// "Later", with the time to try again.
fn later(code: Code, retry_ms: u64) -> Problem {
    let detail = match code {
        Code::Quota => "nothing was recorded; `tram status` shows the agency's quota",
        Code::Busy => "nothing was recorded; `tram status` shows what is full",
        Code::BusyStorage => "nothing was recorded; there is no room for more documents",
        _ => "not now",
    };
    Problem::new(code, detail).retry_after(retry_ms.div_ceil(1000).max(1))
}

/// The answer of the engine as this API gives it.
fn settled(reply: tram_engine::Reply) -> Result<Settled, Problem> {
    match reply {
        tram_engine::Reply::Done { receipts, repeat, .. } => Ok((receipts, repeat)),
        tram_engine::Reply::Refused { code, detail, receipt } => {
            let evidence = receipt.map_or(String::new(), |raw| {
                format!(" (receipt {})", tram_dispatch::id::hex(&tram_crypto::sha256(&raw)))
            });
            Err(Problem::new(code, format!("{detail}{evidence}")))
        }
        tram_engine::Reply::Later { code, retry_ms } => Err(later(code, retry_ms)),
        tram_engine::Reply::Assigned { .. } => {
            Err(Problem::new(Code::Internal, "the engine answered with a number"))
        }
    }
}

impl Service for NodeService {
    fn succession(&self) -> Arc<Succession> {
        self.context.succession()
    }

    fn upload_state(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        sha256: Digest,
    ) -> Reply<'_, Option<UploadState>> {
        Box::pin(self.do_upload_state(agency, sha256))
    }

    fn upload(&self, _caller: Caller, upload: Upload, body: BodyStream) -> Reply<'_, UploadState> {
        // In a task of its own: a client that goes away in the middle ends the body, not this, and
        // what came is kept for resuming.
        let node = self.clone();
        let task = tokio::spawn(async move { node.do_upload(upload, body).await });
        Box::pin(async { task.await.map_err(|e| Problem::new(Code::Internal, e.to_string()))? })
    }

    fn submit(&self, caller: Caller, submission: Submission) -> Reply<'_, Accepted> {
        Box::pin(self.do_submit(caller, submission))
    }

    fn seal(
        &self,
        _caller: Caller,
        reference: Reference,
        request: SealRequest,
    ) -> Reply<'_, Accepted> {
        Box::pin(self.do_seal(reference, request))
    }

    fn track(&self, caller: Caller, dispatch: DispatchId) -> Reply<'_, Tracking> {
        Box::pin(self.do_track(caller, dispatch))
    }

    fn dispatches(
        &self,
        _caller: Caller,
        query: DispatchQuery,
        scope: Scope,
    ) -> Reply<'_, Page<DispatchSummary>> {
        Box::pin(self.do_dispatches(query, scope))
    }

    fn inbox(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        query: InboxQuery,
        wait: Duration,
    ) -> Reply<'_, Page<InboxItem>> {
        Box::pin(self.do_inbox(agency, query, wait))
    }

    fn inbox_entry(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
    ) -> Reply<'_, InboxEntry> {
        Box::pin(self.do_inbox_entry(agency, dispatch))
    }

    fn fetch(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
    ) -> Reply<'_, Fetched> {
        Box::pin(self.do_fetch(agency, dispatch))
    }

    fn open_document(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        sha256: Digest,
    ) -> Reply<'_, OpenDocument> {
        Box::pin(self.do_open_document(agency, dispatch, sha256))
    }

    fn confirm(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        request: ConfirmRequest,
    ) -> Reply<'_, Recorded> {
        Box::pin(self.do_confirm(agency, dispatch, request))
    }

    fn register(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<RegisterRequest>,
    ) -> Reply<'_, Recorded> {
        let said = said.map(|request| (Status::Accepted, request.remark));
        Box::pin(self.do_decide(agency, dispatch, (&[Status::Accepted], None), said))
    }

    fn refuse(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<RefuseRequest>,
    ) -> Reply<'_, Recorded> {
        let cause = match &said {
            Said::Words(request) => request.cause.map(|cause| match cause {
                RefusalCause::WrongAddressee => Code::WrongAddressee,
                RefusalCause::DocumentUnsound => Code::DocumentUnsound,
            }),
            Said::Sealed(_) => None,
        };
        let said = said.map(|request| (Status::Refused, Some(request.reason)));
        Box::pin(self.do_decide(agency, dispatch, (&[Status::Refused], cause), said))
    }

    fn report(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<StatusRequest>,
    ) -> Reply<'_, Recorded> {
        const ASKED: &[Status] = &[
            Status::Assigned,
            Status::Processing,
            Status::Completed,
            Status::Agreed,
            Status::Declined,
        ];
        let said = said.map(|request| (request.status.0, request.remark));
        Box::pin(self.do_decide(agency, dispatch, (ASKED, None), said))
    }

    fn receipts(
        &self,
        _caller: Caller,
        query: ReceiptQuery,
        scope: Scope,
    ) -> Reply<'_, Page<ReceiptView>> {
        Box::pin(self.do_receipts(query, scope))
    }

    fn evidence(
        &self,
        _caller: Caller,
        dispatch: DispatchId,
        query: EvidenceQuery,
    ) -> Reply<'_, bytes::Bytes> {
        Box::pin(self.do_evidence(dispatch, query))
    }

    fn log_head(&self, _caller: Caller) -> Reply<'_, LogHead> {
        Box::pin(self.do_log_head())
    }

    fn log_witnesses(&self, _caller: Caller) -> Reply<'_, LogWitnesses> {
        Box::pin(self.do_log_witnesses())
    }

    fn log_anchor(&self, _caller: Caller) -> Reply<'_, LogAnchor> {
        Box::pin(self.do_log_anchor())
    }

    fn override_anchor(&self, _caller: Caller, request: AnchorRequest) -> Reply<'_, Anchored> {
        Box::pin(self.do_override_anchor(request))
    }

    fn log_timestamps(&self, _caller: Caller) -> Reply<'_, LogTimeStamps> {
        Box::pin(self.do_log_timestamps())
    }

    fn retention(&self, _caller: Caller, query: RetentionQuery) -> Reply<'_, RetentionView> {
        Box::pin(self.do_retention(query))
    }

    fn log_entries(&self, _caller: Caller, query: EntriesQuery) -> Reply<'_, bytes::Bytes> {
        Box::pin(self.do_log_entries(query))
    }

    fn inclusion(&self, _caller: Caller, query: InclusionQuery) -> Reply<'_, Inclusion> {
        Box::pin(self.do_inclusion(query))
    }

    fn consistency(&self, _caller: Caller, query: ConsistencyQuery) -> Reply<'_, Consistency> {
        Box::pin(self.do_consistency(query))
    }

    fn gaps(&self, _caller: Caller, query: GapsQuery) -> Reply<'_, GapsReport> {
        Box::pin(self.do_gaps(query))
    }

    fn void(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        sequence: Sequence,
        said: Said<VoidRequest>,
    ) -> Reply<'_, Voided> {
        Box::pin(self.do_void(agency, sequence, said))
    }

    fn genesis(&self, _caller: Caller) -> Reply<'_, GenesisView> {
        Box::pin(self.do_genesis())
    }

    fn status(&self, _caller: Caller) -> Reply<'_, StatusView> {
        Box::pin(self.do_status())
    }

    fn peers(&self, _caller: Caller) -> Reply<'_, Page<PeerView>> {
        Box::pin(self.do_peers())
    }

    fn test_peer(&self, _caller: Caller, node: NodeId) -> Reply<'_, PeerTest> {
        Box::pin(self.do_test_peer(node))
    }

    fn queue(&self, _caller: Caller, query: QueueQuery) -> Reply<'_, Page<QueueItem>> {
        Box::pin(self.do_queue(query))
    }

    fn change_queue(
        &self,
        _caller: Caller,
        dispatch: DispatchId,
        recipient: AgencyCode,
        action: QueueAction,
        request: QueueRequest,
    ) -> Reply<'_, QueueChange> {
        Box::pin(self.do_change_queue(dispatch, recipient, action, request))
    }

    fn directory(&self, _caller: Caller, query: DirectoryQuery) -> Reply<'_, DirectoryView> {
        Box::pin(self.do_directory(query))
    }

    fn install_directory(
        &self,
        _caller: Caller,
        body: BodyStream,
    ) -> Reply<'_, DirectoryInstalled> {
        Box::pin(self.do_install_directory(body))
    }

    fn check_store(&self, _caller: Caller, query: CheckQuery) -> Reply<'_, Feed<CheckLine>> {
        Box::pin(self.do_check_store(query))
    }

    fn events(&self, caller: Caller, after: Option<String>) -> Reply<'_, Feed<EventNotice>> {
        Box::pin(self.do_events(caller, after))
    }
}
