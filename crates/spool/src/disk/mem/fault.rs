//! Faults to come: chosen operations that fail, and the moment the power goes off.

use super::super::{DiskError, DiskOp};
use std::collections::BTreeMap;

/// The error an injected fault reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultError {
    /// EIO.
    Io,
    /// ENOSPC.
    NoSpace,
    /// EROFS.
    ReadOnly,
}

impl FaultError {
    pub(super) fn report(self, op: DiskOp, path: &str) -> DiskError {
        let path = path.to_owned();
        match self {
            Self::NoSpace => DiskError::NoSpace { op, path },
            Self::ReadOnly => {
                let source = std::io::ErrorKind::ReadOnlyFilesystem.into();
                DiskError::Io { op, path, source }
            }
            Self::Io => {
                let source = std::io::Error::other("injected fault");
                DiskError::Io { op, path, source }
            }
        }
    }
}

/// Whether the failing operation took effect all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultEffect {
    /// It failed and did nothing.
    NotApplied,
    /// It was done, yet reported an error.
    Applied,
}

/// One fault: the `nth` operation of a kind, counted from 1, fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind of operation.
    pub op: DiskOp,
    /// Which one of them, from 1.
    pub nth: u64,
    /// What it reports.
    pub error: FaultError,
    /// What it did.
    pub effect: FaultEffect,
}

/// What becomes of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    FailWith(FaultError),
    FailWithout(FaultError),
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    planned: Vec<Fault>,
    seen: BTreeMap<DiskOp, u64>,
    mutations_left: Option<u64>,
    off: bool,
}

impl Faults {
    pub(super) fn planned(planned: Vec<Fault>) -> Self {
        Self { planned, ..Self::default() }
    }

    pub(super) fn power_off_after(&mut self, mutations: u64) {
        self.mutations_left = Some(mutations);
    }

    pub(super) fn is_off(&self) -> bool {
        self.off
    }

    pub(super) fn judge(&mut self, op: DiskOp) -> Verdict {
        let changes = !matches!(
            op,
            DiskOp::Open | DiskOp::Read | DiskOp::Len | DiskOp::List | DiskOp::FreeBytes
        );
        self.judge_as(op, changes)
    }

    pub(super) fn judge_open(&mut self, creates: bool) -> Verdict {
        self.judge_as(DiskOp::Open, creates)
    }

    fn judge_as(&mut self, op: DiskOp, changes: bool) -> Verdict {
        if self.off {
            return Verdict::FailWithout(FaultError::Io);
        }
        if let Some(left) = self.mutations_left.as_mut().filter(|_| changes) {
            if *left == 0 {
                self.off = true;
                // In flight: unsynced effects may show after the crash, a sync gives no promise.
                return match op {
                    DiskOp::Sync | DiskOp::SyncDir => Verdict::FailWithout(FaultError::Io),
                    _ => Verdict::FailWith(FaultError::Io),
                };
            }
            *left -= 1;
        }
        let seen = self.seen.entry(op).or_insert(0);
        *seen += 1;
        let nth = *seen;
        match self.planned.iter().find(|f| f.op == op && f.nth == nth) {
            None => Verdict::Pass,
            Some(f) if f.effect == FaultEffect::Applied => Verdict::FailWith(f.error),
            Some(f) => Verdict::FailWithout(f.error),
        }
    }
}
