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

#[path = "fake_hosting.rs"]
pub mod hosting;
#[path = "fake_questions.rs"]
pub mod questions;

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

    pub fn accept(
        &self,
        originator: AgencyCode,
        reference: Reference,
        recipients: Vec<AgencyCode>,
        sealed: Bytes,
    ) -> Result<Accepted, Problem> {
        let id = DispatchId(digest_of(&sealed));
        let mut state = self.lock();
        let earlier = state
            .items
            .iter()
            .find(|i| (&i.originator, &i.reference) == (&originator, &reference))
            .cloned();
        let repeat = earlier.is_some();
        let item = match earlier {
            Some(item) if item.id == id => item,
            Some(_) => return Err(Problem::new(Code::ReferenceReused, "other content")),
            None => {
                let state_ = InboxState::Waiting;
                let item = Item { id, originator, reference, recipients, sealed, state: state_ };
                state.items.push(item.clone());
                for recipient in &item.recipients {
                    let number = state.notices.len() + 1;
                    state.notices.push(EventNotice {
                        id: number.to_string(),
                        event: Happening::Evidence(Event::ContentConsignment).into(),
                        dispatch: id.into(),
                        originator: item.originator.clone().into(),
                        recipient: Some(recipient.clone().into()),
                        node: Self::node().into(),
                        at: NOW.into(),
                        status: None,
                        code: None,
                    });
                }
                item
            }
        };
        drop(state);
        self.changed.notify_waiters();
        Ok(Accepted {
            dispatch: id.into(),
            originator: item.originator.clone().into(),
            reference: item.reference.clone().into(),
            accepted_at: NOW.into(),
            receipt: Base64(b"receipt".to_vec()),
            legs: legs(&item),
            expanded: None,
            same_number: vec![],
            repeat,
        })
    }

    fn record(
        &self,
        agency: AgencyCode,
        id: DispatchId,
        to: InboxState,
        event: Event,
    ) -> Result<Recorded, Problem> {
        self.mine(&agency, id)?;
        let mut state = self.lock();
        let item = state.items.iter_mut().find(|i| i.id == id).unwrap();
        let repeat = item.state == to;
        item.state = to;
        Ok(Recorded {
            dispatch: id.into(),
            recipient: agency.into(),
            event: event.into(),
            at: NOW.into(),
            receipt: Base64(event.name().into()),
            repeat,
            statement: None,
        })
    }
}

fn with_statement<W>(done: Result<Recorded, Problem>, said: &Said<W>) -> Result<Recorded, Problem> {
    let statement = match said {
        Said::Words(_) => None,
        Said::Sealed(bytes) => Some(Base64(bytes.to_vec())),
    };
    done.map(|recorded| Recorded { statement, ..recorded })
}

fn legs(item: &Item) -> Vec<LegView> {
    let leg = |recipient: &AgencyCode| LegView {
        recipient: recipient.clone().into(),
        state: LegState::Consigned,
        outcome: Some(Outcome::Consigned),
        event: Some(Event::ContentConsignment.into()),
        status: None,
        peer: None,
        changed_at: NOW.into(),
        attempts: 1,
        next_attempt_at: None,
        code: None,
        remark: None,
    };
    item.recipients.iter().map(leg).collect()
}

fn signature() -> SignatureView {
    let verdict = SignatureVerdict::Verified;
    SignatureView { verdict, judged_at: Some(NOW.into()), revocation_checked: true }
}

fn inbox_item(item: &Item) -> InboxItem {
    InboxItem {
        dispatch: item.id.into(),
        recipient: item.recipients[0].clone().into(),
        originator: item.originator.clone().into(),
        reference: item.reference.clone().into(),
        number: None,
        kind: None,
        subject: "Về việc thử".into(),
        urgency: UrgencyLevel::Normal,
        due_on: None,
        consigned_at: NOW.into(),
        state: item.state,
        status: None,
        register_by: NOW.into(),
        overdue: false,
        act: SealActKind::New,
        acts: vec![],
        same_number: vec![],
        units: vec![],
        documents: 0,
        documents_bytes: 0,
    }
}

fn receipt(item: &Item, recipient: Option<&AgencyCode>, event: Event) -> ReceiptView {
    ReceiptView {
        digest: Digest([3; 32]).into(),
        event: event.into(),
        dispatch: item.id.into(),
        originator: item.originator.clone().into(),
        recipient: recipient.cloned().map(Into::into),
        node: Fake::node().into(),
        epoch: tram_dispatch::EpochId([4; 32]).into(),
        index: 1,
        tree_size: 2,
        at: NOW.into(),
        code: None,
        remark: None,
        authorised: true,
        raw: Base64(vec![0x83, 1, 2, 3]),
    }
}

fn page<T>(all: Vec<T>, after: Option<&str>, limit: Option<u32>) -> Page<T> {
    let start = after.and_then(|a| a.parse().ok()).unwrap_or(0_usize);
    let limit = limit.unwrap() as usize;
    let more = all.len() > start + limit;
    let items = all.into_iter().skip(start).take(limit).collect();
    Page { items, next: more.then(|| (start + limit).to_string()) }
}

struct Pattern {
    size: u64,
    breaks_at: Option<u64>,
}

impl DocumentRead for Pattern {
    fn read(&mut self, offset: u64, bytes_max: usize) -> Reply<'_, Bytes> {
        Box::pin(async move {
            if self.breaks_at.is_some_and(|at| offset >= at) {
                return Err(Problem::new(Code::StoreCorrupt, "damaged"));
            }
            let end = self.size.min(offset + bytes_max as u64);
            Ok((offset..end).map(pattern).collect::<Vec<u8>>().into())
        })
    }
}

impl Service for Fake {
    fn succession(&self) -> Arc<Succession> {
        self.succession.clone()
    }

    fn upload_state(
        &self,
        _: Caller,
        agency: AgencyCode,
        sha256: Digest,
    ) -> Reply<'_, Option<UploadState>> {
        Box::pin(async move { Ok(self.lock().uploads.get(&(agency, sha256)).cloned()) })
    }

    fn upload(&self, _: Caller, upload: Upload, mut body: BodyStream) -> Reply<'_, UploadState> {
        Box::pin(async move {
            if self.refuse_uploads {
                return Err(Problem::new(Code::Quota, "no more today").retry_after(3600));
            }
            let key = (upload.agency, upload.sha256);
            let mut state = UploadState {
                sha256: upload.sha256.into(),
                size: upload.size,
                offset: 0,
                complete: false,
                created: false,
            };
            let held = self.lock().uploads.get(&key).cloned();
            if let Some(held) = held {
                state = UploadState { created: false, ..held };
                if state.complete {
                    return Ok(state);
                }
            }
            if upload.offset != state.offset {
                let problem = Problem::new(Code::WrongState, "wrong offset");
                return Err(problem.at_offset(state.offset));
            }
            let mut done = Ok(());
            loop {
                match body.next().await {
                    Ok(None) => break,
                    Ok(Some(piece)) => {
                        for (i, byte) in piece.iter().enumerate().step_by(997) {
                            assert_eq!(*byte, pattern(state.offset + i as u64));
                        }
                        state.offset += piece.len() as u64;
                        let mut all = self.lock();
                        all.largest_piece = all.largest_piece.max(piece.len());
                    }
                    Err(problem) => {
                        done = Err(problem);
                        break;
                    }
                }
            }
            state.complete = state.offset == state.size;
            state.created = state.complete;
            self.lock().uploads.insert(key, state.clone());
            done.map(|()| state)
        })
    }

    fn submit(&self, caller: Caller, submission: Submission) -> Reply<'_, Accepted> {
        Box::pin(async move {
            self.lock().calls += 1;
            let bad = || Problem::new(Code::Malformed, "not a sealed dispatch");
            let text = std::str::from_utf8(&submission.sealed).map_err(|_| bad())?.to_owned();
            let parts: Vec<&str> = text.split('|').collect();
            let [originator, reference, recipients] = parts[..] else { return Err(bad()) };
            let originator: AgencyCode = originator.parse().map_err(|_| bad())?;
            caller.require(&[Role::Submit], &originator)?;
            let recipients = recipients.split(',').map(|r| r.parse().unwrap()).collect();
            let inline = submission.documents.iter().map(|d| d.as_ref().map(Bytes::len)).collect();
            self.lock().inline = inline;
            let reference = reference.parse().map_err(|_| bad())?;
            self.accept(originator, reference, recipients, submission.sealed)
        })
    }

    fn seal(&self, _: Caller, reference: Reference, request: SealRequest) -> Reply<'_, Accepted> {
        Box::pin(async move {
            let sealed = format!("{}|{reference}|{}", request.originator, request.metadata.subject);
            let recipients = request.recipients.into_iter().map(|r| r.0).collect();
            self.accept(request.originator.0, reference, recipients, sealed.into())
        })
    }

    fn track(&self, _: Caller, dispatch: DispatchId) -> Reply<'_, Tracking> {
        Box::pin(async move {
            let item = self.find(dispatch)?;
            Ok(Tracking {
                dispatch: item.id.into(),
                object: Digest([1; 32]).into(),
                originator: item.originator.clone().into(),
                reference: item.reference.clone().into(),
                subject: Some("Về việc thử".into()),
                signature: signature(),
                urgency: UrgencyLevel::Normal,
                issued_at: NOW.into(),
                expires_at: NOW.plus_ms(1000).into(),
                accepted_at: NOW.into(),
                previous: None,
                act: SealActKind::New,
                act_of: vec![],
                answers_to: vec![],
                acts: vec![],
                documents: vec![],
                legs: legs(&item),
                evidence: vec![],
            })
        })
    }

    fn dispatches(
        &self,
        _: Caller,
        query: DispatchQuery,
        _scope: Scope,
    ) -> Reply<'_, Page<DispatchSummary>> {
        // The scope is left out on purpose: the socket must not rely on it alone.
        Box::pin(async move {
            let state = self.lock();
            let wanted = |i: &&Item| {
                query.originator.as_ref().is_none_or(|o| o.0 == i.originator)
                    && query.reference.as_ref().is_none_or(|r| r.0 == i.reference)
            };
            let summary = |i: &Item| DispatchSummary {
                dispatch: i.id.into(),
                originator: i.originator.clone().into(),
                reference: i.reference.clone().into(),
                subject: Some("Về việc thử".into()),
                urgency: UrgencyLevel::Flash,
                accepted_at: NOW.into(),
                recipients: i.recipients.iter().cloned().map(Into::into).collect(),
                open: 0,
                consigned: 1,
                undelivered: 0,
                send_by: NOW.into(),
                late: 0,
                acknowledge_by: None,
                unacknowledged: 0,
            };
            let all = state.items.iter().filter(wanted).map(summary).collect();
            Ok(page(all, query.after.as_deref(), query.limit))
        })
    }

    fn inbox(
        &self,
        _: Caller,
        agency: AgencyCode,
        query: InboxQuery,
        wait: Duration,
    ) -> Reply<'_, Page<InboxItem>> {
        Box::pin(async move {
            let deadline = tokio::time::Instant::now() + wait;
            let start: usize = query.after.as_deref().map_or(0, |a| a.parse().unwrap());
            loop {
                let changed = self.changed.notified();
                let mut changed = std::pin::pin!(changed);
                changed.as_mut().enable();
                let (items, end) = {
                    let state = self.lock();
                    let wanted = |i: &&Item| {
                        i.recipients.contains(&agency) && query.state.is_none_or(|s| s == i.state)
                    };
                    let new = state.items.iter().skip(start).filter(wanted);
                    (new.map(inbox_item).collect::<Vec<_>>(), state.items.len())
                };
                if !items.is_empty() {
                    return Ok(Page { items, next: Some(end.to_string()) });
                }
                if tokio::time::timeout_at(deadline, changed).await.is_err() {
                    return Ok(Page { items: vec![], next: Some(start.to_string()) });
                }
            }
        })
    }

    fn inbox_entry(
        &self,
        _: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
    ) -> Reply<'_, InboxEntry> {
        Box::pin(async move {
            let item = self.mine(&agency, dispatch)?;
            Ok(InboxEntry {
                dispatch: item.id.into(),
                recipient: agency.into(),
                object: Digest([1; 32]).into(),
                sealed_bytes: item.sealed.len() as u64,
                originator: item.originator.into(),
                reference: item.reference.into(),
                recipients: item.recipients.into_iter().map(Into::into).collect(),
                metadata: SealMetadata {
                    subject: "Về việc thử".into(), ..Default::default()
                },
                act: SealActKind::New,
                act_of: vec![],
                documents: vec![],
                sealed_by: None,
                issued_at: NOW.into(),
                consigned_at: NOW.into(),
                state: item.state,
                acts: vec![],
                same_number: vec![],
                statuses: vec![],
                units: vec![],
                signature: signature(),
                remark: None,
            })
        })
    }

    fn fetch(&self, _: Caller, agency: AgencyCode, dispatch: DispatchId) -> Reply<'_, Fetched> {
        Box::pin(async move {
            let item = self.mine(&agency, dispatch)?;
            Ok(Fetched { sealed: item.sealed, token: format!("fetch-{}", dispatch.short()) })
        })
    }

    fn open_document(
        &self,
        _: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        _: Digest,
    ) -> Reply<'_, OpenDocument> {
        Box::pin(async move {
            self.mine(&agency, dispatch)?;
            let size = self.document_bytes;
            let reader = Box::new(Pattern { size, breaks_at: self.document_breaks_at });
            Ok(OpenDocument { size, media_type: "application/pdf".into(), reader })
        })
    }

    fn confirm(
        &self,
        _: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        request: ConfirmRequest,
    ) -> Reply<'_, Recorded> {
        Box::pin(async move {
            if request.fetch != format!("fetch-{}", dispatch.short()) {
                return Err(Problem::new(Code::WrongState, "not the token of the last fetch"));
            }
            self.record(agency, dispatch, InboxState::HandedOver, Event::ContentHandover)
        })
    }

    fn register(
        &self,
        _: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<RegisterRequest>,
    ) -> Reply<'_, Recorded> {
        Box::pin(async move {
            let done =
                self.record(agency, dispatch, InboxState::Registered, Event::ConsignmentAcceptance);
            with_statement(done, &said)
        })
    }

    fn refuse(
        &self,
        _: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<RefuseRequest>,
    ) -> Reply<'_, Recorded> {
        Box::pin(async move {
            let done =
                self.record(agency, dispatch, InboxState::Refused, Event::ConsignmentRejection);
            with_statement(done, &said)
        })
    }

    fn report(
        &self,
        _: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<StatusRequest>,
    ) -> Reply<'_, Recorded> {
        Box::pin(async move {
            let done = self.record(agency, dispatch, InboxState::Registered, Event::HandlingStatus);
            with_statement(done, &said)
        })
    }

    fn receipts(
        &self,
        _: Caller,
        query: ReceiptQuery,
        _scope: Scope,
    ) -> Reply<'_, Page<ReceiptView>> {
        Box::pin(async move {
            let state = self.lock();
            let wanted = |i: &&Item| query.dispatch.is_none_or(|d| d.0 == i.id);
            let all = state.items.iter().filter(wanted).flat_map(|i| {
                let one = |r| receipt(i, Some(r), Event::ContentConsignment);
                let first = receipt(i, None, Event::SubmissionAcceptance);
                std::iter::once(first).chain(i.recipients.iter().map(one)).collect::<Vec<_>>()
            });
            Ok(page(all.collect(), query.after.as_deref(), query.limit))
        })
    }

    fn evidence(&self, _: Caller, _: DispatchId, query: EvidenceQuery) -> Reply<'_, Bytes> {
        Box::pin(async move {
            let what: &[u8] = if query.documents { b"evidence, documents" } else { b"evidence" };
            Ok(Bytes::from_static(what))
        })
    }

    fn log_head(&self, _: Caller) -> Reply<'_, LogHead> {
        Box::pin(async move {
            Ok(LogHead {
                network: tram_dispatch::NetworkId([9; 32]).into(),
                node: Self::node().into(),
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                size: 2,
                root: Digest([5; 32]).into(),
                at: NOW.into(),
                checkpoint: "n1.H41\n2\nBQUF\n\n— n1 sig\n".into(),
            })
        })
    }

    fn log_anchor(&self, _: Caller) -> Reply<'_, LogAnchor> {
        Box::pin(async move {
            Ok(LogAnchor {
                node: Self::node().into(),
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                signing: true,
                code: None,
                said: None,
                anchored_by: None,
                file: "/anchor/n1.H41.anchor".into(),
            })
        })
    }

    fn override_anchor(&self, _: Caller, request: AnchorRequest) -> Reply<'_, Anchored> {
        Box::pin(async move { Ok(Anchored { receipt: Base64(request.reason.into_bytes()) }) })
    }

    fn log_timestamps(&self, _: Caller) -> Reply<'_, LogTimeStamps> {
        Box::pin(async move {
            Ok(LogTimeStamps {
                node: Self::node().into(),
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                size: 2,
                standing: None,
                stamps: vec![],
            })
        })
    }

    fn log_witnesses(&self, _: Caller) -> Reply<'_, LogWitnesses> {
        Box::pin(async move {
            Ok(LogWitnesses {
                node: Self::node().into(),
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                size: 2,
                checkpoint: "n1.H41\n2\nBQUF\n\n— n1 sig\n".into(),
                by_position: true,
                policy: "quorum none\n".into(),
                reached: true,
                missing: vec![],
                quorum: None,
                witnesses: vec![],
            })
        })
    }

    fn retention(&self, _: Caller, query: RetentionQuery) -> Reply<'_, RetentionView> {
        Box::pin(async move {
            Ok(RetentionView {
                policy: None,
                moment: NOW.into(),
                removed_today: query.limit.unwrap_or(0).into(),
                limited: query.due == Some(true),
                trouble: None,
                items: Vec::new(),
                next: query.after,
            })
        })
    }

    fn log_entries(&self, _: Caller, query: EntriesQuery) -> Reply<'_, Bytes> {
        let entry = [&[0, 32][..], &[query.index as u8; 32]].concat();
        Box::pin(async move { Ok(entry.repeat(query.width).into()) })
    }

    fn inclusion(&self, _: Caller, query: InclusionQuery) -> Reply<'_, Inclusion> {
        Box::pin(async move {
            Ok(Inclusion {
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                index: query.index,
                size: query.size,
                leaf: Digest([6; 32]).into(),
                root: Digest([5; 32]).into(),
                path: vec![Digest([7; 32]).into()],
            })
        })
    }

    fn consistency(&self, _: Caller, query: ConsistencyQuery) -> Reply<'_, Consistency> {
        Box::pin(async move {
            Ok(Consistency {
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                old: query.old,
                new: query.new,
                old_root: Digest([5; 32]).into(),
                new_root: Digest([6; 32]).into(),
                path: vec![],
            })
        })
    }

    fn gaps(&self, _: Caller, query: GapsQuery) -> Reply<'_, GapsReport> {
        Box::pin(async move {
            let gap = Gap {
                number: query.from.unwrap_or(1),
                class: GapClass::NeverSeen,
                since: NOW.into(),
                code: None,
                detail: None,
                dispatch: None,
                receipt: None,
                statement: None,
                proof: None,
            };
            Ok(GapsReport {
                agency: query.agency,
                node: Self::node().into(),
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                at: NOW.into(),
                grace_s: query.grace_s.unwrap_or(86_400),
                numberings: vec![Numbering {
                    series: query.series,
                    newest: 2,
                    present: 1,
                    repeated: Vec::new(),
                    gaps: vec![gap],
                    next: None,
                }],
                more_series: false,
            })
        })
    }

    fn void(
        &self,
        _: Caller,
        agency: AgencyCode,
        sequence: Sequence,
        said: Said<VoidRequest>,
    ) -> Reply<'_, Voided> {
        let Sequence { series, number } = sequence;
        let statement = match said {
            Said::Words(request) => request.reason.into_bytes(),
            Said::Sealed(bytes) => bytes.to_vec(),
        };
        Box::pin(async move {
            let (agency, receipt) = (agency.into(), Base64(vec![1]));
            Ok(Voided { agency, series, number, statement: Base64(statement), receipt })
        })
    }

    fn genesis(&self, _: Caller) -> Reply<'_, GenesisView> {
        Box::pin(async move {
            Ok(GenesisView {
                node: Self::node().into(),
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                started_at: NOW.into(),
                genesis: Base64(vec![1]),
                receipt_key: Base64(vec![2]),
                checkpoint_key: Base64(vec![3]),
            })
        })
    }

    fn status(&self, _: Caller) -> Reply<'_, StatusView> {
        Box::pin(async move {
            Ok(StatusView {
                node: Self::node().into(),
                network: tram_dispatch::NetworkId([9; 32]).into(),
                network_name: "trial".into(),
                version: "0.1.0".into(),
                state: NodeState::Ready,
                alarms: vec![],
                started_at: NOW.into(),
                now: NOW.into(),
                agencies: vec![],
                queue: QueueCounts::default(),
                peers_connected: 0,
                peers: 1,
                directory_version: 1,
                directory_expires_at: None,
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                log_size: 2,
                store_bytes: 1,
                free_bytes: 2,
                certificates: vec![],
                time_stamps: None,
                webhooks: Vec::new(),
                drop_folders: Vec::new(),
                proofs: vec![],
                revocation: vec![],
                limits: LimitsView::default(),
            })
        })
    }

    fn peers(&self, _: Caller) -> Reply<'_, Page<PeerView>> {
        Box::pin(async move { Ok(Page::default()) })
    }

    fn test_peer(&self, _: Caller, node: NodeId) -> Reply<'_, PeerTest> {
        Box::pin(async move { Ok(PeerTest { node: node.into(), ok: true, steps: vec![] }) })
    }

    fn queue(&self, _: Caller, _: QueueQuery) -> Reply<'_, Page<QueueItem>> {
        Box::pin(async move { Ok(Page::default()) })
    }

    fn change_queue(
        &self,
        _: Caller,
        dispatch: DispatchId,
        recipient: AgencyCode,
        action: QueueAction,
        _: QueueRequest,
    ) -> Reply<'_, QueueChange> {
        Box::pin(async move {
            Ok(QueueChange {
                dispatch: dispatch.into(),
                recipient: recipient.into(),
                action,
                state: LegState::OnHold,
                receipt: None,
            })
        })
    }

    fn directory(&self, _: Caller, query: DirectoryQuery) -> Reply<'_, DirectoryView> {
        Box::pin(async move {
            let agency = DirectoryAgency {
                code: "H41".parse::<AgencyCode>().unwrap().into(),
                name: query.find.unwrap_or_default(),
                tier: 2,
                former: vec![],
                parent: None,
                node: Some(Self::node().into()),
                open: true,
                successor: None,
                reaches: None,
                contact: None,
                from: None,
                until: None,
            };
            Ok(DirectoryView {
                network: tram_dispatch::NetworkId([9; 32]).into(),
                version: 1,
                digest: Digest([8; 32]).into(),
                issued_at: NOW.into(),
                expires_at: NOW.into(),
                entries: 1,
                items: vec![agency],
                next: None,
            })
        })
    }

    fn install_directory(&self, _: Caller, mut body: BodyStream) -> Reply<'_, DirectoryInstalled> {
        Box::pin(async move {
            while body.next().await?.is_some() {}
            Ok(DirectoryInstalled {
                version: 2,
                digest: Digest([8; 32]).into(),
                expires_at: NOW.into(),
                entries: body.received_bytes(),
                changed: true,
            })
        })
    }

    fn check_store(&self, _: Caller, query: CheckQuery) -> Reply<'_, Feed<CheckLine>> {
        Box::pin(async move {
            let (sender, feed) = mpsc::channel(1);
            tokio::spawn(async move {
                for done in 1..=3 {
                    let phase = "journal".to_owned();
                    let _ = sender.send(CheckLine::Progress { phase, done, total: 3 }).await;
                }
                if query.documents == Some(false) {
                    return;
                }
                let report = CheckReport {
                    ok: true,
                    at: NOW.into(),
                    batches: 3,
                    dispatches: 0,
                    legs: 0,
                    leaves: 0,
                    documents: 0,
                    documents_bytes: 0,
                    damages: vec![],
                };
                let _ = sender.send(CheckLine::Report(report)).await;
            });
            Ok(feed)
        })
    }

    fn events(&self, _: Caller, after: Option<String>) -> Reply<'_, Feed<EventNotice>> {
        Box::pin(async move {
            let start: usize = after.map_or(0, |a| a.parse().unwrap_or(0));
            let waiting: Vec<_> = self.lock().notices.iter().skip(start).cloned().collect();
            let (sender, feed) = mpsc::channel(64);
            tokio::spawn(async move {
                for notice in waiting {
                    if sender.send(notice).await.is_err() {
                        return;
                    }
                }
                sender.closed().await;
            });
            Ok(feed)
        })
    }
}
