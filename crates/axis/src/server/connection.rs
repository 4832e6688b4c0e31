//! One connection: a handshake, one request, its answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::App;
use super::fed::Fed;
use super::handle;
use super::stream::{Duplex, Guarded, Tls};
use crate::limits::{HANDSHAKE_MS, HEAD_BYTES_MAX, HEADERS_MAX};
use crate::refusal::Refusal;

/// Serves one connection until its answer is sent, or the node stops.
pub(super) async fn serve(
    tcp: TcpStream,
    address: SocketAddr,
    tls: Option<Arc<dyn Tls>>,
    app: Arc<App>,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers are written whole; a delay gains nothing.
    let _ = tcp.set_nodelay(true);
    let stream: Box<dyn Duplex> = match tls {
        None => Box::new(tcp),
        Some(tls) => {
            let longest = Duration::from_millis(HANDSHAKE_MS);
            match tokio::time::timeout(longest, tls.accept(tcp)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    tracing::debug!(%address, %error, "axis: no TLS session");
                    return;
                }
                Err(_) => {
                    tracing::debug!(%address, "axis: the TLS handshake took too long");
                    return;
                }
            }
        }
    };
    let mangled = Arc::new(AtomicBool::new(false));
    let idle = Duration::from_millis(app.limits.write_idle_ms);
    let io = TokioIo::new(Guarded::new(stream, idle, mangled.clone()));
    let head_ms = app.limits.head_ms;
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (app, mangled) = (app.clone(), mangled.load(Ordering::Relaxed));
        async move { Ok::<_, Infallible>(answered(app, request, mangled).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(head_ms))
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(false)
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
        tracing::debug!(%address, %error, "axis connection ended");
    }
}

/// Answers in a task of its own: what a client began goes on when it goes away, and a panic still gets
/// an answer that the client understands.
async fn answered(app: Arc<App>, request: Request<Incoming>, mangled: bool) -> Response<Fed> {
    let route = crate::route(&app.base, request.uri().path());
    let task = tokio::spawn(handle::answer(app, request, mangled));
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "axis: a request was not answered");
        handle::refusal(route, &Refusal::system("the node failed on this request"))
    })
}
