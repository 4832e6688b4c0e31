//! The server: router, gate, limits and life cycle of one socket, or of the door for other machines.

mod away;
mod bind;
mod body;
mod call;
mod connection;
mod drain;
mod framing;
mod gate;
mod handlers;
mod heads;
mod json;
mod outgoing;
mod range;
mod remote;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::MethodFilter;
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, watch};
use tram_door::{Counts, Listen};

pub use bind::{BindError, Socket, SocketOptions};
pub use body::BodyStream;
pub(crate) use framing::UPLOADED;
pub use remote::{RemoteDoor, Systems, serve_remote};

use crate::access::{Peer, Share};
use crate::routes::{ROUTES, Verb};
use crate::{Access, Limits, Service};

/// What every request of one socket or door shares.
#[derive(Clone)]
struct App {
    service: Arc<dyn Service>,
    access: Arc<Access>,
    limits: Arc<Limits>,
    requests: Arc<Semaphore>,
    waits: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    answers: Arc<Semaphore>,
    listings: Arc<Counts<Share>>,
    stopping: watch::Receiver<bool>,
}

impl App {
    fn new(
        access: Access,
        service: Arc<dyn Service>,
        limits: Limits,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        App {
            service,
            access: Arc::new(access),
            requests: Arc::new(Semaphore::new(limits.requests_max)),
            waits: Arc::new(Semaphore::new(limits.waits_max)),
            memory: body::budget(limits.body_memory_bytes_max),
            answers: body::budget(limits.answer_memory_bytes_max),
            listings: Arc::default(),
            limits: Arc::new(limits),
            stopping,
        }
    }

    /// Ends when the node stops, so that long waits answer instead of being cut.
    async fn stopped(&self) {
        let mut stopping = self.stopping.clone();
        // An error means that the server itself is gone.
        let _ = stopping.wait_for(|s| *s).await;
    }
}

/// Serves one socket until `shutdown` ends; then takes no new connection, answers what waits,
/// gives open requests `drain_ms`, and closes. Several sockets may serve one service, each with
/// its own policy.
pub async fn serve(
    socket: Socket,
    access: Access,
    service: Arc<dyn Service>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let (stop, stopping) = watch::channel(false);
    let app = App::new(access, service, limits, stopping.clone());
    let limits = app.limits.clone();
    let router = router(app);
    let counts: Arc<Counts<Share>> = Arc::default();
    let away = away::Away::new(limits.connections_max);
    let drain = Duration::from_millis(limits.drain_ms);
    let each = |stream: UnixStream| {
        let found = stream.peer_cred().ok()?;
        let peer = Peer::Process { uid: found.uid(), gid: found.gid(), pid: found.pid() };
        let own_max = limits.connections_per_caller_max;
        let Some(counted) = counts.enter(peer.share(), limits.connections_max, own_max) else {
            away.turn(stream, &away::busy());
            return None;
        };
        let (router, limits, stopping) = (router.clone(), limits.clone(), stopping.clone());
        Some(async move {
            let _counted = counted;
            connection::serve(stream, peer, router, limits, stopping).await;
        })
    };
    tram_door::accept(socket, "the local socket", drain, stop, shutdown, each).await;
}

impl Listen for Socket {
    type Connection = UnixStream;

    async fn next(&self) -> std::io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }
}

fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let filter = match route.verb {
            Verb::Get => MethodFilter::GET,
            Verb::Head => MethodFilter::HEAD,
            Verb::Put => MethodFilter::PUT,
            Verb::Post => MethodFilter::POST,
        };
        let gate = from_fn_with_state(app.clone(), move |state, request, next| {
            let axum::extract::State(app) = state;
            gate::pass(app, route, request, next)
        });
        router = router.route(route.path, handlers::method(filter, route.name).layer(gate));
    }
    router
        .method_not_allowed_fallback(gate::unknown_method)
        .fallback(gate::unknown_path)
        .layer(from_fn(gate::translate))
        .with_state(app)
}
