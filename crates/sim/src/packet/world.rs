//! The running nodes of one schedule, and what befalls them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tram_dispatch::NodeId;
use tram_spool::disk::MemDisk;

use super::clients;
use super::core::{Clock, Start};
use super::driver::{Launch, Process};
use super::fabric::Fabric;
use super::model::Model;
use super::plan::{Event, Plan, SYNC_MS};
use super::report::Faults;
use crate::dice::Dice;
use crate::plant::Plant;

/// Longest time from the end of the faults until everything is at rest.
const REST_MS_MAX: u64 = 30 * 60_000;
/// How often it is looked whether it is.
const LOOK_MS: u64 = 500;
/// After rest, handshakes that nobody goes on with end, and closed connections are forgotten, within
/// this: QUIC keeps one that was closed for three times its estimate of the path, which a handshake
/// of ten seconds has taught to be 30 s.
const DRAIN_MS: u64 = 120_000;

/// One schedule as it runs.
pub struct World {
    pub(crate) plan: Plan,
    pub(crate) fabric: Fabric,
    pub(crate) model: Mutex<Model>,
    clock: Clock,
    began: Instant,
    seats: Mutex<BTreeMap<NodeId, Seat>>,
    faults: Mutex<Faults>,
    dice: Mutex<Dice>,
}

/// What a node has done since its last start.
#[derive(Clone, Debug)]
pub struct Glance {
    /// Sessions that live.
    pub sessions: usize,
    /// When it dialled, ms of its monotonic clock.
    pub dialled_ms: Vec<u64>,
    /// Sessions that came up.
    pub ups: u64,
    /// Transfers begun.
    pub transfers: u64,
}

/// The place of one node: a process, or the disk that the last one left.
struct Seat {
    process: Option<Arc<Process>>,
    disk: MemDisk,
    starts: u64,
    sync_ms: u64,
}

impl World {
    /// Starts every node of a plan. Must be called inside a runtime with a paused clock.
    #[must_use]
    pub fn start(plan: Plan, trace: bool) -> Arc<Self> {
        let fabric = Fabric::new(plan.seed);
        if trace {
            fabric.keep_trace();
        }
        let dice = Mutex::new(Dice::of(plan.seed, "packet world", 0));
        let world = Arc::new(World {
            fabric,
            model: Mutex::default(),
            clock: Clock::new(),
            began: Instant::now(),
            seats: Mutex::default(),
            faults: Mutex::default(),
            dice,
            plan,
        });
        for node in &world.plan.nodes {
            world.fabric.name(world.addr(node), node.as_str());
            let seat = Seat { process: None, disk: MemDisk::new(), starts: 0, sync_ms: SYNC_MS };
            lock(&world.seats).insert(node.clone(), seat);
            world.launch(node);
        }
        world
    }

    /// Runs the plan to its end: orders, faults, rest, and the last look.
    pub async fn run(self: &Arc<Self>) {
        let mut clients = JoinSet::new();
        for number in 0..self.plan.orders.len() {
            clients.spawn(clients::originator(self.clone(), number));
        }
        for node in &self.plan.nodes {
            clients.spawn(clients::recipient(self.clone(), node.clone()));
        }
        for (at_ms, event) in &self.plan.events {
            self.until(*at_ms).await;
            self.befall(event);
        }
        self.until(self.plan.faults_end_ms).await;
        self.mend();
        self.rest().await;
        clients.abort_all();
        while let Some(ended) = clients.join_next().await {
            if let Err(e) = ended
                && e.is_panic()
            {
                self.model().violate(format!("a client panicked: {e}"));
            }
        }
        let drained = Instant::now() + Duration::from_millis(DRAIN_MS);
        while super::checks::is_anything_left(self) && Instant::now() < drained {
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
        super::checks::at_the_end(self);
    }

    /// Lets one event happen.
    pub fn befall(&self, event: &Event) {
        self.fabric.note(|| format!("*** {event:?}"));
        match event {
            Event::Weather(from, to, weather) => {
                self.fabric.set(self.addr(from), self.addr(to), weather.clone());
            }
            Event::Cut(from, to, cut) => {
                self.faults().cuts += u64::from(*cut);
                self.fabric.change(self.addr(from), self.addr(to), |w| w.cut = *cut);
            }
            Event::BlackHole(a, b, bytes) => {
                self.faults().black_holes += 1;
                for (from, to) in [(a, b), (b, a)] {
                    let (from, to) = (self.addr(from), self.addr(to));
                    self.fabric.change(from, to, |w| w.mtu_bytes = *bytes);
                }
            }
            Event::Kill(node, torn) => self.kill(node, *torn),
            Event::Start(node) => self.launch(node),
            Event::Sync(node, ms) => {
                self.faults().slow_disks += 1;
                self.set_sync(node, *ms);
            }
        }
    }

    /// Every fault ends.
    fn mend(&self) {
        self.fabric.note(|| "*** the faults end".to_owned());
        self.fabric.calm();
        for node in &self.plan.nodes {
            self.launch(node);
            self.set_sync(node, SYNC_MS);
        }
    }

    fn set_sync(&self, node: &NodeId, ms: u64) {
        let mut seats = lock(&self.seats);
        let Some(seat) = seats.get_mut(node) else { return };
        seat.sync_ms = ms;
        if let Some(process) = &seat.process {
            process.core.set_sync_ms_max(ms);
        }
    }

    fn kill(&self, node: &NodeId, torn: bool) {
        let mut seats = lock(&self.seats);
        let Some(seat) = seats.get_mut(node) else { return };
        let Some(process) = seat.process.take() else { return };
        if let Some(why) = process.failure() {
            self.model().violate(format!("{node} failed: {why}"));
        }
        let mut dice = lock(&self.dice);
        if let Some(disk) = process.kill(&mut dice, torn) {
            self.faults().kills += 1;
            seat.disk = disk;
        }
    }

    /// Starts a node that does not run.
    fn launch(&self, node: &NodeId) {
        let mut seats = lock(&self.seats);
        let Some(seat) = seats.get_mut(node).filter(|s| s.process.is_none()) else { return };
        seat.starts += 1;
        let launch = Launch {
            start: Start {
                country: self.plan.country,
                me: node.clone(),
                disk: seat.disk.clone(),
                clock: self.clock,
                seed: lock(&self.dice).number(),
                answers_early: self.plan.plant == Some(Plant::AnswerBeforeSync),
            },
            fabric: self.fabric.clone(),
            dials: self.dials_of(node),
            limits: self.plan.limits.clone(),
        };
        match Process::launch(launch) {
            Ok(process) => {
                process.core.set_sync_ms_max(seat.sync_ms);
                seat.process = Some(process);
            }
            Err(why) => self.model().violate(format!("{node} does not start: {why}")),
        }
    }

    fn dials_of(&self, node: &NodeId) -> Vec<NodeId> {
        let mut dials = Vec::new();
        for link in &self.plan.links {
            if link.below == *node {
                dials.push(link.above.clone());
            } else if link.above == *node && link.both_dial {
                dials.push(link.below.clone());
            }
        }
        dials
    }

    /// Waits until nothing is left to do anywhere.
    async fn rest(&self) {
        let deadline = Instant::now() + Duration::from_millis(REST_MS_MAX);
        loop {
            let Some(restless) = super::checks::restless(self) else { return };
            if Instant::now() >= deadline {
                self.model().violate(format!("never came to rest: {restless}"));
                return;
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
    }

    /// Waits until a moment of the schedule.
    pub async fn until(&self, at_ms: u64) {
        tokio::time::sleep_until(self.began + Duration::from_millis(at_ms)).await;
    }

    /// What a node that runs has done in this life.
    #[must_use]
    pub fn glance(&self, node: &NodeId) -> Option<Glance> {
        let process = self.process(node)?;
        let count = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let dialled_ms = lock(&process.busy.dialled_ms).clone();
        let ups = count(&process.busy.ups);
        let transfers = count(&process.busy.transfers);
        Some(Glance { sessions: process.sessions_up(), dialled_ms, ups, transfers })
    }

    /// The session a node has with a peer, if it lives.
    #[must_use]
    pub fn session(&self, node: &NodeId, peer: &NodeId) -> Option<tram_transport::Session> {
        self.process(node)?.session(peer)
    }

    /// The network.
    #[must_use]
    pub fn fabric(&self) -> &Fabric {
        &self.fabric
    }

    /// What was found wrong up to now, in words; empty is good.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.model().verdict.violations.clone()
    }

    /// How many orders were acknowledged.
    #[must_use]
    pub fn acknowledgements(&self) -> usize {
        self.model().acknowledgements()
    }

    /// Milliseconds since the schedule began.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    /// The process of a node, if it runs.
    pub(crate) fn process(&self, node: &NodeId) -> Option<Arc<Process>> {
        lock(&self.seats).get(node)?.process.clone()
    }

    /// How many links a node has.
    pub(crate) fn degree(&self, node: &NodeId) -> usize {
        self.plan.links.iter().filter(|l| l.below == *node || l.above == *node).count()
    }

    pub(crate) fn addr(&self, node: &NodeId) -> SocketAddr {
        self.plan.country.member(node).addr
    }

    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        lock(&self.model)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
