//! Tokens of an authority in memory, each with one thing wrong.

use tram_dispatch::{Code, UnixMillis};
use tram_trust::Crls;
use tram_trust::fixtures::{END, NOW, Recipe, START, TimeStamper};
use tram_trust::time_stamp::{self, Authorities, Nonce};

const TEXT: &[u8] = b"tram/n/n1/e\n7\nroot\n";
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

fn anchors(of: &TimeStamper) -> Authorities {
    Authorities::read(of.anchor()).unwrap()
}

fn refused(stamper: &TimeStamper, recipe: &Recipe) -> (Code, String) {
    let token = stamper.token(recipe);
    time_stamp::verify(&token, TEXT, &anchors(stamper)).expect_err("it is spoiled").into()
}

#[test]
fn a_question_and_its_answer() {
    let stamper = TimeStamper::new("answer");
    let nonce = Nonce::new([0xff; 8]);
    let request = time_stamp::request(TEXT, nonce);
    let token = time_stamp::response(&stamper.answer(&request, NOW)).unwrap();
    let by = anchors(&stamper);
    let taken = |text, nonce| time_stamp::accept(&token, text, Some(nonce), &by, &Crls::none());
    let (kept, stamp) = taken(TEXT, nonce).unwrap();
    assert_eq!((stamp.earliest, stamp.latest), (UnixMillis(NOW.0 - 1000), NOW.plus_ms(1999)));
    assert!(kept.len() < token.len(), "root and unsigned attribute are left out");
    assert_eq!(time_stamp::verify(&kept, TEXT, &by).unwrap(), stamp);
    assert!(time_stamp::verify(&token, TEXT, &by).unwrap_err().detail.contains("covers"));
    assert!(time_stamp::consistent(&token, TEXT).is_err());
    assert!(taken(TEXT, Nonce::new([1; 8])).is_err() && taken(b"other", nonce).is_err());
}

#[test]
fn each_part_is_checked() {
    let stamper = TimeStamper::new("parts");
    let sound = Recipe::new(TEXT, NOW);
    let token = stamper.token(&sound);
    time_stamp::verify(&token, TEXT, &anchors(&stamper)).unwrap();
    let cases: [(Recipe, &str); 6] = [
        (Recipe { imprint: [1; 32], ..sound.clone() }, "something else"),
        (Recipe { message_digest: Some([1; 32]), ..sound.clone() }, "digest"),
        (Recipe { certificate_digest: Some([1; 32]), ..sound.clone() }, "another signing"),
        (Recipe { names_certificate: false, ..sound.clone() }, "version 2"),
        (Recipe { content_type: vec![0x2a, 3], ..sound.clone() }, "content type"),
        (Recipe { extras: true, ..sound.clone() }, "no signature covers"),
    ];
    for (recipe, words) in cases {
        let (code, detail) = refused(&stamper, &recipe);
        assert!(code == Code::TimeStampInvalid && detail.contains(words), "{words}: {detail}");
    }
    let at = |at| refused(&stamper, &Recipe { at, ..sound.clone() }).0;
    assert_eq!(at(END.plus_ms(60_000)), Code::CertificateExpired);
    assert_eq!(at(UnixMillis(START.0 - 60_000)), Code::CertificateNotYetValid);
    let other = TimeStamper::new("other");
    let stranger = time_stamp::verify(&token, TEXT, &anchors(&other)).unwrap_err();
    assert_eq!(stranger.code, Code::CertificateUntrusted);
    time_stamp::consistent(&token, TEXT).unwrap();
}

#[test]
fn its_certificate_is_for_time_stamps_alone() {
    let any: &[u8] = &[0x55, 0x1d, 0x25, 0];
    let server: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
    let cases: [(bool, &[&[u8]]); 6] = [
        (false, &[TIME_STAMPING]),
        (true, &[TIME_STAMPING, server]),
        (true, &[TIME_STAMPING, any]),
        (true, &[server]),
        (true, &[any]),
        (true, &[]),
    ];
    for (critical, purposes) in cases {
        let stamper = TimeStamper::with_purposes("purpose", critical, purposes);
        let (code, detail) = refused(&stamper, &Recipe::new(TEXT, NOW));
        assert_eq!(code, Code::CertificateInvalid, "{critical} {purposes:02x?}: {detail}");
    }
}

#[test]
fn answers_of_servers_that_refuse_keep_their_words() {
    // PKIStatusInfo { 2, "no\u{1b}" }
    let refusal = [0x30, 0x0c, 0x30, 0x0a, 2, 1, 2, 0x30, 5, 0x0c, 3, b'n', b'o', 0x1b];
    let refused = time_stamp::response(&refusal).unwrap_err();
    assert_eq!(refused.code, Code::TimeStampInvalid);
    assert!(refused.detail.contains("status 2") && !refused.detail.contains('\u{1b}'));
    for bad in [&[][..], &[0x30, 0], &[0x30, 5, 0x30, 3, 2, 1, 0], b"<html>"] {
        assert_eq!(time_stamp::response(bad).unwrap_err().code, Code::TimeStampInvalid, "{bad:?}");
    }
    let long = vec![0; time_stamp::RESPONSE_BYTES_MAX + 1];
    assert_eq!(time_stamp::response(&long).unwrap_err().code, Code::TooLarge);
}

#[test]
fn the_algorithm_that_is_named_must_be_the_one_that_signed() {
    // ecdsa-with-SHA256 and ecdsa-with-SHA384; no signature covers which of them is named.
    let [sha256, sha384] = [2, 3].map(|last| [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last]);
    let stamper = TimeStamper::new("named");
    let mut token = stamper.token(&Recipe::new(TEXT, NOW));
    let at = token.windows(8).rposition(|w| w == sha256).unwrap();
    token[at..at + 8].copy_from_slice(&sha384);
    let refused = time_stamp::verify(&token, TEXT, &anchors(&stamper)).unwrap_err();
    assert!(refused.detail.contains("does not fit digest and key"), "{refused}");
}
