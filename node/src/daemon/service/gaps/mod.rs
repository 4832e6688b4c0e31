//! Which numbers of an originator are missing, and why: from the index, with the receipts that say so.

mod admissions;
mod series;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tram_api::Problem;
use tram_api::model::{Gap, GapClass, GapsQuery, GapsReport, Numbering};
use tram_dispatch::{AgencyCode, UnixMillis};
use tram_spool::store::StoreReader;

use super::super::context::Context;
use super::{NodeService, store_problem};

/// A number may be missing for a day before it is judged.
const GRACE_S_DEFAULT: u64 = 86_400;
const LIMIT_DEFAULT: u32 = 100;
/// Most series in one answer.
const SERIES_MAX: usize = 100;

/// What one question may read. Where it comes to an end, the answer says where to go on.
#[derive(Clone, Copy, Debug)]
struct Room {
    /// Index entries in a page.
    entries: usize,
    /// Pages that are left.
    pages: usize,
    /// Leaves to be opened that are left.
    leaves: usize,
}

impl Room {
    /// A quarter of a million numbers, and leaves for two suppressions of the longest kind.
    const OF_A_QUESTION: Room = Room { entries: 4_096, pages: 64, leaves: 20_000 };

    /// Takes a page; false if there is none left.
    fn page(&mut self) -> bool {
        let left = self.pages.checked_sub(1);
        self.pages = left.unwrap_or(0);
        left.is_some()
    }
}

/// Where and how one numbering is looked through.
struct Look {
    store: StoreReader,
    agency: AgencyCode,
    from: u64,
    limit: usize,
    now: UnixMillis,
    grace_ms: u64,
}

impl NodeService {
    pub(super) async fn do_gaps(&self, query: GapsQuery) -> Result<GapsReport, Problem> {
        let context: Arc<Context> = self.context.clone();
        self.reading(move || {
            let grace_s = query.grace_s.unwrap_or(GRACE_S_DEFAULT);
            let agency = query.agency.0.clone();
            let look = Look {
                store: context.store.clone(),
                agency: agency.clone(),
                from: query.from.unwrap_or(1),
                limit: query.limit.unwrap_or(LIMIT_DEFAULT) as usize,
                now: context.core.now().wall,
                grace_ms: grace_s.saturating_mul(1_000),
            };
            let series = match query.series {
                Some(series) => vec![series],
                None if query.admissions => Vec::new(),
                None => look.store.series_of(&agency, SERIES_MAX + 1).map_err(store_problem)?,
            };
            let (mut room, mut numberings) = (Room::OF_A_QUESTION, Vec::new());
            if query.series.is_none() {
                numberings.push(look.admissions(&mut room)?);
            }
            for series in series.iter().take(SERIES_MAX) {
                numberings.push(look.series(*series, &mut room)?);
            }
            Ok(GapsReport {
                agency: agency.into(),
                node: context.me.clone().into(),
                epoch: context.epoch.into(),
                at: look.now.into(),
                grace_s,
                numberings,
                more_series: series.len() > SERIES_MAX,
            })
        })
        .await
    }
}

/// A numbering of which nothing was looked at yet.
fn numbering(series: Option<u64>) -> Numbering {
    let (repeated, gaps) = (Vec::new(), Vec::new());
    Numbering { series, newest: 0, present: 0, repeated, gaps, next: None }
}

/// A missing number of which only the class is known.
fn gap(number: u64, class: GapClass, since: UnixMillis) -> Gap {
    Gap {
        number,
        class,
        since: since.into(),
        code: None,
        detail: None,
        dispatch: None,
        receipt: None,
        statement: None,
        proof: None,
    }
}
