//! Sealed dispatches: every refusal by a real certificate, and every algorithm.

use rcgen::{ExtendedKeyUsagePurpose as Eku, KeyUsagePurpose as Ku};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RsaEncoding, RsaKeyPair,
};
use tram_crypto::{Algorithm, Ed25519Signer, P256Signer, Sign, generate_p256_pkcs8};
use tram_dispatch::directory::{Binding, Entry};
use tram_dispatch::{AgencyCode, Code, UnixMillis};
use tram_trust::fixtures::{
    CENTRE, COMMUNE, DISTRICT, END, Leaf, NOW, Network, PROVINCE, START, seed,
};
use tram_trust::{
    Crls, Options, Refusal, Revocation, SealAuthority, Verdict, VerifiedDispatch, Verifier,
};
use tram_wire::SealedDispatch;

const NAME: &str = "03.12.h41.agency.alt";

fn network() -> Network {
    Network::new("trust tests")
}

fn key(label: &str) -> Ed25519Signer {
    Ed25519Signer::from_seed(&seed(label)).unwrap()
}

fn refused(verdict: Verdict<VerifiedDispatch>) -> Refusal {
    match verdict {
        Verdict::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// The refusal of an otherwise sound dispatch of the commune sealed with this leaf.
fn refused_leaf(network: &Network, agency: &str, leaf: &Leaf) -> Refusal {
    let key = key("a leaf under test");
    let chain = network.chain_for(agency, leaf, key.public_key().spki_der());
    let sealed = network.seal_with(&network.envelope(COMMUNE, &[CENTRE], "r"), &chain, &key);
    refused(network.verifier().dispatch(sealed, NOW))
}

fn leaf(change: impl FnOnce(&mut Leaf)) -> Leaf {
    let mut leaf = Leaf::seal(NAME, START, END);
    change(&mut leaf);
    leaf
}

#[test]
fn the_originators_own_seal_is_verified() {
    let network = network();
    for agency in [CENTRE, PROVINCE, DISTRICT, COMMUNE] {
        let sealed = network.seal(&network.envelope(agency, &[PROVINCE], "r-1"));
        let verified = network.verifier().dispatch(sealed.clone(), NOW).verified().unwrap();
        assert_eq!(verified.signer().agency.as_str(), agency);
        assert_eq!(verified.signer().authority, SealAuthority::Name);
        assert_eq!(verified.signer().not_after, END);
        assert_eq!(verified.revocation(), Some(Revocation::NotChecked));
        assert_eq!(verified.revocation_digest(), None);
        assert_eq!((verified.id(), verified.object()), (sealed.id(), sealed.object()));
    }
}

#[test]
fn validity_is_judged_at_the_given_moment_and_both_times_are_told() {
    let network = network();
    let verifier = network.verifier();
    let sealed = network.seal(&network.envelope(COMMUNE, &[CENTRE], "r"));
    let last = UnixMillis(END.0 + 999);
    assert!(verifier.dispatch(sealed.clone(), START).verified().is_some());
    assert!(verifier.dispatch(sealed.clone(), last).verified().is_some());
    // Before and after, although the chain is remembered by now.
    let late = refused(verifier.dispatch(sealed.clone(), last.plus_ms(1)));
    assert_eq!(late.code, Code::CertificateExpired);
    assert!(late.detail.contains(&END.to_string()), "{late}");
    assert!(late.detail.contains(&last.plus_ms(1).to_string()), "{late}");
    let early = refused(verifier.dispatch(sealed, UnixMillis(START.0 - 1)));
    assert_eq!(early.code, Code::CertificateNotYetValid);
    assert!(early.detail.contains(&START.to_string()), "{early}");
}

#[test]
fn an_expired_leaf_is_named() {
    let network = network();
    let expired = refused_leaf(&network, COMMUNE, &leaf(|l| l.until = UnixMillis(NOW.0 - 1000)));
    assert_eq!(expired.code, Code::CertificateExpired);
    assert!(expired.detail.contains("seal 03.12.h41.agency.alt"), "{expired}");
}

#[test]
fn names_outside_the_constraint_are_refused() {
    let network = network();
    for outside in ["h42.agency.alt", "04.12.h41.agency.alt", "h41.agency.alt", "*.h42.agency.alt"]
    {
        let refusal = refused_leaf(&network, COMMUNE, &leaf(|l| l.names = vec![outside.into()]));
        assert_eq!(refusal.code, Code::CertificateNameConstraint, "{outside}: {refusal}");
        assert!(refusal.detail.contains(outside), "{refusal}");
    }
    // A second name outside, beside the right one.
    let two = leaf(|l| l.names.push("04.12.h41.agency.alt".into()));
    assert_eq!(refused_leaf(&network, COMMUNE, &two).code, Code::CertificateNameConstraint);
}

#[test]
fn the_profile_is_required_of_the_leaf() {
    let network = network();
    let cases: Vec<(&str, Leaf, &str)> = vec![
        ("two names", leaf(|l| l.names.push(NAME.into())), "names, not one"),
        ("no name", leaf(|l| l.names.clear()), "names no agency"),
        ("a foreign name", leaf(|l| l.names = vec!["example.org".into()]), "names no agency"),
        ("capitals", leaf(|l| l.names = vec!["H41.agency.alt".into()]), "does not name an agency"),
        ("a node's name", leaf(|l| l.names = vec!["n1.h41.node.alt".into()]), "does not name"),
        ("a wildcard", leaf(|l| l.names = vec!["*.h41.agency.alt".into()]), "wildcard"),
        ("no key usage", leaf(|l| l.usages.clear()), "no key usage"),
        ("other usage", leaf(|l| l.usages = vec![Ku::KeyAgreement]), "digitalSignature"),
        (
            "may sign CRLs",
            leaf(|l| l.usages = vec![Ku::DigitalSignature, Ku::CrlSign]),
            "certificates or CRLs",
        ),
        ("no EKU", leaf(|l| l.purposes.clear()), "no extended key usage"),
        ("wrong EKU", leaf(|l| l.purposes = vec![Eku::ClientAuth]), "extended key usage"),
        ("TLS too", leaf(|l| l.purposes.push(Eku::ServerAuth)), "also meant"),
        ("a CA", leaf(|l| l.is_ca = true), "is a CA"),
    ];
    for (what, leaf, expected) in cases {
        // The centre's CA has no name constraint, so the profile alone decides.
        let refusal = refused_leaf(&network, CENTRE, &leaf);
        assert_eq!(refusal.code, Code::CertificateInvalid, "{what}: {refusal}");
        assert!(refusal.detail.contains(expected), "{what}: {refusal}");
    }
    // The profile comes before the signature.
    let wild = leaf(|l| l.names = vec!["*.h41.agency.alt".into()]);
    let chain = network.chain_for(CENTRE, &wild, key("one").public_key().spki_der());
    let sealed = network.seal_with(&network.envelope(COMMUNE, &[CENTRE], "r"), &chain, &key("two"));
    assert_eq!(refused(network.verifier().dispatch(sealed, NOW)).code, Code::CertificateInvalid);
}

#[test]
fn a_missing_issuer_is_named_and_order_does_not_matter() {
    let network = network();
    let agent = network.agent(COMMUNE);
    let envelope = network.envelope(COMMUNE, &[CENTRE], "r");
    let seal = |chain: &[Vec<u8>]| network.seal_with(&envelope, chain, &agent.seal);
    let mut shuffled = agent.chain.clone();
    shuffled[1..].reverse();
    assert!(network.verifier().dispatch(seal(&shuffled), NOW).verified().is_some());
    let mut gap = agent.chain.clone();
    gap.remove(2);
    let refusal = refused(network.verifier().dispatch(seal(&gap), NOW));
    assert_eq!(refusal.code, Code::CertificateUntrusted);
    assert!(refusal.detail.contains("district CA"), "{refusal}");
    let refusal = refused(network.verifier().dispatch(seal(&agent.chain[..1]), NOW));
    assert!(refusal.detail.contains("commune CA"), "{refusal}");
    // The same names, other keys: a second network's root CA is not this one's.
    let stranger = tram_trust::fixtures::Authority::root("another root", START, END);
    let other = stranger.issue(&Leaf::seal(NAME, START, END), agent.seal.public_key().spki_der());
    let refusal = refused(network.verifier().dispatch(seal(&[other]), NOW));
    assert_eq!(refusal.code, Code::CertificateUntrusted);
    assert!(refusal.detail.contains("another root"), "{refusal}");
}

#[test]
fn an_altered_certificate_is_untrusted() {
    let network = network();
    let agent = network.agent(COMMUNE);
    let envelope = network.envelope(COMMUNE, &[CENTRE], "r");
    for place in 0..agent.chain.len() {
        let mut chain = agent.chain.clone();
        let last = chain[place].len() - 1;
        chain[place][last] ^= 1;
        let sealed = network.seal_with(&envelope, &chain, &agent.seal);
        let refusal = refused(network.verifier().dispatch(sealed, NOW));
        assert_eq!(refusal.code, Code::CertificateUntrusted, "{place}: {refusal}");
    }
    let mut chain = agent.chain.clone();
    chain[0].push(0);
    let sealed = network.seal_with(&envelope, &chain, &agent.seal);
    let refusal = refused(network.verifier().dispatch(sealed, NOW));
    assert_eq!(refusal.code, Code::CertificateInvalid, "{refusal}");
}

#[test]
fn an_altered_envelope_or_another_key_is_a_false_signature() {
    let network = network();
    let envelope = network.envelope(COMMUNE, &[CENTRE], "r");
    let chain = &network.agent(COMMUNE).chain;
    let sealed = network.seal_with(&envelope, chain, &key("somebody else"));
    assert_eq!(refused(network.verifier().dispatch(sealed, NOW)).code, Code::SignatureInvalid);
    let raw = network.seal(&envelope).raw().to_vec();
    let subject = "Về việc thử nghiệm".as_bytes();
    let at = raw.windows(subject.len()).position(|w| w == subject).unwrap();
    let mut altered = raw.clone();
    altered[at] = b'v';
    let sealed = SealedDispatch::parse(&altered).unwrap();
    assert_eq!(refused(network.verifier().dispatch(sealed, NOW)).code, Code::SignatureInvalid);
    let mut flipped = raw;
    *flipped.last_mut().unwrap() ^= 1;
    let sealed = SealedDispatch::parse(&flipped).unwrap();
    assert_eq!(refused(network.verifier().dispatch(sealed, NOW)).code, Code::SignatureInvalid);
}

#[test]
fn another_agencys_seal_is_a_mismatch() {
    let network = network();
    let sealed = network.seal_as(&network.envelope(COMMUNE, &[CENTRE], "r"), DISTRICT);
    let refusal = refused(network.verifier().dispatch(sealed, NOW));
    assert_eq!(refusal.code, Code::OriginatorMismatch);
    assert!(refusal.detail.contains("H41.12;") && refusal.detail.contains(COMMUNE), "{refusal}");
}

#[test]
fn nothing_replays_between_networks() {
    let (here, there) = (network(), Network::new("another network"));
    let sealed = there.seal(&there.envelope(COMMUNE, &[CENTRE], "r"));
    assert!(there.verifier().dispatch(sealed.clone(), NOW).verified().is_some());
    let refusal = refused(here.verifier().dispatch(sealed, NOW));
    assert_eq!(refusal.code, Code::WrongNetwork);
}

#[test]
fn short_rsa_keys_and_algorithms_that_do_not_fit_are_refused() {
    let network = network();
    let spki = include_bytes!("data/rsa1024.spki.der");
    let chain = network.chain_for(COMMUNE, &Leaf::seal(NAME, START, END), spki);
    let envelope = network.envelope(COMMUNE, &[CENTRE], "r");
    let short = SealedDispatch::seal(&envelope, &chain, Algorithm::Rs256, |_| {
        Ok::<_, std::convert::Infallible>(vec![1; 128])
    });
    let refusal = refused(network.verifier().dispatch(short.unwrap(), NOW));
    assert_eq!(refusal.code, Code::AlgorithmRefused);
    assert!(refusal.detail.contains("RSA-1024"), "{refusal}");
    let agent = network.agent(COMMUNE);
    let confused = SealedDispatch::seal(&envelope, &agent.chain, Algorithm::Es256, |bytes| {
        agent.seal.sign(bytes)
    });
    let refusal = refused(network.verifier().dispatch(confused.unwrap(), NOW));
    assert_eq!(refusal.code, Code::AlgorithmRefused);
}

/// Verifies a seal by this key, and that the same signature over something else fails.
fn check_algorithm(algorithm: Algorithm, spki: &[u8], sign: impl Fn(&[u8]) -> Vec<u8>) {
    let network = network();
    let chain = network.chain_for(COMMUNE, &Leaf::seal(NAME, START, END), spki);
    let envelope = network.envelope(COMMUNE, &[CENTRE], "r");
    let seal = |over: &dyn Fn(&[u8]) -> Vec<u8>| {
        SealedDispatch::seal(&envelope, &chain, algorithm, |bytes| {
            Ok::<_, std::convert::Infallible>(over(bytes))
        })
        .unwrap()
    };
    let good = network.verifier().dispatch(seal(&|bytes| sign(bytes)), NOW);
    assert!(matches!(good, Verdict::Verified(_)), "{algorithm}: {good:?}");
    let bad = refused(network.verifier().dispatch(seal(&|_| sign(b"other bytes")), NOW));
    assert_eq!(bad.code, Code::SignatureInvalid, "{algorithm}");
}

#[test]
fn all_six_algorithms_verify() {
    let ed = key("ed25519");
    check_algorithm(Algorithm::EdDsa, ed.public_key().spki_der(), |m| ed.sign(m).unwrap());

    let p256 = P256Signer::from_pkcs8_der(&generate_p256_pkcs8().unwrap()).unwrap();
    check_algorithm(Algorithm::Es256, p256.public_key().spki_der(), |m| p256.sign(m).unwrap());

    let random = SystemRandom::new();
    let signing = &ECDSA_P384_SHA384_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(signing, &random).unwrap();
    let p384 = EcdsaKeyPair::from_pkcs8(signing, pkcs8.as_ref(), &random).unwrap();
    let mut spki = vec![
        0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05,
        0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
    ];
    spki.extend_from_slice(p384.public_key().as_ref());
    check_algorithm(Algorithm::Es384, &spki, |m| p384.sign(&random, m).unwrap().as_ref().to_vec());

    let pkcs8 = include_bytes!("data/rsa2048.pkcs8.der");
    let rsa = RsaKeyPair::from_pkcs8(pkcs8).unwrap();
    let spki = rcgen::PublicKeyData::subject_public_key_info(
        &rcgen::KeyPair::from_pkcs8_der_and_sign_algo(
            &rustls_pki_types::PrivatePkcs8KeyDer::from(&pkcs8[..]),
            &rcgen::PKCS_RSA_SHA256,
        )
        .unwrap(),
    );
    let paddings: [(Algorithm, &'static dyn RsaEncoding); 3] = [
        (Algorithm::Rs256, &RSA_PKCS1_SHA256),
        (Algorithm::Ps256, &RSA_PSS_SHA256),
        (Algorithm::Ps384, &RSA_PSS_SHA384),
    ];
    for (algorithm, padding) in paddings {
        check_algorithm(algorithm, &spki, |m| {
            let mut signature = vec![0; rsa.public().modulus_len()];
            rsa.sign(padding, &random, m, &mut signature).unwrap();
            signature
        });
    }
}

#[test]
fn a_binding_makes_a_seal_of_a_certificate_without_a_name() {
    let network = network();
    let key = key("a token of the national infrastructure");
    let unnamed = leaf(|l| {
        l.names.clear();
        l.purposes = vec![Eku::EmailProtection, Eku::ClientAuth];
    });
    let chain = network.chain_for(CENTRE, &unnamed, key.public_key().spki_der());
    let digest = tram_dispatch::Digest(tram_crypto::sha256(&chain[0]));
    let until = NOW.plus_ms(1000);
    let mut entries = network.entries.clone();
    for entry in &mut entries {
        if let Entry::Agency(agency) = entry
            && agency.code.as_str() == COMMUNE
        {
            agency.bindings = vec![Binding { certificate: digest, from: NOW, until: Some(until) }];
        }
    }
    let directory = std::sync::Arc::new(network.next_directory(&entries));
    let verifier = Verifier::new(network.root.clone(), directory, Crls::none(), Options::default());
    let seal =
        |originator| network.seal_with(&network.envelope(originator, &[CENTRE], "r"), &chain, &key);
    for at in [NOW, until] {
        let verified = verifier.dispatch(seal(COMMUNE), at).verified().unwrap();
        assert_eq!(verified.signer().authority, SealAuthority::Binding);
        assert_eq!(verified.signer().agency, AgencyCode::parse(COMMUNE).unwrap());
    }
    for (originator, at) in
        [(COMMUNE, UnixMillis(NOW.0 - 1)), (COMMUNE, until.plus_ms(1)), (DISTRICT, NOW)]
    {
        let refusal = refused(verifier.dispatch(seal(originator), at));
        assert_eq!(refusal.code, Code::OriginatorMismatch, "{refusal}");
    }
    // Without the binding it is nobody's seal.
    let refusal = refused(network.verifier().dispatch(seal(COMMUNE), NOW));
    assert_eq!(refusal.code, Code::CertificateInvalid, "{refusal}");
}

#[test]
fn chains_are_remembered_within_a_bound() {
    let network = network();
    let options = Options { chains_cached_max: 2, ..Options::default() };
    let verifier =
        Verifier::new(network.root.clone(), network.directory.clone(), Crls::none(), options);
    for _ in 0..3 {
        for agency in [CENTRE, PROVINCE, DISTRICT, COMMUNE] {
            let sealed = network.seal(&network.envelope(agency, &[CENTRE], "r"));
            assert!(verifier.dispatch(sealed, NOW).verified().is_some());
            assert!(verifier.cached().0 <= 2);
        }
    }
    assert_eq!(verifier.cached().0, 2);
}

#[test]
fn no_altered_byte_of_a_certificate_passes() {
    let network = network();
    let verifier = network.verifier();
    let chain = &network.agent(COMMUNE).chain;
    let agent = network.agent(COMMUNE);
    let envelope = network.envelope(COMMUNE, &[CENTRE], "r");
    for place in [0, 1] {
        for at in 0..chain[place].len() {
            let mut altered = chain.clone();
            altered[place][at] ^= 1 << (at % 8);
            let sealed = network.seal_with(&envelope, &altered, &agent.seal);
            let verdict = verifier.dispatch(sealed, NOW);
            assert!(matches!(verdict, Verdict::Refused(_)), "{place} {at}: {verdict:?}");
        }
    }
}
