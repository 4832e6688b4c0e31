use axum::response::Response;
use tram_dispatch::limits::TEXT_BYTES_MAX;
use tram_dispatch::{AgencyCode, DispatchId, NodeId, text};

use super::super::body::BodyStream;
use super::super::call::{Call, Strict, page, plain};
use super::super::outgoing;
use crate::limits::FIND_BYTES_MAX;
use crate::model::{DirectoryQuery, QueueAction, QueueQuery, QueueRequest, RetentionQuery};
use crate::routes::{SEE, media};
use crate::{Problem, openapi};

pub(super) async fn status(call: Call) -> Result<Response, Problem> {
    // An agency's accounts see what it uses itself, and nothing of the others.
    let scope = call.caller.scope(SEE);
    let mut found = call.app.service.status(call.caller).await?;
    found.limits.agencies.retain(|a| scope.contains(&a.agency));
    found.limits.mailboxes.retain(|m| scope.receives(&m.recipient));
    outgoing::ok(&found)
}

pub(super) async fn peers(call: Call) -> Result<Response, Problem> {
    outgoing::ok(&call.app.service.peers(call.caller).await?)
}

pub(super) async fn test_peer(call: Call) -> Result<Response, Problem> {
    let node: NodeId = call.path("node")?;
    outgoing::ok(&call.app.service.test_peer(call.caller, node).await?)
}

pub(super) async fn queue(call: Call) -> Result<Response, Problem> {
    let mut query: QueueQuery = call.query()?;
    page(query.after.as_deref(), &mut query.limit)?;
    outgoing::ok(&call.app.service.queue(call.caller, query).await?)
}

pub(super) async fn change_queue(
    call: Call,
    Strict(request): Strict<QueueRequest>,
) -> Result<Response, Problem> {
    let dispatch: DispatchId = call.path("dispatch")?;
    let recipient: AgencyCode = call.path("recipient")?;
    let word: String = call.path("action")?;
    let action = QueueAction::from_name(&word)
        .ok_or_else(|| Problem::bad_request("path, action: hold, release, retry or drop"))?;
    remark("remark", request.remark.as_deref())?;
    if action == QueueAction::Drop && request.remark.is_none() {
        return Err(Problem::bad_request("drop needs a remark: the originator reads it"));
    }
    let change =
        call.app.service.change_queue(call.caller, dispatch, recipient, action, request).await?;
    outgoing::ok(&change)
}

pub(super) async fn retention(call: Call) -> Result<Response, Problem> {
    let mut query: RetentionQuery = call.query()?;
    page(query.after.as_deref(), &mut query.limit)?;
    outgoing::ok(&call.app.service.retention(call.caller, query).await?)
}

pub(super) async fn directory(call: Call) -> Result<Response, Problem> {
    let mut query: DirectoryQuery = call.query()?;
    page(query.after.as_deref(), &mut query.limit)?;
    if query.find.as_ref().is_some_and(|f| f.len() > FIND_BYTES_MAX) {
        return Err(Problem::bad_request(format!("find has at most {FIND_BYTES_MAX} bytes")));
    }
    outgoing::ok(&call.app.service.directory(call.caller, query).await?)
}

pub(super) async fn install_directory(call: Call, body: BodyStream) -> Result<Response, Problem> {
    outgoing::ok(&call.app.service.install_directory(call.caller, body).await?)
}

pub(super) async fn openapi(_call: Call) -> Result<Response, Problem> {
    Ok(outgoing::bytes(media::JSON, openapi::text()))
}

/// A person's words that go into evidence: plain text, bounded, not blank.
pub(super) fn remark(name: &str, words: Option<&str>) -> Result<(), Problem> {
    let Some(words) = words else { return Ok(()) };
    if words.trim().is_empty() || words.len() > TEXT_BYTES_MAX || !text::is_plain(words) {
        let text = format!(
            "{name} has 1 to {TEXT_BYTES_MAX} bytes without control characters, and is not blank"
        );
        return Err(Problem::bad_request(text));
    }
    Ok(())
}

/// An opaque token of ours.
pub(super) fn token(name: &str, value: &str) -> Result<(), Problem> {
    plain(name, value)
}
