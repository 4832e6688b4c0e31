//! From a request to its answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use hyper::Request;
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::App;
use super::body::Body;
use super::fed::{Fed, Held};
use super::give::{self, Form};
use super::take;
use crate::account::Account;
use crate::answer;
use crate::call::{Call, Kind};
use crate::clock::stamped_at;
use crate::doc_id::DocId;
use crate::limits::{REFUSED_BODY_BYTES_MAX, SMALL_BODY_BYTES_MAX, STATUS_FILE_BYTES_MAX};
use crate::port::{AgencyRequest, Sending};
use crate::refusal::{Number, Refusal, quoted};
use crate::route::{Route, route};
use crate::signed::{Head, Signed, verify};

/// Longest wait for a place among those who carry files: clients wait as long as they must, and take a
/// refusal for the end of it.
const PLACE_MS: u64 = 20_000;
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Answers a request.
pub(super) async fn answer(
    app: Arc<App>,
    request: Request<Incoming>,
    mangled: bool,
) -> Response<Fed> {
    let (parts, incoming) = request.into_parts();
    let mut body = Body::new(incoming, &app.limits);
    let Some(called) = route(&app.base, parts.uri.path()) else {
        body.drain(SMALL_BODY_BYTES_MAX).await;
        let text = format!("no call {}", quoted(parts.uri.path()));
        let mut response = refusal(None, &Refusal::system(text));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let mut held = Held::default();
    let (account, signed) = match admit(&app, called, &parts, mangled, &mut held) {
        Ok(admitted) => admitted,
        Err(refused) => {
            let detail = &refused.text;
            tracing::info!(
                call = called.name(),
                number = refused.number.as_str(),
                detail,
                "axis caller refused"
            );
            body.drain(REFUSED_BODY_BYTES_MAX).await;
            return refusal(Some(called), &refused);
        }
    };
    let system = account.system_id.clone();
    match perform(&app, called, account, signed, &mut body, held).await {
        Ok(response) => {
            tracing::debug!(system, call = called.name(), "axis call");
            response
        }
        Err(refused) => {
            let detail = &refused.text;
            tracing::info!(
                system,
                call = called.name(),
                number = refused.number.as_str(),
                detail,
                "axis call refused"
            );
            // Who answers while a file still comes is not heard.
            body.drain(app.limits.file_bytes_max.saturating_mul(2)).await;
            refusal(Some(called), &refused)
        }
    }
}

/// Who calls, with what parameters, and that there is a place for the request.
fn admit(
    app: &Arc<App>,
    called: Route,
    parts: &Parts,
    mangled: bool,
    held: &mut Held,
) -> Result<(Arc<Account>, Signed), Refusal> {
    if parts.method != Method::POST && !(parts.method == Method::GET && called.may_be_got()) {
        return Err(Refusal::system(format!("{} is called by POST", called.name())));
    }
    let busy = |_| Refusal::busy("too many requests at once");
    held.permits.push(app.requests.clone().try_acquire_owned().map_err(busy)?);
    let head = Head {
        system_id: header(&parts.headers, "xroadvnpt-systemid")?,
        sign_header: header(&parts.headers, "xroadvnpt-sign-header")?,
        hash_header: header(&parts.headers, "xroadvnpt-hash-header")?,
        mangled,
    };
    let name = std::str::from_utf8(head.system_id).unwrap_or_default();
    // Who is unknown is told the same as who has a wrong key.
    let unknown = || Refusal::new(Number::Account, "system id or key wrong");
    let account = app.node.account(name).ok_or_else(unknown)?;
    let signed = verify(&head, &account)?;
    check_age(app, &account, &signed)?;
    let most = app.limits.requests_per_account_max;
    held.account = app.accounts.enter(account.system_id.clone(), usize::MAX, most);
    if held.account.is_none() {
        return Err(Refusal::busy("too many requests of this system at once"));
    }
    Ok((account, signed))
}

/// A header that is there once.
fn header<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h [u8], Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        (None, _) => Err(Refusal::new(Number::Account, format!("header {name} is missing"))),
        _ => Err(Refusal::new(Number::Account, format!("header {name} is there twice"))),
    }
}

/// The timestamp says when the client object was made, and some live for months: any age is taken,
/// but where the account says otherwise.
fn check_age(app: &App, account: &Account, signed: &Signed) -> Result<(), Refusal> {
    let at = signed.params.any("timestamp").and_then(stamped_at);
    let age_ms = at.map(|at| app.node.now().since_ms(at));
    tracing::trace!(system = account.system_id, ?age_ms, "axis timestamp");
    let Some(age_ms_max) = account.age_ms_max else { return Ok(()) };
    match age_ms {
        Some(age_ms) if age_ms <= age_ms_max => Ok(()),
        Some(_) => {
            let text = "the timestamp is older than this account may use; make a new client object";
            Err(Refusal::new(Number::Account, text))
        }
        None => Err(Refusal::new(Number::Account, "the timestamp is missing or cannot be read")),
    }
}

async fn perform(
    app: &Arc<App>,
    called: Route,
    account: Arc<Account>,
    signed: Signed,
    body: &mut Body,
    mut held: Held,
) -> Result<Response<Fed>, Refusal> {
    if !matches!(called, Route::Send | Route::Register) {
        // `{}` mostly. What lies unread when a connection is closed makes a reset of it.
        body.drain(SMALL_BODY_BYTES_MAX).await;
    }
    let call = Call::read(called, &signed.params)?;
    may(&account, &call)?;
    if let Some(of) = scarce(app, &call) {
        held.permits.push(place(of).await?);
    }
    let (node, items_max) = (app.node.clone(), app.limits.items_max);
    let bytes = match call {
        Call::Send { kind, from, to, hash_file } => {
            let id =
                send(app, account, (kind, from, to, hash_file), &signed.hash_header, body).await?;
            answer::sent(id)
        }
        Call::Received(kind, query) => {
            answer::received(&node.received(account, kind, query, items_max).await?)
        }
        Call::Sent(kind, one) => answer::rows(&node.sent(account, kind, one, items_max).await?),
        Call::Count(kind) => answer::count(node.count(account, kind).await?),
        Call::Get(id) => {
            let opened = node.open(account, id).await?;
            return Ok(fed(give::file(opened, Form::Json, held).await?, JSON));
        }
        Call::Download(id) => {
            let opened = node.open(account, id).await?;
            return Ok(fed(give::file(opened, Form::Raw, held).await?, BYTES));
        }
        Call::Update { id, beside, said, description } => {
            if let Some(beside) = beside {
                check_stale(app, &account, id, beside).await?;
            }
            node.update(account, id, said, description).await?;
            answer::done()
        }
        Call::Agencies(route) => {
            return Ok(fed(give::directory(app.clone(), account, route, held).await?, JSON));
        }
        Call::Register => {
            let request = agency_request(&body.gather(SMALL_BODY_BYTES_MAX).await?)?;
            node.register(account, request).await?;
            answer::done()
        }
        Call::Delete(code) => {
            node.delete(account, code).await?;
            answer::done()
        }
    };
    Ok(fed(Fed::whole(bytes, held), JSON))
}

/// What the account may do at all.
fn may(account: &Account, call: &Call) -> Result<(), Refusal> {
    let (may, role) = match call {
        // Whether it is a status, the file itself says: the node asks for the role then.
        Call::Send { .. } => (account.may_send || account.may_collect, "submit or collect"),
        Call::Sent(..) | Call::Register | Call::Delete(_) => (account.may_send, "submit"),
        Call::Received(..)
        | Call::Get(_)
        | Call::Download(_)
        | Call::Update { .. }
        | Call::Count(_) => (account.may_collect, "collect"),
        Call::Agencies(_) => (true, ""),
    };
    let lacks = || Refusal::new(Number::Sender, format!("this system lacks the role {role} here"));
    may.then_some(()).ok_or_else(lacks)
}

/// Among whom the call needs a place, if any.
fn scarce(app: &App, call: &Call) -> Option<Arc<Semaphore>> {
    match call {
        Call::Send { .. }
        | Call::Received(..)
        | Call::Sent(..)
        | Call::Get(_)
        | Call::Download(_)
        // They look through mailboxes.
        | Call::Count(_)
        | Call::Update { .. } => Some(app.files.clone()),
        Call::Agencies(_) => Some(app.directories.clone()),
        _ => None,
    }
}

async fn place(of: Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Refusal> {
    let longest = Duration::from_millis(PLACE_MS);
    let busy = || Refusal::busy("too many files and lists at once");
    tokio::time::timeout(longest, of.acquire_owned()).await.map_err(|_| busy())?.map_err(|_| busy())
}

async fn send(
    app: &App,
    account: Arc<Account>,
    (kind, from, to, hash_file): (Kind, Option<String>, Option<Vec<String>>, String),
    hash_header: &str,
    body: &mut Body,
) -> Result<DocId, Refusal> {
    let key = (account.system_id.clone(), hash_header.to_owned());
    let now_ms = app.node.now().0;
    // Who may not send documents has nothing to say that is long.
    let bytes_max = match account.may_send {
        true => app.limits.file_bytes_max,
        false => app.limits.file_bytes_max.min(STATUS_FILE_BYTES_MAX),
    };
    if let Some(known) = app.repeats.known(&key, now_ms) {
        body.drain(bytes_max.saturating_mul(2)).await;
        return Ok(known);
    }
    app.node.room_for(&account, body.expected_bytes().unwrap_or(0))?;
    let (file, end) = take::file(body, &hash_file, &app.staging, bytes_max).await?;
    let sending = Sending { kind, from, to, file, size: end.size, sha256: end.sha256 };
    // Asked for only if nobody else is at it.
    let work = async { app.node.send(account, sending).await };
    app.repeats.once(key, now_ms, work).await
}

/// Two different ids: the one that counts may all the same be the one left over. It surely is where
/// that one was confirmed before, and the other was not.
async fn check_stale(
    app: &App,
    account: &Arc<Account>,
    id: DocId,
    beside: DocId,
) -> Result<(), Refusal> {
    let done = app.node.is_done(account.clone(), id).await?;
    if done != Some(true) || app.node.is_done(account.clone(), beside).await? != Some(false) {
        return Ok(());
    }
    let text =
        "docid names a document that is done and docId another that is not: name it in docid";
    Err(Refusal::system(text))
}

fn agency_request(body: &[u8]) -> Result<AgencyRequest, Refusal> {
    let value: serde_json::Value = serde_json::from_slice(body)
        .map_err(|e| Refusal::system(format!("the body is not JSON: {e}")))?;
    let text = |name: &str| {
        let text = value.get(name).and_then(|v| v.as_str()).unwrap_or_default();
        text.trim().to_owned()
    };
    let request = AgencyRequest { code: text("code"), name: text("name"), parent: text("pcode") };
    if request.code.is_empty() {
        return Err(Refusal::system("the body has no code"));
    }
    Ok(request)
}

fn fed(body: Fed, kind: HeaderValue) -> Response<Fed> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// A refusal as an answer.
pub(super) fn refusal(route: Option<Route>, refused: &Refusal) -> Response<Fed> {
    let mut response = match answer::refused(route, refused) {
        Some(bytes) => fed(Fed::whole(bytes, Held::default()), JSON),
        None => {
            let mut response = fed(Fed::whole(Bytes::new(), Held::default()), BYTES);
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    };
    if let Some(seconds) = refused.retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}
