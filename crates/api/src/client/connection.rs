//! Connections of a client: opened when needed, kept for the next call.

use std::io;
use std::path::{Path, PathBuf};
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

use super::ClientError;

/// Idle connections kept; more than one only after calls at the same time.
const IDLE_MAX: usize = 256;

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
    path: PathBuf,
    connect: Duration,
    idle: Mutex<Vec<Line>>,
}

impl Pool {
    pub(super) fn new(path: &Path, connect: Duration) -> Self {
        Pool { path: path.to_owned(), connect, idle: Mutex::new(Vec::new()) }
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
            |source: io::Error| ClientError::Unreachable { path: self.path.clone(), source };
        let stream = timeout(self.connect, UnixStream::connect(&self.path))
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
