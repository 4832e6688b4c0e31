//! A new epoch of a receipt log: begun by the operator, provisional by the parent's word, then listed.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use support::evidence::{check_store, eventually};
use support::sealing::small_document;
use support::{Network, Node, Plan, agency};
use tram_api::ClientError;
use tram_api::model::{NodeState, ReceiptQuery, StatusView};
use tram_dispatch::evidence::Genesis;
use tram_dispatch::{Code, DispatchId, EpochId, Event};
use tram_spool::anchor::AnchorFile;
use tram_trust::Directory;
use tram_wire::Receipt;

/// The tier whose log goes back, with its parent and its child.
const TOP: usize = 0;
const NODE: usize = 1;
const CHILD: usize = 2;

/// A sealed dispatch with its one document.
struct Sealed {
    id: DispatchId,
    raw: Arc<[u8]>,
    document: Vec<u8>,
}

fn seal(network: &Network, from: usize, to: usize, reference: &str) -> Sealed {
    let document = reference.as_bytes().to_vec();
    let documents = vec![small_document(&document)];
    let sealed = network.seal(&network.envelope(from, &[to], reference, documents));
    Sealed { id: sealed.id(), raw: sealed.raw().clone(), document }
}

async fn submit(network: &Network, from: usize, sealed: &Sealed) -> Result<bool, ClientError> {
    let client = tram_api::Client::new(&network.nodes[from].socket);
    let documents = [Some(sealed.document.clone().into())];
    client.submit(&sealed.raw, &documents).await.map(|accepted| accepted.repeat)
}

async fn send(
    network: &Network,
    from: usize,
    to: usize,
    reference: &str,
) -> Result<DispatchId, ClientError> {
    let sealed = seal(network, from, to, reference);
    submit(network, from, &sealed).await.map(|_| sealed.id)
}

async fn arrives(node: &Node, tier: usize, id: DispatchId) {
    let client = node.client();
    eventually("it arrives", || async { client.inbox_entry(&agency(tier), id).await.is_ok() })
        .await;
}

fn codes(status: &StatusView) -> Vec<Code> {
    status.alarms.iter().map(|alarm| alarm.code.0).collect()
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp");
    assert!(done.success(), "cp {} {}", from.display(), to.display());
}

fn tram(node: &Node, arguments: &[&str]) -> (Option<i32>, String) {
    let mut tram = Command::new(env!("CARGO_BIN_EXE_tram"));
    let out = tram.args(arguments).arg("--config").arg(&node.files.config).output();
    let out = out.expect("tram runs");
    let text = [out.stdout, out.stderr].concat();
    (out.status.code(), String::from_utf8_lossy(&text).into_owned())
}

fn new_epoch(node: &Node) -> Genesis {
    let out = node.files.folder.join("request.json");
    let out = out.display().to_string();
    let (exit, said) =
        tram(node, &["log", "new-epoch", "--reason", "restored from an old backup", "--out", &out]);
    assert_eq!(exit, Some(0), "{said}");
    let bytes = fs::read(node.files.data().join("genesis.cbor")).expect("a genesis");
    let first = tram_wire::genesis::decode(&bytes).expect("a genesis");
    let request = fs::read_to_string(out).expect("a request");
    let id = tram_wire::genesis::epoch_id(&first).to_string();
    assert!(request.contains(&id) && said.contains(&id), "{said}");
    first
}

fn epoch_of(genesis: &Genesis) -> EpochId {
    tram_wire::genesis::epoch_id(genesis)
}

/// Every receipt of a node, with its epoch: all verify with this directory.
async fn verified(network: &Network, directory: &Directory, node: &Node) -> Vec<Receipt> {
    let query = ReceiptQuery { limit: Some(500), ..ReceiptQuery::default() };
    let page = node.client().receipts(&query).await.expect("receipts");
    let receipts = page.items.iter().map(|item| {
        let receipt = Receipt::parse(&item.raw.0).expect("a receipt");
        let verified =
            tram_trust::receipt::verify_offline(&network.root, directory, receipt.clone());
        verified.unwrap_or_else(|r| panic!("{}: {}", item.dispatch, r.detail));
        receipt
    });
    receipts.collect()
}

/// Three nodes, the middle one stopped and put back to an old copy of its store, in which it has custody of
/// a dispatch for the top. Its child knows how far the log had come; the top is away since the copy.
async fn rolled_back() -> (Network, Vec<Node>, Sealed) {
    let (network, mut nodes) = Network::running(&Plan::tiers(3)).await;
    let first = send(&network, NODE, TOP, "1/ĐỜI").await.expect("accepted");
    arrives(&nodes[TOP], TOP, first).await;
    let down = send(&network, TOP, CHILD, "2/ĐỜI").await.expect("accepted");
    arrives(&nodes[CHILD], CHILD, down).await;
    nodes[TOP].kill();
    let waits = seal(&network, NODE, TOP, "3/ĐỜI");
    submit(&network, NODE, &waits).await.expect("accepted");
    assert!(nodes[NODE].stop().await.success());
    let files = nodes[NODE].files.clone();
    let backup = files.folder.join("backup");
    copy(&files.data(), &backup);
    nodes[NODE].start();
    nodes[NODE].answers().await;
    send(&network, NODE, TOP, "4/ĐỜI").await.expect("accepted, and lost with the store");
    // The child learns of the newest log when a session begins.
    assert!(nodes[NODE].stop().await.success());
    nodes[NODE].start();
    nodes[NODE].answers().await;
    let client = nodes[NODE].client();
    eventually("the child is there", || async {
        client.status().await.is_ok_and(|s| s.peers_connected == 1)
    })
    .await;
    assert!(nodes[NODE].stop().await.success());
    fs::remove_dir_all(files.data()).expect("the newest store is lost");
    copy(&backup, &files.data());
    (network, nodes, waits)
}

#[tokio::test]
async fn a_new_epoch_is_provisional_by_the_parents_word_then_listed_and_custody_stays() {
    let (network, mut nodes, waits) = rolled_back().await;
    let old = nodes[NODE].files.genesis.clone();
    nodes[NODE].start();
    let status = nodes[NODE].answers().await;
    assert_eq!(status.state, NodeState::Halted, "{:?}", status.alarms);
    // The child shows the newest checkpoint that anybody holds; the proof of it is kept.
    let client = nodes[NODE].client();
    eventually("the proof is there", || async {
        client.status().await.is_ok_and(|s| !s.proofs.is_empty())
    })
    .await;
    assert!(nodes[NODE].stop().await.success());
    let size = status.log_size;
    let first = new_epoch(&nodes[NODE]);
    let named = String::from_utf8(first.previous.clone().expect("a checkpoint")).expect("text");
    let named: u64 = named.lines().nth(1).expect("a size").parse().expect("a number");
    assert!(named > size, "the child's checkpoint is the last good one: {named}, {size}");

    // Nobody takes it yet: it signs nothing, keeps everything, and says so.
    nodes[NODE].start();
    let status = nodes[NODE].answers().await;
    assert_eq!((status.state, status.log_size), (NodeState::Unanchored, 1));
    assert!(codes(&status).contains(&Code::EpochUnlisted), "{:?}", status.alarms);
    let refused = send(&network, NODE, TOP, "5/ĐỜI").await.expect_err("nothing is signed");
    assert_eq!(refused.code(), Code::EpochUnlisted, "{refused}");
    assert!(nodes[NODE].client().override_anchor("I know").await.is_err());
    let track = nodes[NODE].client().track(waits.id).await.expect("it is held");
    assert_eq!(track.dispatch.0, waits.id);
    let before = verified(&network, &network.directory, &nodes[NODE]).await;
    let mut own = before.iter().map(Receipt::record).filter(|r| r.node == nodes[NODE].files.id);
    assert!(own.all(|r| r.epoch == epoch_of(&old)));

    // The parent returns and cosigns: the epoch is provisional, and everything goes on.
    nodes[TOP].start();
    nodes[NODE].ready().await;
    arrives(&nodes[TOP], TOP, waits.id).await;
    let client = nodes[NODE].client();
    eventually("it signs", || async { client.log_anchor().await.is_ok_and(|view| view.signing) })
        .await;
    let status = client.status().await.expect("a status");
    assert!(codes(&status).contains(&Code::EpochUnlisted), "it wants listing: {:?}", status.alarms);
    let up = send(&network, NODE, TOP, "5/ĐỜI").await.expect("accepted");
    arrives(&nodes[TOP], TOP, up).await;
    // Handed in again it is the same dispatch, also of before.
    assert!(submit(&network, NODE, &waits).await.expect("known"), "it is a repeat");
    // Its child and the top take receipts of the provisional epoch, over which neither has a list.
    nodes[CHILD].ready().await;
    let across = send(&network, CHILD, TOP, "6/ĐỜI").await.expect("accepted");
    arrives(&nodes[TOP], TOP, across).await;
    let new = epoch_of(&first);
    let child = nodes[CHILD].client();
    eventually("the child has the relay's receipt", || async {
        let Ok(page) = child.receipts(&ReceiptQuery::default()).await else { return false };
        page.items.iter().any(|item| {
            let receipt = Receipt::parse(&item.raw.0).expect("a receipt");
            let record = receipt.record();
            (record.dispatch, record.event, record.epoch) == (across, Event::RelayAcceptance, new)
        })
    })
    .await;
    // With the directory alone such a receipt does not verify; with the epoch's file it does.
    verify_says_provisional(&network, &nodes[CHILD], across, new).await;
    check_store(&nodes[NODE].client()).await;
    check_store(&nodes[CHILD].client()).await;
    // It stays provisional over a crash of either.
    nodes[NODE].kill();
    nodes[CHILD].kill();
    for node in [NODE, CHILD] {
        nodes[node].start();
        nodes[node].answers().await;
    }
    send(&network, NODE, TOP, "7/ĐỜI").await.expect("accepted");
    nodes[NODE].ready().await;
    nodes[CHILD].ready().await;

    // Listed: valid everywhere, and what the ended epoch signed verifies still.
    let (file, directory) = network.with_epoch(&nodes[NODE].files.id, &first);
    for node in &nodes {
        node.client().install_directory(file.clone()).await.expect("installed");
    }
    let status = nodes[NODE].client().status().await.expect("a status");
    assert!(!codes(&status).contains(&Code::EpochUnlisted), "{:?}", status.alarms);
    let last = send(&network, CHILD, TOP, "8/ĐỜI").await.expect("accepted");
    arrives(&nodes[TOP], TOP, last).await;
    let mut epochs: BTreeMap<EpochId, u64> = BTreeMap::new();
    for receipt in verified(&network, &directory, &nodes[NODE]).await {
        if receipt.record().node == nodes[NODE].files.id {
            *epochs.entry(receipt.record().epoch).or_default() += 1;
        }
    }
    assert!(epochs[&epoch_of(&old)] > 0 && epochs[&new] > 0, "{epochs:?}");
    assert!(nodes[NODE].stop().await.success());
    let (exit, said) = tram(&nodes[NODE], &["store", "check", "--offline"]);
    assert_eq!(exit, Some(0), "{said}");
    nodes[NODE].start();
    nodes[NODE].ready().await;
    // Nothing was delivered twice.
    let inbox = support::evidence::inbox(&nodes[TOP].client(), &agency(TOP)).await;
    let mut ids: Vec<DispatchId> = inbox.iter().map(|(id, _)| *id).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

async fn verify_says_provisional(network: &Network, node: &Node, id: DispatchId, epoch: EpochId) {
    let page = node.client().receipts(&ReceiptQuery::default()).await.expect("receipts");
    let relay = page.items.iter().find(|item| {
        let record = Receipt::parse(&item.raw.0).expect("a receipt").record().clone();
        (record.dispatch, record.event, record.epoch) == (id, Event::RelayAcceptance, epoch)
    });
    let path = node.files.folder.join("relay.receipt");
    fs::write(&path, &relay.expect("it is there").raw.0).expect("a file");
    let receipt = Receipt::parse(&fs::read(&path).expect("a file")).expect("a receipt");
    let alone =
        tram_trust::receipt::verify_offline(&network.root, &network.directory, receipt.clone());
    assert_eq!(alone.expect_err("no directory lists it").code, Code::ReceiptInvalid);
    let kept = node.files.data().join("epochs");
    let mut kept = fs::read_dir(kept).expect("a folder").flatten().map(|e| e.path());
    let kept = kept.find(|p| p.extension().is_some_and(|e| e == "epoch"));
    let kept = kept.expect("the child keeps the epoch's file");
    let folder = node.files.folder.join("network");
    let verify = |with: Option<&Path>| {
        let mut tram = Command::new(env!("CARGO_BIN_EXE_tram"));
        tram.arg("verify").arg(&path).arg("--root").arg(folder.join("root.cbor"));
        tram.arg("--directory").arg(folder.join("directory.cbor"));
        with.map(|file| tram.arg("--epoch").arg(file));
        let out = tram.output().expect("tram runs");
        let text = [out.stdout, out.stderr].concat();
        (out.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let (exit, said) = verify(None);
    assert_eq!(exit, Some(1), "{said}");
    let (exit, said) = verify(Some(&kept));
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("provisional"), "{said}");
}

#[tokio::test]
async fn the_parent_takes_no_new_epoch_that_forgets_what_it_holds() {
    let (network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    let files = nodes[NODE].files.clone();
    assert!(nodes[NODE].stop().await.success());
    let backup = files.folder.join("backup");
    copy(&files.data(), &backup);
    nodes[NODE].start();
    nodes[NODE].ready().await;
    let id = send(&network, NODE, TOP, "1/ĐỜI").await.expect("accepted");
    arrives(&nodes[TOP], TOP, id).await;
    assert!(nodes[NODE].stop().await.success());
    nodes[NODE].start();
    nodes[NODE].ready().await;
    assert!(nodes[NODE].stop().await.success());
    fs::remove_dir_all(files.data()).expect("the newest store is lost");
    copy(&backup, &files.data());
    // No peer was asked: the new epoch names only what the old copy knows.
    new_epoch(&nodes[NODE]);
    nodes[NODE].start();
    nodes[NODE].answers().await;
    let last = files.data().join("epochs/last.note");
    eventually("the parent shows what it holds", || async { last.exists() }).await;
    let status = nodes[NODE].client().status().await.expect("a status");
    assert_eq!(status.state, NodeState::Unanchored, "{:?}", status.alarms);
    let refused = send(&network, NODE, TOP, "2/ĐỜI").await.expect_err("nothing is signed");
    assert_eq!(refused.code(), Code::EpochUnlisted);
    let peers = nodes[NODE].client().peers().await.expect("peers").items;
    assert_eq!(peers[0].code.as_ref().map(|c| c.0), Some(Code::LogRollback), "{peers:?}");
    // Begun again from there, it is taken.
    assert!(nodes[NODE].stop().await.success());
    new_epoch(&nodes[NODE]);
    assert!(!last.exists());
    nodes[NODE].start();
    nodes[NODE].ready().await;
    let client = nodes[NODE].client();
    eventually("it signs", || async { client.log_anchor().await.is_ok_and(|view| view.signing) })
        .await;
    let id = send(&network, NODE, TOP, "2/ĐỜI").await.expect("accepted");
    arrives(&nodes[TOP], TOP, id).await;
}

#[tokio::test]
async fn a_switch_that_was_cut_off_is_finished_by_the_next_call() {
    let (_network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    let files = nodes[NODE].files.clone();
    assert!(nodes[NODE].stop().await.success());
    let whole = files.folder.join("whole");
    copy(&files.folder.join("data"), &whole);
    let first = new_epoch(&nodes[NODE]);
    // As if it had stopped in the middle: the journal is moved, the rest is not.
    let (data, next) = (files.data(), files.data().join("next"));
    let ended = tram_wire::genesis::epoch_id(&files.genesis);
    fs::create_dir(&next).expect("a folder");
    fs::rename(files.folder.join("keys/receipt.key"), next.join("receipt.key")).expect("a key");
    let archive = data.join("epochs").join(format!("ended-{}", ended.short()));
    fs::rename(archive.join("receipt.key"), files.folder.join("keys/receipt.key")).expect("a key");
    fs::write(next.join("ready"), ended.to_string()).expect("a file");
    let (exit, said) = nodes[NODE].second();
    assert_ne!(exit, Some(0), "it does not start in between");
    assert!(said.contains("new-epoch"), "{said}");
    let (exit, said) = tram(&nodes[NODE], &["log", "new-epoch", "--reason", "again"]);
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains(&epoch_of(&first).to_string()), "the same epoch: {said}");
    assert!(!next.exists());
    nodes[NODE].start();
    nodes[NODE].ready().await;
    let path = files.folder.join("anchor").join(format!("{}.anchor", files.id));
    let anchor = AnchorFile::at(&path).expect("a folder").read().expect("an anchor");
    assert!(anchor.is_some());
}
