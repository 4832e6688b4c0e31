//! Connections over TCP, made secure in time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Duplex for S {}

/// A connection that is ready to be spoken through.
pub struct Session {
    /// What is said.
    pub stream: Box<dyn Duplex>,
    /// The certificates of the other end, its own first, DER; empty if it showed none. That it holds
    /// the key of the first is proved; nothing else is.
    pub chain_der: Vec<Vec<u8>>,
}

/// A connection that is being made secure.
pub type Secured<'a> = Pin<Box<dyn Future<Output = io::Result<Session>> + Send + 'a>>;

/// The server's side of TLS.
pub trait Tls: Send + Sync + 'static {
    /// Does the handshake.
    fn accept(&self, tcp: TcpStream) -> Secured<'_>;
}

/// Makes a session of a connection: by a handshake that takes no longer than `longest`, or, without
/// `tls`, of the bytes as they are.
///
/// # Errors
/// `TimedOut`, or what the handshake says.
pub async fn secure(
    tcp: TcpStream,
    tls: Option<&dyn Tls>,
    longest: Duration,
) -> io::Result<Session> {
    // Answers are written whole; a delay gains nothing.
    let _ = tcp.set_nodelay(true);
    match tls {
        None => Ok(Session { stream: Box::new(tcp), chain_der: Vec::new() }),
        Some(tls) => {
            let slow = |_| io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long");
            timeout(longest, tls.accept(tcp)).await.map_err(slow)?
        }
    }
}
