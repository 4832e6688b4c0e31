//! What is urgent overtakes, on the wire too, what was begun before it.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use support::Pair;
use tram_transport::{Session, TransportLimits};

const BULK_STREAMS: u64 = 6;
const BULK_BYTES: u64 = 4 << 20;
const URGENT_BYTES: u64 = 64 << 10;
const CHUNK_BYTES: usize = 64 << 10;

async fn give(session: Session, priority: i32, bytes: u64) {
    let (mut send, _recv) = session.open_transfer(priority).await.unwrap();
    send.send(&bytes.to_be_bytes()).await.unwrap();
    send.begin_raw(bytes).unwrap();
    for _ in 0..bytes / CHUNK_BYTES as u64 {
        send.send_raw(Bytes::from(vec![priority as u8; CHUNK_BYTES])).await.unwrap();
    }
    send.finish().unwrap();
    send.delivered().await.unwrap();
}

/// How much of the bulk had come when the urgent transfer was whole.
async fn bulk_before_urgent(urgency: i32) -> u64 {
    let pair = Pair::new(TransportLimits::default());
    let (a, b) = pair.open().await;
    let (came, seen) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(u64::MAX)));
    let mut bulk: Vec<_> = Vec::new();
    for _ in 0..BULK_STREAMS {
        bulk.push(tokio::spawn(give(a.session.clone(), 0, BULK_BYTES)));
    }
    let mut taking = Vec::new();
    let mut urgent = None;
    for n in 0..=BULK_STREAMS {
        let (_send, mut recv) = b.session.accept_transfer().await.unwrap();
        let (came, seen) = (came.clone(), seen.clone());
        if n == BULK_STREAMS - 1 {
            // Every bulk transfer is under way by now.
            urgent = Some(tokio::spawn(give(a.session.clone(), urgency, URGENT_BYTES)));
        }
        taking.push(tokio::spawn(async move {
            let announced = recv.recv(8).await.unwrap().unwrap();
            let announced = u64::from_be_bytes(announced[..].try_into().unwrap());
            recv.begin_raw(announced).unwrap();
            while let Some(chunk) = recv.recv_raw(CHUNK_BYTES).await.unwrap() {
                if announced == BULK_BYTES {
                    came.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                }
                // The link is slow enough for an order to show.
                tokio::time::sleep(std::time::Duration::from_micros(200)).await;
            }
            if announced == URGENT_BYTES {
                seen.store(came.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }));
    }
    for task in bulk.into_iter().chain(urgent).chain(taking) {
        task.await.unwrap();
    }
    seen.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_stream_has_the_priority_that_it_was_opened_with() {
    let pair = Pair::new(TransportLimits::default());
    let (a, b) = pair.open().await;
    for session in [&a.session, &b.session] {
        for priority in [0, 3, -1] {
            let (send, _recv) = session.open_transfer(priority).await.unwrap();
            assert_eq!(send.priority(), Some(priority));
        }
    }
}

#[tokio::test]
#[ignore = "long: one run on loopback says little; many are compared"]
async fn long_an_urgent_transfer_overtakes_bulk_that_was_begun_before_it() {
    let (mut flash, mut normal) = (0, 0);
    for _ in 0..20 {
        flash += bulk_before_urgent(3).await;
        normal += bulk_before_urgent(0).await;
    }
    assert!(flash < normal, "{flash} bytes before it, and {normal} before what was not urgent");
}
