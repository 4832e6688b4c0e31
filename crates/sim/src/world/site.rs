//! A node's surroundings: its clock, what befell its disk, when it does what.

use tram_engine::Settings;

use crate::node::{Moment, Node, Outage, SimDisk};
use crate::plan::Plan;

/// A node in the world.
pub(super) struct Site {
    pub(super) node: Node,
    /// When its process started, ms.
    pub(super) booted_ms: u64,
    /// Its wall clock minus the right one, ms.
    pub(super) offset_ms: i64,
    /// Whether its clock was ever wrong.
    pub(super) clock_doubted: bool,
    pub(super) commit_ms: u64,
    /// Counts processes, so that what was meant for an earlier one is nobody's.
    pub(super) incarnation: u64,
    pub(super) tick_at: Option<u64>,
    pub(super) backup: Option<(SimDisk, u64)>,
    /// The crash that waits for the next commit.
    pub(super) armed: Option<(Moment, Outage, u64, Option<u64>)>,
    /// An operation of the disk was made to fail: it may stop.
    pub(super) faulted: bool,
    /// Its disk is full.
    pub(super) full: bool,
    /// Something was done to its disk at some time.
    pub(super) hurt: bool,
    /// The medium is damaged: it may find out at any time.
    pub(super) damaged: bool,
    /// The disk lied: it may have lost what it said it had.
    pub(super) doubtful: bool,
    /// An old backup lies in the place of its disk.
    pub(super) rolled_back: bool,
    /// What the page cache shows is not to be trusted.
    pub(super) reboot_first: bool,
    /// Its next answers are forged on their way.
    pub(super) forge: bool,
    /// Until when its disk is slow, ms.
    pub(super) slow_until: u64,
    /// Halted, and a new disk is on its way.
    pub(super) giving_up: bool,
}

impl Site {
    pub(super) fn new(node: Node, commit_ms: u64) -> Self {
        Site {
            node,
            booted_ms: 0,
            offset_ms: 0,
            clock_doubted: false,
            commit_ms,
            incarnation: 0,
            tick_at: None,
            backup: None,
            armed: None,
            faulted: false,
            full: false,
            hurt: false,
            damaged: false,
            doubtful: false,
            rolled_back: false,
            reboot_first: false,
            forge: false,
            slow_until: 0,
            giving_up: false,
        }
    }
}

/// Whether what is finished is kept as long as in the product: where little may be held, it must not be.
pub(super) fn keeps_finished(plan: &Plan) -> bool {
    plan.knobs.held_max >= 100
}

/// The engine's settings: the product's, with the delays that a schedule has time for.
pub(super) fn settings(plan: &Plan) -> Settings {
    let usual = Settings::default();
    let keep = |ms: u64| if keeps_finished(plan) { ms } else { 1_000 };
    Settings {
        held_max: plan.knobs.held_max,
        keep_after_consignment_ms: keep(usual.keep_after_consignment_ms),
        keep_after_registration_ms: keep(usual.keep_after_registration_ms),
        retry_ms_min: 500,
        retry_ms_max: 8_000,
        outbox_resend_ms: 5_000,
        clock_skew_ms_max: 5_000,
        busy_retry_ms: 1_000,
        quota_retry_ms: 2_000,
        absent_retry_ms: 2_000,
        ..usual
    }
}
