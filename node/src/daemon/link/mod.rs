//! Links: the sessions with peers, dialled and accepted.

mod checkpoints;
mod cosigning;
mod directories;
mod documents;
mod gates;
mod give;
mod session;
mod take;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tram_crypto::{Entropy as _, SystemEntropy};
use tram_dispatch::NodeId;
use tram_dispatch::text::escaped;
use tram_transport::{
    Denied, Endpoint, Opened, PeerCheck, PeerName, Role, Session, TransportLimits,
};
use tram_trust::Verifier;

pub(crate) use cosigning::Asking;

use super::context::Context;
use super::core::Clock;

/// First pause before dialling again; doubles up to the maximum, with jitter.
const DIAL_MS_MIN: u64 = 250;
const DIAL_MS_MAX: u64 = 30_000;

/// Lets the transport ask `trust` who a peer is.
pub(crate) struct Check {
    pub context: std::sync::OnceLock<Arc<Context>>,
    pub first: Arc<Verifier>,
    pub me: NodeId,
    pub clock: Clock,
}

impl PeerCheck for Check {
    fn check(&self, chain_der: &[Vec<u8>], role: Role<'_>) -> Result<PeerName, Denied> {
        let verifier = self.context.get().map_or_else(|| self.first.clone(), |c| c.verifier());
        let now = self.clock.now().wall;
        let expected = match role {
            Role::Dialled { expected } => expected.as_str().parse::<NodeId>().ok(),
            Role::Accepted => None,
        };
        verifier
            .neighbour(chain_der, expected.as_ref(), &self.me, now)
            .map(|node| PeerName::new(node.as_str()))
            .map_err(|r| Denied { code: r.code.as_str(), detail: r.detail })
    }
}

/// The transport limits that the configuration asks for.
pub(crate) fn limits(config: &tram_config::Config) -> TransportLimits {
    let l = &config.limits;
    let transport = TransportLimits::default();
    // The configuration's ranges fit; what would not is cut, never wrapped.
    let cut = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    TransportLimits {
        session_age_max_ms: l.session_age_ms,
        frame_bytes_max: tram_dispatch::limits::FRAME_BYTES_MAX as u32,
        window_max_bytes: cut(l.connection_window_bytes).max(transport.window_min_bytes),
        window_total_bytes: l.window_budget_bytes,
        bulk_streams_max: cut(l.peer_bulk_max),
        ..transport
    }
}

/// Runs all sessions until the endpoint closes.
pub(crate) async fn run(context: Arc<Context>, endpoint: Endpoint) {
    for peer in &context.config.peers {
        let (context, endpoint, peer) = (context.clone(), endpoint.clone(), peer.clone());
        tokio::spawn(async move { dial_for_ever(context, endpoint, peer).await });
    }
    while let Some(opened) = endpoint.accept().await {
        let context = context.clone();
        tokio::spawn(async move {
            run_session(&context, opened).await;
        });
    }
}

/// Runs a session to its end; true if it was ever up.
async fn run_session(context: &Arc<Context>, opened: Opened) -> bool {
    let Ok(peer) = opened.session.peer().as_str().parse::<NodeId>() else { return false };
    let (reason, up) = session::run(context.clone(), peer.clone(), opened).await;
    let words = escaped(&reason.to_string());
    if context.sessions.down(&peer, reason.code(), &words) {
        tracing::info!(%peer, reason = words, "session ended");
    } else {
        tracing::debug!(%peer, reason = words, "session ended");
    }
    up
}

/// Keeps a session with one configured peer: dials whenever there is none, whoever dialled it.
async fn dial_for_ever(context: Arc<Context>, endpoint: Endpoint, peer: tram_config::Peer) {
    let mut pause_ms = DIAL_MS_MIN;
    // What went wrong is told once, and again when it changes.
    let mut told = None;
    loop {
        match dial(&context, &endpoint, &peer).await {
            Ok(Dialled::Already(session)) => {
                session.closed().await;
            }
            Ok(Dialled::New(opened)) => {
                told = None;
                // One that the hello ended will most likely end so again.
                if run_session(&context, *opened).await {
                    pause_ms = DIAL_MS_MIN;
                }
            }
            // That nothing is reached any more is no news then.
            Err(_) if context.is_stopping() => return,
            Err((node, code, detail)) => {
                let detail = escaped(&detail);
                if told.as_ref() == Some(&code) {
                    tracing::debug!(peer = %peer.name, code, detail, "cannot reach peer");
                } else {
                    tracing::info!(peer = %peer.name, code, detail, "cannot reach peer; it is tried again and again");
                    told = Some(code.clone());
                }
                if let Some(node) = node {
                    context.sessions.down(&node, &code, &detail);
                }
            }
        }
        let jitter = pause_ms / 2;
        let wait_ms = pause_ms - jitter + random_below(2 * jitter + 1);
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        pause_ms = (pause_ms * 2).min(DIAL_MS_MAX);
    }
}

/// For jitter: nodes that lost the same peer at the same moment must not return at the same moment.
fn random_below(bound: u64) -> u64 {
    let mut bytes = [0; 8];
    // Without entropy there is no jitter, which is a worse pause and still one.
    let filled = SystemEntropy::new().fill(&mut bytes).is_ok();
    if filled { u64::from_be_bytes(bytes) % bound.max(1) } else { 0 }
}

/// What dialling gave.
enum Dialled {
    /// The peer has a session with us already.
    Already(Session),
    New(Box<Opened>),
}

type DialFailure = (Option<NodeId>, String, String);

/// Which node a configured peer is, and where.
pub(crate) async fn resolve(
    context: &Context,
    peer: &tram_config::Peer,
) -> Result<(NodeId, Vec<SocketAddr>), DialFailure> {
    let verifier = context.verifier();
    let directory = verifier.directory();
    let node = match &peer.name {
        tram_config::PeerName::Node(id) => Some(id.clone()),
        tram_config::PeerName::Parent => directory.parent(&context.me).cloned(),
    };
    let Some(node) = node else {
        let detail = format!("the directory names no parent of {}", context.me);
        return Err((None, "NO_ROUTE".into(), detail));
    };
    let hosts: Vec<String> = match &peer.address {
        Some(address) => vec![address.to_string()],
        None => directory.node(&node).map(|n| n.addresses.clone()).unwrap_or_default(),
    };
    let mut found = Vec::new();
    for host in &hosts {
        match tokio::net::lookup_host(host.as_str()).await {
            Ok(addresses) => found.extend(addresses),
            Err(e) => return Err((Some(node), "NO_ROUTE".into(), format!("{host}: {e}"))),
        }
    }
    if found.is_empty() {
        let detail = format!("no address of {node} in the configuration or the directory");
        return Err((Some(node), "NO_ROUTE".into(), detail));
    }
    Ok((node, found))
}

async fn dial(
    context: &Context,
    endpoint: &Endpoint,
    peer: &tram_config::Peer,
) -> Result<Dialled, DialFailure> {
    let (node, addresses) = resolve(context, peer).await?;
    if let Some((session, _)) = context.sessions.get(&node).session
        && session.close_reason().is_none()
    {
        return Ok(Dialled::Already(session));
    }
    let mut last = None;
    for address in addresses {
        let expected = PeerName::new(node.as_str());
        match endpoint.connect(address, &node.certificate_name(), &expected).await {
            Ok(opened) => return Ok(Dialled::New(Box::new(opened))),
            Err(e) => last = Some((Some(node.clone()), e.code().to_owned(), e.to_string())),
        }
    }
    Err(last.unwrap_or((Some(node), "NO_ROUTE".into(), "no address".into())))
}

/// Whether a session with a peer stands, or could be made: for `peer test`. Says what it found.
pub(crate) async fn probe(
    context: &Context,
    node: &NodeId,
    addresses: &[SocketAddr],
) -> Result<String, (String, String)> {
    if let Some((session, since)) = context.sessions.get(node).session
        && session.close_reason().is_none()
    {
        let stats = session.stats();
        return Ok(format!(
            "connected since {since} from {}, round trip {} ms",
            session.remote_addr(),
            stats.rtt.as_millis()
        ));
    }
    let Some(endpoint) = context.endpoint.get() else {
        return Err(("BUSY".into(), "the node is starting".into()));
    };
    let mut last = ("NO_ROUTE".to_owned(), "no address".to_owned());
    for address in addresses {
        let expected = PeerName::new(node.as_str());
        match endpoint.connect(*address, &node.certificate_name(), &expected).await {
            Ok(opened) => {
                opened.session.close(tram_transport::close_code::CLOSED, "peer test");
                return Ok(format!("{address} answered and is {node}"));
            }
            Err(e) => last = (e.code().to_owned(), format!("{address}: {e}")),
        }
    }
    Err(last)
}
