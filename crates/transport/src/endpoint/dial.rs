//! Dialling a peer.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use super::{Opened, Shared, opening};
use crate::{
    ConnectError, HandshakeError, PeerName, quic, socket,
    tls::{self, Verdict},
};

/// Runs the whole handshake against the clock and against what the kernel knows of the route.
pub(super) async fn dial(
    shared: &Shared,
    addr: SocketAddr,
    server_name: &str,
    expected: &PeerName,
) -> Result<Opened, ConnectError> {
    let after_ms = shared.limits.handshake_timeout_ms;
    tokio::select! {
        biased;
        result = handshake(shared, addr, server_name, expected) => result,
        error = socket::probe(addr), if shared.probes => Err(error),
        () = tokio::time::sleep(Duration::from_millis(after_ms.into())) => {
            Err(HandshakeError::Timeout { after_ms }.into())
        }
    }
}

async fn handshake(
    shared: &Shared,
    addr: SocketAddr,
    server_name: &str,
    expected: &PeerName,
) -> Result<Opened, ConnectError> {
    let verdict = Arc::new(Verdict::default());
    let tls = shared
        .tls()
        .client(expected, &verdict)
        .map_err(|error| HandshakeError::Tls(error.to_string()))?;
    let config = quic::client_config(shared.dial_transport.clone(), tls);
    let connecting =
        shared.quinn.connect_with(config, addr, server_name).map_err(|error| match error {
            quinn::ConnectError::EndpointStopping => ConnectError::Stopping,
            error => ConnectError::Target(error.to_string()),
        })?;
    let connection = connecting.await.map_err(|error| {
        let denied = verdict.denied();
        tls::failure(error, denied, Some(expected), shared.limits.handshake_timeout_ms)
    })?;
    if !tls::alpn_agreed(&connection) {
        return Err(HandshakeError::Alpn.into());
    }
    let peer = verdict
        .name()
        .ok_or_else(|| HandshakeError::Protocol("the peer was never checked".to_owned()))?;
    Ok(opening::dialler(shared, connection, peer).await?)
}
