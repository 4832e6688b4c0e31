//! A development network for tests and benchmarks that start real nodes.
//!
//! ```text
//! authorities ──▶ network (files of every node) ──▶ node (a process, killed and restarted at will)
//!      │                                               ▲
//!      └──▶ seals, dispatches ─────────────────────────┤ through the local socket
//!           hostile peer (a real certificate, frames by hand) through QUIC
//! ```
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(unreachable_pub, reason = "shared by several binaries")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests and benchmarks talk to people"
)]

pub mod authorities;
pub mod damage;
pub mod evidence;
pub mod files;
pub mod network;
pub mod node;
pub mod peer;
pub mod sealing;

pub use network::{Network, Plan};
pub use node::{Node, Program};

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tram_dispatch::{AgencyCode, NodeId, UnixMillis};

/// Agencies of the tiers, from the top: an example of a ministry, a province, a district, a commune.
pub const TIERS: [&str; 4] = ["G22", "H41", "H41.12", "H41.12.03"];
/// Longest wait for anything that should take moments.
pub const SOON: Duration = Duration::from_secs(30);

/// The agency of a tier, 0 at the top.
pub fn agency(tier: usize) -> AgencyCode {
    AgencyCode::parse_canonical(TIERS[tier]).expect("a canonical code")
}

/// The node of a tier.
pub fn node_id(tier: usize) -> NodeId {
    NodeId::new("n1", &agency(tier)).expect("a node id")
}

/// This moment by the machine's clock.
pub fn wall_now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(since.as_millis() as u64)
}

/// A number from the environment, or the default.
pub fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text}: not a number")),
        Err(_) => default,
    }
}

/// Small reproducible randomness (xorshift64*): which node, when.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % limit.max(1)
    }

    /// A number from `from` to `to`, both included.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }
}
