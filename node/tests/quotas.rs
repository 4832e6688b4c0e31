//! Quotas of real nodes: what one agency or peer may have, and what those over it are told.
#![allow(clippy::print_stdout, reason = "says what was measured")]

mod support;

use std::time::{Duration, Instant};

use support::evidence::{eventually, inbox, progress};
use support::sealing::small_document;
use support::{Network, Node, Plan, agency};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tram_api::model::{Accepted, AgencyQuotaView};
use tram_api::{Client, ClientError};
use tram_crypto::sha256;
use tram_dispatch::{Code, Digest};
use tram_wire::SealedDispatch;

const DOCUMENT: &[u8] = b"Noi dung van ban thu nghiem";

fn sealed(network: &Network, from: usize, to: usize, reference: &str) -> SealedDispatch {
    network.seal(&network.envelope(from, &[to], reference, vec![small_document(DOCUMENT)]))
}

async fn submit(client: &Client, sealed: &SealedDispatch) -> Result<Accepted, ClientError> {
    client.submit(sealed.raw(), &[Some(DOCUMENT.into())]).await
}

/// Seconds after which somebody over a quota may come again.
fn retry_after_s(error: &ClientError) -> u64 {
    let ClientError::Problem(problem) = error else { panic!("{error}") };
    assert_eq!((problem.code.as_str(), problem.status), (Code::Quota.as_str(), 429));
    problem.retry_after_s.expect("a time to try again")
}

/// The answer to a submission as any HTTP client sees it: its head.
async fn head_of_answer(node: &Node, sealed: &SealedDispatch) -> String {
    let mut stream = UnixStream::connect(&node.files.socket).await.expect("a connection");
    let head = format!(
        "POST /v1/dispatches HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/vnd.tram.dispatch+cbor\r\nContent-Length: {}\r\n\r\n",
        sealed.raw().len()
    );
    stream.write_all(head.as_bytes()).await.expect("a request");
    stream.write_all(sealed.raw()).await.expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase()
}

async fn account(client: &Client, of: usize) -> AgencyQuotaView {
    let status = client.status().await.expect("a status");
    let mut agencies = status.limits.agencies.into_iter();
    agencies.find(|a| a.agency.0 == agency(of)).expect("its account")
}

#[tokio::test]
async fn a_mail_bomb_is_told_when_to_come_again_and_slows_nobody_else() {
    const BOMBS: usize = 120;
    const BURST: u64 = 5;
    let mut plan = Plan::tiers(2);
    plan.quotas = vec![("agency_dispatches_per_minute", 60), ("agency_burst", BURST)];
    let (network, nodes) = Network::running(&plan).await;
    let (bomber, other) = (nodes[0].client(), nodes[1].client());
    let before = bomber.status().await.expect("a status").log_size;
    let bombs: Vec<_> = (0..BOMBS).map(|n| sealed(&network, 0, 0, &format!("bom/{n}"))).collect();
    let begun = Instant::now();
    let (mut taken, mut turned_away) = (0, 0u64);
    for (n, bomb) in bombs.iter().enumerate() {
        match submit(&bomber, bomb).await {
            Ok(_) => taken += 1,
            Err(error) => {
                assert!((1..=2).contains(&retry_after_s(&error)));
                turned_away += 1;
            }
        }
        // Somebody else is served in between, by the same node.
        if n % 40 == 0 {
            submit(&other, &sealed(&network, 1, 0, &format!("khac/{n}"))).await.expect("accepted");
        }
    }
    let allowed = BURST + begun.elapsed().as_secs() + 1;
    assert!((BURST..=allowed).contains(&taken), "{taken} taken, {allowed} allowed");
    eventually("the others' dispatches are there", || async {
        progress(&other, &agency(1)).await.is_ok_and(|(all, consigned)| (all, consigned) == (3, 3))
    })
    .await;
    // What was turned away left nothing behind but a count. A consignment and an acceptance each for
    // what was taken; a consignment each for what came from the other node.
    let status = bomber.status().await.expect("a status");
    assert_eq!(status.log_size - before, 2 * taken + 3);
    let of_bomber = account(&bomber, 0).await;
    assert_eq!(of_bomber.turned_away, turned_away);
    assert_eq!(status.limits.open.used, taken + 3);

    // Any HTTP client sees it in the head of the answer, and whoever comes when told is served.
    let mut again = 0;
    let head = loop {
        again += 1;
        let bomb = sealed(&network, 0, 0, &format!("dau/{again}"));
        if submit(&bomber, &bomb).await.is_err() {
            break head_of_answer(&nodes[0], &bombs[BOMBS - 1]).await;
        }
    };
    assert!(head.starts_with("http/1.1 429 "), "{head}");
    assert!(head.contains("\r\nretry-after: 1\r\n"), "{head}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    submit(&bomber, &bombs[BOMBS - 1]).await.expect("accepted when it came as told");
    // The same again is no new work, also for who is over the quota.
    assert!(inbox(&bomber, &agency(0)).await.len() as u64 >= taken + 3);
}

#[tokio::test]
async fn a_peer_over_its_rate_comes_back_when_told_and_everything_arrives() {
    let mut plan = Plan::tiers(2);
    plan.quotas = vec![("peer_offers_per_minute", 120), ("peer_burst", 1)];
    let (network, nodes) = Network::running(&plan).await;
    let (centre, below) = (nodes[0].client(), nodes[1].client());
    let begun = Instant::now();
    for n in 0..5 {
        submit(&centre, &sealed(&network, 0, 1, &format!("{n}"))).await.expect("accepted");
    }
    eventually("all five are there", || async { inbox(&below, &agency(1)).await.len() == 5 }).await;
    // Two a second, and one at once.
    assert!(begun.elapsed() >= Duration::from_millis(1_900), "{:?}", begun.elapsed());
    let peers = below.peers().await.expect("peers").items;
    assert!(peers[0].quota.turned_away > 0, "{:?}", peers[0].quota);
    assert_eq!(peers[0].quota.incoming.used, 0, "what lies in the mailbox is delivered");
    let peers = centre.peers().await.expect("peers").items;
    assert_eq!((peers[0].quota.outgoing.used, peers[0].quota.kept), (5, 5));
}

#[tokio::test]
#[ignore = "long: thousands of submissions"]
async fn long_what_is_held_takes_no_more_memory_than_is_estimated() {
    const FIRST: usize = 1_000;
    let count = support::number("TRAM_LONG_DISPATCHES", 10_000) as usize;
    let mut plan = Plan::tiers(2);
    plan.limits.push(("memory_bytes_max", 64 << 30));
    let (network, mut nodes) = Network::running(&plan).await;
    nodes[1].kill();
    let client = nodes[0].client();
    let (mut memory, mut estimate) = (0, 0);
    for n in 0..FIRST + count {
        if n == FIRST {
            // What a node takes at all, with its buffers filled once.
            memory = nodes[0].peak_memory_bytes();
            estimate = client.status().await.expect("a status").limits.memory_bytes.used;
        }
        submit(&client, &sealed(&network, 0, 1, &format!("{n}"))).await.expect("accepted");
    }
    let grown = nodes[0].peak_memory_bytes() - memory;
    let estimated = client.status().await.expect("a status").limits.memory_bytes.used - estimate;
    let each = |bytes: u64| bytes / count as u64;
    println!("{count} held: {} bytes each, {} estimated", each(grown), each(estimated));
    // Caches that have a limit of their own fill meanwhile.
    assert!(grown <= estimated + (32 << 20), "{grown} bytes of memory, {estimated} estimated");
    assert!(estimated <= 4 * grown, "{grown} bytes of memory, {estimated} estimated");
}

#[tokio::test]
async fn uploads_that_no_dispatch_uses_are_limited() {
    let mut plan = Plan::tiers(2);
    plan.quotas = vec![("upload_bytes_max", 1 << 20)];
    let (_network, nodes) = Network::running(&plan).await;
    let client = nodes[0].client();
    let upload = |byte: u8, size: usize| {
        let bytes = vec![byte; size];
        let (digest, client) = (Digest(sha256(&bytes)), &client);
        async move {
            let body = std::io::Cursor::new(bytes);
            client.upload(&agency(0), digest, size as u64, 0, body, |_| {}).await
        }
    };
    assert!(upload(1, 700_000).await.expect("taken").complete);
    let error = upload(2, 700_000).await.expect_err("over the quota");
    assert_eq!(retry_after_s(&error), 60);
    // What is here already, and what still fits, is taken.
    assert!(!upload(1, 700_000).await.expect("taken before").created);
    assert!(upload(3, 200_000).await.expect("taken").complete);
}
