//! One connection: a handshake, one request, its answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Response;
use hyper::Request;
use hyper::body::Incoming;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tram_door::{HttpLimits, Tls, Watched, http, secure};

use super::App;
use super::fed::Fed;
use super::handle;
use super::stream::Guard;
use crate::limits::{HANDSHAKE_MS, HEAD_BYTES_MAX, HEADERS_MAX};
use crate::refusal::Refusal;

/// Serves one connection until its answer is sent, or the node stops.
pub(super) async fn serve(
    tcp: TcpStream,
    address: SocketAddr,
    tls: Option<Arc<dyn Tls>>,
    app: Arc<App>,
    stopping: watch::Receiver<bool>,
) {
    let session = match secure(tcp, tls.as_deref(), Duration::from_millis(HANDSHAKE_MS)).await {
        Ok(session) => session,
        Err(error) => {
            tracing::debug!(%address, %error, "axis: no TLS session");
            return;
        }
    };
    let mangled = Arc::new(AtomicBool::new(false));
    let stream = Watched::new(session.stream, Guard::new(mangled.clone()));
    let limits = HttpLimits {
        head_ms: app.limits.head_ms,
        head_bytes_max: HEAD_BYTES_MAX,
        headers_max: HEADERS_MAX,
        write_idle_ms: app.limits.write_idle_ms,
        keep_alive: false,
    };
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (app, mangled) = (app.clone(), mangled.load(Ordering::Relaxed));
        async move { Ok::<_, Infallible>(answered(app, request, mangled).await) }
    });
    if let Err(error) = http(stream, service, &limits, stopping).await {
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
