//! Request bodies: paced, limited, and never held in memory beyond the socket's budget.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tram_dispatch::Code;

use crate::{Limits, Problem};

/// Unit of the memory budget, bytes.
const BUDGET_UNIT_BYTES: usize = 1024;

/// A request body, taken piece by piece at the speed of whoever takes it. Pieces are at most as
/// large as the connection's buffer.
#[derive(Debug)]
pub struct BodyStream {
    body: Body,
    pace: Pace,
    received: u64,
    bytes_max: u64,
}

#[derive(Clone, Copy, Debug)]
struct Pace {
    idle: Duration,
    grace: Duration,
    rate_min_bytes_per_s: u64,
    /// Time spent waiting for the client; what the service takes for itself does not count.
    waited: Duration,
}

impl BodyStream {
    pub(super) fn new(body: Body, bytes_max: u64, limits: &Limits) -> Self {
        let pace = Pace {
            idle: Duration::from_millis(limits.body_idle_ms),
            grace: Duration::from_millis(limits.body_grace_ms),
            rate_min_bytes_per_s: limits.body_rate_min_bytes_per_s,
            waited: Duration::ZERO,
        };
        BodyStream { body, pace, received: 0, bytes_max }
    }

    /// A body that is there already, for tests and for callers within the process.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self::new(Body::from(bytes.into()), u64::MAX, &Limits::default())
    }

    /// The same body with a tighter limit.
    pub(super) fn at_most(mut self, bytes_max: u64) -> Self {
        self.bytes_max = self.bytes_max.min(bytes_max);
        self
    }

    /// How many bytes will come, where the client said so (`Content-Length`).
    pub fn expected_bytes(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// Bytes taken so far.
    pub fn received_bytes(&self) -> u64 {
        self.received
    }

    /// The next piece, never empty; `None` at the end.
    ///
    /// # Errors
    /// `TOO_LARGE` beyond the route's limit; `BAD_REQUEST` if the client stalls, is too slow, or
    /// goes away.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let before = Instant::now();
            let frame = match tokio::time::timeout(self.pace.idle, self.body.frame()).await {
                Err(_) => return Err(too_slow("the body stalled")),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => {
                    return Err(Problem::bad_request(format!("the body broke off: {error}")));
                }
                Ok(Some(Ok(frame))) => frame,
            };
            self.pace.waited += before.elapsed();
            // Trailers carry nothing here.
            let Ok(piece) = frame.into_data() else { continue };
            self.received = self.received.saturating_add(piece.len() as u64);
            if self.received > self.bytes_max {
                return Err(over(self.bytes_max));
            }
            self.check_pace()?;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    fn check_pace(&self) -> Result<(), Problem> {
        let Some(counted) = self.pace.waited.checked_sub(self.pace.grace) else { return Ok(()) };
        let needed = counted.as_millis() * u128::from(self.pace.rate_min_bytes_per_s) / 1000;
        if u128::from(self.received) < needed {
            return Err(too_slow("the body came slower than the minimum rate"));
        }
        Ok(())
    }

    /// All of it in memory, charged to the budget until the value is dropped.
    pub(super) async fn gather(
        mut self,
        bytes_max: u64,
        budget: &Arc<Semaphore>,
    ) -> Result<Gathered, Problem> {
        self.bytes_max = self.bytes_max.min(bytes_max);
        if self.expected_bytes().is_some_and(|n| n > self.bytes_max) {
            return Err(over(self.bytes_max));
        }
        let mut charge = Charge::new(budget);
        let mut all = BytesMut::new();
        while let Some(piece) = self.next().await? {
            charge.add(piece.len())?;
            all.extend_from_slice(&piece);
        }
        Ok(Gathered { bytes: all.freeze(), _charge: charge })
    }
}

/// A body in memory.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) bytes: Bytes,
    _charge: Charge,
}

/// What one request takes from the memory budget; given back when dropped.
#[derive(Debug)]
pub(super) struct Charge {
    budget: Arc<Semaphore>,
    permits: Vec<OwnedSemaphorePermit>,
    bytes: usize,
    charged: usize,
}

impl Charge {
    pub(super) fn new(budget: &Arc<Semaphore>) -> Self {
        Charge { budget: budget.clone(), permits: Vec::new(), bytes: 0, charged: 0 }
    }

    /// Charges more bytes, or answers busy: waiting while holding a part could lock up all.
    pub(super) fn add(&mut self, bytes: usize) -> Result<(), Problem> {
        self.bytes += bytes;
        self.take(self.bytes.saturating_sub(self.charged).div_ceil(BUDGET_UNIT_BYTES))
    }

    /// As [`Charge::add`], but never more than a budget of this many bytes has.
    pub(super) fn add_at_most(&mut self, bytes: usize, budget_bytes: usize) -> Result<(), Problem> {
        self.bytes += bytes;
        let all = units(budget_bytes).saturating_sub(self.charged / BUDGET_UNIT_BYTES);
        let missing = self.bytes.saturating_sub(self.charged).div_ceil(BUDGET_UNIT_BYTES);
        self.take(missing.min(all))
    }

    fn take(&mut self, missing: usize) -> Result<(), Problem> {
        if missing == 0 {
            return Ok(());
        }
        let busy = || Problem::busy("too many request bodies at once", 1);
        let units = u32::try_from(missing).map_err(|_| busy())?;
        let permit = self.budget.clone().try_acquire_many_owned(units).map_err(|_| busy())?;
        match self.permits.first_mut() {
            Some(first) => first.merge(permit),
            None => self.permits.push(permit),
        }
        self.charged += missing * BUDGET_UNIT_BYTES;
        Ok(())
    }
}

/// A semaphore of this many bytes.
pub(super) fn budget(bytes: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(units(bytes)))
}

fn units(bytes: usize) -> usize {
    (bytes / BUDGET_UNIT_BYTES).clamp(1, Semaphore::MAX_PERMITS)
}

pub(super) fn over(bytes_max: u64) -> Problem {
    Problem::new(Code::TooLarge, format!("the body is over this route's {bytes_max} bytes"))
}

fn too_slow(detail: &str) -> Problem {
    Problem::bad_request(detail).with_http(StatusCode::REQUEST_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn budget_and_limit_hold_and_are_given_back() {
        let budget = budget(4096);
        let first = BodyStream::from_bytes(vec![1; 3000]).gather(5000, &budget).await.unwrap();
        assert_eq!((first.bytes.len(), budget.available_permits()), (3000, 1));
        let second = BodyStream::from_bytes(vec![1; 3000]).gather(5000, &budget).await;
        assert_eq!(second.unwrap_err().code, Code::Busy);
        drop(first);
        assert_eq!(budget.available_permits(), 4);
        let large = BodyStream::from_bytes(vec![1; 3000]).gather(2999, &budget).await;
        assert_eq!(large.unwrap_err().code, Code::TooLarge);
        assert_eq!(budget.available_permits(), 4);
    }
}
