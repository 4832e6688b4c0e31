//! Evidence files and the command line, without any node: what is said of a whole one, of one that lacks
//! something, and of an altered one.
#![allow(clippy::print_stdout, reason = "says how long it took")]

mod cli_place;

use std::fs;
use std::time::Instant;

use cli_place::Place;
use serde_json::Value;
use tram_trust::evidence::{Ground, examine};
use tram_trust::fixtures::{DOCUMENT, FourTiers};
use tram_wire::{EvidenceFile, Receipt};

struct World {
    place: Place,
    tiers: FourTiers,
}

impl World {
    fn new(label: &str) -> Self {
        let (place, tiers) = (Place::new(), FourTiers::new(label));
        fs::write(place.path("root.cbor"), &tiers.network.root_file).unwrap();
        fs::write(place.path("directory.cbor"), &tiers.network.directory_file).unwrap();
        fs::write(place.path("policy"), &tiers.policy).unwrap();
        fs::write(place.path("document"), DOCUMENT).unwrap();
        fs::write(place.path("a.evidence"), tiers.file.encode()).unwrap();
        World { place, tiers }
    }

    fn put(&self, change: impl FnOnce(&mut EvidenceFile)) {
        let mut file = self.tiers.file.clone();
        change(&mut file);
        file.sort();
        fs::write(self.place.path("a.evidence"), file.encode()).unwrap();
    }

    fn verify(&self, more: &[&str]) -> (i32, Value) {
        let words = ["verify", "a.evidence", "--root", "root.cbor", "--json"];
        let (code, out, err) = self.place.tram(&[&words[..], more].concat()).both();
        let mut all: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
        (code, all[0].take())
    }
}

fn claims<'a>(report: &'a Value, name: &str) -> Vec<&'a Value> {
    report["claims"].as_array().unwrap().iter().filter(|c| c["claim"] == name).collect()
}

#[test]
fn a_whole_file_needs_the_root_document_alone() {
    let world = World::new("whole");
    let (code, report) = world.verify(&[]);
    assert_eq!((code, &report["verdict"]), (0, &Value::from("proved")), "{report:#}");
    for name in ["sealed", "unrevoked", "custody", "arrived", "taken", "decided", "document"] {
        let found = claims(&report, name);
        assert!(found.len() == 1 && found[0]["proved"] == true, "{name}: {report:#}");
    }
    assert_eq!(claims(&report, "held").len(), 4);
    assert!(
        claims(&report, "decided")[0]["detail"].as_str().unwrap().contains("signed by the agency")
    );
    // Whose cosignatures are needed, a policy or the whole directory says.
    assert!(claims(&report, "witnessed").iter().all(|c| c["proved"] == false));
    for more in [["--policy", "policy"], ["--directory", "directory.cbor"]] {
        let (code, report) = world.verify(&more);
        assert!(claims(&report, "witnessed").iter().all(|c| c["proved"] == true), "{report:#}");
        assert_eq!(code, 0);
    }
    let words = ["verify", "a.evidence", "--root", "root.cbor"];
    let english = world.place.tram(&words).ok();
    assert!(english.contains("PROVED") && english.contains("n1.G22 → n1.H41"), "{english}");
    assert!(english.contains("All that was asked is proved"), "{english}");
    let vietnamese = world.place.tram(&[&words[..], &["--lang", "vi"]].concat()).ok();
    assert!(vietnamese.contains("ĐÃ CHỨNG MINH"), "{vietnamese}");
    assert!(vietnamese.contains("chuỗi lưu giữ không đứt đoạn"), "{vietnamese}");
    let shown = world.place.tram(&["evidence", "show", "a.evidence"]).ok();
    assert!(shown.contains("H41.12.03") && shown.contains("revocation lists"), "{shown}");
}

#[test]
fn the_exit_code_is_of_what_was_asked() {
    let world = World::new("asked");
    world.put(|file| file.documents.clear());
    assert_eq!(world.verify(&[]).0, 0, "documents are not asked for");
    assert_eq!(world.verify(&["--ask", "document"]).0, 3);
    assert_eq!(world.verify(&["--ask", "document", "--document", "document"]).0, 0);
    assert_eq!(world.verify(&["--ask", "ended"]).0, 3, "nothing of the kind is there");
    world.put(|file| file.revocation.clear());
    let (code, report) = world.verify(&[]);
    assert_eq!((code, &report["verdict"]), (3, &Value::from("undetermined")));
    assert_eq!(claims(&report, "unrevoked")[0]["why_not"], "no_lists");
    assert_eq!(world.verify(&["--ask", "sealed,custody,arrived"]).0, 0);
    world.place.tram(&["verify", "a.evidence", "--root", "root.cbor", "--ask", "much"]).both();
    let mixed = ["verify", "a.evidence", "directory.cbor", "--root", "root.cbor"];
    assert_eq!(world.place.tram(&mixed).both().0, 2);
}

#[test]
fn a_false_part_is_named_and_anything_else_is_no_evidence() {
    let world = World::new("false");
    world.put(|file| {
        let place = file.receipts[2].len() - 3;
        file.receipts[2][place] ^= 1;
    });
    let (code, report) = world.verify(&[]);
    assert_eq!((code, &report["verdict"]), (1, &Value::from("false")), "{report:#}");
    assert_eq!(report["false_parts"][0]["part"], "receipt");
    let words = ["verify", "a.evidence", "--root", "root.cbor"];
    let (code, out, _) = world.place.tram(&words).both();
    assert!(code == 1 && out.contains("FALSE") && out.contains("receipt"), "{out}");
    // Another network's.
    let other = FourTiers::new("another");
    fs::write(world.place.path("a.evidence"), other.file.encode()).unwrap();
    let (code, report) = world.verify(&[]);
    assert_eq!((code, &report["false_parts"][0]["code"]), (1, &Value::from("WRONG_NETWORK")));
    // Cut off.
    let whole = world.tiers.file.encode();
    fs::write(world.place.path("a.evidence"), &whole[..whole.len() - 1]).unwrap();
    world.place.tram(&words).fails(1, "MALFORMED");
}

/// In this process, without optimisation where the test is built so: the median of some runs.
#[test]
fn the_library_takes_little_time() {
    let tiers = FourTiers::new("library");
    let ground = Ground::new(tiers.network.root.clone()).with_policy(&tiers.policy).unwrap();
    let (bytes, raw) = (tiers.file.encode(), tiers.receipts[3].raw());
    let median = |work: &dyn Fn()| {
        let mut took: Vec<f64> = (0..21)
            .map(|_| {
                let start = Instant::now();
                work();
                start.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        took.sort_by(f64::total_cmp);
        took[took.len() / 2]
    };
    let (root, directory) = (&tiers.network.root, &tiers.network.directory);
    let receipt = median(&|| {
        let receipt = Receipt::parse(raw).unwrap();
        tram_trust::receipt::verify_offline(root, directory, receipt).unwrap();
    });
    let file = median(&|| assert!(examine(&ground, &bytes).unwrap().faults.is_empty()));
    println!(
        "library: one receipt {receipt:.2} ms, a four-tier evidence file of {} bytes {file:.2} ms",
        bytes.len()
    );
    assert!(receipt < 5.0 && file < 50.0, "{receipt} {file}");
}

/// The whole program, start to end: the best of some runs, on a machine that does other things as well.
#[test]
fn a_file_and_a_receipt_take_little_time() {
    let world = World::new("time");
    let receipt = world.tiers.receipts[0].raw().to_vec();
    fs::write(world.place.path("a.receipt"), receipt).unwrap();
    let took = |words: &[&str]| {
        let runs = (0..7).map(|_| {
            let start = Instant::now();
            world.place.tram(words).ok();
            start.elapsed().as_secs_f64() * 1000.0
        });
        runs.fold(f64::INFINITY, f64::min)
    };
    let file = took(&["verify", "a.evidence", "--root", "root.cbor"]);
    let one = ["verify", "a.receipt", "--root", "root.cbor", "--directory", "directory.cbor"];
    let receipt = took(&one);
    println!("`tram verify`: one receipt {receipt:.1} ms, a four-tier evidence file {file:.1} ms");
    // The promise is of the program as it is shipped.
    let times = if cfg!(debug_assertions) { 20.0 } else { 1.0 };
    assert!(file < 50.0 * times && receipt < 5.0 * times, "{file} {receipt}");
}
