//! Lets a body run out that nobody wants any more. Closing at once would reset the connection
//! under a client that is still sending, and it would never read why it was refused.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, SizeHint};

/// Most bytes taken and thrown away.
const DRAIN_BYTES_MAX: usize = 64 << 20;
/// Longest time spent on it, milliseconds.
const DRAIN_MS: u64 = 1_000;

/// A request body that drains itself, within bounds, when it is dropped before its end.
pub(super) struct Drained {
    body: Body,
    ended: bool,
}

impl Drained {
    pub(super) fn new(body: Body) -> Self {
        let ended = body.is_end_stream();
        Drained { body, ended }
    }
}

impl hyper::body::Body for Drained {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.ended = true;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        if self.ended || self.body.is_end_stream() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut body = std::mem::take(&mut self.body);
        runtime.spawn(async move {
            let mut taken = 0;
            let run_out = async {
                while let Some(Ok(frame)) = body.frame().await {
                    taken += frame.data_ref().map_or(0, Bytes::len);
                    if taken > DRAIN_BYTES_MAX {
                        return;
                    }
                }
            };
            // Out of time is as good as done: the connection closes either way.
            let _ = tokio::time::timeout(Duration::from_millis(DRAIN_MS), run_out).await;
        });
    }
}
