//! The time by which documents are removed.
//!
//! It follows the wall clock, and never goes faster than twice as fast as time is seen to pass. A clock that
//! jumps a year ahead therefore brings nothing forward: it would have to stay wrong for half a year of
//! running. A node that was switched off catches up within as long as it was off. Where the wall clock is
//! behind, the wall clock counts.

use tram_dispatch::{Now, UnixMillis};

/// How much faster than time it may go.
const CATCH_UP: u64 = 2;

/// The clock of retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RetentionClock {
    moment: UnixMillis,
    seen_mono_ms: u64,
}

impl RetentionClock {
    /// Goes on from the moment reached before.
    pub(super) fn new(moment: UnixMillis, now: Now) -> Self {
        RetentionClock { moment, seen_mono_ms: now.mono_ms }
    }

    /// Time passed. The moment that counts now.
    pub(super) fn advance(&mut self, now: Now) -> UnixMillis {
        let passed = now.mono_ms.saturating_sub(self.seen_mono_ms);
        self.seen_mono_ms = now.mono_ms;
        let reach = self.moment.plus_ms(passed.saturating_mul(CATCH_UP));
        self.moment = self.moment.max(reach.min(now.wall));
        self.moment.min(now.wall)
    }

    /// The moment reached, to be kept for the next start.
    pub(super) fn reached(&self) -> UnixMillis {
        self.moment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;

    fn now(mono_ms: u64, wall: u64) -> Now {
        Now { mono_ms, wall: UnixMillis(wall) }
    }

    #[test]
    fn it_follows_a_clock_that_goes_right() {
        let mut clock = RetentionClock::new(UnixMillis(DAY), now(0, DAY));
        for n in 1..50 {
            assert_eq!(clock.advance(now(n * 1_000, DAY + n * 1_000)), UnixMillis(DAY + n * 1_000));
        }
    }

    #[test]
    fn a_jump_ahead_brings_nothing_forward() {
        let mut clock = RetentionClock::new(UnixMillis(DAY), now(0, DAY));
        let year = 365 * DAY;
        assert_eq!(clock.advance(now(1_000, DAY + year)), UnixMillis(DAY + 2_000));
        // After a day of a clock that is a year ahead, a day more than there was.
        assert_eq!(clock.advance(now(DAY, DAY + year + DAY)), UnixMillis(DAY + 2 * DAY));
        // Set right: the wall clock counts, and what was gained is not counted twice.
        assert_eq!(clock.advance(now(DAY + 1, 2 * DAY)), UnixMillis(2 * DAY));
        assert_eq!(clock.advance(now(2 * DAY, 3 * DAY)), UnixMillis(3 * DAY));
        assert_eq!(clock.advance(now(3 * DAY, 4 * DAY)), UnixMillis(4 * DAY));
    }

    #[test]
    fn a_clock_behind_counts_and_undoes_nothing() {
        let mut clock = RetentionClock::new(UnixMillis(100 * DAY), now(0, DAY));
        assert_eq!(clock.advance(now(1_000, DAY)), UnixMillis(DAY));
        assert_eq!(clock.reached(), UnixMillis(100 * DAY));
        assert_eq!(clock.advance(now(2_000, 100 * DAY + 500)), UnixMillis(100 * DAY + 500));
    }

    #[test]
    fn time_that_the_node_was_off_is_caught_up_while_it_runs() {
        let mut clock = RetentionClock::new(UnixMillis(DAY), now(0, 31 * DAY));
        assert_eq!(clock.advance(now(10 * DAY, 41 * DAY)), UnixMillis(21 * DAY));
        assert_eq!(clock.advance(now(30 * DAY, 61 * DAY)), UnixMillis(61 * DAY));
    }
}
