use axum::response::Response;
use tram_dispatch::{AgencyCode, Code, DispatchId};

use super::super::App;
use super::super::call::{Call, page};
use super::super::outgoing;
use crate::model::{DispatchQuery, Tracking};
use crate::routes::{READ, SEE};
use crate::text::AgencyText;
use crate::{Caller, Problem, Scope};

pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let mut query: DispatchQuery = call.query()?;
    page(query.after.as_deref(), &mut query.limit)?;
    let caller = call.caller.clone();
    let (scope, reads) = (caller.scope(SEE), caller.scope(READ));
    let mut found = call.app.service.dispatches(call.caller, query, scope.clone()).await?;
    found.items.retain(|d| party(&scope, &d.originator, &d.recipients));
    for item in &mut found.items {
        if !party(&reads, &item.originator, &item.recipients) {
            item.subject = None;
        }
    }
    outgoing::ok(&found)
}

pub(super) async fn track(call: Call) -> Result<Response, Problem> {
    let dispatch: DispatchId = call.path("dispatch")?;
    let mut found = seen(&call.app, &call.caller, dispatch, &call.caller.scope(SEE)).await?;
    if !party(&call.caller.scope(READ), &found.originator, &recipients(&found)) {
        found.subject = None;
    }
    outgoing::ok(&found)
}

/// The dispatch, if its originator or one of its recipients is in scope.
pub(super) async fn seen(
    app: &App,
    caller: &Caller,
    dispatch: DispatchId,
    scope: &Scope,
) -> Result<Tracking, Problem> {
    let found = app.service.track(caller.clone(), dispatch).await?;
    if party(scope, &found.originator, &recipients(&found)) {
        return Ok(found);
    }
    // The originator's name is not told to one who may not see the dispatch.
    let text =
        format!("{} lacks a role for the originator or a recipient of this dispatch", caller.peer);
    Err(Problem::new(Code::NotAuthorised, text))
}

fn recipients(tracking: &Tracking) -> Vec<AgencyText> {
    tracking.legs.iter().map(|leg| leg.recipient.clone()).collect()
}

fn party(scope: &Scope, originator: &AgencyCode, recipients: &[AgencyText]) -> bool {
    scope.contains(originator) || recipients.iter().any(|r| scope.receives(r))
}
