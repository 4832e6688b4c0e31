//! The network itself: what it is told to do to datagrams, it does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tram_sim::packet::Socket;
use tram_sim::packet::fabric::Fabric;
use tram_sim::packet::in_simulated_time;
use tram_sim::packet::weather::Weather;
use tram_transport::Datagrams;

fn addr(n: u8) -> SocketAddr {
    ([10, 0, 0, n], 4433).into()
}

async fn receive(socket: &Arc<Socket>) -> (SocketAddr, Vec<u8>) {
    let mut buffer = [0; 9000];
    let got = std::future::poll_fn(|cx| socket.poll_receive(cx, &mut buffer)).await;
    let (from, len_bytes) = got.expect("the network has no errors");
    (from, buffer[..len_bytes].to_vec())
}

/// Everything that comes within a second.
async fn all(socket: &Arc<Socket>) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let Ok((_, payload)) = timeout(Duration::from_secs(1), receive(socket)).await {
        all.push(payload);
    }
    all
}

fn through(weather: Weather, payloads: usize) -> (Vec<Vec<u8>>, Fabric) {
    in_simulated_time(async {
        let fabric = Fabric::new(9);
        let (a, b) = (fabric.bind(addr(1)), fabric.bind(addr(2)));
        fabric.set(addr(1), addr(2), weather);
        (0..payloads).for_each(|n| a.send(addr(2), &(n as u32).to_be_bytes()));
        (all(&b).await, fabric)
    })
}

#[test]
fn a_calm_network_delivers_in_order_after_its_delay() {
    in_simulated_time(async {
        let fabric = Fabric::new(1);
        let (a, b) = (fabric.bind(addr(1)), fabric.bind(addr(2)));
        let calm = Weather { delay_ms_min: 30, delay_ms_max: 30, ..Weather::calm() };
        fabric.set(addr(1), addr(2), calm);
        let begun = Instant::now();
        a.send(addr(2), b"one");
        a.send(addr(2), b"two");
        assert_eq!(receive(&b).await, (addr(1), b"one".to_vec()));
        assert_eq!(receive(&b).await, (addr(1), b"two".to_vec()));
        assert_eq!(begun.elapsed().as_millis(), 30);
        assert_eq!(fabric.traffic().packets, 2);
    });
}

#[test]
fn loss_duplicates_damage_and_order_follow_the_weather() {
    let (got, fabric) = through(Weather { loss_ppm: 250_000, ..Weather::calm() }, 1000);
    assert!((650..850).contains(&got.len()), "{}", got.len());
    assert_eq!(fabric.traffic().dropped as usize, 1000 - got.len());
    let (got, fabric) = through(Weather { duplicate_ppm: 200_000, ..Weather::calm() }, 1000);
    assert!((1100..1300).contains(&got.len()), "{}", got.len());
    assert_eq!(fabric.traffic().duplicated as usize, got.len() - 1000);
    let (got, fabric) = through(Weather { corrupt_ppm: 100_000, ..Weather::calm() }, 1000);
    let sent: Vec<Vec<u8>> = (0..1000u32).map(|n| n.to_be_bytes().to_vec()).collect();
    let damaged = got.iter().zip(&sent).filter(|(g, s)| g != s).count();
    assert_eq!((got.len(), damaged as u64), (1000, fabric.traffic().damaged));
    assert!((50..150).contains(&damaged), "{damaged}");
    let (got, fabric) = through(Weather { delay_ms_max: 50, ..Weather::calm() }, 1000);
    assert!(fabric.traffic().overtaken > 100 && got != sent);
    let sorted = {
        let mut s = got;
        s.sort();
        s
    };
    assert_eq!(sorted, sent);
}

#[test]
fn cuts_holes_and_slow_links_drop_or_delay() {
    assert!(through(Weather::cut(), 10).0.is_empty());
    let (got, fabric) = through(Weather { mtu_bytes: 3, ..Weather::calm() }, 10);
    assert_eq!((got.len(), fabric.traffic().too_long), (0, 10));
    // 4 octets each at 40 octets a second: ten a second, and the queue takes 400 ms of them.
    let slow = Weather { rate_bytes_per_s: Some(40), ..Weather::calm() };
    let (got, fabric) = through(slow, 100);
    assert_eq!((got.len(), fabric.traffic().dropped), (4, 96));
}

#[test]
fn an_unplugged_host_is_silent_and_its_successor_hears_what_is_still_under_way() {
    in_simulated_time(async {
        let fabric = Fabric::new(1);
        let (a, b) = (fabric.bind(addr(1)), fabric.bind(addr(2)));
        let calm = Weather { delay_ms_min: 100, delay_ms_max: 100, ..Weather::calm() };
        fabric.set(addr(1), addr(2), calm);
        a.send(addr(2), b"early");
        tokio::time::sleep(Duration::from_millis(60)).await;
        a.send(addr(2), b"late");
        fabric.unplug(addr(2));
        b.send(addr(1), b"goodbye");
        tokio::time::sleep(Duration::from_millis(60)).await;
        let again = fabric.bind(addr(2));
        assert_eq!(all(&again).await, [b"late".to_vec()]);
        assert!(all(&b).await.is_empty() && all(&a).await.is_empty());
    });
}

#[test]
fn the_trace_is_the_same_for_the_same_seed() {
    let of = |seed| {
        in_simulated_time(async {
            let fabric = Fabric::new(seed);
            let (a, _b) = (fabric.bind(addr(1)), fabric.bind(addr(2)));
            fabric.set(addr(1), addr(2), Weather::rough());
            (0..50u8).for_each(|n| a.send(addr(2), &[n]));
            fabric.trace_hash()
        })
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}
