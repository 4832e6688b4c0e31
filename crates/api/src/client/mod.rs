//! The client of the API, as the CLI uses it: one typed function per route, over a local socket or
//! whatever a [`Dial`] makes.

mod audit;
mod collect;
mod connection;
mod error;
mod evidence;
mod hosting;
mod numbers;
mod operate;
mod streams;
mod submit;

use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use collect::Download;
pub use connection::{Dial, Dialled};
pub use error::ClientError;
pub use streams::{CheckLines, Events};

use crate::problem::Language;
use crate::routes::media;
use connection::{Line, Local, Pool, broken, send};

/// Longest wait for a connection.
const CONNECT_MS: u64 = 5_000;
/// Longest wait for an answer, beyond what the call itself asks to wait.
const ANSWER_MS: u64 = 60_000;
/// Largest JSON answer read into memory.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The node on one socket. Cheap to use from many tasks at once; each call takes a connection of
/// its own. Every call may be repeated after [`ClientError::Broken`].
pub struct Client {
    pool: Pool,
    host: HeaderValue,
    language: Language,
}

/// A request before it is sent.
struct Ask {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
    wait: Duration,
}

impl Ask {
    /// `segments` are percent-encoded and joined by slashes after `/v1`.
    fn new(method: Method, segments: &[&str]) -> Self {
        let mut target = String::from("/v1");
        for segment in segments {
            target.push('/');
            encode(segment, &mut target);
        }
        let wait = Duration::from_millis(ANSWER_MS);
        Ask { method, target, headers: HeaderMap::new(), body: Bytes::new(), wait }
    }

    fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    fn post(segments: &[&str]) -> Self {
        Self::new(Method::POST, segments)
    }

    fn query<Q: Serialize>(mut self, query: &Q) -> Result<Self, ClientError> {
        let value = serde_json::to_value(query).map_err(unexpected)?;
        let mut separator = '?';
        for (key, value) in value.as_object().into_iter().flatten() {
            let text = match value {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Null => continue,
                other => other.to_string(),
            };
            self.target.push(separator);
            separator = '&';
            encode(key, &mut self.target);
            self.target.push('=');
            encode(&text, &mut self.target);
        }
        Ok(self)
    }

    fn json<T: Serialize>(self, body: &T) -> Result<Self, ClientError> {
        let bytes = serde_json::to_vec(body).map_err(unexpected)?;
        Ok(self.body(media::JSON, bytes))
    }

    fn body(mut self, media_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header(CONTENT_TYPE.as_str(), HeaderValue::from_static(media_type))
    }

    fn header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    fn waiting(mut self, extra: Duration) -> Self {
        self.wait += extra;
        self
    }

    fn request(&self, body: Body) -> Result<Request<Body>, ClientError> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.parse().map_err(unexpected)?;
        *request.headers_mut() = self.headers.clone();
        Ok(request)
    }
}

impl Client {
    /// A client of the node on this socket; connects when the first call is made.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let place = path.display().to_string();
        Self::by(Box::new(Local(path.to_owned())), place, HeaderValue::from_static("localhost"))
    }

    /// A client of the node that `dial` reaches: for a door on another machine, with the TLS that it asks
    /// for. `authority` is the host and port of its URL.
    ///
    /// # Errors
    /// [`ClientError::Input`] if `authority` is no host.
    pub fn over(dial: impl Dial, authority: &str) -> Result<Self, ClientError> {
        let bad = |e| ClientError::Input(std::io::Error::other(e));
        let host = HeaderValue::from_str(authority).map_err(bad)?;
        Ok(Self::by(Box::new(dial), format!("https://{authority}"), host))
    }

    fn by(dial: Box<dyn Dial>, place: String, host: HeaderValue) -> Self {
        let pool = Pool::new(dial, place, Duration::from_millis(CONNECT_MS));
        Client { pool, host, language: Language::English }
    }

    /// The same client, asking for problems in this language.
    pub fn language(mut self, language: Language) -> Self {
        self.language = language;
        self
    }

    /// Sends and reads a JSON answer.
    async fn json<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, ClientError> {
        let (_, body) = self.whole(ask).await?;
        serde_json::from_slice(&body).map_err(unexpected)
    }

    /// Sends and reads the whole answer; a kept connection that turns out dead is replaced once.
    async fn whole(&self, ask: Ask) -> Result<(HeaderMap, Bytes), ClientError> {
        let (line, response) = self.open(&ask).await?;
        let (parts, body) = response.into_parts();
        let body = self.finish(line, body).await?;
        Ok((parts.headers, body))
    }

    /// Sends and gives the answer's head, once it is a good one.
    async fn open(&self, ask: &Ask) -> Result<(Line, Response<Incoming>), ClientError> {
        if let Some(mut line) = self.pool.kept().await {
            match self.exchange(&mut line, ask).await {
                // The node may have closed the kept connection meanwhile; every call may be
                // repeated, so try a new one.
                Err(ClientError::Broken(_)) if line.is_closed() => {}
                other => return self.good(line, other?).await,
            }
        }
        let mut line = self.pool.open().await?;
        let response = self.exchange(&mut line, ask).await?;
        self.good(line, response).await
    }

    async fn exchange(
        &self,
        line: &mut Line,
        ask: &Ask,
    ) -> Result<Response<Incoming>, ClientError> {
        let request = self.dressed(ask.request(Body::from(ask.body.clone()))?);
        send(line, request, Some(ask.wait)).await
    }

    /// Sends a body that is made while it goes out: on a new connection, once, without a limit on
    /// the time it takes. A refusal may come before the body is through; the connection is closed
    /// then.
    async fn stream(&self, ask: Ask, body: Body) -> Result<(HeaderMap, Bytes), ClientError> {
        let mut line = self.pool.open().await?;
        let request = self.dressed(ask.request(body)?);
        let response = send(&mut line, request, None).await?;
        if response.status().is_success() {
            let (parts, body) = response.into_parts();
            return Ok((parts.headers, self.finish(line, body).await?));
        }
        Err(refusal(response).await)
    }

    fn dressed(&self, mut request: Request<Body>) -> Request<Body> {
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(self.language.tag()));
        if !headers.contains_key(ACCEPT) {
            headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        }
        request
    }

    /// Lets good answers through and turns the others into problems.
    async fn good(
        &self,
        line: Line,
        response: Response<Incoming>,
    ) -> Result<(Line, Response<Incoming>), ClientError> {
        if response.status().is_success() {
            return Ok((line, response));
        }
        let error = refusal(response).await;
        self.pool.keep(line);
        Err(error)
    }

    /// Reads an answer to its end and keeps the connection.
    async fn finish(&self, line: Line, body: Incoming) -> Result<Bytes, ClientError> {
        let whole = read(body).await?;
        self.pool.keep(line);
        Ok(whole)
    }
}

async fn read(body: Incoming) -> Result<Bytes, ClientError> {
    let whole = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let whole = whole.map_err(|e| match e.downcast::<hyper::Error>() {
        Ok(error) => broken(*error),
        Err(other) => ClientError::Unexpected(other.to_string()),
    })?;
    Ok(whole.to_bytes())
}

/// The problem that a negative answer carries.
async fn refusal(response: Response<Incoming>) -> ClientError {
    let (parts, body) = response.into_parts();
    match read(body).await.map(|whole| serde_json::from_slice(&whole)) {
        Ok(Ok(document)) => ClientError::Problem(Box::new(document)),
        Ok(Err(_)) => without_document(parts.status),
        Err(error) => error,
    }
}

/// Answers to HEAD have no body, and what is not HTTP enough gets none either.
fn without_document(status: StatusCode) -> ClientError {
    use tram_dispatch::Code;
    let code = match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::FORBIDDEN => Code::NotAuthorised,
        StatusCode::SERVICE_UNAVAILABLE => Code::Busy,
        s if s.is_client_error() => Code::BadRequest,
        _ => Code::Internal,
    };
    crate::Problem::new(code, format!("the node answered {status}"))
        .document(Language::English)
        .into()
}

fn unexpected(error: impl std::fmt::Display) -> ClientError {
    ClientError::Unexpected(error.to_string())
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encode(text: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}
