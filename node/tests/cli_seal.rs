//! Sealing and verifying off line, with the certificates of the documented installation.

mod cli_place;

use std::fs;

use cli_place::{Place, Ran, installed};
use serde_json::Value;

const CERT: [&str; 4] = ["--cert", "province/keys/seal.crt", "--key", "province/keys/seal.key"];
const ROOT: [&str; 2] = ["--root", "office/network/root.cbor"];
const DIRECTORY: [&str; 2] = ["--directory", "office/directory.cbor"];

fn seal(place: &Place, more: &[&str]) -> Ran {
    fs::write(place.path("chi-thi.pdf"), b"%PDF-1.7 chi thi").unwrap();
    let words = ["dispatch", "seal", "--from", "H41", "--to", "H41.12.03", "--reference"];
    let about = ["16/CT-UBND", "--subject", "Phòng chống bão", "--document", "chi-thi.pdf"];
    place.tram(&[&words[..], &about, &CERT, &ROOT, more].concat())
}

fn verify(place: &Place, more: &[&str]) -> (i32, Value) {
    let (code, out, err) =
        place.tram(&[&["verify", "--json"][..], &ROOT, &DIRECTORY, more].concat()).both();
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}")))
}

fn state<'r>(report: &'r Value, claim: &str) -> &'r str {
    let claims = report["items"][0]["claims"].as_array().unwrap();
    let found = claims.iter().find(|c| c["claim"] == claim);
    found.and_then(|c| c["state"].as_str()).unwrap_or("absent")
}

#[test]
fn what_was_sealed_verifies_off_line_claim_by_claim() {
    let place = installed();
    seal(&place, &[]).ok();
    // The reference gives the name, with nothing in it that leads elsewhere.
    let file = "16-CT-UBND.dispatch";
    let (code, report) = verify(&place, &[file, "--document", "chi-thi.pdf"]);
    assert_eq!((code, &report["verified"]), (0, &1.into()), "{report}");
    for claim in ["format", "network", "certificate", "signature", "originator", "document"] {
        assert_eq!(state(&report, claim), "holds", "{claim}");
    }
    assert_eq!(state(&report, "moment"), "not_given");
    // Sealing again never overwrites.
    seal(&place, &[]).fails(2, "UNREADABLE");
    let words = ["verify", file, "--lang", "vi", "--document", "chi-thi.pdf"];
    let said = place.tram(&[&words[..], &ROOT, &DIRECTORY].concat()).ok();
    assert!(said.contains("ĐÃ KIỂM CHỨNG") && said.contains("1 trên 1"), "{said}");
}

#[test]
fn an_altered_dispatch_or_document_does_not_verify() {
    let place = installed();
    seal(&place, &["--out", "a.dispatch"]).ok();
    fs::write(place.path("other.pdf"), b"%PDF-1.7 altered").unwrap();
    let (code, report) = verify(&place, &["a.dispatch", "--document", "other.pdf"]);
    assert_eq!((code, &report["refused"]), (1, &1.into()), "{report}");

    let mut bytes = fs::read(place.path("a.dispatch")).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(place.path("b.dispatch"), bytes).unwrap();
    let (code, report) = verify(&place, &["b.dispatch"]);
    assert_eq!((code, state(&report, "signature")), (1, "fails"), "{report}");
    assert_eq!(state(&report, "originator"), "not_checked");
    let words = ["verify", "b.dispatch"];
    let (code, said, _) = place.tram(&[&words[..], &ROOT, &DIRECTORY].concat()).both();
    assert!(
        code == 1 && said.contains("NOT VERIFIED") && said.contains("SIGNATURE_INVALID"),
        "{said}"
    );
}

#[test]
fn another_agencys_seal_is_refused_here_and_by_every_verifier() {
    let place = installed();
    let other = ["--cert", "commune/keys/seal.crt", "--key", "commune/keys/seal.key"];
    fs::write(place.path("a.pdf"), b"a").unwrap();
    let words = ["dispatch", "seal", "--from", "H41", "--to", "H41.12.03", "--reference", "1"];
    let words = [&words[..], &["--subject", "a", "--document", "a.pdf", "--out", "x"]].concat();
    let words = [&words[..], &other, &ROOT].concat();
    place.tram(&words).fails(1, "ORIGINATOR_MISMATCH");
    place.tram(&[&words[..], &["--unchecked"]].concat()).ok();
    let (code, report) = verify(&place, &["x"]);
    assert_eq!((code, state(&report, "originator")), (1, "fails"), "{report}");
    assert_eq!(state(&report, "signature"), "holds");
}

#[test]
fn a_request_file_and_options_meet_and_documents_are_found_by_digest() {
    let place = installed();
    let request = r#"{"originator":"H41","recipients":["H41.12.03"],"reference":"7/BC",
        "metadata":{"subject":"Báo cáo","kind":"Báo cáo"}}"#;
    fs::write(place.path("r.json"), request).unwrap();
    fs::write(place.path("b.txt"), b"b").unwrap();
    let words = ["dispatch", "seal", "--request", "r.json", "--urgency", "flash", "--document"];
    let sealed = place.tram(&[&words[..], &["b.txt", "--json"], &CERT, &ROOT].concat()).ok();
    let sealed: Value = serde_json::from_str(&sealed).unwrap();
    assert_eq!(sealed["file"], "7-BC.dispatch");
    assert_eq!(sealed["dispatch"].as_str().map(str::len), Some(64));
    let (code, _) = verify(&place, &["7-BC.dispatch", "--document", "b.txt"]);
    assert_eq!(code, 0);
    let named = request.replace(
        "\"metadata\"",
        &format!("\"documents\":[{{\"name\":\"b\",\"media_type\":\"text/plain\",\"sha256\":\"{}\"}}],\"metadata\"", "0".repeat(64)),
    );
    fs::write(place.path("r.json"), named).unwrap();
    place.tram(&[&words[..], &["b.txt"], &CERT, &ROOT].concat()).fails(1, "DOCUMENT_MISSING");
}

#[test]
fn files_that_prove_nothing_are_never_called_verified() {
    let place = installed();
    fs::write(place.path("junk"), b"junk").unwrap();
    let words = [&["verify", "junk"][..], &ROOT, &DIRECTORY].concat();
    let (code, out, err) = place.tram(&words).both();
    assert!(code != 0 && !out.to_lowercase().contains("verified"), "{out}{err}");
    // Without a directory there is nothing to verify a receipt against.
    seal(&place, &["--out", "a.dispatch"]).ok();
    place.tram(&[&["verify", "a.dispatch"][..], &ROOT].concat()).fails(2, "BAD_REQUEST");
}
