//! One schedule: nodes, the network between them, people, and the plan that happens to them. One
//! thread, one virtual clock, everything in the order of (time, number).

mod ask;
mod faults;
mod net;
mod people;
mod settle;
mod site;
mod stats;
mod trace;

use std::collections::BTreeMap;

use tram_dispatch::Now;

use crate::dice::Dice;
use crate::land::{BEGIN, Court, land};
use crate::model::{Model, Violation, Wrong};
use crate::node::{Action, Node, NodeOptions, Session};
use crate::plan::Plan;
use crate::plant::Plant;
use net::{Net, Parcel};
use people::People;
use site::Site;
pub use stats::Stats;
use trace::Trace;

/// Most happenings in one schedule: more means that something never comes to rest.
const HAPPENINGS_MAX: u64 = 400_000;

/// What a schedule ended with.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Promises that were broken.
    pub violations: Vec<Violation>,
    /// A digest of everything that happened.
    pub trace_hash: u64,
    /// The trace in words, where it was asked for.
    pub trace: Vec<String>,
    /// What was done and injected.
    pub stats: Stats,
}

/// How a schedule is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The planted bug.
    pub plant: Option<Plant>,
    /// Keep the trace in words.
    pub trace: bool,
}

/// Runs a plan to its end.
#[must_use]
pub fn run(plan: &Plan, court: &Court, options: Options) -> Report {
    let mut world = World::new(plan, court, options);
    world.run();
    let stats = world.stats();
    Report {
        seed: plan.seed,
        violations: world.model.violations().to_vec(),
        trace_hash: world.trace.hash(),
        trace: world.trace.into_lines(),
        stats,
    }
}

/// One thing that will happen.
#[derive(Debug)]
enum Happening {
    Step(usize),
    Tick(usize),
    CommitDone(usize, u64),
    Start(usize, Option<u64>),
    Opened(Session, usize),
    Arrive(Session, usize, Parcel),
    Lost(Session, usize),
    Dial(usize, usize),
    Client(usize, u32),
    Directory(usize, usize),
    Roomy(usize),
    NewDisk(usize),
}

struct World<'a> {
    plan: &'a Plan,
    court: &'a Court,
    t: u64,
    serial: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    sites: BTreeMap<usize, Site>,
    net: Net,
    people: People,
    model: Model,
    trace: Trace,
    stats: Stats,
    dice: Dice,
    healed: bool,
    directory: usize,
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan, court: &'a Court, options: Options) -> Self {
        let mut sites = BTreeMap::new();
        for place in &plan.places {
            let node = NodeOptions {
                settings: site::settings(plan),
                segment_bytes: plan.knobs.segment_bytes,
                reserve_bytes: 0,
                plant: options.plant,
                seed: plan.seed,
            };
            sites.insert(*place, Site::new(Node::new(*place, node), plan.knobs.commit_ms));
        }
        World {
            net: Net::new(plan),
            people: People::new(plan),
            model: Model::new(court.verifier(0).clone()),
            trace: Trace::new(options.trace),
            dice: Dice::of(plan.seed, "world", 0),
            stats: Stats::default(),
            plan,
            court,
            t: 0,
            serial: 0,
            queue: BTreeMap::new(),
            sites,
            healed: false,
            directory: 0,
        }
    }

    fn run(&mut self) {
        for place in self.plan.places.clone() {
            self.at(0, Happening::Start(place, None));
        }
        for (i, step) in self.plan.steps.iter().enumerate() {
            self.at(step.at_ms, Happening::Step(i));
        }
        self.until(self.plan.heal_ms);
        self.settle();
    }

    fn stats(&self) -> Stats {
        Stats {
            schedules: 1,
            virtual_ms: self.t,
            happenings: self.serial,
            receipts: self.model.receipts,
            ..self.stats.clone()
        }
    }

    fn at(&mut self, at_ms: u64, happening: Happening) {
        self.serial += 1;
        self.queue.insert((at_ms.max(self.t), self.serial), happening);
    }

    fn after(&mut self, ms: u64, happening: Happening) {
        self.at(self.t + ms, happening);
    }

    /// Lets everything happen up to a moment.
    fn until(&mut self, end_ms: u64) {
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > end_ms || self.serial > HAPPENINGS_MAX {
                break;
            }
            let ((at, _), happening) = entry.remove_entry();
            self.t = self.t.max(at);
            self.happen(happening);
        }
        if self.serial > HAPPENINGS_MAX {
            self.wrong(Wrong::Stuck, "the world never comes to rest".to_owned());
            self.queue.clear();
        }
        self.t = self.t.max(end_ms);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Step(i) => {
                let plan = self.plan;
                self.trace.line(self.t, || format!("== {}", plan.steps[i].what));
                self.step(&plan.steps[i].what);
            }
            Happening::Tick(place) => self.tick(place),
            Happening::CommitDone(place, incarnation) => self.commit_done(place, incarnation),
            Happening::Start(place, nested) => self.start(place, nested),
            Happening::Opened(session, end) => self.opened(session, end),
            Happening::Arrive(session, end, parcel) => self.arrive(session, end, parcel),
            Happening::Lost(session, end) => self.lost(session, end),
            Happening::Dial(link, end) => self.dial(link, end),
            Happening::Client(order, attempt) => self.client(order, attempt),
            Happening::Directory(place, version) => {
                let court = self.court;
                self.on(place, |node, now| node.set_directory(now, version, court));
            }
            Happening::Roomy(place) => self.roomy(place),
            Happening::NewDisk(place) => self.new_disk(place),
        }
    }

    fn wrong(&mut self, wrong: Wrong, detail: String) {
        let t = self.t;
        self.trace.line(t, || format!("!! {}: {detail}", wrong.word()));
        self.model.wrong(wrong, t, detail);
    }

    fn now(&self, place: usize) -> Now {
        let site = &self.sites[&place];
        let wall = (BEGIN.0 + self.t).saturating_add_signed(site.offset_ms);
        Now {
            mono_ms: self.t.saturating_sub(site.booted_ms),
            wall: tram_dispatch::UnixMillis(wall),
        }
    }

    /// Lets something happen at a node, and carries out what it wants done.
    fn on<T>(&mut self, place: usize, work: impl FnOnce(&mut Node, Now) -> T) -> Option<T> {
        let now = self.now(place);
        let site = self.sites.get_mut(&place)?;
        let result = work(&mut site.node, now);
        self.drain(place);
        Some(result)
    }

    fn drain(&mut self, place: usize) {
        loop {
            let Some(site) = self.sites.get_mut(&place) else { return };
            let Some(action) = site.node.next_action() else { break };
            self.carry_out(place, action);
        }
        self.watch(place);
        self.schedule_tick(place);
    }

    fn carry_out(&mut self, place: usize, action: Action) {
        let t = self.t;
        match action {
            Action::Send { session, stream, bytes } => {
                self.trace.octets(t, place, stream.0, &bytes);
                self.send(place, session, stream, bytes);
            }
            Action::Finish { session, stream } | Action::Reset { session, stream } => {
                self.net_end(place, session, stream);
            }
            Action::Close { session } => self.close(place, session),
            Action::Up { session } => {
                self.stats.sessions += 1;
                self.trace.event(t, place, "session up", session.0);
            }
            Action::Committing => {
                let site = &self.sites[&place];
                let (ms, incarnation) = (site.commit_ms, site.incarnation);
                self.after(ms, Happening::CommitDone(place, incarnation));
            }
            Action::WaitingForRoom => {
                let incarnation = self.sites[&place].incarnation;
                self.trace.event(t, place, "no room for a batch", 0);
                self.after(500, Happening::CommitDone(place, incarnation));
            }
            Action::Reply { token, reply } => self.replied(place, token, reply),
            Action::Released(raw) => {
                self.model.released(t, land().places[place].id.as_str(), &raw);
            }
            Action::Accepted { receipt, offered_at } => self.accepted(place, &receipt, offered_at),
            Action::Notify(notice) => {
                self.stats.evidence += 1;
                self.trace.evidence(t, place, &notice);
                self.noticed(place, &notice);
            }
            Action::Stopped { code, detail } => {
                self.trace
                    .line(t, || format!("{} STOPPED {code}: {detail}", land().places[place].id));
                self.stopped(place, code, &detail);
            }
        }
    }

    fn tick(&mut self, place: usize) {
        let t = self.t;
        let Some(site) = self.sites.get_mut(&place) else { return };
        if site.tick_at != Some(t) {
            return;
        }
        site.tick_at = None;
        self.on(place, |node, now| node.tick(now));
    }

    fn schedule_tick(&mut self, place: usize) {
        let t = self.t;
        let Some(site) = self.sites.get_mut(&place) else { return };
        let Some(deadline) = site.node.deadline() else { return };
        if deadline == u64::MAX {
            return;
        }
        let at = deadline.saturating_add(site.booted_ms).max(t + 1);
        if site.tick_at.is_none_or(|pending| at < pending || pending <= t) {
            site.tick_at = Some(at);
            self.at(at, Happening::Tick(place));
        }
    }
}
