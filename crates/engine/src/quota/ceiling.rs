//! What accounts are measured in, and how much of it each may have.

use tram_dispatch::Envelope;

use super::bucket::Rate;
use crate::state::held::{HeldDispatch, receipt_bytes};

/// What something takes of the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Dispatches.
    pub count: u64,
    /// Bytes on disk: the sealed dispatch and its documents.
    pub stored_bytes: u64,
    /// Bytes of memory, as estimated.
    pub memory_bytes: u64,
}

/// How much of each an account may have. Of every ceiling an eighth is kept for urgent dispatches,
/// and an account that has nothing takes one dispatch of any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// Dispatches.
    pub count: u64,
    /// Bytes on disk.
    pub stored_bytes: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
}

/// Nothing beside a ceiling.
const NOTHING: Ceiling = Ceiling { count: 0, stored_bytes: 0, memory_bytes: 0 };

/// The share of a ceiling that is kept for urgent dispatches.
const URGENT_SHARE: u64 = 8;

/// Above every ceiling of the node, for each node that a dispatch has been at, is one of so many parts
/// of it; for at most so many nodes. See [`Ceiling::for_those_on_their_way`].
const HOP_SHARE: u64 = 64;
const HOPS_MAX: u64 = 8;

/// What a held dispatch takes, rounded up from what a node grew by (`node/tests/quotas.rs`, the long
/// test of memory): at all, for its sealed bytes as bytes and as values, for each leg. For receipts, see
/// [`receipt_bytes`].
const HELD_BYTES: u64 = 6_656;
const RAW_TIMES: u64 = 4;
const LEG_BYTES: u64 = 384;

impl Use {
    /// What a dispatch will take when this node begins to hold it for so many recipients; `upstream`: the
    /// lengths of the receipts that come with it.
    pub fn to_come(
        envelope: &Envelope,
        raw_bytes: usize,
        recipients: usize,
        upstream: impl IntoIterator<Item = usize>,
    ) -> Self {
        // Its own receipt for each, and the one that it will be given.
        let own = (2 * recipients as u64 + 1).saturating_mul(receipt_bytes(0));
        let upstream: u64 = upstream.into_iter().map(receipt_bytes).sum();
        Self::of(envelope, raw_bytes, recipients, own.saturating_add(upstream))
    }

    /// What a held dispatch takes now.
    pub fn now(held: &HeldDispatch) -> Self {
        let raw = held.dispatch.raw().len();
        Self::of(held.dispatch.envelope(), raw, held.legs.len(), held.receipt_bytes())
    }

    fn of(envelope: &Envelope, raw_bytes: usize, legs: usize, receipt_bytes: u64) -> Self {
        let raw = raw_bytes as u64;
        let documents = envelope.documents.iter().map(|d| d.size);
        Use {
            count: 1,
            stored_bytes: documents.fold(raw, u64::saturating_add),
            memory_bytes: HELD_BYTES + RAW_TIMES * raw + LEG_BYTES * legs as u64 + receipt_bytes,
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, more: Use) -> Use {
        Use {
            count: self.count.saturating_add(more.count),
            stored_bytes: self.stored_bytes.saturating_add(more.stored_bytes),
            memory_bytes: self.memory_bytes.saturating_add(more.memory_bytes),
        }
    }

    /// What is left without the other.
    #[must_use]
    pub fn minus(self, less: Use) -> Use {
        Use {
            count: self.count.saturating_sub(less.count),
            stored_bytes: self.stored_bytes.saturating_sub(less.stored_bytes),
            memory_bytes: self.memory_bytes.saturating_sub(less.memory_bytes),
        }
    }
}

impl Ceiling {
    /// Whether an account that has `used` may take `more`, of urgency class 0 to 3.
    pub fn fits(&self, used: Use, more: Use, class: u8) -> bool {
        self.fits_with(used, more, class, &NOTHING)
    }

    /// The same where so much is there beside the ceiling.
    pub fn fits_with(&self, used: Use, more: Use, class: u8, beside: &Ceiling) -> bool {
        let kept = |max: u64, beside: u64| {
            let kept = if class == 0 { max - max / URGENT_SHARE } else { max };
            kept.saturating_add(beside)
        };
        let sum = used.plus(more);
        if sum.count > kept(self.count, beside.count) {
            return false;
        }
        used.count == 0
            || (sum.stored_bytes <= kept(self.stored_bytes, beside.stored_bytes)
                && sum.memory_bytes <= kept(self.memory_bytes, beside.memory_bytes))
    }

    /// What there is beside a node's ceiling for a dispatch that has been at so many nodes: more for
    /// each, so that full nodes never wait for each other. What is new fills a node up to its ceiling
    /// only; of what has come farthest, somewhere, the next node has room for one more, since what is
    /// above the ceiling there has come as far and waits for nobody but a clerk. (Structured buffer
    /// pools: Merlin and Schweitzer, IEEE Trans. Commun. 28, 1980.) It holds as long as a part is
    /// enough for one dispatch, and on ways of up to nine nodes.
    #[must_use]
    pub fn for_those_on_their_way(&self, nodes: usize) -> Ceiling {
        self.part(HOP_SHARE).times(HOPS_MAX.min(nodes as u64))
    }

    /// One of so many equal parts of it, rounded up.
    #[must_use]
    pub fn part(&self, n: u64) -> Ceiling {
        Ceiling {
            count: self.count.div_ceil(n),
            stored_bytes: self.stored_bytes.div_ceil(n),
            memory_bytes: self.memory_bytes.div_ceil(n),
        }
    }

    /// The same, so many times as high.
    #[must_use]
    pub fn times(&self, n: u64) -> Ceiling {
        Ceiling {
            count: self.count.saturating_mul(n),
            stored_bytes: self.stored_bytes.saturating_mul(n),
            memory_bytes: self.memory_bytes.saturating_mul(n),
        }
    }
}

/// What each account may have. One for all agencies, all peers.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// Submissions of one agency that leave something behind.
    pub agency_rate: Rate,
    /// Bytes of what one agency submits.
    pub agency_bytes_rate: Rate,
    /// What one agency submitted here and has no outcome yet.
    pub agency_open: Ceiling,
    /// Offers of one peer that leave something behind.
    pub peer_rate: Rate,
    /// What one peer gave us that is not delivered yet, or whose receipts it did not take.
    pub peer_open: Ceiling,
    /// What waits for one peer, with the copies kept of what it has. Of it one originator here, or
    /// one peer that gave it, may have a half.
    pub direction: Ceiling,
    /// What is kept for one recipient here. Of it one originator may have a half.
    pub mailbox: Ceiling,
}

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;
const GIB: u64 = 1 << 30;

impl Quotas {
    /// A rate of dispatches.
    pub const fn per_minute(amount: u64, burst: u64) -> Rate {
        Rate { amount, period_ms: MINUTE_MS, burst }
    }

    /// A rate of bytes; an hour's worth may come at once.
    pub const fn bytes_per_hour(amount: u64) -> Rate {
        Rate { amount, period_ms: HOUR_MS, burst: amount }
    }
}

impl Default for Quotas {
    /// For a node with a GiB of memory for what it holds.
    fn default() -> Self {
        let ceiling =
            |count, stored_bytes, memory_bytes| Ceiling { count, stored_bytes, memory_bytes };
        Quotas {
            agency_rate: Self::per_minute(6_000, 6_000),
            agency_bytes_rate: Self::bytes_per_hour(64 * GIB),
            agency_open: ceiling(100_000, 128 * GIB, GIB / 4),
            peer_rate: Self::per_minute(600_000, 600_000),
            peer_open: ceiling(100_000, 256 * GIB, GIB / 3),
            direction: ceiling(100_000, 256 * GIB, GIB / 3),
            mailbox: ceiling(100_000, 256 * GIB, GIB / 3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CEILING: Ceiling = Ceiling { count: 16, stored_bytes: 800, memory_bytes: 8_000 };

    fn used(count: u64, stored_bytes: u64, memory_bytes: u64) -> Use {
        Use { count, stored_bytes, memory_bytes }
    }

    #[test]
    fn an_eighth_is_kept_for_urgent_dispatches() {
        let one = used(1, 10, 10);
        assert!(CEILING.fits(used(13, 0, 0), one, 0) && !CEILING.fits(used(14, 0, 0), one, 0));
        assert!(CEILING.fits(used(15, 0, 0), one, 1) && !CEILING.fits(used(16, 0, 0), one, 3));
        assert!(!CEILING.fits(used(1, 691, 0), one, 0) && CEILING.fits(used(1, 691, 0), one, 2));
        assert!(!CEILING.fits(used(1, 0, 6_991), one, 0));
    }

    #[test]
    fn each_node_behind_a_dispatch_opens_a_part_above_the_ceiling_up_to_an_eighth() {
        let (one, ceiling) = (used(1, 1, 1), CEILING.times(8));
        let fits = |held: u64, nodes: usize, class: u8| {
            let beside = ceiling.for_those_on_their_way(nodes);
            ceiling.fits_with(used(held, 0, 0), one, class, &beside)
        };
        for nodes in 0..=8 {
            let most = |whole: u64| whole + 2 * nodes as u64;
            assert!(fits(most(112) - 1, nodes, 0) && !fits(most(112), nodes, 0), "{nodes}");
            assert!(fits(most(128) - 1, nodes, 1) && !fits(most(128), nodes, 1), "{nodes}");
        }
        assert!(!fits(144, 9, 3), "and no more");
        assert_eq!(
            CEILING.for_those_on_their_way(1),
            Ceiling { count: 1, stored_bytes: 13, memory_bytes: 125 }
        );
    }

    #[test]
    fn an_empty_account_takes_one_of_any_size() {
        assert!(CEILING.fits(Use::default(), used(1, 9_999, 99_999), 0));
        assert!(!CEILING.times(0).fits(Use::default(), used(1, 1, 1), 3));
    }
}
