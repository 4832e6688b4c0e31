//! Documents after their time: removed by the written policy, on record, at real nodes.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::evidence::{check_store, eventually};
use support::sealing::{document, small_document};
use support::{Network, Node, Plan, Program, agency};
use tram_api::Client;
use tram_api::model::{ActKind, ReceiptQuery, RetentionQuery};
use tram_dispatch::envelope::{Act, Related};
use tram_dispatch::{Digest, DispatchId, Event, Status};
use tram_trust::evidence::{Ground, examine};
use tram_wire::Receipt;

const SMALL: &[u8] = b"Van ban nho, di cung nhat ky cua nut, het han thi phai mat";
/// Too large for the journal.
const LARGE_BYTES: usize = 200 << 10;

const POLICY: &str = "name = \"Test\"\n\
    [[rule]]\nname = \"taken here\"\nat = [\"recipient\"]\noutcome = [\"registered\"]\nkeep_days = 3650\n\
    [[rule]]\nname = \"delivered\"\nkeep_days = 0\n\
    [[rule]]\nname = \"of the commune\"\ntypes = [\"Nghị định\"]\nfor_ever = true\n";

fn large() -> Vec<u8> {
    (0..LARGE_BYTES).map(|n| (n / 7) as u8).collect()
}

fn digest(bytes: &[u8]) -> Digest {
    Digest(tram_crypto::sha256(bytes))
}

/// Two tiers, each with the policy.
async fn running(policy: &str) -> (Network, Vec<Node>) {
    let network = Network::create(&Plan::tiers(2));
    for files in &network.nodes {
        fs::write(files.folder.join("retention.toml"), policy).expect("a file");
        let config = fs::read_to_string(&files.config).expect("a configuration");
        let more = "[retention]\npolicy = \"retention.toml\"\nlook_every_s = 1\n";
        fs::write(&files.config, config + more).expect("a configuration");
    }
    let nodes = network.start(&Program::tram()).await;
    (network, nodes)
}

/// Sends a small and a large document from the lower node to the upper one; registered there.
async fn registered(network: &Network, nodes: &[Node], reference: &str) -> DispatchId {
    let client = nodes[1].client();
    let (bytes, sha256) = (large(), digest(&large()));
    let staged = network.nodes[1].folder.join("staged");
    fs::write(&staged, &bytes).expect("a file");
    let file = tokio::fs::File::open(&staged).await.expect("a file");
    let size = bytes.len() as u64;
    let state = client.upload_resuming(&agency(1), sha256, size, file, |_| {}).await;
    assert!(state.expect("an upload").complete);
    let documents = vec![small_document(SMALL), document("lon.bin", size, sha256)];
    let sealed = network.seal(&network.envelope(1, &[0], reference, documents));
    client.submit(sealed.raw(), &[Some(SMALL.into()), None]).await.expect("accepted");
    let id = sealed.id();
    let there = nodes[0].client();
    eventually("it arrives", || async { there.inbox_entry(&agency(0), id).await.is_ok() }).await;
    let fetched = there.fetch(&agency(0), id).await.expect("the dispatch");
    there.confirm(&agency(0), id, &fetched.token).await.expect("confirmed");
    there.register(&agency(0), id, None).await.expect("registered");
    id
}

async fn removal(client: &Client, id: DispatchId) -> Option<Receipt> {
    let query = ReceiptQuery { dispatch: Some(id.into()), ..ReceiptQuery::default() };
    let page = client.receipts(&query).await.expect("receipts");
    let receipts = page.items.iter().map(|i| Receipt::parse(&i.raw.0).expect("a receipt"));
    receipts.into_iter().find(|r| r.record().event == Event::DocumentsRemoval)
}

fn file_of(node: &Node, digest: &Digest) -> std::path::PathBuf {
    let name = digest.to_string();
    node.files.data().join("documents").join(&name[..2]).join(&name[2..4]).join(name)
}

fn journal_holds(node: &Node, needle: &[u8]) -> bool {
    let segments = fs::read_dir(node.files.data().join("journal")).expect("a journal");
    segments.into_iter().any(|segment| {
        let bytes = fs::read(segment.expect("a segment").path()).expect("its bytes");
        bytes.windows(needle.len()).any(|w| w == needle)
    })
}

fn tram(node: &Node, arguments: &[&str]) -> (Option<i32>, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_tram"))
        .args(arguments)
        .arg("--config")
        .arg(&node.files.config)
        .output()
        .expect("tram runs");
    let text = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    (out.status.code(), text)
}

#[tokio::test]
async fn documents_go_by_the_policy_and_what_proves_it_stays() {
    let (network, mut nodes) = running(POLICY).await;
    let id = registered(&network, &nodes, "1/BC").await;
    let client = nodes[1].client();
    eventually("the removal is on record", || async { removal(&client, id).await.is_some() }).await;
    let receipt = removal(&client, id).await.expect("a receipt");
    let said = receipt.record().removal.clone().expect("what is removed");
    assert_eq!((said.rule.as_str(), said.days), ("delivered", 0));
    assert_eq!(said.policy, digest(POLICY.as_bytes()));
    assert_eq!(said.documents, [digest(SMALL), digest(&large())]);
    let last = client.track(id).await.expect("known").evidence.iter().map(|e| e.at.0).max();
    assert!(said.since <= receipt.record().time && last.is_some());
    tram_trust::receipt::verify_offline(&network.root, &network.directory, receipt)
        .unwrap_or_else(|r| panic!("{}", r.detail));
    eventually("the file is gone", || async { !file_of(&nodes[1], &digest(&large())).exists() })
        .await;
    // At the recipient's node the rule keeps it, and the mailbox does.
    assert!(removal(&nodes[0].client(), id).await.is_none());
    assert!(file_of(&nodes[0], &digest(&large())).exists());

    // Seen by an auditor, and in the file of evidence, which says all that it said before.
    let (code, told) = tram(&nodes[1], &["audit", "dispatch", &id.to_string()]);
    assert!(code == Some(0) && told.contains("DocumentsRemoval"), "{told}");
    let file = client.evidence(id, true).await.expect("an evidence file");
    let account = examine(&Ground::new(network.root.clone()), &file).expect("a file");
    assert_eq!(account.faults, []);
    let parsed = tram_wire::EvidenceFile::decode(&file).expect("a file");
    assert!(parsed.documents.is_empty() && parsed.sealed.is_some());
    let (code, told) = tram(&nodes[1], &["store", "retention"]);
    assert!(code == Some(0) && told.contains("delivered") && told.contains("Test"), "{told}");

    // A crash changes nothing of it, and nothing is removed twice.
    let before = client.log_head().await.expect("a head").size;
    nodes[1].kill();
    nodes[1].start();
    nodes[1].answers().await;
    let client = nodes[1].client();
    assert!(!file_of(&nodes[1], &digest(&large())).exists());
    eventually("the work goes on", || async {
        client.retention(&RetentionQuery::default()).await.is_ok_and(|view| view.moment.0.0 > 0)
    })
    .await;
    let id2 = registered(&network, &nodes, "2/BC").await;
    eventually("the next one goes too", || async { removal(&client, id2).await.is_some() }).await;
    let query = ReceiptQuery { event: Some(Event::DocumentsRemoval.into()), ..Default::default() };
    let all = client.receipts(&query).await.expect("receipts").items.len();
    assert_eq!(all, 2, "one each; the log had {before} leaves");
    check_store(&client).await;
    for node in &mut nodes {
        assert!(node.stop().await.success());
    }
    let (code, told) = tram(&nodes[1], &["store", "check", "--offline"]);
    assert_eq!(code, Some(0), "{told}");
}

/// Whether the policy has looked at a closed dispatch and keeps it, whatever its time.
async fn kept_for_ever(client: &Client, id: DispatchId) -> bool {
    let view = client.retention(&RetentionQuery::default()).await.expect("a view");
    let item = view.items.iter().find(|item| item.dispatch.0 == id);
    item.is_some_and(|item| item.rule.is_none() && item.due.is_none())
}

#[tokio::test]
async fn a_recall_is_kept_whole_for_ever() {
    let (network, nodes) = running(POLICY).await;
    let (client, there) = (nodes[1].client(), nodes[0].client());
    let recalled = registered(&network, &nodes, "1/BC").await;
    let words = b"De nghi thu hoi bao cao so 1/BC".as_slice();
    let mut envelope = network.envelope(1, &[0], "TH/1", vec![small_document(words)]);
    let of = Related {
        originator: agency(1),
        reference: "1/BC".parse().expect("a reference"),
        dispatch: Some(recalled),
    };
    envelope.act = Act::Recall(of);
    let sealed = network.seal(&envelope);
    let recall = sealed.id();
    client.submit(sealed.raw(), &[Some(words.into())]).await.expect("accepted");
    eventually("the recall is there", || async {
        there.inbox_entry(&agency(0), recall).await.is_ok()
    })
    .await;
    there.report(&agency(0), recall, Status::Agreed, None).await.expect("agreed");
    eventually("what was recalled goes after its time", || async {
        removal(&client, recalled).await.is_some()
    })
    .await;
    eventually("the recall is done with", || async { kept_for_ever(&client, recall).await }).await;
    // What is closed after it goes: the pass went by the recall, whose rule would have it gone at once.
    // Its system still has the document and uploads it once more, within the day that uploads are kept.
    eventually("the file is gone", || async { !file_of(&nodes[1], &digest(&large())).exists() })
        .await;
    let later = registered(&network, &nodes, "2/BC").await;
    eventually("the next one goes", || async { removal(&client, later).await.is_some() }).await;
    assert!(removal(&client, recall).await.is_none());
    assert!(kept_for_ever(&client, recall).await);

    // The envelope, what it bears on, its evidence, and its document.
    let tracking = client.track(recall).await.expect("known");
    assert_eq!(
        tracking.act_of.iter().map(|a| a.dispatch.as_ref().map(|d| d.0)).collect::<Vec<_>>(),
        [Some(recalled)]
    );
    let acts = client.track(recalled).await.expect("known").acts;
    assert_eq!(
        acts.iter().map(|a| (a.kind, a.dispatch.0)).collect::<Vec<_>>(),
        [(ActKind::Recall, recall)]
    );
    let file = client.evidence(recall, true).await.expect("an evidence file");
    let account = examine(&Ground::new(network.root.clone()), &file).expect("a file");
    assert_eq!(account.faults, []);
    let parsed = tram_wire::EvidenceFile::decode(&file).expect("a file");
    assert_eq!(parsed.documents.len(), 1, "its document");
    let answered = Event::ActAcceptance;
    let query = ReceiptQuery { dispatch: Some(recall.into()), ..ReceiptQuery::default() };
    let receipts = client.receipts(&query).await.expect("receipts").items;
    let receipts: Vec<_> =
        receipts.iter().map(|i| Receipt::parse(&i.raw.0).expect("a receipt")).collect();
    assert!(receipts.iter().any(|r| r.record().event == answered));
    for receipt in receipts {
        tram_trust::receipt::verify_offline(&network.root, &network.directory, receipt)
            .unwrap_or_else(|r| panic!("{}", r.detail));
    }
    check_store(&client).await;
}

#[tokio::test]
async fn small_documents_leave_the_journal_once_its_segment_is_full() {
    let (network, nodes) = running(POLICY).await;
    let id = registered(&network, &nodes, "1/BC").await;
    let client = nodes[1].client();
    eventually("the removal is on record", || async { removal(&client, id).await.is_some() }).await;
    assert!(journal_holds(&nodes[1], SMALL), "its segment still grows");
    // 16 MiB of other documents.
    for n in 0..300_u32 {
        let mut bytes = vec![n as u8; 60 << 10];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        let named = vec![small_document(&bytes)];
        let sealed = network.seal(&network.envelope(1, &[0], &format!("{n}/TB"), named));
        client.submit(sealed.raw(), &[Some(bytes.into())]).await.expect("accepted");
    }
    eventually("it left the journal", || async { !journal_holds(&nodes[1], SMALL) }).await;
    assert!(removal(&client, id).await.is_some());
    check_store(&client).await;
}

#[tokio::test]
async fn what_the_policy_lets_go_in_a_day_is_bounded_and_said() {
    let policy =
        POLICY.replace("[[rule]]\nname = \"taken", "per_day_max = 1\n[[rule]]\nname = \"taken");
    let (network, nodes) = running(&policy).await;
    let first = registered(&network, &nodes, "1/BC").await;
    let second = registered(&network, &nodes, "2/BC").await;
    let client = nodes[1].client();
    eventually("it is said", || async {
        let status = client.status().await.expect("a status");
        status.alarms.iter().any(|a| a.code.0.as_str() == "RETENTION_OVERDUE")
    })
    .await;
    let gone = [removal(&client, first).await, removal(&client, second).await];
    assert_eq!(gone.iter().flatten().count(), 1);
    let due = RetentionQuery { due: Some(true), ..RetentionQuery::default() };
    let view = client.retention(&due).await.expect("a view");
    assert!(view.limited && view.removed_today == 1 && view.items.len() == 1, "{view:?}");
    assert!(file_of(&nodes[1], &digest(&large())).exists(), "the other dispatch keeps it");
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_starts_no_node() {
    let network = Network::create(&Plan::tiers(1));
    let files = &network.nodes[0];
    fs::write(files.folder.join("retention.toml"), "name = \"x\"\n").expect("a file");
    let config = fs::read_to_string(&files.config).expect("a configuration");
    let more = "[retention]\npolicy = \"retention.toml\"\n";
    fs::write(&files.config, config + more).expect("a configuration");
    let node = Node::new(files.clone(), Program::tram());
    let (code, told) = tram(&node, &["config", "check"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("retention.policy") && told.contains("0 rules"), "{told}");
    assert!(Path::new(&files.config).exists());
}
