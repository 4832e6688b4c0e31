use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG};
use http::{HeaderValue, StatusCode};
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId};

use super::super::body::BodyStream;
use super::super::call::{Call, Strict, page, said};
use super::super::outgoing::{self, ChannelBody};
use super::super::range;
use super::operate::{remark, token};
use crate::limits::{READ_BYTES, WAIT_S_MAX};
use crate::model::{
    ConfirmRequest, InboxQuery, Page, RefuseRequest, RegisterRequest, StatusRequest,
};
use crate::routes::{FETCH, media};
use crate::service::{OpenDocument, Said};
use crate::{DocumentRead, Problem};

pub(super) async fn inbox(call: Call) -> Result<Response, Problem> {
    let agency: AgencyCode = call.path("agency")?;
    let mut query: InboxQuery = call.query()?;
    page(query.after.as_deref(), &mut query.limit)?;
    let wait_s = query.wait_s.unwrap_or(0);
    if wait_s > WAIT_S_MAX {
        return Err(Problem::bad_request(format!("wait_s is 0 to {WAIT_S_MAX}, not {wait_s}")));
    }
    let after = query.after.clone();
    let service = call.app.service.clone();
    let answer = service.inbox(call.caller, agency, query, Duration::from_secs(wait_s));
    let found = tokio::select! {
        biased;
        found = answer => found?,
        // The node stops: nothing new, ask again from the same place.
        () = call.app.stopped() => Page { items: Vec::new(), next: after },
    };
    outgoing::ok(&found)
}

/// The agency and the dispatch that the path names.
fn which(call: &Call) -> Result<(AgencyCode, DispatchId), Problem> {
    Ok((call.path("agency")?, call.path("dispatch")?))
}

pub(super) async fn entry(call: Call) -> Result<Response, Problem> {
    let (agency, dispatch) = which(&call)?;
    outgoing::ok(&call.app.service.inbox_entry(call.caller, agency, dispatch).await?)
}

pub(super) async fn fetch(call: Call) -> Result<Response, Problem> {
    let (agency, dispatch) = which(&call)?;
    let fetched = call.app.service.fetch(call.caller, agency, dispatch).await?;
    let mut response = outgoing::bytes(media::SEALED, fetched.sealed);
    response.headers_mut().insert(FETCH, outgoing::header(&fetched.token)?);
    Ok(response)
}

pub(super) async fn document(call: Call) -> Result<Response, Problem> {
    let (agency, dispatch) = which(&call)?;
    let sha256: Digest = call.path("sha256")?;
    let service = &call.app.service;
    let opened = service.open_document(call.caller.clone(), agency, dispatch, sha256).await?;
    give(&call, sha256, opened)
}

/// The document, or the part of it that was asked for.
pub(super) fn give(call: &Call, sha256: Digest, opened: OpenDocument) -> Result<Response, Problem> {
    let OpenDocument { size, media_type, reader } = opened;
    let etag = format!("\"{sha256}\"");
    let selected = range::select(&call.headers, size, &etag)?;
    let (sender, body) = ChannelBody::new(Some(selected.end - selected.start));
    tokio::spawn(pump(reader, selected.start, selected.end, sender));
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_str(&media_type);
    headers.insert(CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static(media::BYTES)));
    headers.insert(ETAG, outgoing::header(&etag)?);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if selected.partial {
        let span = format!("bytes {}-{}/{size}", selected.start, selected.end - 1);
        headers.insert(CONTENT_RANGE, outgoing::header(&span)?);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// Reads ahead by no more than the channel holds; ends when the client goes away.
async fn pump(
    mut reader: Box<dyn DocumentRead>,
    mut offset: u64,
    end: u64,
    sender: tokio::sync::mpsc::Sender<Result<bytes::Bytes, outgoing::Cut>>,
) {
    while offset < end {
        let bytes_max = usize::try_from(end - offset).map_or(READ_BYTES, |n| n.min(READ_BYTES));
        let piece = match reader.read(offset, bytes_max).await {
            Ok(piece) if piece.is_empty() || piece.len() > bytes_max => {
                Err(Problem::new(Code::StoreCorrupt, "a document is shorter than recorded"))
            }
            other => other,
        };
        match piece {
            Ok(piece) => {
                offset += piece.len() as u64;
                if sender.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
            Err(problem) => {
                // The status line is gone already: cutting the connection tells the client.
                tracing::error!(code = %problem.code, detail = problem.detail, "reading a document");
                let _ = sender.send(Err(problem.into())).await;
                return;
            }
        }
    }
}

pub(super) async fn confirm(
    call: Call,
    Strict(request): Strict<ConfirmRequest>,
) -> Result<Response, Problem> {
    let (agency, dispatch) = which(&call)?;
    token("fetch", &request.fetch)?;
    outgoing::ok(&call.app.service.confirm(call.caller, agency, dispatch, request).await?)
}

pub(super) async fn register(call: Call, body: BodyStream) -> Result<Response, Problem> {
    let (agency, dispatch) = which(&call)?;
    let said: Said<RegisterRequest> = said(&call, body, media::STATEMENT).await?;
    if let Said::Words(request) = &said {
        remark("remark", request.remark.as_deref())?;
    }
    outgoing::ok(&call.app.service.register(call.caller, agency, dispatch, said).await?)
}

pub(super) async fn refuse(call: Call, body: BodyStream) -> Result<Response, Problem> {
    let (agency, dispatch) = which(&call)?;
    let said: Said<RefuseRequest> = said(&call, body, media::STATEMENT).await?;
    if let Said::Words(request) = &said {
        remark("reason", Some(&request.reason))?;
    }
    outgoing::ok(&call.app.service.refuse(call.caller, agency, dispatch, said).await?)
}

pub(super) async fn report(call: Call, body: BodyStream) -> Result<Response, Problem> {
    let (agency, dispatch) = which(&call)?;
    let said: Said<StatusRequest> = said(&call, body, media::STATEMENT).await?;
    if let Said::Words(request) = &said {
        remark("remark", request.remark.as_deref())?;
    }
    outgoing::ok(&call.app.service.report(call.caller, agency, dispatch, said).await?)
}
