//! A large message does not cost its size in memory.

use crate::country::{Country, SYSTEMS, id};
use crate::edxml::document;

const MIB: u64 = 1 << 20;

/// Sends a document of so many bytes from one node to the other and fetches it; how much more memory each
/// took for it at most.
async fn growth(pdf_bytes: usize) -> [u64; 2] {
    let country = Country::running(2).await;
    let (from, to) = (SYSTEMS[1], SYSTEMS[0]);
    let mut sender = country.client(1);
    // Each does what it does once, so that what follows is the size alone.
    let small = document(60, from, &[to], &vec![b'%'; 300_000]);
    assert_eq!(sender.send("edoc", from, &small).await.code(), "0");
    let first = country.waiting(0, "edoc", 1).await;
    let mut client = country.client(0);
    client.set("docId", &id(&first[0]));
    client.call("getEdoc", Some(b"{}")).await;
    let before = [0, 1].map(|tier: usize| country.nodes[tier].peak_memory_bytes());

    let large = document(61, from, &[to], &vec![b'%'; pdf_bytes]);
    assert_eq!(sender.send("edoc", from, &large).await.code(), "0");
    let longest = std::time::Duration::from_secs(600);
    let items = country.waiting_within(longest, 0, "edoc", 2).await;
    client.set("docId", &id(&items[1]));
    assert!(client.call("downloadEdoc", None).await.body == large);
    assert!(client.call("getEdoc", Some(b"{}")).await.body.len() > large.len());
    [0, 1].map(|tier: usize| country.nodes[tier].peak_memory_bytes() - before[tier])
}

#[tokio::test]
async fn a_message_of_48_mb_costs_a_fraction_of_it() {
    let growth = growth(36 << 20).await;
    assert!(growth.iter().all(|g| *g < 24 * MIB), "{growth:?} bytes");
}

#[tokio::test]
#[ignore = "long: a message of 200 MB, some minutes without optimisation"]
#[allow(clippy::print_stdout, reason = "a long run tells what it measured")]
async fn long_a_message_of_200_mb_costs_a_fraction_of_it() {
    let begun = std::time::Instant::now();
    let growth = growth(150 << 20).await;
    let took_s = begun.elapsed().as_secs();
    println!(
        "a file of 210 MB: {took_s} s, memory beyond what a small one takes: {growth:?} bytes"
    );
    assert!(growth.iter().all(|g| *g < 40 * MIB), "{growth:?} bytes");
}
