//! The same names through the doors of document systems: the axis endpoint, and the drop folder.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tram_dispatch::text::is_plain;
use tram_edxml::{Ignore, Limits, read};

use crate::client::Client;
use crate::country::{EMPTY, SYSTEMS, network_of, secret};
use crate::support::{Network, Node, Plan, Program, SOON, agency};
use crate::{everything, list, logs_are_clean, named_by_us, names_below, safe, text_of, tram};

/// Documents in one dispatch.
const PART: usize = 40;

/// Two tiers with the axis endpoint and a drop folder each; the upper one gets folders with JSON.
struct Place {
    network: Network,
    nodes: Vec<Node>,
    doors: Vec<SocketAddr>,
    base: tempfile::TempDir,
}

impl Place {
    async fn running() -> Self {
        let mut plan = Plan::tiers(2);
        plan.log_level = "trace";
        let (network, doors) = network_of(&plan, "");
        let base = tempfile::tempdir().expect("a folder");
        for (tier, files) in network.nodes.iter().enumerate() {
            let folder = base.path().join(format!("{tier}"));
            fs::DirBuilder::new().mode(0o770).create(&folder).expect("a folder");
            let config = fs::read_to_string(&files.config).expect("a file");
            let more = format!(
                "[drop]\ninterval_ms = 100\n[[drop_folders]]\nfolder = \"{}\"\nagency = \"{}\"\n\
                 mode = \"json\"\nroles = [\"submit\", \"collect\"]\n",
                folder.display(),
                agency(tier),
            );
            fs::write(&files.config, config + &more).expect("a file");
        }
        let nodes = network.start(&Program::tram()).await;
        let place = Place { network, nodes, doors, base };
        for tier in [0, 1] {
            until("the folders are there", || place.path(tier, "status").is_dir()).await;
        }
        place
    }

    fn path(&self, tier: usize, name: &str) -> PathBuf {
        self.base.path().join(format!("{tier}")).join(name)
    }

    /// A folder with JSON and other files, dropped whole.
    fn drop(&self, name: &str, letter: &Value, files: &[(&str, Vec<u8>)]) {
        let hidden = self.path(1, &format!("out/.{name}"));
        fs::create_dir(&hidden).expect("a folder");
        for (child, bytes) in files {
            fs::write(hidden.join(child), bytes).expect("a file");
        }
        fs::write(hidden.join("dispatch.json"), letter.to_string()).expect("a file");
        fs::rename(&hidden, self.path(1, &format!("out/{name}"))).expect("renamed");
    }
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + SOON;
    while !done() {
        assert!(std::time::Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The names in a folder that are not hidden.
fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).expect("a folder");
    let names = entries.map(|e| e.expect("an entry").file_name().into_string().expect("text"));
    names.filter(|name| !name.starts_with('.')).collect()
}

/// A document whose texts and attachments have these names, control characters as they are or by
/// reference.
fn edxml(number: usize, names: &[&str], by_reference: bool) -> Vec<u8> {
    const SPACE: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";
    let text = |name: &&str| -> String {
        let one = |c: char| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            c if by_reference && !c.is_ascii_graphic() => format!("&#{};", u32::from(c)),
            c => c.to_string(),
        };
        name.chars().map(one).collect()
    };
    let said: Vec<String> = (0..7).map(|at| text(&names[at % names.len()])).collect();
    let [subject, content, place, kind, competence, position, signer] = &said[..] else {
        unreachable!("seven")
    };
    let (from, to) = (SYSTEMS[1], SYSTEMS[0]);
    let attachment = |(at, name): (usize, &&str)| {
        let name = text(name);
        let encoded = STANDARD.encode(text_of(number * 100 + at));
        format!(
            "<Attachment><ContentId>cid:{at}</ContentId><AttachmentName>{name}</AttachmentName>\
             <Description>{name}</Description><ContentType>text/plain</ContentType>\
             <ContentTransferEncoded>{encoded}</ContentTransferEncoded></Attachment>"
        )
    };
    let attachments: String = names.iter().enumerate().map(attachment).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<edXML xmlns=\"{SPACE}\"><edXMLEnvelope><edXMLHeader><MessageHeader>\
         <From><OrganId>{from}</OrganId><OrganName>{signer}</OrganName></From>\
         <To><OrganId>{to}</OrganId><OrganName>{place}</OrganName></To>\
         <Code><CodeNumber>{number}</CodeNumber><CodeNotation>UBND-VP</CodeNotation></Code>\
         <PromulgationInfo><Place>{place}</Place><PromulgationDate>2026/11/20</PromulgationDate></PromulgationInfo>\
         <DocumentType><Type>2</Type><TypeName>{kind}</TypeName></DocumentType>\
         <Subject>{subject}</Subject><Content>{content}</Content>\
         <SignerInfo><Competence>{competence}</Competence><Position>{position}</Position><FullName>{signer}</FullName></SignerInfo>\
         <OtherInfo><Priority>0</Priority></OtherInfo><DocumentId>{from},2026/11/20,{number}/UBND-VP</DocumentId>\
         </MessageHeader></edXMLHeader><edXMLBody/></edXMLEnvelope>\
         <AttachmentEncoded>{attachments}</AttachmentEncoded></edXML>"
    )
    .into_bytes()
}

#[tokio::test]
async fn names_that_bite_are_harmless_through_the_axis_endpoint_and_drop_folders() {
    let place = Place::running().await;
    let all = list::all();
    let names_of_all: Vec<&str> = all.iter().map(String::as_str).collect();
    let sent = through_the_axis(&place, &names_of_all).await
        + through_folders(&place, &names_of_all).await;

    // All that was taken arrives, in folders and files that are named by the node.
    let incoming = place.path(0, "in");
    until("all of it has arrived", || names(&incoming).len() == sent).await;
    let mut there = everything(&place.network);
    names_below(&incoming, &mut there);
    assert!(there.len() > 100, "{}", there.len());
    there.iter().for_each(|name| named_by_us(name));
    let mut documents = 0;
    for name in names(&incoming) {
        let text = fs::read_to_string(incoming.join(&name).join("dispatch.json")).expect("text");
        safe("what was given", &text);
        let entry: Value = serde_json::from_str(&text).expect("JSON");
        let listed = entry["documents"].as_array().expect("documents");
        let name = |d: &Value| d["name"].as_str().is_some_and(|n| !n.is_empty() && n.len() <= 255);
        assert!(listed.iter().all(name), "{listed:?}");
        documents += listed.len();
    }
    assert!(documents > 250, "{documents}");

    // Nothing of it is shown raw.
    let mut client = Client::new(place.doors[1], SYSTEMS[1], &secret(1));
    client.set("messagetype", "edoc");
    let rows = client.call("getSentEdocList", EMPTY).await.json()["data"].clone();
    let rows = rows.as_array().expect("data");
    let title = |row: &Value| row["title"].as_str().is_some_and(is_plain);
    assert!(!rows.is_empty() && rows.iter().all(title), "{rows:?}");
    let [upper, lower] = [&place.nodes[0], &place.nodes[1]];
    let view = lower.client().status().await.expect("a status");
    let folder = &view.drop_folders[0];
    assert_eq!(folder.trouble, None, "no name is trouble");
    assert!(folder.sent > 0 && folder.refused > 150, "{folder:?}");
    for words in [&["dispatch", "list"][..], &["queue", "list"], &["receipt", "list"]] {
        tram(lower, words);
        serde_json::from_str::<Value>(&tram(lower, &[words, &["--json"]].concat())).expect("JSON");
    }
    tram(upper, &["inbox", "list", "--lang", "vi"]);
    logs_are_clean(&place.network, &[upper, lower]);
}

/// Each name in edXML: what XML cannot hold is refused, the rest is taken and made fit. Gives how many
/// dispatches were taken.
async fn through_the_axis(place: &Place, all: &[&str]) -> usize {
    let mut client = Client::new(place.doors[1], SYSTEMS[1], &secret(1));
    client.set("to", &format!("[\"{}\"]", SYSTEMS[0]));
    let readable = |file: &[u8]| read(file, &mut Ignore, &Limits::DEFAULT).is_ok();
    let (mut taken, mut refused) = (Vec::new(), 0);
    for (number, name) in all.iter().enumerate() {
        let spellings = [false, true].map(|by_reference| edxml(number, &[name], by_reference));
        for file in &spellings {
            // A text of an envelope is shorter than one of edXML may be.
            if readable(file) && name.len() <= 4096 {
                continue;
            }
            let answer = client.send("edoc", SYSTEMS[1], file).await;
            assert_eq!(answer.code(), "22", "{name:?}: {}", answer.json());
            let said = answer.json()["ErrorDesc"].as_str().expect("text").to_owned();
            assert!(is_plain(&said), "{said:?}");
            refused += 1;
        }
        if spellings.iter().all(|file| readable(file)) && name.len() <= 4096 {
            taken.push(*name);
        }
    }
    assert!(refused >= 40 && taken.len() > 120, "{refused} refused, {} taken", taken.len());
    let parts = taken.chunks(PART);
    let sent = parts.len();
    for (number, part) in parts.enumerate() {
        let answer =
            client.send("edoc", SYSTEMS[1], &edxml(1_000 + number, part, number % 2 == 0)).await;
        assert_eq!(answer.code(), "0", "{}", answer.json());
    }
    sent
}

/// Whether a file can have this name here, and is looked at.
fn of_a_file(name: &str) -> bool {
    let fits = (1..=255).contains(&name.len()) && !name.contains(['/', '\0']);
    fits && !name.starts_with('.')
}

/// Each name as that of a file in `out`, of a file in a folder of documents, of a document and in a subject.
/// Gives how many dispatches were taken.
async fn through_folders(place: &Place, all: &[&str]) -> usize {
    let (plain, odd): (Vec<&str>, Vec<&str>) =
        all.iter().partition(|name| is_plain(name) && (1..=255).contains(&name.len()));
    // Those that are text like any other are tried less often: each way costs a few writes.
    let some = plain.iter().step_by(6);
    for name in odd.iter().chain(some).filter(|name| of_a_file(name)) {
        fs::write(place.path(1, "out").join(name), b"x").expect("a file");
    }
    let to = agency(0);
    for (number, name) in odd.iter().enumerate() {
        let letter = |document: &str, subject: &str| {
            json!({
                "recipients": [to.as_str()], "metadata": {"subject": subject},
                "documents": [{"file": "a.txt", "name": document}],
            })
        };
        let file = || vec![("a.txt", text_of(number))];
        place.drop(&format!("named-{number}"), &letter(name, "x"), &file());
        // A subject may be empty, and longer than a name.
        if !is_plain(name) && number % 4 == 0 {
            place.drop(&format!("about-{number}"), &letter("a.txt", name), &file());
        }
        if of_a_file(name) && number % 4 == 1 {
            let files = [("a.txt", text_of(number)), (*name, text_of(number))];
            place.drop(&format!("with-{number}"), &letter("a.txt", "x"), &files);
        }
    }
    let parts = plain.chunks(PART);
    let sent = parts.len();
    for (number, part) in parts.enumerate() {
        let files: Vec<(String, Vec<u8>)> = (0..part.len())
            .map(|at| (format!("{at}.txt"), text_of(50_000 + number * 100 + at)))
            .collect();
        let documents: Vec<Value> = files
            .iter()
            .zip(part)
            .map(|((file, _), name)| json!({"file": file, "name": name}))
            .collect();
        let letter = json!({
            "recipients": [to.as_str()], "metadata": {"subject": part[number]}, "documents": documents,
        });
        let files: Vec<(&str, Vec<u8>)> =
            files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
        place.drop(&format!("plain-{number}"), &letter, &files);
    }
    let out = place.path(1, "out");
    until("everything is put away", || names(&out).is_empty()).await;

    let shelf = |name: &str| {
        let found: BTreeSet<String> = names(&place.path(1, name)).into_iter().collect();
        for name in &found {
            assert!(is_plain(name) && name.len() <= 255, "a file is called {name:?}");
        }
        found
    };
    let (taken, failed) = (shelf("sent"), shelf("failed"));
    let expected: Vec<String> = (0..sent).map(|number| format!("plain-{number}")).collect();
    assert!(expected.iter().all(|name| taken.contains(name)), "{taken:?}");
    assert_eq!(taken.len(), 2 * sent, "each with its receipt: {taken:?}");
    let errors: Vec<&String> = failed.iter().filter(|name| name.ends_with(".error.json")).collect();
    assert!(errors.len() > 150 && failed.len() == 2 * errors.len(), "{}", errors.len());
    for name in errors {
        let text = fs::read_to_string(place.path(1, "failed").join(name)).expect("text");
        safe(name, &text);
        let error: Value = serde_json::from_str(&text).expect("JSON");
        let code = error["code"].as_str().expect("a code");
        let known = ["BAD_REQUEST", "MALFORMED", "DROP_UNFIT", "TOO_LARGE", "EDXML_MALFORMED"];
        assert!(known.contains(&code), "{name}: {error}");
    }
    sent
}
