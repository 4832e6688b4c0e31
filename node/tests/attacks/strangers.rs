//! Who has no certificate: datagrams.

use std::net::UdpSocket;
use std::time::Duration;

use tram_transport::fixtures::{Datagram, Grant, HandClient};

use crate::support::Dice;
use crate::target::{Target, Watch, local};

/// Hosts that the datagrams come from.
const HOSTS: u16 = 64;
/// Datagrams a second, of all threads together with one thread each.
const FLOOD_PER_S: u64 = 20_000;

fn sockets(target: &Target, nth: usize) -> Vec<UdpSocket> {
    let first = 1 + HOSTS * nth as u16;
    let host = |n| {
        let socket = local(first + n);
        socket.connect(target.address).expect("an address");
        socket.set_nonblocking(true).expect("a socket");
        socket
    };
    (0..HOSTS).map(host).collect()
}

fn flood(target: &Target, watch: &Watch, nth: usize, made: &[Vec<u8>]) {
    let sockets = sockets(target, nth);
    watch.at_rate(FLOOD_PER_S, |n| {
        let n = n as usize;
        // What does not fit is lost, as on any network.
        let _ = sockets[n % sockets.len()].send(&made[n % made.len()]);
        true
    });
}

/// Sound first packets, each of another connection, from many hosts.
pub(crate) fn first_packets(target: &Target, watch: &Watch, nth: usize) {
    let first = |n: u64| {
        let mut client = client(target, local(0), None, n + ((nth as u64) << 32));
        client.first_flight().into_iter().map(|Datagram(bytes)| bytes).next().expect("one")
    };
    let made: Vec<Vec<u8>> = (0..2_000).map(first).collect();
    flood(target, watch, nth, &made);
}

fn client(
    target: &Target,
    socket: UdpSocket,
    of: Option<&tram_transport::Identity>,
    n: u64,
) -> HandClient {
    HandClient::new(socket, target.address, &target.server_name, of, Grant::default(), n)
        .expect("a client")
}

/// Bytes by chance: behind short headers, long ones, and none.
pub(crate) fn garbage(target: &Target, watch: &Watch, nth: usize) {
    let mut dice = Dice::new(7 + nth as u64);
    let mut made = Vec::new();
    for n in 0..2_000u64 {
        let length = dice.between(1, 1_400) as usize;
        let mut bytes: Vec<u8> = (0..length).map(|_| dice.below(256) as u8).collect();
        match n % 3 {
            0 => bytes[0] = 0x40 | bytes[0] & 0x3f,
            1 if length > 5 => {
                bytes[0] |= 0xc0;
                bytes[1..5].copy_from_slice(&1u32.to_be_bytes());
            }
            _ => {}
        }
        made.push(bytes);
    }
    flood(target, watch, nth, &made);
}

/// First packets of a version that nobody speaks: each is to be answered with a list of versions.
pub(crate) fn versions(target: &Target, watch: &Watch, nth: usize) {
    let made: Vec<Vec<u8>> = (0..500u32)
        .map(|n| {
            let mut bytes = vec![0; 1_200];
            bytes[0] = 0xc0;
            bytes[1..5].copy_from_slice(&(0x1a2a_3a4a ^ n << 8).to_be_bytes());
            bytes[5] = 8;
            bytes[6..10].copy_from_slice(&n.to_be_bytes());
            bytes[14] = 8;
            bytes
        })
        .collect();
    flood(target, watch, nth, &made);
}

/// Handshakes that prove an address where asked to, and stop there; from many hosts.
pub(crate) fn half_open(target: &Target, watch: &Watch, nth: usize) {
    watch.at_rate(300, |n| {
        let host = 1 + (n % 512) as u16;
        let mut client = client(target, local(host), None, n + ((1 + nth as u64) << 40));
        for packet in client.first_flight() {
            let _ = client.send_packet(&packet);
        }
        // Only a Retry is answered: what the hello brings is never read.
        client.retries_only = true;
        let _ = client.take(Duration::from_millis(3));
        true
    });
}

/// Whole handshakes with a certificate that is no node's.
pub(crate) fn unknown_certificates(target: &Target, watch: &Watch, nth: usize) {
    watch.at_rate(100, |n| {
        let of = Some(&target.stranger);
        let mut client =
            client(target, local(1 + (n % 16) as u16), of, n + ((2 + nth as u64) << 40));
        // It is closed before it is done.
        let _ = client.open(Duration::from_millis(300));
        true
    });
}
