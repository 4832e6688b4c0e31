//! A running door with a node in memory behind it, and clients of it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tram_api::{
    Access, Agencies, Limits, Peer, Problem, RemoteDoor, Role, Rule, Systems, Who, serve_remote,
};
use tram_dispatch::{Code, Digest};
use tram_door::{Duplex, Secured, Session, Tls};
use tram_transport::{HttpsClient, Identity, MutualServer};
use tram_trust::fixtures::{CENTRE, NOW, Network, PROVINCE};

use super::meddler::{Change, Meddled};
use crate::service::Fake;
use crate::socket::PATIENCE;

/// What the server's certificate is for.
const NAME: &str = "n1.g22.node.alt";
/// What the known client is called.
const SYSTEM: &str = "van-thu";
/// An answer that pauses for so long is all there is.
const PAUSE: Duration = Duration::from_millis(40);

/// Times so short that an unfinished request costs little.
fn limits() -> Limits {
    Limits {
        handshake_ms: 1_000,
        header_ms: 100,
        body_idle_ms: 20,
        body_grace_ms: 20,
        drain_ms: 20,
        ..Limits::default()
    }
}

/// The server's side of TLS, which counts who is inside.
struct Mutual(MutualServer, Arc<()>);

impl Tls for Mutual {
    fn accept(&self, tcp: TcpStream) -> Secured<'_> {
        let inside = self.1.clone();
        Box::pin(async move {
            let (stream, chain_der) = self.0.accept(Held(tcp, inside)).await?;
            Ok(Session { stream: Box::new(stream) as Box<dyn Duplex>, chain_der })
        })
    }
}

/// A connection that is counted as long as somebody holds it.
struct Held(TcpStream, #[expect(dead_code, reason = "counted by being there")] Arc<()>);

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Held {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Knows one certificate.
struct Only(Vec<u8>);

impl Systems for Only {
    fn know(&self, chain_der: &[Vec<u8>]) -> Result<Peer, Problem> {
        if chain_der.first() == Some(&self.0) {
            return Ok(Peer::System { name: SYSTEM.into(), certificate: Digest([7; 32]) });
        }
        Err(Problem::new(Code::CertificateUntrusted, "nobody who may come in"))
    }
}

/// The door, and those who come to it.
pub(super) struct Place {
    pub(super) address: SocketAddr,
    node: Arc<Fake>,
    inside: Arc<()>,
    runtime: Runtime,
    known: HttpsClient,
    stranger: HttpsClient,
    pub(super) inputs: u64,
}

impl Place {
    /// The door lives as long as the process; one input at a time is at it.
    pub(super) fn get() -> MutexGuard<'static, Place> {
        static PLACE: OnceLock<Mutex<Place>> = OnceLock::new();
        let place = PLACE.get_or_init(|| Mutex::new(Place::open()));
        place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open() -> Place {
        let network = Network::new("fuzz");
        let identity = |agency: &str| {
            let keys = network.node(agency);
            Identity { chain_der: keys.chain.clone(), key_pkcs8_der: keys.tls_pkcs8.clone() }
        };
        let (server, system) = (identity(CENTRE), identity(PROVINCE));
        let anchors: Vec<Vec<u8>> = server.chain_der.last().cloned().into_iter().collect();
        let client = |own| HttpsClient::new(own, &anchors, NOW.0 / 1_000).expect("a client");
        let (known, stranger) = (client(Some(&system)), client(None));
        let (node, inside) = (Arc::new(Fake::default()), Arc::default());
        let tls = Mutual(MutualServer::new(&server, &[]).expect("a server"), Arc::clone(&inside));
        let systems = Arc::new(Only(system.chain_der[0].clone()));
        let (ready, started) = std::sync::mpsc::sync_channel(1);
        let service = node.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("tokio").block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                ready.send(listener.local_addr().expect("an address")).expect("somebody waits");
                let roles = Role::ALL.iter().copied().collect();
                let who = Who::System(SYSTEM.into());
                let access = Access::new(vec![Rule { who, agencies: Agencies::All, roles }]);
                let door = RemoteDoor { listener, tls: Arc::new(tls), systems };
                serve_remote(door, access, service, limits(), std::future::pending()).await;
            });
        });
        let address = started.recv().expect("the door opens");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("tokio");
        Place { address, node, inside, runtime, known, stranger, inputs: 0 }
    }

    /// Requests that the node was given to accept, and the sealed dispatches that it holds.
    pub(super) fn state(&self) -> (u64, Vec<Vec<u8>>) {
        let state = self.node.lock();
        (state.calls, state.items.iter().map(|item| item.sealed.to_vec()).collect())
    }

    /// Takes out what lies in the node.
    pub(super) fn empty(&self) {
        self.node.lock().items.clear();
    }

    /// Everything that is said to these bytes inside of a session of the known system, or of one
    /// without a certificate. To a stranger one answer is said, and no more is waited for.
    pub(super) fn says(&self, known: bool, bytes: &[u8]) -> Vec<u8> {
        let client = if known { &self.known } else { &self.stranger };
        let exchange = async {
            let tcp = TcpStream::connect(self.address).await.expect("the door is open");
            let mut stream = client.connect(NAME, tcp).await.expect("a handshake with any key");
            // It may answer and close before it has read everything.
            let _ = stream.write_all(bytes).await;
            let _ = stream.flush().await;
            // A question of the known system may ask the door to wait; to a stranger that is all the same.
            let waits = bytes.windows(4).any(|word| word == b"wait" || word == b"even");
            heard(&mut stream, known && waits).await
        };
        let limited = async { tokio::time::timeout(PATIENCE, exchange).await };
        self.runtime.block_on(limited).expect("neither an answer nor an end")
    }

    /// What the known system hears that says this, with somebody on its line. It gives up early: whoever
    /// meddles can make both sides wait for each other.
    pub(super) fn says_meddled(&self, bytes: &[u8], change: Change) -> Vec<u8> {
        let exchange = async {
            let tcp = TcpStream::connect(self.address).await.expect("the door is open");
            let mut stream = self.known.connect(NAME, Meddled::new(tcp, change)).await.ok()?;
            stream.write_all(bytes).await.ok()?;
            stream.flush().await.ok()?;
            Some(heard(&mut stream, false).await)
        };
        let limited = async { tokio::time::timeout(2 * PAUSE, exchange).await };
        self.runtime.block_on(limited).ok().flatten().unwrap_or_default()
    }

    /// Waits until the door has let go of everybody.
    pub(super) fn left(&self) {
        let began = Instant::now();
        // One is the door's own, one is ours.
        while Arc::strong_count(&self.inside) > 2 {
            assert!(began.elapsed() < PATIENCE, "the door holds on to a connection that has ended");
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// The first bytes of a client that nobody answers.
    pub(super) fn first_flight(&self) -> Vec<u8> {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let mut first = vec![0; 1 << 16];
        self.runtime.block_on(async {
            let connect = self.known.connect(NAME, near);
            let read = far.read(&mut first);
            tokio::select! {
                biased;
                _ = connect => unreachable!("nobody answers"),
                read = read => first.truncate(read.expect("a first flight")),
            }
        });
        first
    }
}

/// What comes until the other side ends or is quiet. Nothing at all is waited for as long as the caller
/// lets it, unless the other side was asked to wait.
async fn heard(stream: &mut (impl AsyncRead + Unpin), waits: bool) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut piece = vec![0; 16 << 10];
    loop {
        match tokio::time::timeout(PAUSE, stream.read(&mut piece)).await {
            Ok(Ok(0) | Err(_)) => return answer,
            Ok(Ok(read)) => answer.extend_from_slice(&piece[..read]),
            Err(_) if waits || !answer.is_empty() => return answer,
            Err(_) => {}
        }
        assert!(answer.len() < 64 << 20, "an answer without end");
    }
}
