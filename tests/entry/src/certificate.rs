//! X.509: certificates, revocation lists, public keys.

use tram_crypto::PublicKey;
use tram_dispatch::text::is_plain;
use tram_trust::Crls;
use tram_trust::certificate::Certificate;

/// A certificate, as the node reads it and as the command line shows it.
pub fn certificate(data: &[u8]) {
    if let Ok(shown) = tram_pki::read_certificate(data) {
        assert!(is_plain(&shown.subject) && is_plain(&shown.issuer), "{shown:?}");
    }
    match Certificate::parse(data) {
        Ok(certificate) => {
            assert_eq!(certificate.der(), data);
            assert!(is_plain(certificate.subject()) && is_plain(certificate.issuer()));
            if let Ok(key) = certificate.key() {
                spki(key.spki_der());
            }
        }
        Err(refusal) => assert!(is_plain(&refusal.detail), "{:?}", refusal.detail),
    }
}

/// A revocation list, as the node reads it and as the command line shows it.
pub fn revocation_list(data: &[u8]) {
    if let Ok(shown) = tram_pki::read_crl(data) {
        assert!(is_plain(&shown.issuer), "{shown:?}");
    }
    let mut lists = Crls::none();
    match lists.add(data) {
        Ok(_) => assert!(lists.lists().all(|list| is_plain(list.issuer()))),
        Err(refusal) => assert!(is_plain(&refusal.detail), "{:?}", refusal.detail),
    }
}

/// A public key: one spelling only, so that a digest of the bytes names the key.
pub fn spki(data: &[u8]) {
    match PublicKey::from_spki_der(data) {
        Ok(key) => {
            assert_eq!(key.spki_der(), data);
            if let Some(raw) = key.ed25519_bytes() {
                let again = PublicKey::from_ed25519_bytes(raw).expect("the same key");
                assert_eq!(again.spki_der(), data);
            }
        }
        Err(error) => assert!(is_plain(&error.to_string()), "{error}"),
    }
}
