//! Opening the door, and keeping its revocation lists fresh.

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tram_api::{Access, Limits, Peer, Problem, RemoteDoor, Rule, Systems, Who};
use tram_config::Door;
use tram_door::{Duplex, Secured, Session, Tls};
use tram_transport::{Identity, MutualServer};

use super::super::context::Context;
use super::super::keys;
use super::super::revocation::LOOK_EVERY;
use super::super::service::NodeService;
use super::super::sockets::{agencies, roles};
use super::Registry;

/// The server's side of TLS, as the door asks for it.
struct Mutual(MutualServer);

impl Tls for Mutual {
    fn accept(&self, tcp: TcpStream) -> Secured<'_> {
        Box::pin(async move {
            let (stream, chain_der) = self.0.accept(tcp).await?;
            Ok(Session { stream: Box::new(stream) as Box<dyn Duplex>, chain_der })
        })
    }
}

/// The registry, asked at this node's time.
struct Known(Arc<Context>, Arc<Registry>);

impl Systems for Known {
    fn know(&self, chain_der: &[Vec<u8>]) -> Result<Peer, Problem> {
        self.1.know(chain_der, self.0.core.now().wall)
    }
}

/// What each system may do.
fn access(door: &Door) -> Access {
    let rule = |system: &tram_config::DoorSystem| Rule {
        who: Who::System(Arc::from(system.name.as_str())),
        agencies: agencies(&system.agencies),
        roles: roles(&system.roles),
    };
    Access::new(door.systems.iter().map(rule).collect())
}

/// Opens the door, where one is configured, and serves it until the node stops. `limits` are those of a
/// local socket.
///
/// # Errors
/// In words: the address is taken, a file cannot be read.
pub(in crate::daemon) async fn start(
    service: &Arc<NodeService>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
    servers: &mut JoinSet<()>,
) -> Result<(), String> {
    let context = &service.context;
    let Some(door) = &context.config.door else { return Ok(()) };
    let identity = Identity {
        chain_der: keys::chain(&door.certificate)?,
        key_pkcs8_der: keys::pkcs8(&door.key)?,
    };
    let authorities = keys::chain(&door.authorities)?;
    let tls = MutualServer::new(&identity, &authorities)
        .map_err(|e| format!("{}, {}: {e}", door.certificate.display(), door.key.display()))?;
    let grace_ms = context.verifier().options().revocation_grace_ms;
    let registry = Arc::new(Registry::new(door, &authorities, grace_ms)?);
    // Opened once in the life of a process.
    let _ = context.door.set(registry.clone());
    let listener = TcpListener::bind(door.listen)
        .await
        .map_err(|e| format!("listen = \"{}\": {e}", door.listen))?;
    let limits = Limits {
        connections_max: door.limits.connections_max as usize,
        connections_per_address_max: door.limits.connections_per_address_max as usize,
        connections_per_caller_max: door.limits.connections_per_system_max as usize,
        ..limits
    };
    tracing::info!(listen = %door.listen, systems = door.systems.len(), "door for other machines open");
    let until = async move {
        // A sender that is gone stops it as well.
        let _ = stop.changed().await;
    };
    let systems = Arc::new(Known(context.clone(), registry));
    let remote = RemoteDoor { listener, tls: Arc::new(Mutual(tls)), systems };
    let service: Arc<dyn tram_api::Service> = service.clone();
    servers.spawn(tram_api::serve_remote(remote, access(door), service, limits, until));
    Ok(())
}

/// Looks at the revocation lists of the door each minute and on SIGHUP, until the node ends.
pub(in crate::daemon) async fn watch(context: Arc<Context>) {
    let Some(registry) = context.door.get().cloned() else { return };
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        tracing::error!("SIGHUP cannot be heard; revocation lists of the door are not read anew");
        return;
    };
    loop {
        tokio::select! {
            _ = hangup.recv() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let (registry, now) = (registry.clone(), context.core.now().wall);
        // A panic in there was told by the panic hook; the next round tries again.
        let _ = tokio::task::spawn_blocking(move || registry.look(now)).await;
    }
}
