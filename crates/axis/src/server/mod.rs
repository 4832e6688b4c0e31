//! The HTTP(S) shell: connections and their limits, bodies to files, files to bodies.

mod body;
mod connection;
mod fed;
mod give;
mod handle;
mod places;
mod stream;
mod take;

use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use stream::{Duplex, Secured, Tls};

use crate::limits::Limits;
use crate::port::Node;
use crate::repeats::Repeats;
use places::Counts;

/// Where clients come in.
pub struct Door {
    /// Bound already.
    pub listener: TcpListener,
    /// Makes TLS of a connection; absent: plain HTTP, for a proxy on the same machine.
    pub tls: Option<Arc<dyn Tls>>,
    /// What stands before the calls in paths: empty, or `/axis`.
    pub base: String,
    /// Where files are staged while they come; they never have a name there.
    pub staging: PathBuf,
}

/// What all requests share.
struct App {
    node: Arc<dyn Node>,
    limits: Limits,
    base: String,
    staging: PathBuf,
    requests: Arc<Semaphore>,
    files: Arc<Semaphore>,
    directories: Arc<Semaphore>,
    accounts: Arc<Counts<String>>,
    repeats: Repeats,
}

/// Serves a door until `shutdown` ends; then takes no new connection, gives open requests their time,
/// and closes.
pub async fn serve(
    door: Door,
    node: Arc<dyn Node>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let Door { listener, tls, base, staging } = door;
    let app = Arc::new(App {
        node,
        base,
        staging,
        requests: Arc::new(Semaphore::new(limits.requests_max)),
        files: Arc::new(Semaphore::new(limits.files_max)),
        directories: Arc::new(Semaphore::new(limits.directories_max)),
        accounts: Arc::default(),
        repeats: Repeats::default(),
        limits,
    });
    let (stop, stopping) = watch::channel(false);
    let addresses: Arc<Counts<IpAddr>> = Arc::default();
    let mut connections = JoinSet::new();
    let mut deaf = false;
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = shutdown.as_mut() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => {
                    if std::mem::take(&mut deaf) {
                        tracing::info!("the axis endpoint accepts again");
                    }
                    let Limits { connections_max, connections_per_address_max, .. } = app.limits;
                    let counted =
                        addresses.enter(address.ip(), connections_max, connections_per_address_max);
                    let Some(counted) = counted else {
                        tracing::warn!(%address, "axis: too many connections; one is turned away");
                        continue;
                    };
                    let (app, tls, stopping) = (app.clone(), tls.clone(), stopping.clone());
                    connections.spawn(async move {
                        let _counted = counted;
                        connection::serve(stream, address, tls, app, stopping).await;
                    });
                }
                Err(error) => {
                    // Out of descriptors, most likely: wait for some to come free.
                    if !std::mem::replace(&mut deaf, true) {
                        tracing::warn!(%error, "the axis endpoint cannot accept; it is tried again and again");
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    let _ = stop.send(true);
    let drain = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_millis(app.limits.drain_ms), drain).await.is_err() {
        tracing::warn!(open = connections.len(), "axis connections cut at stop");
    }
    connections.shutdown().await;
}
