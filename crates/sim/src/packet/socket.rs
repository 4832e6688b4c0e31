//! A bound address of the [`Fabric`], as the transport wants it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::time::{Sleep, sleep_until};
use tram_transport::Datagrams;

use super::fabric::Fabric;

/// Has its address until another socket binds it or the host is unplugged; then it is silent.
#[derive(Debug)]
pub struct Socket {
    fabric: Fabric,
    addr: SocketAddr,
    owner: u64,
    /// Until the next datagram is due.
    timer: Mutex<Option<Pin<Box<Sleep>>>>,
}

impl Socket {
    pub(super) fn new(fabric: Fabric, addr: SocketAddr, owner: u64) -> Self {
        Socket { fabric, addr, owner, timer: Mutex::default() }
    }
}

impl Datagrams for Socket {
    fn send(&self, to: SocketAddr, payload: &[u8]) {
        self.fabric.send(self.addr, self.owner, to, payload);
    }

    fn poll_receive(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(SocketAddr, usize)>> {
        let mut timer = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut state = self.fabric.lock();
            if state.host(self.addr).is_none_or(|h| h.owner != self.owner) {
                return Poll::Pending;
            }
            let due = match state.receive(self.addr) {
                Ok(datagram) => {
                    let len_bytes = datagram.payload.len();
                    let Some(place) = buffer.get_mut(..len_bytes) else { continue };
                    place.copy_from_slice(&datagram.payload);
                    return Poll::Ready(Ok((datagram.from, len_bytes)));
                }
                Err(due) => due,
            };
            if let Some(host) = state.host(self.addr) {
                host.waker = Some(context.waker().clone());
            }
            drop(state);
            let Some(due) = due else { return Poll::Pending };
            let sleep = timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            sleep.as_mut().reset(due);
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn local_addr(&self) -> SocketAddr {
        self.addr
    }
}
