//! Proofs that a log was split: `tram verify` and the independent verifier (`tests/independent`) judge
//! the same of sound ones and of altered ones, and neither accepts an altered one.
//!
//! What the file says besides the two notes, root and path is covered by no signature
//! (`docs/protocol.md`, section 7.6): who found it, when, the code, members of later versions. Altered
//! there, it proves what it proved before; so it does with a witness's line more or less under a note.

#![allow(clippy::print_stdout, reason = "says how many there were")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::{MemoryTree, consistency_proof, root_at};
use tram_trust::fixtures::{CENTRE, COMMUNE, Network};

/// Altered copies of each proof.
const ALTERED: usize = 60;

/// Two histories of one log that part after four of nine leaves.
fn trees() -> [MemoryTree; 2] {
    [0_u8, 1].map(|branch| {
        let mut tree = MemoryTree::new();
        (0..9_u8).for_each(|n| _ = tree.push(&[n, if n < 4 { 0 } else { branch }]));
        tree
    })
}

fn note(network: &Network, of: &str, tree: &MemoryTree, size: u64) -> String {
    let keys = network.node(of);
    let origin = tram_trust::checkpoint::origin(network.id(), &keys.id, keys.epoch);
    let checkpoint = Checkpoint::new(&origin, size, root_at(tree, size).unwrap()).unwrap();
    String::from_utf8(checkpoint.sign(&origin, &keys.checkpoint).unwrap()).unwrap()
}

fn proof(network: &Network, held: u64, shown: u64) -> Value {
    let [one, other] = trees();
    let mut proof = json!({
        "format": "tram-log-proof",
        "version": 1,
        "code": "LOG_FORK",
        "network": network.id().to_string(),
        "node": network.node(COMMUNE).id.to_string(),
        "held_by": "n1.H41.12",
        "found_at": "2026-06-01T00:00:00.000Z",
        "held": note(network, COMMUNE, &one, held),
        "shown": note(network, COMMUNE, &other, shown),
        "path": [],
    });
    if shown >= held {
        let path = consistency_proof(&other, held, shown).unwrap();
        proof["root"] = json!(hex::encode(root_at(&other, held).unwrap().0));
        proof["path"] = path.iter().map(|hash| json!(hex::encode(hash.0))).collect();
    }
    proof
}

/// The text with one character another one.
fn flipped(text: &str, at: usize) -> String {
    if text.is_empty() {
        return "07".repeat(32);
    }
    let place = at % text.chars().count();
    let other = |c: char| if c == 'A' { 'B' } else { 'A' };
    text.chars().enumerate().map(|(n, c)| if n == place { other(c) } else { c }).collect()
}

/// An altered proof, and whether it still proves what it proved.
fn altered(network: &Network, sound: &Value, n: usize) -> (String, bool) {
    let mut proof = sound.clone();
    let [one, _] = trees();
    let text = |proof: &Value, key: &str| proof[key].as_str().unwrap_or_default().to_owned();
    let mut stands = false;
    match n % 12 {
        0 => proof["held"] = json!(flipped(&text(sound, "held"), n * 37)),
        1 => proof["shown"] = json!(flipped(&text(sound, "shown"), n * 41)),
        2 => proof["root"] = json!(flipped(&text(sound, "root"), n * 7)),
        3 => proof["path"] = json!(["07".repeat(32)]),
        4 => proof["node"] = json!(network.node(CENTRE).id.to_string()),
        5 => proof["network"] = json!("00".repeat(32)),
        6 => proof["held"] = json!(note(network, CENTRE, &one, 7)),
        7 => proof["shown"] = json!(note(network, COMMUNE, &one, 8)),
        8 => {
            (stands, proof["held_by"], proof["code"]) =
                (true, json!("n1.G22"), json!("LOG_ROLLBACK"));
            proof["of a later version"] = json!({ "x": [1, 2, null] });
        }
        9 => {
            stands = true;
            let held = text(sound, "held") + "— a+b AAAAAAA=\n";
            let line = held.replace("a+b", "a.stranger");
            proof["held"] = json!(line);
        }
        10 => {
            let whole = serde_json::to_string(sound).unwrap();
            return (whole.replacen("{", "{\"held\":\"\",", 1), false);
        }
        _ => proof["version"] = json!(2),
    }
    let whole = serde_json::to_string_pretty(&proof).unwrap();
    (whole, stands)
}

fn verdict_of_ours(path: &Path, root: &Path, directory: &Path) -> &'static str {
    let run = Command::new(env!("CARGO_BIN_EXE_tram"))
        .arg("verify")
        .arg(path)
        .arg("--root")
        .arg(root)
        .arg("--directory")
        .arg(directory)
        .output()
        .expect("it runs");
    match run.status.code() {
        Some(0) => "proved",
        Some(3) => "not proved",
        _ => "refused",
    }
}

#[test]
#[ignore = "needs python3 with cbor2 and cryptography"]
fn needs_python_both_judge_the_same_of_proofs_against_a_log() {
    let network = Network::new("proofs agree");
    let folder = tempfile::tempdir().unwrap();
    let (root, directory) = (folder.path().join("root"), folder.path().join("directory"));
    fs::write(&root, &network.root_file).unwrap();
    fs::write(&directory, &network.directory_file).unwrap();
    let (mut paths, mut ours) = (Vec::new(), Vec::new());
    for (held, shown) in [(7, 8), (8, 8), (8, 7), (5, 9)] {
        let sound = proof(&network, held, shown);
        let mut cases = vec![(serde_json::to_string(&sound).unwrap(), true)];
        cases.extend((0..ALTERED).map(|n| altered(&network, &sound, n)));
        let mut first = None;
        for (number, (bytes, stands)) in cases.into_iter().enumerate() {
            let path = folder.path().join(format!("{held}-{shown}-{number}.json"));
            fs::write(&path, bytes).unwrap();
            let verdict = verdict_of_ours(&path, &root, &directory);
            let first = *first.get_or_insert(verdict);
            assert_eq!(first, if shown < held { "not proved" } else { "proved" });
            if stands {
                assert_eq!(verdict, first, "{held} {shown} {number}");
            } else {
                assert_ne!(verdict, "proved", "{held} {shown} {number}");
            }
            paths.push(path);
            ours.push(verdict);
        }
    }
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/independent");
    let run = Command::new("python3")
        .arg(program)
        .args(["verify", "--json", "--root"])
        .arg(&root)
        .arg("--directory")
        .arg(&directory)
        .args(&paths)
        .output()
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let theirs: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(theirs.len(), ours.len(), "{}", String::from_utf8_lossy(&run.stderr));
    for ((path, ours), theirs) in paths.iter().zip(&ours).zip(&theirs) {
        let theirs = match (&theirs["verified"], &theirs["kind"]) {
            (Value::Bool(true), _) => "proved",
            (_, Value::String(_)) => "not proved",
            _ => "refused",
        };
        assert_eq!(*ours, theirs, "{}", path.display());
    }
    println!("proofs={} accepted=0 disagreements=0", ours.len());
}
