//! Opening the door.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tram_axis::{Door, Limits};
use tram_config::{Axis, Config};
use tram_door::{Duplex, Secured, Session, Tls};
use tram_transport::{HttpsServer, Identity};

use super::super::desk::Notices;
use super::super::keys;
use super::super::service::NodeService;
use super::accounts;
use super::node::AxisNode;

/// What belongs to the endpoint, in the data directory. Nothing in it is custody.
const FOLDER: &str = "axis";

/// The server's side of TLS, as the endpoint asks for it.
struct Https(HttpsServer);

impl Tls for Https {
    fn accept(&self, tcp: TcpStream) -> Secured<'_> {
        let handshake = self.0.accept(tcp);
        Box::pin(async move {
            let stream = Box::new(handshake.await?) as Box<dyn Duplex>;
            Ok(Session { stream, chain_der: Vec::new() })
        })
    }
}

fn tls(axis: &Axis) -> Result<Option<Arc<dyn Tls>>, String> {
    let Some((certificate, key)) = &axis.tls else { return Ok(None) };
    let identity =
        Identity { chain_der: keys::chain(certificate)?, key_pkcs8_der: keys::pkcs8(key)? };
    let server = HttpsServer::new(&identity)
        .map_err(|e| format!("{}, {}: {e}", certificate.display(), key.display()))?;
    Ok(Some(Arc::new(Https(server))))
}

/// Where files are staged: empty at each start.
fn folder(config: &Config) -> io::Result<PathBuf> {
    let folder = config.data_dir.join(FOLDER);
    let staging = folder.join("staging");
    match std::fs::remove_dir_all(&staging) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    DirBuilder::new().mode(0o700).recursive(true).create(&staging)?;
    Ok(staging)
}

/// Opens the endpoint, where one is configured, and serves it until the node stops.
///
/// # Errors
/// In words: the address is taken, a file cannot be read.
pub(in crate::daemon) async fn start(
    service: &NodeService,
    stop: watch::Receiver<bool>,
    servers: &mut JoinSet<()>,
) -> Result<(), String> {
    let context = service.context.clone();
    let Some(axis) = &context.config.axis else { return Ok(()) };
    let accounts = accounts::load(axis)?;
    let tls = tls(axis)?;
    let staging = folder(&context.config).map_err(|e| format!("the endpoint's folder: {e}"))?;
    let folder = context.config.data_dir.join(FOLDER);
    let notices = Notices::open(&folder, context.core.now().wall)
        .map_err(|e| format!("{}: {e}", folder.display()))?;
    let listener = TcpListener::bind(axis.listen)
        .await
        .map_err(|e| format!("listen = \"{}\": {e}", axis.listen))?;
    let node = Arc::new(AxisNode::new(service.clone(), accounts, staging.clone(), notices));
    let door = Door { listener, tls, base: axis.base.clone(), staging };
    let limits = Limits {
        connections_max: axis.limits.connections_max as usize,
        connections_per_address_max: axis.limits.connections_per_address_max as usize,
        file_bytes_max: axis.limits.file_bytes_max,
        ..Limits::default()
    };
    tracing::info!(listen = %axis.listen, accounts = axis.accounts.len(), https = axis.tls.is_some(), "axis endpoint open");
    let until = |mut stop: watch::Receiver<bool>| async move {
        // A sender that is gone stops it as well.
        let _ = stop.changed().await;
    };
    let watching = node.clone();
    let stopped = until(stop.clone());
    servers.spawn(async move {
        tokio::select! {
            () = watching.watch_statuses() => {}
            () = stopped => {}
        }
    });
    servers.spawn(tram_axis::serve(door, node, limits, until(stop)));
    Ok(())
}
