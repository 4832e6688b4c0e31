//! The UDP socket, and a second one that learns what QUIC does not report.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{BindError, ConnectError};

/// Opens a non-blocking UDP socket with large buffers; `[::]` takes IPv4 as well.
pub(crate) fn bind(addr: SocketAddr, buffer_bytes: u32) -> Result<UdpSocket, BindError> {
    open(addr, buffer_bytes).map_err(|source| BindError::Address { addr, source })
}

fn open(addr: SocketAddr, buffer_bytes: u32) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() && addr.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    let wanted = usize::try_from(buffer_bytes).unwrap_or(usize::MAX);
    // Best effort: a smaller buffer costs speed, not correctness.
    let asked = socket.set_recv_buffer_size(wanted).and(socket.set_send_buffer_size(wanted));
    let granted = socket.recv_buffer_size().unwrap_or(0);
    // Linux reports twice what may be used.
    if asked.is_err() || granted < wanted {
        tracing::warn!(
            wanted_bytes = wanted,
            granted_bytes = granted,
            "small UDP socket buffers: packets may be lost under load; raise net.core.rmem_max"
        );
    }
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

/// Watches a dial from a connected socket, because the kernel reports routing errors and ICMP
/// refusals only there. Ends only with such an error.
///
/// One octet is sent, which no QUIC listener answers (its fixed bit is not set, RFC 9000 section
/// 17.2). Trouble with the probe itself decides nothing.
pub(crate) async fn probe(addr: SocketAddr) -> ConnectError {
    let source = match watch(addr).await {
        Err(error) => error,
        Ok(never) => match never {},
    };
    match classify(addr, source) {
        Some(error) => error,
        None => std::future::pending().await,
    }
}

async fn watch(addr: SocketAddr) -> io::Result<Infallible> {
    let local: SocketAddr = match addr {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = tokio::net::UdpSocket::bind(local).await?;
    socket.connect(addr).await?;
    socket.send(&[0]).await?;
    let mut ignored = [0; 1];
    loop {
        socket.recv(&mut ignored).await?;
    }
}

fn classify(addr: SocketAddr, source: io::Error) -> Option<ConnectError> {
    match source.kind() {
        io::ErrorKind::ConnectionRefused => Some(ConnectError::Refused { addr }),
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => Some(ConnectError::NoRoute { addr, source }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_become_causes() {
        let addr = SocketAddr::from(([127, 0, 0, 1], 1));
        let of = |kind: io::ErrorKind| classify(addr, kind.into());
        assert!(matches!(
            of(io::ErrorKind::NetworkUnreachable),
            Some(ConnectError::NoRoute { .. })
        ));
        assert!(matches!(of(io::ErrorKind::ConnectionRefused), Some(ConnectError::Refused { .. })));
        assert!(of(io::ErrorKind::OutOfMemory).is_none());
    }
}
