//! Dispatches per second and latency to the final receipt, across whole nodes on this machine.
//!
//! ```text
//! cargo bench -p tram-benches --bench load -- [--tiers 2,4] [--in-flight 1,16,256]
//!     [--seconds 8] [--sync-delay-ms 0] [--json]
//! ```
//!
//! Each node is a process of its own: this program, started again with `__node`. Real QUIC on
//! loopback, real fsync, real signatures; documents of 2 KB. "Done" is the receipt of consignment at
//! the originator's node, heard there through `/v1/events`; nobody polls. A fixed number of dispatches
//! is kept in flight by the driver, which shares the machine's cores with the nodes.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to people")]

mod driver;
mod machine;
mod node;
mod options;
mod report;
#[path = "../../node/tests/support/mod.rs"]
mod support;
mod usage;

use std::path::Path;
use std::process::ExitCode;

use support::{Network, Node, Plan, Program};

use driver::{Load, Outcome};
use options::Options;
use usage::Usage;

/// Where the stores lie: the file system of the build.
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|a| a == node::ARGUMENT).is_some() {
        return node::main(arguments);
    }
    let options = match Options::read(arguments) {
        Ok(options) => options,
        Err(what) => {
            eprintln!("{what}");
            return ExitCode::from(2);
        }
    };
    let machine = machine::Machine::measure(Path::new(FOLDER));
    report::machine(&machine, &options);
    let mut points = Vec::new();
    for tiers in &options.tiers {
        for in_flight in &options.in_flight {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let point = runtime.expect("a runtime").block_on(point(&options, *tiers, *in_flight));
            report::point(&point, &options);
            points.push(point);
        }
    }
    report::summary(&points, &options);
    ExitCode::SUCCESS
}

/// One point: its own network, new stores.
pub(crate) struct Point {
    pub(crate) tiers: usize,
    pub(crate) in_flight: usize,
    pub(crate) outcome: Outcome,
    /// What driver and nodes used meanwhile, driver first.
    pub(crate) used: Vec<Usage>,
}

async fn point(options: &Options, tiers: usize, in_flight: usize) -> Point {
    let mut plan = Plan { log_level: "warn", ..Plan::tiers(tiers) };
    // One connection for each dispatch in flight, and one for the events.
    plan.limits.push(("client_connections_max", 512));
    plan.limits.push(("memory_bytes_max", 64 << 30));
    // One agency does here what quotas keep one agency from doing.
    plan.quotas.extend([
        ("agency_dispatches_per_minute", 1_000_000),
        ("agency_burst", 1_000_000),
        ("agency_open_max", 10_000_000),
        ("direction_max", 10_000_000),
        ("mailbox_max", 10_000_000),
    ]);
    let network = Network::create_in(Path::new(FOLDER), &plan);
    let program = Program {
        path: std::env::current_exe().expect("this program's own file"),
        arguments: vec![node::ARGUMENT.to_owned(), options.sync_delay_ms.to_string()],
        reads_input: true,
    };
    let mut nodes: Vec<Node> = network.start(&program).await;
    let load = Load::prepare(&network, tiers, in_flight, options.seconds);
    let (outcome, used) = load.run(&mut nodes).await;
    for node in &mut nodes {
        assert!(node.stop().await.success(), "{}:\n{}", node.files.id, node.tail());
    }
    Point { tiers, in_flight, outcome, used }
}
