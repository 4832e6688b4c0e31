//! Accepts connections: credentials from the kernel, counts per user, HTTP/1.1 with its limits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::UnixStream;
use tokio::sync::watch;

use super::pace::Paced;
use crate::limits::HEADERS_MAX;
use crate::problem::{Language, MEDIA_TYPE};
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

/// Open connections, in all and per user.
#[derive(Debug, Default)]
pub(super) struct Counts {
    by_uid: Mutex<BTreeMap<u32, usize>>,
}

/// One counted connection.
pub(super) struct Counted {
    counts: Arc<Counts>,
    uid: u32,
}

impl Counts {
    /// Counts one more, unless that would be over a limit.
    pub(super) fn enter(self: &Arc<Self>, uid: u32, limits: &Limits) -> Option<Counted> {
        let mut by_uid = self.by_uid.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = by_uid.values().sum();
        let own = by_uid.get(&uid).copied().unwrap_or(0);
        if all >= limits.connections_max || own >= limits.connections_per_uid_max {
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
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(credentials);
        inner.call(request)
    });
    let idle = Duration::from_millis(limits.write_idle_ms);
    let io = TokioIo::new(Paced::new(stream, idle));
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

/// Answers busy to a connection that is over the count, without waiting for its request.
pub(super) fn turn_away(stream: &UnixStream) {
    let problem = Problem::busy("too many connections; close some, or try again", 1);
    let document = problem.document(Language::English);
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let mut answer = format!(
        "HTTP/1.1 {} Service Unavailable\r\ncontent-type: {MEDIA_TYPE}\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        document.status,
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    // A fresh socket's buffer takes these few bytes at once; if not, closing says enough.
    let _ = stream.try_write(&answer);
}
