//! Response bodies that are made while they are sent.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use hyper::body::{Frame, SizeHint};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tram_dispatch::Code;
use tram_door::Counted;

use super::body::Charge;
use crate::Problem;
use crate::access::Share;
pub(super) use crate::channel::{ChannelBody, Cut};
use crate::routes::media;

/// Largest piece of an answer that the connection is given at a time.
const PIECE_BYTES: usize = 64 << 10;

/// Keeps a request's place in the count, and what its answer takes of memory, until its response is sent
/// or given up.
///
/// Gives the body in pieces: the connection takes the next one only when the client has read some of
/// those before, and what it has taken is no longer counted.
pub(super) struct Held {
    pub(super) body: Body,
    /// What is left of a piece that was too large.
    pub(super) rest: Bytes,
    pub(super) _place: OwnedSemaphorePermit,
    pub(super) _listing: Option<Counted<Share>>,
    pub(super) _charge: Charge,
}

impl hyper::body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, mut hint) = (self.rest.len() as u64, self.body.size_hint());
        let (lower, upper) = (hint.lower(), hint.upper());
        if let Some(upper) = upper {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(lower.saturating_add(rest));
        hint
    }
}

/// A response with this media type.
pub(super) fn bytes(media_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// A JSON response.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Response, Problem> {
    let body = serde_json::to_vec(value)
        .map_err(|e| Problem::new(Code::Internal, format!("answer not writable as JSON: {e}")))?;
    let mut response = bytes(media::JSON, body);
    *response.status_mut() = status;
    Ok(response)
}

/// JSON with status 200.
pub(super) fn ok<T: Serialize>(value: &T) -> Result<Response, Problem> {
    json(StatusCode::OK, value)
}

/// A header value out of text that we made, or `INTERNAL`.
pub(super) fn header(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text)
        .map_err(|_| Problem::new(Code::Internal, "a value does not fit into a header"))
}
