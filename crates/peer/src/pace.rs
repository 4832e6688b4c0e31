//! Rules of a session that depend on when something happened. The times are arguments.

use tram_dispatch::NodeId;
use tram_wire::Frame;

use crate::limits::{CHECKPOINT_MS, SAME_TIME_MS};

/// What one session told and heard of logs that grow.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    told: u64,
    heard_ms: Option<u64>,
}

impl Pace {
    /// `told` is the size of our log in our hello.
    pub fn new(told: u64) -> Self {
        Pace { told, heard_ms: None }
    }

    /// Whether the peer knows less of our log than `size`.
    pub fn is_behind(&self, size: u64) -> bool {
        size > self.told
    }

    /// The peer is told that our log has this size.
    pub fn tell(&mut self, size: u64) {
        self.told = size;
    }

    /// Whether a frame of a session that is up is one more checkpoint before its time: it is passed
    /// over, so that a log that grows fast costs us no more than one that grows. `now_ms` is monotonic.
    pub fn passes_over(&mut self, frame: &Frame, now_ms: u64) -> bool {
        if !matches!(frame, Frame::Checkpoint { .. }) {
            return false;
        }
        let soon = self.heard_ms.is_some_and(|at| now_ms.saturating_sub(at) < CHECKPOINT_MS / 2);
        if !soon {
            self.heard_ms = Some(now_ms);
        }
        soon
    }
}

/// Whether a new session gives way to one that is up for `age_ms`. Of two dialled at the same time, the
/// one that the lower id dialled stays, and both sides agree on it; otherwise the newer one stays, for the
/// other side may have lost the older one. What is said of each session is whether this side dialled it.
pub fn gives_way(
    me: &NodeId,
    peer: &NodeId,
    new_dialled: bool,
    up_dialled: bool,
    age_ms: u64,
) -> bool {
    let lower_dialled = |dialled: bool| dialled == (me < peer);
    age_ms < SAME_TIME_MS && lower_dialled(up_dialled) && !lower_dialled(new_dialled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_before_its_time_is_passed_over_and_nothing_else_is() {
        let mut pace = Pace::new(7);
        assert!(!pace.is_behind(7) && pace.is_behind(8));
        pace.tell(8);
        assert!(!pace.is_behind(8));
        let note = Frame::Checkpoint { note: Vec::new() };
        assert!(!pace.passes_over(&note, 1_000));
        assert!(pace.passes_over(&note, 1_000 + CHECKPOINT_MS / 2 - 1));
        assert!(!pace.passes_over(&Frame::Stored { batch: 1 }, 1_001));
        assert!(!pace.passes_over(&note, 1_000 + CHECKPOINT_MS / 2));
        assert!(pace.passes_over(&note, 1_001 + CHECKPOINT_MS / 2), "counted from the last taken");
    }

    #[test]
    fn both_sides_agree_which_of_two_sessions_stays() {
        let (low, high): (NodeId, NodeId) = ("n1.G22".parse().unwrap(), "n1.H41".parse().unwrap());
        // The higher one's session is new: it gives way to the lower one's, on both sides.
        assert!(gives_way(&low, &high, false, true, 0));
        assert!(gives_way(&high, &low, true, false, 0));
        // The lower one's is new: it takes over.
        assert!(!gives_way(&low, &high, true, false, 0));
        assert!(!gives_way(&high, &low, false, true, 0));
        // Dialled again by the same side, or much later: the newer one stays.
        assert!(!gives_way(&low, &high, true, true, 0));
        assert!(!gives_way(&low, &high, false, true, SAME_TIME_MS));
    }
}
