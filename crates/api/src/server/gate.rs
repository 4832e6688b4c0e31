//! What every request passes before its handler: a place, the role, the form of the body. One
//! place for all routes, driven by the table.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use hyper::body::Body as _;
use serde::Deserialize;
use tram_dispatch::{AgencyCode, Code};

use super::App;
use super::body::{Charge, over};
use super::call::{captures, path_variable, query};
use super::drain::Drained;
use super::outgoing::Held;
use crate::access::Peer;
use crate::limits::ANSWER_SMALL_BYTES;
use crate::problem::Language;
use crate::routes::{AgencyIn, ROUTES, Route};
use crate::text::{AgencyText, clip};
use crate::{Caller, Problem};

/// Lets a request through to its handler, or answers it.
pub(super) async fn pass(
    app: App,
    route: &'static Route,
    request: Request,
    next: Next,
) -> Response {
    let places = if route.waits { &app.waits } else { &app.requests };
    let Ok(place) = places.clone().try_acquire_owned() else {
        return Problem::busy("too many requests at once", 1).into_response();
    };
    let mut listing = None;
    if route.dear {
        let share = request.extensions().get::<Peer>().unwrap_or(&Peer::NOBODY).share();
        let (all_max, own_max) = (app.limits.listings_max, app.limits.listings_per_caller_max);
        listing = app.listings.enter(share, all_max, own_max);
        if listing.is_none() {
            return Problem::busy("too many listings at once", 1).into_response();
        }
    }
    let response = match admit(&app, route, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    // An answer that nobody reads stays in memory until it is given up.
    let mut charge = Charge::new(&app.answers);
    let bytes = response.body().size_hint().exact().and_then(|n| usize::try_from(n).ok());
    let charged = match bytes {
        // What is larger than the budget goes alone; refused, it would be refused for ever.
        Some(bytes) if bytes > ANSWER_SMALL_BYTES && route.is_whole() => {
            charge.add_at_most(bytes, app.limits.answer_memory_bytes_max)
        }
        _ => Ok(()),
    };
    let response = match charged {
        Ok(()) => response,
        Err(_) => Problem::busy("too many answers wait to be read", 1).into_response(),
    };
    response.map(|body| {
        Body::new(Held {
            body,
            rest: Bytes::new(),
            _place: place,
            _listing: listing,
            _charge: charge,
        })
    })
}

async fn admit(app: &App, route: &'static Route, request: Request) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    let peer = parts.extensions.get::<Peer>().cloned().unwrap_or(Peer::NOBODY);
    let caller = app.access.of(peer).with_succession(app.service.succession());
    authorise(&caller, route, &mut parts).await?;
    check_form(route, &parts, &body)?;
    parts.extensions.insert::<Caller>(caller);
    parts.extensions.insert::<&'static Route>(route);
    Ok(Request::from_parts(parts, body))
}

async fn authorise(
    caller: &Caller,
    route: &Route,
    parts: &mut http::request::Parts,
) -> Result<(), Problem> {
    if route.unit {
        let captures = captures(parts).await?;
        let agency: AgencyCode = path_variable(&captures, "agency")?;
        if caller.is_unit(&agency, &path_variable(&captures, "unit")?) {
            return Ok(());
        }
    }
    // Before the agency is even read: who has no such role learns nothing about agencies.
    caller.require_any(route.roles)?;
    let agency: AgencyCode = match route.agency {
        AgencyIn::Nowhere => return Ok(()),
        AgencyIn::Path => path_variable(&captures(parts).await?, "agency")?,
        AgencyIn::Query => query::<Named>(&parts.uri)?.agency.0,
    };
    match route.is_collecting() {
        true => caller.require_received(route.roles, &agency),
        false => caller.require(route.roles, &agency),
    }
}

/// The one key of a query that the role check needs; the handler reads all of it.
#[derive(Deserialize)]
struct Named {
    agency: AgencyText,
}

fn check_form(route: &Route, parts: &http::request::Parts, body: &Body) -> Result<(), Problem> {
    let declared = body.size_hint().exact();
    if route.body.is_empty() {
        // Without this a chunked body to a GET would be left on the connection unread.
        return match declared {
            Some(0) => Ok(()),
            _ => Err(Problem::bad_request("this route takes no body")),
        };
    }
    if declared.is_some_and(|n| n > route.body_bytes_max) {
        return Err(over(route.body_bytes_max));
    }
    let given = media_type(&parts.headers);
    let known = given.as_deref().is_some_and(|g| route.body.iter().any(|(m, _)| *m == g));
    if known || (given.is_none() && declared == Some(0)) {
        return Ok(());
    }
    let wanted: Vec<&str> = route.body.iter().map(|(m, _)| *m).collect();
    let found = given.as_deref().map_or_else(|| "none".to_owned(), clip);
    let text = format!("Content-Type must be {}; it is {found}", wanted.join(" or "));
    Err(Problem::bad_request(text).with_http(StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

/// The media type of a body without its parameters, in lower case.
pub(super) fn media_type(headers: &http::HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or_default().trim();
    (!essence.is_empty()).then(|| essence.to_ascii_lowercase())
}

/// The outermost layer: puts problems into the caller's language, and lets refused bodies run out.
pub(super) async fn translate(request: Request, next: Next) -> Response {
    let language = Language::from_headers(request.headers());
    let request = request.map(|body| Body::new(Drained::new(body)));
    let response = next.run(request).await;
    if language == Language::English {
        return response;
    }
    let Some(problem) = response.extensions().get::<Problem>().cloned() else { return response };
    let Ok(document) = serde_json::to_vec(&problem.document(language)) else { return response };
    // The place that the old body held is given up with it: nothing of size follows.
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    Response::from_parts(parts, Body::from(document))
}

/// No such path.
pub(super) async fn unknown_path(request: Request) -> Problem {
    let text = format!("no route {}; GET /v1/openapi.json lists them", clip(request.uri().path()));
    Problem::new(Code::NotFound, text)
}

/// A path of ours, but another method.
pub(super) async fn unknown_method(
    path: Option<axum::extract::MatchedPath>,
    request: Request,
) -> Response {
    let path = path.as_ref().map_or("", |p| p.as_str());
    let allowed: Vec<&str> =
        ROUTES.iter().filter(|r| r.path == path).map(|r| r.verb.name()).collect();
    let allowed = allowed.join(", ");
    let method = clip(request.method().as_str());
    let text = format!("{method} is not possible on {path}; {allowed} is");
    let mut response =
        Problem::bad_request(text).with_http(StatusCode::METHOD_NOT_ALLOWED).into_response();
    if let Ok(value) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}
