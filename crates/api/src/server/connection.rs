//! Accepts connections: credentials from the kernel, counts per user, HTTP/1.1 with its limits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::UnixStream;
use tokio::sync::watch;

use super::drain::Drained;
use super::heads::{Refused, Watched};
use super::pace::Paced;
use crate::limits::HEADERS_MAX;
use crate::{Limits, Problem};

/// Who is on the other end, by `SO_PEERCRED` at connect time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Credentials {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) pid: Option<i32>,
}

impl Default for Credentials {
    /// Nobody: matches no rule but "any".
    fn default() -> Self {
        Credentials { uid: u32::MAX, gid: u32::MAX, pid: None }
    }
}

/// Open connections, or requests, in all and per user.
#[derive(Debug, Default)]
pub(super) struct Counts {
    by_uid: Mutex<BTreeMap<u32, usize>>,
}

/// One that is counted.
pub(super) struct Counted {
    counts: Arc<Counts>,
    uid: u32,
}

impl Counts {
    /// Counts one more, unless there are `all_max` already, or `own_max` of this user.
    pub(super) fn enter(
        self: &Arc<Self>,
        uid: u32,
        all_max: usize,
        own_max: usize,
    ) -> Option<Counted> {
        let mut by_uid = self.by_uid.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = by_uid.values().sum();
        let own = by_uid.get(&uid).copied().unwrap_or(0);
        if all >= all_max || own >= own_max {
            return None;
        }
        by_uid.insert(uid, own + 1);
        Some(Counted { counts: self.clone(), uid })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut by_uid = self.counts.by_uid.lock().unwrap_or_else(PoisonError::into_inner);
        match by_uid.get_mut(&self.uid) {
            Some(n) if *n > 1 => *n -= 1,
            _ => {
                by_uid.remove(&self.uid);
            }
        }
    }
}

/// Serves one connection until it ends, or until the node stops and the request under way is
/// answered.
pub(super) async fn serve(
    stream: UnixStream,
    credentials: Credentials,
    router: Router,
    limits: Arc<Limits>,
    mut stopping: watch::Receiver<bool>,
) {
    let inner = TowerToHyperService::new(router);
    let refused = Refused::new();
    let odd = refused.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let answer = if odd.next() {
            // What is left of its body is nobody's.
            drop(Drained::new(Body::new(request.into_body())));
            Err(odd_head())
        } else {
            request.extensions_mut().insert(credentials);
            Ok(inner.call(request))
        };
        async move {
            match answer {
                Ok(answer) => answer.await,
                Err(refusal) => Ok(refusal),
            }
        }
    });
    let idle = Duration::from_millis(limits.write_idle_ms);
    let io = TokioIo::new(Paced::new(Watched::new(stream, refused), idle));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.header_ms))
        .max_headers(HEADERS_MAX)
        // hyper takes no less than 8 KiB.
        .max_buf_size(limits.header_bytes_max.max(8 << 10))
        .half_close(false)
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let stop = async move {
        // An error means that the server itself is gone, which is the same to a connection.
        let _ = stopping.wait_for(|s| *s).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(uid = credentials.uid, %error, "socket connection ended");
    }
}

/// The answer to a head that could be read in two ways.
fn odd_head() -> Response {
    let text = "the head can be read in two ways: one Content-Length or one Transfer-Encoding, never \
                both, and lines end with CR LF";
    let mut answer = Problem::bad_request(text).into_response();
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
