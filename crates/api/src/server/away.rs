//! Turns a connection away that is over the count.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

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

    /// Answers busy. Most clients take an answer only to a question they have asked, and never read
    /// one if the connection is reset while they still ask; so the question is awaited for a moment.
    pub(super) fn turn(&self, stream: UnixStream) {
        match self.0.clone().try_acquire_owned() {
            Ok(place) => {
                tokio::spawn(async move {
                    let _place = place;
                    answer(stream).await;
                });
            }
            Err(_) => {
                // A fresh socket's buffer takes these few bytes at once; if not, closing says enough.
                let _ = stream.try_write(&words());
            }
        }
    }
}

async fn answer(mut stream: UnixStream) {
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
        stream.write_all(&words()).await?;
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

fn words() -> Vec<u8> {
    let problem = Problem::busy("too many connections; close some, or try again", 1);
    let document = problem.document(Language::English);
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let mut answer = format!(
        "HTTP/1.1 {} Service Unavailable\r\ncontent-type: {MEDIA_TYPE}\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        document.status,
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    answer
}
