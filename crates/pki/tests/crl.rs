//! Revocation lists as rustls-webpki reads them.

mod world;

use tram_dispatch::UnixMillis;
use tram_pki::{KeyAlgorithm, PkiError, Reason, Revoked, read_certificate, read_crl, write_crl};
use webpki::{CertRevocationList, Error, OwnedCertRevocationList};
use world::{DAY_MS, DOCUMENT_SIGNING, NOW, STRICT, World, seal};

const WEEK_MS: u64 = 7 * DAY_MS;

#[test]
fn a_revoked_certificate_is_refused_and_its_neighbour_is_not() {
    for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
        let mut world = World::new(algorithm);
        let (lost, kept) =
            (world.issue(2, &seal("H41.01"), STRICT), world.issue(2, &seal("H41.02"), STRICT));
        let serial = read_certificate(&lost.chain[0]).unwrap().serial;
        let revoked = [Revoked { serial: serial.clone(), at: NOW, reason: Reason::KeyCompromise }];
        let authority = &world.tiers[2];
        let der = authority.sign_crl(300, NOW, NOW.plus_ms(WEEK_MS), &revoked).unwrap();

        let list: CertRevocationList<'_> = OwnedCertRevocationList::from_der(&der).unwrap().into();
        let entry = list.find_serial(serial.as_bytes()).unwrap().unwrap();
        assert_eq!(entry.reason_code, Some(webpki::RevocationReason::KeyCompromise));
        assert_eq!(entry.revocation_date.as_secs(), NOW.secs());

        let verdict = world.verify_with(&lost, DOCUMENT_SIGNING, NOW, &[&der]);
        assert_eq!(verdict.err(), Some(Error::CertRevoked));
        assert_eq!(world.verify_with(&kept, DOCUMENT_SIGNING, NOW, &[&der]), Ok(()));
        // Another authority's list says nothing of this one's certificates.
        let other = world.tiers[3].sign_crl(1, NOW, NOW.plus_ms(WEEK_MS), &revoked).unwrap();
        let verdict = world.verify_with(&kept, DOCUMENT_SIGNING, NOW, &[&other]);
        assert_eq!(verdict.err(), Some(Error::UnknownRevocationStatus));
        assert!(authority.signed_crl(&der).unwrap());
        assert!(!authority.signed_crl(&other).unwrap());
    }
}

#[test]
fn a_list_reads_back_so_that_the_next_can_follow_it() {
    let mut world = World::new(KeyAlgorithm::Ed25519);
    let mut revoked: Vec<Revoked> = Vec::new();
    for (i, (_, reason)) in Reason::NAMES.iter().enumerate() {
        let issued = world.issue(1, &seal("G22"), STRICT);
        let serial = read_certificate(&issued.chain[0]).unwrap().serial;
        let at = UnixMillis(NOW.0 - i as u64 * DAY_MS);
        revoked.push(Revoked { serial, at, reason: *reason });
    }
    let authority = &world.tiers[1];
    let number = u64::from(u32::MAX) + 5;
    let der = authority.sign_crl(number, NOW, NOW.plus_ms(WEEK_MS), &revoked).unwrap();
    let info = read_crl(write_crl(&der).as_bytes()).unwrap();
    assert_eq!(info, read_crl(&der).unwrap());
    assert_eq!(info.revoked, revoked);
    assert_eq!(info.number, Some(number));
    assert_eq!((info.this_update, info.next_update), (NOW, Some(NOW.plus_ms(WEEK_MS))));
    assert_eq!(info.issuer, authority.info().subject);

    let empty = authority.sign_crl(0, NOW, NOW.plus_ms(WEEK_MS), &[]).unwrap();
    assert_eq!(read_crl(&empty).unwrap().revoked, []);
    assert!(OwnedCertRevocationList::from_der(&empty).is_ok());

    revoked.push(revoked[0].clone());
    let twice = authority.sign_crl(2, NOW, NOW.plus_ms(WEEK_MS), &revoked);
    assert!(matches!(twice, Err(PkiError::RevokedTwice(_))));
    let backwards = authority.sign_crl(2, NOW, NOW, &[]);
    assert!(matches!(backwards, Err(PkiError::EmptyValidity(..))));
    for bytes in [&b""[..], b"x", &der[..der.len() - 1]] {
        assert!(matches!(read_crl(bytes), Err(PkiError::Format { .. })));
    }
}
