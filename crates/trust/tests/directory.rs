//! Root documents and directories: signatures, versions, forks, and what the entries say.

use tram_crypto::{Algorithm, Ed25519Signer, Sign};
use tram_dispatch::directory::{Agency, Anchor, Binding, Delegation, Entry, Node, RootDocument};
use tram_dispatch::{AgencyCode, Code, Digest, Event, NodeId, UnixMillis};
use tram_trust::fixtures::{CENTRE, COMMUNE, DISTRICT, END, NOW, Network, PROVINCE, seed};
use tram_trust::{Directory, Refusal, Resolution, Root, may_issue};
use tram_wire::directory::DirectoryFile;
use tram_wire::root::{KeySignature, RootFile};

fn network() -> Network {
    Network::new("trust tests")
}

fn code(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).unwrap()
}

fn node(text: &str) -> NodeId {
    text.parse().unwrap()
}

fn signer(label: &str) -> Ed25519Signer {
    Ed25519Signer::from_seed(&seed(label)).unwrap()
}

fn agency<'a>(entries: &'a mut [Entry], text: &str) -> &'a mut Agency {
    let found = entries.iter_mut().find_map(|entry| match entry {
        Entry::Agency(agency) if agency.code.as_str() == text => Some(agency),
        _ => None,
    });
    found.unwrap()
}

fn listed<'a>(entries: &'a mut [Entry], text: &str) -> &'a mut Node {
    let found = entries.iter_mut().find_map(|entry| match entry {
        Entry::Node(node) if node.id.agency().as_str() == text => Some(node),
        _ => None,
    });
    found.unwrap()
}

/// The refusal of version 2 with the entries changed.
fn refused(change: impl FnOnce(&mut Vec<Entry>)) -> Refusal {
    let network = network();
    let mut entries = network.entries.clone();
    change(&mut entries);
    let head = network.head(2, Some(network.directory.digest()), &entries);
    let file = network.directory_file(head, &entries);
    Directory::verify(&network.root, &file, Some(&network.directory), NOW).unwrap_err()
}

#[test]
fn versions_only_grow_and_never_fork() {
    let network = network();
    let (root, one) = (&network.root, &*network.directory);
    let two = network.next_directory(&network.entries);
    let file = |version, previous, entries: &[Entry]| {
        network.directory_file(network.head(version, previous, entries), entries)
    };
    let verify = |file: &[u8], in_force| {
        Directory::verify(root, file, in_force, NOW).map(|d| d.version()).map_err(|e| e.code)
    };
    // The same again is the same; an older one is old.
    assert_eq!(verify(&network.directory_file, Some(one)), Ok(1));
    assert_eq!(verify(&network.directory_file, Some(&two)), Err(Code::DirectoryOld));
    let mut changed = network.entries.clone();
    agency(&mut changed, COMMUNE).name = "Another name".into();
    let fork = file(1, None, &changed);
    assert_eq!(verify(&fork, Some(one)), Err(Code::DirectoryFork));
    let elsewhere = Directory::verify(root, &fork, None, NOW).unwrap();
    let other = file(2, Some(elsewhere.digest()), &changed);
    assert_eq!(verify(&other, Some(one)), Err(Code::DirectoryFork));
    assert_eq!(verify(&other, Some(&two)), Err(Code::DirectoryFork));
    // Versions may be left out: a node that was away takes the newest.
    assert_eq!(verify(&file(9, Some(two.digest()), &changed), Some(one)), Ok(9));
    assert_eq!(verify(&file(2, None, &changed), None), Err(Code::DirectoryInvalid));
}

#[test]
fn an_expired_directory_only_goes_on() {
    let network = network();
    let late = UnixMillis(END.0 + 1);
    let head = network.head(2, Some(network.directory.digest()), &network.entries);
    let file = network.directory_file(head, &network.entries);
    let refusal =
        Directory::verify(&network.root, &file, Some(&network.directory), late).unwrap_err();
    assert_eq!(refusal.code, Code::DirectoryInvalid);
    let again = Directory::verify(&network.root, &file, None, late).unwrap();
    assert_eq!(again.expires_at(), END);
}

#[test]
fn nothing_in_the_file_can_be_altered() {
    let network = network();
    let verify = |file: &DirectoryFile| {
        Directory::verify(&network.root, &file.encode(), None, NOW).unwrap_err()
    };
    let good = DirectoryFile::decode(&network.directory_file).unwrap();
    let mut file = good.clone();
    let mut entries = network.entries.clone();
    agency(&mut entries, COMMUNE).node = Some(node("n1.H41"));
    file.entries =
        DirectoryFile::decode(&network.directory_file(network.head(1, None, &entries), &entries))
            .unwrap()
            .entries;
    assert_eq!(verify(&file).code, Code::DirectoryInvalid);
    let mut file = good.clone();
    file.entries.pop();
    assert!(verify(&file).detail.contains("entries"), "{}", verify(&file));
    let mut file = good.clone();
    let mut head = good.head.clone();
    head.issued_at = NOW;
    file.head_bytes = tram_wire::directory::encode_head(&head);
    assert!(verify(&file).detail.contains("key 0"), "{}", verify(&file));
    let mut file = good.clone();
    file.signatures[0].key_index = 1;
    assert!(verify(&file).detail.contains("no key 1"), "{}", verify(&file));
    let mut file = good;
    file.signatures[0].signature[0] ^= 1;
    assert_eq!(verify(&file).code, Code::DirectoryInvalid);
    let other = Network::new("another network");
    let refusal = Directory::verify(&network.root, &other.directory_file, None, NOW).unwrap_err();
    assert_eq!(refusal.code, Code::WrongNetwork);
    let rubbish = Directory::verify(&network.root, b"rubbish", None, NOW).unwrap_err();
    assert_eq!(rubbish.code, Code::DirectoryInvalid);
}

#[test]
fn entries_must_hang_together() {
    let cases: Vec<(Refusal, &str)> = vec![
        (refused(|e| agency(e, COMMUNE).node = Some(node("n9.H41"))), "hosted by n9.H41"),
        (refused(|e| agency(e, COMMUNE).parent = Some(code("H99"))), "parent H99"),
        (refused(|e| agency(e, COMMUNE).successor = Some(code("H99"))), "successor H99"),
        (refused(|e| agency(e, CENTRE).parent = Some(code(COMMUNE))), "no end of parents"),
        (refused(|e| agency(e, COMMUNE).successor = Some(code(COMMUNE))), "successors"),
        (refused(|e| agency(e, COMMUNE).former = vec![code(PROVINCE)]), "two agencies"),
        (refused(|e| listed(e, CENTRE).parent = Some(node("n1.H41.12.03"))), "no end"),
        (refused(|e| listed(e, COMMUNE).parent = Some(node("n9.H41"))), "not listed"),
        (refused(|e| listed(e, COMMUNE).lateral = vec![node("n1.G22")]), "not the reverse"),
        (
            refused(|e| {
                let epoch = &mut listed(e, COMMUNE).epochs[0];
                epoch.checkpoint_key = epoch.receipt_key.clone();
            }),
            "one key",
        ),
        (
            refused(|e| {
                let p256 = tram_crypto::generate_p256_pkcs8().unwrap();
                let p256 = tram_crypto::P256Signer::from_pkcs8_der(&p256).unwrap();
                listed(e, COMMUNE).epochs[0].receipt_key = p256.public_key().spki_der().to_vec();
            }),
            "not Ed25519",
        ),
    ];
    for (refusal, expected) in cases {
        assert_eq!(refusal.code, Code::DirectoryInvalid);
        assert!(refusal.detail.contains(expected), "{expected}: {refusal}");
    }
}

#[test]
fn a_certificate_is_bound_to_one_agency() {
    let bind = |entries: &mut Vec<Entry>, to: &[&str]| {
        for text in to {
            let certificate = Digest([7; 32]);
            let binding = Binding { certificate, from: NOW, until: None };
            agency(entries, text).bindings.push(binding);
        }
    };
    let refusal = refused(|e| bind(e, &[COMMUNE, DISTRICT]));
    assert!(refusal.detail.contains("bound to two agencies"), "{refusal}");
    // Twice to the same one, for two spans of time, is no contradiction.
    let network = network();
    let mut entries = network.entries.clone();
    bind(&mut entries, &[COMMUNE, COMMUNE]);
    let directory = network.next_directory(&entries);
    assert!(directory.binds(&code(COMMUNE), &Digest([7; 32]), NOW));
}

#[test]
fn the_tree_of_nodes_can_be_walked() {
    let directory = network().directory;
    let path: Vec<String> =
        directory.path_up(&node("n1.H41.12.03")).iter().map(NodeId::to_string).collect();
    assert_eq!(path, ["n1.H41.12.03", "n1.H41.12", "n1.H41", "n1.G22"]);
    assert!(directory.path_up(&node("n9.H41")).is_empty());
    assert_eq!(directory.children(&node("n1.G22")), [node("n1.H41")]);
    assert!(directory.is_below(&node("n1.H41.12.03"), &node("n1.H41")));
    assert!(!directory.is_below(&node("n1.H41"), &node("n1.H41.12.03")));
    assert!(directory.adjacent(&node("n1.H41"), &node("n1.G22")));
    assert!(directory.adjacent(&node("n1.G22"), &node("n1.H41")));
    assert!(!directory.adjacent(&node("n1.G22"), &node("n1.H41.12")));
    assert!(!directory.adjacent(&node("n1.G22"), &node("n1.G22")));
    assert!(!directory.adjacent(&node("n1.G22"), &node("n9.G22")));
}

#[test]
fn lateral_peers_and_closed_nodes() {
    let network = network();
    let mut entries = network.entries.clone();
    listed(&mut entries, CENTRE).lateral = vec![node("n1.H41.12.03")];
    listed(&mut entries, COMMUNE).lateral = vec![node("n1.G22")];
    listed(&mut entries, DISTRICT).open = false;
    let directory = network.next_directory(&entries);
    assert!(directory.adjacent(&node("n1.G22"), &node("n1.H41.12.03")));
    assert!(!directory.adjacent(&node("n1.H41"), &node("n1.H41.12")));
    assert!(!directory.adjacent(&node("n1.H41.12"), &node("n1.H41")));
}

#[test]
fn codes_resolve_through_former_codes_and_successors() {
    let network = network();
    let mut entries = network.entries.clone();
    agency(&mut entries, DISTRICT).former = vec![code("H41.99")];
    let commune = agency(&mut entries, COMMUNE);
    (commune.open, commune.successor) = (false, Some(code(DISTRICT)));
    agency(&mut entries, PROVINCE).open = false;
    // One that was closed for another, which was closed in its turn.
    let centre = agency(&mut entries, CENTRE);
    (centre.open, centre.successor) = (false, Some(code(COMMUNE)));
    let directory = network.next_directory(&entries);
    let open = |text| match directory.resolve(&code(text)) {
        Resolution::Open(agency) => agency.code.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!((open(DISTRICT), open("H41.99")), (DISTRICT.into(), DISTRICT.into()));
    match directory.resolve(&code(COMMUNE)) {
        Resolution::Successor { from, to } => {
            assert_eq!((from.code.as_str(), to.code.as_str()), (COMMUNE, DISTRICT));
        }
        other => panic!("{other:?}"),
    }
    let Resolution::Successor { to, .. } = directory.resolve(&code(CENTRE)) else { panic!() };
    assert_eq!(to.code.as_str(), DISTRICT, "to the end of the line");
    assert_eq!(directory.resolve(&code(PROVINCE)), Resolution::Closed);
    assert_eq!(directory.resolve(&code("H98")), Resolution::Unknown);
    assert_eq!(directory.hosting(&code(COMMUNE)), Some(&node("n1.H41.12")));
    assert_eq!(directory.hosting(&code(PROVINCE)), None);
}

#[test]
fn mailboxes_of_closed_agencies_are_their_last_successors() {
    let network = network();
    let mailboxes = |directory: &Directory, of: &str| -> Vec<String> {
        directory.succession().mailboxes(&code(of)).map(ToString::to_string).collect()
    };
    assert_eq!(mailboxes(&network.directory, DISTRICT), [DISTRICT], "nobody is closed");
    let mut entries = network.entries.clone();
    agency(&mut entries, DISTRICT).former = vec![code("H41.99")];
    let commune = agency(&mut entries, COMMUNE);
    (commune.open, commune.successor) = (false, Some(code(DISTRICT)));
    commune.former = vec![code("H41.98")];
    // The end of the line counts, not who stands between; who closed without a successor is nobody's.
    let centre = agency(&mut entries, CENTRE);
    (centre.open, centre.successor) = (false, Some(code(COMMUNE)));
    agency(&mut entries, PROVINCE).open = false;
    let two = network.next_directory(&entries);
    let all = [DISTRICT, CENTRE, COMMUNE, "H41.98", "H41.99"];
    assert_eq!(mailboxes(&two, DISTRICT), all);
    for alone in [COMMUNE, CENTRE, PROVINCE, "H98"] {
        assert_eq!(mailboxes(&two, alone), [alone]);
    }
    let heir = |of: &str| two.succession().heir(&code(of)).map(ToString::to_string);
    assert_eq!(heir(CENTRE).as_deref(), Some(DISTRICT));
    assert_eq!((heir(PROVINCE), heir(DISTRICT), heir("H98")), (None, None, None));
    // That the successor's mailbox is at another node then changes nothing.
    agency(&mut entries, DISTRICT).node = Some(node("n1.G22"));
    let moved = network.next_directory(&entries);
    assert_eq!(mailboxes(&moved, DISTRICT), all);
    assert_eq!(moved.hosting(&code(COMMUNE)), Some(&node("n1.G22")));
}

#[test]
fn who_signs_is_told_beforehand_and_a_closed_agency_names_its_last_successor() {
    let network = network();
    let mut entries = network.entries.clone();
    assert_eq!(Directory::check_entries(entries.clone()), Ok(()));
    let (commune, district) = (code(COMMUNE), code(DISTRICT));
    let closed = agency(&mut entries, COMMUNE);
    (closed.open, closed.successor) = (false, Some(district.clone()));
    let two = network.next_directory(&entries);
    assert_eq!(two.successor(&commune).map(|a| &a.code), Some(&district));
    assert_eq!(two.successor(&district), None);
    agency(&mut entries, DISTRICT).former = vec![commune];
    let said = Directory::check_entries(entries).unwrap_err();
    assert!(said.contains("means two agencies"), "{said}");
}

#[test]
fn only_the_hosting_node_speaks_for_a_recipient() {
    let network = network();
    let directory = &network.directory;
    for event in Event::ALL {
        let by = |id: &str, recipient: Option<&str>| {
            may_issue(directory, event, &node(id), recipient.map(code).as_ref())
        };
        assert!(by("n1.H41.12.03", Some(COMMUNE)), "{event:?}");
        assert_eq!(by("n1.H41.12", Some(COMMUNE)), !event.only_recipient_node(), "{event:?}");
        assert_eq!(by("n1.H41.12.03", None), !event.only_recipient_node(), "{event:?}");
        assert!(!by("n9.H41", Some(COMMUNE)), "{event:?}");
    }
    let mut entries = network.entries.clone();
    let commune = agency(&mut entries, COMMUNE);
    (commune.open, commune.successor) = (false, Some(code(PROVINCE)));
    let directory = network.next_directory(&entries);
    let by = |id| may_issue(&directory, Event::ContentConsignment, &node(id), Some(&code(COMMUNE)));
    assert!(by("n1.H41") && by("n1.H41.12.03") && !by("n1.H41.12"));
}

#[test]
fn a_delegation_needs_a_real_key() {
    let delegation = |key: Vec<u8>| {
        Entry::Delegation(Delegation { subtree: code(PROVINCE), key, from: NOW, until: None })
    };
    // A key of small order parses as bytes, but is no key that anybody should trust.
    let mut weak = signer("x").public_key().spki_der().to_vec();
    weak[12..].fill(0);
    assert_eq!(refused(|e| e.push(delegation(weak))).code, Code::DirectoryInvalid);
}

/// A root file of two keys out of three, version 1 or later.
fn root_file(
    document: &RootDocument,
    by: &[(u8, &Ed25519Signer)],
    before: &[(u8, &Ed25519Signer)],
) -> Vec<u8> {
    let raw_root = tram_wire::root::encode(document);
    let network = tram_wire::root::network_id(&raw_root, document);
    let signed = tram_wire::root::to_be_signed(Algorithm::EdDsa, &raw_root, network);
    let sign = |keys: &[(u8, &Ed25519Signer)]| {
        let one = |(key_index, key): &(u8, &Ed25519Signer)| KeySignature {
            key_index: *key_index,
            algorithm: Algorithm::EdDsa,
            signature: key.sign(&signed).unwrap(),
        };
        keys.iter().map(one).collect()
    };
    let (signatures, previous_signatures) = (sign(by), sign(before));
    RootFile { raw_root, document: document.clone(), signatures, previous_signatures }.encode()
}

#[test]
fn root_documents_need_their_threshold_and_the_one_before() {
    let keys = [signer("key 0"), signer("key 1"), signer("key 2"), signer("key 3")];
    let spki = |i: usize| keys[i].public_key().spki_der().to_vec();
    let document = RootDocument {
        name: "three keys".into(),
        nonce: [1; 16],
        version: 1,
        network: None,
        keys: vec![spki(0), spki(1), spki(2)],
        threshold: 2,
        anchors: vec![],
        lifetime_ms_max: 1000,
    };
    let [a, b, c, d] = &keys;
    let one = Root::install(&root_file(&document, &[(0, a), (2, c)], &[])).unwrap();
    assert_eq!(one.network().0, one.digest().0);
    assert_eq!(one.anchors(), []);
    // An anchor must be a certificate authority.
    for (der, ok) in [
        (network().authority("root CA").der().to_vec(), true),
        (network().agent(COMMUNE).chain[0].clone(), false),
    ] {
        let anchors = vec![Anchor { certificate: der, nodes: true, seals: true }];
        let with = RootDocument { anchors: anchors.clone(), ..document.clone() };
        match Root::install(&root_file(&with, &[(0, a), (2, c)], &[])) {
            Ok(root) => assert!(ok && root.anchors() == anchors),
            Err(refusal) => assert!(!ok && refusal.detail.contains("is not a CA"), "{refusal}"),
        }
    }
    let refusal = Root::install(&root_file(&document, &[(1, b)], &[])).unwrap_err();
    assert_eq!(refusal.code, Code::Unreadable);
    assert!(refusal.detail.contains("threshold is 2"), "{refusal}");
    let refusal = Root::install(&root_file(&document, &[(0, a), (1, d)], &[])).unwrap_err();
    assert!(refusal.detail.contains("key 1 does not verify"), "{refusal}");

    let mut next = document.clone();
    (next.version, next.network) = (2, Some(one.network()));
    next.keys = vec![spki(3)];
    next.threshold = 1;
    let two = one.install_next(&root_file(&next, &[(0, d)], &[(0, a), (1, b)])).unwrap();
    assert_eq!((two.network(), two.document().version), (one.network(), 2));
    for before in [&[(0, a)][..], &[(0, a), (1, d)]] {
        let refusal = one.install_next(&root_file(&next, &[(0, d)], before)).unwrap_err();
        assert_eq!(refusal.code, Code::Unreadable, "{refusal}");
    }
    next.version = 4;
    let refusal = one.install_next(&root_file(&next, &[(0, d)], &[(0, a), (1, b)])).unwrap_err();
    assert!(refusal.detail.contains("does not follow"), "{refusal}");
    (next.version, next.network) = (2, Some(tram_dispatch::NetworkId([9; 32])));
    let refusal = one.install_next(&root_file(&next, &[(0, d)], &[(0, a), (1, b)])).unwrap_err();
    assert_eq!(refusal.code, Code::WrongNetwork);
}
