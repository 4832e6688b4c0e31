use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use tram_dispatch::limits::DISPATCH_BYTES_MAX;
use tram_dispatch::{Code, Digest, Reference};

use super::super::body::{BodyStream, over};
use super::super::call::{Call, header_text};
use super::super::gate::media_type;
use super::super::{framing, json, outgoing};
use crate::limits::{JSON_BYTES_MAX, UPLOAD_BYTES_MAX};
use crate::model::{Accepted, SealRequest, UploadQuery, UploadState, UploadStateQuery};
use crate::routes::{IDEMPOTENCY_KEY, UPLOAD_COMPLETE, UPLOAD_OFFSET, media};
use crate::service::{Submission, Upload};
use crate::{Problem, Role};

pub(super) async fn upload_state(call: Call) -> Result<Response, Problem> {
    let sha256: Digest = call.path("sha256")?;
    let query: UploadStateQuery = call.query()?;
    let found = call.app.service.upload_state(call.caller, query.agency.0, sha256).await?;
    let state = found.ok_or_else(|| Problem::new(Code::NotFound, "nothing of it is held here"))?;
    tell_offset(Response::new(Body::empty()), &state)
}

pub(super) async fn upload(call: Call, body: BodyStream) -> Result<Response, Problem> {
    let sha256: Digest = call.path("sha256")?;
    let query: UploadQuery = call.query()?;
    if query.size > UPLOAD_BYTES_MAX {
        let text = format!("a document has at most {UPLOAD_BYTES_MAX} bytes");
        return Err(Problem::new(Code::TooLarge, text));
    }
    let room = query
        .size
        .checked_sub(query.offset)
        .ok_or_else(|| Problem::bad_request("offset is beyond the size"))?;
    if body.expected_bytes().is_some_and(|n| n > room) {
        return Err(Problem::bad_request("the body is longer than what is left of the document"));
    }
    let body = body.at_most(room);
    let upload = Upload { agency: query.agency.0, sha256, size: query.size, offset: query.offset };
    let state = call.app.service.upload(call.caller, upload, body).await?;
    let status = match (state.complete, state.created) {
        (false, _) => StatusCode::ACCEPTED,
        (true, false) => StatusCode::OK,
        (true, true) => StatusCode::CREATED,
    };
    tell_offset(outgoing::json(status, &state)?, &state)
}

fn tell_offset(mut response: Response, state: &UploadState) -> Result<Response, Problem> {
    let headers = response.headers_mut();
    headers.insert(UPLOAD_OFFSET, state.offset.into());
    let complete = if state.complete { "?1" } else { "?0" };
    headers.insert(UPLOAD_COMPLETE, outgoing::header(complete)?);
    Ok(response)
}

pub(super) async fn submit(call: Call, body: BodyStream) -> Result<Response, Problem> {
    let accepted = match media_type(&call.headers).as_deref() {
        Some(media::SEALED) => {
            let gathered = body.gather(DISPATCH_BYTES_MAX as u64, &call.app.memory).await?;
            let submission = Submission { sealed: gathered.bytes.clone(), documents: Vec::new() };
            call.app.service.submit(call.caller, submission).await?
        }
        Some(media::SUBMISSION) => {
            let (submission, _charge) = framing::read(body, &call.app.memory).await?;
            call.app.service.submit(call.caller, submission).await?
        }
        _ => seal(call, body).await?,
    };
    let status = if accepted.repeat { StatusCode::OK } else { StatusCode::CREATED };
    outgoing::json(status, &accepted)
}

async fn seal(call: Call, body: BodyStream) -> Result<Accepted, Problem> {
    if body.expected_bytes().is_some_and(|n| n > JSON_BYTES_MAX) {
        return Err(over(JSON_BYTES_MAX));
    }
    let gathered = body.gather(JSON_BYTES_MAX, &call.app.memory).await?;
    let request: SealRequest = json::read(&gathered.bytes)
        .map_err(|problem| marked(&gathered.bytes).unwrap_or(problem))?;
    call.caller.require(&[Role::Submit], &request.originator)?;
    let Some(key) = header_text(&call.headers, IDEMPOTENCY_KEY) else {
        let text = "header Idempotency-Key is missing: it carries the reference";
        return Err(Problem::bad_request(text));
    };
    let reference: Reference =
        key.parse().map_err(|e| Problem::bad_request(format!("Idempotency-Key: {e}")))?;
    if request.reference.as_ref().is_some_and(|r| r.0 != reference) {
        let text = "reference in the body and Idempotency-Key in the header differ";
        return Err(Problem::bad_request(text));
    }
    call.app.service.seal(call.caller, reference, request).await
}

/// A request that is refused anyway, and says by a word where none is allowed that it is secret: that
/// is the reason then, and all that is told of it.
fn marked(bytes: &[u8]) -> Option<Problem> {
    let field = crate::model::misplaced_mark(&serde_json::from_slice(bytes).ok()?)?;
    tracing::info!(code = %Code::SecretRefused, field, "submission refused");
    Some(Problem::new(Code::SecretRefused, format!("a secrecy mark stands in: {field}")))
}
