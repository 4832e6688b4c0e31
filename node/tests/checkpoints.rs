//! What neighbours hold of a node's receipt log: a lie has no effect, the truth stops a node that
//! was put back or split, and the proof stays.

mod support;

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use support::evidence::{eventually, inbox};
use support::peer::{Peer, dial, endpoint, transfer};
use support::sealing::small_document;
use support::{Network, Node, Plan, Program, SOON, agency};
use tokio::time::timeout;
use tram_api::ClientError;
use tram_api::model::{NodeState, StatusView};
use tram_dispatch::Code;
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::{Hash, verify_consistency};
use tram_transport::{Endpoint, Opened};
use tram_wire::frame::{self, Frame};

/// The tier whose log it is about, the neighbour below it that speaks, and the honest one above.
const VICTIM: usize = 1;
const CHILD: usize = 2;
const PARENT: usize = 0;
const DOCUMENT: &[u8] = b"Noi dung van ban thu nghiem, mot nghin chin tram";

async fn victim() -> (Network, Node) {
    let network = Network::create(&Plan::tiers(3));
    let mut node = Node::new(network.nodes[VICTIM].clone(), Program::tram());
    node.start();
    node.answers().await;
    (network, node)
}

/// A session as the node below, whose hello says that it holds this of the victim's log. It lasts as
/// long as what is given back.
async fn holding(network: &Network, note: Option<Vec<u8>>) -> (Endpoint, Opened) {
    let endpoint = endpoint(&network.nodes[CHILD].identity, None);
    let mut opened = dial(&endpoint, &network.nodes[VICTIM]).await.expect("it is let in");
    let mut hello = support::peer::hello(network, CHILD);
    hello.held = note;
    let bytes = frame::encode(&Frame::Hello(Box::new(hello)));
    opened.control.send.send_bytes(bytes.into()).await.expect("a frame is taken");
    let first = timeout(SOON, opened.control.recv.recv(FRAME_BYTES_MAX)).await;
    first.expect("in time").expect("a frame").expect("a hello");
    (endpoint, opened)
}

fn codes(status: &StatusView) -> Vec<Code> {
    status.alarms.iter().map(|alarm| alarm.code.0).collect()
}

async fn status(node: &Node) -> StatusView {
    node.client().status().await.expect("a status")
}

/// An honest neighbour above gets a dispatch through, so the node signs.
async fn goes_on(network: &Network, node: &Node, reference: &str) {
    let peer = Peer::listening(network, PARENT).await;
    let documents = vec![small_document(DOCUMENT)];
    let sealed = network.seal(&network.envelope(PARENT, &[VICTIM], reference, documents));
    peer.offer(transfer(network, PARENT, &sealed, &[VICTIM], DOCUMENT), &[]).await;
    let client = node.client();
    eventually("the dispatch is there", || async {
        inbox(&client, &agency(VICTIM)).await.iter().any(|(id, _)| *id == sealed.id())
    })
    .await;
}

#[tokio::test]
async fn a_lying_neighbour_cannot_halt_a_node() {
    let (network, node) = victim().await;
    let theirs = network.nodes[CHILD].note(1_000, [7; 32]);
    // The right words, signed with the neighbour's own key.
    let ours = network.nodes[VICTIM].note(1_000, [7; 32]);
    let words = ours.split(|b| *b == b'\n').take(4).collect::<Vec<_>>().join(&b'\n');
    let signature = theirs.split(|b| *b == b'\n').nth(4).expect("a signature line");
    let forged = [&words[..], b"\n", signature, b"\n"].concat();
    // A sound note with a larger size written into it.
    let text = String::from_utf8(ours).expect("a note is text");
    let larger = text.replacen("\n1000\n", "\n1001\n", 1);
    for (n, lie) in [theirs, forged, larger.into_bytes(), b"9999".to_vec()].into_iter().enumerate()
    {
        let session = holding(&network, Some(lie)).await;
        eventually("the lie is noticed", || async {
            let status = status(&node).await;
            let told = status.alarms.iter().find(|a| a.code.0 == Code::ClaimUnproved);
            told.is_some_and(|a| a.detail.contains(&format!("({} times", n + 1)))
        })
        .await;
        let status = status(&node).await;
        assert_eq!(status.state, NodeState::Degraded, "{:?}", status.alarms);
        assert!(!codes(&status).contains(&Code::LogRollback), "{:?}", status.alarms);
        assert_eq!((status.peers_connected, status.proofs.len()), (1, 0), "the session goes on");
        drop(session);
    }
    // It came about with the first lie, and ends with the first hello that holds nothing false.
    let of_claim = |s: &StatusView| {
        s.alarms.iter().find(|a| a.code.0 == Code::ClaimUnproved).map(|a| a.since.0)
    };
    let first = of_claim(&status(&node).await).expect("an alarm");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(of_claim(&status(&node).await), Some(first));
    let _session = holding(&network, None).await;
    eventually("the alarm is over", || async { of_claim(&status(&node).await).is_none() }).await;
    goes_on(&network, &node, "1").await;
}

#[tokio::test]
async fn a_true_note_of_a_longer_log_halts_a_node_for_good() {
    let (network, mut node) = victim().await;
    let note = network.nodes[VICTIM].note(1_000, [7; 32]);
    let session = holding(&network, Some(note.clone())).await;
    eventually("it halts", || async { status(&node).await.state == NodeState::Halted }).await;
    eventually("the proof is there", || async { status(&node).await.proofs.len() == 1 }).await;
    let halted = status(&node).await;
    assert!(codes(&halted).contains(&Code::LogRollback), "{:?}", halted.alarms);
    let proof = read_proof(&node, &halted.proofs[0]);
    assert_eq!(proof["code"], "LOG_ROLLBACK");
    assert_eq!((&proof["node"], &proof["held_by"]), (&id(&network, VICTIM), &id(&network, CHILD)));
    assert_eq!(proof["held"].as_str().map(str::as_bytes), Some(&note[..]));
    let (size, _) = opened(&network, &proof["shown"]);
    assert_eq!(size, halted.log_size);
    refuses_to_sign(&network, &node).await;
    drop(session);

    // Neither a restart nor a crash makes it sign again, before any neighbour is reached.
    for crash in [false, true] {
        if crash {
            node.kill();
        } else {
            node.stop().await;
        }
        node.start();
        until_it_answers(&node).await;
        let again = status(&node).await;
        assert_eq!((again.state, again.log_size), (NodeState::Halted, halted.log_size));
        refuses_to_sign(&network, &node).await;
    }
    // It is what the proof says that counts, not that a file lies there.
    node.stop().await;
    let path = node.files.data().join("proofs").join(&halted.proofs[0]);
    let text = fs::read_to_string(&path).expect("the proof");
    fs::write(&path, text.replace("1000", "1001")).expect("a file");
    node.start();
    until_it_answers(&node).await;
    assert_ne!(status(&node).await.state, NodeState::Halted);
    goes_on(&network, &node, "1").await;
}

#[tokio::test]
async fn a_true_note_of_another_history_is_a_fork_that_anybody_can_check() {
    let (network, node) = victim().await;
    goes_on(&network, &node, "1").await;
    // The log has grown; the neighbour holds another first leaf of it.
    let note = network.nodes[VICTIM].note(1, [7; 32]);
    let _session = holding(&network, Some(note)).await;
    eventually("the proof is there", || async { status(&node).await.proofs.len() == 1 }).await;
    let halted = status(&node).await;
    assert_eq!(halted.state, NodeState::Halted);
    let proof = read_proof(&node, &halted.proofs[0]);
    assert_eq!(proof["code"], "LOG_FORK");
    // With the two notes, the root and the path alone.
    let (held_size, held_root) = opened(&network, &proof["held"]);
    let (size, root) = opened(&network, &proof["shown"]);
    let then = hash(&proof["root"]);
    let path: Vec<Hash> = proof["path"].as_array().expect("a path").iter().map(hash).collect();
    verify_consistency(held_size, &then, size, &root, &path).expect("the log shown had that root");
    assert!(size > held_size && then != held_root);
    refuses_to_sign(&network, &node).await;
    // And with the command, on a machine that has the root document and a directory.
    let folder = network.nodes[CHILD].folder.join("network");
    let verify = |path: &std::path::Path| {
        let mut tram = std::process::Command::new(env!("CARGO_BIN_EXE_tram"));
        tram.arg("verify").arg(path).arg("--root").arg(folder.join("root.cbor"));
        tram.arg("--directory").arg(folder.join("directory.cbor"));
        tram.output().expect("tram runs").status.code()
    };
    let path = node.files.data().join("proofs").join(&halted.proofs[0]);
    assert_eq!(verify(&path), Some(0));
    let text = fs::read_to_string(&path).expect("the proof");
    let turned = folder.join("turned.json");
    fs::write(&turned, text.replace("\\n1\\n", "\\n2\\n")).expect("a file");
    assert_eq!(verify(&turned), Some(1));
}

#[tokio::test]
async fn neighbours_learn_of_a_log_that_grows_while_they_are_connected() {
    let (network, nodes) = Network::running(&Plan::tiers(2)).await;
    let held = || async {
        let peers = nodes[1].client().peers().await.expect("peers").items;
        let since = peers[0].since.as_ref().map(|at| at.0);
        (peers[0].log_size.unwrap_or_default(), since)
    };
    let (before, session) = held().await;
    let documents = vec![small_document(DOCUMENT)];
    let sealed = network.seal(&network.envelope(0, &[1], "1", documents));
    let submitted = nodes[0].client().submit(sealed.raw(), &[Some(DOCUMENT.into())]).await;
    submitted.expect("accepted");
    let began = Instant::now();
    let grown = status(&nodes[0]).await.log_size;
    assert!(grown > before);
    eventually("the other node holds the newer checkpoint", || async { held().await.0 >= grown })
        .await;
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(held().await.1, session, "in the same session");
}

#[tokio::test]
async fn a_hangup_and_a_stop_are_quiet() {
    let (_network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    // One that only listens is gone: the other dials and dials.
    assert!(nodes[0].stop().await.success());
    nodes[1].signal(Signal::HUP);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    status(&nodes[1]).await;
    assert!(nodes[1].stop().await.success());
    let log = fs::read_to_string(&nodes[1].files.log).expect("a log");
    assert!(!log.contains("BAD_ADDRESS") && !log.contains("STOPPING"), "{log}");
}

async fn refuses_to_sign(network: &Network, node: &Node) {
    let documents = vec![small_document(DOCUMENT)];
    let sealed = network.seal(&network.envelope(VICTIM, &[PARENT], "halted", documents));
    match node.client().submit(sealed.raw(), &[Some(DOCUMENT.into())]).await {
        Err(ClientError::Problem(problem)) => {
            assert!(["LOG_ROLLBACK", "LOG_FORK"].contains(&problem.code.as_str()), "{problem:?}");
        }
        other => panic!("it signs: {other:?}"),
    }
}

async fn until_it_answers(node: &Node) {
    let client = node.client();
    eventually("it answers", || async { client.status().await.is_ok() }).await;
}

fn read_proof(node: &Node, name: &str) -> Value {
    let path = node.files.data().join("proofs").join(name);
    let proof: Value = serde_json::from_slice(&fs::read(path).expect("a proof")).expect("JSON");
    assert_eq!((&proof["format"], &proof["version"]), (&"tram-log-proof".into(), &1.into()));
    proof
}

/// Size and root of a note, whose signature is the victim's.
fn opened(network: &Network, note: &Value) -> (u64, Hash) {
    use tram_crypto::Sign as _;
    let files = &network.nodes[VICTIM];
    let epoch = tram_wire::genesis::epoch_id(&files.genesis);
    let origin = tram_trust::checkpoint::origin(network.id(), &files.id, epoch);
    let note = note.as_str().expect("a note").as_bytes();
    let checkpoint = Checkpoint::open_from(note, &origin, files.checkpoint_key.public_key());
    let checkpoint = checkpoint.expect("it is signed with the victim's key");
    (checkpoint.size(), checkpoint.root())
}

fn hash(text: &Value) -> Hash {
    let bytes = hex::decode(text.as_str().expect("a text")).expect("hexadecimal");
    Hash(bytes.try_into().expect("32 bytes"))
}

fn id(network: &Network, tier: usize) -> Value {
    network.nodes[tier].id.as_str().into()
}
