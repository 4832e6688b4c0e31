//! A node's process on the simulated network: the transport's endpoint, the sessions, and the core.
//!
//! It mirrors `node/src/daemon/link` over the same `tram_transport::Session` and `tram_peer`
//! machines, part for part and with the same waits and limits: [`dial`] keeps a session with each
//! configured peer, [`session`] runs the control stream, [`give`] and [`take`] the transfers,
//! [`documents`] the ranges, [`checkpoints`] what each side holds of the other's log. What is decided
//! on the way is the product's own code: offers and answers by `tram_engine::transfer`, ranges, waits
//! and pace by `tram_peer`, frames that wait by `tram_transport`, documents by `tram_spool`. Left out
//! is what has no place here: threads for blocking reads, memory budgets of frames, listings,
//! `peer test`, a directory that changes. Disks take simulated time.

mod checkpoints;
mod dial;
mod documents;
mod gates;
mod give;
mod session;
mod take;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinSet;
use tram_dispatch::{EpochId, NodeId};
use tram_engine::quota::DoorsOf;
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::cosignature::Cosignature;
use tram_transport::{Denied, Endpoint, PeerCheck, PeerName, Role, Session, TransportLimits};
use tram_trust::Verifier;

use super::core::{Clock, Core, Start, Stopping};
use super::country::{Country, Member};
use super::fabric::Fabric;
use crate::dice::Dice;

/// Receipts, offers and documents of one session that go both ways at a time.
const IN_FLIGHT_MAX: usize = 256;
/// Of these, with documents of their own.
const BULK_MAX: usize = 8;

/// How a process is started.
pub(crate) struct Launch {
    pub(crate) start: Start,
    pub(crate) fabric: Fabric,
    /// The peers it dials.
    pub(crate) dials: Vec<NodeId>,
    pub(crate) limits: TransportLimits,
}

/// One life of a node's process.
pub(crate) struct Process {
    pub(crate) me: NodeId,
    pub(crate) core: Arc<Core>,
    pub(crate) endpoint: Endpoint,
    country: &'static Country,
    fabric: Fabric,
    sessions: Mutex<BTreeMap<NodeId, Session>>,
    doors: DoorsOf<NodeId>,
    serial: AtomicU64,
    dice: Mutex<Dice>,
    tasks: Mutex<Tasks>,
    pub(crate) busy: Busy,
}

/// What a process has under way.
#[derive(Debug, Default)]
pub(crate) struct Busy {
    pub(crate) sessions: AtomicUsize,
    pub(crate) given: AtomicUsize,
    pub(crate) taken: AtomicUsize,
    /// Sessions that came up, from the start.
    pub(crate) ups: AtomicU64,
    /// When it dialled, by its monotonic clock.
    pub(crate) dialled_ms: Mutex<Vec<u64>>,
    /// Transfers begun, from the start.
    pub(crate) transfers: AtomicU64,
}

/// Counts one thing under way.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(of: &'a AtomicUsize) -> Self {
        of.fetch_add(1, Ordering::Relaxed);
        Counted(of)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Tasks {
    set: JoinSet<()>,
    /// The first panic in one of them.
    panic: Option<String>,
}

/// Lets the transport ask who a peer is.
struct Check {
    verifier: Arc<Verifier>,
    me: NodeId,
    clock: Clock,
}

impl PeerCheck for Check {
    fn check(&self, chain_der: &[Vec<u8>], role: Role<'_>) -> Result<PeerName, Denied> {
        let expected = match role {
            Role::Dialled { expected } => expected.as_str().parse::<NodeId>().ok(),
            Role::Accepted => None,
        };
        self.verifier
            .neighbour(chain_der, expected.as_ref(), &self.me, self.clock.wall())
            .map(|node| PeerName::new(node.as_str()))
            .map_err(|r| Denied { code: r.code.as_str(), detail: r.detail })
    }
}

impl Process {
    /// Opens the store, binds the address, dials and listens.
    pub(crate) fn launch(launch: Launch) -> Result<Arc<Self>, String> {
        let Launch { start, fabric, dials, limits } = launch;
        let core = Core::open(&start)?;
        let member = start.country.member(&start.me);
        let mut dice = Dice::of(start.seed, "packet process", 0);
        let check = Check {
            verifier: start.country.verifier.clone(),
            me: start.me.clone(),
            clock: start.clock,
        };
        let socket = fabric.bind(member.addr);
        let endpoint =
            Endpoint::bind_over(socket, dice.bytes32(), &member.identity, Arc::new(check), limits)
                .map_err(|e| e.to_string())?;
        let process = Arc::new(Process {
            me: start.me.clone(),
            core: core.clone(),
            endpoint,
            country: start.country,
            fabric,
            sessions: Mutex::default(),
            doors: DoorsOf::default(),
            serial: AtomicU64::new(0),
            dice: Mutex::new(dice),
            tasks: Mutex::default(),
            busy: Busy::default(),
        });
        process.spawn(core.run());
        for peer in dials {
            process.spawn(dial::for_ever(process.clone(), peer));
        }
        process.spawn(dial::listen(process.clone()));
        Ok(process)
    }

    /// Ends it as a power cut would: nothing more is sent, nothing more is done. Gives the disk.
    pub(crate) fn kill(&self, dice: &mut Dice, torn: bool) -> Option<tram_spool::disk::MemDisk> {
        self.fabric.unplug(self.member().addr);
        let disk = self.core.crash(dice, torn);
        lock(&self.tasks).set.abort_all();
        disk
    }

    pub(crate) fn member(&self) -> &'static Member {
        self.country.member(&self.me)
    }

    /// What went wrong in it, that never should.
    pub(crate) fn failure(&self) -> Option<String> {
        let mut tasks = lock(&self.tasks);
        tasks.reap();
        tasks.panic.clone().or_else(|| self.core.failure())
    }

    /// The session with a peer, if it lives.
    pub(crate) fn session(&self, peer: &NodeId) -> Option<Session> {
        lock(&self.sessions).get(peer).filter(|s| s.close_reason().is_none()).cloned()
    }

    /// Sessions that live.
    pub(crate) fn sessions_up(&self) -> usize {
        lock(&self.sessions).values().filter(|s| s.close_reason().is_none()).count()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        tasks.reap();
        tasks.set.spawn(task);
    }

    fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }

    fn verifier(&self) -> &Arc<Verifier> {
        &self.country.verifier
    }

    /// The newest checkpoint: a signed note over a tree that is durable.
    fn checkpoint(&self) -> Result<Vec<u8>, Stopping> {
        let head = self.core.reader()?.log_head();
        if head.size == 0 {
            return Ok(Vec::new());
        }
        let member = self.member();
        let (network, epoch) = (self.country.network(), member.epoch);
        let origin = tram_trust::checkpoint::origin(network, &self.me, epoch);
        let signed = Checkpoint::new(&origin, head.size, tram_tlog::Hash(head.root))
            .and_then(|c| c.sign(&origin, &member.checkpoint_key));
        Ok(signed.unwrap_or_default())
    }

    /// Cosigns a checkpoint of another node's log that is held durably.
    fn cosign(
        &self,
        log: (&NodeId, EpochId),
        tree: (u64, [u8; 32]),
        time: u64,
    ) -> Option<Cosignature> {
        let member = self.member();
        let (network, me) = (self.country.network(), (&self.me, member.epoch));
        tram_trust::cosignature::sign(network, me, log, tree, time, &member.checkpoint_key).ok()
    }

    fn note(&self, text: impl FnOnce() -> String) {
        self.fabric.note(|| format!("{} {}", self.me, text()));
    }
}

impl Tasks {
    fn reap(&mut self) {
        while let Some(ended) = self.set.try_join_next() {
            if let Err(e) = ended
                && e.is_panic()
            {
                self.panic.get_or_insert(format!("a task panicked: {e}"));
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
