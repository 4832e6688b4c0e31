//! Frames and raw ranges between two endpoints, and what a hostile sender gets.

mod support;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use support::{Pair, soon};
use tokio::sync::Semaphore;
use tram_transport::{FrameReceiver, FrameSender, Session, StreamError, TransportLimits, outbox};

/// A transfer from `from` to `to` whose first frame is "first", already taken.
async fn transfer(from: &Session, to: &Session) -> (FrameSender, FrameReceiver) {
    let (mut send, _) = from.open_transfer(0).await.unwrap();
    send.send(b"first").await.unwrap();
    let (_, mut recv) = to.accept_transfer().await.unwrap();
    assert_eq!(recv.recv(5).await.unwrap().unwrap(), "first");
    (send, recv)
}

#[tokio::test]
async fn frames_go_both_ways_and_end_cleanly() {
    let pair = Pair::new(TransportLimits::default());
    let (a, b) = pair.open().await;
    for (from, to) in [(&a.session, &b.session), (&b.session, &a.session)] {
        let (mut send, mut recv) = from.open_transfer(7).await.unwrap();
        let sizes = [0usize, 1, 3, 1000, 65_536, 70_000, 1 << 20];
        let work = async {
            for size in sizes {
                send.send_bytes(Bytes::from(vec![size as u8; size])).await.unwrap();
            }
            send.finish().unwrap();
            send.delivered().await.unwrap();
            assert_eq!(recv.recv(10).await.unwrap().unwrap(), "answer");
            assert_eq!(recv.recv(10).await.unwrap(), None);
        };
        let peer = async {
            let (mut send, mut recv) = to.accept_transfer().await.unwrap();
            for size in sizes {
                let frame = recv.recv(1 << 20).await.unwrap().unwrap();
                assert_eq!(frame, vec![size as u8; size]);
            }
            assert_eq!(recv.recv(10).await.unwrap(), None);
            send.send(b"answer").await.unwrap();
        };
        tokio::join!(work, peer);
    }
}

#[tokio::test]
async fn an_outbox_sends_in_order_and_frees_places_as_it_goes() {
    let pair = Pair::new(TransportLimits::default());
    let (a, mut b) = pair.open().await;
    let (out, writer) = outbox();
    let places = Arc::new(Semaphore::new(3));
    for n in 0..3u8 {
        let place = places.clone().try_acquire_owned().unwrap();
        out.put(vec![n; 10], Some(place));
    }
    assert_eq!(places.available_permits(), 0);
    let written = tokio::spawn(writer.write(a.control.send));
    for n in 0..3u8 {
        assert_eq!(soon(b.control.recv.recv(10)).await.unwrap().unwrap(), vec![n; 10]);
    }
    let _all = soon(places.acquire_many(3)).await.unwrap();
    // It lasts as long as somebody may put something in.
    let another = out.clone();
    drop(out);
    another.put(b"last".to_vec(), None);
    assert_eq!(soon(b.control.recv.recv(10)).await.unwrap().unwrap(), "last");
    assert!(!written.is_finished());
    drop(another);
    assert_eq!(soon(b.control.recv.recv(10)).await.unwrap(), None);
    assert_eq!(soon(written).await.unwrap(), Ok(()));
}

#[tokio::test]
async fn an_outbox_without_its_writer_frees_the_place() {
    let (out, writer) = outbox();
    drop(writer);
    let places = Arc::new(Semaphore::new(1));
    out.put(Vec::new(), Some(places.clone().try_acquire_owned().unwrap()));
    assert_eq!(places.available_permits(), 1);
}

#[tokio::test]
async fn a_frame_too_long_is_refused_on_both_sides() {
    let limits = TransportLimits { frame_bytes_max: 1000, ..Default::default() };
    let pair = Pair::new(limits);
    let (a, b) = pair.open().await;

    let (mut send, mut recv) = transfer(&a.session, &b.session).await;
    let refused = send.send(&[0; 1001]).await.unwrap_err();
    assert_eq!(refused, StreamError::TooLarge { declared_bytes: 1001, max_bytes: 1000 });
    send.send(&[0; 1000]).await.unwrap();
    // The caller's limit, where it is lower.
    let refused = recv.recv(999).await.unwrap_err();
    assert_eq!(refused, StreamError::TooLarge { declared_bytes: 1000, max_bytes: 999 });
    assert_eq!(recv.recv(1000).await.unwrap_err(), StreamError::Unusable);

    // A hostile length, by way of a raw range; the endpoint's limit, where the caller's is higher.
    let (mut send, mut recv) = transfer(&a.session, &b.session).await;
    send.begin_raw(4).unwrap();
    send.send_raw(Bytes::from_static(&[0xff; 4])).await.unwrap();
    let refused = recv.recv(usize::MAX).await.unwrap_err();
    assert_eq!(refused, StreamError::TooLarge { declared_bytes: 0xffff_ffff, max_bytes: 1000 });
    // The sender hears of it.
    let stopped = send.delivered().await.unwrap_err();
    assert!(matches!(stopped, StreamError::Stopped { .. }), "{stopped}");
}

#[tokio::test]
async fn two_hundred_transfers_at_once() {
    let pair = Pair::new(TransportLimits::default());
    let (a, b) = pair.open().await;
    let serve = async {
        let mut tasks = Vec::new();
        for _ in 0..200 {
            let (mut send, mut recv) = b.session.accept_transfer().await.unwrap();
            tasks.push(tokio::spawn(async move {
                let frame = recv.recv(100_000).await.unwrap().unwrap();
                send.send_bytes(frame).await.unwrap();
                send.finish().unwrap();
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    };
    // All are open before the first is read.
    let ask = async {
        let mut open = Vec::new();
        for n in 0..200u32 {
            let (mut send, recv) = a.session.open_transfer(0).await.unwrap();
            let body = vec![n as u8; 100 + n as usize * 50];
            send.send(&body).await.unwrap();
            send.finish().unwrap();
            open.push((recv, body));
        }
        for (mut recv, body) in open {
            assert_eq!(recv.recv(100_000).await.unwrap().unwrap(), body);
        }
    };
    soon(async { tokio::join!(serve, ask) }).await;
}

#[tokio::test]
async fn a_slow_drip_of_a_frame_times_out() {
    let limits = TransportLimits { frame_timeout_ms: 300, ..Default::default() };
    let pair = Pair::new(limits);
    let (a, b) = pair.open().await;
    let (mut send, mut recv) = transfer(&a.session, &b.session).await;
    // A pause between frames is no fault.
    let idle = recv.recv_within(100, 400).await;
    assert_eq!(idle.unwrap_err(), StreamError::Silent { after_ms: 400 });
    let drip = async {
        send.begin_raw(104).unwrap();
        send.send_raw(Bytes::from_static(&[0, 0, 0, 100])).await.unwrap();
        for _ in 0..100 {
            if send.send_raw(Bytes::from_static(b"x")).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the drip was taken to its end");
    };
    let (stalled, ()) = soon(async { tokio::join!(recv.recv(100), drip) }).await;
    assert_eq!(stalled.unwrap_err(), StreamError::Stalled { after_ms: 300 });
}

#[tokio::test]
async fn a_slow_drip_of_a_raw_range_times_out() {
    let limits = TransportLimits { frame_timeout_ms: 300, ..Default::default() };
    let pair = Pair::new(limits);
    let (a, b) = pair.open().await;
    let (mut send, mut recv) = transfer(&a.session, &b.session).await;
    send.begin_raw(1 << 20).unwrap();
    recv.begin_raw(1 << 20).unwrap();
    let drip = async {
        while send.send_raw(Bytes::from_static(b"x")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let read = async {
        loop {
            if let Err(error) = recv.recv_raw(1000).await {
                return error;
            }
        }
    };
    let (stalled, ()) = soon(async { tokio::join!(read, drip) }).await;
    assert_eq!(stalled, StreamError::Stalled { after_ms: 300 });
}

#[tokio::test]
async fn a_reader_that_never_reads_stalls_only_its_own_stream() {
    let limits = TransportLimits { send_stall_timeout_ms: 300, ..Default::default() };
    let pair = Pair::new(limits);
    let (a, b) = pair.open().await;
    let (mut send, _unread) = transfer(&a.session, &b.session).await;
    send.begin_raw(64 << 20).unwrap();
    let mut sent = 0;
    let stalled = loop {
        match send.send_raw(Bytes::from(vec![0; 64 << 10])).await {
            Ok(()) => sent += 64 << 10,
            Err(error) => break error,
        }
    };
    assert_eq!(stalled, StreamError::Stalled { after_ms: 300 });
    assert!(sent <= 2 << 20, "{sent} octets were taken ahead of the reader");
    let (_send, _recv) = transfer(&a.session, &b.session).await;
}

#[tokio::test]
async fn a_receive_that_was_dropped_loses_nothing() {
    let pair = Pair::new(TransportLimits::default());
    let (a, b) = pair.open().await;
    let (mut send, mut recv) = transfer(&a.session, &b.session).await;
    send.begin_raw(9).unwrap();
    for part in [&b"\0\0"[..], b"\0\x05he", b"l"] {
        send.send_raw(Bytes::copy_from_slice(part)).await.unwrap();
        let dropped = tokio::time::timeout(Duration::from_millis(30), recv.recv(100)).await;
        assert!(dropped.is_err());
    }
    send.send_raw(Bytes::from_static(b"lo")).await.unwrap();
    assert_eq!(recv.recv(100).await.unwrap().unwrap(), "hello");
}

#[tokio::test]
async fn a_part_is_never_taken_for_the_whole() {
    let pair = Pair::new(TransportLimits::default());
    let (a, b) = pair.open().await;

    // Given up by dropping the sender.
    let (mut send, mut recv) = transfer(&a.session, &b.session).await;
    send.begin_raw(10).unwrap();
    send.send_raw(Bytes::from_static(b"12345")).await.unwrap();
    assert_eq!(send.finish().unwrap_err(), StreamError::RawPending { left_bytes: 5 });
    drop(send);
    recv.begin_raw(10).unwrap();
    let error = loop {
        match recv.recv_raw(100).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("complete"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StreamError::Reset { .. }), "{error}");

    // Fewer octets than the frame announced, then a clean end.
    let (mut send, mut recv) = transfer(&a.session, &b.session).await;
    send.begin_raw(5).unwrap();
    send.send_raw(Bytes::from_static(&[0, 0, 0, 9, 1])).await.unwrap();
    send.finish().unwrap();
    assert_eq!(recv.recv(100).await.unwrap_err(), StreamError::Truncated);

    // Reset with a code.
    let (mut send, mut recv) = transfer(&a.session, &b.session).await;
    send.reset(77);
    assert_eq!(recv.recv(100).await.unwrap_err(), StreamError::Reset { code: 77 });

    // Stopped with a code.
    let (mut send, mut recv) = transfer(&a.session, &b.session).await;
    recv.stop(78);
    assert_eq!(send.delivered().await.unwrap_err(), StreamError::Stopped { code: 78 });
}

#[tokio::test]
async fn raw_ranges_are_counted_on_both_sides() {
    let pair = Pair::new(TransportLimits::default());
    let (a, b) = pair.open().await;
    let (mut send, mut recv) = transfer(&a.session, &b.session).await;
    send.begin_raw(6).unwrap();
    let over = send.send_raw(Bytes::from_static(b"1234567")).await.unwrap_err();
    assert_eq!(over, StreamError::RawOverrun { excess_bytes: 1 });
    assert_eq!(send.send(b"x").await.unwrap_err(), StreamError::RawPending { left_bytes: 6 });
    send.send_raw(Bytes::from_static(b"123456")).await.unwrap();
    send.send(b"behind").await.unwrap();

    recv.begin_raw(6).unwrap();
    assert_eq!(recv.recv(100).await.unwrap_err(), StreamError::RawPending { left_bytes: 6 });
    let mut got = Vec::new();
    while let Some(chunk) = recv.recv_raw(4).await.unwrap() {
        assert!(chunk.len() <= 4);
        got.extend_from_slice(&chunk);
    }
    assert_eq!(got, b"123456");
    assert_eq!(recv.recv(100).await.unwrap().unwrap(), "behind");
}
