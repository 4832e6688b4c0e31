//! Agencies without a system of their own on one node, dispatches to groups of them, and a hub that
//! distributes to units: real nodes, their sockets and the command line.

#![allow(clippy::print_stdout, reason = "a long run tells what it measured")]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Instant;

use support::evidence::eventually;
use support::network::agency_entry;
use support::{Network, Node, Plan, Program, agency, node_id, number};
use tram_api::Client;
use tram_api::model::{
    Accepted, DispatchQuery, HostedQuery, InboxQuery, LeftOutReason, Outcome, ReceiptQuery,
    SealMetadata, SealRequest, SecrecyMark, UnitQuery, UnitState,
};
use tram_dispatch::directory::{Agency, Entry};
use tram_dispatch::group::Group;
use tram_dispatch::{AgencyCode, Code, UnitCode};
use tram_pki::write_certificates;

const CENTRE: usize = 0;
const PROVINCE: usize = 1;
const DISTRICT: usize = 2;
const COMMUNE: usize = 3;

fn code(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).unwrap()
}

/// So many communes of the province, hosted by the nodes below the centre in turn, and one that is closed.
fn communes(count: usize) -> Vec<Agency> {
    let mut all: Vec<Agency> = (0..=count)
        .map(|n| Agency {
            code: code(&format!("H41.{}.{:03}", 20 + n / 900, 100 + n % 900)),
            name: format!("Xã {n}"),
            tier: 4,
            parent: Some(agency(PROVINCE)),
            node: Some(node_id(1 + n % 3)),
            ..agency_entry(COMMUNE)
        })
        .collect();
    all[count].open = false;
    all
}

/// Four tiers; the centre's node holds the seal of its agency, the commune's node is a hub.
fn network(count: usize) -> Network {
    let mut plan = Plan { agencies: communes(count), ..Plan::tiers(4) };
    plan.log_level = "warn";
    let network = Network::create(&plan);
    let add = |tier: usize, text: &str| {
        let files = &network.nodes[tier];
        let config = fs::read_to_string(&files.config).unwrap();
        fs::write(&files.config, config + text).unwrap();
    };
    let files = &network.nodes[CENTRE];
    let (chain, key) = network.authorities.sealing(CENTRE);
    key.write_new(&files.folder.join("keys/seal.key")).unwrap();
    fs::write(files.folder.join("keys/seal.crt"), write_certificates(&chain)).unwrap();
    add(
        CENTRE,
        "[[seals]]\nagency = \"G22\"\ncertificate = \"keys/seal.crt\"\nkey = \"keys/seal.key\"\n\
         [[groups]]\nname = \"hai-noi-nhan\"\nmembers = [\"H41\", \"H41.12\", \"H99\"]\n\
         agencies = [\"G22\"]\n",
    );
    // Two agencies of one node, each with a socket of its own; and the units of one of them.
    let socket = |n: usize| files_socket(&network, COMMUNE, n).display().to_string();
    add(
        COMMUNE,
        &format!(
            "[[units]]\nagency = \"H41.12.03\"\ncode = \"VP\"\nname = \"Văn phòng\"\nany = true\n\
             [[units]]\nagency = \"H41.12.03\"\ncode = \"TC\"\nname = \"Tài chính\"\n\
             [[sockets]]\nname = \"one\"\npath = \"{}\"\n\
             [[access]]\nsocket = \"one\"\nany = true\nagencies = [\"H41.20.102\"]\n\
             roles = [\"submit\", \"collect\"]\n\
             [[sockets]]\nname = \"two\"\npath = \"{}\"\n\
             [[access]]\nsocket = \"two\"\nany = true\nagencies = [\"H41.20.105\"]\n\
             roles = [\"submit\", \"collect\", \"audit\"]\n",
            socket(1),
            socket(2)
        ),
    );
    // The one rule of the fixture holds on its own socket only.
    let files = &network.nodes[COMMUNE];
    let config = fs::read_to_string(&files.config).unwrap();
    let own = "[[access]]\nsocket = \"local\"\nany = true\nagencies = \"*\"";
    fs::write(&files.config, config.replacen("[[access]]\nany = true\nagencies = \"*\"", own, 1))
        .unwrap();
    network
}

fn files_socket(network: &Network, tier: usize, n: usize) -> PathBuf {
    PathBuf::from(format!("{}{n}", network.nodes[tier].socket.display()))
}

fn to_groups(subject: &str, groups: &[&str]) -> SealRequest {
    SealRequest {
        originator: agency(CENTRE).into(),
        reference: None,
        recipients: Vec::new(),
        groups: groups.iter().map(|g| (*g).to_owned()).collect(),
        group: None,
        secrecy: SecrecyMark::None,
        metadata: SealMetadata { subject: subject.to_owned(), ..SealMetadata::default() },
        act: None,
        documents: Vec::new(),
        expires_at: None,
        max_hops: None,
    }
}

async fn seal(client: &Client, reference: &str, request: &SealRequest) -> Result<Accepted, Code> {
    let reference = reference.parse().unwrap();
    client.seal(&reference, request).await.map_err(|e| e.code())
}

/// How many legs of a dispatch have arrived, and how many there are.
async fn arrived(client: &Client, accepted: &Accepted) -> (usize, usize) {
    let legs = client.track(accepted.dispatch.0).await.expect("known").legs;
    let there = legs.iter().filter(|leg| leg.outcome == Some(Outcome::Consigned));
    (there.count(), legs.len())
}

fn tram(node: &Node, words: &[&str]) -> Output {
    let socket = node.files.socket.display().to_string();
    Command::new(env!("CARGO_BIN_EXE_tram"))
        .args(words)
        .args(["--lang", "en", "--socket", &socket])
        .output()
        .expect("the program")
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a command that is refused writes.
fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn a_group_is_addressed_by_one_word_and_a_hub_distributes_what_arrives() {
    let network = network(30);
    let mut nodes = network.start(&Program::tram()).await;
    let centre = nodes[CENTRE].client();
    let all: Group = "communes-of:H41".parse().unwrap();

    // Whom it means, before anything is sealed: thirty, and the commune with a node of its own.
    let view = centre.recipients(&agency(CENTRE), &[all]).await.expect("a list");
    assert_eq!((view.count, view.recipients.len(), view.left_out_count), (31, 31, 1));
    assert_eq!(view.left_out[0].reason, LeftOutReason::Closed);
    let shown = said(&tram(&nodes[CENTRE], &["group", "show", "communes-of:H41", "--from", "G22"]));
    assert!(shown.contains("31 recipients") && shown.contains("H41.20.100"), "{shown}");
    assert!(shown.contains("Not addressed: 1") && shown.contains("closed"), "{shown}");
    let listed = said(&tram(&nodes[CENTRE], &["group", "list", "--from", "G22"]));
    assert!(listed.contains("group:hai-noi-nhan"), "{listed}");

    let request = to_groups("Về bão số 5", &["communes-of:H41"]);
    let first = seal(&centre, "1/group", &request).await.expect("accepted");
    let expanded = first.expanded.clone().expect("what became of the group");
    assert_eq!((expanded.groups.as_str(), expanded.recipients), ("communes-of:H41", 31));
    assert_eq!((first.legs.len(), expanded.left_out_count, first.repeat), (31, 1, false));
    eventually("it has arrived everywhere", || async {
        arrived(&centre, &first).await == (31, 31)
    })
    .await;

    // Nobody; unknown; not for this originator; a name that no group has.
    for (groups, code) in [
        (vec!["tier:9"], Code::GroupEmpty),
        (vec!["under:H98"], Code::GroupUnknown),
        (vec!["group:khong-co"], Code::GroupUnknown),
        (vec!["everybody"], Code::BadRequest),
        (vec![], Code::BadRequest),
    ] {
        assert_eq!(seal(&centre, "x", &to_groups("x", &groups)).await, Err(code), "{groups:?}");
    }
    let commune = nodes[COMMUNE].client();
    let far: Group = "tier:4".parse().unwrap();
    let refused = commune.recipients(&agency(COMMUNE), &[far]).await.expect_err("too far");
    assert_eq!(refused.code(), Code::NotAuthorised);

    // By a name that the operator gave, through the command line; who is not listed is said.
    let words = ["dispatch", "send", "--from", "G22", "--to", "group:hai-noi-nhan", "--to"];
    let rest = ["H41.20.100", "--reference", "2/group", "--subject", "x"];
    let sent = tram(&nodes[CENTRE], &[&words[..], &rest[..]].concat());
    assert!(said(&sent).contains("group:hai-noi-nhan: 3 recipients."), "{sent:?}");
    let noted = String::from_utf8_lossy(&sent.stderr).into_owned();
    assert!(noted.contains("H99") && noted.contains("not listed"), "{noted}");

    // The first list stands: the same request under another directory is the same dispatch.
    let (file, _) = network.after(&network.directory, |entries| {
        let open = entries.iter_mut().find_map(|e| match e {
            Entry::Agency(a) if a.code == code("H41.20.100") => Some(a),
            _ => None,
        });
        open.unwrap().open = false;
    });
    for node in &nodes {
        node.client().install_directory(file.clone()).await.expect("installed");
    }
    let again = seal(&centre, "1/group", &request).await.expect("accepted before");
    assert!(again.repeat && again.dispatch == first.dispatch && again.receipt == first.receipt);
    let anew = seal(&centre, "3/group", &request).await.expect("accepted");
    assert_eq!(anew.legs.len(), 30, "a new one is addressed to whom the directory names now");

    // The hub.
    let (own, id) = (agency(COMMUNE), first.dispatch.0);
    let unit = |text: &str| text.parse::<UnitCode>().unwrap();
    let words = ["inbox", "forward", &id.to_string(), "--agency", "H41.12.03", "--to", "VP"];
    let rest = ["--to", "TC", "--remark", "Tham mưu"];
    let told = said(&tram(&nodes[COMMUNE], &[&words[..], &rest[..]].concat()));
    assert!(told.contains("VP") && told.contains("TC") && told.contains("forwarded"), "{told}");
    let unknown = commune.forward(&own, id, &[unit("KHAC")], None).await.expect_err("no such");
    assert_eq!(unknown.code(), Code::NotFound);
    let query = UnitQuery::default();
    let inbox = commune.unit_inbox(&own, &unit("VP"), &query).await.expect("a mailbox").items;
    assert_eq!(inbox.len(), 1, "the unit has what was forwarded, of three that arrived");
    assert_eq!(inbox[0].forwarded.remark.as_deref(), Some("Tham mưu"));
    // The unit's own account, on a socket where it has nothing else.
    let by_unit = Client::new(files_socket(&network, COMMUNE, 1));
    assert_eq!(
        by_unit.unit_inbox(&own, &unit("VP"), &query).await.expect("its own").items.len(),
        1
    );
    for (result, why) in [
        (by_unit.unit_inbox(&own, &unit("TC"), &query).await.map(|_| ()), "another unit"),
        (by_unit.inbox(&own, &InboxQuery::default()).await.map(|_| ()), "the agency's mailbox"),
        (by_unit.forward(&own, id, &[unit("TC")], None).await.map(|_| ()), "a clerk's act"),
    ] {
        assert_eq!(result.expect_err(why).code(), Code::NotAuthorised, "{why}");
    }
    let marked = by_unit.mark(&own, &unit("VP"), id, UnitState::Handled, None).await.expect("done");
    assert_eq!((marked.units[0].state, marked.repeat), (UnitState::Handled, false));

    // On record: a node that is killed knows all of it.
    nodes[COMMUNE].kill();
    nodes[COMMUNE].start();
    nodes[COMMUNE].ready().await;
    let commune = nodes[COMMUNE].client();
    let entry = commune.inbox_entry(&own, id).await.expect("there");
    let notes: Vec<(String, UnitState)> =
        entry.units.iter().map(|n| (n.unit.to_string(), n.state)).collect();
    let forwarded = |u: &str| (u.to_owned(), UnitState::Forwarded);
    assert_eq!(notes[..2], [forwarded("TC"), forwarded("VP")]);
    assert_eq!(notes[2..], [("VP".to_owned(), UnitState::Handled)]);
    let units = said(&tram(&nodes[COMMUNE], &["unit", "list", "--agency", "H41.12.03"]));
    assert!(units.contains("Văn phòng") && units.contains("Tài chính"), "{units}");
    let legs = centre.track(id).await.expect("known").legs;
    let leg = legs.iter().find(|leg| leg.recipient.0 == own).expect("its leg");
    assert_eq!(
        leg.status.as_ref().map(|s| s.word.as_str()),
        Some("arrived"),
        "not the originator's"
    );
}

#[tokio::test]
async fn agencies_of_one_node_see_nothing_of_each_other() {
    let network = network(9);
    let nodes = network.start(&Program::tram()).await;
    let centre = nodes[CENTRE].client();
    let (one, two) = (code("H41.20.102"), code("H41.20.105"));
    let client = |n| Client::new(files_socket(&network, COMMUNE, n));
    let (of_one, of_two) = (client(1), client(2));
    let mut request = to_groups("Riêng cho hai", &[]);
    request.recipients = vec![two.clone().into()];
    let accepted = seal(&centre, "1/two", &request).await.expect("accepted");
    let id = accepted.dispatch.0;
    eventually("it has arrived", || async { arrived(&centre, &accepted).await == (1, 1) }).await;
    assert_eq!(of_two.inbox(&two, &InboxQuery::default()).await.expect("its own").items.len(), 1);
    assert_eq!(of_two.track(id).await.expect("its own").legs.len(), 1);

    let denied = Code::NotAuthorised;
    assert_eq!(of_one.inbox(&two, &InboxQuery::default()).await.expect_err("no").code(), denied);
    assert_eq!(of_one.inbox_entry(&two, id).await.expect_err("no").code(), denied);
    assert_eq!(of_one.fetch(&two, id).await.expect_err("no").code(), denied);
    assert_eq!(of_one.register(&two, id, None).await.expect_err("no").code(), denied);
    // In its own mailbox it is not: and that is all that is said.
    assert_eq!(of_one.inbox_entry(&one, id).await.expect_err("no").code(), Code::NotFound);
    assert_eq!(of_one.track(id).await.expect_err("no").code(), Code::NotFound);
    let mut request = to_groups("Mạo danh", &["under:H41.12"]);
    request.originator = two.clone().into();
    assert_eq!(seal(&of_one, "2", &request).await, Err(denied), "it cannot seal as the other");
    assert!(of_one.dispatches(&DispatchQuery::default()).await.expect("none").items.is_empty());
    assert!(of_one.receipts(&ReceiptQuery::default()).await.expect("none").items.is_empty());
    assert_eq!(of_one.evidence(id, false).await.expect_err("no").code(), denied);
    assert!(of_two.evidence(id, false).await.is_ok());
    let listed = of_one.hosted(&HostedQuery::default()).await.expect("itself").items;
    let codes: Vec<AgencyCode> = listed.into_iter().map(|h| h.agency.0).collect();
    assert_eq!(codes, std::slice::from_ref(&one));
    let status = of_one.status().await.expect("a status");
    assert!(status.limits.mailboxes.iter().all(|m| m.recipient.0 == one), "{:?}", status.limits);
    assert!(of_two.status().await.unwrap().limits.mailboxes.iter().any(|m| m.recipient.0 == two));

    // The operator sees what each has and uses.
    let hosted = nodes[COMMUNE].client().hosted(&HostedQuery::default()).await.expect("all").items;
    let codes: Vec<String> = hosted.iter().map(|h| h.agency.to_string()).collect();
    assert_eq!(codes, ["H41.12.03", "H41.20.102", "H41.20.105", "H41.20.108"]);
    let other = hosted.iter().find(|h| h.agency.0 == two).unwrap();
    assert_eq!((other.mailbox.waiting, other.kept.used), (1, 1));
    assert!(other.accounts.iter().any(|a| a.place == "two" && !a.every_agency), "{other:?}");
}

#[tokio::test]
async fn an_agency_is_hosted_by_one_command() {
    let network = network(9);
    let mut node = Node::new(network.nodes[DISTRICT].clone(), Program::tram());
    let config = node.files.config.display().to_string();
    let host = |words: &[&str]| {
        let first = ["agency", "host"];
        let all = [&first[..], words, &["--config", &config, "--lang", "en"][..]].concat();
        Command::new(env!("CARGO_BIN_EXE_tram")).args(all).output().expect("the program")
    };
    let before = fs::read_to_string(&config).unwrap();
    let words = ["H41.20.101", "--clerk", "64101", "--reader", "64102"];
    let shown = said(&host(&[&words[..], &["--dry-run"]].concat()));
    assert!(shown.contains("uid = 64101") && shown.contains("[\"read\"]"), "{shown}");
    assert_eq!(fs::read_to_string(&config).unwrap(), before, "nothing was changed");
    said(&host(&words));
    let again = complaint(&host(&words));
    assert!(again.contains("CONFIG_INVALID") && again.contains("already"), "{again}");
    // Hosted elsewhere, closed, unknown; an account that does not exist.
    for (words, code) in [
        (["H41.20.100", "--clerk", "1"], "ORIGINATOR_NOT_HERE"),
        (["H41.20.109", "--clerk", "1"], "AGENCY_CLOSED"),
        (["H99", "--clerk", "1"], "RECIPIENT_UNKNOWN"),
        (["H41.20.104", "--clerk", "no-such-account"], "CONFIG_INVALID"),
    ] {
        let told = complaint(&host(&words));
        assert!(told.contains(code), "{code}: {told}");
    }
    // The agency's seal, with a key that is its own.
    let files = &network.nodes[DISTRICT];
    let (chain, key) = network.authorities.sealing(DISTRICT);
    key.write_new(&files.folder.join("keys/seal.key")).unwrap();
    fs::write(files.folder.join("keys/seal.crt"), write_certificates(&chain)).unwrap();
    let at = |name: &str| files.folder.join("keys").join(name).display().to_string();
    let (cert, key) = (at("seal.crt"), at("seal.key"));
    let wrong = host(&["H41.20.104", "--clerk", "5", "--cert", &cert, "--key", &key]);
    assert!(complaint(&wrong).contains("ORIGINATOR_MISMATCH"));
    said(&host(&["H41.12", "--clerk", "64103", "--cert", &cert, "--key", &key]));

    node.start();
    let client = node.client();
    eventually("it answers", || async { client.status().await.is_ok() }).await;
    let listed = said(&tram(&node, &["agency", "list", "--json"]));
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let of = |code: &str| {
        let all = listed.as_array().unwrap();
        all.iter().find(|a| a["agency"] == code).unwrap_or_else(|| panic!("{listed}")).clone()
    };
    let hosted = of("H41.20.101");
    let accounts = hosted["accounts"].as_array().unwrap();
    let roles = |who: &str| accounts.iter().find(|a| a["who"] == who).unwrap()["roles"].clone();
    assert_eq!(roles("uid 64101"), serde_json::json!(["submit", "collect"]));
    assert_eq!(roles("uid 64102"), serde_json::json!(["read"]));
    assert_eq!((&hosted["seals"], &of("H41.12")["seals"]), (&false.into(), &true.into()));
    let table = said(&tram(&node, &["agency", "list"]));
    assert!(table.contains("uid 64102 (local: read)"), "{table}");
}

/// So many recipients (`TRAM_LONG_RECIPIENTS`, 1000) on four nodes of this machine.
#[tokio::test]
#[ignore = "long: a thousand recipients across four tiers, measured"]
async fn long_group_of_a_thousand_recipients() {
    let count = number("TRAM_LONG_RECIPIENTS", 1_000) as usize;
    let network = network(count);
    let nodes = network.start(&Program::tram()).await;
    let centre = nodes[CENTRE].client();
    let began = Instant::now();
    let request = to_groups("Gửi tất cả", &["communes-of:H41"]);
    let accepted = seal(&centre, "1/all", &request).await.expect("accepted");
    let took = began.elapsed();
    assert_eq!(accepted.legs.len(), count + 1);
    let (mut last, mut asked, mut slowest) = ((0, 0), 0u32, std::time::Duration::ZERO);
    while last != (count + 1, count + 1) {
        assert!(began.elapsed().as_secs() < 300, "{last:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let asking = Instant::now();
        last = arrived(&centre, &accepted).await;
        (asked, slowest) = (asked + 1, slowest.max(asking.elapsed()));
    }
    let all = began.elapsed();
    let tracking = centre.track(accepted.dispatch.0).await.expect("known");
    let consigned = tracking.evidence.iter().filter(|e| e.event.0.name() == "ContentConsignment");
    assert_eq!(consigned.count(), count + 1, "one receipt each");
    let memory: Vec<u64> = nodes.iter().map(|n| n.peak_memory_bytes() >> 20).collect();
    println!(
        "{} recipients: accepted in {} ms, the last receipt of consignment at the first node after {} ms \
         (asked {asked} times meanwhile, longest answer {} ms); peak memory of the nodes {memory:?} MiB",
        count + 1,
        took.as_millis(),
        all.as_millis(),
        slowest.as_millis(),
    );
}
