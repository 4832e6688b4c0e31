//! What auditors ask: document numbers, who wrote to whom, refusals, what is overdue.

use tram_api::model::*;
use tram_api::{Caller, Problem, Questions, Reply, Scope};
use tram_config::working_days;
use tram_dispatch::{Code, Day, WorkingDays};
use tram_spool::store::{
    Arrival, ArrivalQuery, BetweenQuery as StoreBetween, NumberQuery, RefusalQuery,
};
use tram_wire::Receipt;

use super::{NodeService, store_problem};

/// Items in a page where the caller names no number.
pub(super) const PAGE_DEFAULT: u32 = 100;

impl Questions for NodeService {
    fn audit_documents(&self, caller: Caller, query: NumberedQuery) -> Reply<'_, Page<Tracking>> {
        Box::pin(self.do_documents(caller, query))
    }

    fn audit_between(
        &self,
        _caller: Caller,
        query: BetweenQuery,
    ) -> Reply<'_, Page<DispatchSummary>> {
        Box::pin(self.do_between(query))
    }

    fn audit_refusals(
        &self,
        _caller: Caller,
        query: RefusalsQuery,
        scope: Scope,
    ) -> Reply<'_, Page<ReceiptView>> {
        Box::pin(self.do_refusals(query, scope))
    }

    fn audit_key(
        &self,
        _caller: Caller,
        query: KeyQuery,
        scope: Scope,
    ) -> Reply<'_, Page<KeyItem>> {
        Box::pin(self.do_key(query, scope))
    }

    fn audit_overdue(
        &self,
        _caller: Caller,
        query: OverdueQuery,
        scope: Scope,
    ) -> Reply<'_, OverdueView> {
        Box::pin(self.do_overdue(query, scope))
    }

    fn audit_statistics(
        &self,
        _caller: Caller,
        query: StatisticsQuery,
        scope: Scope,
    ) -> Reply<'_, StatisticsView> {
        Box::pin(self.do_statistics(query, scope))
    }
}

impl NodeService {
    async fn do_documents(
        &self,
        caller: Caller,
        query: NumberedQuery,
    ) -> Result<Page<Tracking>, Problem> {
        let store = self.context.store.clone();
        let agency = query.agency.0.clone();
        let named = format!("{} of {agency}", query.number);
        let asked =
            NumberQuery { number: query.number, notation: query.notation, year: query.year };
        let ids =
            self.reading(move || store.numbered(&agency, &asked).map_err(store_problem)).await?;
        let mut items = Vec::new();
        for id in ids {
            match self.do_track(caller.clone(), id).await {
                Ok(tracking) => items.push(tracking),
                // Who has nothing to do with one of them is told of the others.
                Err(problem) if problem.code == Code::NotFound => {}
                Err(problem) => return Err(problem),
            }
        }
        if items.is_empty() {
            return Err(Problem::new(Code::NotFound, format!("no document {named}")));
        }
        Ok(Page { items, next: None })
    }

    async fn do_between(&self, query: BetweenQuery) -> Result<Page<DispatchSummary>, Problem> {
        let store = self.context.store.clone();
        let asked = StoreBetween {
            from: query.from.map(|t| t.0),
            to: query.to.map(|t| t.0),
            after: super::cursor(query.after.as_deref())?,
            limit: query.limit.unwrap_or(PAGE_DEFAULT) as usize,
        };
        let (from, to) = (query.originator.0, query.recipient.0);
        let found =
            self.reading(move || store.between(&from, &to, &asked).map_err(store_problem)).await?;
        let next = found.next.map(|cursor| cursor.to_string());
        // The two agencies are the question; who may ask it was decided before.
        let items = self.looked_up(found.items, Scope::All).await?;
        Ok(Page { items, next })
    }

    async fn do_refusals(
        &self,
        query: RefusalsQuery,
        scope: Scope,
    ) -> Result<Page<ReceiptView>, Problem> {
        let store = self.context.store.clone();
        let asked = RefusalQuery {
            code: query.code.map(|t| t.0),
            node: query.node.map(|t| t.0),
            agency: query.agency.map(|t| t.0),
            failures: query.failures,
            from: query.from.map(|t| t.0),
            to: query.to.map(|t| t.0),
            after: super::cursor(query.after.as_deref())?,
            limit: query.limit.unwrap_or(PAGE_DEFAULT) as usize,
        };
        self.reading(move || {
            let page = store.refusals(&asked).map_err(store_problem)?;
            let mut items = Vec::new();
            for found in page.items {
                let e = &found.evidence;
                if scope.sees(&e.originator, e.recipient.as_ref()) {
                    let receipt = Receipt::parse(&found.raw)
                        .map_err(|e| Problem::new(Code::StoreCorrupt, e.detail))?;
                    items.push(super::audit::view(&receipt, true));
                }
            }
            Ok(Page { items, next: page.next.map(|c| c.to_string()) })
        })
        .await
    }

    async fn do_overdue(&self, query: OverdueQuery, scope: Scope) -> Result<OverdueView, Problem> {
        let context = self.context.clone();
        let after = super::cursor(query.after.as_deref())?;
        let at = query.at.map_or(context.core.now().wall, |t| t.0);
        self.reading(move || {
            let calendar = calendar(context.config.working_days.as_deref())?;
            // What came later is not due yet; of what was registered late all is.
            let border = if query.late { None } else { Some(at) };
            let to = query.to.map(|t| t.0).into_iter().chain(border).min();
            let asked = ArrivalQuery {
                late: query.late,
                recipient: query.recipient.map(|t| t.0),
                from: query.from.map(|t| t.0),
                to,
                after,
                limit: query.limit.unwrap_or(PAGE_DEFAULT) as usize,
            };
            let due = |found: &Arrival| calendar.register_by(found.arrived, found.urgency);
            let is_late = |found: &Arrival| found.registered.unwrap_or(at) >= due(found);
            let visible = |found: &Arrival| scope.sees(&found.originator, Some(&found.recipient));
            let keep = |found: &Arrival| is_late(found) && visible(found);
            let page = context.store.arrivals(&asked, keep).map_err(store_problem)?;
            let mut holidays_known = calendar.knows(Day::of(at));
            let mut items = Vec::new();
            for found in page.items {
                holidays_known &= calendar.knows(Day::of(found.arrived));
                items.push(OverdueItem {
                    due_at: due(&found).into(),
                    dispatch: found.dispatch.into(),
                    originator: found.originator.into(),
                    recipient: found.recipient.into(),
                    arrived_at: found.arrived.into(),
                    registered_at: found.registered.map(Into::into),
                });
            }
            let next = page.next.map(|cursor| cursor.to_string());
            Ok(OverdueView { at: at.into(), holidays_known, items, next })
        })
        .await
    }
}

/// The list of working days, read anew for each question: replacing the file is enough.
pub(super) fn calendar(file: Option<&std::path::Path>) -> Result<WorkingDays, Problem> {
    working_days::load(file).map_err(|e| {
        let name = file.map(|file| file.display().to_string()).unwrap_or_default();
        Problem::new(Code::ConfigInvalid, format!("audit.working_days: {name}: {e}"))
    })
}
