//! Node certificates, and the paths that both kinds of certificate stand on.

use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose as Eku, IsCa, KeyUsagePurpose as Ku};
use std::sync::Arc;
use tram_crypto::{Algorithm, Ed25519Signer, Sign};
use tram_dispatch::directory::{Anchor, Entry, RootDocument};
use tram_dispatch::{Code, NodeId, UnixMillis};
use tram_trust::fixtures::{
    Authority, CENTRE, COMMUNE, END, Leaf, NOW, Network, PROVINCE, START, ca_params, key_pair, seed,
};
use tram_trust::{Crls, Options, Refusal, Root, Verifier};
use tram_wire::root::{KeySignature, RootFile};

/// A moment at which the certificates under `tests/data` are valid: 2027-06-01.
const LATER: UnixMillis = UnixMillis(1_811_808_000_000);

fn key() -> Ed25519Signer {
    Ed25519Signer::from_seed(&seed("a peer under test")).unwrap()
}

fn node(text: &str) -> NodeId {
    text.parse().unwrap()
}

/// A root document with one anchor, for chains that are not of the fixture's.
fn root_with(anchor: &[u8]) -> Result<Root, Refusal> {
    let key = Ed25519Signer::from_seed(&seed("directory key")).unwrap();
    let document = RootDocument {
        name: "one anchor".into(),
        nonce: [7; 16],
        version: 1,
        network: None,
        keys: vec![key.public_key().spki_der().to_vec()],
        threshold: 1,
        anchors: vec![Anchor { certificate: anchor.to_vec(), nodes: true, seals: false }],
        lifetime_ms_max: 1000,
    };
    let raw_root = tram_wire::root::encode(&document);
    let network = tram_wire::root::network_id(&raw_root, &document);
    let signed = tram_wire::root::to_be_signed(Algorithm::EdDsa, &raw_root, network);
    let signature = key.sign(&signed).unwrap();
    let signatures = vec![KeySignature { key_index: 0, algorithm: Algorithm::EdDsa, signature }];
    let file = RootFile { raw_root, document, signatures, previous_signatures: vec![] };
    Root::install(&file.encode())
}

/// The answer about a chain under one anchor, with the fixture's directory.
fn under(anchor: &[u8], chain: &[Vec<u8>], at: UnixMillis) -> Result<NodeId, Refusal> {
    let network = Network::new("trust tests");
    let root = Arc::new(root_with(anchor).unwrap());
    let options = Options::default();
    Verifier::new(root, network.directory.clone(), Crls::none(), options).peer(chain, None, at)
}

#[test]
fn nodes_of_the_directory_are_known_by_their_certificates() {
    let network = Network::new("trust tests");
    for keys in &network.nodes {
        let verifier = network.verifier();
        assert_eq!(verifier.peer(&keys.chain, Some(&keys.id), NOW), Ok(keys.id.clone()));
        let refusal = verifier.peer(&keys.chain, Some(&node("n9.G22")), NOW).unwrap_err();
        assert_eq!(refusal.code, Code::PeerNotInDirectory);
        assert!(refusal.detail.contains(keys.id.as_str()), "{refusal}");
    }
}

#[test]
fn unlisted_and_closed_nodes_are_refused() {
    let network = Network::new("trust tests");
    let leaf = Leaf::node("n2.h41.node.alt", START, END);
    let chain = network.chain_for(PROVINCE, &leaf, key().public_key().spki_der());
    let refusal = network.verifier().peer(&chain, None, NOW).unwrap_err();
    assert_eq!(refusal.code, Code::PeerNotInDirectory);
    let mut entries = network.entries.clone();
    for entry in &mut entries {
        if let Entry::Node(listed) = entry {
            listed.open = listed.id.as_str() != "n1.H41";
        }
    }
    let directory = Arc::new(network.next_directory(&entries));
    let options = Options::default();
    let verifier = Verifier::new(network.root.clone(), directory, Crls::none(), options);
    let refusal = verifier.peer(&network.node(PROVINCE).chain, None, NOW).unwrap_err();
    assert_eq!(refusal.code, Code::PeerNotInDirectory);
    assert!(verifier.peer(&network.node(CENTRE).chain, None, NOW).is_ok());
}

#[test]
fn node_certificates_keep_to_their_profile() {
    let network = Network::new("trust tests");
    let try_leaf = |agency: &str, change: &dyn Fn(&mut Leaf)| {
        let mut leaf = Leaf::node("n1.h41.node.alt", START, END);
        change(&mut leaf);
        let chain = network.chain_for(agency, &leaf, key().public_key().spki_der());
        network.verifier().peer(&chain, None, NOW).unwrap_err().code
    };
    let invalid = Code::CertificateInvalid;
    assert_eq!(try_leaf(CENTRE, &|l| l.names.clear()), invalid);
    assert_eq!(try_leaf(CENTRE, &|l| l.names = vec!["h41.agency.alt".into()]), invalid);
    assert_eq!(try_leaf(CENTRE, &|l| l.names = vec!["*.h41.node.alt".into()]), invalid);
    assert_eq!(try_leaf(CENTRE, &|l| l.names.push("n2.h41.node.alt".into())), invalid);
    assert_eq!(try_leaf(CENTRE, &|l| l.purposes.clear()), invalid);
    assert_eq!(try_leaf(CENTRE, &|l| l.purposes = vec![Eku::ServerAuth]), invalid);
    assert_eq!(try_leaf(CENTRE, &|l| l.purposes = vec![Eku::ClientAuth]), invalid);
    assert_eq!(try_leaf(CENTRE, &|l| l.purposes.push(Eku::Any)), invalid);
    assert_eq!(try_leaf(CENTRE, &|l| l.usages = vec![Ku::KeyEncipherment]), invalid);
    let constraint = Code::CertificateNameConstraint;
    assert_eq!(try_leaf(COMMUNE, &|_| ()), constraint);
    assert_eq!(try_leaf(PROVINCE, &|l| l.names = vec!["n1.xh41.node.alt".into()]), constraint);
    let now = |l: &mut Leaf| (l.from, l.until) = (NOW.plus_ms(1000), END);
    assert_eq!(try_leaf(CENTRE, &now), Code::CertificateNotYetValid);
    let past = |l: &mut Leaf| l.until = UnixMillis(NOW.0 - 1000);
    assert_eq!(try_leaf(CENTRE, &past), Code::CertificateExpired);
    // A seal certificate opens no session, whatever its name.
    let seal = network.agent(PROVINCE).chain.clone();
    assert_eq!(network.verifier().peer(&seal, None, NOW).unwrap_err().code, invalid);
}

#[test]
fn counts_and_sizes_are_bounded() {
    let network = Network::new("trust tests");
    let verifier = network.verifier();
    let mut chain = network.node(COMMUNE).chain.clone();
    chain.push(network.authority("root CA").der().to_vec());
    assert_eq!(chain.len(), 6);
    assert!(verifier.peer(&chain, None, NOW).is_ok());
    chain.push(network.authority("root CA").der().to_vec());
    assert_eq!(verifier.peer(&chain, None, NOW).unwrap_err().code, Code::TooLarge);
    let huge = vec![vec![0x30; 16 * 1024 + 1]];
    assert_eq!(verifier.peer(&huge, None, NOW).unwrap_err().code, Code::TooLarge);
    assert_eq!(verifier.peer(&[], None, NOW).unwrap_err().code, Code::CertificateUntrusted);
    let rubbish = vec![b"rubbish".to_vec()];
    assert_eq!(verifier.peer(&rubbish, None, NOW).unwrap_err().code, Code::CertificateInvalid);
}

#[test]
fn cas_keep_to_key_usage_path_length_and_purposes() {
    let network = Network::new("trust tests");
    let root = network.authority("root CA");
    let leaf = Leaf::node("n1.h41.node.alt", START, END);
    let spki = key().public_key().spki_der().to_vec();
    let try_ca = |change: &dyn Fn(&mut rcgen::CertificateParams)| {
        let mut params = ca_params("odd CA", &[], START, END);
        change(&mut params);
        let ca = root.certify("odd CA", params, key_pair("odd CA"));
        let chain = vec![ca.issue(&leaf, &spki), ca.der().to_vec()];
        network.verifier().peer(&chain, None, NOW)
    };
    assert_eq!(try_ca(&|_| ()), Ok(node("n1.H41")));
    let both = vec![Eku::ServerAuth, Eku::ClientAuth];
    assert!(try_ca(&|p| p.extended_key_usages = both.clone()).is_ok());
    let refusals = [
        (try_ca(&|p| p.key_usages = vec![Ku::CrlSign]), "signing certificates"),
        (try_ca(&|p| p.extended_key_usages = vec![Eku::ServerAuth]), "extended key usage"),
        (try_ca(&|p| p.is_ca = IsCa::NoCa), "not a CA"),
    ];
    for (answer, expected) in refusals {
        let refusal = answer.unwrap_err();
        assert_eq!(refusal.code, Code::CertificateInvalid, "{refusal}");
        assert!(refusal.detail.contains(expected), "{refusal}");
    }
    let mut params = ca_params("short CA", &[], START, END);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let short = root.certify("short CA", params, key_pair("short CA"));
    let below = short.subordinate("below CA", &[], START, END);
    let chain = vec![below.issue(&leaf, &spki), below.der().to_vec(), short.der().to_vec()];
    let refusal = network.verifier().peer(&chain, None, NOW).unwrap_err();
    assert_eq!(refusal.code, Code::CertificateInvalid);
    assert!(refusal.detail.contains("longer"), "{refusal}");
    let expired = root.subordinate("old CA", &[], START, UnixMillis(NOW.0 - 1000));
    let chain = vec![expired.issue(&leaf, &spki), expired.der().to_vec()];
    let refusal = network.verifier().peer(&chain, None, NOW).unwrap_err();
    assert_eq!(refusal.code, Code::CertificateExpired);
    assert!(refusal.detail.contains("old CA"), "{refusal}");
}

#[test]
fn of_two_paths_the_live_one_is_found() {
    // The same CA certified twice, once long ago: whichever comes first, the living path counts.
    let network = Network::new("trust tests");
    let root = network.authority("root CA");
    let old = ca_params("crossed CA", &[], START, UnixMillis(NOW.0 - 1000));
    let old = root.certify("crossed CA", old, key_pair("crossed CA"));
    let new = ca_params("crossed CA", &[], START, END);
    let new = root.certify("crossed CA", new, key_pair("crossed CA"));
    let leaf = Leaf::node("n1.h41.node.alt", START, END);
    let leaf = new.issue(&leaf, key().public_key().spki_der());
    for cas in [[old.der(), new.der()], [new.der(), old.der()]] {
        let chain = vec![leaf.clone(), cas[0].to_vec(), cas[1].to_vec()];
        assert_eq!(network.verifier().peer(&chain, None, NOW), Ok(node("n1.H41")));
    }
}

#[test]
fn certificates_signed_with_every_algorithm_lead_to_their_anchor() {
    let pss = vec![include_bytes!("data/pss-node.der").to_vec()];
    assert_eq!(under(include_bytes!("data/pss-ca.der"), &pss, LATER), Ok(node("n1.H41")));
    let rsa =
        rustls_pki_types::PrivatePkcs8KeyDer::from(&include_bytes!("data/rsa2048.pkcs8.der")[..]);
    let load = |algorithm| rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&rsa, algorithm).unwrap();
    let keys = [
        key_pair("an Ed25519 CA"),
        rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap(),
        rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap(),
        load(&rcgen::PKCS_RSA_SHA256),
        load(&rcgen::PKCS_RSA_SHA384),
    ];
    let root = Authority::root("plain root", START, END);
    for key in keys {
        let ca = root.certify("some CA", ca_params("some CA", &[], START, END), key);
        let leaf = Leaf::node("n1.h41.node.alt", START, END);
        let leaf = ca.issue(&leaf, self::key().public_key().spki_der());
        let chain = vec![leaf, ca.der().to_vec()];
        assert_eq!(under(root.der(), &chain, NOW), Ok(node("n1.H41")));
        assert_eq!(under(ca.der(), &chain, NOW), Ok(node("n1.H41")));
    }
}

#[test]
fn weak_algorithms_are_refused_wherever_they_stand() {
    let sha1 = vec![include_bytes!("data/sha1-node.der").to_vec()];
    let refusal = under(include_bytes!("data/pss-ca.der"), &sha1, LATER).unwrap_err();
    assert_eq!(refusal.code, Code::AlgorithmRefused, "{refusal}");
    // A CA in the middle whose key is not accepted, although every signature is right.
    let middle = [&include_bytes!("data/e3-node.der")[..], include_bytes!("data/e3-ca.der")];
    let middle = middle.map(<[u8]>::to_vec);
    let refusal = under(include_bytes!("data/e3-root.der"), &middle, LATER).unwrap_err();
    assert_eq!(refusal.code, Code::AlgorithmRefused, "{refusal}");
    assert!(refusal.detail.contains("e3 CA") && refusal.detail.contains("exponent"), "{refusal}");
    // An anchor with a short key does not even get into a root document.
    let weak = include_bytes!("data/rsa1024-ca.der");
    let refusal = root_with(weak).unwrap_err();
    assert_eq!(refusal.code, Code::AlgorithmRefused);
    assert!(refusal.detail.contains("RSA-1024"), "{refusal}");
    // Nor does anything that is no CA.
    let refusal = root_with(include_bytes!("data/pss-node.der")).unwrap_err();
    assert_eq!(refusal.code, Code::CertificateInvalid);
}

#[test]
fn a_crowd_of_cas_of_one_name_takes_bounded_work() {
    // Five CAs of one name and different keys, none of which issued the leaf.
    let root = Authority::root("crowded root", START, END);
    let crowd: Vec<Vec<u8>> = (0..5)
        .map(|i| {
            let params = ca_params("crowd", &[], START, END);
            root.certify("crowd", params, key_pair(&format!("crowd {i}"))).der().to_vec()
        })
        .collect();
    let absent = root.certify("crowd", ca_params("crowd", &[], START, END), key_pair("absent"));
    let leaf = Leaf::node("n1.h41.node.alt", START, END);
    let leaf = absent.issue(&leaf, key().public_key().spki_der());
    let chain = [vec![leaf], crowd].concat();
    let refusal = under(root.der(), &chain, NOW).unwrap_err();
    assert_eq!(refusal.code, Code::CertificateUntrusted, "{refusal}");
}
