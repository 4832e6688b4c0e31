//! Requests as others might make them: altered, greedy, or plain wrong.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use tram_crypto::SeededEntropy;
use tram_dispatch::AgencyCode;
use tram_pki::{Asked, Key, KeyAlgorithm, PkiError, Request, Subject};

fn key() -> Key {
    Key::generate(KeyAlgorithm::Ed25519, &mut SeededEntropy::from_u64(11)).unwrap()
}

fn seal() -> Subject {
    Subject::Seal(AgencyCode::parse("H41.12.03").unwrap())
}

/// A request made by another tool with these names, then changed by `change`.
fn foreign(
    names: &[&str],
    change: impl FnOnce(&mut CertificateParams),
) -> Result<Request, PkiError> {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    change(&mut params);
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    Request::from_der(params.serialize_request(&key).unwrap().der())
}

#[test]
fn our_requests_pass_their_own_check_in_pem_and_der() {
    let key = key();
    for subject in [seal(), Subject::Node("n1.H41.12.03".parse().unwrap())] {
        let request = Request::new(&subject, &key).unwrap();
        assert_eq!(*request.asked(), Asked::For(subject));
        assert_eq!(request.spki_der(), key.spki_der());
        assert_eq!(Request::parse(request.to_pem().as_bytes()).unwrap(), request);
        assert_eq!(Request::parse(request.der()).unwrap(), request);
    }
}

#[test]
fn every_altered_byte_that_matters_is_noticed() {
    let request = Request::new(&seal(), &key()).unwrap();
    // An Ed25519 signature with its algorithm takes the last 7 + 3 + 64 bytes.
    let signed_bytes = request.der().len() - 74;
    for at in 0..request.der().len() {
        let mut der = request.der().to_vec();
        der[at] ^= 0x01;
        // Two bytes of framing stand outside what is signed and are read leniently (the tag of the
        // outer algorithm, the count of unused bits); they change nothing that we take over.
        if let Ok(read) = Request::from_der(&der) {
            assert!(at >= signed_bytes, "byte {at}");
            assert_eq!(read.asked(), request.asked());
            assert_eq!(read.spki_der(), request.spki_der());
        }
    }
    // A name exchanged for another of the same length: well-formed, and not what was signed.
    let name = b"03.12.h41.agency.alt";
    let at = request.der().windows(name.len()).position(|w| w == name).unwrap();
    let mut der = request.der().to_vec();
    der[at + 1] = b'4';
    assert!(matches!(Request::from_der(&der), Err(PkiError::RequestSignature)));
}

#[test]
fn names_are_one_and_of_ours() {
    let asked = foreign(&["03.12.h41.agency.alt"], |_| {}).unwrap();
    assert_eq!(*asked.asked(), Asked::For(seal()));
    assert!(matches!(foreign(&[], |_| {}), Err(PkiError::NameCount(0))));
    let two = foreign(&["h41.agency.alt", "h42.agency.alt"], |_| {});
    assert!(matches!(two, Err(PkiError::NameCount(2))));
    let mixed = foreign(&["h41.agency.alt"], |p| {
        p.subject_alt_names.push(SanType::Rfc822Name("a@example.vn".try_into().unwrap()));
    });
    assert!(matches!(mixed, Err(PkiError::NameCount(2))), "{mixed:?}");
    assert!(matches!(foreign(&["*.h41.agency.alt"], |_| {}), Err(PkiError::Wildcard(_))));
    for other in ["h41.example.vn", "192.0.2.1", "H41.agency.alt", "h41.agency.alt."] {
        assert!(matches!(foreign(&[other], |_| {}), Err(PkiError::NameForm(_))), "{other}");
    }
}

#[test]
fn what_the_profile_does_not_have_is_refused() {
    let name = &["n1.h41.node.alt"];
    type Change = fn(&mut CertificateParams);
    let greedy: [(Change, &str); 6] = [
        (|p| p.key_usages = vec![KeyUsagePurpose::KeyCertSign], "key usage keyCertSign"),
        (|p| p.key_usages = vec![KeyUsagePurpose::KeyEncipherment], "key usage keyEncipherment"),
        (
            |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any],
            "purpose anyExtendedKeyUsage",
        ),
        (
            |p| {
                let oid = tram_pki::OID_DOCUMENT_SIGNING.to_vec();
                p.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(oid)];
            },
            "purpose documentSigning",
        ),
        (|p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained), "names for an authority"),
        (
            |p| {
                let value = vec![0x05, 0x00];
                p.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 2, 3], value)];
            },
            "extension 1.2.3",
        ),
    ];
    for (change, expected) in greedy {
        match foreign(name, change) {
            Err(PkiError::NotInProfile(what)) => assert_eq!(what, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    let modest = foreign(name, |p| {
        p.is_ca = IsCa::ExplicitNoCa;
        p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        p.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    assert!(modest.is_ok(), "asking for less than the profile is no fault: {modest:?}");
}

#[test]
fn other_bytes_are_refused_without_a_panic() {
    for bytes in [&b""[..], b"x", b"\x30", b"\x30\x03\x02\x01\x00", b"-----BEGIN NOTHING-----\n"] {
        assert!(matches!(Request::parse(bytes), Err(PkiError::Format { .. })), "{bytes:?}");
    }
    let request = Request::new(&seal(), &key()).unwrap();
    let mut longer = request.der().to_vec();
    longer.push(0);
    assert!(matches!(Request::from_der(&longer), Err(PkiError::Format { .. })));
    for end in 0..request.der().len() {
        assert!(Request::from_der(&request.der()[..end]).is_err(), "cut at {end}");
    }
    let huge = vec![0x30; 20_000];
    assert!(matches!(Request::from_der(&huge), Err(PkiError::TooLarge { .. })));
}
