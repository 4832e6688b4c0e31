//! A node stands still, as a suspended machine does, and goes on; or is told to end under load.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;
use tram_dispatch::{DispatchId, Event, NodeId};

use crate::say;
use crate::support::evidence::{check_store, eventually, inbox, progress, receipts};
use crate::support::sealing::small_document;
use crate::support::{Network, Node, Plan, SOON, agency, number};

const DISPATCHES: u64 = 20;

fn signal(node: &Node, signal: Signal) {
    let pid = i32::try_from(node.pid()).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).expect("a process of ours");
}

async fn submit(network: &Network, from: u64, to: u64) {
    let client = tram_api::Client::new(&network.nodes[0].socket);
    for i in from..to {
        let document = format!("văn bản {i}").into_bytes();
        let documents = vec![small_document(&document)];
        let sealed = network.seal(&network.envelope(0, &[2], &format!("{i}/NGỦ"), documents));
        client.submit(sealed.raw(), &[Some(document.into())]).await.expect("accepted");
    }
}

async fn all_arrive(network: &Network, nodes: &[Node], all: u64) {
    let centre = nodes[0].client();
    eventually("all are consigned", || async {
        progress(&centre, &agency(0)).await.expect("a listing") == (all, all)
    })
    .await;
    assert_eq!(inbox(&nodes[2].client(), &agency(2)).await.len() as u64, all, "once each");
    let count = |found: &BTreeMap<DispatchId, Vec<(Event, NodeId)>>, event: Event| {
        found.values().flatten().filter(|(e, _)| *e == event).count() as u64
    };
    let found = receipts(network, &centre).await;
    for event in [Event::SubmissionAcceptance, Event::ContentConsignment] {
        assert_eq!(count(&found, event), all, "{event:?}, once each");
    }
    // A relay's own receipt travels with its answer. Where the answer was lost with its session and the
    // recipient's receipt came first, nobody asks the relay again: it stays with the relay.
    let here = count(&found, Event::RelayAcceptance);
    let relay = count(&receipts(network, &nodes[1].client()).await, Event::RelayAcceptance);
    assert_eq!(relay, all, "the relay has its receipts, once each");
    assert!(here <= all, "once each");
    say(&format!("{here} of {all} receipts of the relay are at the first node"));
    for node in nodes {
        check_store(&node.client()).await;
    }
}

/// Each node of three in turn stands still for so long, with dispatches on their way.
async fn stands_still(how_long: Duration) {
    let (network, mut nodes) = Network::running(&Plan::tiers(3)).await;
    for tier in [2, 1] {
        let before = (2 - tier) as u64 * 2 * DISPATCHES;
        submit(&network, before, before + DISPATCHES).await;
        signal(&nodes[tier], Signal::STOP);
        submit(&network, before + DISPATCHES, before + 2 * DISPATCHES).await;
        sleep(how_long).await;
        signal(&nodes[tier], Signal::CONT);
        assert!(nodes[tier].ended().is_none(), "it goes on");
    }
    all_arrive(&network, &nodes, 4 * DISPATCHES).await;
    // The first node, whose clients wait meanwhile.
    signal(&nodes[0], Signal::STOP);
    let client = nodes[0].client();
    let waiting = tokio::spawn(async move { client.status().await.is_ok() });
    sleep(how_long.min(Duration::from_secs(5))).await;
    signal(&nodes[0], Signal::CONT);
    assert!(waiting.await.expect("a task"), "who asked meanwhile is answered");
    submit(&network, 4 * DISPATCHES, 5 * DISPATCHES).await;
    all_arrive(&network, &nodes, 5 * DISPATCHES).await;
}

#[tokio::test]
async fn a_node_that_stood_still_goes_on_where_it_was() {
    stands_still(Duration::from_secs(5)).await;
}

#[tokio::test]
#[ignore = "long: nodes stand still for a minute"]
async fn long_faults_standing_still() {
    stands_still(Duration::from_secs(number("TRAM_LONG_PAUSE_S", 60))).await;
}

#[tokio::test]
async fn a_node_told_to_end_under_load_ends_in_order_and_loses_nothing() {
    let (network, mut nodes) = Network::running(&Plan::tiers(3)).await;
    for round in 0..3 {
        submit(&network, round * DISPATCHES, (round + 1) * DISPATCHES).await;
        let began = Instant::now();
        let status = nodes[1].stop().await;
        assert!(status.success(), "{status}");
        assert!(began.elapsed() < SOON, "it took {:?}", began.elapsed());
        nodes[1].start();
        nodes[1].answers().await;
    }
    all_arrive(&network, &nodes, 3 * DISPATCHES).await;
}
