//! A stored document that is not what was taken is never passed on; everything else is.

mod support;

use support::damage::quarantined;
use support::evidence::{eventually, inbox};
use support::{Network, Node, Plan, agency};
use tram_api::model::{LegState, Outcome, QueueAction};
use tram_dispatch::{Code, Event};

/// Small dispatches that must arrive meanwhile.
const OTHERS: usize = 5;

async fn has(node: &Node, tier: usize, count: usize) -> bool {
    inbox(&node.client(), &agency(tier)).await.len() == count
}

#[tokio::test]
async fn damage_at_the_first_node_is_set_aside_until_it_is_mended_or_dropped() {
    let (network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    assert!(nodes[1].stop().await.success());
    let mended = network.submit_large(&nodes, 1, "hong/1").await;
    let dropped = network.submit_large(&nodes, 1, "hong/2").await;
    mended.flip(&nodes[0]);
    dropped.flip(&nodes[0]);
    network.submit_small(&nodes, 1, OTHERS).await;
    nodes[1].start();
    nodes[1].answers().await;
    eventually("the others are there, and both are set aside", || async {
        let others = has(&nodes[1], 1, OTHERS).await;
        others && quarantined(&nodes[0]).await.len() == 2
    })
    .await;
    let (top, below) = (nodes[0].client(), agency(1));
    for item in quarantined(&nodes[0]).await {
        assert_eq!(item.code.as_ref().map(|c| c.0), Some(Code::StoreCorrupt));
        assert!(item.detail.expect("words").contains("another digest"));
    }
    let status = top.status().await.expect("a status");
    assert_eq!(status.queue.quarantined, 2);
    let alarms = status.alarms.iter().filter(|a| a.code.0 == Code::Quarantined);
    assert_eq!(alarms.count(), 2);
    let leg = top.track(mended.id()).await.expect("a tracking").legs.remove(0);
    assert_eq!(
        (leg.state, leg.code.map(|c| c.0)),
        (LegState::Quarantined, Some(Code::StoreCorrupt))
    );
    let retry = top.change_queue(mended.id(), &below, QueueAction::Retry, None).await;
    assert_eq!(retry.expect_err("not this way").code(), Code::Quarantined);

    // Released without being mended, it comes back; mended, it goes.
    top.change_queue(mended.id(), &below, QueueAction::Release, None).await.expect("released");
    eventually("it is set aside again", || async { quarantined(&nodes[0]).await.len() == 2 }).await;
    mended.flip(&nodes[0]);
    top.change_queue(mended.id(), &below, QueueAction::Release, None).await.expect("released");
    eventually("it is there", || has(&nodes[1], 1, OTHERS + 1)).await;
    assert!(mended.is_sound(&nodes[1]));

    let words = Some("Bản gốc đã mất".to_owned());
    let change = top.change_queue(dropped.id(), &below, QueueAction::Drop, words).await;
    assert!(change.expect("dropped").receipt.is_some());
    let tracking = top.track(dropped.id()).await.expect("a tracking");
    assert_eq!(tracking.legs[0].outcome, Some(Outcome::Failed));
    let last = tracking.evidence.last().expect("evidence");
    assert_eq!(
        (last.event.0, last.code.as_ref().map(|c| c.0)),
        (Event::RelayFailure, Some(Code::Dropped))
    );
    assert_eq!(last.remark.as_deref(), Some("Bản gốc đã mất"));
    assert!(has(&nodes[1], 1, OTHERS + 1).await, "never given on");
    assert_eq!(top.status().await.expect("a status").queue.quarantined, 0);
}

#[tokio::test]
async fn what_reads_well_again_goes_on_by_itself_and_the_queue_says_when_it_is_tried() {
    let (network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    assert!(nodes[1].stop().await.success());
    let large = network.submit_large(&nodes, 1, "hong/5").await;
    large.flip(&nodes[0]);
    nodes[1].start();
    nodes[1].answers().await;
    eventually("it is set aside", || async { quarantined(&nodes[0]).await.len() == 1 }).await;
    let item = quarantined(&nodes[0]).await.remove(0);
    assert_eq!(item.code.map(|c| c.0), Some(Code::StoreCorrupt));
    assert!(item.next_attempt_at.is_some());
    // Whatever the first look finds, the start that follows looks at once.
    eventually("it was looked at", || async {
        quarantined(&nodes[0]).await.first().is_some_and(|item| item.attempts > 0)
    })
    .await;
    assert!(!has(&nodes[1], 1, 1).await);
    assert!(nodes[0].stop().await.success());
    large.flip(&nodes[0]);
    nodes[0].start();
    nodes[0].answers().await;
    eventually("it is there, and nobody released it", || has(&nodes[1], 1, 1)).await;
    assert!(large.is_sound(&nodes[1]));
    assert_eq!(quarantined(&nodes[0]).await, []);
}

#[tokio::test]
async fn a_relay_asks_for_its_damaged_copy_again() {
    let (network, mut nodes) = Network::running(&Plan::tiers(3)).await;
    assert!(nodes[2].stop().await.success());
    let large = network.submit_large(&nodes, 2, "hong/3").await;
    eventually("the relay has it", || async { large.is_sound(&nodes[1]) }).await;
    let state = || async {
        nodes[0].client().track(large.id()).await.expect("a tracking").legs.remove(0).state
    };
    eventually("custody is the relay's", || async { state().await == LegState::Transferred }).await;
    large.flip(&nodes[1]);
    assert!(!large.is_sound(&nodes[1]));
    nodes[2].start();
    nodes[2].answers().await;
    eventually("it is there", || has(&nodes[2], 2, 1)).await;
    assert!(large.is_sound(&nodes[1]) && large.is_sound(&nodes[2]));
    assert_eq!(quarantined(&nodes[1]).await, []);
    let given_back = |evidence: &[tram_api::model::EvidenceView]| {
        let back = |e: &&tram_api::model::EvidenceView| {
            e.code.as_ref().is_some_and(|c| c.0 == Code::CopyDamaged)
        };
        evidence.iter().filter(back).count()
    };
    let tracking = nodes[0].client().track(large.id()).await.expect("a tracking");
    assert_eq!(given_back(&tracking.evidence), 1, "which is evidence");
}

#[tokio::test]
async fn a_recipient_never_gets_a_damaged_document() {
    let (network, nodes) = Network::running(&Plan::tiers(2)).await;
    let large = network.submit_large(&nodes, 1, "hong/4").await;
    eventually("it is there", || has(&nodes[1], 1, 1)).await;
    large.flip(&nodes[1]);
    let (below, id) = (nodes[1].client(), large.id());
    let mut download =
        below.download(&agency(1), id, large.digest, 0).await.expect("its beginning");
    let mut bytes = 0;
    while let Ok(Some(piece)) = download.next().await {
        bytes += piece.len() as u64;
    }
    assert!(bytes < download.bytes, "never the whole");
    eventually("it is set aside", || async { quarantined(&nodes[1]).await.len() == 1 }).await;
    let again = below.download(&agency(1), id, large.digest, 0).await;
    assert_eq!(again.err().expect("refused").code(), Code::Quarantined);
    // From the middle, which is damaged, or from behind it: neither.
    large.flip(&nodes[1]);
    below.change_queue(id, &agency(1), QueueAction::Release, None).await.expect("released");
    let mut rest = below.download(&agency(1), id, large.digest, 600_000).await.expect("the rest");
    let mut bytes = 0;
    while let Some(piece) = rest.next().await.expect("the rest") {
        bytes += piece.len() as u64;
    }
    assert!(bytes > 0);
    large.flip(&nodes[1]);
    let mut rest = below.download(&agency(1), id, large.digest, 600_000).await.expect("its head");
    let mut given = 0;
    while let Ok(Some(piece)) = rest.next().await {
        given += piece.len() as u64;
    }
    assert!(given < bytes, "not to its end");
    eventually("it is set aside", || async { quarantined(&nodes[1]).await.len() == 1 }).await;
    let words = Some("Tệp hỏng, xin gửi lại".to_owned());
    let change = below.change_queue(id, &agency(1), QueueAction::Drop, words).await;
    assert!(change.expect("dropped").receipt.is_some());
    eventually("the originator learns it", || async {
        let tracking = nodes[0].client().track(id).await.expect("a tracking");
        tracking.evidence.iter().any(|e| e.event.0 == Event::ContentHandoverFailure)
    })
    .await;
}
