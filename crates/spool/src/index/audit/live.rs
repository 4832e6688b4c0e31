//! Counts on their way into the index file.

use super::{Party, Past, Period, Shared, Span, Tally, tables};
use crate::index::IndexError;
use crate::index::kv::Put;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use tram_dispatch::{AgencyCode, Day};

/// Counts in memory that need not be there; when there are more, they go after the next flush. Those of every
/// agency of the country for one day, as both parties and for all periods, are a third of it.
const CLEAN_MAX: usize = 1 << 16;

/// Counts by agency, then by period. What is here is newer than what the index says.
pub(crate) type Map = HashMap<AgencyCode, Agency>;

/// The counts of one agency by party; of each the period first.
pub(crate) type Agency = [Vec<(Period, Counted)>; 2];

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

    /// Changes the counts of one agency, one party, one day, and those of the longer periods it lies in. `change`
    /// gives false where it takes out what is not in them.
    pub(crate) fn change<P: Past>(
        &mut self,
        day: Day,
        party: Party,
        agency: &AgencyCode,
        past: &P,
        change: impl Fn(&mut Tally, Span) -> bool,
    ) -> Result<(), IndexError> {
        let change = |tally: &mut Tally, span| {
            let sound = change(tally, span);
            debug_assert!(sound || !P::AGREES, "more is taken out of counts than is in them");
        };
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        // Most agencies are known: no copy of their codes.
        let agencies = match map.get_mut(agency) {
            Some(known) => known,
            None => map.entry(agency.clone()).or_default(),
        };
        let periods = &mut agencies[party as usize];
        for period in Span::ALL.map(|span| span.of(day)) {
            // The newest are asked for most.
            if let Some((_, counted)) = periods.iter_mut().rev().find(|(p, _)| *p == period) {
                change(&mut counted.tally, period.span);
                counted.dirty = true;
                continue;
            }
            let key = tables::tally(period, party, agency.as_str());
            let mut tally = past.tally(&key)?.unwrap_or_default();
            change(&mut tally, period.span);
            periods.push((period, Counted { tally, dirty: true }));
            self.entries += 1;
        }
        Ok(())
    }

    /// What changed since the last time. The caller puts it where readers see it, in the layer that is
    /// written next, before anything else happens.
    pub(crate) fn drain(&mut self) -> Vec<Put> {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let mut out = Vec::new();
        for (agency, parties) in map.iter_mut() {
            for (party, periods) in [Party::Originator, Party::Recipient].into_iter().zip(parties) {
                for (period, counted) in periods.iter_mut().filter(|(_, counted)| counted.dirty) {
                    counted.dirty = false;
                    let key = tables::tally(*period, party, agency.as_str());
                    out.push((key, Some(counted.tally.encode())));
                }
            }
        }
        out
    }

    /// Drops what the index says as well. Called after what was drained is visible there.
    pub(crate) fn trim(&mut self) {
        if self.entries > CLEAN_MAX {
            let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
            map.retain(|_, parties| {
                for periods in parties.iter_mut() {
                    periods.retain(|(_, counted)| counted.dirty);
                }
                parties.iter().any(|periods| !periods.is_empty())
            });
            self.entries = map.values().flatten().map(Vec::len).sum();
        }
    }
}
