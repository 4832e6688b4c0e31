//! What the transfers of one session may use at a time.

use tokio::sync::Semaphore;
use tram_transport::Session;

use super::{BULK_MAX, IN_FLIGHT_MAX};

pub(super) struct Gates {
    /// Transfers being taken.
    pub(super) taken: Semaphore,
    /// Of these, those that take documents.
    pub(super) taken_bulk: Semaphore,
    /// Transfers being given.
    pub(super) given: Semaphore,
    /// Of these, those whose documents do not ride along.
    pub(super) given_bulk: Semaphore,
}

impl Gates {
    pub(super) fn new(session: &Session) -> Self {
        let bulk = (session.bulk_streams_max() as usize).clamp(1, BULK_MAX);
        Gates {
            taken: Semaphore::new(IN_FLIGHT_MAX),
            taken_bulk: Semaphore::new(bulk),
            given: Semaphore::new(IN_FLIGHT_MAX),
            given_bulk: Semaphore::new(BULK_MAX),
        }
    }
}
