//! Following one dispatch, and listing dispatches.

use std::sync::Arc;

use tram_api::model::{DispatchQuery, DispatchSummary, Outcome, Page, Tracking};
use tram_api::{Caller, Problem, Scope};
use tram_dispatch::{AgencyCode, Code, DispatchId, Reference, UnixMillis, WorkingDays};
use tram_engine::state::held::HeldDispatch;
use tram_engine::{Engine, Fatal, View};
use tram_spool::store::DispatchQuery as StoreQuery;

use super::super::overdue::Owing;
use super::questions::calendar;
use super::{NodeService, convert, storage};

/// Page size where the caller names none, and the largest.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1000;
/// Dispatches looked up in one question to the engine.
const LOOK_AT_ONCE: usize = 32;

impl NodeService {
    pub(super) async fn do_track(
        &self,
        caller: Caller,
        id: DispatchId,
    ) -> Result<Tracking, Problem> {
        let now = self.context.core.now();
        let found = self
            .context
            .core
            .question(move |engine, view| {
                let Some(held) = engine.find(&id, view)? else { return Ok(None) };
                tracking(engine, view, &held, now).map(|t| Some((t, held)))
            })
            .await?
            .map_err(|e: Fatal| storage(e))?;
        let unknown = || Problem::new(Code::NotFound, format!("dispatch {id}"));
        let scope = caller.scope(tram_api::routes::SEE);
        let Some((mut tracking, held)) = found else {
            let unread = self.context.core.question(move |engine, _| convert::unread(engine, &id));
            let its = |(_, parties): &(_, Vec<_>)| parties.iter().any(|p| scope.receives(p));
            let problem = unread.await?.filter(its).map(|(problem, _)| problem);
            return Err(problem.unwrap_or_else(unknown));
        };
        let e = held.dispatch.envelope();
        // Who has nothing to do with it is told the same as if it did not exist.
        if scope.contains(&e.originator) || e.recipients.iter().any(|r| scope.receives(r)) {
            if held.documents {
                self.remark_types(&e.documents, &mut tracking.documents).await;
            }
            Ok(tracking)
        } else {
            Err(unknown())
        }
    }

    pub(super) async fn do_dispatches(
        &self,
        query: DispatchQuery,
        scope: Scope,
    ) -> Result<Page<DispatchSummary>, Problem> {
        let store = self.context.store.clone();
        let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
        if let (Some(originator), Some(reference)) = (&query.originator, &query.reference) {
            return self.by_reference(originator.0.clone(), reference.0.clone(), scope).await;
        }
        let (originator, recipient) = (query.originator.map(|t| t.0), query.recipient.map(|t| t.0));
        let agency = query.agency.map(|t| t.0);
        let asked = StoreQuery {
            agency: agency.clone().or_else(|| originator.clone()).or_else(|| recipient.clone()),
            from: query.from.map(|t| t.0),
            to: query.to.map(|t| t.0),
            after: super::cursor(query.after.as_deref())?,
            limit: limit as usize,
        };
        let page =
            self.reading(move || store.dispatches(&asked).map_err(super::store_problem)).await?;
        let next = page.next.map(|c| c.to_string());
        let ids: Vec<DispatchId> = page
            .items
            .into_iter()
            .filter(|d| originator.as_ref().is_none_or(|o| d.originator == *o))
            .filter(|d| recipient.as_ref().is_none_or(|r| d.recipients.contains(r)))
            .filter(|d| query.reference.as_ref().is_none_or(|r| d.reference == r.0))
            .map(|d| d.dispatch)
            .collect();
        let mut items = self.looked_up(ids, scope).await?;
        items.retain(|item| query.late.is_none_or(|late| late == (item.late > 0)));
        let missing = |item: &DispatchSummary| item.unacknowledged > 0;
        items.retain(|item| query.unacknowledged.is_none_or(|asked| asked == missing(item)));
        Ok(Page { items, next })
    }

    /// Lines of a listing, in the order of the ids; what the scope does not let see is left out.
    pub(super) async fn looked_up(
        &self,
        ids: Vec<DispatchId>,
        scope: Scope,
    ) -> Result<Vec<DispatchSummary>, Problem> {
        let context = self.context.clone();
        let days = self.reading(move || calendar(context.config.working_days.as_deref())).await?;
        let (days, now) = (Arc::new(days), self.context.core.now().wall);
        let mut items = Vec::new();
        // A few at a time: each that is closed is read from disk on the engine's thread.
        for some in ids.chunks(LOOK_AT_ONCE) {
            let (some, scope, days) = (some.to_vec(), scope.clone(), days.clone());
            let found = self.context.core.question(move |engine, view| {
                let mut found = Vec::new();
                for id in some {
                    let held = match engine.find(&id, view) {
                        Ok(Some(held)) => held,
                        Ok(None) => continue,
                        // One that cannot be read must not hide all others.
                        Err(error) => {
                            tracing::error!(dispatch = %id, %error, "left out of a listing");
                            continue;
                        }
                    };
                    let e = held.dispatch.envelope();
                    let visible = scope.contains(&e.originator)
                        || e.recipients.iter().any(|r| scope.receives(r));
                    if visible {
                        found.push(summary(&held, &days, now));
                    }
                }
                Ok::<_, Fatal>(found)
            });
            items.extend(found.await?.map_err(storage)?);
        }
        Ok(items)
    }

    /// The one dispatch that used a submission key.
    async fn by_reference(
        &self,
        originator: AgencyCode,
        reference: Reference,
        scope: Scope,
    ) -> Result<Page<DispatchSummary>, Problem> {
        let held = self
            .context
            .core
            .question(move |engine, view| {
                Ok::<_, Fatal>(match engine.referenced(&originator, &reference, view)? {
                    Some(id) => engine.find(&id, view)?,
                    None => None,
                })
            })
            .await?
            .map_err(storage)?;
        let visible = |h: &HeldDispatch| {
            let e = h.dispatch.envelope();
            scope.contains(&e.originator) || e.recipients.iter().any(|r| scope.receives(r))
        };
        let context = self.context.clone();
        let days = self.reading(move || calendar(context.config.working_days.as_deref())).await?;
        let now = self.context.core.now().wall;
        let seen = held.iter().filter(|h| visible(h));
        let items = seen.map(|h| summary(h, &days, now)).collect();
        Ok(Page { items, next: None })
    }
}

fn tracking(
    engine: &Engine,
    view: &dyn View,
    held: &HeldDispatch,
    now: tram_dispatch::Now,
) -> Result<Tracking, Fatal> {
    let e = held.dispatch.envelope();
    let evidence = convert::receipts(engine, view, held)?
        .iter()
        .map(|(receipt, authorised)| convert::evidence(receipt, *authorised))
        .collect();
    Ok(Tracking {
        dispatch: held.id().into(),
        object: held.dispatch.object().into(),
        originator: e.originator.clone().into(),
        reference: e.reference.clone().into(),
        subject: Some(e.metadata.subject.clone()),
        signature: super::handling::signature(held),
        urgency: convert::urgency(e.metadata.urgency),
        issued_at: e.issued_at.into(),
        expires_at: e.expires_at.into(),
        accepted_at: held.at.into(),
        previous: held.upstreams.first().cloned().map(Into::into),
        act: convert::act(&e.act).0,
        act_of: convert::act(&e.act).1,
        answers_to: e.metadata.answers_to.iter().map(convert::related).collect(),
        acts: super::acts::acts(engine, view, held, None),
        documents: convert::documents(&e.documents),
        legs: convert::legs(engine, held, now),
        evidence,
    })
}

fn summary(held: &HeldDispatch, days: &WorkingDays, now: UnixMillis) -> DispatchSummary {
    let e = held.dispatch.envelope();
    let send_by = days.send_by(e.issued_at, e.metadata.urgency);
    let owing = Owing::of(held);
    let outcomes: Vec<Option<Outcome>> =
        held.legs.values().map(|leg| convert::leg_state(leg, false).1).collect();
    let count = |f: fn(&Option<Outcome>) -> bool| outcomes.iter().filter(|o| f(o)).count() as u32;
    DispatchSummary {
        dispatch: held.id().into(),
        originator: e.originator.clone().into(),
        reference: e.reference.clone().into(),
        subject: Some(e.metadata.subject.clone()),
        urgency: convert::urgency(e.metadata.urgency),
        accepted_at: held.at.into(),
        recipients: e.recipients.iter().map(|r| r.clone().into()).collect(),
        open: count(Option::is_none),
        consigned: count(|o| *o == Some(Outcome::Consigned)),
        undelivered: count(|o| o.is_some() && *o != Some(Outcome::Consigned)),
        send_by: send_by.into(),
        late: if send_by <= now { owing.to_send } else { 0 },
        acknowledge_by: owing.acknowledge_by.first().copied().map(Into::into),
        unacknowledged: owing.acknowledge_by.iter().filter(|by| **by <= now).count() as u32,
    }
}
