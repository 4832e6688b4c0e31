//! The opening frames: how a connection becomes a session.
//!
//! TLS tells the dialler nothing about the listener's verdict on the dialler's certificate. So the
//! session counts as open only when the listener's empty frame has come back on the control stream.

use std::sync::Arc;

use quinn::{Connection, VarInt};
use tokio::sync::mpsc;

use super::{Opened, Shared};
use crate::{
    Control, FrameReceiver, FrameSender, HandshakeError, PeerName, Session, StreamError,
    close_code, registry::Admission, session::SessionCore, tls,
};

/// Dialler: sends the opening frame and waits for the answer.
pub(super) async fn dialler(
    shared: &Shared,
    connection: Connection,
    peer: PeerName,
) -> Result<Opened, HandshakeError> {
    let admission = admit(shared, &connection, &peer)?;
    let (send, recv) = connection.open_bi().await.map_err(|error| lost(shared, error))?;
    let core = core(shared, &connection, peer, true);
    let mut control = frames(send, recv, &core);
    control.send.send(&[]).await.map_err(|error| broken(shared, &connection, &core, error))?;
    empty_frame(shared, &connection, &core, &mut control.recv).await?;
    core.start(admission);
    Ok(Opened { session: Session::from_core(core), control })
}

/// Listener: waits for the opening frame, and answers once there is room for the session and
/// somebody to take it.
pub(super) async fn listener(
    shared: &Shared,
    connection: Connection,
    peer: PeerName,
    opened: &mpsc::Sender<Opened>,
) -> Result<(), HandshakeError> {
    let (send, recv) = connection.accept_bi().await.map_err(|error| lost(shared, error))?;
    let core = core(shared, &connection, peer.clone(), false);
    let mut control = frames(send, recv, &core);
    empty_frame(shared, &connection, &core, &mut control.recv).await?;
    let admission = admit(shared, &connection, &peer)?;
    let place = opened.reserve().await.map_err(|_| {
        core.close(close_code::SHUTDOWN, "the endpoint was closed");
        HandshakeError::Protocol("the endpoint was closed".to_owned())
    })?;
    control.send.send(&[]).await.map_err(|error| broken(shared, &connection, &core, error))?;
    core.start(admission);
    place.send(Opened { session: Session::from_core(core), control });
    Ok(())
}

fn admit(
    shared: &Shared,
    connection: &Connection,
    peer: &PeerName,
) -> Result<Admission, HandshakeError> {
    shared.registry.admit(peer).ok_or_else(|| {
        connection.close(VarInt::from_u32(close_code::BUSY), b"BUSY");
        HandshakeError::Busy
    })
}

fn core(
    shared: &Shared,
    connection: &Connection,
    peer: PeerName,
    dialled: bool,
) -> Arc<SessionCore> {
    let (limits, registry) = (shared.limits.clone(), shared.registry.clone());
    SessionCore::new(connection.clone(), peer, dialled, limits, registry)
}

fn frames(send: quinn::SendStream, recv: quinn::RecvStream, core: &Arc<SessionCore>) -> Control {
    let send = FrameSender::new(send, core.clone());
    Control { send, recv: FrameReceiver::new(recv, core.clone()) }
}

async fn empty_frame(
    shared: &Shared,
    connection: &Connection,
    core: &SessionCore,
    recv: &mut FrameReceiver,
) -> Result<(), HandshakeError> {
    match recv.recv(0).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(broken(shared, connection, core, StreamError::Truncated)),
        Err(error) => Err(broken(shared, connection, core, error)),
    }
}

/// What the other side said when it closed the connection goes before the stream's own error.
fn broken(
    shared: &Shared,
    connection: &Connection,
    core: &SessionCore,
    error: StreamError,
) -> HandshakeError {
    if let Some(error) = connection.close_reason() {
        return lost(shared, error);
    }
    core.close(close_code::PROTOCOL, "the first frame on the control stream must be empty");
    HandshakeError::Protocol(error.to_string())
}

fn lost(shared: &Shared, error: quinn::ConnectionError) -> HandshakeError {
    tls::failure(error, None, None, shared.limits.handshake_timeout_ms)
}
