//! The network in memory: datagrams between two endpoints, and whoever else sends some.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tram_transport::Datagrams;

use super::{HONEST, VICTIM};

/// Datagrams under way to each of the two; those to anybody else are lost.
#[derive(Debug, Default)]
pub(super) struct Air {
    pub(super) to_victim: VecDeque<(SocketAddr, Vec<u8>)>,
    pub(super) to_honest: VecDeque<(SocketAddr, Vec<u8>)>,
    pub(super) wakers: [Option<Waker>; 2],
    /// What the two said to each other last, and to whom.
    pub(super) heard: VecDeque<(SocketAddr, Vec<u8>)>,
    /// Of each stranger: bytes it sent to the victim, and bytes the victim sent to it.
    pub(super) strangers: BTreeMap<SocketAddr, (u64, u64)>,
    /// The last datagram that went to a stranger.
    pub(super) answered: Vec<u8>,
}

/// Length of packets before a path was found to take more (RFC 9000 section 14.1).
const FIRST_PACKET_BYTES: u64 = 1200;

/// Datagrams of the two that are remembered.
pub(super) const HEARD_MAX: usize = 64;

#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) own: SocketAddr,
    pub(super) air: Arc<Mutex<Air>>,
}

impl Port {
    pub(super) fn lock(&self) -> MutexGuard<'_, Air> {
        self.air.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a datagram on its way, from whoever.
    pub(super) fn put(&self, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        let mut air = self.lock();
        let length = payload.len() as u64;
        let honest = [VICTIM, HONEST];
        if honest.contains(&from) && honest.contains(&to) {
            air.heard.push_back((to, payload.to_vec()));
            if air.heard.len() > HEARD_MAX {
                air.heard.pop_front();
            }
        }
        let waker = match to {
            VICTIM => {
                if from != HONEST {
                    air.strangers.entry(from).or_default().0 += length;
                }
                air.to_victim.push_back((from, payload.to_vec()));
                air.wakers[0].take()
            }
            HONEST => {
                air.to_honest.push_back((from, payload.to_vec()));
                air.wakers[1].take()
            }
            stranger => {
                air.strangers.entry(stranger).or_default().1 += length;
                air.answered = payload.to_vec();
                None
            }
        };
        drop(air);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Checks that nobody who did not prove an address was sent more than three times what came from
    /// it (RFC 9000 section 8.1), and one packet: quinn-proto begins a last one while anything of the
    /// budget is left.
    pub(super) fn nobody_is_flooded(&self) {
        for (stranger, (received, sent)) in &self.lock().strangers {
            let allowed = 3 * received + FIRST_PACKET_BYTES;
            assert!(*sent <= allowed, "{stranger} sent {received} and got {sent} bytes");
        }
    }
}

impl Datagrams for Port {
    fn send(&self, to: SocketAddr, payload: &[u8]) {
        self.put(self.own, to, payload);
    }

    fn poll_receive(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(SocketAddr, usize)>> {
        let mut air = self.lock();
        loop {
            let queue = if self.own == VICTIM { &mut air.to_victim } else { &mut air.to_honest };
            let Some((from, payload)) = queue.pop_front() else {
                air.wakers[usize::from(self.own != VICTIM)] = Some(context.waker().clone());
                return Poll::Pending;
            };
            let Some(place) = buffer.get_mut(..payload.len()) else { continue };
            place.copy_from_slice(&payload);
            return Poll::Ready(Ok((from, payload.len())));
        }
    }

    fn local_addr(&self) -> SocketAddr {
        self.own
    }
}
