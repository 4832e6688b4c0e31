//! The UDP endpoint: dials and is dialled.

mod accept;
mod dial;
mod gate;
mod opening;
mod over;
mod tally;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use quinn::{TransportConfig, VarInt};
use tokio::sync::mpsc;

use over::Over;

use crate::{
    BindError, ConnectError, Control, Datagrams, HandshakeError, Identity, PeerCheck, PeerName,
    Session, TransportLimits, close_code, quic, registry::Registry, tls::Tls, tls::Verdict,
};

/// A session that has just been opened, with its control stream.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// Its control stream, behind the opening frames.
    pub control: Control,
}

type FailureHook = dyn Fn(SocketAddr, &HandshakeError) + Send + Sync;

/// A node's door to its peers. Cheap to clone; closes when the last clone is dropped.
#[derive(Clone)]
pub struct Endpoint {
    inner: Arc<Inner>,
    accepted: Arc<tokio::sync::Mutex<mpsc::Receiver<Opened>>>,
}

/// What dialling and accepting share.
struct Shared {
    quinn: quinn::Endpoint,
    limits: Arc<TransportLimits>,
    registry: Arc<Registry>,
    tls: Mutex<Arc<Tls>>,
    on_failure: Mutex<Option<Arc<FailureHook>>>,
    tally: tally::Tally,
    /// For sessions that we dial.
    dial_transport: Arc<TransportConfig>,
    /// Whether the system can be asked about routes.
    probes: bool,
}

/// What an endpoint has open, for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointStats {
    /// Sessions that were admitted and have not ended.
    pub sessions: usize,
    /// QUIC connections: sessions, handshakes in progress, and connections that have ended and are
    /// kept for a moment to answer late packets (RFC 9000 section 10.2).
    pub connections: usize,
}

/// Closes the door behind the last [`Endpoint`]; the accepting task holds only [`Shared`].
struct Inner(Arc<Shared>);

impl Endpoint {
    /// Opens a UDP socket on `addr` (port 0: the system chooses) that dials and listens.
    ///
    /// Must be called inside a tokio runtime, best a current-thread one; the endpoint's tasks run
    /// there. Certificates are not judged here, only read: an expired one of ours is bound.
    ///
    /// # Errors
    /// See [`BindError`].
    pub fn bind(
        addr: SocketAddr,
        identity: &Identity,
        check: Arc<dyn PeerCheck>,
        limits: TransportLimits,
    ) -> Result<Self, BindError> {
        Self::open(Over::System(addr), identity, check, limits, true)
    }

    /// [`Endpoint::bind`] for a node that only dials: nobody is answered, [`Endpoint::accept`]
    /// waits until the endpoint is closed.
    ///
    /// # Errors
    /// See [`BindError`].
    pub fn bind_dial_only(
        addr: SocketAddr,
        identity: &Identity,
        check: Arc<dyn PeerCheck>,
        limits: TransportLimits,
    ) -> Result<Self, BindError> {
        Self::open(Over::System(addr), identity, check, limits, false)
    }

    /// [`Endpoint::bind`] over a network that is not the system's.
    ///
    /// `seed` decides what QUIC draws by chance for itself (packet numbers left out, paddings), so
    /// that a run over a simulated network can be repeated; keys and connection ids come from the
    /// system all the same. Nothing is learnt of routes here, so a dial to nowhere ends only with
    /// `handshake_timeout_ms`.
    ///
    /// # Errors
    /// See [`BindError`].
    pub fn bind_over(
        datagrams: Arc<dyn Datagrams>,
        seed: [u8; 32],
        identity: &Identity,
        check: Arc<dyn PeerCheck>,
        limits: TransportLimits,
    ) -> Result<Self, BindError> {
        Self::open(Over::Given(datagrams, seed), identity, check, limits, true)
    }

    fn open(
        over: Over,
        identity: &Identity,
        check: Arc<dyn PeerCheck>,
        limits: TransportLimits,
        listen: bool,
    ) -> Result<Self, BindError> {
        limits.validate()?;
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(BindError::NoRuntime);
        }
        let tls = Tls::new(identity, check)?;
        // Decrypts first packets and seals Retry tokens; each handshake brings its own verifier.
        let server = quic::server_config(&limits, tls.server(&Arc::new(Verdict::default()))?);
        let probes = over.knows_routes();
        let config = quic::endpoint_config(&limits, &identity.key_pkcs8_der)?;
        let quinn = over.bind(config, listen.then(|| server.clone()), &limits)?;

        let limits = Arc::new(limits);
        let queue = usize::try_from(limits.accept_queue_max).unwrap_or(usize::MAX);
        let shared = Arc::new(Shared {
            quinn,
            registry: Registry::new(limits.clone()),
            tls: Mutex::new(Arc::new(tls)),
            on_failure: Mutex::new(None),
            tally: tally::Tally::default(),
            dial_transport: quic::transport_config(&limits, 0),
            probes,
            limits,
        });
        let (opened, accepted) = mpsc::channel(queue);
        tokio::spawn(accept::run(shared.clone(), server, opened));
        let accepted = Arc::new(tokio::sync::Mutex::new(accepted));
        Ok(Self { inner: Arc::new(Inner(shared)), accepted })
    }

    /// The bound address, with the port the system chose.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.shared().quinn.local_addr()
    }

    /// What is open at present.
    pub fn stats(&self) -> EndpointStats {
        let shared = self.shared();
        let connections = shared.quinn.open_connections();
        EndpointStats { sessions: shared.registry.places(), connections }
    }

    /// Dials `addr` and returns once the peer has admitted us.
    ///
    /// `server_name` goes into the SNI (a DNS name such as `n1.03.12.h41.node.alt`); who answers is
    /// judged by the [`PeerCheck`], and must be `expected`.
    ///
    /// # Errors
    /// See [`ConnectError`]; takes at most `handshake_timeout_ms`.
    pub async fn connect(
        &self,
        addr: SocketAddr,
        server_name: &str,
        expected: &PeerName,
    ) -> Result<Opened, ConnectError> {
        dial::dial(self.shared(), addr, server_name, expected).await
    }

    /// The next session that a peer has opened, or `None` once the endpoint is closed.
    ///
    /// Handshakes run concurrently inside; those that fail do not come out here, see
    /// [`Endpoint::on_handshake_failure`]. Cancel-safe.
    pub async fn accept(&self) -> Option<Opened> {
        self.accepted.lock().await.recv().await
    }

    /// Has `hook` told of each handshake that a peer began and that failed (besides the log). It
    /// must not block. Floods of packets that never get as far as a handshake are not told.
    pub fn on_handshake_failure(
        &self,
        hook: impl Fn(SocketAddr, &HandshakeError) + Send + Sync + 'static,
    ) {
        *lock(&self.shared().on_failure) = Some(Arc::new(hook));
    }

    /// Uses another certificate and key from the next handshake on; open sessions stay.
    ///
    /// # Errors
    /// [`BindError::Identity`]; the old identity then stays in use.
    pub fn set_identity(&self, identity: &Identity) -> Result<(), BindError> {
        let mut current = lock(&self.shared().tls);
        let renewed = current.with_identity(identity)?;
        *current = Arc::new(renewed);
        Ok(())
    }

    /// Stops listening, closes every session with `SHUTDOWN` and `reason`, and waits until the
    /// peers were told, at most `close_timeout_ms`.
    pub async fn close(&self, reason: &str) {
        let shared = self.shared();
        shared.shut(reason);
        let wait = Duration::from_millis(shared.limits.close_timeout_ms.into());
        // Late is no failure: the peers then learn by their idle timeouts.
        let _ = tokio::time::timeout(wait, shared.quinn.wait_idle()).await;
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.inner.0
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("local_addr", &self.local_addr()).finish_non_exhaustive()
    }
}

impl Shared {
    fn tls(&self) -> Arc<Tls> {
        lock(&self.tls).clone()
    }

    fn shut(&self, reason: &str) {
        self.quinn.set_server_config(None);
        // Sessions first, so that they remember what they were closed with.
        self.registry.close_all(close_code::SHUTDOWN, reason);
        let reason = crate::reason::clip(reason).as_bytes();
        self.quinn.close(VarInt::from_u32(close_code::SHUTDOWN), reason);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.0.shut("the endpoint was closed");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
