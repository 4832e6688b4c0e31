//! The independent verifier: a Python program, written from docs/protocol.md with public libraries
//! only, verifies what the demo's nodes issued, and refuses what was changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use tram_wire::Bundle;

use crate::run::Demo;

/// Longest run of the demo.
const WHOLE: Duration = Duration::from_secs(120);
/// Changed copies made of each receipt.
const CHANGES: usize = 24;

#[test]
#[ignore = "needs python3 with cbor2 and cryptography"]
fn needs_python_every_receipt_verifies_and_every_changed_one_is_refused() {
    let mut demo = Demo::start(&["--json"]);
    let (status, output) = demo.finish(WHOLE);
    assert!(status.success(), "{output}");
    let summary: serde_json::Value =
        serde_json::from_str(output.lines().last().unwrap_or_default()).expect("a summary");
    let receipts = files(&demo.dir().join("receipts"));
    assert_eq!(receipts.len() as u64, summary["receipts_verified"].as_u64().expect("a count"));

    let run = verify(&demo.dir(), &receipts);
    let lines = verdicts(&run);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(lines.len(), receipts.len());
    assert!(lines.iter().all(|l| l["verified"] == true && l["authorised"] == true), "{lines:?}");

    // The same in one file, which brings the directory.
    let bundle = Bundle {
        receipts: receipts.iter().map(|path| fs::read(path).expect("a receipt")).collect(),
        directory: Some(fs::read(demo.dir().join("network/directory.cbor")).expect("a directory")),
    };
    let path = demo.dir().join("all.receipts");
    fs::write(&path, bundle.encode()).expect("a bundle");
    let run = verify_by(&demo.dir(), None, std::slice::from_ref(&path));
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(verdicts(&run).len(), receipts.len());
    let mut other = bundle;
    other.receipts[0][300] ^= 1;
    fs::write(&path, other.encode()).expect("a changed bundle");
    let run = verify_by(&demo.dir(), None, std::slice::from_ref(&path));
    assert_eq!(run.status.code(), Some(1));
    let refused = verdicts(&run).iter().filter(|l| l["verified"] == false).count();
    assert_eq!(refused, 1);

    let folder = demo.dir().join("changed");
    fs::create_dir(&folder).expect("a folder");
    let mut changed = Vec::new();
    for (number, receipt) in receipts.iter().enumerate() {
        let bytes = fs::read(receipt).expect("a receipt");
        for change in 0..CHANGES {
            let mut other = bytes.clone();
            // Spread over all of the receipt, another place in each.
            let at = (change * bytes.len() / CHANGES + number) % bytes.len();
            other[at] ^= 1 << (change % 8);
            let path = folder.join(format!("{number}-{change}"));
            fs::write(&path, other).expect("a changed receipt");
            changed.push(path);
        }
    }
    let run = verify(&demo.dir(), &changed);
    assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stderr));
    let lines = verdicts(&run);
    assert_eq!(lines.len(), changed.len());
    let wrong: Vec<_> = lines.iter().filter(|l| l["verified"] != false).collect();
    assert!(wrong.is_empty(), "accepted: {wrong:?}");

    // Genuine receipts of another network.
    let mut other = Demo::start(&["--json"]);
    assert!(other.finish(WHOLE).0.success());
    let run = verify(&other.dir(), &receipts);
    assert_eq!(run.status.code(), Some(1));
    assert!(verdicts(&run).iter().all(|l| l["verified"] == false));
}

#[test]
#[ignore = "needs python3 with cbor2 and cryptography"]
fn needs_python_a_changed_directory_or_root_is_not_believed() {
    let mut demo = Demo::start(&["--json"]);
    assert!(demo.finish(WHOLE).0.success());
    let receipts = files(&demo.dir().join("receipts"));
    for name in ["network/root.cbor", "network/directory.cbor"] {
        let path = demo.dir().join(name);
        let good = fs::read(&path).expect("the file");
        for part in 1..8 {
            let mut bytes = good.clone();
            bytes[part * good.len() / 8] ^= 4;
            fs::write(&path, bytes).expect("a changed file");
            let run = verify(&demo.dir(), &receipts);
            assert_eq!(run.status.code(), Some(2), "{name}, part {part}");
        }
        fs::write(&path, good).expect("the file again");
    }
    assert!(verify(&demo.dir(), &receipts).status.success());
}

fn verify(dir: &Path, receipts: &[PathBuf]) -> Output {
    verify_by(dir, Some("network/directory.cbor"), receipts)
}

fn verify_by(dir: &Path, directory: Option<&str>, receipts: &[PathBuf]) -> Output {
    Command::new("python3")
        .arg(program())
        .args(["verify", "--json"])
        .arg("--root")
        .arg(dir.join("network/root.cbor"))
        .args(directory.into_iter().flat_map(|d| ["--directory".into(), dir.join(d)]))
        .args(receipts)
        .output()
        .expect("python3 runs")
}

fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/independent")
}

/// Everything about the demo's evidence file is said by both in the same words.
#[test]
#[ignore = "needs python3 with cbor2 and cryptography"]
fn needs_python_both_say_the_same_of_an_evidence_file() {
    let mut demo = Demo::start(&["--json"]);
    assert!(demo.finish(WHOLE).0.success());
    let found = files(&demo.dir().join("evidence"));
    let sound: Vec<&PathBuf> = found.iter().filter(|p| p.ends_with("chi-thi.evidence")).collect();
    let [sound] = sound[..] else { panic!("{found:?}") };
    let (directory, root) = ("network/directory.cbor", demo.dir().join("network/root.cbor"));
    let bytes = fs::read(sound).expect("the file");
    let altered = demo.dir().join("altered.evidence");
    for change in 0..CHANGES {
        let mut other = bytes.clone();
        if change > 0 {
            let at = change * bytes.len() / CHANGES;
            other[at] ^= 1 << (change % 8);
        }
        fs::write(&altered, &other).expect("an altered file");
        for by_position in [false, true] {
            let directory = by_position.then(|| demo.dir().join(directory));
            let ask = |mut command: Command| {
                command.arg("verify").arg("--json").arg(&altered).arg("--root").arg(&root);
                command
                    .args(directory.iter().flat_map(|d| ["--directory".as_ref(), d.as_os_str()]));
                let run = command.env("LANG", "C").output().expect("it runs");
                let said = String::from_utf8_lossy(&run.stdout).into_owned();
                let said = said.parse::<serde_json::Value>().unwrap_or_default();
                (run.status.code(), comparable(said))
            };
            let ours = ask(Command::new(env!("CARGO_BIN_EXE_tram")));
            let mut python = Command::new("python3");
            python.arg(program());
            let theirs = ask(python);
            assert_eq!(ours, theirs, "change {change}, by position: {by_position}");
            assert!(change == 0 || ours.0 != Some(0), "change {change} is taken for whole");
        }
    }
}

/// Why a part is false, and why a token is refused, each verifier says in its own words.
fn comparable(mut reports: serde_json::Value) -> serde_json::Value {
    for report in reports.as_array_mut().into_iter().flatten() {
        for part in report["false_parts"].as_array_mut().into_iter().flatten() {
            let part = part.as_object_mut().expect("an object");
            part.remove("detail");
            part.remove("code");
        }
    }
    reports
}

fn verdicts(run: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8_lossy(&run.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("a verdict")).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in fs::read_dir(folder).expect("a folder") {
        let path = item.expect("an item").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
