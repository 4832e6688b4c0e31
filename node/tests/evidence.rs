//! Evidence files taken out of running nodes: each proves, without them, what became of the dispatch.

mod support;

use std::collections::BTreeSet;
use std::fs;

use support::evidence::eventually;
use support::sealing::small_document;
use support::{Network, Node, Plan, Program, agency};
use tram_api::model::InboxQuery;
use tram_dispatch::{Code, DispatchId, Event};
use tram_trust::evidence::{Account, Claim, Finding, Ground, Lack, Proof, State, examine};
use tram_wire::EvidenceFile;

const TIERS: usize = 4;
const DOCUMENT: &[u8] = b"Noi dung van ban thu nghiem, mot nghin chin tram";

/// Four tiers; the commune's node has a revocation list of the authority of its agency.
async fn running() -> (Network, Vec<Node>) {
    let network = Network::create(&Plan::tiers(TIERS));
    let files = &network.nodes[TIERS - 1];
    let list = files.folder.join("network/own.crl");
    fs::write(&list, network.authorities.list(TIERS - 1, 1, &[])).expect("a file");
    let config = fs::read_to_string(&files.config).expect("a configuration");
    let more = "[revocation]\nlists = [\"network/own.crl\"]\n";
    fs::write(&files.config, format!("{config}{more}")).expect("a configuration");
    let nodes = network.start(&Program::tram()).await;
    (network, nodes)
}

/// A dispatch from the commune to the centre, taken and registered there.
async fn sent(network: &Network, nodes: &[Node]) -> DispatchId {
    let documents = vec![small_document(DOCUMENT)];
    let sealed = network.seal(&network.envelope(TIERS - 1, &[0], "1/BC", documents));
    let first = nodes[TIERS - 1].client();
    first.submit(sealed.raw(), &[Some(DOCUMENT.into())]).await.expect("accepted");
    let (centre, code) = (nodes[0].client(), agency(0));
    let query = InboxQuery::default();
    eventually("it has arrived", || async {
        !centre.inbox(&code, &query).await.expect("an inbox").items.is_empty()
    })
    .await;
    let id = sealed.id();
    let fetched = centre.fetch(&code, id).await.expect("its bytes");
    centre.confirm(&code, id, &fetched.token).await.expect("confirmed");
    centre.register(&code, id, None).await.expect("registered");
    let back = |event: Event| {
        let first = &first;
        async move {
            let tracked = first.track(id).await.expect("known");
            tracked.evidence.iter().any(|e| e.event.0 == event)
        }
    };
    eventually("the registration is told", || back(Event::ConsignmentAcceptance)).await;
    id
}

async fn taken(node: &Node, id: DispatchId, documents: bool) -> Vec<u8> {
    node.client().evidence(id, documents).await.expect("an evidence file").to_vec()
}

fn judged(network: &Network, bytes: &[u8]) -> Account {
    let account = examine(&Ground::new(network.root.clone()), bytes).expect("an evidence file");
    assert_eq!(account.faults, [], "what a node gives is sound");
    account
}

fn found(account: &Account, claim: Claim) -> Vec<&Finding> {
    account.findings.iter().filter(|f| f.claim == claim).collect()
}

/// The node that a note's first line names.
fn log_of(note: &[u8]) -> String {
    let text = String::from_utf8_lossy(note).into_owned();
    text.lines().next().and_then(|l| l.split('/').nth(2)).unwrap_or_default().to_owned()
}

fn is_proved(account: &Account, claim: Claim) -> bool {
    let found = found(account, claim);
    !found.is_empty() && found.iter().all(|f| matches!(f.state, State::Proved(_)))
}

#[tokio::test]
async fn a_file_of_the_first_node_proves_the_whole_way() {
    let (network, nodes) = running().await;
    let id = sent(&network, &nodes).await;
    let first = &nodes[TIERS - 1];
    // Its log is cosigned, so that the time of what it holds is bounded from above.
    eventually("a checkpoint over it is cosigned", || async {
        let file = EvidenceFile::decode(&taken(first, id, false).await).expect("an evidence file");
        let own = file.checkpoints.iter().find(|c| log_of(&c.note) == "n1.H41.12.03");
        String::from_utf8_lossy(&own.expect("its own log").note).lines().count() >= 7
    })
    .await;
    let bytes = taken(first, id, false).await;
    let account = judged(&network, &bytes);
    for claim in [
        Claim::Sealed,
        Claim::Unrevoked,
        Claim::Held,
        Claim::Custody,
        Claim::Arrived,
        Claim::Taken,
        Claim::Decided,
    ] {
        assert!(is_proved(&account, claim), "{}: {:#?}", claim.name(), account.findings);
    }
    let State::Proved(Proof::Custody { nodes: way }) = &found(&account, Claim::Custody)[0].state
    else {
        panic!("custody")
    };
    let way: Vec<String> = way.iter().map(ToString::to_string).collect();
    assert_eq!(way, ["n1.H41.12.03", "n1.H41.12", "n1.H41", "n1.G22"]);
    // By the whole directory, the quorum on the log of the node that gave the file.
    let by_position = Ground::new(network.root.clone()).with_directory(network.directory.clone());
    let account = examine(&by_position, &bytes).expect("an evidence file");
    let own = found(&account, Claim::Witnessed).into_iter().find(|f| f.about == "n1.H41.12.03");
    assert!(matches!(own.expect("its log").state, State::Proved(_)), "{own:?}");

    // Receipts of every hop lie under a checkpoint of their own log, which its node gave, over three hops
    // where need be; with its neighbours' word on it.
    let file = EvidenceFile::decode(&bytes).expect("an evidence file");
    let logs: BTreeSet<String> = file.checkpoints.iter().map(|c| log_of(&c.note)).collect();
    assert_eq!(logs.len(), TIERS, "{logs:?}");
    for finding in found(&account, Claim::Witnessed) {
        let lacking = &finding.state;
        assert!(!matches!(lacking, State::Lacking(Lack::NoCheckpoint)), "{finding:?}");
        assert!(!matches!(lacking, State::Lacking(Lack::UnknownWitness)), "{finding:?}");
    }

    // Never the whole directory: nobody is in it who has nothing to do with this dispatch.
    let file = EvidenceFile::decode(&bytes).expect("an evidence file");
    assert!(file.directory.entries.len() < network.directory.head().entries as usize);
    assert!(file.documents.is_empty() && !file.revocation.is_empty());
    let with = taken(first, id, true).await;
    let file = EvidenceFile::decode(&with).expect("an evidence file");
    assert_eq!(file.documents, [(0, DOCUMENT.to_vec())]);
    assert!(is_proved(&judged(&network, &with), Claim::Document));
}

#[tokio::test]
async fn other_nodes_prove_what_they_know() {
    let (network, mut nodes) = running().await;
    let id = sent(&network, &nodes).await;
    // The centre's node has the way to it, and its own receipts; but not the lists of the commune's.
    let account = judged(&network, &taken(&nodes[0], id, false).await);
    for claim in [Claim::Sealed, Claim::Custody, Claim::Arrived, Claim::Taken, Claim::Decided] {
        assert!(is_proved(&account, claim), "{}: {:#?}", claim.name(), account.findings);
    }
    let lists = &found(&account, Claim::Unrevoked)[0].state;
    assert!(matches!(lists, State::Lacking(Lack::NoLists(_))), "{lists:?}");
    // Without the district's node, nothing comes from beyond it, and the file says less.
    nodes[2].stop().await;
    let alone = EvidenceFile::decode(&taken(&nodes[3], id, false).await).expect("a file");
    let logs: BTreeSet<String> = alone.checkpoints.iter().map(|c| log_of(&c.note)).collect();
    assert_eq!(logs.into_iter().collect::<Vec<_>>(), ["n1.H41.12.03"]);
    nodes[2].start();
    nodes[2].answers().await;
    let unknown = nodes[0].client().evidence(DispatchId([7; 32]), false).await;
    assert_eq!(unknown.expect_err("there is none").code(), Code::NotFound);

    // The list that was used then is kept, whatever the configured file holds years later.
    let first = TIERS - 1;
    nodes[first].stop().await;
    let list = network.nodes[first].folder.join("network/own.crl");
    fs::write(&list, network.authorities.list(first, 2, &[])).expect("a file");
    nodes[first].start();
    nodes[first].answers().await;
    assert!(is_proved(&judged(&network, &taken(&nodes[first], id, false).await), Claim::Unrevoked));
}
