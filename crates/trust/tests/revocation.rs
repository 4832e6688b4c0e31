//! Revocation lists: good, revoked, stale within and beyond the grace, and those that do not count.

use tram_dispatch::{Code, UnixMillis};
use tram_trust::certificate::Certificate;
use tram_trust::fixtures::{Authority, CENTRE, COMMUNE, NOW, Network};
use tram_trust::revocation::CRLS_MAX;
use tram_trust::{Crls, Options, Refusal, Revocation, Verdict, VerifiedDispatch, Verifier};

const HOUR_MS: u64 = 3_600_000;
const GRACE_MS: u64 = 72 * HOUR_MS;

fn crls(files: &[Vec<u8>]) -> Crls {
    let mut crls = Crls::none();
    for file in files {
        assert_eq!(crls.add(file), Ok(1));
    }
    crls
}

fn ago(ms: u64) -> UnixMillis {
    UnixMillis(NOW.0 - ms)
}

fn judged(network: &Network, crls: Crls, at: UnixMillis) -> Verdict<VerifiedDispatch> {
    let sealed = network.seal(&network.envelope(COMMUNE, &[CENTRE], "r"));
    network.verifier_with(crls).dispatch(sealed, at)
}

fn refusal(verdict: Verdict<VerifiedDispatch>) -> Refusal {
    match verdict {
        Verdict::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn serial(der: &[u8]) -> Vec<u8> {
    Certificate::parse(der).unwrap().serial().to_vec()
}

#[test]
fn a_list_in_force_is_told_with_its_age_and_digest() {
    let network = Network::new("trust tests");
    let list = network.authority("commune CA").crl(&[], ago(HOUR_MS), NOW.plus_ms(HOUR_MS));
    let crls = crls(std::slice::from_ref(&list));
    let digest = crls.lists().next().unwrap().digest();
    assert_eq!(digest.0, tram_crypto::sha256(&list));
    let verified = judged(&network, crls, NOW).verified().unwrap();
    let good = Revocation::Good { as_of: ago(HOUR_MS), unlisted: 4 };
    assert_eq!(verified.revocation(), Some(good));
    assert_eq!(verified.revocation_digest(), Some(digest));
}

#[test]
fn a_revoked_leaf_is_refused_from_its_revocation_on() {
    let network = Network::new("trust tests");
    let serial = serial(&network.agent(COMMUNE).chain[0]);
    let list = network.authority("commune CA").crl(&[(&serial, NOW)], NOW, NOW.plus_ms(HOUR_MS));
    let crls = crls(&[list]);
    let refused = refusal(judged(&network, crls.clone(), NOW));
    assert_eq!(refused.code, Code::CertificateRevoked);
    assert!(refused.detail.contains(&NOW.to_string()), "{refused}");
    // One moment judges: what had been in custody before the revocation stays good.
    assert!(judged(&network, crls.clone(), ago(1000)).verified().is_some());
    // Also when the chain is remembered from before.
    let verifier = network.verifier_with(crls);
    let sealed = network.seal(&network.envelope(COMMUNE, &[CENTRE], "r"));
    assert!(verifier.dispatch(sealed.clone(), ago(1000)).verified().is_some());
    assert_eq!(refusal(verifier.dispatch(sealed, NOW)).code, Code::CertificateRevoked);
}

#[test]
fn a_revoked_ca_takes_everything_below_with_it() {
    let network = Network::new("trust tests");
    let serial = serial(network.authority("district CA").der());
    let list = network.authority("province CA").crl(
        &[(&serial, ago(HOUR_MS))],
        ago(HOUR_MS),
        NOW.plus_ms(HOUR_MS),
    );
    let refused = refusal(judged(&network, crls(&[list]), NOW));
    assert_eq!(refused.code, Code::CertificateRevoked);
    assert!(refused.detail.contains("district CA"), "{refused}");
}

#[test]
fn within_the_grace_the_last_good_list_decides() {
    let network = Network::new("trust tests");
    let made = ago(GRACE_MS + HOUR_MS);
    let list = network.authority("commune CA").crl(&[], made, ago(GRACE_MS - HOUR_MS));
    let verified = judged(&network, crls(&[list]), NOW).verified().unwrap();
    let stale = Revocation::Stale { as_of: made, unlisted: 4 };
    assert_eq!(verified.revocation(), Some(stale));
}

#[test]
fn beyond_the_grace_nobody_knows_and_only_a_relay_passes_it_on() {
    let network = Network::new("trust tests");
    let made = ago(GRACE_MS + 2 * HOUR_MS);
    let list = network.authority("commune CA").crl(&[], made, ago(GRACE_MS));
    let crls = crls(&[list]);
    let sealed = network.seal(&network.envelope(COMMUNE, &[CENTRE], "r"));
    let verifier = network.verifier_with(crls.clone());
    match verifier.dispatch(sealed.clone(), NOW) {
        Verdict::Undetermined(cause) => {
            assert_eq!(cause.code, Code::RevocationUnknown);
            assert!(cause.detail.contains(&made.to_string()), "{cause}");
        }
        other => panic!("{other:?}"),
    }
    let relayed = verifier.dispatch_for_relay(sealed, NOW).verified().unwrap();
    assert_eq!(relayed.revocation(), Some(Revocation::Unknown { as_of: made }));
    // A false signature is still a refusal, for whom ever.
    let forged = network.seal_with(
        &network.envelope(COMMUNE, &[CENTRE], "r"),
        &network.agent(COMMUNE).chain,
        &network.agent(CENTRE).seal,
    );
    assert_eq!(refusal(verifier.dispatch_for_relay(forged, NOW)).code, Code::SignatureInvalid);
}

#[test]
fn the_newest_list_of_the_issuers_own_key_decides() {
    let network = Network::new("trust tests");
    let serial = serial(&network.agent(COMMUNE).chain[0]);
    let ca = network.authority("commune CA");
    let old = ca.crl(&[], ago(2 * HOUR_MS), NOW.plus_ms(HOUR_MS));
    let new = ca.crl(&[(&serial, ago(HOUR_MS))], ago(HOUR_MS), NOW.plus_ms(HOUR_MS));
    for files in [[old.clone(), new.clone()], [new, old]] {
        let refused = refusal(judged(&network, crls(&files), NOW));
        assert_eq!(refused.code, Code::CertificateRevoked);
    }
    // Of the right name, but of another key: it can neither revoke nor vouch.
    let params = tram_trust::fixtures::ca_params("commune CA", &[], ago(HOUR_MS), NOW);
    let key = tram_trust::fixtures::key_pair("an impostor");
    let impostor = network.authority("root CA").certify("commune CA", params, key);
    let forged = impostor.crl(&[(&serial, ago(HOUR_MS))], NOW, NOW.plus_ms(HOUR_MS));
    let verified = judged(&network, crls(&[forged]), NOW).verified().unwrap();
    assert_eq!(verified.revocation(), Some(Revocation::NotChecked));
}

#[test]
fn a_list_read_anew_never_makes_a_revoked_certificate_good() {
    let network = Network::new("trust tests");
    let serial = serial(&network.agent(COMMUNE).chain[0]);
    let ca = network.authority("commune CA");
    let ends = NOW.plus_ms(HOUR_MS);
    let revoking = ca.crl(&[(&serial, ago(2 * HOUR_MS))], ago(2 * HOUR_MS), ends);
    let sealed = || network.seal(&network.envelope(COMMUNE, &[CENTRE], "r"));
    let code = |crls: &Crls| match network.verifier_with(crls.clone()).dispatch(sealed(), NOW) {
        Verdict::Refused(refusal) => Some(refusal.code),
        _ => None,
    };
    let in_force = crls(&[revoking]);
    assert_eq!(code(&in_force), Some(Code::CertificateRevoked));
    let params = tram_trust::fixtures::ca_params("commune CA", &[], ago(HOUR_MS), NOW);
    let key = tram_trust::fixtures::key_pair("an impostor");
    let impostor = network.authority("root CA").certify("commune CA", params, key);
    // Older; newer, of the right name and signed by another key; none at all.
    let older = ca.crl(&[], ago(3 * HOUR_MS), ends);
    let forged = impostor.crl(&[], ago(HOUR_MS), ends);
    let mut held = in_force.clone();
    for (files, expected) in [(vec![older], 1), (vec![forged], 1), (vec![], 2)] {
        let (next, stayed) = crls(&files).replacing(&held).unwrap();
        assert_eq!(stayed.len(), expected, "{} files", files.len());
        assert_eq!(code(&next), Some(Code::CertificateRevoked));
        held = next;
    }
    // The issuer's own newer list takes its place.
    let newer = ca.crl(&[], ago(HOUR_MS), ends);
    let (next, stayed) = crls(&[newer]).replacing(&held).unwrap();
    assert_eq!((stayed.len(), code(&next)), (0, None));
}

#[test]
fn files_are_read_as_der_and_pem_and_rubbish_changes_nothing() {
    let ca = Authority::root("a CA", ago(HOUR_MS), NOW);
    let der = ca.crl(&[], ago(HOUR_MS), NOW);
    let mut crls = crls(std::slice::from_ref(&der));
    let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for rubbish in [&b""[..], b"no list", &der[..der.len() - 1], text.as_bytes()] {
        assert_eq!(crls.add(rubbish).unwrap_err().code, Code::Unreadable);
        assert_eq!(crls.lists().count(), 1);
    }
    let second = ca.crl(&[], ago(2 * HOUR_MS), NOW);
    let pem = [pem(&second), pem(&der)].concat();
    assert_eq!(crls.add(pem.as_bytes()), Ok(2));
    assert_eq!(crls.lists().count(), 2);
    assert!(crls.lists().all(|list| list.issuer() == "CN=a CA"));
}

fn pem(der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut body = String::new();
    for chunk in der.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |b, byte| b << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize] as char;
            body.push(if place <= chunk.len() { digit } else { '=' });
        }
        if body.len() % 65 == 64 {
            body.push('\n');
        }
    }
    format!("-----BEGIN X509 CRL-----\n{body}\n-----END X509 CRL-----\n")
}

#[test]
fn sessions_that_exist_outlive_new_ones_by_one_grace() {
    let network = Network::new("trust tests");
    let node = network.node(COMMUNE);
    let list = network.authority("commune CA").crl(&[], ago(2 * GRACE_MS), ago(GRACE_MS));
    let verifier = Verifier::new(
        network.root.clone(),
        network.directory.clone(),
        crls(&[list]),
        Options { revocation_grace_ms: GRACE_MS, ..Options::default() },
    );
    let refused = verifier.peer(&node.chain, None, NOW).unwrap_err();
    assert_eq!(refused.code, Code::RevocationUnknown);
    assert_eq!(verifier.peer_again(&node.chain, &node.id, NOW), Ok(node.id.clone()));
    assert_eq!(verifier.peer(&node.chain, None, ago(1)), Ok(node.id.clone()));
    let late = NOW.plus_ms(GRACE_MS);
    assert!(verifier.peer_again(&node.chain, &node.id, late).is_err());
}

proptest::proptest! {
    #[test]
    fn hostile_bytes_are_refused_without_panic(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
        at in 0_usize..10_000,
        bit in 0_u32..8,
    ) {
        let ca = Authority::root("a CA", ago(HOUR_MS), NOW);
        let mut list = ca.crl(&[(&[1, 2, 3], ago(HOUR_MS))], ago(HOUR_MS), NOW);
        let mut certificate = ca.der().to_vec();
        let mut crls = Crls::none();
        proptest::prop_assert!(crls.add(&bytes).is_err());
        proptest::prop_assert!(Certificate::parse(&bytes).is_err());
        // One bit of a real one: read or refused, never a panic.
        let (a, b) = (at % list.len(), at % certificate.len());
        list[a] ^= 1 << bit;
        certificate[b] ^= 1 << bit;
        let _ = crls.add(&list);
        let _ = Certificate::parse(&certificate);
    }
}

/// So many lists of one issuer, each of another second.
fn many(network: &Network, first: u64, count: u64) -> Crls {
    let authority = network.authority("commune CA");
    let mut all = Crls::none();
    for n in first..first + count {
        let list = authority.crl(&[], ago(HOUR_MS + 1_000 * n), NOW.plus_ms(HOUR_MS));
        assert_eq!(all.add(&list), Ok(1), "{n}");
    }
    all
}

#[test]
fn there_are_so_many_lists_and_no_more_whichever_way_they_come() {
    let network = Network::new("trust tests");
    let authority = network.authority("commune CA");
    let full = many(&network, 0, CRLS_MAX as u64);
    assert_eq!(full.lists().count(), CRLS_MAX);
    let one_more = authority.crl(&[], ago(1), NOW.plus_ms(HOUR_MS));
    let mut over = full.clone();
    assert_eq!(over.add(&one_more).unwrap_err().code, Code::TooLarge);

    // Taken in from another set: what is known already needs no room.
    let mut half = many(&network, 0, 600);
    half.include(&full).unwrap();
    assert_eq!(half.lists().count(), CRLS_MAX);
    half.include(&full).unwrap();
    let mut other = Crls::none();
    other.add(&one_more).unwrap();
    assert_eq!(half.include(&other).unwrap_err().code, Code::TooLarge);
    assert_eq!(half.lists().count(), CRLS_MAX, "none of them was taken");
    let mut few = many(&network, 0, 2);
    few.include(&other).unwrap();
    assert_eq!(few.lists().count(), 3);

    // In the place of others: those of another issuer stay, and count.
    let elsewhere =
        network.authority("district CA").crl(&[], ago(100 * HOUR_MS), NOW.plus_ms(HOUR_MS));
    let mut before = Crls::none();
    before.add(&elsewhere).unwrap();
    let fits = many(&network, 0, CRLS_MAX as u64 - 1).replacing(&before).unwrap();
    assert_eq!((fits.0.lists().count(), fits.1.len()), (CRLS_MAX, 1));
    assert_eq!(full.replacing(&before).unwrap_err().code, Code::TooLarge);
}
