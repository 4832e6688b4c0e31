//! What a delegated key may change, and everything that it may not.

use tram_crypto::{Ed25519Signer, Sign, sha256};
use tram_dispatch::directory::{Agency, Delegation, Entry, Node};
use tram_dispatch::{AgencyCode, Code, Digest, NodeId, UnixMillis};
use tram_trust::fixtures::{CENTRE, COMMUNE, DISTRICT, NOW, Network, PROVINCE, START, seed};
use tram_trust::{Directory, Refusal};
use tram_wire::directory::{SubtreeChange, SubtreeFile, change_to_be_signed, encode_change};

fn code(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).unwrap()
}

fn node(text: &str) -> NodeId {
    text.parse().unwrap()
}

fn delegate() -> Ed25519Signer {
    Ed25519Signer::from_seed(&seed("the key of the province's registry")).unwrap()
}

/// A directory that delegates the province's subtree, and another province beside it.
struct Office {
    network: Network,
    directory: Directory,
}

fn office_with(until: Option<UnixMillis>) -> Office {
    office_of(START, until, |_| {})
}

/// The same with a delegation from then to then, and other changes.
fn office_of(
    from: UnixMillis,
    until: Option<UnixMillis>,
    change: impl FnOnce(&mut Vec<Entry>),
) -> Office {
    let network = Network::new("delegation");
    let mut entries = network.entries.clone();
    entries.push(Entry::Delegation(Delegation {
        subtree: code(PROVINCE),
        key: delegate().public_key().spki_der().to_vec(),
        from,
        until,
    }));
    let mut other = agency_of(&network, PROVINCE);
    (other.code, other.name) = (code("H42"), "Tỉnh bên cạnh".into());
    let mut below = agency_of(&network, COMMUNE);
    (below.code, below.parent) = (code("H42.01"), Some(code("H42")));
    entries.extend([Entry::Agency(other), Entry::Agency(below)]);
    change(&mut entries);
    let directory = network.next_directory(&entries);
    Office { network, directory }
}

fn office() -> Office {
    office_with(None)
}

fn agency_of(network: &Network, text: &str) -> Agency {
    let found = network.entries.iter().find_map(|e| match e {
        Entry::Agency(a) if a.code.as_str() == text => Some(a.clone()),
        _ => None,
    });
    found.unwrap()
}

impl Office {
    fn agency(&self, text: &str) -> Entry {
        Entry::Agency(self.directory.agency(&code(text)).unwrap().clone())
    }

    fn node(&self, agency: &str) -> Node {
        self.directory.node(&self.network.node(agency).id).unwrap().clone()
    }

    fn change(&self, entries: Vec<Entry>) -> SubtreeChange {
        let mut entries = entries;
        entries.sort_by_key(tram_wire::directory::sort_key);
        SubtreeChange {
            network: self.network.id(),
            subtree: code(PROVINCE),
            key: Digest(sha256(delegate().public_key().spki_der())),
            base: self.directory.digest(),
            issued_at: NOW,
            entries,
        }
    }

    fn sign(&self, change: SubtreeChange, key: &Ed25519Signer) -> Vec<u8> {
        let (body, algorithm) = (encode_change(&change), key.algorithm());
        let signed = change_to_be_signed(algorithm, &body, change.network);
        let signature = key.sign(&signed).unwrap();
        SubtreeFile { body, change, algorithm, signature }.encode()
    }

    fn judge(&self, entries: Vec<Entry>) -> Result<(), Refusal> {
        let file = self.sign(self.change(entries), &delegate());
        self.directory.subtree_change(&file, NOW).map(|_| ())
    }

    fn refused(&self, entries: Vec<Entry>, says: &str) {
        let refusal = self.judge(entries).unwrap_err();
        assert_eq!(refusal.code, Code::NotAuthorised, "{refusal}");
        assert!(refusal.detail.contains(says), "{says}: {}", refusal.detail);
    }
}

fn altered(entry: Entry, change: impl FnOnce(&mut Agency)) -> Entry {
    let Entry::Agency(mut agency) = entry else { panic!() };
    change(&mut agency);
    Entry::Agency(agency)
}

#[test]
fn a_province_changes_what_lies_below_it() {
    let office = office();
    let renamed = altered(office.agency(COMMUNE), |a| {
        a.name = "Xã Mỹ Sơn".into();
        a.parent = Some(code(PROVINCE));
        a.node = Some(office.network.node(PROVINCE).id.clone());
    });
    let closed = altered(office.agency(DISTRICT), |a| {
        (a.open, a.successor, a.until) = (false, Some(code(PROVINCE)), Some(NOW));
    });
    let new = altered(office.agency(COMMUNE), |a| {
        (a.code, a.parent) = (code("H41.77"), Some(code(PROVINCE)));
    });
    let mut moved = office.node(COMMUNE);
    moved.parent = Some(office.network.node(PROVINCE).id.clone());
    moved.epochs[0].until = Some(NOW);
    let entries = vec![renamed, closed, new, Entry::Node(moved)];
    let file = office.sign(office.change(entries.clone()), &delegate());
    let verified = office.directory.subtree_change(&file, NOW).unwrap();
    assert_eq!(verified.change().entries.len(), entries.len());
}

#[test]
fn nothing_outside_of_the_subtree_is_a_delegates_to_change() {
    let office = office();
    let with = |text: &str, change: fn(&mut Agency)| vec![altered(office.agency(text), change)];
    for (text, says) in [(CENTRE, "not lie below"), ("H42", "not lie below"), ("H42.01", "not lie")]
    {
        office.refused(with(text, |a| a.name = "x".into()), says);
        // Nor does it become one's own by being put below.
        office.refused(with(text, |a| a.parent = Some(code(PROVINCE))), says);
    }
    office.refused(with(PROVINCE, |a| a.name = "x".into()), "itself is not");
    office.refused(with(COMMUNE, |a| a.parent = Some(code("H42"))), "any more");
    office.refused(with(COMMUNE, |a| a.parent = None), "any more");
    office.refused(with(COMMUNE, |a| a.code = code("H99.01")), "no code below");
    office.refused(with(COMMUNE, |a| a.code = code("H42.02")), "no code below");
    office.refused(with(COMMUNE, |a| a.former = vec![code("H43")]), "former code H43");
    office.refused(with(COMMUNE, |a| a.node = Some(node("n1.G22"))), "hosted by");
    office.refused(
        with(COMMUNE, |a| (a.open, a.successor) = (false, Some(code("H42")))),
        "would go to H42",
    );
    // A circle beside the tree leads nowhere.
    let circle = with(COMMUNE, |a| a.parent = Some(code(COMMUNE)));
    office.refused(circle, "any more");
}

#[test]
fn a_delegation_is_never_widened_and_nodes_stay_in_the_subtree() {
    let office = office();
    for subtree in [PROVINCE, COMMUNE, CENTRE] {
        let more = Entry::Delegation(Delegation {
            subtree: code(subtree),
            key: delegate().public_key().spki_der().to_vec(),
            from: START,
            until: None,
        });
        office.refused(vec![more], "not the delegate's to give");
    }
    let with = |text: &str, change: fn(&mut Node)| {
        let mut node = office.node(text);
        change(&mut node);
        vec![Entry::Node(node)]
    };
    office.refused(with(PROVINCE, |n| n.addresses = vec!["evil:1".into()]), "not a node below");
    office.refused(with(CENTRE, |n| n.addresses = vec!["evil:1".into()]), "not a node below");
    office.refused(with(COMMUNE, |n| n.parent = Some(node("n1.G22"))), "parent of");
    office.refused(with(COMMUNE, |n| n.parent = None), "parent of");
    office.refused(with(COMMUNE, |n| n.lateral = vec![node("n1.G22")]), "lateral peer");
    office.refused(with(COMMUNE, |n| n.epochs.clear()), "epoch");
    office.refused(with(COMMUNE, |n| n.epochs[0].from = NOW), "epoch");
    office.refused(with(COMMUNE, |n| n.id = node("n9.H42.01")), "not a node below");
}

#[test]
fn key_signature_moment_and_directory_must_be_the_right_ones() {
    let office = office();
    let entries = || vec![altered(office.agency(COMMUNE), |a| a.name = "x".into())];
    let judge = |file: &[u8], now| office.directory.subtree_change(file, now).unwrap_err().code;
    let other = Ed25519Signer::from_seed(&seed("another key")).unwrap();
    // Signed by another key; naming another key; for another subtree.
    assert_eq!(judge(&office.sign(office.change(entries()), &other), NOW), Code::DirectoryInvalid);
    let mut change = office.change(entries());
    change.key = Digest(sha256(other.public_key().spki_der()));
    assert_eq!(judge(&office.sign(change, &other), NOW), Code::NotAuthorised);
    let mut change = office.change(entries());
    change.subtree = code(DISTRICT);
    assert_eq!(judge(&office.sign(change, &delegate()), NOW), Code::NotAuthorised);
    // Of another network, or made for another version.
    let mut change = office.change(entries());
    change.network.0[0] ^= 1;
    assert_eq!(judge(&office.sign(change, &delegate()), NOW), Code::WrongNetwork);
    let mut change = office.change(entries());
    change.base.0[0] ^= 1;
    assert_eq!(judge(&office.sign(change, &delegate()), NOW), Code::DirectoryInvalid);
    // Every bit of it counts.
    let sound = office.sign(office.change(entries()), &delegate());
    assert!(office.directory.subtree_change(&sound, NOW).is_ok());
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        assert!(office.directory.subtree_change(&bytes, NOW).is_err(), "byte {at}");
    }
    // Before it begins, and once it ended: by the moment of signing and by the clock.
    let ends = office_with(Some(NOW));
    let sign = |issued_at| {
        let entry = altered(ends.agency(COMMUNE), |a| a.name = "x".into());
        let change = SubtreeChange { issued_at, ..ends.change(vec![entry]) };
        ends.sign(change, &delegate())
    };
    let judge = |issued_at, now| ends.directory.subtree_change(&sign(issued_at), now).is_ok();
    assert!(judge(NOW, NOW));
    assert!(!judge(NOW.plus_ms(1), NOW) && !judge(NOW, NOW.plus_ms(1)));
    assert!(!judge(UnixMillis(START.0 - 1), NOW));
}

/// Changes one agency among entries.
fn in_entries(entries: &mut [Entry], text: &str, change: impl FnOnce(&mut Agency)) {
    let found = entries.iter_mut().find_map(|e| match e {
        Entry::Agency(a) if a.code.as_str() == text => Some(a),
        _ => None,
    });
    change(found.unwrap());
}

#[test]
fn a_delegation_that_would_begin_after_its_directory_ended_never_does() {
    let expires_at = office().directory.expires_at();
    let now = expires_at.plus_ms(2);
    for (after_ms, taken) in [(0, true), (1, false), (2, false)] {
        let office = office_of(expires_at.plus_ms(after_ms), None, |_| {});
        let entry = altered(office.agency(COMMUNE), |a| a.name = "x".into());
        let change = SubtreeChange { issued_at: now, ..office.change(vec![entry]) };
        let file = office.sign(change, &delegate());
        let refused = office.directory.subtree_change(&file, now).map_err(|r| r.code).err();
        assert_eq!(refused, (!taken).then_some(Code::NotAuthorised), "{after_ms}");
    }
}

#[test]
fn a_subtree_whose_top_is_closed_changes_no_more() {
    let office = office_of(START, None, |entries| {
        in_entries(entries, PROVINCE, |a| {
            (a.open, a.successor, a.until) = (false, Some(code("H42")), Some(NOW));
        });
    });
    let renamed = altered(office.agency(COMMUNE), |a| a.name = "x".into());
    office.refused(vec![renamed], "H41 is no open agency");
}

#[test]
fn former_codes_stay_with_whom_they_belong_to() {
    let office = office_of(START, None, |entries| {
        in_entries(entries, COMMUNE, |a| a.former = vec![code("H41.50"), code("H43.07")]);
    });
    let kept = |change: fn(&mut Agency)| vec![altered(office.agency(COMMUNE), change)];
    // One from elsewhere that it always had stays, one of the subtree may come, none is lost.
    assert_eq!(office.judge(kept(|a| a.name = "x".into())), Ok(()));
    assert_eq!(office.judge(kept(|a| a.former.insert(1, code("H41.51")))), Ok(()));
    office.refused(kept(|a| _ = a.former.pop()), "lose its former code H43.07");
    office.refused(kept(|a| a.former = vec![]), "lose its former code H41.50");
    let taken = altered(office.agency(COMMUNE), |a| {
        (a.code, a.former) = (code("H41.50"), vec![]);
    });
    office.refused(vec![taken], "H41.50 is a former code of another agency");
}

#[test]
fn what_a_node_had_before_the_delegation_stays_as_it_was() {
    let office = office_of(START, None, |entries| {
        let ids = (node("n1.G22"), Network::new("delegation").node(COMMUNE).id.clone());
        for entry in entries {
            let Entry::Node(n) = entry else { continue };
            if n.id == ids.1 {
                n.lateral = vec![ids.0.clone()];
                n.epochs[0].until = Some(NOW);
            } else if n.id == ids.0 {
                n.lateral = vec![ids.1.clone()];
            }
        }
    });
    let with = |change: fn(&mut Node)| {
        let mut node = office.node(COMMUNE);
        change(&mut node);
        vec![Entry::Node(node)]
    };
    assert_eq!(office.judge(with(|n| n.addresses = vec!["n1.example:1".into()])), Ok(()));
    office.refused(with(|n| n.epochs[0].until = None), "an epoch of");
    office.refused(with(|n| n.epochs[0].until = Some(NOW.plus_ms(1))), "an epoch of");
}
