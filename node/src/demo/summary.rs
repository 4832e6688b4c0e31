//! What came of it, for people and programs.

use serde::Serialize;

/// The last line with `--json`. Every count is of things that were looked at in this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Summary {
    /// Tiers with a running node.
    pub(super) tiers: u32,
    /// Dispatches that were accepted for delivery.
    pub(super) dispatches: u32,
    /// Recipients whose node proved that it holds the dispatch for them.
    pub(super) consigned: u32,
    /// Statuses and answers of the recipient's clerk that the originator's node showed.
    pub(super) statuses_seen: u32,
    /// Receipts that verify offline from the exported files.
    pub(super) receipts_verified: u32,
    /// Receipts that do not, or that are missing.
    pub(super) receipts_failed: u32,
    /// Wrong things refused with the code that they must be refused with.
    pub(super) refused_as_expected: u32,
    /// Wrong things tried.
    pub(super) refused_expected: u32,
    /// Whether a node's parent cosigned all of its log.
    pub(super) witnessed: bool,
    /// Whether a node that was put back to an older state was caught before it signed.
    pub(super) rollback_caught: bool,
    /// From start to end, milliseconds.
    pub(super) elapsed_ms: u64,
    /// Whether everything was as it should be.
    pub(super) ok: bool,
}

impl Summary {
    /// Sets `ok`: everything was tried, and nothing went wrong in the counts.
    pub(super) fn close(mut self, orderly: bool, elapsed_ms: u64) -> Self {
        self.elapsed_ms = elapsed_ms;
        self.ok = orderly
            && self.tiers == 4
            && self.dispatches == 10
            && self.consigned == 12
            && self.statuses_seen == 11
            && self.receipts_verified > 0
            && self.receipts_failed == 0
            && self.refused_expected > 0
            && self.refused_as_expected == self.refused_expected
            && self.witnessed
            && self.rollback_caught;
        self
    }

    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_run_is_ok() {
        let good = Summary {
            tiers: 4,
            dispatches: 10,
            consigned: 12,
            statuses_seen: 11,
            receipts_verified: 18,
            refused_as_expected: 8,
            refused_expected: 8,
            witnessed: true,
            rollback_caught: true,
            ..Summary::default()
        };
        assert!(good.close(true, 7).ok);
        assert!(good.close(true, 7).json().contains("\"elapsed_ms\":7,\"ok\":true"));
        assert!(!good.close(false, 7).ok);
        for bad in [
            Summary::default(),
            Summary { tiers: 3, ..good },
            Summary { consigned: 11, ..good },
            Summary { statuses_seen: 10, ..good },
            Summary { receipts_failed: 1, ..good },
            Summary { receipts_verified: 0, ..good },
            Summary { refused_as_expected: 7, ..good },
            Summary { witnessed: false, ..good },
            Summary { rollback_caught: false, ..good },
        ] {
            assert!(!bad.close(true, 7).ok, "{bad:?}");
        }
    }
}
