//! Being dialled.

use std::{sync::Arc, time::Duration};

use quinn::{Incoming, ServerConfig};
use tokio::sync::mpsc;

use super::{
    Opened, Shared,
    gate::{Entry, Gate, Pass},
    lock, opening,
    tally::{self, LeftOut},
};
use crate::{
    HandshakeError,
    tls::{self, Verdict},
};

/// Takes first packets until the endpoint closes; each handshake runs in a task of its own.
pub(super) async fn run(shared: Arc<Shared>, base: ServerConfig, opened: mpsc::Sender<Opened>) {
    let gate = Gate::new(shared.limits.clone());
    let mut window = tokio::time::interval(tally::WINDOW);
    loop {
        let incoming = tokio::select! {
            incoming = shared.quinn.accept() => incoming,
            _ = window.tick() => {
                tell_left_out(&shared);
                continue;
            }
        };
        let Some(incoming) = incoming else { break };
        let address = incoming.remote_address().ip();
        match gate.enter(address, incoming.remote_address_validated()) {
            Entry::Admit(pass) => {
                let (shared, base, opened) = (shared.clone(), base.clone(), opened.clone());
                tokio::spawn(one(shared, base, incoming, opened, pass));
            }
            Entry::Retry => {
                // Fails only for an address already proven, and that is not sent here.
                if let Err(error) = incoming.retry() {
                    error.into_incoming().refuse();
                }
            }
            Entry::Refuse => {
                tracing::debug!(%address, "too many handshakes in progress: refused");
                incoming.refuse();
            }
        }
    }
    tell_left_out(&shared);
}

fn tell_left_out(shared: &Shared) {
    if let Some(LeftOut { failures, sources }) = shared.tally.turn() {
        tracing::info!(failures, sources, "more handshakes failed than the log tells");
    }
}

async fn one(
    shared: Arc<Shared>,
    base: ServerConfig,
    incoming: Incoming,
    opened: mpsc::Sender<Opened>,
    pass: Pass,
) {
    let from = incoming.remote_address();
    let after_ms = shared.limits.handshake_timeout_ms;
    let limit = Duration::from_millis(after_ms.into());
    let result = tokio::time::timeout(limit, handshake(&shared, base, incoming, &opened))
        .await
        .unwrap_or(Err(HandshakeError::Timeout { after_ms }));
    let Err(error) = result else { return };
    // Debug formatting escapes whatever a certificate may have put into the words.
    if shared.tally.is_told(from.ip()) {
        tracing::info!(%from, code = error.code(), cause = ?error.to_string(), "handshake failed");
    }
    let hook = lock(&shared.on_failure).clone();
    if let Some(hook) = hook {
        hook(from, &error);
    }
    if ended_by_peer(&error) {
        let idle = Duration::from_millis(shared.limits.idle_timeout_ms.into());
        // The endpoint may close meanwhile.
        drop((shared, opened));
        tokio::time::sleep(idle).await;
    }
    drop(pass);
}

/// Whether the peer gave the handshake up. If it did so in its very first packet, quinn-proto (0.11.19)
/// starts no closing timer and keeps the connection until the idle timeout; a flood of such packets
/// would fill memory, so such a handshake counts as in progress for as long. An honest peer that
/// gives up does not come near the limits.
fn ended_by_peer(error: &HandshakeError) -> bool {
    use HandshakeError::{Alpn, Busy, Closed, DeniedByPeer};
    matches!(error, Alpn | Busy | Closed(_) | DeniedByPeer { .. })
}

async fn handshake(
    shared: &Shared,
    mut config: ServerConfig,
    incoming: Incoming,
    opened: &mpsc::Sender<Opened>,
) -> Result<(), HandshakeError> {
    let verdict = Arc::new(Verdict::default());
    config.crypto =
        shared.tls().server(&verdict).map_err(|error| HandshakeError::Tls(error.to_string()))?;
    let explain =
        |error| tls::failure(error, verdict.denied(), None, shared.limits.handshake_timeout_ms);
    // Awaited to the end: `into_0rtt` would let us talk before the client is known.
    let connection =
        incoming.accept_with(Arc::new(config)).map_err(explain)?.await.map_err(explain)?;
    if !tls::alpn_agreed(&connection) {
        return Err(HandshakeError::Alpn);
    }
    let peer = verdict
        .name()
        .ok_or_else(|| HandshakeError::Protocol("the peer was never checked".to_owned()))?;
    opening::listener(shared, connection, peer, opened).await
}
