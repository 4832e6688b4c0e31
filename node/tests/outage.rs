//! A node that was away gets everything on its return, without anybody's help.
#![allow(clippy::print_stdout, reason = "says what the run was like")]

mod support;

use std::time::Duration;

use support::evidence::{eventually, inbox, progress, receipts};
use support::sealing::small_document;
use support::{Network, Plan, TIERS, agency, number};
use tokio::time::sleep;

/// Dispatches handed in while the node is away.
const DISPATCHES: usize = 20;

/// How a node goes away.
#[derive(Clone, Copy, Debug)]
enum Goes {
    /// SIGTERM: its peers are told.
    InOrder,
    /// SIGKILL: nobody is told.
    AtOnce,
}

/// Takes the node of one tier away, sends to the commune meanwhile, and brings the node back.
async fn away(tier: usize, goes: Goes, how_long: Duration) {
    let (network, mut nodes) = Network::running(&Plan::tiers(TIERS.len())).await;
    match goes {
        Goes::InOrder => assert!(nodes[tier].stop().await.success()),
        Goes::AtOnce => nodes[tier].kill(),
    }
    let centre = nodes[0].client();
    for i in 0..DISPATCHES {
        let document = format!("văn bản {i}").into_bytes();
        let documents = vec![small_document(&document)];
        let sealed = network.seal(&network.envelope(0, &[3], &format!("mất/{i}"), documents));
        centre.submit(sealed.raw(), &[Some(document.into())]).await.expect("accepted");
    }
    sleep(how_long).await;
    assert_eq!(progress(&centre, &agency(0)).await.expect("a listing"), (DISPATCHES as u64, 0));
    nodes[tier].start();
    let commune = nodes[3].client();
    eventually("everything is there", || async {
        let consigned = progress(&centre, &agency(0)).await.expect("a listing").1;
        consigned == DISPATCHES as u64
    })
    .await;
    let there = inbox(&commune, &agency(3)).await;
    assert_eq!(there.len(), DISPATCHES);
    assert_eq!(receipts(&network, &centre).await.len(), DISPATCHES);
    println!("{}: {goes:?}, away for {how_long:?}; {} dispatches came", TIERS[tier], there.len());
}

#[tokio::test]
async fn a_recipients_node_that_was_away_gets_everything() {
    away(3, Goes::AtOnce, Duration::from_secs(3)).await;
}

#[tokio::test]
async fn a_relay_that_was_away_passes_everything_on() {
    away(2, Goes::InOrder, Duration::from_secs(3)).await;
}

#[tokio::test]
#[ignore = "long: a node is away for a minute"]
async fn long_outage_of_a_minute() {
    let seconds = number("TRAM_LONG_OUTAGE_S", 60);
    for tier in [3, 2, 1] {
        away(tier, Goes::AtOnce, Duration::from_secs(seconds)).await;
    }
}
