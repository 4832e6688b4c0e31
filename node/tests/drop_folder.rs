//! Drop folders on real nodes: what one system writes into its folder, another finds in its own.

mod support;

#[path = "axis/edxml.rs"]
#[allow(dead_code, reason = "shared with the suite of the axis endpoint")]
mod edxml;
#[path = "drop_folder/others.rs"]
mod others;

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::evidence::inbox;
use support::{Network, Node, Plan, Program, SOON, agency};
use tram_dispatch::Status;
use tram_edxml::{Content, Ignore, Limits, read};
use tram_pki::write_certificates;

const PDF: &[u8] = b"%PDF-1.7 v\xc4\x83n b\xe1\xba\xa3n";
/// The old form of the tiers' codes.
const CODES: [&str; 2] = ["000.00.00.G22", "000.00.00.H41"];

/// Two tiers, each with a drop folder for its agency: the upper one reads JSON, the lower one edXML.
struct Pair {
    nodes: Vec<Node>,
    network: Network,
    base: tempfile::TempDir,
}

impl Pair {
    async fn running() -> Self {
        Self::of(&Plan::tiers(2)).await
    }

    async fn of(plan: &Plan) -> Self {
        let network = Network::create(plan);
        let base = tempfile::tempdir().expect("a folder");
        for (tier, files) in network.nodes.iter().enumerate() {
            let (chain, key) = network.authorities.sealing(tier);
            key.write_new(&files.folder.join("keys/seal.key")).expect("a key file");
            fs::write(files.folder.join("keys/seal.crt"), write_certificates(&chain))
                .expect("a file");
            let folder = base.path().join(format!("{tier}"));
            fs::DirBuilder::new().mode(0o770).create(&folder).expect("a folder");
            let config = fs::read_to_string(&files.config).expect("a file");
            let more = format!(
                "[[seals]]\nagency = \"{agency}\"\ncertificate = \"keys/seal.crt\"\nkey = \"keys/seal.key\"\n\
                 [drop]\ninterval_ms = 100\nentry_bytes_max = 1_048_576\n\
                 [[drop_folders]]\nfolder = \"{}\"\nagency = \"{agency}\"\nmode = \"{}\"\n\
                 roles = [\"submit\", \"collect\"]\n",
                folder.display(),
                ["json", "edxml"][tier],
                agency = agency(tier),
            );
            fs::write(&files.config, config + &more).expect("a file");
        }
        let nodes = network.start(&Program::tram()).await;
        let pair = Pair { nodes, network, base };
        for tier in [0, 1] {
            until("the folders are there", || pair.path(tier, "status").is_dir().then_some(()));
        }
        pair
    }

    fn path(&self, tier: usize, name: &str) -> PathBuf {
        self.base.path().join(format!("{tier}")).join(name)
    }

    /// Nothing can be put into a folder, for it is a link; until it is none.
    fn close(&self, tier: usize, name: &str) {
        let path = self.path(tier, name);
        fs::remove_dir_all(&path).expect("a folder of ours");
        symlink(self.base.path(), path).expect("a link");
    }

    fn open(&self, tier: usize, name: &str) {
        fs::remove_file(self.path(tier, name)).expect("the link");
    }

    /// Drops a file as a careful system does: under another name, then renamed.
    fn drop(&self, tier: usize, name: &str, bytes: &[u8]) {
        let part = self.path(tier, &format!("out/{name}.part"));
        fs::write(&part, bytes).expect("a file");
        fs::rename(part, self.path(tier, &format!("out/{name}"))).expect("renamed");
    }

    /// The names in a folder, once there are so many that are not hidden.
    fn names(&self, tier: usize, folder: &str, least: usize) -> Vec<String> {
        let path = self.path(tier, folder);
        until(&format!("{least} in {}", path.display()), || {
            let names = names(&path);
            (names.len() >= least).then_some(names)
        })
    }

    fn json(&self, tier: usize, name: &str) -> Value {
        let path = self.path(tier, name);
        let bytes = until(&path.display().to_string(), || fs::read(&path).ok());
        serde_json::from_slice(&bytes).expect("JSON")
    }
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).expect("a folder");
    let names = entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + SOON;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "still not: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn what_one_system_drops_another_finds_and_the_statuses_come_back() {
    let mut pair = Pair::running().await;
    // From below as edXML, which the system above finds as a folder of documents with JSON.
    let file = edxml::document(7, CODES[1], &[CODES[0]], PDF);
    pair.drop(1, "cv-7.edxml", &file);
    let receipt = pair.json(1, "sent/cv-7.edxml.receipt.json");
    assert_eq!((&receipt["originator"], &receipt["repeat"]), (&"H41".into(), &false.into()));
    // The receipt is there first, then the file moves beside it.
    let moved = until("the move", || fs::read(pair.path(1, "sent/cv-7.edxml")).ok());
    assert_eq!(moved, file);
    let dispatch = receipt["dispatch"].as_str().expect("an id");

    let came = pair.names(0, "in", 1);
    assert!(came.len() == 1 && came[0].ends_with(dispatch), "{came:?}");
    let entry = pair.json(0, &format!("in/{}/dispatch.json", came[0]));
    assert_eq!((&entry["originator"], &entry["metadata"]["number"]), (&"H41".into(), &"7".into()));
    assert_eq!(entry["sealed_by"], "n1.H41");
    let document = |at: usize| {
        let name = entry["documents"][at]["file"].as_str().expect("a name");
        fs::read(pair.path(0, &format!("in/{}/{name}", came[0]))).expect("a document")
    };
    assert_eq!((document(0), document(1)), (PDF.to_vec(), file.clone()));
    let sealed = fs::read(pair.path(0, &format!("in/{}/sealed.dispatch", came[0])));
    let sealed = tram_wire::SealedDispatch::parse(&sealed.expect("the sealed bytes"));
    assert_eq!(sealed.expect("a dispatch").id().to_string(), dispatch);

    // 01 of itself; then what the system above says, by its own name for it and by the reference.
    let reference = edxml::document_id(7, CODES[1]);
    let said = format!(r#"{{"dispatch":"{dispatch}","status":"03","remark":"Số đến 15"}}"#);
    pair.drop(0, "accepted.json", said.as_bytes());
    pair.json(0, "sent/accepted.json.receipt.json");
    let said = format!(r#"{{"originator":"H41","reference":"{reference}","status":"06"}}"#);
    pair.drop(0, "done.json", said.as_bytes());
    let statuses = pair.names(1, "status", 3);
    let told = |name: &String| {
        let bytes = fs::read(pair.path(1, &format!("status/{name}"))).expect("a file");
        match read(&bytes[..], &mut Ignore, &Limits::DEFAULT).expect("edXML").content {
            Content::Status(notice) => (notice.status, notice.description),
            Content::Document(_) => panic!("a status"),
        }
    };
    let told: Vec<_> = statuses.iter().map(told).collect();
    assert_eq!(told[0].0, Status::Arrived);
    assert_eq!(told[1], (Status::Accepted, Some("Số đến 15".to_owned())));
    assert_eq!(told[2].0, Status::Completed);

    // Down again as JSON, found as edXML.
    let letter = pair.path(0, "out/.letter");
    fs::create_dir(&letter).expect("a folder");
    fs::write(letter.join("a.pdf"), PDF).expect("a file");
    fs::write(letter.join("b.pdf"), b"PK\x03\x04\x14\0").expect("a file");
    let text = r#"{"recipients":["H41"],"metadata":{"subject":"Chỉ thị","number":"9"},
                   "documents":[{"file":"a.pdf","name":"chỉ thị.pdf"},
                                {"file":"b.pdf","media_type":"application/pdf"}]}"#;
    fs::write(letter.join("dispatch.json"), text).expect("a file");
    fs::rename(&letter, pair.path(0, "out/letter")).expect("renamed");
    let receipt = pair.json(0, "sent/letter.receipt.json");
    assert!(receipt["reference"].as_str().expect("a reference").starts_with("drop:"));
    // What is not what it says is carried. The receipt tells the one system; the other reads edXML, which
    // has no place for it, so the log of its node does.
    let remark = json!({"document": 2, "media_type": "application/pdf", "begins_like": "zip"});
    assert_eq!(receipt["type_remarks"], json!([remark]));
    let came = pair.names(1, "in", 1);
    let bytes = fs::read(pair.path(1, &format!("in/{}", came[0]))).expect("the file");
    match read(&bytes[..], &mut Ignore, &Limits::DEFAULT).expect("edXML").content {
        Content::Document(edoc) => assert_eq!(edoc.subject, "Chỉ thị"),
        Content::Status(_) => panic!("a document"),
    }
    for (tier, words) in [(0, "accepted"), (1, "given")] {
        let log = fs::read_to_string(&pair.nodes[tier].files.log).expect("a log");
        let words = format!("documents unlike their media types {words}");
        assert_eq!(log.matches(&words).count(), 1, "{log}");
    }
    // A status as edXML.
    let reference = receipt["reference"].as_str().expect("a reference");
    let status = edxml::status(CODES[1], CODES[0], reference, "03", "Đã nhận");
    pair.drop(1, "s.xml", &status);
    let statuses = pair.names(0, "status", 2);
    let told = pair.json(0, &format!("status/{}", statuses[1]));
    assert_eq!((&told["status"], &told["remark"]), (&"03".into(), &"Đã nhận".into()));
    assert_eq!((&told["recipient"], &told["reference"]), (&"H41".into(), &reference.into()));

    // Everything is on record as handed over, and a node that is killed gives nothing again.
    let view = pair.nodes[1].client().status().await.expect("a status");
    let folder = &view.drop_folders[0];
    assert_eq!((folder.sent, folder.refused, folder.trouble.as_deref()), (2, 0, None));
    for tier in [0, 1] {
        for name in pair.names(tier, "in", 1).iter().chain(&pair.names(tier, "status", 1)) {
            let of = if pair.path(tier, "in").join(name).exists() { "in" } else { "status" };
            let path = pair.path(tier, of).join(name);
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
                .expect("taken away");
        }
    }
    for node in &mut pair.nodes {
        node.kill();
        node.start();
    }
    for node in &mut pair.nodes {
        node.ready().await;
    }
    // The same file once more, under another name: the same dispatch.
    pair.drop(1, "again.edxml", &file);
    let receipt = pair.json(1, "sent/again.edxml.receipt.json");
    assert_eq!((&receipt["dispatch"], &receipt["repeat"]), (&dispatch.into(), &true.into()));
    pair.drop(1, "cv-8.edxml", &edxml::document(8, CODES[1], &[CODES[0]], PDF));
    let came = pair.names(0, "in", 1);
    let statuses = pair.names(1, "status", 1);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!((pair.names(0, "in", 1), pair.names(1, "status", 1)), (came.clone(), statuses));
    assert_eq!((came.len(), inbox(&pair.nodes[0].client(), &agency(0)).await.len()), (1, 2));
}

#[tokio::test]
async fn what_cannot_be_sent_is_put_away_with_its_reason_and_holds_nobody_up() {
    let pair = Pair::running().await;
    let cases: [(&str, &[u8], &str); 6] = [
        ("bad.edxml", b"<edXML", "EDXML_MALFORMED"),
        ("note.docx", b"PK", "DROP_UNFIT"),
        ("unknown.json", br#"{"originator":"H41","reference":"x","status":"03"}"#, "NOT_FOUND"),
        ("odd.json", br#"{"status":"03","x":1}"#, "BAD_REQUEST"),
        ("large.edxml", &[b' '; (1 << 20) + 1], "TOO_LARGE"),
        ("foreign.edxml", &edxml::document(3, CODES[0], &[CODES[1]], PDF), "NOT_AUTHORISED"),
    ];
    let secret = edxml::with_subject(4, CODES[1], &[CODES[0]], PDF, "MẬT");
    pair.drop(1, "secret.edxml", &secret);
    symlink("/etc/hostname", pair.path(1, "out/link.edxml")).expect("a link");
    for (name, bytes, _) in &cases {
        pair.drop(1, name, bytes);
    }
    // Still being written, or so it seems: left alone.
    fs::write(pair.path(1, "out/half.edxml.tmp"), b"<edXML").expect("a file");
    pair.drop(1, "zz.edxml", &edxml::document(5, CODES[1], &[CODES[0]], PDF));
    pair.json(1, "sent/zz.edxml.receipt.json");
    let more = [("secret.edxml", "SECRET_REFUSED"), ("link.edxml", "DROP_UNFIT")];
    for (name, code) in cases.iter().map(|(name, _, code)| (*name, *code)).chain(more) {
        let error = pair.json(1, &format!("failed/{name}.error.json"));
        assert_eq!(error["code"], code, "{name}: {error}");
        assert!(error["remedy"].as_str().is_some_and(|r| !r.is_empty()), "{error}");
        until(name, || pair.path(1, "failed").join(name).symlink_metadata().ok());
    }
    // The receipt comes first, then the move.
    until("the rest is put away", || {
        (names(&pair.path(1, "out")) == ["half.edxml.tmp"]).then_some(())
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let view = pair.nodes[1].client().status().await.expect("a status");
    assert_eq!((view.drop_folders[0].sent, view.drop_folders[0].refused), (1, 8));
    // A folder that became a link is not followed: trouble, and no file anywhere.
    let elsewhere = tempfile::tempdir().expect("a folder");
    fs::remove_dir_all(pair.path(0, "in")).expect("a folder of ours");
    symlink(elsewhere.path(), pair.path(0, "in")).expect("a link");
    pair.drop(1, "6.edxml", &edxml::document(6, CODES[1], &[CODES[0]], PDF));
    pair.json(1, "sent/6.edxml.receipt.json");
    let client = pair.nodes[0].client();
    let deadline = Instant::now() + SOON;
    while client.status().await.expect("a status").drop_folders[0].trouble.is_none() {
        assert!(Instant::now() < deadline, "no trouble is told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(names(elsewhere.path()).is_empty());
    fs::remove_file(pair.path(0, "in")).expect("the link");
    until("it goes on by itself", || (names_or_none(&pair.path(0, "in")) >= 1).then_some(()));
}

/// A pile that takes the node several turns, and one that is urgent and last by its name.
#[tokio::test]
async fn what_is_urgent_goes_before_a_pile_and_its_order_is_that_of_the_names() {
    const PILE: u32 = 150;
    let mut pair = Pair::running().await;
    pair.nodes[1].kill();
    let letter = |number: u32, priority: &str| {
        let file = edxml::document(number, CODES[1], &[CODES[0]], PDF);
        let text = String::from_utf8(file).expect("text");
        text.replace("<edXML:Priority>1<", &format!("<edXML:Priority>{priority}<")).into_bytes()
    };
    for number in 1..=PILE {
        pair.drop(1, &format!("a-{number:03}.edxml"), &letter(number, "0"));
    }
    pair.drop(1, "zz.edxml", &letter(PILE + 1, "3"));
    pair.nodes[1].start();
    pair.nodes[1].ready().await;
    let sent = |name: &str| pair.path(1, &format!("sent/{name}.edxml.receipt.json"));
    until("all are sent", || sent(&format!("a-{PILE:03}")).exists().then_some(()));
    let at = |name: &str| fs::metadata(sent(name)).and_then(|m| m.modified()).expect("a receipt");
    assert!(at("zz") < at("a-001"), "the urgent one was not the first");
    assert!(at("a-001") < at(&format!("a-{PILE:03}")), "the pile goes by its names");
    // In the other system's folder the order of the names is that of arrival.
    let came = pair.names(0, "in", PILE as usize + 1);
    let number = |name: &String| {
        let entry = pair.json(0, &format!("in/{name}/dispatch.json"));
        entry["metadata"]["number"].as_str().and_then(|n| n.parse::<u32>().ok()).expect("a number")
    };
    let place = came.iter().position(|name| number(name) == PILE + 1).expect("it came");
    assert!(place <= 24, "{place} of {} came before the urgent one", came.len());
}

fn names_or_none(path: &Path) -> usize {
    if path.is_dir() { names(path).len() } else { 0 }
}
