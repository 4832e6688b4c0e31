//! A port for the UDP socket, for networks that are not the system's: a simulated one, or a tunnel.

use std::{
    fmt,
    io::{self, IoSliceMut},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use quinn::{
    AsyncUdpSocket, UdpPoller,
    udp::{RecvMeta, Transmit},
};

/// One bound UDP address of some network. Like UDP it promises nothing: datagrams may be lost,
/// doubled, reordered and damaged. It must not fragment.
pub trait Datagrams: fmt::Debug + Send + Sync + 'static {
    /// Sends one datagram or loses it; never waits.
    fn send(&self, to: SocketAddr, payload: &[u8]);

    /// The next datagram: who sent it, and how many octets of `buffer` it fills. One longer than
    /// `buffer` (the endpoint's `mtu_max_bytes`) is to be dropped. Only the latest caller's waker
    /// need be kept.
    ///
    /// # Errors
    /// The endpoint closes.
    fn poll_receive(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(SocketAddr, usize)>>;

    /// The address others reach it at.
    fn local_addr(&self) -> SocketAddr;
}

/// [`Datagrams`] in quinn's terms.
#[derive(Debug)]
pub(crate) struct Port(pub(crate) Arc<dyn Datagrams>);

impl AsyncUdpSocket for Port {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(AlwaysWritable)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        // Segments are never asked for, see `max_transmit_segments`.
        self.0.send(transmit.destination, transmit.contents);
        Ok(())
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), metas.first_mut()) else {
            return Poll::Ready(Ok(0));
        };
        self.0.poll_receive(context, buffer).map_ok(|(from, len_bytes)| {
            *meta = RecvMeta::default();
            (meta.addr, meta.len, meta.stride) = (from, len_bytes, len_bytes);
            1
        })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.0.local_addr())
    }

    fn max_transmit_segments(&self) -> usize {
        1
    }

    fn may_fragment(&self) -> bool {
        false
    }
}

/// A send that loses what does not fit never has to wait.
#[derive(Debug)]
struct AlwaysWritable;

impl UdpPoller for AlwaysWritable {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
