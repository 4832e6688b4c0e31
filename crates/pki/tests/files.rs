//! Key and certificate files.

mod world;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;

use tram_crypto::SeededEntropy;
use tram_pki::{
    Key, KeyAlgorithm, PkiError, read_certificates, read_file, write_certificates, write_new_file,
};
use world::World;

#[test]
fn keys_are_their_owners_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
        let path = folder.path().join(format!("{algorithm:?}.key"));
        let key = Key::generate(algorithm, &mut SeededEntropy::from_u64(5)).unwrap();
        key.write_new(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        let back = Key::read(&path).unwrap();
        assert_eq!(back.algorithm(), algorithm);
        assert_eq!(back.spki_der(), key.spki_der());
        assert_eq!(back.pkcs8_der(), key.pkcs8_der());
        let before = fs::read(&path).unwrap();
        assert!(before.starts_with(b"-----BEGIN PRIVATE KEY-----\n"));
        let other = Key::generate(algorithm, &mut SeededEntropy::from_u64(6)).unwrap();
        match other.write_new(&path) {
            Err(PkiError::File { error, .. }) => assert_eq!(error.kind(), ErrorKind::AlreadyExists),
            done => panic!("{done:?}"),
        }
        assert_eq!(fs::read(&path).unwrap(), before);
        assert!(!format!("{key:?}").contains("PRIVATE") && format!("{key:?}").len() < 24);
    }
}

#[test]
fn other_keys_are_refused() {
    let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    for text in [p384.serialize_pem().as_str(), "", "-----BEGIN PRIVATE KEY-----", "x"] {
        assert!(matches!(Key::from_pem(text), Err(PkiError::PrivateKey)));
    }
}

#[test]
fn certificate_files_are_whole_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.pem");
    let world = World::new(KeyAlgorithm::Ed25519);
    let chain = world.tiers[4].chain();
    write_new_file(&path, write_certificates(chain).as_bytes()).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o644);
    let bytes = read_file(&path, 1 << 20).unwrap();
    assert_eq!(read_certificates(&bytes).unwrap(), chain);
    assert_eq!(read_certificates(&chain[0]).unwrap(), chain[..1]);
    assert!(matches!(read_file(&path, 10), Err(PkiError::TooLarge { .. })));
    let crlf = String::from_utf8(bytes.clone()).unwrap().replace('\n', "\r\n");
    assert_eq!(read_certificates(crlf.as_bytes()).unwrap(), chain);
    let cut = &bytes[..bytes.len() - 40];
    for bad in [&b""[..], b"text", cut, world.tiers[0].key().to_pem().as_bytes()] {
        assert!(matches!(read_certificates(bad), Err(PkiError::Format { .. })));
    }
    let many = chain.iter().chain(chain).cloned().collect::<Vec<_>>();
    let many = write_certificates(&many);
    assert!(matches!(read_certificates(many.as_bytes()), Err(PkiError::ChainLength(8))));
}
