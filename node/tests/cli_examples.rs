//! The programs of docs/examples, run as a reader would run them.

mod cli_place;

use std::fs;
use std::path::Path;
use std::process::Command;

use cli_place::installed;
use serde_json::Value;

const ROOT: &str = "office/network/root.cbor";

/// A program that shares no code with ours seals with an agency's own key.
#[test]
#[ignore = "needs python3 with cryptography"]
fn needs_python_a_dispatch_sealed_by_the_example_verifies() {
    let place = installed();
    fs::write(place.path("bao-cao.pdf"), b"%PDF-1.7 bao cao").unwrap();
    let root = fs::read(place.path(ROOT)).unwrap();
    let network = tram_wire::root::RootFile::decode(&root).unwrap().network().to_string();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/seal.py");
    let run = |out: &str, network: &str| {
        let words = ["--from", "H41", "--to", "H41.12.03", "--to", "H41.12", "--reference"];
        let about = ["17/BC-UBND", "--subject", "Báo cáo tháng 11", "--document", "bao-cao.pdf"];
        let keys = ["--cert", "province/keys/seal.crt", "--key", "province/keys/seal.key"];
        let mut command = Command::new("python3");
        command.current_dir(place.path(".")).arg(&program).args(words).args(about).args(keys);
        command.args(["--network", network, "--out", out]).output().expect("python3 runs")
    };
    let done = run("a.dispatch", &network);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said = String::from_utf8_lossy(&done.stdout).into_owned();

    let verify = |file: &str| {
        let words = ["verify", "--json", file, "--document", "bao-cao.pdf", "--root", ROOT];
        let (code, out, err) =
            place.tram(&[&words[..], &["--directory", "office/directory.cbor"]].concat()).both();
        let report: Value =
            serde_json::from_str(&out).unwrap_or_else(|_| panic!("{code} {out}{err}"));
        (code, report)
    };
    let (code, report) = verify("a.dispatch");
    assert_eq!((code, &report["verified"]), (0, &1.into()), "{report}");
    let id = report["items"][0]["id"].as_str().expect("its id");
    assert_eq!(said.trim(), format!("dispatch {id}"), "{report}");

    // For another network it is nothing.
    assert!(run("b.dispatch", &"0".repeat(64)).status.success());
    let (code, report) = verify("b.dispatch");
    assert_eq!((code, &report["refused"]), (1, &1.into()), "{report}");
    // What is there is not overwritten.
    assert!(!run("a.dispatch", &network).status.success());
}
