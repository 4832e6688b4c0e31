//! Real nodes meet real faults: calls that fail or are the last ones, disks and inodes that run out, a file
//! system that turns read-only, clocks that are years off, a second node on one store, a process that
//! stands still. Nothing acknowledged is lost, nothing arrives twice, every receipt verifies.
//!
//! What a fault needs (root, a tool, something of the kernel) and does not find here is said on standard
//! error, past the test harness's capture: no test passes in silence without having done its work.

mod support;

#[path = "faults/clock.rs"]
mod clock;
#[path = "faults/copies.rs"]
mod copies;
#[path = "faults/doubt.rs"]
mod doubt;
#[path = "faults/order.rs"]
mod order;
#[path = "faults/paused.rs"]
mod paused;
#[path = "faults/preload.rs"]
mod preload;
#[path = "faults/sweep.rs"]
mod sweep;
#[path = "faults/twice.rs"]
mod twice;
#[path = "faults/volume.rs"]
mod volume;
#[path = "faults/work.rs"]
mod work;

/// Says something to whoever runs the tests, also when they pass.
fn say(line: &str) {
    use std::io::Write as _;
    // Nobody may be there to hear it.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Says that something was not tested here.
fn skipped(what: &str, why: &str) {
    say(&format!("######## SKIPPED: {what}: {why}"));
}
