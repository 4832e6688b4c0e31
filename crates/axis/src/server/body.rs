//! Request bodies, piece by piece, at no less than a pace.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;

use crate::limits::Limits;
use crate::refusal::{Number, Refusal};

/// A body that is being read.
pub(super) struct Body {
    incoming: Incoming,
    idle: Duration,
    grace: Duration,
    rate_min_bytes_per_s: u64,
    /// Time spent waiting for the client; what is done with the pieces does not count.
    waited: Duration,
    received: u64,
}

impl Body {
    pub(super) fn new(incoming: Incoming, limits: &Limits) -> Self {
        Body {
            incoming,
            idle: Duration::from_millis(limits.body_idle_ms),
            grace: Duration::from_millis(limits.body_grace_ms),
            rate_min_bytes_per_s: limits.body_rate_min_bytes_per_s,
            waited: Duration::ZERO,
            received: 0,
        }
    }

    /// How many bytes will come, where that is known.
    pub(super) fn expected_bytes(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// The next piece, never empty; none at the end.
    ///
    /// # Errors
    /// It stalled, is too slow, or broke off.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        let broken = |text: &str| Refusal::new(Number::File, text);
        loop {
            let before = Instant::now();
            let frame = match tokio::time::timeout(self.idle, self.incoming.frame()).await {
                Err(_) => return Err(broken("the file stalled on its way")),
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(broken("the file broke off on its way")),
                Ok(Some(Ok(frame))) => frame,
            };
            self.waited += before.elapsed();
            let Ok(piece) = frame.into_data() else { continue };
            self.received = self.received.saturating_add(piece.len() as u64);
            if let Some(counted) = self.waited.checked_sub(self.grace) {
                let least = counted.as_millis() * u128::from(self.rate_min_bytes_per_s) / 1000;
                if u128::from(self.received) < least {
                    return Err(broken("the file came slower than the least rate"));
                }
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    /// All of it, where it is no more than so many bytes.
    ///
    /// # Errors
    /// It is longer, or did not come.
    pub(super) async fn gather(&mut self, bytes_max: u64) -> Result<Bytes, Refusal> {
        let mut all = BytesMut::new();
        while let Some(piece) = self.next().await? {
            if all.len() as u64 + piece.len() as u64 > bytes_max {
                return Err(Refusal::system(format!("the body has more than {bytes_max} bytes")));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// Reads what is left of it to its end, or to so many bytes: a client that is answered while it
    /// sends does not read the answer.
    pub(super) async fn drain(&mut self, bytes_max: u64) {
        let mut left = bytes_max;
        while left > 0
            && let Ok(Some(piece)) = self.next().await
        {
            left = left.saturating_sub(piece.len() as u64);
        }
    }
}
