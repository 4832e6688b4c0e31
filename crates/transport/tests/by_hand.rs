//! Frames that no library sends: a client by hand against an endpoint that goes on serving others.

mod support;

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use support::{Failures, Pair, Pinned, SNI, ed25519, endpoint, loopback, name, p256, soon};
use tram_transport::fixtures::{Grant, HandClient, frames};
use tram_transport::{CloseReason, Endpoint, Identity, Opened, TransportLimits};

const SHORT: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(5);

/// An endpoint that knows two peers, and the identity of the hostile one.
struct Place {
    victim: Endpoint,
    address: SocketAddr,
    hostile: Identity,
    honest: Endpoint,
}

fn place(limits: TransportLimits) -> Place {
    let (own, hostile, honest) = (p256(), ed25519(), ed25519());
    let check = Pinned::default().know(&hostile, "hostile").know(&honest, "honest");
    let victim = endpoint(&own, check, limits);
    let honest = endpoint(&honest, Pinned::default().know(&own, "v"), TransportLimits::default());
    let address = victim.local_addr().unwrap();
    Place { victim, address, hostile, honest }
}

fn socket() -> UdpSocket {
    UdpSocket::bind(loopback()).unwrap()
}

impl Place {
    /// A hostile session: the client by hand, and what the endpoint holds of it.
    async fn session(&self, number: u64) -> (HandClient, Opened) {
        let (address, hostile) = (self.address, self.hostile.clone());
        let dialling = tokio::task::spawn_blocking(move || {
            let mut client =
                HandClient::new(socket(), address, SNI, Some(&hostile), Grant::default(), number)
                    .unwrap();
            client.open(PATIENCE).unwrap();
            // The opening frame, and its answer.
            client.send(&frames::stream(0, 0, &[0; 4], false)).unwrap();
            while client.stream(0).len() < 4 {
                client.take(PATIENCE).unwrap().expect("an answer");
            }
            client
        });
        let (client, opened) = tokio::join!(dialling, self.victim.accept());
        (client.unwrap(), opened.unwrap())
    }

    /// Somebody honest gets a session and a frame through.
    async fn honest_is_served(&self) {
        let victim = name("v");
        let dialled = self.honest.connect(self.address, SNI, &victim);
        let (dialled, accepted) = soon(async { tokio::join!(dialled, self.victim.accept()) }).await;
        let (dialled, accepted) = (dialled.unwrap(), accepted.unwrap());
        let (mut send, _recv) = dialled.session.open_transfer(0).await.unwrap();
        send.send(b"here").await.unwrap();
        let (_send, mut recv) = soon(accepted.session.accept_transfer()).await.unwrap();
        assert_eq!(soon(recv.recv(10)).await.unwrap().unwrap(), "here");
    }
}

/// Runs something hostile on a thread of its own until it is done.
async fn hostile<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::time::timeout(Duration::from_secs(60), tokio::task::spawn_blocking(work))
        .await
        .expect("it ends")
        .unwrap()
}

/// Sends until the other side closes; its code, and what was sent.
fn until_closed(
    client: &mut HandClient,
    most: u64,
    mut frames: impl FnMut(u64) -> Vec<u8>,
) -> (Option<(u64, bool)>, u64) {
    for n in 0..most {
        client.send(&frames(n)).unwrap();
        if n % 16 == 15 {
            while client.take(Duration::from_millis(1)).unwrap().is_some() {}
        }
        if client.closed().is_some() {
            return (client.closed(), n + 1);
        }
    }
    while client.closed().is_none() && client.take(SHORT).unwrap().is_some() {}
    (client.closed(), most)
}

#[tokio::test]
async fn a_client_by_hand_opens_a_session_and_one_without_certificate_does_not() {
    let place = place(TransportLimits::default());
    let failures = Failures::of(&place.victim);
    let (client, opened) = place.session(1).await;
    assert_eq!(opened.session.peer(), &name("hostile"));
    drop(client);
    let address = place.address;
    let refused = hostile(move || {
        let mut client =
            HandClient::new(socket(), address, SNI, None, Grant::default(), 2).unwrap();
        client.open(PATIENCE).unwrap_err().to_string()
    });
    assert!(refused.await.starts_with("closed with 0x1"), "a TLS alert");
    assert_eq!(failures.first().await.code(), "CERTIFICATE_REQUIRED");
}

#[tokio::test]
async fn gapped_fragments_end_the_connection_and_nobody_elses() {
    let place = place(TransportLimits::default());
    let (mut client, opened) = place.session(1).await;
    let (closed, sent) = hostile(move || {
        // Single octets at odd offsets of one stream, a hundred in each packet.
        until_closed(&mut client, 200, |n| {
            let octet = |i: u64| frames::stream(4, 2 * (100 * n + i) + 1, b"x", false);
            (0..100).flat_map(octet).collect()
        })
    })
    .await;
    assert!(closed.is_some_and(|(_, application)| !application), "{closed:?} after {sent}");
    assert!(100 * sent < 20_000, "{sent} packets of fragments were kept");
    soon(opened.session.closed()).await;
    place.honest_is_served().await;
}

#[tokio::test]
async fn connection_ids_without_end_are_bounded() {
    let place = place(TransportLimits::default());
    let (mut client, opened) = place.session(1).await;
    // Each retires the one before, and no retirement is ever acknowledged.
    let (closed, sent) = hostile(move || {
        client.acknowledges = false;
        let id = |n: u64| frames::new_connection_id(n, n);
        until_closed(&mut client, 5_000, |n| (1..=20).flat_map(|i| id(20 * n + i)).collect())
    })
    .await;
    // To a client that acknowledges nothing, word of the end can stay behind the congestion window: the
    // side that ended it is asked.
    let reason = soon(opened.session.closed()).await;
    let CloseReason::Transport(why) = &reason else { panic!("{reason:?} after {sent}") };
    assert!(why.contains("queued too many retired CIDs"), "{why} after {sent}");
    assert!(closed.is_none_or(|(_, application)| !application), "{closed:?} after {sent}");
    // One that was never issued cannot be retired.
    let (mut client, opened) = place.session(2).await;
    let (closed, _) =
        hostile(move || until_closed(&mut client, 1, |_| frames::retire_connection_id(1 << 20)))
            .await;
    assert_eq!(closed, Some((0x0a, false)), "a protocol violation");
    soon(opened.session.closed()).await;
    place.honest_is_served().await;
}

#[tokio::test]
async fn path_challenges_are_answered_within_bounds_and_nobody_moves() {
    let place = place(TransportLimits::default());
    let (mut client, opened) = place.session(1).await;
    let first = opened.session.remote_addr();
    let before = opened.session.stats().sent_bytes;
    let sent_bytes = hostile(move || {
        let mut sent = 0;
        for n in 0..400 {
            let many: Vec<u8> =
                (0..100).flat_map(|i| frames::path_challenge(n * 100 + i)).collect();
            sent += many.len() as u64;
            client.send(&many).unwrap();
            if n % 20 == 19 {
                // From another port each time, and back.
                let ours = socket();
                client.move_to(ours).unwrap();
            }
            client.take(Duration::from_millis(1)).unwrap();
        }
        sent
    })
    .await;
    let answered = opened.session.stats().sent_bytes - before;
    assert!(answered < sent_bytes, "{answered} octets sent for {sent_bytes}");
    assert_eq!(opened.session.remote_addr(), first, "it moved");
    place.honest_is_served().await;
}

#[tokio::test]
async fn acknowledging_what_was_never_sent_ends_the_connection() {
    let place = place(TransportLimits::default());
    let (mut client, opened) = place.session(1).await;
    let (closed, _) =
        hostile(move || until_closed(&mut client, 50, |n| frames::ack(1_000 + n, 0))).await;
    assert_eq!(closed, Some((0x0a, false)), "a protocol violation");
    soon(opened.session.closed()).await;
    place.honest_is_served().await;
}

#[tokio::test]
async fn acknowledging_what_did_not_arrive_gains_no_more_than_the_windows() {
    let limits = TransportLimits { send_stall_timeout_ms: 1_000, ..TransportLimits::default() };
    let window = u64::from(limits.window_max_bytes);
    let place = place(limits);
    let (mut client, opened) = place.session(1).await;
    // The endpoint writes as much as it can on a stream whose receiver acknowledges ahead.
    let writer = tokio::spawn(async move {
        let (mut send, _recv) = opened.session.open_transfer(0).await.unwrap();
        send.begin_raw(1 << 30).unwrap();
        let piece = bytes::Bytes::from(vec![7; 64 << 10]);
        let mut taken = 0u64;
        while send.send_raw(piece.clone()).await.is_ok() {
            taken += piece.len() as u64;
        }
        (taken, opened.session.close_reason().is_some())
    });
    hostile(move || {
        client.acknowledges = false;
        for _ in 0..400 {
            client.take(Duration::from_millis(2)).unwrap();
            let ahead = client.largest().unwrap_or(0) + 20;
            client.send(&frames::ack(ahead, ahead)).unwrap();
        }
    })
    .await;
    let (taken, closed) = soon(writer).await.unwrap();
    // It allowed one MiB; what was taken besides waits in the window.
    assert!(closed || taken <= window + (2 << 20), "{taken} octets were taken");
    place.honest_is_served().await;
}

#[tokio::test]
async fn streams_reset_as_fast_as_they_open_leave_the_session_and_others_served() {
    let pair = Pair::new(TransportLimits::default());
    let (a, b) = pair.open().await;
    let victim = tokio::spawn(async move {
        let mut taken = 0u32;
        while let Ok((_send, mut recv)) = b.session.accept_transfer().await {
            taken += 1;
            if let Ok(Some(frame)) = recv.recv(100).await {
                assert_eq!(frame, "last");
                return taken;
            }
        }
        taken
    });
    for _ in 0..5_000 {
        let (mut send, _recv) = soon(a.session.open_transfer(0)).await.unwrap();
        send.begin_raw(100).unwrap();
        send.send_raw(bytes::Bytes::from_static(&[0, 0, 1, 0, 5])).await.unwrap();
        send.reset(7);
    }
    let (mut send, _recv) = soon(a.session.open_transfer(0)).await.unwrap();
    send.send(b"last").await.unwrap();
    let taken = soon(victim).await.unwrap();
    assert!(taken >= 1 && a.session.close_reason().is_none(), "{taken} streams");
}
