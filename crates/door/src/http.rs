//! One connection's HTTP/1.1, within limits, until it or the node ends.

use std::error::Error;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;

use crate::{Duplex, Paced};

/// hyper takes no smaller buffer.
const BUFFER_BYTES_MIN: usize = 8 << 10;

/// The limits of one connection.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Time to send a request head; also how long a connection may idle between requests.
    pub head_ms: u64,
    /// Request line and headers together.
    pub head_bytes_max: usize,
    /// Headers in one request.
    pub headers_max: usize,
    /// Longest time that the other end may leave an answer unread.
    pub write_idle_ms: u64,
    /// Whether it may ask more than once.
    pub keep_alive: bool,
}

/// Serves one connection until it ends, or until the node stops and the request under way is answered.
///
/// # Errors
/// Why it ended before its time; that is the other end's doing, nearly always.
pub async fn http<D, S, B>(
    stream: D,
    service: S,
    limits: &HttpLimits,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), hyper::Error>
where
    D: Duplex,
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let io = TokioIo::new(Paced::new(stream, Duration::from_millis(limits.write_idle_ms)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.head_ms))
        .max_headers(limits.headers_max)
        .max_buf_size(limits.head_bytes_max.max(BUFFER_BYTES_MIN))
        .half_close(false)
        .keep_alive(limits.keep_alive)
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let stop = async move {
        // An error means that the server itself is gone, which is the same to a connection.
        let _ = stopping.wait_for(|s| *s).await;
    };
    tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}
