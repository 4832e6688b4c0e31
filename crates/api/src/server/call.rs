//! What a handler gets: who calls, which route, what the path and the query say.

use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Uri};
use serde::de::DeserializeOwned;
use tram_dispatch::limits::STATEMENT_BYTES_MAX;

use super::body::{BodyStream, Gathered};
use super::gate::media_type;
use super::{App, json};
use crate::limits::{CURSOR_BYTES_MAX, JSON_BYTES_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::routes::Route;
use crate::service::Said;
use crate::text::clip;
use crate::{Caller, Problem};

/// One request past the gate.
pub(super) struct Call {
    pub(super) app: App,
    pub(super) caller: Caller,
    pub(super) route: &'static Route,
    pub(super) headers: HeaderMap,
    uri: Uri,
    captures: Vec<(String, String)>,
}

impl Call {
    /// A variable of the path.
    pub(super) fn path<T: FromStr>(&self, name: &str) -> Result<T, Problem>
    where
        T::Err: std::fmt::Display,
    {
        path_variable(&self.captures, name)
    }

    /// The query, with unknown, repeated and missing keys refused by name.
    pub(super) fn query<Q: DeserializeOwned>(&self) -> Result<Q, Problem> {
        query(&self.uri)
    }
}

pub(super) fn path_variable<T: FromStr>(
    captures: &[(String, String)],
    name: &str,
) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    let text = captures.iter().find(|(k, _)| k == name).map_or("", |(_, v)| v.as_str());
    text.parse().map_err(|e| Problem::bad_request(format!("path, {name} {:?}: {e}", clip(text))))
}

pub(super) fn query<Q: DeserializeOwned>(uri: &Uri) -> Result<Q, Problem> {
    let parsed = Query::<Q>::try_from_uri(uri);
    parsed.map(|q| q.0).map_err(|rejection| {
        let text = rejection.body_text();
        let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
        Problem::bad_request(format!("query: {text}"))
    })
}

/// Checks a cursor and puts the page size within its limits.
pub(super) fn page(after: Option<&str>, limit: &mut Option<u32>) -> Result<(), Problem> {
    if let Some(cursor) = after {
        plain("after", cursor)?;
    }
    let items = limit.unwrap_or(PAGE_ITEMS_DEFAULT);
    if !(1..=PAGE_ITEMS_MAX).contains(&items) {
        return Err(Problem::bad_request(format!("limit is 1 to {PAGE_ITEMS_MAX}, not {items}")));
    }
    *limit = Some(items);
    Ok(())
}

/// Checks an opaque text of ours that comes back: visible ASCII, bounded.
pub(super) fn plain(name: &str, text: &str) -> Result<(), Problem> {
    let ok =
        (1..=CURSOR_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if ok { Ok(()) } else { Err(Problem::bad_request(format!("{name} is not one we gave"))) }
}

/// The text of a header, if it is there and readable.
pub(super) fn header_text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|v| std::str::from_utf8(v.as_bytes()).ok())
}

/// The captured variables of a path.
pub(super) async fn captures(parts: &mut Parts) -> Result<Vec<(String, String)>, Problem> {
    let raw = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|e| Problem::bad_request(format!("path: {e}")))?;
    Ok(raw.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
}

/// A body that is a statement sealed by the agency, of media type `sealed`, or JSON that says the same.
pub(super) async fn said<W: DeserializeOwned>(
    call: &Call,
    body: BodyStream,
    sealed: &str,
) -> Result<Said<W>, Problem> {
    if media_type(&call.headers).as_deref() == Some(sealed) {
        let gathered = body.gather(STATEMENT_BYTES_MAX as u64, &call.app.memory).await?;
        return Ok(Said::Sealed(Bytes::clone(&gathered.bytes)));
    }
    let gathered = body.gather(JSON_BYTES_MAX, &call.app.memory).await?;
    json::read(&gathered.bytes).map(Said::Words)
}

impl FromRequestParts<App> for Call {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let captures = captures(parts).await?;
        let missing = || Problem::new(tram_dispatch::Code::Internal, "a route without its gate");
        Ok(Call {
            app: app.clone(),
            caller: parts.extensions.get::<Caller>().cloned().ok_or_else(missing)?,
            route: parts.extensions.get::<&'static Route>().copied().ok_or_else(missing)?,
            headers: parts.headers.clone(),
            uri: parts.uri.clone(),
            captures,
        })
    }
}

impl FromRequest<App> for BodyStream {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let route = request.extensions().get::<&'static Route>().copied();
        let bytes_max = route.map_or(0, |r| r.body_bytes_max);
        Ok(BodyStream::new(request.into_body(), bytes_max, &app.limits))
    }
}

/// A JSON body, read strictly.
pub(super) struct Strict<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Strict<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let body = BodyStream::from_request(request, app).await?;
        let Gathered { bytes, .. } = &body.gather(JSON_BYTES_MAX, &app.memory).await?;
        json::read(bytes).map(Strict)
    }
}
