//! The simulated country packet by packet: real QUIC and TLS over a network in memory.
//!
//! Every node is the product's transport, session machines, wire frames, engine and store; only the
//! UDP socket ([`fabric`]), the disk and the clock are simulated, and the thin driver between them
//! mirrors the daemon's. Time is tokio's paused clock: it jumps to the next thing that happens. All
//! of it comes from one seed, and the same seed gives the same trace: who sent how many octets to
//! whom at what moment. (What the octets are differs: TLS keys come from the system.)
//!
//! A schedule draws nodes, dispatches and faults ([`plan`]), runs them ([`world`]), lets all faults
//! end, waits until nothing is left to do, and then holds what the nodes have against what was
//! promised (`checks`).

mod checks;
mod clients;
mod core;
pub mod country;
mod driver;
pub mod fabric;
mod model;
pub mod plan;
mod report;
mod socket;
pub mod weather;
pub mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::plant::Plant;

use plan::Plan;
use report::Outcome;
use world::World;

pub use report::{Failure, Faults, Report};
pub use socket::Socket;

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many schedules.
    pub schedules: u64,
    /// The seed of the first; the next ones count up.
    pub seed: u64,
    /// One schedule only.
    pub only: Option<u64>,
    /// Keep the trace.
    pub trace: bool,
    /// Every so many schedules, from the first, one is run twice to see that it repeats; 0: never.
    pub repeat_every: u64,
    /// No schedule begins after this.
    pub time_max: Option<Duration>,
    /// Threads that run schedules, each one at a time.
    pub jobs: usize,
    /// A bug to plant, see [`plan::Plan::plant`].
    pub plant: Option<Plant>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            schedules: 100,
            seed: 1,
            only: None,
            trace: false,
            repeat_every: 20,
            time_max: None,
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            plant: None,
        }
    }
}

/// Runs schedules.
#[must_use]
pub fn run(options: &Options) -> Report {
    let (first, count) = match options.only {
        Some(seed) => (seed, 1),
        None => (options.seed, options.schedules),
    };
    let begun = std::time::Instant::now();
    let late = || options.time_max.is_some_and(|max| begun.elapsed() > max);
    let (next, done) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count || (number > 0 && late()) {
                return;
            }
            let seed = first.wrapping_add(number);
            let trace = options.trace && options.only.is_some();
            let plan = || Plan { plant: options.plant, ..Plan::drawn(seed) };
            let outcome = schedule(plan(), trace);
            let twice = options.repeat_every > 0 && number.is_multiple_of(options.repeat_every);
            let same = !twice || schedule(plan(), false).trace_hash == outcome.trace_hash;
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((number, outcome, twice, same));
        }
    };
    if options.jobs <= 1 || count == 1 {
        work();
    } else {
        std::thread::scope(|scope| {
            for _ in 0..options.jobs {
                scope.spawn(work);
            }
        });
    }
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, ..)| *number);
    let mut report = Report { seed: first, ..Report::default() };
    for (_, outcome, twice, same) in done {
        report.repeated += u64::from(twice);
        report.unrepeatable += u64::from(!same);
        report.add(outcome);
    }
    report
}

/// Runs one plan in a runtime of its own.
fn schedule(plan: Plan, trace: bool) -> Outcome {
    in_simulated_time(async {
        let world = World::start(plan, trace);
        world.run().await;
        outcome(&world)
    })
}

/// What a world that has run gives.
fn outcome(world: &World) -> Outcome {
    let (verdict, acknowledged) = {
        let model = world.model();
        (model.verdict.clone(), model.acknowledgements() as u64)
    };
    let mut outcome = Outcome {
        seed: world.plan.seed,
        verdict,
        faults: *world.faults(),
        traffic: world.fabric.traffic(),
        trace_hash: world.fabric.trace_hash(),
        acknowledged,
        sessions: 0,
        transfers: 0,
        simulated_ms: world.elapsed_ms(),
        trace: world.fabric.take_trace(),
    };
    for process in world.plan.nodes.iter().filter_map(|n| world.process(n)) {
        let head = process.core.reader().map(|r| r.log_head().root).unwrap_or_default();
        outcome.trace_hash = outcome.trace_hash.rotate_left(1)
            ^ head.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b));
    }
    // Of the lives that are left; what the killed ones did is in the trace.
    for process in world.plan.nodes.iter().filter_map(|n| world.process(n)) {
        outcome.sessions += process.busy.ups.load(Ordering::Relaxed);
        outcome.transfers += process.busy.transfers.load(Ordering::Relaxed);
    }
    outcome
}

/// Runs something under a clock that jumps from one thing to the next.
///
/// # Panics
/// When the system has no room for a runtime.
pub fn in_simulated_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without threads and sockets");
    runtime.block_on(work)
}
