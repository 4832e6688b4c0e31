//! What the transfers of one session may use at a time, so that one peer cannot take what the others
//! and the local clients need.

use std::sync::Arc;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_transport::Session;

use super::super::context::Context;

/// Largest frame, in KiB: reserved while an offer arrives, before its size is known.
const FRAME_KIB: u32 = (FRAME_BYTES_MAX >> 10) as u32;
/// Memory of the transfers taken in one session, in KiB: offers that arrive at the same time.
const SESSION_KIB: usize = 4 * (FRAME_BYTES_MAX >> 10);

/// The gates of one session.
pub(super) struct Gates {
    /// Transfers being taken.
    pub taken: Semaphore,
    /// Of these, those that take documents.
    pub taken_bulk: Semaphore,
    /// Transfers being given.
    pub given: Semaphore,
    /// Of these, those whose documents do not ride along.
    pub given_bulk: Semaphore,
    session_kib: Arc<Semaphore>,
    all_kib: Arc<Semaphore>,
}

impl Gates {
    /// Gates by the configured limits and what the session's window allows.
    pub(super) fn new(context: &Context, session: &Session) -> Self {
        let limits = &context.config.limits;
        let in_flight = limits.peer_in_flight_max as usize;
        let bulk = session.bulk_streams_max().min(limits.peer_bulk_max as u32).max(1) as usize;
        Gates {
            taken: Semaphore::new(in_flight),
            taken_bulk: Semaphore::new(bulk),
            given: Semaphore::new(in_flight),
            given_bulk: Semaphore::new(limits.peer_bulk_max as usize),
            session_kib: Arc::new(Semaphore::new(SESSION_KIB)),
            all_kib: context.budgets.transfer_kib.clone(),
        }
    }

    /// Waits for room for the largest frame. Nothing else of the budget may be held meanwhile.
    pub(super) async fn room(&self) -> Result<Room, AcquireError> {
        let session = self.session_kib.clone().acquire_many_owned(FRAME_KIB).await?;
        let all = self.all_kib.clone().acquire_many_owned(FRAME_KIB).await?;
        Ok(Room { session, all })
    }
}

/// Memory that one transfer may use; given back when dropped.
pub(super) struct Room {
    session: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
}

impl Room {
    /// Keeps only what so many bytes need.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let kib = bytes.div_ceil(1 << 10);
        for permit in [&mut self.session, &mut self.all] {
            drop(permit.split(permit.num_permits().saturating_sub(kib)));
        }
    }

    /// Takes more, if it is there at once: whoever waited while holding some could wait for ever.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let kib = bytes.div_ceil(1 << 10) as u32;
        let session = self.session.semaphore().clone().try_acquire_many_owned(kib);
        let all = self.all.semaphore().clone().try_acquire_many_owned(kib);
        let (Ok(session), Ok(all)) = (session, all) else { return false };
        self.session.merge(session);
        self.all.merge(all);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gates(all: usize) -> Gates {
        Gates {
            taken: Semaphore::new(1),
            taken_bulk: Semaphore::new(1),
            given: Semaphore::new(1),
            given_bulk: Semaphore::new(1),
            session_kib: Arc::new(Semaphore::new(SESSION_KIB)),
            all_kib: Arc::new(Semaphore::new(all)),
        }
    }

    #[tokio::test]
    async fn room_is_reserved_in_full_then_shrunk_and_given_back() {
        let gates = gates(SESSION_KIB * 2);
        let mut room = gates.room().await.unwrap();
        let free = || (gates.session_kib.available_permits(), gates.all_kib.available_permits());
        assert_eq!(free().0, SESSION_KIB - FRAME_KIB as usize);
        room.shrink(2049);
        assert_eq!(free(), (SESSION_KIB - 3, 2 * SESSION_KIB - 3));
        assert!(room.grow(1024));
        assert_eq!(free(), (SESSION_KIB - 4, 2 * SESSION_KIB - 4));
        assert!(!room.grow(SESSION_KIB << 10), "never more than a session's share");
        drop(room);
        assert_eq!(free(), (SESSION_KIB, 2 * SESSION_KIB));
    }

    #[tokio::test]
    async fn one_session_reads_few_offers_at_a_time() {
        let gates = gates(usize::MAX >> 4);
        let mut rooms = Vec::new();
        for _ in 0..SESSION_KIB / FRAME_KIB as usize {
            rooms.push(gates.room().await.unwrap());
        }
        let short = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(short, gates.room()).await.is_err());
        rooms.pop();
        assert!(tokio::time::timeout(short, gates.room()).await.is_ok());
    }
}
