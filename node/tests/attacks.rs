//! Real nodes under attack: honest traffic flows between two nodes, and one attacker at a time does to
//! one of them what section D of `docs/threats.md` names. For each the most memory of the node attacked
//! and the honest traffic before and meanwhile are measured and said in one line.
//!
//! Everything shares the processors of this machine, the attacker too. So attackers run with the lowest
//! priority and at the rate that each names: what is measured is what the node spends on them.

mod support;

#[path = "attacks/arena.rs"]
mod arena;
#[path = "attacks/by_hand.rs"]
mod by_hand;
#[path = "attacks/descriptors.rs"]
mod descriptors;
#[path = "attacks/documents.rs"]
mod documents;
#[path = "attacks/honest.rs"]
mod honest;
#[path = "attacks/peers.rs"]
mod peers;
#[path = "attacks/socket.rs"]
mod socket;
#[path = "attacks/strangers.rs"]
mod strangers;
#[path = "attacks/suite.rs"]
mod suite;
#[path = "attacks/target.rs"]
mod target;
#[path = "attacks/types.rs"]
mod types;

/// Says something to whoever runs the tests, also when they pass.
fn say(line: &str) {
    use std::io::Write as _;
    // Nobody may be there to hear it.
    let _ = writeln!(std::io::stderr(), "{line}");
}
