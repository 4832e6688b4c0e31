//! The first installation, exactly as docs/operations.md has it typed, up to `tram config check`.

mod cli_place;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use cli_place::{Place, document, installed};

#[test]
fn the_documented_installation_ends_in_two_good_configurations() {
    let place = installed();
    for node in ["province", "commune"] {
        let config = format!("{node}/tram.toml");
        let checked = place.tram(&["config", "check", "--json", "--config", &config]);
        let report: serde_json::Value = serde_json::from_str(&checked.ok()).unwrap();
        assert_eq!(report["ok"], true, "{report}");
        let what: Vec<&str> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|f| f["what"].as_str())
            .collect();
        assert!(what.contains(&"node certificate") && what.contains(&"receipt log"), "{what:?}");
        assert!(report["findings"].as_array().unwrap().iter().all(|f| f["level"] == "good"));
    }
}

#[test]
fn what_init_makes_is_private_and_never_overwritten() {
    let place = installed();
    let mode = |path: &str| fs::metadata(place.path(path)).unwrap().permissions().mode() & 0o777;
    for folder in ["", "/keys", "/data", "/anchor", "/run"] {
        assert_eq!(mode(&format!("commune{folder}")), 0o700, "{folder}");
    }
    for key in ["tls", "receipt", "checkpoint"] {
        assert_eq!(mode(&format!("commune/keys/{key}.key")), 0o600, "{key}");
    }
    let before = fs::read(place.path("commune/keys/receipt.key")).unwrap();
    let again = place.tram(&[
        "init",
        "--code",
        "H41.12.03",
        "--root",
        "office/network/root.cbor",
        "--dir",
        "commune",
    ]);
    again.fails(2, "UNREADABLE");
    assert_eq!(fs::read(place.path("commune/keys/receipt.key")).unwrap(), before);
}

#[test]
fn a_request_that_was_changed_is_not_added_to_the_directory() {
    let place = installed();
    let text = fs::read_to_string(place.path("commune/node-request.json")).unwrap();
    let forged = text.replace("n1.H41.12.03\"", "n1.H41.12.04\"");
    assert_ne!(text, forged);
    fs::write(place.path("forged.json"), forged).unwrap();
    let added = place.tram(&[
        "directory",
        "add-node",
        "--file",
        "office/directory.toml",
        "--request",
        "forged.json",
    ]);
    assert!(added.fails(2, "UNREADABLE").contains("not what the genesis says"));
}

#[test]
fn an_authority_certifies_nothing_outside_its_subtree() {
    let place = installed();
    place
        .tram(&["pki", "request", "--seal", "H42", "--key", "other.key", "--out", "other.csr"])
        .ok();
    let issue =
        ["pki", "issue", "--ca", "office/ca-h41", "--request", "other.csr", "--out", "o.crt"];
    let said = place.tram(&issue).fails(1, "CERTIFICATE_NAME_CONSTRAINT");
    assert!(said.contains("h42.agency.alt") && !place.path("o.crt").exists(), "{said}");
}

#[test]
fn a_certificate_is_only_installed_where_it_belongs() {
    let place = installed();
    let config = ["--config", "commune/tram.toml"];
    let other = ["pki", "install", "--certificate", "province/tls.crt"];
    place.tram(&[&other[..], &config].concat()).fails(1, "CERTIFICATE_INVALID");

    // The same key under an authority that is no anchor of this network.
    place.tram(&["pki", "new-root", "--name", "Stranger", "--out", "stranger"]).ok();
    let issue = ["pki", "issue", "--ca", "stranger", "--out", "strange.crt"];
    place.tram(&[&issue[..], &["--request", "commune/node-request.json"]].concat()).ok();
    let strange = ["pki", "install", "--certificate", "strange.crt"];
    place.tram(&[&strange[..], &config].concat()).fails(1, "CERTIFICATE_UNTRUSTED");
}

#[test]
fn a_certificate_that_ends_soon_is_a_warning_of_its_own_in_both_languages() {
    let place = installed();
    let config = ["--config", "commune/tram.toml"];
    let issue = ["pki", "issue", "--ca", "office/ca-h41", "--days", "20", "--out", "short.crt"];
    place.tram(&[&issue[..], &["--request", "commune/node-request.json"]].concat()).ok();
    place.tram(&[&["pki", "install", "--certificate", "short.crt"][..], &config].concat()).ok();
    let check = [&["config", "check"][..], &config].concat();
    let report: serde_json::Value =
        serde_json::from_str(&place.tram(&[&check[..], &["--json", "--lang", "vi"]].concat()).ok())
            .unwrap();
    let findings = report["findings"].as_array().unwrap();
    let warning = findings.iter().find(|f| f["what"] == "node certificate").unwrap();
    assert_eq!(warning["level"], "warning");
    assert_eq!(warning["code"], "CERTIFICATE_ENDS_SOON");
    // Programs get UTC and English whatever the language, people what they read.
    let detail = warning["detail"].as_str().unwrap();
    assert!(detail.contains(", until 20") && detail.ends_with('Z'), "{detail}");
    let said = place.tram(&[&check[..], &["--lang", "vi"]].concat()).ok();
    let line = said.lines().find(|l| l.starts_with("chứng thư của nút")).unwrap();
    assert!(line.contains("lưu ý") && line.ends_with("+07"), "{said}");
    assert!(said.contains("tài liệu gốc") && said.contains("danh sách thu hồi"), "{said}");
}

#[test]
fn a_directory_needs_its_threshold_and_only_grows() {
    let place = installed();
    let root = ["--root", "office/network/root.cbor"];
    let sign = |key: &str, out: &str| {
        let key = format!("office/network/directory-{key}.key");
        let words = ["directory", "sign", "--file", "office/directory.toml", "--key", &key];
        place.tram(&[&words[..], &root, &["--out", out]].concat()).ok()
    };
    let first = fs::read(place.path("office/directory.cbor")).unwrap();
    sign("2", "second.cbor");
    let verify = [&["directory", "verify", "second.cbor"][..], &root].concat();
    place.tram(&verify).fails(1, "DIRECTORY_INVALID");
    let add = ["directory", "sign", "--key", "office/network/directory-0.key", "--add-to"];
    place.tram(&[&add[..], &["second.cbor"], &root].concat()).ok();
    assert!(place.tram(&verify).ok().contains("version 2"));
    let install = |file: &str| {
        place.tram(&["directory", "install", file, "--offline", "--config", "commune/tram.toml"])
    };
    install("second.cbor").ok();
    install("office/directory.cbor").fails(1, "DIRECTORY_OLD");
    // A key of nobody signs nothing.
    let seal = ["directory", "sign", "--key", "province/keys/seal.key", "--out", "x.cbor"];
    place
        .tram(&[&seal[..], &["--file", "office/directory.toml"], &root].concat())
        .fails(1, "NOT_AUTHORISED");
    assert_eq!(fs::read(place.path("office/directory.cbor")).unwrap(), first);
}

#[test]
fn a_closed_agency_has_a_successor_in_the_signed_directory() {
    let place = installed();
    let file = ["--file", "office/directory.toml"];
    let close = ["directory", "close-agency", "--code", "H41.12.03", "--successor", "H41"];
    place.tram(&[&close[..], &file].concat()).ok();
    let root = ["--root", "office/network/root.cbor"];
    let keys = ["0", "1"].map(|k| format!("office/network/directory-{k}.key"));
    let sign = ["directory", "sign", "--key", &keys[0], "--key", &keys[1], "--out", "closed.cbor"];
    place.tram(&[&sign[..], &file, &root].concat()).ok();
    let find = ["directory", "find", "MỸ SƠN", "--file", "closed.cbor", "--json"];
    let found: serde_json::Value =
        serde_json::from_str(&place.tram(&[&find[..], &root].concat()).ok()).unwrap();
    assert_eq!(found[0]["code"], "H41.12.03");
    assert_eq!((&found[0]["open"], &found[0]["successor"]), (&false.into(), &"H41".into()));
}

#[test]
fn a_revocation_list_grows_by_number_and_entry() {
    let place = installed();
    let revoke = ["pki", "revoke", "--ca", "office/ca-h41"];
    let one = ["--certificate", "commune/tls.crt", "--reason", "key-compromise"];
    place.tram(&[&revoke[..], &one].concat()).ok();
    place.tram(&[&revoke[..], &one].concat()).fails(1, "WRONG_STATE");
    place.tram(&[&revoke[..], &["--renew"]].concat()).ok();
    let shown = place.tram(&["pki", "show", "office/ca-h41/ca.crl", "--json"]).ok();
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (&shown[0]["number"], shown[0]["revoked"].as_array().unwrap().len()),
        (&3.into(), 1)
    );
    assert_eq!(shown[0]["revoked"][0][2], "key-compromise");
}

#[test]
fn the_document_names_no_command_that_does_not_exist() {
    let place = Place::new();
    let text = document();
    for line in text.lines().map(str::trim).filter(|l| l.starts_with("tram ")) {
        // The verb and noun with --help: refused if there is no such command.
        let words: Vec<&str> = line
            .split_whitespace()
            .skip(1)
            .take_while(|w| {
                !w.starts_with('-') && w.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
            })
            .take(2)
            .collect();
        place.tram(&[&words[..], &["--help"]].concat()).ok();
    }
}
