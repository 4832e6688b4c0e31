//! How sessions end.

mod support;

use std::time::{Duration, Instant};

use support::{Pair, SNI, Wire, name, soon};
use tram_transport::{CloseReason, StreamError, TransportLimits, close_code};

fn short() -> TransportLimits {
    TransportLimits { idle_timeout_ms: 600, keep_alive_ms: 100, ..Default::default() }
}

#[tokio::test]
async fn a_peer_that_vanishes_is_noticed_within_the_idle_timeout() {
    let pair = Pair::new(short());
    let wire = Wire::to(pair.b.local_addr().unwrap()).await;
    let (mut a, b) = pair.open_through(wire.addr).await;
    // Keep-alive holds a quiet session open much longer than the idle timeout.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(a.session.close_reason(), None);

    wire.cut();
    let cut = Instant::now();
    let (reason_a, reason_b, frame) = soon(async {
        tokio::join!(a.session.closed(), b.session.closed(), a.control.recv.recv(10))
    })
    .await;
    assert_eq!((reason_a, reason_b), (CloseReason::TimedOut, CloseReason::TimedOut));
    assert_eq!(frame.unwrap_err(), StreamError::SessionClosed(CloseReason::TimedOut));
    let took = cut.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn code_and_reason_of_a_close_reach_the_peer() {
    let pair = Pair::new(TransportLimits::default());
    let (a, b) = pair.open().await;
    a.session.close(0x123, "no longer adjacent\n");
    a.session.close(0x124, "a second reason");
    let reason = "no longer adjacent\n".to_owned();
    assert_eq!(soon(a.session.closed()).await, CloseReason::Local { code: 0x123, reason });
    let reason = "no longer adjacent\u{fffd}".to_owned();
    assert_eq!(soon(b.session.closed()).await, CloseReason::Peer { code: 0x123, reason });
    assert!(b.session.open_transfer(0).await.is_err());
    assert!(b.session.accept_transfer().await.is_err());
}

#[tokio::test]
async fn an_endpoint_that_closes_tells_every_peer() {
    let pair = Pair::new(TransportLimits::default());
    let (a, b) = pair.open().await;
    pair.b.close("maintenance").await;
    let told = CloseReason::Peer { code: close_code::SHUTDOWN, reason: "maintenance".to_owned() };
    assert_eq!(soon(a.session.closed()).await, told);
    let own = CloseReason::Local { code: close_code::SHUTDOWN, reason: "maintenance".to_owned() };
    assert_eq!(soon(b.session.closed()).await, own);
    assert!(pair.b.accept().await.is_none());
}

#[tokio::test]
async fn dropping_the_endpoint_closes_it() {
    let Pair { a, b } = Pair::new(TransportLimits { handshake_timeout_ms: 500, ..short() });
    let addr = b.local_addr().unwrap();
    let (dialled, accepted) = Pair { a: a.clone(), b }.open().await;
    let reason = soon(dialled.session.closed()).await;
    assert!(matches!(reason, CloseReason::Peer { code: close_code::SHUTDOWN, .. }), "{reason}");
    drop(accepted);
    assert!(a.connect(addr, SNI, &name("b")).await.is_err());
}

#[tokio::test]
async fn a_session_lives_as_long_as_its_streams_and_no_longer() {
    let pair = Pair::new(TransportLimits::default());
    let (a, b) = pair.open().await;
    let (mut send, _recv) = a.session.open_transfer(0).await.unwrap();
    drop(a);
    send.send(b"still here").await.unwrap();
    let (_send, mut recv) = b.session.accept_transfer().await.unwrap();
    assert_eq!(recv.recv(100).await.unwrap().unwrap(), "still here");
    drop((send, _recv));
    let reason = soon(b.session.closed()).await;
    assert!(matches!(reason, CloseReason::Peer { code: close_code::CLOSED, .. }), "{reason}");
}

#[tokio::test]
async fn a_session_ends_at_its_greatest_age() {
    let pair = Pair::with(
        TransportLimits::default(),
        TransportLimits { session_age_max_ms: 200, ..Default::default() },
    );
    let (a, b) = pair.open().await;
    assert!(b.session.expires_in() <= Duration::from_millis(200));
    let reason = soon(a.session.closed()).await;
    assert!(matches!(reason, CloseReason::Peer { code: close_code::SESSION_AGE, .. }), "{reason}");
    assert!(b.session.age() >= Duration::from_millis(200));
}

#[tokio::test]
async fn windows_follow_the_number_of_sessions() {
    let limits = TransportLimits {
        window_total_bytes: 16 << 20,
        stream_window_bytes: 1 << 20,
        window_min_bytes: 4 << 20,
        window_max_bytes: 8 << 20,
        ..Default::default()
    };
    let pair = Pair::with(TransportLimits::default(), limits);
    let (_a1, b1) = pair.open().await;
    assert_eq!(b1.session.bulk_streams_max(), 6);
    let (_a2, b2) = pair.open().await;
    assert_eq!(b1.session.bulk_streams_max(), 3);
    assert_eq!(b2.session.bulk_streams_max(), 3);
}

/// Dials and gives up before the first packet is sent: that packet then is a close.
async fn give_up_at_once(pair: &Pair, listener: std::net::SocketAddr) {
    let peer = name("b");
    let mut dial = std::pin::pin!(pair.a.connect(listener, SNI, &peer));
    std::future::poll_fn(|cx| {
        assert!(dial.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_dials_given_up_at_once_leaves_few_connections_and_the_door_open() {
    let limits = TransportLimits {
        handshakes_max: 12,
        retry_above_handshakes: 6,
        handshakes_per_address_max: 10,
        idle_timeout_ms: 2_500,
        keep_alive_ms: 1_000,
        ..Default::default()
    };
    let pair = Pair::new(limits);
    let listener = pair.b.local_addr().unwrap();
    for _ in 0..200 {
        give_up_at_once(&pair, listener).await;
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let after = pair.b.stats();
    assert!((1..=12).contains(&after.connections), "{after:?}");
    // Whoever proves its address gets in.
    let (dialled, _accepted) = soon(pair.open()).await;
    assert_eq!(pair.b.stats().sessions, 1);
    // And nothing stays.
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    assert_eq!(dialled.session.close_reason(), None);
    let at_last = pair.b.stats();
    assert_eq!((at_last.sessions, at_last.connections), (1, 1));
}
