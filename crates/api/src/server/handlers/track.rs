use axum::response::Response;
use tram_dispatch::{AgencyCode, DispatchId};

use super::super::call::{Call, page};
use super::super::outgoing;
use crate::model::{DispatchQuery, Tracking};
use crate::routes::{READ, SEE};
use crate::text::AgencyText;
use crate::{Problem, Scope};

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
    let caller = call.caller.clone();
    let mut found = call.app.service.track(call.caller, dispatch).await?;
    let recipients = recipients(&found);
    if !party(&caller.scope(SEE), &found.originator, &recipients) {
        // The originator's name is not told to one who may not see the dispatch.
        return Err(not_a_party(&caller));
    }
    if !party(&caller.scope(READ), &found.originator, &recipients) {
        found.subject = None;
    }
    outgoing::ok(&found)
}

fn recipients(tracking: &Tracking) -> Vec<AgencyText> {
    tracking.legs.iter().map(|leg| leg.recipient.clone()).collect()
}

fn party(scope: &Scope, originator: &AgencyCode, recipients: &[AgencyText]) -> bool {
    scope.contains(originator) || recipients.iter().any(|r| scope.contains(r))
}

pub(super) fn not_a_party(caller: &crate::Caller) -> Problem {
    let text = format!(
        "uid {} (gid {}) holds no role for the originator or a recipient of this dispatch",
        caller.uid, caller.gid
    );
    Problem::new(tram_dispatch::Code::NotAuthorised, text)
}
