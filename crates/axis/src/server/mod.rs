//! The HTTP(S) shell: connections and their limits, bodies to files, files to bodies.

mod body;
mod connection;
mod fed;
mod give;
mod handle;
mod stream;
mod take;

use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tram_door::{Counts, Tls};

use crate::limits::Limits;
use crate::port::Node;
use crate::repeats::Repeats;

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
    let each = |(stream, address): (_, std::net::SocketAddr)| {
        let Limits { connections_max, connections_per_address_max, .. } = app.limits;
        let counted = addresses.enter(address.ip(), connections_max, connections_per_address_max);
        let Some(counted) = counted else {
            tracing::warn!(%address, "axis: too many connections; one is turned away");
            return None;
        };
        let (app, tls, stopping) = (app.clone(), tls.clone(), stopping.clone());
        Some(async move {
            let _counted = counted;
            connection::serve(stream, address, tls, app, stopping).await;
        })
    };
    let drain = Duration::from_millis(app.limits.drain_ms);
    tram_door::accept(listener, "the axis endpoint", drain, stop, shutdown, each).await;
}
