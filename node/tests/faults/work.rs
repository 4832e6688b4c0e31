//! The work of every run, and what must hold at its end: three dispatches from one node to another, one of
//! which meets a fault on the way. A small reference model says what was acknowledged.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};
use tram_api::model::{InboxQuery, LegState, QueueAction, QueueQuery, ReceiptQuery};
use tram_api::{Client, ClientError};
use tram_crypto::sha256;
use tram_dispatch::{Code, Digest, DispatchId, Event};
use tram_wire::SealedDispatch;

use crate::preload::{self, Fault};
use crate::support::evidence::{check_store, eventually, receipts};
use crate::support::sealing::document;
use crate::support::{Network, Node, Plan, Program, agency, node_id};

/// Longest wait for one step. A step is repeated until it succeeds.
const STEP_MAX: Duration = Duration::from_secs(90);
/// Longest wait for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(30);
/// Starts that one fault may cost. A second one happens where what it left shows only then.
const ENDS_MAX: usize = 3;
/// Calls of a kind that a start makes before it takes anything, about.
const RECOVERY_CALLS: u64 = 8;
/// Too large for the journal: kept as a file.
const LARGE_BYTES: usize = 150 << 10;
/// What an agency may be told while a disk fails. Whatever else it is told is a fault of the node.
const EXPECTED: [Code; 7] = [
    Code::NodeUnreachable,
    Code::Busy,
    Code::BusyStorage,
    Code::StorageFailed,
    Code::StorageReadOnly,
    Code::DocumentMissing,
    Code::Quarantined,
];

/// A dispatch with its documents.
struct Prepared {
    sealed: SealedDispatch,
    documents: Vec<Vec<u8>>,
}

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// The file that the fault met; `None` if the run had no such call.
    pub(crate) met: Option<String>,
    /// Faults that came to pass: more than one where it was killed again while it recovered.
    pub(crate) injected: usize,
    /// How the node ended before it was told to.
    pub(crate) ends: Vec<ExitStatus>,
    /// Legs that were set aside, until the operator let them go on.
    pub(crate) set_aside: usize,
    /// Codes of the answers that were errors.
    pub(crate) errors: BTreeSet<Code>,
    pub(crate) acknowledged: usize,
    /// Acknowledged and not delivered.
    pub(crate) lost: usize,
    /// Delivered more than once.
    pub(crate) duplicated: usize,
    /// Receipts that verified offline.
    pub(crate) receipts: usize,
}

/// What does not change during a run.
struct Scene {
    network: Network,
    prepared: Vec<Prepared>,
    /// Legs that the operator let go on.
    released: Cell<usize>,
}

pub(crate) struct Work {
    scene: Scene,
    nodes: Vec<Node>,
    victim: usize,
    acknowledged: BTreeMap<DispatchId, Vec<u8>>,
    verdict: Verdict,
    /// Where the process after the one that was killed is killed.
    again: Option<(&'static str, u64)>,
}

impl Work {
    /// A network of two nodes, one of which has the fault.
    pub(crate) fn new(fault: &Fault) -> Self {
        let network = Network::create(&Plan::tiers(2));
        let mut nodes: Vec<Node> =
            network.nodes.iter().map(|f| Node::new(f.clone(), Program::tram())).collect();
        let victim = fault.tier;
        let errno = fault.action.1;
        let program = preload::faulty(&network.nodes[victim], fault.kind, fault.at, errno);
        nodes[victim].set_program(program);
        nodes.iter_mut().for_each(Node::start);
        let prepared = (0..3).map(|i| prepare(&network, i)).collect();
        let (acknowledged, verdict) = (BTreeMap::new(), Verdict::default());
        let scene = Scene { network, prepared, released: Cell::new(0) };
        let kind = ["sync", "write", "open"][fault.at as usize % 3];
        let again = fault.kills().then_some((kind, fault.at % RECOVERY_CALLS + 1));
        Work { scene, nodes, victim, acknowledged, verdict, again }
    }

    /// Does all of it; gives what came of it, and how many calls of each kind were counted.
    pub(crate) async fn run(mut self) -> (Verdict, [u64; preload::KINDS.len()]) {
        let ids: Vec<DispatchId> = self.scene.prepared.iter().map(|p| p.sealed.id()).collect();
        // One that is thrown away: its file is removed.
        self.until("a refused upload", async |s| s.refused_upload().await).await;
        for (i, id) in ids.iter().enumerate() {
            let receipt = self.until("a submission", async |s| s.submit(i).await).await;
            self.acknowledged.insert(*id, receipt);
        }
        self.until("all are in the inbox", async |s| {
            let there: BTreeSet<DispatchId> = s.inbox().await?.into_iter().collect();
            if there.len() == ids.len() {
                return Ok(Some(()));
            }
            s.release().await.map(|()| None)
        })
        .await;
        self.until("the large document", async |s| match s.fetch(1).await {
            Err(e) if e.code() == Code::Quarantined => s.release().await.map(|()| None),
            other => other,
        })
        .await;
        self.until("the hand-over", async |s| {
            let fetched = s.client(1).fetch(&agency(1), ids[1]).await?;
            s.client(1).confirm(&agency(1), ids[1], &fetched.token).await.map(|_| Some(()))
        })
        .await;
        self.until("the clerk's answer", async |s| {
            let remark = Some("Số đến 1".to_owned());
            s.client(1).register(&agency(1), ids[1], remark).await.map(|_| Some(()))
        })
        .await;
        // Ending in order makes calls too.
        let victim = &mut self.nodes[self.victim];
        let status = victim.stop().await;
        if !status.success() {
            self.verdict.ends.push(status);
        }
        let files = victim.files.clone();
        let counted = preload::counted(&files);
        self.verdict.met = preload::met(&files);
        self.verdict.injected = preload::injected(&files);
        victim.set_program(Program::tram());
        victim.start();
        victim.answers().await;
        self.verdict.set_aside = self.scene.released.get();
        self.judge(&ids).await;
        (self.verdict, counted)
    }

    /// Repeats a step until it gives something. A node that ended is started again, without the fault.
    async fn until<T>(
        &mut self,
        what: &str,
        step: impl AsyncFn(&Scene) -> Result<Option<T>, ClientError>,
    ) -> T {
        let deadline = Instant::now() + STEP_MAX;
        loop {
            let node = &mut self.nodes[self.victim];
            if let Some(status) = node.ended() {
                self.verdict.ends.push(status);
                assert!(self.verdict.ends.len() <= ENDS_MAX, "it ends always:\n{}", node.tail());
                node.set_program(match self.again.take() {
                    // Killed once more, while it recovers.
                    Some((kind, at)) => preload::faulty(&node.files, kind, at, 0),
                    None => Program::tram(),
                });
                node.start();
            }
            match timeout(ANSWER_MAX, step(&self.scene)).await {
                Ok(Ok(Some(done))) => return done,
                Ok(Ok(None)) | Err(_) => {}
                // It starts.
                Ok(Err(ClientError::Unreachable { .. })) => {}
                Ok(Err(e)) => {
                    assert!(EXPECTED.contains(&e.code()), "{what}: {e}");
                    self.verdict.errors.insert(e.code());
                }
            }
            if Instant::now() > deadline {
                let tails: Vec<String> = self.nodes.iter().map(Node::tail).collect();
                panic!("still not: {what}\n{}", tails.join("\n\n"));
            }
            sleep(PAUSE).await;
        }
    }

    /// What must hold when the fault is over.
    async fn judge(&mut self, ids: &[DispatchId]) {
        let Scene { network, .. } = &self.scene;
        let (centre, province) = (self.scene.client(0), self.scene.client(1));
        let there = self.scene.inbox().await.expect("an inbox");
        let once: BTreeSet<DispatchId> = there.iter().copied().collect();
        self.verdict.acknowledged = self.acknowledged.len();
        self.verdict.lost = self.acknowledged.keys().filter(|id| !once.contains(id)).count();
        self.verdict.duplicated = there.len() - once.len();
        let expected = |id: &DispatchId| {
            let later = [Event::ContentHandover, Event::ConsignmentAcceptance];
            let later = later.into_iter().filter(|_| *id == ids[1]);
            let mut events = vec![
                (Event::SubmissionAcceptance, node_id(0)),
                (Event::ContentConsignment, node_id(1)),
            ];
            events.extend(later.map(|event| (event, node_id(1))));
            events.sort();
            events
        };
        eventually("every receipt came back, once", || async {
            let mut found = receipts(network, &centre).await;
            found.values_mut().for_each(|events| events.sort());
            found == ids.iter().map(|id| (*id, expected(id))).collect()
        })
        .await;
        self.verdict.receipts = receipts(network, &centre).await.values().map(Vec::len).sum();
        // What was given out before the fault is what the log says now, byte for byte.
        let query = ReceiptQuery { limit: Some(500), ..ReceiptQuery::default() };
        let listed = centre.receipts(&query).await.expect("receipts");
        let listed: BTreeSet<&[u8]> = listed.items.iter().map(|i| &i.raw.0[..]).collect();
        for (id, receipt) in &self.acknowledged {
            assert!(listed.contains(&receipt[..]), "{id}: another receipt than the one given out");
        }
        check_store(&centre).await;
        check_store(&province).await;
    }
}

impl Scene {
    fn client(&self, tier: usize) -> Client {
        Client::new(&self.network.nodes[tier].socket)
    }

    /// Hands one in, with its documents; gives the receipt.
    async fn submit(&self, i: usize) -> Result<Option<Vec<u8>>, ClientError> {
        let Prepared { sealed, documents } = &self.prepared[i];
        let client = self.client(0);
        let mut along = Vec::new();
        for bytes in documents {
            if bytes.len() < LARGE_BYTES {
                along.push(Some(bytes.clone().into()));
                continue;
            }
            let (digest, size) = (Digest(sha256(bytes)), bytes.len() as u64);
            let file = tokio::fs::File::from_std(temporary(bytes));
            client.upload_resuming(&agency(0), digest, size, file, |_| {}).await?;
            along.push(None);
        }
        client.submit(sealed.raw(), &along).await.map(|a| Some(a.receipt.0))
    }

    /// Brings other bytes than it said.
    async fn refused_upload(&self) -> Result<Option<()>, ClientError> {
        let size = LARGE_BYTES as u64;
        let file = tokio::fs::File::from_std(temporary(&vec![1; LARGE_BYTES]));
        let other = Digest(sha256(b"other"));
        match self.client(0).upload_resuming(&agency(0), other, size, file, |_| {}).await {
            Ok(_) => panic!("these are not the bytes"),
            Err(e) if e.code() == Code::DocumentDigestMismatch => Ok(Some(())),
            Err(e) => Err(e),
        }
    }

    /// The operator looks at what was set aside because it could not be read, and lets it go on: the
    /// disk is well again.
    async fn release(&self) -> Result<(), ClientError> {
        let query = QueueQuery { state: Some(LegState::Quarantined), ..QueueQuery::default() };
        for client in [self.client(0), self.client(1)] {
            for item in client.queue(&query).await?.items {
                // One of which nothing can be read comes back by itself.
                let Some(recipient) = item.recipient else { continue };
                let (dispatch, recipient) = (item.dispatch.0, recipient.0);
                match client.change_queue(dispatch, &recipient, QueueAction::Release, None).await {
                    // It came back by itself meanwhile.
                    Err(e) if e.code() == Code::WrongState => continue,
                    changed => drop(changed?),
                }
                self.released.set(self.released.get() + 1);
            }
        }
        Ok(())
    }

    async fn inbox(&self) -> Result<Vec<DispatchId>, ClientError> {
        let query = InboxQuery { limit: Some(500), ..InboxQuery::default() };
        let page = self.client(1).inbox(&agency(1), &query).await?;
        Ok(page.items.iter().map(|i| i.dispatch.0).collect())
    }

    /// Fetches the large document of one and compares it.
    async fn fetch(&self, i: usize) -> Result<Option<()>, ClientError> {
        let Prepared { sealed, documents } = &self.prepared[i];
        let digest = Digest(sha256(&documents[0]));
        let mut download = self.client(1).download(&agency(1), sealed.id(), digest, 0).await?;
        let mut got = Vec::new();
        while let Some(piece) = download.next().await? {
            got.extend_from_slice(&piece);
        }
        assert!(got == documents[0], "the document is another one");
        Ok(Some(()))
    }
}

/// The second of them has a large document, and a small one.
fn prepare(network: &Network, i: usize) -> Prepared {
    let small = format!("văn bản {i}").into_bytes();
    let large: Vec<u8> = (0..LARGE_BYTES).map(|at| (at * 31 + at / 251) as u8).collect();
    let documents = if i == 1 { vec![large, small] } else { vec![small] };
    let named = documents
        .iter()
        .enumerate()
        .map(|(n, bytes)| document(&format!("{n}.bin"), bytes.len() as u64, Digest(sha256(bytes))));
    let envelope = network.envelope(0, &[1], &format!("{i}/LỖI"), named.collect());
    Prepared { sealed: network.seal(&envelope), documents }
}

pub(crate) fn temporary(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("room on the disk");
    file.rewind().expect("a file can be read again");
    file
}
