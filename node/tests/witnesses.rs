//! Nodes witness each other's logs: real processes, the policy by position, and a configured one.

mod support;

use std::fs;

use support::evidence::eventually;
use support::sealing::small_document;
use support::{Network, Node, Plan, TIERS, agency};
use tram_api::model::LogWitnesses;
use tram_crypto::Sign as _;
use tram_tlog::note::{NoteKey, SignatureType};
use tram_tlog::policy::Policy;

const DOCUMENT: &[u8] = b"Noi dung van ban thu nghiem, mot nghin chin tram";

async fn witnesses(node: &Node) -> LogWitnesses {
    node.client().log_witnesses().await.expect("an answer")
}

/// Waits until a node's newest checkpoint is cosigned as its policy asks.
async fn reached(node: &Node) -> LogWitnesses {
    eventually("the quorum is reached", || async { witnesses(node).await.reached }).await;
    witnesses(node).await
}

/// What a public tool makes of the answer: the policy with the log's key, and the note.
fn judged(node: &Node, shown: &LogWitnesses, note: &str) -> bool {
    let key = node.files.checkpoint_key.public_key();
    let origin = note.lines().next().expect("an origin");
    let log = NoteKey::new(origin, SignatureType::Ed25519, key).expect("a key").to_verifier_key();
    let policy = Policy::parse(format!("log {log}\n{}", shown.policy).as_bytes());
    let judged = policy.expect("a policy").judge_note(note.as_bytes()).expect("signed by the log");
    assert!(judged.bad.is_empty(), "{:?}", judged.bad);
    judged.reached
}

async fn exchange(network: &Network, nodes: &[Node], reference: &str) {
    let documents = vec![small_document(DOCUMENT)];
    let sealed = network.seal(&network.envelope(3, &[0], reference, documents));
    let submitted = nodes[3].client().submit(sealed.raw(), &[Some(DOCUMENT.into())]).await;
    submitted.expect("accepted");
}

#[tokio::test]
async fn every_tier_is_witnessed_by_those_around_it() {
    let (network, mut nodes) = Network::running(&Plan::tiers(TIERS.len())).await;
    for node in &nodes {
        let shown = reached(node).await;
        assert!(shown.by_position && shown.missing.is_empty(), "{shown:?}");
        let quorum = shown.quorum.clone().expect("a quorum");
        assert_eq!(quorum.size, shown.size);
        assert!(judged(node, &shown, &quorum.checkpoint));
        // Without the cosignatures nobody believes it.
        let bare: Vec<&str> = quorum.checkpoint.lines().take(5).collect();
        assert!(!judged(node, &shown, &format!("{}\n", bare.join("\n"))));
    }
    let of = |shown: &LogWitnesses| -> Vec<String> {
        let cosigned = shown.witnesses.iter().filter(|w| w.size.is_some());
        cosigned.map(|w| w.node.to_string()).collect()
    };
    assert_eq!(of(&witnesses(&nodes[3]).await), ["n1.H41.12", "n1.H41"]);
    assert_eq!(of(&witnesses(&nodes[0]).await), ["n1.H41"]);
    // A log that grows is cosigned again, while the session lasts.
    let before = witnesses(&nodes[2]).await.size;
    exchange(&network, &nodes, "1").await;
    eventually("a larger tree is cosigned", || async {
        let shown = witnesses(&nodes[2]).await;
        shown.size > before && shown.reached
    })
    .await;
    // What was cosigned is there after a crash, before any neighbour answers.
    let kept = witnesses(&nodes[2]).await.quorum.expect("a quorum").size;
    for node in &mut nodes {
        node.kill();
    }
    nodes[2].start();
    nodes[2].answers().await;
    let again = witnesses(&nodes[2]).await;
    assert!(again.quorum.is_some_and(|quorum| quorum.size >= kept));
}

/// Signing waits for nobody, and who is missing is said.
#[tokio::test]
async fn a_configured_policy_decides_and_signing_does_not_wait_for_it() {
    let (network, mut nodes) = Network::running(&Plan::tiers(TIERS.len())).await;
    let shown = reached(&nodes[3]).await;
    // The centre is no witness of the commune: a policy that asks for it is never reached.
    let centre = &nodes[0].files;
    let epoch = tram_wire::genesis::epoch_id(&centre.genesis);
    let origin = tram_trust::checkpoint::origin(network.id(), &centre.id, epoch);
    let key = centre.checkpoint_key.public_key();
    let key = NoteKey::new(&origin, SignatureType::CosignatureV1, key).expect("a key");
    let policy = format!("# ours\nwitness top {}\nquorum top\n", key.to_verifier_key());
    nodes[3].stop().await;
    let files = nodes[3].files.clone();
    fs::write(files.folder.join("network/witnesses.policy"), &policy).expect("a file");
    let mut text = fs::read_to_string(&files.config).expect("the configuration");
    text += "\n[witness]\npolicy = \"network/witnesses.policy\"\n";
    fs::write(&files.config, &text).expect("a file");
    nodes[3].start();
    nodes[3].answers().await;
    let configured = witnesses(&nodes[3]).await;
    assert_eq!((configured.by_position, configured.reached), (false, false));
    assert_eq!((configured.missing, configured.quorum), (vec!["top".to_owned()], None));
    assert_ne!(configured.policy, shown.policy);
    exchange(&network, &nodes, "2").await;
    let there = nodes[0].client();
    eventually("it arrives all the same", || async {
        !support::evidence::inbox(&there, &agency(0)).await.is_empty()
    })
    .await;
    // A policy that cannot be read stops the start, not the first checkpoint.
    nodes[3].stop().await;
    let broken = policy.replace("quorum top", "quorum tip");
    fs::write(files.folder.join("network/witnesses.policy"), broken).expect("a file");
    let (code, said) = nodes[3].second();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("line 3") && said.contains("tip"), "{said}");
}
