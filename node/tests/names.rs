//! Names and texts from outside are data: no path, no terminal and no log ever has them raw; and no
//! log has a key or a word of a document.

#[path = "../../crates/axis/tests/door/client.rs"]
#[allow(dead_code, reason = "shared with the suite of the axis endpoint, which uses more of it")]
mod client;
#[path = "axis/country.rs"]
#[allow(dead_code, reason = "shared with the suite of the axis endpoint, which uses more of it")]
mod country;
#[path = "names/doors.rs"]
mod doors;
#[path = "names/list.rs"]
mod list;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use support::evidence::{eventually, inbox};
use support::peer::{Peer, dial, endpoint, transfer};
use support::sealing::{document, small_document};
use support::{Network, Node, Plan, Program, agency};
use tram_api::ClientError;
use tram_dispatch::envelope::Envelope;
use tram_dispatch::text::is_plain;
use tram_dispatch::{Code, Digest};
use tram_wire::SealedDispatch;
use tram_wire::cose::{Sign1, sig_structure};
use tram_wire::frame::{Outcome, Transfer};

/// What no log may say: it stands in every document.
const CANARY: &str = "chim-hoang-yen-trong-ham-mo";

fn text_of(number: usize) -> Vec<u8> {
    format!("{CANARY} van ban so {number}").into_bytes()
}

/// Seals an envelope that our own encoder would refuse: the signature is sound all the same.
fn forged(network: &Network, from: usize, envelope: &Envelope, good: &SealedDispatch) -> Vec<u8> {
    let good = Sign1::parse(good.raw(), good.raw().len()).expect("a sealed dispatch");
    let payload = tram_wire::envelope::encode(envelope);
    let signed = sig_structure(good.protected, envelope.network.as_bytes(), &payload);
    let signature = network.seals[from].key.sign(&signed).expect("a signature");
    Sign1 { payload: Some(&payload), signature: &signature, ..good }.encode()
}

/// The two places of an envelope that hold a name: a document's, and the subject.
fn envelopes(
    network: &Network,
    from: usize,
    to: usize,
    name: &str,
    number: usize,
) -> [Envelope; 2] {
    let text = text_of(number);
    let mut named =
        network.envelope(from, &[to], &format!("n/{number}"), vec![small_document(&text)]);
    let mut about = named.clone();
    named.documents[0].name = name.to_owned();
    about.metadata.subject = name.to_owned();
    [named, about]
}

/// Panics where a person could be shown something else than what stands there.
#[track_caller]
fn safe(what: &str, text: &str) {
    for line in text.lines() {
        assert!(is_plain(line), "{what}: {line:?}");
    }
}

/// Runs the command line against a node: both outputs, which must be safe to show.
fn tram(node: &Node, words: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_tram"))
        .args(words)
        .arg("--config")
        .arg(&node.files.config)
        .env_remove("TRAM_CONFIG")
        .env_remove("TRAM_SOCKET")
        .output()
        .expect("the program can be started");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("what is shown is text");
    let (said, complained) = (text(out.stdout), text(out.stderr));
    let words = words.join(" ");
    assert!(out.status.success(), "{words}: {complained}");
    safe(&words, &said);
    safe(&words, &complained);
    assert!(!complained.contains(CANARY), "{words}: {complained}");
    said
}

/// Every name of a file or folder below a folder.
fn names_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        found.insert(entry.file_name().into_string().expect("names are text"));
        if entry.file_type().expect("a type").is_dir() {
            names_below(&entry.path(), found);
        }
    }
}

/// What a log must not hold: the document's words, and every key in the forms a slip would give it.
fn secrets(network: &Network) -> Vec<(String, Vec<u8>)> {
    let mut out = vec![("a document".to_owned(), CANARY.as_bytes().to_vec())];
    for files in &network.nodes {
        for name in ["tls.key", "receipt.key", "checkpoint.key"] {
            let pem = fs::read_to_string(files.folder.join("keys").join(name)).expect("a key file");
            let lines: Vec<&str> = pem.lines().filter(|l| !l.starts_with("-----")).collect();
            out.extend(lines.iter().map(|l| (name.to_owned(), l.as_bytes().to_vec())));
        }
        let der = &files.identity.key_pkcs8_der;
        // The private part is never at the very beginning, which names the algorithm.
        let private = &der[der.len() / 2 - 8..der.len() / 2 + 8];
        out.push(("tls.key".to_owned(), private.to_vec()));
        out.push(("tls.key in hexadecimal".to_owned(), hex::encode(private).into_bytes()));
        let listed: Vec<String> = private.iter().map(u8::to_string).collect();
        out.push(("tls.key as a list".to_owned(), listed.join(", ").into_bytes()));
    }
    out
}

fn logs_are_clean(network: &Network, running: &[&Node]) {
    let secrets = secrets(network);
    for node in running {
        let log = fs::read(&node.files.log).expect("a log");
        for (what, secret) in &secrets {
            let found = log.windows(secret.len()).any(|w| w == &secret[..]);
            assert!(!found, "{what} stands in the log of {}", node.files.id);
        }
        let log = String::from_utf8(log).expect("a log is text");
        safe("the log", &log);
        assert!(log.lines().count() > 2, "a log of {} lines proves little", log.lines().count());
    }
}

#[tokio::test]
async fn names_that_bite_are_data_and_nothing_else() {
    let mut plan = Plan::tiers(2);
    plan.log_level = "trace";
    let (network, nodes) = Network::running(&plan).await;
    let (centre, province) = (&nodes[0], &nodes[1]);
    let names = list::all();
    assert!(names.len() >= 100, "{}", names.len());

    // The socket refuses what can do harm by being shown, whoever signed it.
    let good = network.seal(&network.envelope(0, &[1], "good", vec![small_document(b"x")]));
    let mut taken = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let [named, about] = envelopes(&network, 0, 1, name, number);
        match tram_wire::envelope::validate(&named) {
            Ok(()) => taken.push(name.clone()),
            Err(error) => refused(&network, centre, &named, &good, error.code, number).await,
        }
        if let Err(error) = tram_wire::envelope::validate(&about) {
            refused(&network, centre, &about, &good, error.code, number).await;
        }
    }
    assert!(taken.len() >= 90 && names.len() - taken.len() >= 90, "{} taken", taken.len());

    // What is left is text, and travels as such.
    let mut sent = Vec::new();
    for (number, part) in taken.chunks(40).enumerate() {
        let texts: Vec<Vec<u8>> = (0..part.len()).map(|n| text_of(number * 100 + n)).collect();
        let documents = part.iter().zip(&texts).map(|(name, text)| {
            document(name, text.len() as u64, Digest(tram_crypto::sha256(text)))
        });
        let mut envelope = network.envelope(0, &[1], &format!("t/{number}"), documents.collect());
        envelope.metadata.subject = part[number].clone();
        let sealed = network.seal(&envelope);
        let texts: Vec<_> = texts.into_iter().map(|text| Some(text.into())).collect();
        centre.client().submit(sealed.raw(), &texts).await.expect("accepted");
        sent.push(sealed.id().to_string());
    }
    eventually("everything is consigned", || async {
        inbox(&province.client(), &agency(1)).await.len() == sent.len()
    })
    .await;

    let before = everything(&network);
    let out = tempfile::tempdir().expect("a folder");
    let folder = out.path().to_str().expect("a path").to_owned();
    for id in &sent {
        for language in ["en", "vi"] {
            tram(centre, &["track", id, "--lang", language]);
        }
        let shown = tram(centre, &["track", id, "--json"]);
        serde_json::from_str::<serde_json::Value>(&shown).expect("JSON");
        tram(province, &["inbox", "fetch", id, "--out", &folder, "--confirm"]);
    }
    for words in [&["dispatch", "list"][..], &["queue", "list"], &["receipt", "list"]] {
        tram(centre, words);
        let shown = tram(centre, &[words, &["--json"]].concat());
        serde_json::from_str::<serde_json::Value>(&shown).expect("JSON");
    }
    tram(province, &["inbox", "list", "--lang", "vi"]);

    // Files are named by digests and by us.
    let mut fetched = BTreeSet::new();
    names_below(out.path(), &mut fetched);
    assert!(fetched.len() > taken.len(), "{}", fetched.len());
    for name in fetched.iter().chain(&before) {
        named_by_us(name);
        let ours = ["entry.json", "dispatch.cbor"].contains(&name.as_str());
        assert!(ours || !taken.contains(name), "a file is called {name:?}");
    }
    logs_are_clean(&network, &[centre, province]);
}

/// Panics for a name of a file that could be anybody's.
#[track_caller]
fn named_by_us(name: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    assert!(name.chars().all(plain) && !name.starts_with('-'), "a file is called {name:?}");
}

/// Every name in the folders of the network.
fn everything(network: &Network) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for files in &network.nodes {
        names_below(&files.folder, &mut found);
    }
    found
}

async fn refused(
    network: &Network,
    node: &Node,
    envelope: &Envelope,
    good: &SealedDispatch,
    code: Code,
    number: usize,
) {
    let bytes = forged(network, 0, envelope, good);
    let text = text_of(number);
    match node.client().submit(&bytes, &[Some(text.into())]).await {
        Err(ClientError::Problem(problem)) => {
            assert_eq!(problem.code, code.as_str(), "{}", problem.detail);
            safe("a problem", &problem.detail);
            assert!(!problem.detail.contains(CANARY), "{}", problem.detail);
        }
        other => panic!("expected {code}: {other:?}"),
    }
}

#[tokio::test]
async fn a_peer_that_offers_names_that_bite_is_refused() {
    let mut plan = Plan::tiers(2);
    plan.log_level = "trace";
    let network = Network::create(&plan);
    let mut victim = Node::new(network.nodes[0].clone(), Program::tram());
    victim.start();
    victim.answers().await;
    let peer = Peer::dialling(&network, 1, 0).await;
    let good = network.seal(&network.envelope(1, &[0], "good", vec![small_document(&text_of(0))]));
    let offer = transfer(&network, 1, &good, &[0], &text_of(0));
    let mut refused = 0;
    for (number, name) in list::all().iter().enumerate() {
        for envelope in envelopes(&network, 1, 0, name, number) {
            let Err(error) = tram_wire::envelope::validate(&envelope) else { continue };
            let dispatch = forged(&network, 1, &envelope, &good);
            let answers = peer.offer(Transfer { dispatch, ..offer.clone() }, &[]).await;
            match answers.as_slice() {
                [answer] => match &answer.outcome {
                    Outcome::RefusedUnsigned { code, detail } => {
                        assert_eq!(*code, error.code, "{detail}");
                        safe("an answer", detail);
                    }
                    other => panic!("{name:?}: {other:?}"),
                },
                other => panic!("{name:?}: {other:?}"),
            }
            refused += 1;
        }
    }
    assert!(refused >= 150, "{refused}");

    // What a peer says when it hangs up is logged, in one line, and harmless.
    let door = endpoint(&network.nodes[1].identity, None);
    let opened = dial(&door, &network.nodes[0]).await.expect("the peer is let in");
    opened.session.close(7, "hung-up\u{1b}[2J\u{202e}\nINFO forged");
    let log = || fs::read_to_string(&victim.files.log).expect("a log is text");
    eventually("what it said is logged", || async { log().contains("hung-up") }).await;
    assert!(log().lines().any(|l| l.contains("hung-up") && l.contains("INFO forged")), "{}", log());
    assert!(inbox(&victim.client(), &agency(0)).await.is_empty());
    logs_are_clean(&network, &[&victim]);
}

#[tokio::test]
async fn a_node_that_dies_leaves_no_core_file() {
    use std::os::unix::process::ExitStatusExt as _;
    let place = tempfile::tempdir().expect("a folder");
    let at = place.path().display();
    let script = format!("cd '{at}'; ulimit -c unlimited; exec \"$@\"");
    // Whether anything leaves one here: what dies in the same way and does not mind.
    let mut other = Command::new("sh");
    other.args(["-c", &format!("cd '{at}'; ulimit -c unlimited; kill -ABRT $$")]);
    if !other.status().expect("a shell").core_dumped() {
        // Straight to the terminal: CI lists these lines, also of tests that pass.
        use std::io::Write as _;
        let line = "######## SKIPPED: core files: nothing leaves one on this machine";
        writeln!(std::io::stderr().lock(), "{line}").expect("stderr");
        return;
    }
    let network = Network::create(&Plan::tiers(1));
    let program = Program::tram().through("sh", vec!["-c".into(), script, "sh".into()]);
    let mut node = Node::new(network.nodes[0].clone(), program);
    node.start();
    node.answers().await;
    node.signal(rustix::process::Signal::ABORT);
    let deadline = std::time::Instant::now() + support::SOON;
    let status = loop {
        if let Some(status) = node.ended() {
            break status;
        }
        assert!(std::time::Instant::now() < deadline, "it does not die");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert!(status.signal().is_some() && !status.core_dumped(), "{status}: its keys are in a file");
}
