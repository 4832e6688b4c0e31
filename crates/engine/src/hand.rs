//! What a node has in hand: named before work on it begins, so that whoever comes after the process
//! knows what it died of.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tram_dispatch::{DispatchId, UnixMillis};
use tram_wire::sealed::SealedDispatch;

use crate::engine::{Engine, Fatal, Recovered};
use crate::record::{Attempt, Quarantine, Record, Stage};
use crate::state::aside::Broken;
use crate::state::held::HeldDispatch;
use crate::state::revive;

/// Is told what the engine works on. What it was told last must outlive the process, but not a power
/// cut: that is no dispatch's doing.
pub trait Hand: Send + Sync {
    /// Work on this dispatch begins; what was in hand before is done.
    fn take(&self, dispatch: &DispatchId, stage: Stage);
    /// Nothing is in hand.
    fn lay_down(&self);
}

/// For a node whose process is not watched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unwatched;

impl Hand for Unwatched {
    fn take(&self, _: &DispatchId, _: Stage) {}
    fn lay_down(&self) {}
}

/// Counts, on what was recovered, an attempt for each dispatch that the process before had in hand
/// when it ended. What comes back must be durable before an engine is made of `recovered`.
pub fn unfinished(
    recovered: &mut Recovered,
    in_hand: &[(DispatchId, Stage)],
    at: UnixMillis,
) -> Vec<Record> {
    let mut records = Vec::new();
    for (dispatch, stage) in in_hand {
        let about = |h: &&mut Vec<Record>| h.iter().find_map(Record::dispatch) == Some(*dispatch);
        let history = match recovered.open.iter_mut().find(about) {
            Some(history) => history,
            None => {
                recovered.open.push(Vec::new());
                let Some(history) = recovered.open.last_mut() else { continue };
                history
            }
        };
        let before = history.len();
        let detail = format!("the process ended in the middle of {}", stage.words());
        let attempt = Attempt { dispatch: *dispatch, stage: *stage, detail, at };
        history.push(Record::Attempt(attempt));
        if let Some(cause) = Broken::of(history).verdict() {
            let cause = Some(cause);
            history.push(Record::Quarantine(Quarantine { dispatch: *dispatch, cause, at }));
        }
        records.extend_from_slice(&history[before..]);
    }
    records
}

impl Engine {
    /// Decisions about this dispatch begin; every one is noted, before it is made. Not noted is what this
    /// engine does for a whole batch (the log's arithmetic, giving out what is finished): it is the same
    /// whatever dispatches say.
    pub(crate) fn decide_on(&mut self, id: &DispatchId) {
        self.deciding = Some(*id);
        self.hand.take(id, Stage::Decide);
    }

    /// The same for one of many that a change around them bears on: nothing is read, and what is set aside is
    /// hardly touched.
    pub(crate) fn housekeeping_on(&self, id: &DispatchId) {
        if !self.state.is_quarantined(id) {
            self.hand.take(id, Stage::Decide);
        }
    }

    /// Decisions came to their end.
    pub(crate) fn decided(&mut self) {
        self.deciding = None;
        self.hand.lay_down();
    }

    /// Reads records of a dispatch back; what is being decided about is in hand again when it is done.
    pub(crate) fn read_noted<T>(&self, id: &DispatchId, read: impl FnOnce() -> T) -> T {
        self.hand.take(id, Stage::Read);
        let done = read();
        match &self.deciding {
            Some(deciding) => self.hand.take(deciding, Stage::Decide),
            None => self.hand.lay_down(),
        }
        done
    }
}

/// Reads a dispatch's history, as our own store gives it, back into memory.
pub(crate) fn fold(history: &[Record]) -> Result<Option<HeldDispatch>, Fatal> {
    let Some(raw) = history.iter().find_map(|r| match r {
        Record::Held(h) => Some(&h.raw),
        _ => None,
    }) else {
        return Ok(None);
    };
    let sealed = SealedDispatch::parse(raw).map_err(|e| Fatal::Stored(e.to_string()))?;
    Ok(revive(history, tram_trust::assertion::dispatch_from_store(sealed)))
}

/// Folds a history; a panic in there is an error like any other. The history is only read, so
/// nothing is left half done.
pub(crate) fn fold_watched(
    history: &[Record],
    hand: &dyn Hand,
) -> Result<Option<HeldDispatch>, String> {
    if let Some(id) = history.iter().find_map(Record::dispatch) {
        hand.take(&id, Stage::Read);
    }
    match catch_unwind(AssertUnwindSafe(|| fold(history))) {
        Ok(folded) => folded.map_err(|e: Fatal| e.to_string()),
        Err(_) => Err("folding its records panicked".to_owned()),
    }
}
