//! The first dispatch, exactly as docs/operations.md has it typed after the installation: two
//! running nodes, from the seal to the receipts verified off line.

mod cli_place;

use std::net::UdpSocket;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use std::{fs, thread};

use cli_place::{Place, first_steps, installed_at};
use serde_json::Value;

/// Longest wait for the two nodes to find each other.
const SOON: Duration = Duration::from_secs(20);

/// A running node; stopped with the test.
struct Node(Child);

impl Node {
    /// Stops it as a service manager would.
    fn stop(mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert_eq!(self.0.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn dispatch_id(place: &Place) -> String {
    let words = ["inbox", "list", "--json", "--config", "commune/tram.toml"];
    let listed: Value = serde_json::from_str(&place.tram(&words).ok()).unwrap();
    listed[0]["dispatch"].as_str().unwrap().to_owned()
}

#[test]
fn the_documented_first_dispatch_arrives_and_its_receipts_verify() {
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = installed_at(port);
    fs::write(place.path("directive.pdf"), b"%PDF-1.7 directive").unwrap();
    let steps = first_steps();
    let (runs, rest): (Vec<_>, Vec<_>) = steps.iter().partition(|l| l.starts_with("tram run "));
    let mut nodes = Vec::new();
    for (number, line) in runs.iter().enumerate() {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        nodes.push(Node(place.start(&words, &format!("{number}.log"))));
    }
    assert!(nodes.len() == 2 && rest.len() > 8, "{steps:?}");
    let mut id = None;
    for line in rest {
        let mut line = line.clone();
        if line.contains(" ID") {
            line =
                line.replace(" ID", &format!(" {}", id.get_or_insert_with(|| dispatch_id(&place))));
        }
        if line.starts_with("tram peer test") {
            let start = Instant::now();
            while place.shell(&line).both().0 != 0 && start.elapsed() < SOON {
                thread::sleep(Duration::from_millis(100));
            }
        }
        let said = place.shell(&line).ok();
        assert!(!said.contains("\u{1b}"), "{said:?}");
    }
    let id = id.unwrap();
    // What the clerk fetched is the document, under a name that its digest gives.
    let fetched = fs::read_dir(place.path("incoming").join(&id)).unwrap();
    let names: Vec<_> = fetched.map(|e| e.unwrap().path()).collect();
    let pdf = names.iter().find(|p| p.extension().is_some_and(|e| e == "pdf")).unwrap();
    assert_eq!(fs::read(pdf).unwrap(), b"%PDF-1.7 directive");
    // The same again changes nothing, also the fetch.
    let again = format!("tram inbox fetch {id} --out incoming --config commune/tram.toml");
    place.shell(&again).ok();

    let config = ["--config", "commune/tram.toml"];
    let status = place.tram(&[&["status", "--json"][..], &config].concat()).ok();
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!((&status["state"], &status["peers_connected"]), (&"ready".into(), &1.into()));
    place.tram(&[&["store", "check"][..], &config].concat()).ok();
    let offline = [&["store", "check", "--offline", "--rebuild-index"][..], &config].concat();
    place.tram(&offline).fails(4, "STORE_LOCKED");
    what_is_not_a_neighbour_or_not_complete_is_said(&place);
    documents_that_are_not_what_they_say_are_told(&place);
    nodes.pop().unwrap().stop();
    a_wait_says_what_it_waits_for(&place);
    assert!(place.tram(&offline).ok().contains("whole"));
    place.tram(&[&["status"][..], &config].concat()).fails(5, "NODE_UNREACHABLE");
}

fn what_is_not_a_neighbour_or_not_complete_is_said(place: &Place) {
    // A socket alone is enough to know whose mailbox it is.
    let sockets: Vec<String> = fs::read_to_string(place.path("commune/tram.toml"))
        .unwrap()
        .lines()
        .filter_map(|l| l.strip_prefix("path = \"")?.strip_suffix('"').map(str::to_owned))
        .collect();
    let socket = place.path("commune").join(&sockets[0]).display().to_string();
    let listed = place.tram(&["inbox", "list", "--lang", "vi", "--socket", &socket]).ok();
    let line = listed.lines().nth(1).unwrap();
    assert!(line.contains("+07") && line.contains("Phòng chống bão"), "{listed}");

    let words = ["peer", "test", "n1.G22", "--lang", "vi", "--config", "commune/tram.toml"];
    let (code, said, _) = place.tram(&words).both();
    assert_eq!(code, 1);
    assert!(said.contains("danh bạ") && said.contains("PEER_NOT_IN_DIRECTORY"), "{said}");
    assert!(said.contains("`tram peer list`") && !said.contains("`tram peer test"), "{said}");
}

fn documents_that_are_not_what_they_say_are_told(place: &Place) {
    fs::write(place.path("false.pdf"), b"PK\x03\x04\x14\0").unwrap();
    let seal = "tram dispatch seal --from H41 --to H41.12.03 --reference 3/CT-UBND --number 3 \
        --notation CT-UBND --subject Ba --document false.pdf --cert province/keys/seal.crt \
        --key province/keys/seal.key --root office/network/root.cbor --out three.dispatch --json";
    let sealed: Value = serde_json::from_str(&place.shell(seal).ok()).unwrap();
    let id = sealed["dispatch"].as_str().unwrap();
    let noted = |words: &str, config: &str, note: &str| {
        let line = format!("tram {words} --config {config}/tram.toml");
        let (code, _, said) = place.shell(&line).both();
        assert!(code == 0 && said.contains(note) && said.contains(id), "{line}: {said}");
        // Programs read the answer, and nothing beside it.
        let (_, json, said) = place.shell(&format!("{line} --json")).both();
        assert!(serde_json::from_str::<Value>(&json).is_ok() && !said.contains(note), "{said}");
    };
    let submit = "submit three.dispatch --document false.pdf";
    noted(submit, "province", "1 says application/pdf, begins like ZIP");
    let track = format!("track {id}");
    noted(&format!("{track} --wait"), "province", "1 says application/pdf, begins like ZIP");
    noted(
        &format!("{track} --lang vi"),
        "province",
        "số 1 khai là application/pdf, mở đầu như ZIP",
    );
    noted("inbox list", "commune", "1 of the documents of");
    noted("inbox list --lang vi", "commune", "1 văn bản trong");
    let fetch = format!("inbox fetch {id} --out incoming");
    noted(&fetch, "commune", "1 says application/pdf, begins like ZIP");
}

/// With the commune's node stopped: a leg on hold does not end by itself.
fn a_wait_says_what_it_waits_for(place: &Place) {
    let config = ["--config", "province/tram.toml"];
    let seal = "tram dispatch seal --from H41 --to H41.12.03 --reference 2/CT-UBND --number 2 \
        --notation CT-UBND --subject Hai --document directive.pdf --cert province/keys/seal.crt \
        --key province/keys/seal.key --root office/network/root.cbor --out two.dispatch --json";
    let sealed: Value = serde_json::from_str(&place.shell(seal).ok()).unwrap();
    let id = sealed["dispatch"].as_str().unwrap();
    let submit = ["submit", "two.dispatch", "--document", "directive.pdf"];
    place.tram(&[&submit[..], &config].concat()).ok();
    place.tram(&[&["queue", "hold", id, "H41.12.03"][..], &config].concat()).ok();
    let track = ["track", id, "--wait", "--timeout", "1"];
    let (code, out, said) = place.tram(&[&track[..], &config].concat()).both();
    assert_eq!(code, 3, "{said}");
    assert!(out.contains("on hold"), "{out}");
    let notes = ["1 of 1 legs are not there yet", "releases it: H41.12.03", "after 1 seconds"];
    assert!(notes.iter().all(|note| said.contains(note)), "{said}");
}
