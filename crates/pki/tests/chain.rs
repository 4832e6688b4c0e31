//! A country of five levels of authorities, verified by rustls-webpki: what an authority signs
//! verifies, and what it was forced to sign does not.

mod world;

use tram_dispatch::UnixMillis;
use tram_pki::{
    Asked, Authority, Key, KeyAlgorithm, PkiError, Request, Subject, Subtree, Validity,
    read_certificate, read_certificates, write_certificates,
};
use webpki::Error;
use world::{
    CLIENT_AUTH, DAY_MS, DOCUMENT_SIGNING, FORCED, Issued, NOW, SERVER_AUTH, STRICT, World, code,
    days, node, seal,
};

#[test]
fn every_authority_certifies_its_own_agency_and_node() {
    for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
        let mut world = World::new(algorithm);
        for (tier, agency) in [(1, "G22"), (2, "H41"), (3, "H41.12"), (4, "H41.12.03")] {
            let sealed = world.issue(tier, &seal(agency), STRICT);
            assert_eq!(sealed.chain.len(), tier + 1);
            assert_eq!(world.verify(&sealed, DOCUMENT_SIGNING, NOW), Ok(()), "{agency}");
            assert!(matches!(
                world.verify(&sealed, SERVER_AUTH, NOW),
                Err(Error::RequiredEkuNotFoundContext(_))
            ));
            let served = world.issue(tier, &node(&format!("n1.{agency}")), STRICT);
            assert_eq!(world.verify(&served, SERVER_AUTH, NOW), Ok(()), "{agency}");
            assert_eq!(world.verify(&served, CLIENT_AUTH, NOW), Ok(()), "{agency}");
            assert!(world.verify(&served, DOCUMENT_SIGNING, NOW).is_err());
        }
    }
}

#[test]
fn an_authority_certifies_all_below_it_and_nothing_beside_it() {
    let mut world = World::new(KeyAlgorithm::Ed25519);
    let below = world.issue(2, &seal("H41.15.01"), STRICT);
    assert_eq!(world.verify(&below, DOCUMENT_SIGNING, NOW), Ok(()));
    for (tier, subject) in [
        (2, seal("H42")),
        (2, seal("H42.12")),
        (2, node("n1.G22")),
        (3, seal("H41")),
        (3, seal("H41.123")),
        (4, seal("H41.12.04")),
        (4, node("n1.H41.12.04")),
    ] {
        let key = world.key();
        let request = Request::new(&subject, &key).unwrap();
        let refused = world.tiers[tier].issue(&request, days(10), &mut world.entropy, STRICT);
        let Err(PkiError::OutsideConstraints { name, permitted, .. }) = refused else {
            panic!("{subject} by tier {tier}: {refused:?}")
        };
        assert_eq!(name, subject.dns_name().unwrap());
        assert!(permitted.contains(".agency.alt, "), "{permitted}");
        let forced = world.issue(tier, &subject, FORCED);
        let usage = match subject {
            Subject::Node(_) => SERVER_AUTH,
            Subject::Seal(_) => DOCUMENT_SIGNING,
        };
        assert_eq!(
            world.verify(&forced, usage, NOW).err(),
            Some(Error::NameConstraintViolation),
            "{subject}"
        );
    }
}

#[test]
fn constraints_above_bind_also_an_authority_that_was_forced_out_of_them() {
    let mut world = World::new(KeyAlgorithm::Ed25519);
    let key = world.key();
    let request = Request::for_authority("stray", &key).unwrap();
    let subtree = Subtree::Of(code("H42"));
    let strict = world.tiers[2].issue_authority(
        &request,
        "stray",
        &subtree,
        days(100),
        None,
        &mut world.entropy,
        STRICT,
    );
    assert!(matches!(strict, Err(PkiError::OutsideConstraints { .. })), "{strict:?}");
    let forced = world.tiers[2]
        .issue_authority(&request, "stray", &subtree, days(100), None, &mut world.entropy, FORCED)
        .unwrap();
    let stray = Authority::from_parts(key, world.tiers[2].chain_of(&forced)).unwrap();
    // Within its own constraint, but not within its issuer's: refused before signing all the same.
    let leaf = Request::new(&seal("H42"), &world.key()).unwrap();
    let refused = stray.issue(&leaf, days(10), &mut world.entropy, STRICT);
    assert!(matches!(refused, Err(PkiError::OutsideConstraints { .. })), "{refused:?}");
    let der = stray.issue(&leaf, days(10), &mut world.entropy, FORCED).unwrap();
    let issued = Issued { chain: stray.presented_chain_of(&der) };
    assert_eq!(
        world.verify(&issued, DOCUMENT_SIGNING, NOW).err(),
        Some(Error::NameConstraintViolation)
    );
}

#[test]
fn path_lengths_end_where_they_say() {
    let mut world = World::new(KeyAlgorithm::Ed25519);
    let lengths: Vec<_> = world.tiers.iter().map(|t| t.info().path_len).collect();
    assert_eq!(lengths, [Some(4), Some(3), Some(2), Some(1), Some(0)]);
    let key = world.key();
    let subtree = Subtree::Of(code("H41.12.03.01"));
    let refused =
        world.tiers[4].new_subordinate("deep", key, &subtree, days(9), None, &mut world.entropy);
    assert!(matches!(refused, Err(PkiError::PathLength { allowed: 0, .. })), "{refused:?}");
    let key = world.key();
    let subtree = Subtree::Of(code("H41.13"));
    let refused =
        world.tiers[2].new_subordinate("wide", key, &subtree, days(9), Some(2), &mut world.entropy);
    assert!(matches!(refused, Err(PkiError::PathLength { allowed: 2, asked: 3, .. })));
}

#[test]
fn a_chain_that_verifiers_would_find_too_long_is_not_begun() {
    let mut entropy = tram_crypto::SeededEntropy::from_u64(3);
    let key = Key::generate(KeyAlgorithm::Ed25519, &mut entropy).unwrap();
    let mut last = Authority::new_root("r", key, days(999), None, &mut entropy).unwrap();
    for level in 1..=5 {
        let key = Key::generate(KeyAlgorithm::Ed25519, &mut entropy).unwrap();
        last = last
            .new_subordinate(
                &format!("l{level}"),
                key,
                &Subtree::Whole,
                days(99),
                None,
                &mut entropy,
            )
            .unwrap();
    }
    let key = Key::generate(KeyAlgorithm::Ed25519, &mut entropy).unwrap();
    let refused = last.new_subordinate("l6", key, &Subtree::Whole, days(99), None, &mut entropy);
    assert!(matches!(refused, Err(PkiError::ChainLength(7))), "{refused:?}");
}

#[test]
fn validity_is_what_was_asked_and_never_longer_than_the_issuers() {
    let mut world = World::new(KeyAlgorithm::Ed25519);
    let request = Request::new(&seal("H41.12"), &world.key()).unwrap();
    let authority = &world.tiers[3];
    let mut issue = |validity| authority.issue(&request, validity, &mut world.entropy, STRICT);
    // Expired already: signed as asked, for the negative cases.
    let old = Validity::days(UnixMillis(NOW.0 - 30 * DAY_MS), 20);
    let der = issue(old).unwrap();
    let info = read_certificate(&der).unwrap();
    assert_eq!((info.not_before, info.not_after), (old.not_before, old.not_after));
    assert!(matches!(issue(days(9999)), Err(PkiError::OutlivesIssuer { .. })));
    for empty in [
        Validity { not_before: NOW, not_after: NOW },
        Validity { not_before: NOW, not_after: UnixMillis(NOW.0 - 1) },
    ] {
        assert!(matches!(issue(empty), Err(PkiError::EmptyValidity(..))));
    }
    let issued = Issued { chain: authority.presented_chain_of(&der) };
    let verdict = world.verify(&issued, DOCUMENT_SIGNING, NOW);
    assert!(matches!(verdict, Err(Error::CertExpired { .. })), "{verdict:?}");
    let key = world.key();
    let far = Validity::days(UnixMillis(253_402_300_799_000), 1);
    let refused = Authority::new_root("r", key, far, None, &mut world.entropy);
    assert!(matches!(refused, Err(PkiError::EmptyValidity(..))));
}

#[test]
fn a_certificate_reads_back_as_its_profile() {
    let mut world = World::new(KeyAlgorithm::Ed25519);
    let der = world.issue(4, &node("n1.H41.12.03"), STRICT).chain.remove(0);
    let info = read_certificate(&der).unwrap();
    assert_eq!(info.subject, "CN=n1.H41.12.03");
    assert_eq!(info.issuer, world.tiers[4].info().subject);
    assert_eq!(info.names, ["n1.03.12.h41.node.alt"]);
    assert_eq!(info.speaks_for, Some(node("n1.H41.12.03")));
    assert_eq!(info.key, "Ed25519");
    assert_eq!(info.key_usage, ["digitalSignature"]);
    assert_eq!(info.extended_key_usage, ["serverAuth", "clientAuth"]);
    assert_eq!(info.serial.as_bytes().len(), 16);
    assert!(!info.is_authority && !info.self_signed);
    assert_eq!(info.sha256, tram_crypto::sha256(&der));

    let der = world.issue(3, &seal("H41.12"), STRICT).chain.remove(0);
    let info = read_certificate(&der).unwrap();
    assert_eq!(info.key_usage, ["digitalSignature", "contentCommitment"]);
    assert_eq!(info.extended_key_usage, ["documentSigning"]);

    let info = world.tiers[3].info();
    assert_eq!(info.permitted, ["12.h41.agency.alt", "12.h41.node.alt"]);
    assert_eq!(info.key_usage, ["keyCertSign", "cRLSign"]);
    assert!(info.is_authority && info.extended_key_usage.is_empty());
    assert_eq!(world.tiers[1].info().permitted, ["agency.alt", "node.alt"]);
    let root = world.tiers[0].info();
    assert!(root.self_signed && root.permitted.is_empty());
}

#[test]
fn an_authority_comes_back_from_its_files_and_from_nothing_else() {
    let mut world = World::new(KeyAlgorithm::P256);
    let [root, centre, province, ..] = &world.tiers[..] else { panic!("five tiers") };
    let text = write_certificates(province.chain());
    let chain = read_certificates(format!("in between\n{text}").as_bytes()).unwrap();
    assert_eq!(chain, province.chain());
    let key = || Key::from_pem(&province.key().to_pem()).unwrap();
    assert_eq!(Authority::from_parts(key(), chain.clone()).unwrap().chain(), province.chain());
    assert!(Authority::from_parts(key(), chain[..2].to_vec()).is_ok(), "the root may be left out");

    let other = Key::from_pem(&centre.key().to_pem()).unwrap();
    let refused = Authority::from_parts(other, chain.clone());
    assert!(matches!(refused, Err(PkiError::KeyMismatch)));
    let gap = vec![chain[0].clone(), root.certificate().to_vec()];
    assert!(matches!(Authority::from_parts(key(), gap), Err(PkiError::ChainOrder(_))));
    assert!(matches!(Authority::from_parts(key(), vec![]), Err(PkiError::ChainLength(0))));

    let leaf_key = world.key();
    let request = Request::new(&seal("H41"), &leaf_key).unwrap();
    let authority = &world.tiers[2];
    let leaf = authority.issue(&request, days(9), &mut world.entropy, STRICT).unwrap();
    let refused = Authority::from_parts(leaf_key, authority.chain_of(&leaf));
    assert!(matches!(refused, Err(PkiError::NotAuthority(..))), "{refused:?}");
}

#[test]
fn requests_serve_one_purpose() {
    let mut world = World::new(KeyAlgorithm::Ed25519);
    let leaf = Request::new(&seal("H41.12"), &world.key()).unwrap();
    let authority = Request::for_authority("x", &world.key()).unwrap();
    assert_eq!(*authority.asked(), Asked::Authority);
    let tier = &world.tiers[2];
    let refused = tier.issue(&authority, days(9), &mut world.entropy, STRICT);
    assert!(matches!(refused, Err(PkiError::OtherPurpose { .. })), "{refused:?}");
    let subtree = Subtree::Of(code("H41.12"));
    let entropy = &mut world.entropy;
    let refused = tier.issue_authority(&leaf, "x", &subtree, days(9), None, entropy, FORCED);
    assert!(matches!(refused, Err(PkiError::OtherPurpose { .. })), "{refused:?}");
    // An authority's own key in a leaf would do another's work.
    let own = Request::new(&seal("H41.12"), tier.key()).unwrap();
    let refused = tier.issue(&own, days(9), &mut world.entropy, STRICT);
    assert!(matches!(refused, Err(PkiError::KeyNotAccepted(_))), "{refused:?}");
}
