//! What runs found, in numbers and words.

use std::fmt::Write as _;

use super::fabric::Traffic;
use super::model::Verdict;

/// Faults that were put in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Power cuts of nodes.
    pub kills: u64,
    /// Directions of links that were cut.
    pub cuts: u64,
    /// Links that began to swallow long datagrams.
    pub black_holes: u64,
    /// Disks that became slow.
    pub slow_disks: u64,
}

/// One schedule that was run.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) seed: u64,
    pub(super) verdict: Verdict,
    pub(super) faults: Faults,
    pub(super) traffic: Traffic,
    pub(super) trace_hash: u64,
    pub(super) acknowledged: u64,
    pub(super) sessions: u64,
    pub(super) transfers: u64,
    pub(super) simulated_ms: u64,
    pub(super) trace: Vec<String>,
}

/// A schedule that broke a promise.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What was broken.
    pub violations: Vec<String>,
}

/// Many schedules together.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Schedules that were run.
    pub schedules: u64,
    /// Dispatches that were acknowledged.
    pub dispatches: u64,
    /// Legs of acknowledged dispatches that never had their outcome.
    pub lost: u64,
    /// Legs delivered, or ended, more than once.
    pub duplicated: u64,
    /// Receipts that did not verify offline.
    pub unverifiable: u64,
    /// Documents that arrived with other bytes.
    pub altered: u64,
    /// Sessions, streams and connections left over, or missing at the end.
    pub leaked: u64,
    /// Schedules that, run again, had another trace.
    pub unrepeatable: u64,
    /// Schedules run twice.
    pub repeated: u64,
    /// What went over the network.
    pub traffic: Traffic,
    /// What was done to the nodes and links.
    pub faults: Faults,
    /// Sessions that came up.
    pub sessions: u64,
    /// Transfers that were begun.
    pub transfers: u64,
    /// Simulated time.
    pub simulated_ms: u64,
    /// The first seed.
    pub seed: u64,
    /// One number for everything that happened: the same seeds give the same.
    pub trace_hash: u64,
    /// The schedules that broke a promise.
    pub failures: Vec<Failure>,
    /// The trace, where one was asked for: of the failing schedule, or of the only one.
    pub trace: Vec<String>,
}

/// Faults per hundred schedules below which a run has tried too little.
const KILLS_MIN: u64 = 60;
const CUTS_MIN: u64 = 60;
/// Schedules from which on this is looked at.
const LOOKED_AT_FROM: u64 = 50;

impl Report {
    pub(super) fn add(&mut self, outcome: Outcome) {
        self.schedules += 1;
        self.trace_hash = self.trace_hash.rotate_left(1) ^ outcome.trace_hash;
        self.dispatches += outcome.acknowledged;
        self.lost += outcome.verdict.lost;
        self.duplicated += outcome.verdict.duplicated;
        self.unverifiable += outcome.verdict.unverifiable;
        self.altered += outcome.verdict.altered;
        self.leaked += outcome.verdict.leaked;
        self.sessions += outcome.sessions;
        self.transfers += outcome.transfers;
        self.simulated_ms += outcome.simulated_ms;
        let (to, from) = (&mut self.traffic, outcome.traffic);
        to.packets += from.packets;
        to.bytes += from.bytes;
        to.dropped += from.dropped;
        to.too_long += from.too_long;
        to.duplicated += from.duplicated;
        to.damaged += from.damaged;
        to.overtaken += from.overtaken;
        let (to, from) = (&mut self.faults, outcome.faults);
        to.kills += from.kills;
        to.cuts += from.cuts;
        to.black_holes += from.black_holes;
        to.slow_disks += from.slow_disks;
        if !outcome.verdict.is_clean() {
            let violations = outcome.verdict.violations;
            self.failures.push(Failure { seed: outcome.seed, violations });
            if self.trace.is_empty() {
                self.trace = outcome.trace;
            }
        } else if self.failures.is_empty() && !outcome.trace.is_empty() {
            self.trace = outcome.trace;
        }
    }

    /// Whether every promise held, and enough was tried.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.failures.is_empty() && self.unrepeatable == 0 && self.tried_enough()
    }

    /// Whether as many faults were put in as a run of this length should.
    #[must_use]
    pub fn tried_enough(&self) -> bool {
        let t = &self.traffic;
        self.schedules < LOOKED_AT_FROM
            || (self.faults.kills * 100 >= self.schedules * KILLS_MIN
                && self.faults.cuts * 100 >= self.schedules * CUTS_MIN
                && t.dropped > self.schedules
                && t.duplicated > self.schedules
                && t.damaged > 0
                && t.overtaken > self.schedules
                && t.too_long > 0)
    }

    /// The failures, each with the line that runs it again.
    #[must_use]
    pub fn failures_in_words(&self) -> String {
        let mut out = String::new();
        for failure in &self.failures {
            for violation in &failure.violations {
                // Writing to a string cannot fail.
                let _ = writeln!(out, "seed {}: {violation}", failure.seed);
            }
            let seed = failure.seed;
            let _ = writeln!(out, "  again: tram-sim --packet --only {seed} --trace");
        }
        if !self.tried_enough() {
            let _ = writeln!(out, "too few faults were put in: {:?}", self.faults);
        }
        out
    }

    /// The numbers, as (name, value).
    #[must_use]
    pub fn numbers(&self) -> Vec<(&'static str, u64)> {
        let (t, f) = (&self.traffic, &self.faults);
        vec![
            ("packet_schedules", self.schedules),
            ("lost", self.lost),
            ("duplicated", self.duplicated),
            ("unverifiable", self.unverifiable),
            ("altered", self.altered),
            ("leaked", self.leaked),
            ("failed", self.failures.len() as u64),
            ("unrepeatable", self.unrepeatable),
            ("repeated", self.repeated),
            ("dispatches", self.dispatches),
            ("sessions", self.sessions),
            ("transfers", self.transfers),
            ("kills", f.kills),
            ("cuts", f.cuts),
            ("black_holes", f.black_holes),
            ("slow_disks", f.slow_disks),
            ("packets", t.packets),
            ("dropped", t.dropped),
            ("too_long", t.too_long),
            ("duplicated_packets", t.duplicated),
            ("damaged_packets", t.damaged),
            ("overtaken_packets", t.overtaken),
            ("simulated_s", self.simulated_ms / 1000),
            ("seed", self.seed),
        ]
    }

    /// The last line of a run.
    #[must_use]
    pub fn line(&self) -> String {
        let pairs: Vec<String> = self.numbers().iter().map(|(k, v)| format!("{k}={v}")).collect();
        format!("{} trace={:016x}", pairs.join(" "), self.trace_hash)
    }

    /// The same as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let pairs: Vec<String> =
            self.numbers().iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
        format!("{{{},\"trace\":\"{:016x}\"}}", pairs.join(","), self.trace_hash)
    }
}
