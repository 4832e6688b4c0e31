use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tram_dispatch::DispatchId;

/// Most answers kept.
const VERDICTS_MAX: usize = 20_000;

/// What was found out about files that never change; found out again where it is forgotten.
#[derive(Default)]
pub(super) struct Verdicts(Mutex<BTreeMap<DispatchId, bool>>);

impl Verdicts {
    pub(super) fn get(&self, dispatch: &DispatchId) -> Option<bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(dispatch).copied()
    }

    pub(super) fn set(&self, dispatch: DispatchId, verdict: bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= VERDICTS_MAX {
            known.clear();
        }
        known.insert(dispatch, verdict);
    }
}
