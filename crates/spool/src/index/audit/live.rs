//! Counts on their way into the index file.

use super::{Party, Past, Period, Shared, Tally, tables};
use crate::index::IndexError;
use crate::index::kv::Put;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use tram_dispatch::{AgencyCode, Day, Month};

/// Counts in memory that need not be there; when there are more, they go after the next flush.
const CLEAN_MAX: usize = 1 << 14;

/// Counts by day or month and party, then by agency. What is here is newer than what the index says.
pub(crate) type Map = HashMap<(Period, Party), HashMap<AgencyCode, Counted>>;

/// Counts, and whether the index file lacks them.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) tally: Tally,
    dirty: bool,
}

/// A handle for readers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tallies(pub(crate) Shared);

/// The writer's side.
#[derive(Debug, Default)]
pub(crate) struct Live {
    map: Shared,
    entries: usize,
}

impl Live {
    pub(crate) fn shared(&self) -> Tallies {
        Tallies(Arc::clone(&self.map))
    }

    /// Changes the counts of one agency, one party, one day, and those of its month.
    pub(crate) fn change(
        &mut self,
        day: Day,
        party: Party,
        agency: &AgencyCode,
        past: &impl Past,
        change: impl Fn(&mut Tally),
    ) -> Result<(), IndexError> {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        for period in [Period::Day(day), Period::Month(Month::of(day).0)] {
            let agencies = map.entry((period, party)).or_default();
            if let Some(counted) = agencies.get_mut(agency) {
                change(&mut counted.tally);
                counted.dirty = true;
                continue;
            }
            let key = tables::tally(period, party, agency.as_str());
            let mut tally = past.tally(&key)?.unwrap_or_default();
            change(&mut tally);
            agencies.insert(agency.clone(), Counted { tally, dirty: true });
            self.entries += 1;
        }
        Ok(())
    }

    /// What changed since the last time. The caller puts it where readers see it, in the layer that is
    /// written next, before anything else happens.
    pub(crate) fn drain(&mut self) -> Vec<Put> {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let mut out = Vec::new();
        for ((period, party), agencies) in map.iter_mut() {
            for (agency, counted) in agencies.iter_mut().filter(|(_, counted)| counted.dirty) {
                counted.dirty = false;
                let key = tables::tally(*period, *party, agency.as_str());
                out.push((key, Some(counted.tally.encode())));
            }
        }
        out
    }

    /// Drops what the index says as well. Called after what was drained is visible there.
    pub(crate) fn trim(&mut self) {
        if self.entries > CLEAN_MAX {
            let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
            for agencies in map.values_mut() {
                agencies.retain(|_, counted| counted.dirty);
            }
            map.retain(|_, agencies| !agencies.is_empty());
            self.entries = map.values().map(HashMap::len).sum();
        }
    }
}
