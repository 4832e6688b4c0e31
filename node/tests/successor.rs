//! A closed agency's mailbox at its successor's node: a system that has the successor's account alone
//! collects and answers what came before the merger and after it. A real node.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::authorities::Seal;
use support::evidence::eventually;
use support::network::agency_entry;
use support::sealing::small_document;
use support::{Network, Node, Plan, Program, agency, node_id, wall_now};
use tram_api::Client;
use tram_api::model::{
    Happening, HostedQuery, InboxItem, InboxQuery, InboxState, SealMetadata, SealRequest,
    SecrecyMark,
};
use tram_crypto::Sign as _;
use tram_dispatch::directory::{Agency, Entry};
use tram_dispatch::envelope::SealedBy;
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, Status};
use tram_wire::statement::{SealedStatement, Statement};

const CENTRE: usize = 0;
const PROVINCE: usize = 1;
const DOCUMENT: &[u8] = b"Noi dung cong van";
/// They close into the province; the third into the second.
const OLD: [&str; 3] = ["H41.12.07", "H41.12.08", "H41.12.09"];
/// It stays closed, and nobody follows it.
const ALONE: &str = "H41.12.10";

fn code(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).unwrap()
}

/// Two tiers; on the province's node more agencies, and an account of the province's system alone.
fn network(more: &str) -> Network {
    let hosted = |text: &&str| Agency {
        code: code(text),
        parent: Some(agency(PROVINCE)),
        node: Some(node_id(PROVINCE)),
        ..agency_entry(PROVINCE)
    };
    let agencies = OLD.iter().chain([&ALONE]).map(hosted).collect();
    let network = Network::create(&Plan { agencies, ..Plan::tiers(2) });
    let files = &network.nodes[PROVINCE];
    let config = fs::read_to_string(&files.config).unwrap();
    let all = "[[access]]\nany = true\nagencies = \"*\"\nroles = [\"submit\", \"collect\", \"operate\", \"audit\"]";
    assert!(config.contains(all));
    let own = "[[access]]\nany = true\nagencies = [\"H41\"]\nroles = [\"submit\", \"collect\", \"audit\"]\n\
               [[units]]\nagency = \"H41\"\ncode = \"VP\"\nname = \"Văn phòng\"\n";
    fs::write(&files.config, config.replace(all, own) + more).unwrap();
    network
}

/// From the centre to these codes, until it has arrived at the province's node.
async fn sent(network: &Network, nodes: &[Node], reference: &str, to: &[&str]) -> DispatchId {
    let mut envelope = network.envelope(CENTRE, &[], reference, vec![small_document(DOCUMENT)]);
    envelope.recipients = to.iter().map(|text| code(text)).collect();
    envelope.recipients.sort();
    let sealed = network.seal(&envelope);
    let centre = nodes[CENTRE].client();
    centre.submit(sealed.raw(), &[Some(DOCUMENT.into())]).await.expect("accepted");
    for recipient in to {
        reaches(&centre, sealed.id(), recipient, Status::Arrived).await;
    }
    sealed.id()
}

/// Waits until a node knows this status of a recipient.
async fn reaches(client: &Client, id: DispatchId, recipient: &str, wanted: Status) {
    eventually(&format!("{recipient} of {id} is {wanted}"), || async {
        let legs = client.track(id).await.expect("known").legs;
        let leg = legs.into_iter().find(|leg| leg.recipient.0 == code(recipient)).expect("a leg");
        leg.status.is_some_and(|s| s.status.0 == wanted)
    })
    .await;
}

async fn listed(
    client: &Client,
    after: Option<String>,
    limit: u32,
) -> (Vec<(DispatchId, String)>, Option<String>) {
    let query = InboxQuery { after, limit: Some(limit), ..InboxQuery::default() };
    let page = client.inbox(&agency(PROVINCE), &query).await.expect("an inbox");
    let line = |item: &InboxItem| (item.dispatch.0, item.recipient.to_string());
    (page.items.iter().map(line).collect(), page.next)
}

/// Every node has a directory in which the old ones are closed.
async fn merge(network: &Network, nodes: &[Node]) {
    let (file, next) = network.after(&network.directory, |entries| {
        for entry in entries {
            let Entry::Agency(agency) = entry else { continue };
            agency.successor = match agency.code.as_str() {
                "H41.12.07" | "H41.12.08" => Some(code("H41")),
                "H41.12.09" => Some(code("H41.12.08")),
                ALONE => None,
                _ => continue,
            };
            agency.open = false;
        }
    });
    nodes[CENTRE].client().install_directory(file).await.expect("installed");
    // The other gets it by itself.
    let province = nodes[PROVINCE].client();
    eventually("the province has the directory", || async {
        let view = province.directory(&Default::default()).await.expect("a directory");
        view.version == next.version()
    })
    .await;
}

#[tokio::test]
async fn what_came_for_a_closed_agency_is_its_successors_whenever_it_came() {
    let network = network("");
    let mut nodes = network.start(&Program::tram()).await;
    let (system, own) = (nodes[PROVINCE].client(), agency(PROVINCE));
    let before = sent(&network, &nodes, "1/truoc", &[OLD[0]]).await;
    let mine = sent(&network, &nodes, "2/cua-tinh", &["H41"]).await;
    let several = sent(&network, &nodes, "3/nhieu", &[OLD[1], OLD[2]]).await;
    let nobody = sent(&network, &nodes, "4/khong-ai", &[ALONE]).await;
    let (first, cursor) = listed(&system, None, 10).await;
    assert_eq!(first, [(mine, "H41".to_owned())]);
    let (empty, cursor) = listed(&system, cursor, 10).await;
    assert!(empty.is_empty());
    let refused = system.inbox(&code(OLD[0]), &InboxQuery::default()).await.expect_err("not its");
    assert_eq!(refused.code(), Code::NotAuthorised);
    assert_eq!(system.track(before).await.expect_err("unseen").code(), Code::NotFound);
    let mut events = system.events(None).await.expect("a stream");

    merge(&network, &nodes).await;
    // The cursor goes on from before: what fell to the province is there, in its order, and once.
    let (one, cursor) = listed(&system, cursor, 1).await;
    assert_eq!(one, [(before, OLD[0].to_owned())]);
    let (two, cursor) = listed(&system, cursor, 10).await;
    assert_eq!(two, [(several, OLD[1].to_owned()), (several, OLD[2].to_owned())]);
    let after = sent(&network, &nodes, "5/sau", &[OLD[0]]).await;
    let query = InboxQuery { after: cursor, wait_s: Some(20), ..InboxQuery::default() };
    let page = system.inbox(&own, &query).await.expect("an inbox");
    let three = page.items.iter().map(|i| (i.dispatch.0, i.recipient.0.clone()));
    assert_eq!(three.collect::<Vec<_>>(), [(after, code(OLD[0]))]);
    let hosted = system.hosted(&HostedQuery::default()).await.expect("a list");
    let counted = hosted.items.iter().find(|h| h.agency.0 == own).expect("the province");
    assert_eq!(counted.mailbox.waiting, 5);

    // By its own code alone, as a system that knows of no merger does it; and by the old one.
    let fetched = system.fetch(&own, before).await.expect("its bytes");
    let taken = system.confirm(&own, before, &fetched.token).await.expect("confirmed");
    assert_eq!((taken.recipient.0, taken.event.0), (code(OLD[0]), Event::ContentHandover));
    let registered = system.register(&own, before, Some("Số đến 7".into())).await.expect("done");
    assert_eq!(registered.recipient.0, code(OLD[0]), "the evidence stays about the old code");
    system.report(&own, before, Status::Completed, None).await.expect("recorded");
    let old = code(OLD[0]);
    let fetched = system.fetch(&old, after).await.expect("its bytes");
    let mut document =
        system.download(&own, after, small_document(DOCUMENT).sha256, 0).await.unwrap();
    assert_eq!(document.next().await.unwrap().as_deref(), Some(DOCUMENT));
    system.confirm(&old, after, &fetched.token).await.expect("confirmed");
    // The successor's seal says what the successor says, and the receipts are about the old code.
    let statement = Statement {
        network: network.id(),
        agency: own.clone(),
        dispatch: after,
        object: system.track(after).await.expect("known").object.0,
        event: Event::ConsignmentAcceptance,
        status: None,
        time: wall_now(),
        remark: None,
        sealed_by: SealedBy::Agency,
    };
    let Seal { chain, key, .. } = &network.seals[PROVINCE];
    let sealed =
        SealedStatement::seal(&statement, chain, key.algorithm(), |m| key.sign(m)).unwrap();
    for path in [&own, &old] {
        let refused =
            system.register_sealed(path, after, sealed.raw()).await.expect_err("another's");
        assert!(refused.to_string().contains("in words"), "{refused}");
    }
    system.register(&old, after, None).await.expect("registered");
    // One of two copies must be named.
    let both = system.fetch(&own, several).await.expect_err("which of them?");
    assert!(both.code() == Code::BadRequest && both.to_string().contains(OLD[2]), "{both}");
    let refusal = "Đã sáp nhập".to_owned();
    let fetched = system.fetch(&code(OLD[2]), several).await.expect("its bytes");
    let wrong =
        system.confirm(&code(OLD[1]), several, &fetched.token).await.expect_err("another's");
    assert_eq!(wrong.code(), Code::WrongState);
    system.confirm(&code(OLD[2]), several, &fetched.token).await.expect("confirmed");
    system.refuse(&code(OLD[2]), several, refusal).await.expect("refused");
    system.forward(&own, before, &["VP".parse().unwrap()], None).await.expect("forwarded");
    let unit = system.unit_inbox(&own, &"VP".parse().unwrap(), &Default::default()).await.unwrap();
    assert_eq!(unit.items.len(), 1);
    assert_eq!(unit.items[0].item.recipient.0, old);

    // The originator sees it, about the codes it wrote to.
    let centre = nodes[CENTRE].client();
    reaches(&centre, before, OLD[0], Status::Completed).await;
    reaches(&centre, after, OLD[0], Status::Accepted).await;
    reaches(&centre, several, OLD[2], Status::Refused).await;
    reaches(&centre, several, OLD[1], Status::Arrived).await;
    let tracked = system.track(before).await.expect("its matter now");
    assert_eq!(tracked.subject.as_deref(), Some("Về việc thử nghiệm"));
    assert!(system.evidence(before, false).await.is_ok());
    // A stream that was open before tells of what fell to the province since.
    let heard = async {
        loop {
            let notice = events.next().await.expect("a stream").expect("it stays");
            if notice.dispatch.0 == after && notice.recipient.is_some_and(|r| r.0 == old) {
                return notice.event.0;
            }
        }
    };
    let heard = tokio::time::timeout(support::SOON, heard).await.expect("soon");
    assert_eq!(heard, Happening::Evidence(Event::ContentConsignment));

    // Nobody sends for a closed agency, and who has no successor stays alone.
    let request = SealRequest {
        originator: old.clone().into(),
        reference: None,
        recipients: vec![agency(CENTRE).into()],
        groups: Vec::new(),
        group: None,
        secrecy: SecrecyMark::None,
        metadata: SealMetadata { subject: "x".to_owned(), ..SealMetadata::default() },
        act: None,
        documents: Vec::new(),
        expires_at: None,
        max_hops: None,
    };
    let refused = system.seal(&"6/x".parse().unwrap(), &request).await.expect_err("closed");
    assert_eq!(refused.code(), Code::NotAuthorised);
    let refused = system.fetch(&code(ALONE), nobody).await.expect_err("nobody's");
    assert_eq!(refused.code(), Code::NotAuthorised);
    assert_eq!(system.fetch(&own, nobody).await.expect_err("nobody's").code(), Code::NotFound);

    // The command line says for whom it came; cursors hold over a restart.
    let socket = nodes[PROVINCE].files.socket.display().to_string();
    let words = ["inbox", "list", "--agency", "H41", "--lang", "en", "--socket", &socket];
    let shown = Command::new(env!("CARGO_BIN_EXE_tram")).args(words).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("came for") && shown.matches(OLD[0]).count() == 2, "{shown}");
    let (all, last) = listed(&system, None, 3).await;
    nodes[PROVINCE].kill();
    nodes[PROVINCE].start();
    nodes[PROVINCE].ready().await;
    let system = nodes[PROVINCE].client();
    let (rest, last) = listed(&system, last, 10).await;
    let whole: Vec<_> = all.iter().chain(&rest).map(|(id, _)| *id).collect();
    assert_eq!(whole, [before, mine, several, several, after]);
    assert!(listed(&system, last, 10).await.0.is_empty());
    let waiting = InboxQuery { state: Some(InboxState::Waiting), ..InboxQuery::default() };
    let left = system.inbox(&own, &waiting).await.expect("an inbox").items;
    let left: Vec<_> = left.iter().map(|i| i.recipient.to_string()).collect();
    assert_eq!(left, ["H41", OLD[1]]);
}

/// What lies in a folder, by name, once it is so much.
async fn names(folder: &Path, least: usize) -> Vec<String> {
    let list = || -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    eventually(&format!("{least} in {}", folder.display()), || async { list().len() >= least })
        .await;
    list()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn a_drop_folder_has_what_came_for_those_its_agency_took_over() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = |place: &Path, of: &str| {
        format!(
            "[[drop_folders]]\nfolder = \"{}\"\nagency = \"{of}\"\nmode = \"json\"\n\
             roles = [\"collect\"]\n",
            place.display()
        )
    };
    // One of the closed ones has a folder of its own still.
    let more = folder(home.path(), "H41") + &folder(other.path(), OLD[2]);
    let network = network(&format!("{more}[drop]\ninterval_ms = 100\n"));
    let nodes = network.start(&Program::tram()).await;
    let before = sent(&network, &nodes, "1/truoc", &OLD).await;
    let own = names(&other.path().join("in"), 1).await;
    merge(&network, &nodes).await;
    let incoming = home.path().join("in");
    let came = names(&incoming, 2).await;
    let after = sent(&network, &nodes, "2/sau", &[OLD[0]]).await;
    let mut all = names(&incoming, 3).await;
    assert_eq!(all.len(), 3);
    for name in &all {
        let entry = read(&incoming.join(name).join("dispatch.json"));
        let recipient = entry["recipient"].as_str().unwrap();
        assert!(name.ends_with(&format!("-{recipient}")), "{name}: {recipient}");
    }
    all.retain(|name| !came.contains(name));
    assert!(all[0].ends_with(&format!("{after}-{}", OLD[0])), "{all:?}");
    // By the dispatch alone, or by its reference: what came for both is answered for both.
    let out = home.path().join("out");
    let drop = |name: &str, text: Value| {
        fs::write(out.join(format!("{name}.tmp")), text.to_string()).unwrap();
        fs::rename(out.join(format!("{name}.tmp")), out.join(name)).unwrap();
    };
    drop("1.json", json!({"originator": "G22", "reference": "1/truoc", "status": "03"}));
    drop("2.json", json!({"dispatch": after.to_string(), "status": "06"}));
    let centre = nodes[CENTRE].client();
    for (id, recipient, status) in [
        (before, OLD[0], Status::Accepted),
        (before, OLD[1], Status::Accepted),
        (after, OLD[0], Status::Completed),
    ] {
        reaches(&centre, id, recipient, status).await;
    }
    assert_eq!(names(&home.path().join("sent"), 4).await.len(), 4);
    assert_eq!(names(&other.path().join("in"), 1).await, own, "each once, where it belongs");
}
