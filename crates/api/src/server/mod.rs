//! The server: router, gate, limits and life cycle of one socket.

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
mod pace;
mod range;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::MethodFilter;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use bind::{BindError, Socket, SocketOptions};
pub use body::BodyStream;
pub(crate) use framing::UPLOADED;

use crate::routes::{ROUTES, Verb};
use crate::{Access, Limits, Service};
use connection::{Counts, Credentials};

/// What every request of one socket shares.
#[derive(Clone)]
struct App {
    service: Arc<dyn Service>,
    access: Arc<Access>,
    limits: Arc<Limits>,
    requests: Arc<Semaphore>,
    waits: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    answers: Arc<Semaphore>,
    listings: Arc<Counts>,
    stopping: watch::Receiver<bool>,
}

impl App {
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
    let app = App {
        service,
        access: Arc::new(access),
        requests: Arc::new(Semaphore::new(limits.requests_max)),
        waits: Arc::new(Semaphore::new(limits.waits_max)),
        memory: body::budget(limits.body_memory_bytes_max),
        answers: body::budget(limits.answer_memory_bytes_max),
        listings: Arc::default(),
        limits: Arc::new(limits),
        stopping: stopping.clone(),
    };
    let limits = app.limits.clone();
    let router = router(app);
    let counts = Arc::new(Counts::default());
    let away = away::Away::new(limits.connections_max);
    let mut connections = JoinSet::new();
    let mut deaf = false;
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = shutdown.as_mut() => break,
            Some(_) = connections.join_next() => {}
            accepted = socket.listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if std::mem::take(&mut deaf) {
                        tracing::info!("the local socket accepts again");
                    }
                    let Ok(found) = stream.peer_cred() else { continue };
                    let credentials =
                        Credentials { uid: found.uid(), gid: found.gid(), pid: found.pid() };
                    let Some(counted) = counts.enter(credentials.uid, limits.connections_max, limits.connections_per_uid_max) else {
                        away.turn(stream);
                        continue;
                    };
                    let (router, limits) = (router.clone(), limits.clone());
                    let stopping = stopping.clone();
                    connections.spawn(async move {
                        let _counted = counted;
                        connection::serve(stream, credentials, router, limits, stopping).await;
                    });
                }
                Err(error) => {
                    // Out of descriptors, most likely: wait for some to come free.
                    if !std::mem::replace(&mut deaf, true) {
                        tracing::warn!(%error, "the local socket cannot accept; it is tried again and again");
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(socket);
    let _ = stop.send(true);
    let drain = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_millis(limits.drain_ms), drain).await.is_err() {
        tracing::warn!(open = connections.len(), "socket connections cut at stop");
    }
    connections.shutdown().await;
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
