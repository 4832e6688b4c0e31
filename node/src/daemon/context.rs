//! What every part of the running daemon shares.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use tokio::sync::Semaphore;
use tram_api::Problem;
use tram_config::Config;
use tram_crypto::Sign;
use tram_dispatch::{AgencyCode, Code, Digest, EpochId, NetworkId, NodeId, Succession, UnixMillis};
use tram_engine::quota::Doors;
use tram_spool::documents::{
    DocumentError, DocumentReader, DocumentStore, PartialUploads, Uploads,
};
use tram_spool::store::{Document, StoreError, StoreReader};
use tram_tlog::policy::Policy;
use tram_transport::Session;
use tram_trust::{Root, Verifier};

use super::alarms::Alarms;
use super::claims::Claims;
use super::core::Core;
use super::directories::Passing;
use super::hand::Hands;
use super::link::Asking;
use super::looks::Looks;
use super::pins::Pins;
use super::readers::Readers;
use super::recent::Recent;
use super::revocation::CrlFiles;
use super::seals::Seals;
use super::standings::Standings;

/// The daemon's shared parts.
pub(crate) struct Context {
    pub config: Config,
    pub me: NodeId,
    pub network: NetworkId,
    pub epoch: EpochId,
    pub root: Arc<Root>,
    pub core: Core,
    pub store: StoreReader,
    pub documents: DocumentStore,
    pub seals: Seals,
    pub pins: Pins,
    pub uploads: Arc<Uploads>,
    pub partial_uploads: PartialUploads,
    pub budgets: Budgets,
    pub readers: Readers,
    /// Counts of legs, and until when they are not counted anew.
    pub leg_counts: tokio::sync::Mutex<Option<([u64; 6], std::time::Instant)>>,
    pub started_at: UnixMillis,
    pub sessions: Sessions,
    pub recent: Recent,
    pub looks: Looks,
    pub doors: Doors,
    pub claims: Claims,
    /// Directories on their way between nodes.
    pub passing: Passing,
    pub hands: Arc<Hands>,
    pub alarms: Alarms,
    pub revocation: CrlFiles,
    stopping: AtomicBool,
    /// Set once the QUIC thread has bound it.
    pub endpoint: std::sync::OnceLock<tram_transport::Endpoint>,
    /// Set once the door for other machines is open, where there is one.
    pub door: std::sync::OnceLock<Arc<super::door::Registry>>,
    verifier: RwLock<Arc<Verifier>>,
    pub(super) checkpoint_key: Box<dyn Sign>,
    /// When, what size, the note.
    /// Who waits for proofs over other nodes' logs.
    pub proving: super::proving::Proving,
    pub(super) published: Mutex<Option<(u64, u64, Vec<u8>)>>,
    /// Whose cosignatures the own checkpoints need, where that is configured.
    pub witness_policy: Option<Policy>,
    /// The policy by which documents are removed after their time.
    pub retention: super::retention::Retention,
    /// The log as static files.
    pub public_log: super::tiles::PublicLog,
    /// How far the receivers of events are.
    pub webhooks: Standings<super::webhooks::Standing>,
    /// What should have left, or be known to have arrived.
    pub overdue: super::overdue::Overdue,
    /// How the drop folders do.
    pub drop_folders: Standings<super::drop_folder::Standing>,
    /// Time-stamps from outside.
    pub time_stamps: super::time_stamps::TimeStamps,
    /// What the parent's parent was asked to cosign.
    pub asking: Mutex<Asking>,
    serial: AtomicU64,
}

/// Memory of transfers taken from all peers together, bytes: frames, and documents small enough for
/// the journal. A session has a share of it, see `link::gates`.
const TRANSFERS_BYTES_MAX: usize = 64 << 20;

/// What all sessions and clients share. Each permit is given back when its work ends.
pub(crate) struct Budgets {
    /// Memory of transfers, in KiB.
    pub transfer_kib: Arc<Semaphore>,
    /// Larger checks at a time: as many as there are processors, whatever peers and clients send.
    pub checks: Semaphore,
    /// Uploads of local clients.
    pub uploads: Semaphore,
    /// Checks of the whole store.
    pub store_checks: Arc<Semaphore>,
    /// Large evidence files in memory: one, from its making until it is read.
    pub evidence: Arc<Semaphore>,
    /// One directory is installed at a time.
    pub installing: Mutex<()>,
}

impl Budgets {
    fn new(uploads_max: usize) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Budgets {
            transfer_kib: Arc::new(Semaphore::new(TRANSFERS_BYTES_MAX >> 10)),
            checks: Semaphore::new(processors),
            uploads: Semaphore::new(uploads_max),
            store_checks: Arc::new(Semaphore::new(1)),
            evidence: Arc::new(Semaphore::new(1)),
            installing: Mutex::default(),
        }
    }
}

/// The sessions that are up, for listings.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<BTreeMap<NodeId, Live>>);

/// One live session, and what last went wrong with a peer.
#[derive(Clone, Default)]
pub(crate) struct Live {
    pub session: Option<(Session, UnixMillis)>,
    pub trouble: Option<(String, String)>,
}

impl Sessions {
    pub(crate) fn up(&self, peer: &NodeId, session: Session, since: UnixMillis) {
        if let Ok(mut map) = self.0.lock() {
            map.insert(peer.clone(), Live { session: Some((session, since)), trouble: None });
        }
    }

    /// Notes why there is no session. True if that is news: there was one, or another reason.
    pub(crate) fn down(&self, peer: &NodeId, code: &str, detail: &str) -> bool {
        let Ok(mut map) = self.0.lock() else { return true };
        let live = map.entry(peer.clone()).or_default();
        if live.session.as_ref().is_some_and(|(s, _)| s.close_reason().is_none()) {
            return false;
        }
        let trouble = Some((code.to_owned(), detail.to_owned()));
        let news = live.session.is_some() || live.trouble != trouble;
        live.session = None;
        live.trouble = trouble;
        news
    }

    /// The peers with a session.
    pub(crate) fn connected(&self) -> Vec<NodeId> {
        let up =
            |live: &Live| live.session.as_ref().is_some_and(|(s, _)| s.close_reason().is_none());
        let map = self.0.lock().ok();
        let all = map.iter().flat_map(|map| map.iter());
        all.filter(|(_, live)| up(live)).map(|(peer, _)| peer.clone()).collect()
    }

    pub(crate) fn get(&self, peer: &NodeId) -> Live {
        self.0.lock().ok().and_then(|map| map.get(peer).cloned()).unwrap_or_default()
    }
}

/// Where a document's bytes are.
pub(crate) enum Bytes {
    Inline(Arc<[u8]>),
    File(DocumentReader),
}

impl Bytes {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Bytes::Inline(b) => b.len() as u64,
            Bytes::File(r) => r.len_bytes(),
        }
    }

    /// Up to `max` bytes from `offset`; empty at the end.
    pub(crate) fn read(&self, offset: u64, max: usize) -> Result<bytes::Bytes, DocumentError> {
        let left = usize::try_from(self.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let take = max.min(left);
        match self {
            Bytes::Inline(b) => {
                let from = usize::try_from(offset).unwrap_or(b.len()).min(b.len());
                Ok(bytes::Bytes::copy_from_slice(&b[from..from + take]))
            }
            Bytes::File(r) => {
                let mut buf = vec![0u8; take];
                let n = r.read_at(offset, &mut buf)?;
                buf.truncate(n);
                Ok(buf.into())
            }
        }
    }
}

#[allow(clippy::too_many_arguments)] // assembled once, at start
impl Context {
    pub(crate) fn new(
        config: Config,
        root: Arc<Root>,
        verifier: Arc<Verifier>,
        epoch: EpochId,
        core: Core,
        store: StoreReader,
        documents: DocumentStore,
        seals: Seals,
        (pins, uploads, hands): (Pins, Arc<Uploads>, Arc<Hands>),
        checkpoint_key: Box<dyn Sign>,
        revocation: CrlFiles,
        readers: Readers,
    ) -> Self {
        let started_at = core.now().wall;
        let overdue = super::overdue::Overdue::begin(&config.data_dir, started_at);
        let budgets = Budgets::new(config.limits.client_uploads_max as usize);
        Context {
            me: config.node.clone(),
            network: root.network(),
            config,
            epoch,
            root,
            core,
            store,
            documents,
            seals,
            pins,
            uploads,
            partial_uploads: PartialUploads::default(),
            budgets,
            readers,
            leg_counts: tokio::sync::Mutex::default(),
            started_at,
            sessions: Sessions::default(),
            recent: Recent::default(),
            looks: Looks::default(),
            doors: Doors::default(),
            claims: Claims::default(),
            passing: Passing::default(),
            hands,
            alarms: Alarms::default(),
            revocation,
            stopping: AtomicBool::new(false),
            endpoint: std::sync::OnceLock::new(),
            door: std::sync::OnceLock::new(),
            verifier: RwLock::new(verifier),
            checkpoint_key,
            proving: super::proving::Proving::default(),
            published: Mutex::default(),
            witness_policy: None,
            retention: super::retention::Retention::default(),
            public_log: super::tiles::PublicLog::default(),
            webhooks: Standings::default(),
            overdue,
            drop_folders: Standings::default(),
            time_stamps: super::time_stamps::TimeStamps::default(),
            asking: Mutex::default(),
            serial: AtomicU64::new(0),
        }
    }

    /// The verifier with the directory and revocation lists in force.
    pub(crate) fn verifier(&self) -> Arc<Verifier> {
        match self.verifier.read() {
            Ok(v) => v.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    /// Whose the mailboxes of closed agencies are, by the directory in force.
    pub(crate) fn succession(&self) -> Arc<Succession> {
        self.verifier().directory().succession().clone()
    }

    /// A newer directory or list is in force.
    pub(crate) fn set_verifier(&self, verifier: Verifier) {
        let mut slot = match self.verifier.write() {
            Ok(slot) => slot,
            Err(poisoned) => poisoned.into_inner(),
        };
        *slot = Arc::new(verifier);
    }

    /// Opens a document of a dispatch held here, unchecked; see [`Context::kept`].
    pub(super) fn document(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError> {
        let found = self.store.document(digest)?;
        Ok(found.map(|d| match d {
            Document::Inline(bytes) => Bytes::Inline(bytes),
            Document::File(reader) => Bytes::File(reader),
        }))
    }

    /// Why nothing new can be taken now, if so: the store waits, or nothing is free beyond the reserve.
    pub(crate) fn no_room(&self) -> Option<Code> {
        self.core.waits().or_else(|| match self.documents.available_bytes() {
            Ok(0) => Some(Code::BusyStorage),
            Ok(_) => None,
            Err(e) => Some(e.code()),
        })
    }

    /// The seal of an agency, where this node holds it.
    ///
    /// # Errors
    /// `SEALING_DISABLED`.
    pub(crate) fn seal_of(&self, agency: &AgencyCode) -> Result<&super::seals::Seal, Problem> {
        let disabled =
            || Problem::new(Code::SealingDisabled, format!("no seal key of {agency} here"));
        self.seals.get(agency).ok_or_else(disabled)
    }

    /// The node finishes what is open, and ends.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether it does.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// A number no other session of this process has.
    pub(crate) fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }
}
