//! An authenticated session with one peer.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use quinn::{ConnectionError, VarInt};
use rustls_pki_types::CertificateDer;
use tokio::time::Instant;

use crate::{
    CloseReason, FrameReceiver, FrameSender, PeerName, TransportLimits, close_code,
    reason::clip,
    registry::{Admission, Registry},
};

/// A session with an authenticated peer. Cheap to clone; when the last clone and the last of its
/// streams are dropped, the session closes.
#[derive(Clone)]
pub struct Session {
    core: Arc<SessionCore>,
}

/// The control stream of a session: frames in both directions, for the session's whole life.
#[derive(Debug)]
pub struct Control {
    /// Towards the peer.
    pub send: FrameSender,
    /// From the peer.
    pub recv: FrameReceiver,
}

/// Counters of a session, for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionStats {
    /// Current estimate of the round-trip time.
    pub rtt: Duration,
    /// UDP payload octets sent.
    pub sent_bytes: u64,
    /// UDP payload octets received.
    pub received_bytes: u64,
    /// Packets sent.
    pub sent_packets: u64,
    /// Packets thought lost, and sent again.
    pub lost_packets: u64,
    /// Congestion window, octets.
    pub congestion_window_bytes: u64,
    /// Largest UDP payload the path takes at present, octets.
    pub mtu_bytes: u16,
}

impl Session {
    /// Who it is, as the [`crate::PeerCheck`] named it.
    pub fn peer(&self) -> &PeerName {
        &self.core.peer
    }

    /// The chain that the peer presented, its own certificate first, DER: for checking it again.
    pub fn peer_chain_der(&self) -> Vec<Vec<u8>> {
        let identity = self.core.connection.peer_identity();
        let chain = identity.and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
        chain.map(|chain| chain.iter().map(|der| der.to_vec()).collect()).unwrap_or_default()
    }

    /// The peer's UDP address.
    pub fn remote_addr(&self) -> SocketAddr {
        self.core.connection.remote_address()
    }

    /// Whether we dialled (or the peer did).
    pub fn dialled(&self) -> bool {
        self.core.dialled
    }

    /// Time since the session was opened.
    pub fn age(&self) -> Duration {
        self.core.opened.elapsed()
    }

    /// Time left until the transport closes the session for its age. Stop starting transfers
    /// some minutes before.
    pub fn expires_in(&self) -> Duration {
        self.core.age_max().saturating_sub(self.age())
    }

    /// Opens a transfer stream, waiting while the peer's stream limit is reached. The peer learns
    /// of it with the first frame. What we send on it goes before what streams of lower `priority`
    /// have to send; streams of one priority take turns.
    ///
    /// # Errors
    /// The session is gone.
    pub async fn open_transfer(
        &self,
        priority: i32,
    ) -> Result<(FrameSender, FrameReceiver), CloseReason> {
        let streams = self.core.connection.open_bi().await;
        let (send, recv) = self.framed(streams)?;
        send.set_priority(priority);
        Ok((send, recv))
    }

    /// Waits for the next transfer stream of the peer. Cancel-safe.
    ///
    /// # Errors
    /// The session is gone.
    pub async fn accept_transfer(&self) -> Result<(FrameSender, FrameReceiver), CloseReason> {
        let streams = self.core.connection.accept_bi().await;
        self.framed(streams)
    }

    /// Bulk streams to read at a time so that a quarter of the session's receive window stays free
    /// for urgent transfers: at least 1, at most `bulk_streams_max`. Changes as sessions come and go.
    pub fn bulk_streams_max(&self) -> u32 {
        let window = self.core.registry.window_bytes() / 4 * 3;
        let limits = &self.core.limits;
        (window / limits.stream_window_bytes).clamp(1, limits.bulk_streams_max)
    }

    /// Ends the session at once, streams included. The first reason given stays; `reason` is sent
    /// to the peer (at most 256 octets of it). For codes see [`close_code`].
    pub fn close(&self, code: u32, reason: &str) {
        self.core.close(code, reason);
    }

    /// Waits until the session has ended and says why. Cancel-safe.
    pub async fn closed(&self) -> CloseReason {
        let error = self.core.connection.closed().await;
        self.core.reason(error)
    }

    /// Why the session ended, if it has.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.core.connection.close_reason().map(|error| self.core.reason(error))
    }

    /// Counters up to now.
    pub fn stats(&self) -> SessionStats {
        let stats = self.core.connection.stats();
        SessionStats {
            rtt: stats.path.rtt,
            sent_bytes: stats.udp_tx.bytes,
            received_bytes: stats.udp_rx.bytes,
            sent_packets: stats.path.sent_packets,
            lost_packets: stats.path.lost_packets,
            congestion_window_bytes: stats.path.cwnd,
            mtu_bytes: stats.path.current_mtu,
        }
    }

    fn framed(
        &self,
        streams: Result<(quinn::SendStream, quinn::RecvStream), ConnectionError>,
    ) -> Result<(FrameSender, FrameReceiver), CloseReason> {
        let (send, recv) = streams.map_err(|error| self.core.reason(error))?;
        Ok((FrameSender::new(send, self.core.clone()), FrameReceiver::new(recv, self.core.clone())))
    }

    pub(crate) fn from_core(core: Arc<SessionCore>) -> Self {
        Self { core }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("peer", &self.core.peer)
            .field("remote_addr", &self.remote_addr())
            .field("dialled", &self.core.dialled)
            .finish_non_exhaustive()
    }
}

/// What clones of a session and its streams share.
pub(crate) struct SessionCore {
    connection: quinn::Connection,
    peer: PeerName,
    dialled: bool,
    opened: Instant,
    limits: Arc<TransportLimits>,
    registry: Arc<Registry>,
    /// What we said when we closed it.
    closed_with: Mutex<Option<(u32, String)>>,
}

impl SessionCore {
    pub(crate) fn new(
        connection: quinn::Connection,
        peer: PeerName,
        dialled: bool,
        limits: Arc<TransportLimits>,
        registry: Arc<Registry>,
    ) -> Arc<Self> {
        let opened = Instant::now();
        let closed_with = Mutex::default();
        Arc::new(Self { connection, peer, dialled, opened, limits, registry, closed_with })
    }

    pub(crate) fn limits(&self) -> &TransportLimits {
        &self.limits
    }

    /// Takes the seat: full limits for the peer, and a task that gives the place back at the end
    /// and ends the session at its greatest age.
    pub(crate) fn start(self: &Arc<Self>, admission: Admission) {
        let streams = VarInt::from_u32(self.limits.bidi_streams_max);
        self.connection.set_max_concurrent_bi_streams(streams);
        self.registry.seat(&admission, self);

        let (connection, core) = (self.connection.clone(), Arc::downgrade(self));
        let old = self.opened + self.age_max();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = connection.closed() => {}
                () = tokio::time::sleep_until(old) => {
                    if let Some(core) = core.upgrade() {
                        core.close(close_code::SESSION_AGE, "the session reached its greatest age");
                    }
                }
            }
            drop(admission);
        });
    }

    pub(crate) fn close(&self, code: u32, reason: &str) {
        let reason = clip(reason);
        self.closed_with
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| (code, reason.to_owned()));
        self.connection.close(VarInt::from_u32(code), reason.as_bytes());
    }

    pub(crate) fn reason(&self, error: ConnectionError) -> CloseReason {
        let local = self.closed_with.lock().unwrap_or_else(PoisonError::into_inner).clone();
        CloseReason::from_quinn(error, local)
    }

    pub(crate) fn set_window(&self, bytes: u32) {
        self.connection.set_receive_window(VarInt::from_u32(bytes));
        self.connection.set_send_window(bytes.into());
    }

    fn age_max(&self) -> Duration {
        Duration::from_millis(self.limits.session_age_max_ms)
    }
}

impl Drop for SessionCore {
    fn drop(&mut self) {
        // The watching task holds the connection too, so quinn would not close it by itself.
        self.connection.close(VarInt::from_u32(close_code::CLOSED), b"");
    }
}
