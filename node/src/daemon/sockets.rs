//! The local sockets, from the first question to the end of the node.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tram_api::{Access, SocketOptions};
use tram_config::Config;
use tram_dispatch::Code;

use super::context::Context;
use super::run::RunError;
use super::service::NodeService;
use super::{intake, revocation};

/// With this set, the daemon stops when its standard input ends: a parent that dies takes it along.
const EXIT_ON_STDIN_EOF: &str = "TRAM_EXIT_ON_STDIN_EOF";

/// Serves the local sockets until a signal, or until the core or the QUIC thread ended by itself.
pub(super) async fn run(
    context: Arc<Context>,
    ended: oneshot::Receiver<()>,
    quic_gone: oneshot::Receiver<()>,
) -> Result<(), RunError> {
    use tokio::signal::unix::{SignalKind, signal};
    let internal = |e: std::io::Error| RunError::new(Code::Internal, e.to_string());
    let mut term = signal(SignalKind::terminate()).map_err(internal)?;
    let mut int = signal(SignalKind::interrupt()).map_err(internal)?;
    let (stop_tx, stop) = watch::channel(false);
    let service = Arc::new(NodeService { context: context.clone() });
    let mut servers = tokio::task::JoinSet::new();
    let connections_max = connections_max(&context.config);
    super::axis::start(&service, stop.clone(), &mut servers)
        .await
        .map_err(|e| RunError::new(Code::ConfigInvalid, format!("axis: {e}")))?;
    // The door has a share of memory as a socket has.
    let doors = context.config.sockets.len() + usize::from(context.config.door.is_some());
    let limits = api_limits(connections_max, doors);
    super::door::start(&service, limits.clone(), stop.clone(), &mut servers)
        .await
        .map_err(|e| RunError::new(Code::ConfigInvalid, format!("door: {e}")))?;
    for socket in &context.config.sockets {
        let options =
            SocketOptions { mode: socket.mode, gid: socket.gid, ..SocketOptions::at(&socket.path) };
        let bound = tram_api::Socket::bind(&options).await.map_err(|e| {
            RunError::new(Code::ConfigInvalid, format!("socket {}: {e}", socket.name))
        })?;
        let units = context.config.units.iter().filter_map(unit_rule).collect();
        let access = Access::new(socket.rules.iter().map(rule).collect()).with_units(units);
        let limits = limits.clone();
        let mut stop = stop.clone();
        let until = async move {
            // A sender that is gone stops the server as well.
            let _ = stop.changed().await;
        };
        let service: Arc<dyn tram_api::Service> = service.clone();
        servers.spawn(tram_api::serve(bound, access, service, limits, until));
    }
    tokio::spawn(NodeService::clone(&service).watch_alarms());
    tokio::spawn(revocation::watch(context.clone()));
    tokio::spawn(super::overdue::watch(context.clone()));
    tokio::spawn(super::door::watch(context.clone()));
    tracing::info!(node = %context.me, "ready");
    let parent_gone = async {
        if std::env::var_os(EXIT_ON_STDIN_EOF).is_none() {
            return std::future::pending().await;
        }
        let (tx, rx) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            drop(tx);
        });
        let _ = rx.await;
    };
    let mut result = Ok(());
    tokio::select! {
        _ = term.recv() => tracing::info!("SIGTERM: stopping"),
        _ = int.recv() => tracing::info!("SIGINT: stopping"),
        () = parent_gone => tracing::info!("the parent is gone: stopping"),
        _ = ended => tracing::error!("the core ended"),
        _ = quic_gone => {
            tracing::error!("the QUIC thread ended");
            result = Err(RunError::new(Code::Internal, "the QUIC thread ended"));
        }
        () = house(context.clone()) => {}
    }
    context.stop();
    // Servers that are gone need no word.
    let _ = stop_tx.send(true);
    let drained = async { while servers.join_next().await.is_some() {} };
    tokio::select! {
        () = drained => {}
        () = tokio::time::sleep(Duration::from_millis(DRAIN_MS + 500)) => {}
        _ = term.recv() => tracing::info!("SIGTERM again: open requests are cut"),
        _ = int.recv() => tracing::info!("SIGINT again: open requests are cut"),
    }
    result
}

/// Time that open requests get when the node stops.
const DRAIN_MS: u64 = 3_000;

/// Descriptors for anything but connections of clients: store, documents, sessions.
const DESCRIPTORS_KEPT: u64 = 256;

/// Descriptors of one drop folder: its thread's own, its folders, and what is read or written.
const DESCRIPTORS_OF_FOLDER: u64 = 16;

/// Descriptors that clients of the local sockets must leave, and how many are needed with them.
fn descriptors(config: &Config) -> (u64, u64) {
    let wanted = config.limits.client_connections_max;
    let sockets = config.sockets.len().max(1) as u64;
    let axis = config.axis.as_ref().map_or(0, |axis| axis.limits.connections_max);
    let door = config.door.as_ref().map_or(0, |door| door.limits.connections_max);
    let folders = config.drop_folders.len() as u64 * DESCRIPTORS_OF_FOLDER;
    let kept = DESCRIPTORS_KEPT + axis + door + folders;
    // A quarter more are being turned away.
    (kept, kept + sockets * (wanted + wanted / 4 + 1))
}

/// Has the system allow as many descriptors as may be needed; how many it allows.
pub(super) fn allow_descriptors(config: &Config) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let (_, needed) = descriptors(config);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let mut most = current.unwrap_or(u64::MAX);
    let raised = maximum.unwrap_or(u64::MAX).min(needed.max(most));
    if raised > most
        && setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }).is_ok()
    {
        most = raised;
    }
    most
}

/// The most connections that each local socket may have. The store must never lack a descriptor because
/// clients have them all.
fn connections_max(config: &Config) -> usize {
    let wanted = config.limits.client_connections_max;
    let sockets = config.sockets.len().max(1) as u64;
    let (kept, needed) = descriptors(config);
    let most = allow_descriptors(config);
    if most >= needed {
        return wanted as usize;
    }
    let left = most.saturating_sub(kept.min(most / 2));
    let each = (left / sockets * 4 / 5).clamp(1, wanted);
    tracing::warn!(
        descriptors = most,
        needed,
        connections_max = each,
        "few file descriptors: local sockets take fewer connections; raise LimitNOFILE"
    );
    each as usize
}

/// Memory of request bodies, and as much of answers that nobody has read yet, of all sockets together.
const BODIES_BYTES_MAX: usize = 24 << 20;

/// The limits of one of so many sockets, with so many connections at the most.
fn api_limits(connections_max: usize, sockets: usize) -> tram_api::Limits {
    // The largest submission must fit.
    let bodies = (BODIES_BYTES_MAX / sockets.max(1)).max(8 << 20);
    tram_api::Limits {
        connections_max,
        // Nobody locks the others out.
        connections_per_caller_max: (connections_max / 4 * 3).max(1),
        body_memory_bytes_max: bodies,
        answer_memory_bytes_max: bodies,
        drain_ms: DRAIN_MS,
        ..tram_api::Limits::default()
    }
}

/// Housekeeping: what was brought and never used.
async fn house(context: Arc<Context>) {
    const EVERY: Duration = Duration::from_secs(600);
    loop {
        tokio::time::sleep(EVERY).await;
        let context = context.clone();
        // A panic in there was told by the panic hook; the next round tries again.
        let _ = tokio::task::spawn_blocking(move || intake::clean(&context)).await;
    }
}

fn rule(rule: &tram_config::Rule) -> tram_api::Rule {
    tram_api::Rule {
        who: who(rule.who),
        agencies: agencies(&rule.agencies),
        roles: roles(&rule.roles),
    }
}

/// The agencies of a rule.
pub(super) fn agencies(agencies: &tram_config::Agencies) -> tram_api::Agencies {
    match agencies {
        tram_config::Agencies::All => tram_api::Agencies::All,
        tram_config::Agencies::Only(set) => tram_api::Agencies::Only(set.clone()),
    }
}

/// The roles of a rule.
pub(super) fn roles(roles: &BTreeSet<tram_config::Role>) -> BTreeSet<tram_api::Role> {
    roles.iter().copied().map(role).collect()
}

/// One role.
pub(super) fn role(role: tram_config::Role) -> tram_api::Role {
    match role {
        tram_config::Role::Submit => tram_api::Role::Submit,
        tram_config::Role::Collect => tram_api::Role::Collect,
        tram_config::Role::Read => tram_api::Role::Read,
        tram_config::Role::Operate => tram_api::Role::Operate,
        tram_config::Role::Audit => tram_api::Role::Audit,
    }
}

/// Whose mailbox a unit's is, where it is somebody's.
fn unit_rule(unit: &tram_config::Unit) -> Option<tram_api::UnitRule> {
    let (agency, code) = (unit.agency.clone(), unit.code.clone());
    Some(tram_api::UnitRule { who: who(unit.who?), agency, unit: code })
}

fn who(who: tram_config::Who) -> tram_api::Who {
    match who {
        tram_config::Who::Uid(u) => tram_api::Who::Uid(u),
        tram_config::Who::Gid(g) => tram_api::Who::Gid(g),
        tram_config::Who::Any => tram_api::Who::Any,
    }
}
