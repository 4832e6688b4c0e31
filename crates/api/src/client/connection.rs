//! Connections of a client: opened when needed, kept for the next call.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tram_door::Duplex;

use super::ClientError;

/// Idle connections kept; more than one only after calls at the same time.
const IDLE_MAX: usize = 256;

/// A connection that is being made.
pub type Dialled<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Duplex>>> + Send + 'a>>;

/// How a client reaches its node.
pub trait Dial: Send + Sync + 'static {
    /// Makes a connection.
    fn dial(&self) -> Dialled<'_>;
}

/// By a local socket.
pub(super) struct Local(pub(super) PathBuf);

impl Dial for Local {
    fn dial(&self) -> Dialled<'_> {
        Box::pin(async { Ok(Box::new(UnixStream::connect(&self.0).await?) as Box<dyn Duplex>) })
    }
}

/// An open connection that takes one request at a time. Dropping it closes the connection, also
/// in the middle of a body.
pub(super) struct Line {
    requests: SendRequest<Body>,
    connection: JoinHandle<()>,
}

impl Line {
    /// Whether the node, or an error, ended it.
    pub(super) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

pub(super) struct Pool {
    dial: Box<dyn Dial>,
    /// Where the node is, in words.
    place: String,
    connect: Duration,
    idle: Mutex<Vec<Line>>,
}

impl Pool {
    pub(super) fn new(dial: Box<dyn Dial>, place: String, connect: Duration) -> Self {
        Pool { dial, place, connect, idle: Mutex::new(Vec::new()) }
    }

    /// A kept connection that still works, or `None`.
    pub(super) async fn kept(&self) -> Option<Line> {
        loop {
            let mut line = self.lock().pop()?;
            if line.requests.ready().await.is_ok() {
                return Some(line);
            }
        }
    }

    /// A new connection.
    pub(super) async fn open(&self) -> Result<Line, ClientError> {
        let unreachable =
            |source: io::Error| ClientError::Unreachable { place: self.place.clone(), source };
        let stream = timeout(self.connect, self.dial.dial())
            .await
            .map_err(|_| unreachable(io::ErrorKind::TimedOut.into()))?
            .map_err(unreachable)?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let connection = tokio::spawn(async move {
            // What breaks here shows itself to whoever waits for the answer.
            let _ = connection.await;
        });
        Ok(Line { requests, connection })
    }

    /// Keeps a connection whose answer was read to its end.
    pub(super) fn keep(&self, line: Line) {
        let mut idle = self.lock();
        if !line.is_closed() && idle.len() < IDLE_MAX {
            idle.push(line);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Line>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends one request, with a limit on the wait for the answer's head where there is one.
pub(super) async fn send(
    line: &mut Line,
    request: Request<Body>,
    wait: Option<Duration>,
) -> Result<Response<Incoming>, ClientError> {
    let answer = line.requests.send_request(request);
    match wait {
        None => answer.await.map_err(broken),
        Some(wait) => timeout(wait, answer)
            .await
            .map_err(|_| ClientError::Broken(format!("no answer within {} ms", wait.as_millis())))?
            .map_err(broken),
    }
}

pub(super) fn broken(error: hyper::Error) -> ClientError {
    let cause = std::error::Error::source(&error).map(|s| format!(": {s}")).unwrap_or_default();
    ClientError::Broken(format!("{error}{cause}"))
}
