//! What a clerk decided, under the agency's own seal: by its own system, by the command line, by the node.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::evidence::eventually;
use support::{Network, Node, Plan, Program, agency, wall_now};
use tram_api::model::InboxQuery;
use tram_crypto::Sign as _;
use tram_dispatch::envelope::SealedBy;
use tram_dispatch::{Code, DispatchId, Event};
use tram_pki::write_certificates;
use tram_trust::evidence::{Claim, Ground, Proof, State, Voice, examine};
use tram_wire::statement::{SealedStatement, Statement};
use tram_wire::{EvidenceFile, Receipt, SealedDispatch};

/// The recipient, and its node.
const CENTRE: usize = 0;
/// The originator, two hops below.
const BELOW: usize = 2;

/// A dispatch from below that the centre's system has taken.
async fn arrived(network: &Network, nodes: &[Node], reference: &str) -> SealedDispatch {
    let envelope = network.envelope(BELOW, &[CENTRE], reference, Vec::new());
    let sealed = network.seal(&envelope);
    nodes[BELOW].client().submit(sealed.raw(), &[]).await.expect("accepted");
    let (client, code, id) = (nodes[CENTRE].client(), agency(CENTRE), sealed.id());
    eventually("it has arrived", || async {
        let page = client.inbox(&code, &InboxQuery::default()).await.expect("an inbox");
        page.items.iter().any(|item| item.dispatch.0 == id)
    })
    .await;
    let fetched = client.fetch(&code, id).await.expect("its bytes");
    client.confirm(&code, id, &fetched.token).await.expect("confirmed");
    sealed
}

/// The same as the centre's own system would say it.
fn said(network: &Network, dispatch: &SealedDispatch, event: Event) -> Statement {
    Statement {
        network: network.id(),
        agency: agency(CENTRE),
        dispatch: dispatch.id(),
        object: dispatch.object(),
        event,
        status: None,
        time: wall_now(),
        remark: Some("Số đến 128".to_owned()),
        sealed_by: SealedBy::Agency,
    }
}

fn sealed(network: &Network, statement: &Statement, by: usize) -> SealedStatement {
    let seal = &network.seals[by];
    let key = &seal.key;
    SealedStatement::seal(statement, &seal.chain, key.algorithm(), |m| key.sign(m)).unwrap()
}

/// Who says that the clerk decided, by the evidence file of a node.
async fn voice(network: &Network, node: &Node, id: DispatchId) -> (Voice, EvidenceFile) {
    let client = node.client();
    eventually("the decision is told", || async {
        let tracked = client.track(id).await.expect("known");
        let decided = [Event::ConsignmentAcceptance, Event::ConsignmentRejection];
        tracked.evidence.iter().any(|e| decided.contains(&e.event.0))
    })
    .await;
    let bytes = client.evidence(id, false).await.expect("an evidence file");
    let account = examine(&Ground::new(network.root.clone()), &bytes).expect("an evidence file");
    assert_eq!(account.faults, []);
    let decided = account.findings.iter().find(|f| f.claim == Claim::Decided).expect("a claim");
    let State::Proved(Proof::Decided { by, .. }) = &decided.state else { panic!("{decided:?}") };
    (by.clone(), EvidenceFile::decode(&bytes).expect("an evidence file"))
}

#[tokio::test]
async fn what_the_agency_sealed_is_proved_at_the_originators_node() {
    let network = Network::create(&Plan::tiers(3));
    let nodes = network.start(&Program::tram()).await;
    let (client, code) = (nodes[CENTRE].client(), agency(CENTRE));

    // Without a seal: the node's word.
    let plain = arrived(&network, &nodes, "1").await;
    let recorded = client.register(&code, plain.id(), None).await.expect("registered");
    assert!(recorded.statement.is_none());
    assert_eq!(voice(&network, &nodes[BELOW], plain.id()).await.0, Voice::Node);

    // Sealed by the agency's own system.
    let dispatch = arrived(&network, &nodes, "2").await;
    let id = dispatch.id();
    let right = said(&network, &dispatch, Event::ConsignmentAcceptance);
    for (wrong, by, expected) in [
        (Statement { dispatch: plain.id(), ..right.clone() }, CENTRE, Code::BadRequest),
        (Statement { object: plain.object(), ..right.clone() }, CENTRE, Code::BadRequest),
        (said(&network, &dispatch, Event::ConsignmentRejection), CENTRE, Code::BadRequest),
        (Statement { agency: agency(BELOW), ..right.clone() }, BELOW, Code::BadRequest),
        (right.clone(), BELOW, Code::OriginatorMismatch),
    ] {
        let bytes = sealed(&network, &wrong, by);
        let refused = client.register_sealed(&code, id, bytes.raw()).await.unwrap_err();
        assert_eq!(refused.code(), expected, "{wrong:?}");
    }
    let blank =
        Statement { remark: None, ..said(&network, &dispatch, Event::ConsignmentRejection) };
    let blank = sealed(&network, &blank, CENTRE);
    let refused = client.refuse_sealed(&code, id, blank.raw()).await.unwrap_err();
    assert_eq!(refused.code(), Code::BadRequest, "a refusal says why");
    let statement = sealed(&network, &right, CENTRE);
    let recorded = client.register_sealed(&code, id, statement.raw()).await.expect("registered");
    assert_eq!(recorded.statement.as_ref().unwrap().0, statement.raw().to_vec());
    let record = Receipt::parse(&recorded.receipt.0).unwrap().record().clone();
    assert_eq!(record.attestation, Some(statement.object()));
    assert_eq!(record.remark.as_deref(), Some("Số đến 128"));

    // At every node of the way, also after a restart.
    for node in [BELOW, 1, CENTRE] {
        let (by, file) = voice(&network, &nodes[node], id).await;
        let Voice::Agency { signer, by_node } = by else { panic!("node {node}: {by:?}") };
        assert_eq!((signer.agency, by_node), (agency(CENTRE), None));
        assert_eq!(file.statements, [statement.raw().to_vec()]);
    }
    // By the command line, with the files of the agency's own seal.
    let third = arrived(&network, &nodes, "3").await;
    let files = &nodes[CENTRE].files;
    let folder = files.folder.join("own seal");
    fs::create_dir(&folder).unwrap();
    let (chain, key) = network.authorities.sealing(CENTRE);
    key.write_new(&folder.join("seal.key")).unwrap();
    fs::write(folder.join("seal.crt"), write_certificates(&chain)).unwrap();
    let text = |name: &str| folder.join(name).display().to_string();
    let root = files.folder.join("network/root.cbor").display().to_string();
    let id = third.id().to_string();
    let words = ["inbox", "refuse", &id, "--agency", "G22", "--reason", "gửi nhầm"];
    let seal = ["--cert", &text("seal.crt"), "--key", &text("seal.key"), "--root", &root];
    let (code, told) = tram(&files.socket, &[&words[..], &seal[..]].concat());
    assert!(code == Some(0) && told.contains("own seal"), "{told}");
    let (by, _) = voice(&network, &nodes[BELOW], third.id()).await;
    assert!(matches!(by, Voice::Agency { by_node: None, .. }), "{by:?}");
}

#[tokio::test]
async fn a_node_that_holds_the_agencys_key_seals_on_its_behalf_and_says_so() {
    let network = Network::create(&Plan::tiers(3));
    let files = &network.nodes[CENTRE];
    let (chain, key) = network.authorities.sealing(CENTRE);
    key.write_new(&files.folder.join("keys/seal.key")).unwrap();
    fs::write(files.folder.join("keys/seal.crt"), write_certificates(&chain)).unwrap();
    let mut config = fs::read_to_string(&files.config).unwrap();
    config +=
        "[[seals]]\nagency = \"G22\"\ncertificate = \"keys/seal.crt\"\nkey = \"keys/seal.key\"\n";
    fs::write(&files.config, config).unwrap();
    let nodes = network.start(&Program::tram()).await;
    let (client, code) = (nodes[CENTRE].client(), agency(CENTRE));

    let dispatch = arrived(&network, &nodes, "1").await;
    let recorded = client.register(&code, dispatch.id(), Some("Số đến 7".into())).await.unwrap();
    let sealed = SealedStatement::parse(&recorded.statement.unwrap().0).unwrap();
    assert_eq!(sealed.statement().remark.as_deref(), Some("Số đến 7"));
    let (by, _) = voice(&network, &nodes[BELOW], dispatch.id()).await;
    let Voice::Agency { by_node, .. } = by else { panic!("{by:?}") };
    assert_eq!(by_node.unwrap().as_str(), "n1.G22");
    // A repeat gets the first receipt and the first statement.
    let again = client.register(&code, dispatch.id(), None).await.unwrap();
    assert_eq!((again.repeat, again.statement.unwrap().0), (true, sealed.raw().to_vec()));
    // What cannot be recorded is not sealed either.
    let unknown = client.register(&code, DispatchId([7; 32]), None).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

fn tram(socket: &Path, words: &[&str]) -> (Option<i32>, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_tram"))
        .args(words)
        .arg("--socket")
        .arg(socket)
        .env_remove("TRAM_CONFIG")
        .env_remove("TRAM_SOCKET")
        .output()
        .unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.code(), String::from_utf8_lossy(&said).into_owned())
}
