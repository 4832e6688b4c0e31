//! Dispatches seen lately, so that most events of a leg need no look into the index file.

use super::{Past, Trace};
use crate::index::IndexError;
use std::collections::HashMap;
use tram_dispatch::{AgencyCode, DispatchId, UnixMillis};

/// Legs in one generation. Two are kept: a few megabytes.
const LEGS_MAX: usize = 1 << 15;

/// Two generations: what is used moves to the newer one, and the older one is dropped whole.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    new: HashMap<DispatchId, Trace>,
    old: HashMap<DispatchId, Trace>,
    legs: usize,
}

impl Traces {
    /// Custody of a dispatch begins.
    pub(crate) fn begin(&mut self, id: DispatchId, originator: AgencyCode, at: UnixMillis) {
        // Evidence in the batch may stand before the record of custody.
        let known = self.new.remove(&id).or_else(|| self.old.remove(&id)).unwrap_or_default();
        let trace = Trace {
            sent: known.sent.or(Some(at)),
            originator: Some(known.originator.unwrap_or(originator)),
            legs: known.legs,
        };
        self.legs += 1;
        self.new.insert(id, trace);
    }

    /// One dispatch as far as it is known, for more to be learned.
    pub(crate) fn of(
        &mut self,
        id: DispatchId,
        past: &impl Past,
    ) -> Result<&mut Trace, IndexError> {
        if !self.new.contains_key(&id) {
            let trace = match self.old.remove(&id) {
                Some(trace) => trace,
                None => past.trace(&id)?,
            };
            self.legs += 1 + trace.legs.len();
            self.new.insert(id, trace);
        }
        Ok(self.new.entry(id).or_default())
    }

    /// Between two batches: never in one, since the index does not know its records yet.
    pub(crate) fn settle(&mut self) {
        if self.legs > LEGS_MAX {
            self.old = std::mem::take(&mut self.new);
            self.legs = 0;
        }
    }
}
