//! X.509: certificates, alone and in PEM files, requests for them, revocation lists, public keys.

use tram_crypto::PublicKey;
use tram_dispatch::text::{escaped, is_plain};
use tram_pki::{Asked, Request};
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

/// A file of certificates, PEM or DER: written again it has the same ones in their order.
pub fn certificates(data: &[u8]) {
    match tram_pki::read_certificates(data) {
        Ok(chain) => {
            assert!(!chain.is_empty());
            chain.iter().for_each(|der| certificate(der));
            let again = tram_pki::write_certificates(&chain);
            assert_eq!(tram_pki::read_certificates(again.as_bytes()).ok(), Some(chain));
        }
        Err(error) => shown(&error),
    }
}

/// A request for a certificate, PEM or DER: what is taken asks for one name of ours, or to be an authority,
/// and is the same in both forms.
pub fn certificate_request(data: &[u8]) {
    match Request::parse(data) {
        Ok(request) => {
            spki(request.spki_der());
            assert_eq!(Request::from_der(request.der()).ok().as_ref(), Some(&request));
            assert_eq!(Request::parse(request.to_pem().as_bytes()).ok().as_ref(), Some(&request));
            if let Asked::For(subject) = request.asked() {
                assert!(is_plain(&subject.dns_name().expect("it came with this name")));
            }
        }
        Err(error) => shown(&error),
    }
}

/// The command line shows it, escaped, in a line.
fn shown(error: &tram_pki::PkiError) {
    let said = escaped(&error.to_string());
    assert!(!said.is_empty() && is_plain(&said) && said.len() < 1 << 17, "{said}");
}
