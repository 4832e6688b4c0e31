//! Response bodies that are made while they are sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use hyper::body::{Frame, SizeHint};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tram_dispatch::Code;

use crate::Problem;
pub(super) use crate::channel::{ChannelBody, Cut};
use crate::routes::media;

/// Keeps a request's place in the count until its response is sent or given up.
pub(super) struct Held {
    pub(super) body: Body,
    pub(super) _place: OwnedSemaphorePermit,
}

impl hyper::body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
