use axum::response::Response;
use http::HeaderMap;
use http::header::ACCEPT;
use tram_dispatch::{AgencyCode, DispatchId};

use super::super::call::{Call, Strict, page};
use super::super::outgoing;
use crate::model::{
    AnchorRequest, ConsistencyQuery, DispatchReceiptsQuery, EntriesQuery, EvidenceQuery,
    InclusionQuery, Page, ReceiptQuery, ReceiptView,
};
use crate::routes::{AUDIT, NEXT, READ, media};
use crate::{Problem, Scope};

/// Most entries in one answer: those of a bundle.
const ENTRIES_MAX: usize = 256;

pub(super) async fn receipts(call: Call) -> Result<Response, Problem> {
    let query: ReceiptQuery = call.query()?;
    list(call, query).await
}

pub(super) async fn dispatch_receipts(call: Call) -> Result<Response, Problem> {
    let dispatch: DispatchId = call.path("dispatch")?;
    let DispatchReceiptsQuery { after, limit } = call.query()?;
    let query =
        ReceiptQuery { dispatch: Some(dispatch.into()), after, limit, ..ReceiptQuery::default() };
    list(call, query).await
}

/// A party's auditor gets the evidence of all legs: the signed recipient list is in the envelope anyhow.
pub(super) async fn dispatch_evidence(call: Call) -> Result<Response, Problem> {
    let dispatch: DispatchId = call.path("dispatch")?;
    let query: EvidenceQuery = call.query()?;
    let scope = call.caller.scope(AUDIT);
    super::track::seen(&call.app, &call.caller, dispatch, &scope).await?;
    let file = call.app.service.evidence(call.caller, dispatch, query).await?;
    Ok(outgoing::bytes(media::EVIDENCE, file))
}

async fn list(call: Call, mut query: ReceiptQuery) -> Result<Response, Problem> {
    page(query.after.as_deref(), &mut query.limit)?;
    let scope = call.caller.scope(READ);
    let caller = call.caller.clone();
    if let Some(agency) = &query.agency {
        // Asking for an agency by name deserves an answer, not an empty page.
        caller.require_received(READ, agency)?;
    }
    let found = match query.dispatch {
        // A party sees the evidence of all legs; one who is no party sees nothing of it.
        Some(dispatch) => {
            super::track::seen(&call.app, &caller, dispatch.0, &scope).await?;
            call.app.service.receipts(call.caller, query, Scope::All).await?
        }
        None => {
            let service = &call.app.service;
            let mut found = service.receipts(call.caller, query, scope.clone()).await?;
            found.items.retain(|r| visible(&scope, r));
            found
        }
    };
    if wants_raw(&call.headers) { raw(&found) } else { outgoing::ok(&found) }
}

fn visible(scope: &Scope, receipt: &ReceiptView) -> bool {
    let recipient: Option<&AgencyCode> = receipt.recipient.as_ref().map(|r| &r.0);
    scope.sees(&receipt.originator, recipient)
}

fn wants_raw(headers: &HeaderMap) -> bool {
    let texts = headers.get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok());
    texts
        .flat_map(|t| t.split(','))
        .any(|m| m.split(';').next().map(str::trim) == Some(media::RECEIPTS))
}

/// The receipts alone, one after the other (RFC 8742).
fn raw(page: &Page<ReceiptView>) -> Result<Response, Problem> {
    let all: Vec<u8> = page.items.iter().flat_map(|r| r.raw.0.iter().copied()).collect();
    let mut response = outgoing::bytes(media::RECEIPTS, all);
    if let Some(next) = &page.next {
        response.headers_mut().insert(NEXT, outgoing::header(next)?);
    }
    Ok(response)
}

pub(super) async fn log_head(call: Call) -> Result<Response, Problem> {
    outgoing::ok(&call.app.service.log_head(call.caller).await?)
}

pub(super) async fn log_witnesses(call: Call) -> Result<Response, Problem> {
    outgoing::ok(&call.app.service.log_witnesses(call.caller).await?)
}

pub(super) async fn log_anchor(call: Call) -> Result<Response, Problem> {
    outgoing::ok(&call.app.service.log_anchor(call.caller).await?)
}

pub(super) async fn override_anchor(
    call: Call,
    Strict(request): Strict<AnchorRequest>,
) -> Result<Response, Problem> {
    outgoing::ok(&call.app.service.override_anchor(call.caller, request).await?)
}

pub(super) async fn log_timestamps(call: Call) -> Result<Response, Problem> {
    outgoing::ok(&call.app.service.log_timestamps(call.caller).await?)
}

pub(super) async fn log_entries(call: Call) -> Result<Response, Problem> {
    let query: EntriesQuery = call.query()?;
    if !(1..=ENTRIES_MAX).contains(&query.width) {
        return Err(Problem::bad_request(format!("width must be 1 to {ENTRIES_MAX}")));
    }
    let bundle = call.app.service.log_entries(call.caller, query).await?;
    Ok(outgoing::bytes(media::ENTRIES, bundle))
}

pub(super) async fn inclusion(call: Call) -> Result<Response, Problem> {
    let query: InclusionQuery = call.query()?;
    if query.index >= query.size {
        return Err(Problem::bad_request("index must be less than size"));
    }
    outgoing::ok(&call.app.service.inclusion(call.caller, query).await?)
}

pub(super) async fn consistency(call: Call) -> Result<Response, Problem> {
    let query: ConsistencyQuery = call.query()?;
    if query.old == 0 || query.old > query.new {
        return Err(Problem::bad_request("old must be at least 1 and at most new"));
    }
    outgoing::ok(&call.app.service.consistency(call.caller, query).await?)
}

pub(super) async fn genesis(call: Call) -> Result<Response, Problem> {
    outgoing::ok(&call.app.service.genesis(call.caller).await?)
}
