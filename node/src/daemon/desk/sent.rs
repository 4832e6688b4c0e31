//! What agencies sent lately.

use tram_api::Problem;
use tram_dispatch::{AgencyCode, DispatchId, UnixMillis};
use tram_engine::state::held::HeldDispatch;
use tram_spool::store::DispatchQuery;

use super::{Desk, blocking, broken, of_stopping};

/// How far back is looked, milliseconds: 30 days.
pub(in crate::daemon) const BACK_MS: u64 = 30 * 86_400_000;
/// Dispatches listed in one question to the store.
const PAGE: usize = 500;

impl Desk {
    /// What an agency sent lately: when, and which.
    pub(in crate::daemon) async fn sent_by(
        &self,
        agency: &AgencyCode,
    ) -> Result<Vec<(UnixMillis, DispatchId)>, Problem> {
        let context = self.service.context.clone();
        let now = context.core.now().wall;
        let (store, agency) = (context.store.clone(), agency.clone());
        blocking(move || {
            let mut query = DispatchQuery {
                agency: Some(agency.clone()),
                from: Some(UnixMillis(now.0.saturating_sub(BACK_MS))),
                limit: PAGE,
                ..DispatchQuery::default()
            };
            let mut found = Vec::new();
            loop {
                let page = store.dispatches(&query).map_err(|e| broken(e.explain()))?;
                let own = page.items.into_iter().filter(|d| d.originator == agency);
                found.extend(own.map(|d| (d.at, d.dispatch)));
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => return Ok(found),
                }
            }
        })
        .await
    }

    /// These dispatches, in their order; one that cannot be read is left out.
    pub(in crate::daemon) async fn looked_up(
        &self,
        ids: Vec<DispatchId>,
    ) -> Result<Vec<HeldDispatch>, Problem> {
        let look = move |engine: &tram_engine::Engine, view: &dyn tram_engine::View| {
            ids.into_iter().filter_map(|id| engine.find(&id, view).ok().flatten()).collect()
        };
        self.service.context.core.question(look).await.map_err(of_stopping)
    }
}
