use axum::response::Response;
use tram_dispatch::{AgencyCode, Code};

use super::super::call::{Call, page};
use super::super::outgoing;
use crate::model::{
    BetweenQuery, KeyQuery, NumberedQuery, OverdueQuery, RefusalsQuery, StatisticsBy,
    StatisticsQuery,
};
use crate::routes::AUDIT;
use crate::text::{AgencyText, clip};
use crate::{Problem, Scope};

/// Longest number or notation asked for.
const NUMBER_BYTES_MAX: usize = 200;
/// Most days of statistics.
const DAYS_MAX: u32 = 366;

pub(super) async fn documents(call: Call) -> Result<Response, Problem> {
    let query: NumberedQuery = call.query()?;
    for text in [Some(&query.number), query.notation.as_ref()].into_iter().flatten() {
        if text.is_empty() || text.len() > NUMBER_BYTES_MAX || text.contains('\0') {
            let detail = format!("not a number or notation: {:?}", clip(text));
            return Err(Problem::bad_request(detail));
        }
    }
    let scope = call.caller.scope(AUDIT);
    let mut found = call.app.service.audit_documents(call.caller, query).await?;
    found.items.retain(|t| {
        let recipients = t.legs.iter().map(|leg| &leg.recipient);
        party(&scope, &t.originator, recipients)
    });
    outgoing::ok(&found)
}

pub(super) async fn between(call: Call) -> Result<Response, Problem> {
    let mut query: BetweenQuery = call.query()?;
    page(query.after.as_deref(), &mut query.limit)?;
    // One of the two must be the caller's; which one is said where neither is.
    if call.caller.require_received(AUDIT, &query.recipient).is_err() {
        call.caller.require(AUDIT, &query.originator)?;
    }
    outgoing::ok(&call.app.service.audit_between(call.caller, query).await?)
}

pub(super) async fn refusals(call: Call) -> Result<Response, Problem> {
    let mut query: RefusalsQuery = call.query()?;
    page(query.after.as_deref(), &mut query.limit)?;
    named(&call, query.agency.as_ref())?;
    let scope = call.caller.scope(AUDIT);
    let service = &call.app.service;
    let mut found = service.audit_refusals(call.caller, query, scope.clone()).await?;
    found.items.retain(|r| party(&scope, &r.originator, r.recipient.iter()));
    outgoing::ok(&found)
}

pub(super) async fn key(call: Call) -> Result<Response, Problem> {
    let mut query: KeyQuery = call.query()?;
    page(query.after.as_deref(), &mut query.limit)?;
    let named = [query.key.is_some(), query.certificate.is_some(), query.node.is_some()];
    let named = named.into_iter().chain([query.serial.is_some()]).filter(|named| *named).count();
    if named != 1
        || query.serial.is_some() != query.issuer.is_some()
        || query.epoch.is_some() && query.node.is_none()
    {
        let detail =
            "one of key, certificate, serial with issuer, and node is needed; epoch goes with node";
        return Err(Problem::bad_request(detail));
    }
    let scope = call.caller.scope(AUDIT);
    let service = &call.app.service;
    let first = query.after.is_none();
    let mut found = service.audit_key(call.caller, query, scope.clone()).await?;
    found.items.retain(|i| {
        let recipients = i.legs.iter().map(|leg| &leg.recipient).chain(&i.recipient);
        party(&scope, &i.originator, recipients)
    });
    if first && found.items.is_empty() && found.next.is_none() {
        // Who may see none of it is told the same as if there were none; and nobody takes a misspelt name for
        // a key that was never used.
        let detail = "nothing here was touched by this key, or its name is not the one given";
        return Err(Problem::new(Code::NotFound, detail));
    }
    outgoing::ok(&found)
}

pub(super) async fn overdue(call: Call) -> Result<Response, Problem> {
    let mut query: OverdueQuery = call.query()?;
    page(query.after.as_deref(), &mut query.limit)?;
    if let Some(recipient) = &query.recipient {
        call.caller.require_received(AUDIT, recipient)?;
    }
    let scope = call.caller.scope(AUDIT);
    let service = &call.app.service;
    let mut found = service.audit_overdue(call.caller, query, scope.clone()).await?;
    found.items.retain(|i| scope.sees(&i.originator, Some(&i.recipient)));
    outgoing::ok(&found)
}

pub(super) async fn statistics(call: Call) -> Result<Response, Problem> {
    let mut query: StatisticsQuery = call.query()?;
    page(query.after.as_deref(), &mut query.limit)?;
    named(&call, query.agency.as_ref())?;
    let (from, to) = (query.from.0, query.to.0);
    if from > to || to.since(from) >= DAYS_MAX {
        let detail = format!("from is at most to, and no more than {DAYS_MAX} days are counted");
        return Err(Problem::bad_request(detail));
    }
    let scope = call.caller.scope(AUDIT);
    let by = query.by;
    let service = &call.app.service;
    let mut found = service.audit_statistics(call.caller, query, scope.clone()).await?;
    if by == StatisticsBy::Agency {
        found.items.retain(|row| row.agency.as_ref().is_some_and(|a| scope.contains(a)));
    }
    outgoing::ok(&found)
}

/// Asking for an agency by name deserves an answer, not an empty page.
fn named(call: &Call, agency: Option<&AgencyText>) -> Result<(), Problem> {
    agency.map_or(Ok(()), |agency| call.caller.require(AUDIT, agency))
}

fn party<'a>(
    scope: &Scope,
    originator: &AgencyCode,
    mut recipients: impl Iterator<Item = &'a AgencyText>,
) -> bool {
    scope.contains(originator) || recipients.any(|r| scope.receives(r))
}
