//! `[[drop_folders]]` and `[[webhooks]]`: what is read, and what is refused in which words.

mod fixture;

use fixture::{Fixture, WHOLE, accounts, messages};
use tram_config::{Complete, Config, Form};

const SEAL: &str =
    "[[seals]]\nagency = \"H41.12\"\ncertificate = \"keys/seal.crt\"\nkey = \"keys/seal.key\"\n";
const FOLDER: &str = "[[drop_folders]]\nfolder = \"shared\"\nagency = \"000.00.12.H41\"\n\
                      mode = \"json\"\nroles = [\"submit\", \"collect\"]\n";
const HOOK: &str = "[[webhooks]]\nagency = \"H41.12\"\nsecret = \"keys/hook.secret\"\n";

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.folder("shared", 0o770);
    fixture.folder("open", 0o777);
    fixture.file("keys/hook.secret", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=\n", 0o600);
    fixture.certificate("keys/ca.pem");
    fixture
}

fn read(text: &str) -> Config {
    let fixture = fixture();
    assert_eq!(messages(&fixture, text), "accepted");
    Config::parse(text, &fixture.path("t.toml"), &accounts()).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_folder_has_an_agency_a_form_and_roles_and_none_is_there_by_itself() {
    assert!(read(WHOLE).drop_folders.is_empty() && read(WHOLE).webhooks.is_empty());
    let config = read(&format!("{WHOLE}{SEAL}[drop]\ninterval_ms = 250\n{FOLDER}"));
    let [folder] = &config.drop_folders[..] else { panic!("one folder") };
    assert_eq!((folder.agency.as_str(), folder.form), ("H41.12", Form::Json));
    assert_eq!((folder.complete, folder.submit, folder.collect), (Complete::Renamed, true, true));
    assert_eq!((config.drop.interval_ms, config.drop.quiet_s), (250, 10));
    let quiet = FOLDER.replace("\"submit\", ", "") + "complete = \"quiet\"\n";
    // What only collects needs no seal key.
    let config = read(&format!("{WHOLE}{quiet}"));
    let folder = &config.drop_folders[0];
    assert_eq!((folder.complete, folder.submit), (Complete::Quiet, false));
}

#[test]
fn a_receiver_is_on_loopback_or_has_anchors() {
    let plain = HOOK.to_owned() + "url = \"http://127.0.0.1:8000/hook?a=1\"\n";
    let config = read(&format!("{WHOLE}{plain}"));
    let [hook] = &config.webhooks[..] else { panic!("one receiver") };
    assert_eq!((hook.url.address.port, hook.url.path.as_str()), (8000, "/hook?a=1"));
    assert!(!hook.url.tls && hook.anchors.is_none());
    let https = HOOK.to_owned() + "url = \"https://qlvb.example.vn\"\nanchors = \"keys/ca.pem\"\n";
    let config = read(&format!("{WHOLE}{https}"));
    let hook = &config.webhooks[0];
    assert_eq!((hook.url.address.port, hook.url.path.as_str(), hook.url.tls), (443, "/", true));
}

#[test]
fn what_makes_no_sense_is_told() {
    let fixture = fixture();
    let url = |url: &str| format!("{HOOK}url = \"{url}\"\n");
    for (text, words) in [
        (FOLDER.replace("\"json\"", "\"xml\""), "\"xml\" is not known"),
        (FOLDER.replace("mode = \"json\"\n", ""), "drop_folders[1].mode: missing"),
        (FOLDER.replace("12.H41\"", "13.H41\""), "no seal key of H41.13"),
        (FOLDER.replace("\"shared\"", "\"none\""), "no folder none"),
        (FOLDER.replace("\"shared\"", "\"open\""), "everybody could send"),
        (FOLDER.replace("\"shared\"", "\"data/x\""), "no folder data/x"),
        (FOLDER.replace("\"shared\"", "\"data\""), "must lie outside"),
        (FOLDER.replace("\"submit\"", "\"audit\""), "is not a role"),
        (format!("{FOLDER}{FOLDER}"), "already has drop_folders[1]"),
        (url("ftp://x"), "is not a URL"),
        (url("http://qlvb.example.vn/"), "plain HTTP would show events to the network"),
        (url("https://qlvb.example.vn/"), "webhooks[1].anchors: missing"),
        (url("http://localhost/") + "anchors = \"keys/ca.pem\"\n", "plain HTTP has no anchors"),
        (url("http://user@localhost/"), "is not a URL"),
        (url("http://localhost/") + &url("http://localhost/"), "is webhooks[1] once more"),
    ] {
        let told = messages(&fixture, &format!("{WHOLE}{SEAL}{text}"));
        assert!(told.contains(words), "expected {words:?} in:\n{told}");
    }
}
