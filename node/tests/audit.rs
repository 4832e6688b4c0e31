//! The questions auditors ask, of real nodes, through the socket and the command line.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use support::authorities::Seal;
use support::evidence::{eventually, inbox};
use support::sealing::seal_with;
use support::{Network, Node, Plan, Program, agency, wall_now};
use tram_api::Client;
use tram_api::model::{
    DispatchQuery, OverdueQuery, Page, ReceiptView, RefusalsQuery, StatisticsBy, StatisticsParty,
    StatisticsQuery, StatisticsRow,
};
use tram_dispatch::envelope::Secrecy;
use tram_dispatch::{Code, Day, DispatchId, Event};

/// The originator, and its node.
const HERE: usize = 0;
/// The recipient.
const THERE: usize = 1;
const DAY_MS: u64 = 86_400_000;

fn tram(socket: &Path, words: &[&str]) -> (Option<i32>, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_tram"))
        .args(words)
        .arg("--socket")
        .arg(socket)
        .env_remove("TRAM_CONFIG")
        .env_remove("TRAM_SOCKET")
        .output()
        .unwrap();
    let said = if ran.status.success() { ran.stdout } else { ran.stderr };
    (ran.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn ok(socket: &Path, words: &[&str]) -> String {
    let (code, said) = tram(socket, words);
    assert_eq!(code, Some(0), "{words:?}: {said}");
    said
}

async fn submit(
    network: &Network,
    client: &Client,
    number: &str,
    secrecy: Secrecy,
) -> Result<DispatchId, Code> {
    let mut envelope = network.envelope(HERE, &[THERE], &format!("{number}/CV"), Vec::new());
    envelope.metadata.number = Some(format!("{number}/CV-UBND"));
    envelope.metadata.subject = format!("Về việc {number}");
    envelope.secrecy = secrecy;
    let sealed = network.seal(&envelope);
    client.submit(sealed.raw(), &[]).await.map(|a| a.dispatch.0).map_err(|e| e.code())
}

async fn refusals(client: &Client, query: RefusalsQuery) -> Vec<(Event, Option<Code>)> {
    let page: Page<ReceiptView> = client.audit_refusals(&query).await.unwrap();
    page.items.iter().map(|r| (r.event.0, r.code.map(|code| code.0))).collect()
}

async fn row(client: &Client, by: StatisticsBy, party: StatisticsParty) -> StatisticsRow {
    let day = Day::of(wall_now());
    let query = StatisticsQuery {
        from: Day(day.0 - 1).into(),
        to: day.into(),
        by,
        agency: None,
        after: None,
        limit: None,
    };
    let view = client.audit_statistics(&query).await.unwrap();
    let wanted = if party == StatisticsParty::Originator { agency(HERE) } else { agency(THERE) };
    let fits = |r: &&StatisticsRow| {
        r.party == party && r.agency.as_ref().is_none_or(|code| code.0 == wanted)
    };
    view.items.iter().find(fits).unwrap().clone()
}

#[tokio::test]
async fn auditors_are_answered_at_both_ends() {
    let (network, nodes) = Network::running(&Plan::tiers(2)).await;
    let (here, there) = (nodes[HERE].client(), nodes[THERE].client());
    let mut ids = Vec::new();
    for number in ["1", "2", "3"] {
        ids.push(submit(&network, &here, number, Secrecy::None).await.unwrap());
    }
    let reused = network.envelope(HERE, &[THERE], "1/CV", Vec::new());
    here.submit(network.seal(&reused).raw(), &[]).await.unwrap_err();
    let secret = submit(&network, &here, "mật", Secrecy::Secret).await.unwrap_err();
    assert_eq!(secret, Code::SecretRefused);
    eventually("all are there", || async {
        row(&here, StatisticsBy::Agency, StatisticsParty::Originator).await.arrived == 3
    })
    .await;
    for id in &ids[..2] {
        let fetched = there.fetch(&agency(THERE), *id).await.unwrap();
        there.confirm(&agency(THERE), *id, &fetched.token).await.unwrap();
    }
    there.register(&agency(THERE), ids[0], None).await.unwrap();
    there.refuse(&agency(THERE), ids[1], "thiếu phụ lục".to_owned()).await.unwrap();

    for client in [&here, &there] {
        eventually("the answers are known", || async {
            let row = row(client, StatisticsBy::Tier, StatisticsParty::Recipient).await;
            (row.registered, row.returned) == (1, 1)
        })
        .await;
        let row = row(client, StatisticsBy::Agency, StatisticsParty::Recipient).await;
        assert_eq!((row.sent, row.arrived, row.came, row.waiting), (3, 3, 3, 1));
        assert_eq!((row.registered_in_time, row.in_time_percent), (1, Some(33.33)));
        assert_eq!((row.to_arrive.count, row.to_register.count), (3, 1));
        assert!(row.name.is_some() && row.tier.is_some());

        // Nothing is overdue yet; in ten days one will be, if nothing happens.
        let now = OverdueQuery::default();
        assert!(client.audit_overdue(&now).await.unwrap().items.is_empty());
        let then = OverdueQuery { at: Some(wall_now().plus_ms(10 * DAY_MS).into()), ..now };
        let found = client.audit_overdue(&then).await.unwrap().items;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].dispatch.0, &found[0].recipient.0), (ids[2], &agency(THERE)));
        let clerk = (Event::ConsignmentRejection, Some(Code::RecipientRefused));
        assert!(refusals(client, RefusalsQuery::default()).await.contains(&clerk));
    }
    let found = refusals(&here, RefusalsQuery::default()).await;
    let first = |code| (Event::SubmissionRejection, Some(code));
    assert_eq!(found.len(), 3);
    assert!(found.contains(&first(Code::ReferenceReused)));
    assert!(found.contains(&first(Code::SecretRefused)));
    let code = Some(Code::SecretRefused.into());
    let only = refusals(&here, RefusalsQuery { code, ..RefusalsQuery::default() }).await;
    assert_eq!(only, [first(Code::SecretRefused)]);

    let socket = nodes[HERE].files.socket.clone();
    let originator = agency(HERE).to_string();
    let recipient = agency(THERE).to_string();
    let id = ids[0].to_string();
    // One dispatch, by its id and by its number.
    let words = ["audit", "dispatch", &id, "--json"];
    let by_id: Value = serde_json::from_str(&ok(&socket, &words)).unwrap();
    let words = [
        "audit",
        "dispatch",
        "--number",
        "1",
        "--notation",
        "cv-ubnd",
        "--agency",
        &originator,
        "--json",
    ];
    let by_number: Value = serde_json::from_str(&ok(&socket, &words)).unwrap();
    assert_eq!(by_id, by_number);
    assert_eq!(by_id[0]["dispatch"], Value::from(id.clone()));
    let words = ["audit", "dispatch", "--number", "77", "--agency", &originator];
    assert_eq!(tram(&socket, &words).0, Some(1));
    // From A to B: today, and not tomorrow.
    let today = Day::of(wall_now());
    let words =
        ["audit", "between", &originator, &recipient, "--csv", "--from", &today.to_string()];
    let said = ok(&socket, &words);
    assert_eq!(said.lines().count(), 4, "{said}");
    assert!(said.contains("Về việc 2"), "{said}");
    let tomorrow = today.next().to_string();
    let words = ["audit", "between", &originator, &recipient, "--json", "--from", &tomorrow];
    assert_eq!(ok(&socket, &words).trim(), "[]");
    // Refusals, with the clerk's words and without any subject.
    let said = ok(&socket, &["audit", "refusals", "--csv"]);
    assert_eq!(said.lines().count(), 4, "{said}");
    assert!(said.contains("SECRET_REFUSED") && said.contains("thiếu phụ lục"), "{said}");
    assert!(!said.contains("Về việc"), "{said}");
    let said = ok(&socket, &["audit", "overdue", "--lang", "vi"]);
    assert_eq!(said.trim(), "không có gì");
    let said = ok(&socket, &["audit", "statistics", "--by", "tier", "--csv"]);
    assert!(said.starts_with("agency,tier,party,rejected,sent,"), "{said}");
    assert!(said.lines().any(|l| l.starts_with(",1,originator,2,3,0,3,0,0,0,100.00,")), "{said}");
    let said = ok(&socket, &["audit", "statistics", "--agency", &recipient, "--lang", "vi"]);
    assert!(said.contains("33.33"), "{said}");

    // The same evidence under the names of the standard.
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let [xml, json] = [file("a.xml"), file("a.json")];
    ok(&socket, &["receipt", "export", "--dispatch", &ids[1].to_string(), "--xml", "--out", &xml]);
    let text = fs::read_to_string(&xml).unwrap();
    for part in [
        "<ERDSEventId>http://uri.etsi.org/19522/Event/ConsignmentRejection</ERDSEventId>",
        "<Code>RECIPIENT_REFUSED</Code>",
        "<Remark>thiếu phụ lục</Remark>",
        &format!("<MessageIdentifier>{}</MessageIdentifier>", ids[1]),
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let words = ["receipt", "export", "--dispatch", &id, "--etsi-json", "--out", &json];
    ok(&socket, &words);
    let all: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    let uri = "http://uri.etsi.org/19522/Event/SubmissionAcceptance";
    assert!(all.as_array().unwrap().iter().any(|e| e["ERDSEventId"] == uri), "{all:#}");
}

/// Both nodes with a list of the authority of the lower one.
async fn listing(network: &Network) -> Vec<Node> {
    let mut nodes = Vec::new();
    for files in &network.nodes {
        let list = network.authorities.list(THERE, 1, &[]);
        fs::write(files.folder.join("network/there.crl"), list).unwrap();
        let config = fs::read_to_string(&files.config).unwrap();
        let more = "[revocation]\nlists = [\"network/there.crl\"]\n";
        fs::write(&files.config, format!("{config}{more}")).unwrap();
        let mut node = Node::new(files.clone(), Program::tram());
        node.start();
        nodes.push(node);
    }
    for node in &mut nodes {
        node.ready().await;
    }
    nodes
}

/// What `tram audit key` says: dispatch, what the key was used for, whether that was later, and where it went.
fn touched(socket: &Path, words: &[&str]) -> Vec<(String, String, Option<bool>, Vec<String>)> {
    let words = [&["audit", "key"][..], words, &["--json"]].concat();
    let items: Vec<Value> = serde_json::from_str(&ok(socket, &words)).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let item = |i: &Value| {
        let legs = i["legs"].as_array().into_iter().flatten();
        let legs = legs.map(|leg| format!("{} {}", text(&leg["recipient"]), text(&leg["state"])));
        (text(&i["dispatch"]), text(&i["used_for"]), i["later"].as_bool(), legs.collect())
    };
    items.iter().map(item).collect()
}

/// The drill of docs/operations.md: revoke, sessions end, report, what to recall.
#[tokio::test]
async fn a_key_in_foreign_hands_is_revoked_and_everything_it_touched_is_listed() {
    let network = Network::create(&Plan::tiers(2));
    let nodes = listing(&network).await;
    let (here, there) = (nodes[HERE].client(), nodes[THERE].client());
    let (chain, key) = network.authorities.sealing(THERE);
    let signer = || tram_crypto::signer_from_pkcs8_der(key.pkcs8_der()).unwrap();
    let stolen = Seal { chain, key: signer() };
    // The same key under another certificate, and another key of the same agency.
    let renewed = Seal { chain: network.authorities.renewed(THERE, &key), key: signer() };
    let sound = &network.seals[THERE];
    let send = async |reference: &str, seal: &Seal| {
        let sealed = seal_with(&network.envelope(THERE, &[HERE], reference, Vec::new()), seal);
        there.submit(sealed.raw(), &[]).await.map(|a| a.dispatch.to_string())
    };
    let before = send("1/trước", &stolen).await.unwrap();
    send("2/khóa khác", sound).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let since = wall_now();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let after = send("3/sau", &renewed).await.unwrap();
    submit(&network, &here, "4", Secrecy::None).await.unwrap();
    eventually("all has arrived, and its sender knows", || async {
        let open = async |client: &Client| {
            let all = client.dispatches(&DispatchQuery::default()).await.unwrap().items;
            all.iter().map(|d| d.open).sum::<u32>()
        };
        let came = inbox(&here, &agency(HERE)).await.len();
        (came, inbox(&there, &agency(THERE)).await.len()) == (3, 1)
            && open(&here).await + open(&there).await == 0
    })
    .await;

    // Revoked: the seal under both certificates, and the node's key.
    let node_leaf = &network.nodes[THERE].identity.chain_der[0];
    let revoked = [&stolen.chain[0][..], &renewed.chain[0], node_leaf];
    for node in &nodes {
        let list = network.authorities.list(THERE, 2, &revoked);
        fs::write(node.files.folder.join("network/there.crl"), list).unwrap();
        node.signal(Signal::HUP);
    }
    eventually("sessions are ended", || async {
        here.status().await.unwrap().peers_connected == 0
    })
    .await;
    eventually("what is sealed now is refused", || async {
        let refused = send(&format!("5/{}", wall_now().0), &stolen).await.unwrap_err();
        refused.code() == Code::CertificateRevoked
    })
    .await;

    // The report, at both nodes: exactly what was sealed with the key.
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, chain: &[Vec<u8>]| {
        let path = folder.path().join(name);
        fs::write(&path, tram_pki::write_certificates(chain)).unwrap();
        path.display().to_string()
    };
    let seal = file("seal.crt", &stolen.chain);
    let info = tram_pki::read_certificate(&renewed.chain[0]).unwrap();
    let (serial, sha256) = (info.serial.to_string(), tram_dispatch::id::hex(&info.sha256));
    let moment = since.to_string();
    for (node, legs) in [(HERE, "consigned"), (THERE, "ended")] {
        let socket = &nodes[node].files.socket;
        let leg = vec![format!("{} {legs}", agency(HERE))];
        let line = |id: &String, later| (id.clone(), "dispatch".to_owned(), later, leg.clone());
        let want = [line(&before, Some(false)), line(&after, Some(true))];
        for words in [
            &[&seal[..], "--since", &moment][..],
            &[&sha256, "--since", &moment],
            &["--serial", &serial, "--issuer", &info.issuer, "--since", &moment],
        ] {
            assert_eq!(touched(socket, words), want, "{words:?}");
        }
        let said = ok(socket, &["audit", "key", &seal, "--csv"]);
        assert_eq!(said.lines().count(), 3, "{said}");
        assert!(said.contains(&before) && said.contains("1/trước"), "{said}");
        let said = ok(socket, &["audit", "key", &seal, "--since", &moment, "--lang", "vi"]);
        assert!(said.contains("trước hay sau") && said.contains("gói văn bản"), "{said}");
        let words = ["audit", "key", "--serial", &serial, "--issuer", "CN=ai đó"];
        assert_eq!(tram(socket, &words).0, Some(1), "a misspelt name is not an empty list");
    }
    let socket = &nodes[HERE].files.socket;
    let never = network.authorities.sealing(THERE).0;
    assert_eq!(tram(socket, &["audit", "key", &file("never.crt", &never)]).0, Some(1));
    // The node's key: what it handed over here, and what its receipts said; nothing of this node itself.
    let node = file("tls.crt", &network.nodes[THERE].identity.chain_der);
    let all = touched(socket, &[&node, "--since", &moment]);
    let of = |kind: &str| all.iter().filter(|i| i.1 == kind).collect::<Vec<_>>();
    let transfers: Vec<Option<bool>> = of("transfer").iter().map(|i| i.2).collect();
    assert_eq!(transfers, [Some(false), Some(false), Some(true)], "{all:?}");
    assert_eq!(all.len(), of("transfer").len() + of("receipt").len());
    assert!(of("receipt").iter().any(|i| i.2 == Some(true)), "{all:?}");
    let id = network.nodes[THERE].id.to_string();
    let epoch = tram_wire::genesis::epoch_id(&network.nodes[THERE].genesis).to_string();
    let of_log = touched(socket, &["--node", &id, "--epoch", &epoch, "--since", &moment]);
    assert_eq!(of_log, of("receipt").into_iter().cloned().collect::<Vec<_>>());
}
