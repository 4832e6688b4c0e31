//! The anchor file, and what the node does where it does not vouch for the store.

mod support;

use std::fs;
use std::path::PathBuf;

use support::evidence::{check_store, eventually, receipts};
use support::sealing::small_document;
use support::{Network, Node, Plan, agency};
use tram_api::ClientError;
use tram_api::model::{NodeState, ReceiptQuery, StatusView};
use tram_dispatch::{Code, DispatchId, Event};
use tram_spool::anchor::{Anchor, AnchorFile};

/// The tier that is looked at, and the neighbour above it.
const NODE: usize = 1;
const PEER: usize = 0;

async fn send(network: &Network, reference: &str) -> Result<DispatchId, ClientError> {
    let document = reference.as_bytes().to_vec();
    let documents = vec![small_document(&document)];
    let sealed = network.seal(&network.envelope(NODE, &[PEER], reference, documents));
    let client = tram_api::Client::new(&network.nodes[NODE].socket);
    client.submit(sealed.raw(), &[Some(document.into())]).await.map(|_| sealed.id())
}

async fn arrives(node: &Node, id: DispatchId) {
    let client = node.client();
    eventually("it arrives", || async { client.inbox_entry(&agency(PEER), id).await.is_ok() })
        .await;
}

fn anchor_path(node: &Node) -> PathBuf {
    node.files.folder.join("anchor").join(format!("{}.anchor", node.files.id))
}

fn anchor(node: &Node) -> AnchorFile {
    AnchorFile::at(&anchor_path(node)).expect("a folder")
}

fn codes(status: &StatusView) -> Vec<Code> {
    status.alarms.iter().map(|alarm| alarm.code.0).collect()
}

async fn tram(node: &Node, arguments: &[&str]) -> (Option<i32>, String) {
    let mut tram = std::process::Command::new(env!("CARGO_BIN_EXE_tram"));
    tram.args(arguments).arg("--socket").arg(&node.files.socket);
    let done = tokio::task::spawn_blocking(move || tram.output().expect("tram runs"));
    let out = done.await.expect("it ends");
    let text = [out.stdout, out.stderr].concat();
    (out.status.code(), String::from_utf8_lossy(&text).into_owned())
}

/// Two nodes that exchanged something, stopped: the lower one has leaves, and its neighbour knows.
async fn used() -> (Network, Vec<Node>) {
    let (network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    let id = send(&network, "1/NEO").await.expect("accepted");
    arrives(&nodes[PEER], id).await;
    // The neighbour learns of the newest log when a session begins.
    for _ in 0..2 {
        assert!(nodes[NODE].stop().await.success());
        nodes[NODE].start();
        nodes[NODE].ready().await;
    }
    assert!(nodes[NODE].stop().await.success());
    (network, nodes)
}

async fn is_unanchored(network: &Network, node: &mut Node, why: &str) {
    let status = node.answers().await;
    assert_eq!(status.state, NodeState::Unanchored, "{why}: {:?}", status.alarms);
    assert!(codes(&status).contains(&Code::LogUnanchored), "{why}: {:?}", status.alarms);
    let refused = send(network, "2/NEO").await.expect_err("nothing is signed");
    assert_eq!(refused.code(), Code::LogUnanchored, "{refused}");
    assert_eq!(node.client().log_head().await.expect("a head").size, status.log_size);
    let view = node.client().log_anchor().await.expect("a view");
    assert!(!view.signing && view.said.as_deref().unwrap_or_default().contains(why), "{view:?}");
    // What is there can be read, and the next start finds the same.
    receipts(network, &node.client()).await;
}

#[tokio::test]
async fn a_first_day_node_is_never_unclean_however_it_ends() {
    let network = Network::create(&Plan::tiers(2));
    let mut node = Node::new(network.nodes[NODE].clone(), support::Program::tram());
    for _ in 0..3 {
        node.start();
        let status = node.answers().await;
        assert!(!codes(&status).contains(&Code::LogUnanchored), "{:?}", status.alarms);
        node.kill();
    }
    assert!(anchor(&node).read().expect("an anchor").is_some());
    node.start();
    node.answers().await;
    send(&network, "1/NEO").await.expect("no peer is in reach, and it signs");
}

#[tokio::test]
async fn a_power_cut_with_an_agreeing_anchor_signs_at_once() {
    let (network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    send(&network, "1/NEO").await.expect("accepted");
    nodes[PEER].kill();
    nodes[NODE].kill();
    nodes[NODE].start();
    let status = nodes[NODE].answers().await;
    assert!(!codes(&status).contains(&Code::LogUnanchored), "{:?}", status.alarms);
    send(&network, "2/NEO").await.expect("no peer is in reach, and it signs");
}

#[tokio::test]
async fn without_an_anchor_nothing_is_signed_until_the_peer_returns() {
    let (network, mut nodes) = used().await;
    nodes[PEER].kill();
    fs::remove_file(anchor_path(&nodes[NODE])).expect("it is there");
    for _ in 0..2 {
        nodes[NODE].start();
        is_unanchored(&network, &mut nodes[NODE], "missing").await;
        let (exit, said) = tram(&nodes[NODE], &["status"]).await;
        assert_eq!(exit, Some(3), "{said}");
        assert!(said.contains("unanchored") && said.contains("LOG_UNANCHORED"), "{said}");
        nodes[NODE].kill();
        assert!(!anchor_path(&nodes[NODE]).exists(), "it is not made up");
    }
    nodes[NODE].start();
    nodes[PEER].start();
    nodes[NODE].ready().await;
    let id = send(&network, "2/NEO").await.expect("accepted");
    arrives(&nodes[PEER], id).await;
    let view = nodes[NODE].client().log_anchor().await.expect("a view");
    assert_eq!(view.anchored_by.map(|by| by.0), Some(nodes[PEER].files.id.clone()));
    eventually("the anchor is there again", || async { anchor_path(&nodes[NODE]).exists() }).await;
    nodes[PEER].kill();
    nodes[NODE].kill();
    nodes[NODE].start();
    nodes[NODE].answers().await;
    send(&network, "3/NEO").await.expect("the anchor agrees, and it signs");
    check_store(&nodes[NODE].client()).await;
}

#[tokio::test]
async fn an_anchor_of_another_machine_or_store_vouches_for_nothing() {
    let (network, mut nodes) = used().await;
    nodes[PEER].kill();
    let file = anchor(&nodes[NODE]);
    let own = file.read().expect("it can be read").expect("it is there");
    let cases = [
        (Anchor { machine_id: "4f0c".to_owned(), ..own.clone() }, "another machine (4f0c)"),
        (Anchor { store_id: [7; 16], ..own.clone() }, "another store"),
        (Anchor { batch_seq: own.batch_seq + 9, ..own.clone() }, "commits"),
    ];
    for (foreign, why) in cases {
        file.write(&foreign).expect("it can be written");
        nodes[NODE].start();
        is_unanchored(&network, &mut nodes[NODE], why).await;
        assert!(nodes[NODE].stop().await.success());
        assert_eq!(file.read().expect("it can be read"), Some(foreign), "it is left alone");
    }
    nodes[NODE].start();
    nodes[PEER].start();
    nodes[NODE].ready().await;
    send(&network, "2/NEO").await.expect("accepted");
}

#[tokio::test]
async fn the_operator_can_go_on_without_an_anchor_and_that_is_evidence() {
    let (network, mut nodes) = used().await;
    nodes[PEER].kill();
    fs::remove_file(anchor_path(&nodes[NODE])).expect("it is there");
    nodes[NODE].start();
    is_unanchored(&network, &mut nodes[NODE], "missing").await;
    let (exit, said) = tram(&nodes[NODE], &["log", "anchor"]).await;
    assert_eq!(exit, Some(3), "{said}");
    assert!(said.contains("LOG_UNANCHORED") && said.contains("missing"), "{said}");
    let (exit, said) = tram(&nodes[NODE], &["log", "anchor", "--override"]).await;
    assert_eq!(exit, Some(2), "a reason is needed: {said}");
    let words = "o dia neo da thay";
    let (exit, said) =
        tram(&nodes[NODE], &["log", "anchor", "--override", "--reason", words]).await;
    assert_eq!(exit, Some(0), "{said}");
    let again = nodes[NODE].client().override_anchor(words).await.expect_err("it is anchored");
    assert_eq!(again.code(), Code::WrongState);
    let id = send(&network, "2/NEO").await.expect("it signs, with no peer in reach");
    let query = ReceiptQuery { event: Some(Event::AnchorOverride.into()), ..Default::default() };
    let found = nodes[NODE].client().receipts(&query).await.expect("receipts").items;
    assert_eq!(found.len(), 1);
    let remark = found[0].remark.clone().unwrap_or_default();
    assert!(remark.contains(words) && remark.contains("missing"), "{remark}");
    receipts(&network, &nodes[NODE].client()).await;
    check_store(&nodes[NODE].client()).await;
    // Evidence and anchor are there after a crash.
    eventually("the anchor is there", || async { anchor_path(&nodes[NODE]).exists() }).await;
    nodes[NODE].kill();
    nodes[NODE].start();
    assert_ne!(nodes[NODE].answers().await.state, NodeState::Unanchored);
    nodes[PEER].start();
    nodes[NODE].ready().await;
    arrives(&nodes[PEER], id).await;
}

#[tokio::test]
async fn an_operator_cannot_override_what_the_anchor_proves() {
    let (_network, mut nodes) = used().await;
    nodes[PEER].kill();
    let file = anchor(&nodes[NODE]);
    let own = file.read().expect("it can be read").expect("it is there");
    let cases = [
        (Anchor { tree_size: own.tree_size + 1, ..own.clone() }, Code::LogRollback),
        (Anchor { root: [7; 32], ..own.clone() }, Code::LogFork),
    ];
    for (proves, code) in cases {
        file.write(&proves).expect("it can be written");
        nodes[NODE].start();
        let status = nodes[NODE].answers().await;
        assert_eq!(status.state, NodeState::Halted, "{:?}", status.alarms);
        assert!(codes(&status).contains(&code), "{:?}", status.alarms);
        let refused = nodes[NODE].client().override_anchor("I know").await;
        assert_eq!(refused.expect_err("not by words").code(), code);
        let (exit, said) = tram(&nodes[NODE], &["status"]).await;
        assert_eq!(exit, Some(3), "{said}");
        assert!(said.contains("new-epoch"), "the remedy is named: {said}");
        assert!(nodes[NODE].stop().await.success());
        assert_eq!(file.read().expect("it can be read"), Some(proves), "it is left alone");
    }
}
