//! What the log says of failed handshakes: enough to see what goes on, never so much that whoever
//! can send packets fills a disk with it.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::gate::network;

/// After this, the count begins anew, and what was left out is told as a number.
pub(super) const WINDOW: Duration = Duration::from_secs(60);
/// Lines about one source in a window.
const LINES_PER_SOURCE_MAX: u32 = 5;
/// Lines in all in a window.
const LINES_MAX: u32 = 50;
/// Sources told apart in a window; what comes from others counts in all only.
const SOURCES_MAX: usize = 1024;

/// Counts lines.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    lines: u32,
    by_source: BTreeMap<IpAddr, u32>,
    left_out: LeftOut,
}

/// What a window left out of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Failures without a line of their own.
    pub(super) failures: u64,
    /// Sources seen, at most [`SOURCES_MAX`].
    pub(super) sources: usize,
}

impl Tally {
    /// Whether a failure of this source gets a line of its own.
    pub(super) fn is_told(&self, address: IpAddr) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = &mut *counts;
        let key = network(address);
        let known = counts.by_source.len();
        let of_source = counts.by_source.get(&key).copied();
        let room = of_source.is_some() || known < SOURCES_MAX;
        let lines = of_source.unwrap_or(0);
        let told = room && lines < LINES_PER_SOURCE_MAX && counts.lines < LINES_MAX;
        if told {
            counts.lines += 1;
        } else {
            counts.left_out.failures += 1;
        }
        if room {
            counts.by_source.insert(key, lines + u32::from(told));
        }
        told
    }

    /// Ends the window: what it left out, if anything.
    pub(super) fn turn(&self) -> Option<LeftOut> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = std::mem::take(&mut *counts);
        let left_out = LeftOut { sources: over.by_source.len(), ..over.left_out };
        (left_out.failures > 0).then_some(left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(tally: &Tally, address: &str, times: usize) -> usize {
        (0..times).filter(|_| tally.is_told(address.parse().unwrap())).count()
    }

    #[test]
    fn a_flood_gets_few_lines_and_a_number() {
        let tally = Tally::default();
        assert_eq!(told(&tally, "192.0.2.1", 1_000_000), 5);
        assert_eq!(told(&tally, "198.51.100.7", 3), 3, "another source is heard");
        assert_eq!(tally.turn(), Some(LeftOut { failures: 999_995, sources: 2 }));
        assert_eq!((tally.turn(), told(&tally, "192.0.2.1", 1)), (None, 1));
        // From many addresses, or from many of one host.
        let many = (0..100_000_u32).map(|n| IpAddr::from(n.to_be_bytes()));
        assert_eq!(many.filter(|a| tally.is_told(*a)).count(), 49);
        assert!(tally.0.lock().unwrap().by_source.len() <= SOURCES_MAX);
        tally.turn();
        let host = (0..100_u128).map(|n| IpAddr::from((1_u128 << 120 | n).to_be_bytes()));
        assert_eq!(host.filter(|a| tally.is_told(*a)).count(), 5);
    }
}
