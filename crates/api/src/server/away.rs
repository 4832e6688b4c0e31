//! Turns a connection away: one that is over the count, or of somebody who is not known. It gets a
//! problem and nothing else; no request of it is looked at.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tram_door::Duplex;

use crate::Problem;
use crate::problem::{Language, MEDIA_TYPE};

/// Connections that are being turned away at a time; one more gets its answer blindly.
const AT_ONCE_MAX: usize = 64;
/// How long a request is waited for, and then how long what is left of it is read.
const PATIENCE: Duration = Duration::from_millis(500);
/// Most bytes of it that are read.
const BYTES_MAX: usize = 1 << 20;

/// The places at the side door.
#[derive(Clone)]
pub(super) struct Away(Arc<Semaphore>);

impl Away {
    /// A quarter of the connections that are served, at the most: these take descriptors too.
    pub(super) fn new(connections_max: usize) -> Self {
        Away(Arc::new(Semaphore::new(AT_ONCE_MAX.min(connections_max / 4))))
    }

    /// Answers with a problem, mostly in a task of its own.
    pub(super) fn turn(&self, mut stream: impl Duplex, problem: &Problem) {
        let words = words(problem);
        match self.0.clone().try_acquire_owned() {
            Ok(place) => {
                tokio::spawn(async move {
                    let _place = place;
                    answer(stream, &words).await;
                });
            }
            Err(_) => {
                // A fresh socket's buffer takes these few bytes at once; if not, closing says enough.
                let mut cx = Context::from_waker(Waker::noop());
                let _ = Pin::new(&mut stream).poll_write(&mut cx, &words);
            }
        }
    }
}

/// Too many.
pub(super) fn busy() -> Problem {
    Problem::busy("too many connections; close some, or try again", 1)
}

/// Most clients take an answer only to a question they have asked, and never read one if the connection
/// is reset while they still ask; so the question is awaited for a moment.
pub(super) async fn answer(mut stream: impl Duplex, words: &[u8]) {
    let mut piece = vec![0; 4096];
    let mut asked = Vec::new();
    let question = async {
        while !asked.windows(4).any(|w| w == b"\r\n\r\n") && asked.len() < BYTES_MAX {
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(n) => {
                    // The end of a head may lie in two pieces.
                    asked.drain(..asked.len().saturating_sub(3));
                    asked.extend_from_slice(&piece[..n]);
                }
            }
        }
    };
    // One who asks nothing is told all the same.
    let _ = timeout(PATIENCE, question).await;
    let end = async {
        stream.write_all(words).await?;
        stream.flush().await?;
        stream.shutdown().await?;
        let mut left = BYTES_MAX;
        while left > 0 {
            match stream.read(&mut piece).await? {
                0 => break,
                n => left = left.saturating_sub(n),
            }
        }
        std::io::Result::Ok(())
    };
    // Whoever does not take the answer in time goes without.
    let _ = timeout(PATIENCE, end).await;
}

/// The problem as an answer that closes the connection.
pub(super) fn words(problem: &Problem) -> Vec<u8> {
    let document = problem.document(Language::English);
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let reason = problem.status().canonical_reason().unwrap_or("No");
    let again = problem.retry_after_s.map(|s| format!("retry-after: {s}\r\n"));
    let mut answer = format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: {MEDIA_TYPE}\r\n{}connection: close\r\n\
         content-length: {}\r\n\r\n",
        document.status,
        again.unwrap_or_default(),
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    answer
}
