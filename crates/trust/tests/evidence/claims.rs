//! Each claim rests on its own support: taken away, that claim goes, and no other with it.

use tram_crypto::Sign;
use tram_dispatch::envelope::{SealedBy, Sequence};
use tram_dispatch::{Code, Event, Status};
use tram_tlog::note::{NoteKey, SignatureType};
use tram_trust::checkpoint::origin;
use tram_trust::evidence::{Account, By, Claim, Ground, Lack, Part, Proof, State, Voice, examine};
use tram_trust::fixtures::{CENTRE, COMMUNE, FourTiers, Log, NOW, PROVINCE};

use super::{account, exit, ground, lost, proved, with, without, world};

fn lack(account: &Account, claim: Claim) -> &Lack {
    let lacking =
        account.findings.iter().filter(|f| f.claim == claim).find_map(|f| match &f.state {
            State::Lacking(lack) => Some(lack),
            State::Proved(_) => None,
        });
    lacking.unwrap_or_else(|| panic!("{} is proved", claim.name()))
}

fn proof(account: &Account, claim: Claim) -> &Proof {
    let found = account.findings.iter().filter(|f| f.claim == claim).find_map(|f| match &f.state {
        State::Proved(proof) => Some(proof),
        State::Lacking(_) => None,
    });
    found.unwrap_or_else(|| panic!("{} is not proved: {account:#?}", claim.name()))
}

#[test]
fn a_whole_file_proves_every_claim() {
    let account = account(&world().file);
    assert_eq!(account.faults, []);
    assert_eq!(exit(&account), 0, "{:#?}", account.findings);
    let Proof::Sealed { signer, .. } = proof(&account, Claim::Sealed) else { panic!() };
    assert_eq!(signer.agency.as_str(), "G22");
    let Proof::Custody { nodes } = proof(&account, Claim::Custody) else { panic!() };
    let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    assert_eq!(nodes, ["n1.G22", "n1.H41", "n1.H41.12", "n1.H41.12.03"]);
    let Proof::Decided { registered: true, by: Voice::Agency { signer, .. }, .. } =
        proof(&account, Claim::Decided)
    else {
        panic!()
    };
    assert_eq!(signer.agency.as_str(), COMMUNE);
    let held = account.findings.iter().filter(|f| f.claim == Claim::Held).count();
    let witnessed = account.findings.iter().filter(|f| f.claim == Claim::Witnessed).count();
    let when = account.findings.iter().filter(|f| f.claim == Claim::When);
    assert_eq!((held, witnessed, when.clone().count()), (4, 4, 6));
    for found in when {
        let State::Proved(Proof::When { earliest, latest, .. }) = &found.state else { panic!() };
        assert!(earliest.at < latest.at, "{found:?}");
        // Where somebody else had it before, that one's commit bounds from below.
        let before = match &found.about[..] {
            "SubmissionAcceptance n1.G22" => By::Originator("G22".parse().unwrap()),
            "RelayAcceptance n1.H41" => By::Node("n1.G22".parse().unwrap()),
            "RelayAcceptance n1.H41.12" => By::Node("n1.H41".parse().unwrap()),
            "ContentConsignment n1.H41.12.03" => By::Node("n1.H41.12".parse().unwrap()),
            _ => continue,
        };
        assert_eq!(earliest.by, before, "{found:?}");
    }
}

/// (what is taken away, the claims that go with it).
#[test]
fn what_loses_its_support_is_not_proved_any_more() {
    use Claim::*;
    let none: &[Claim] = &[];
    let taken: [(&str, tram_wire::EvidenceFile, &[Claim]); 10] = [
        ("nothing", world().file.clone(), none),
        (
            "the dispatch",
            with(|f| (f.sealed, f.documents) = (None, vec![])),
            &[Sealed, Unrevoked, When, Document],
        ),
        ("the lists", with(|f| f.revocation.clear()), &[Unrevoked]),
        ("the handover", without(Event::ContentHandover), &[Taken, When]),
        (
            "the registration",
            {
                let mut file = without(Event::ConsignmentAcceptance);
                file.statements.clear();
                file
            },
            &[Decided, When],
        ),
        ("the consignment", without(Event::ContentConsignment), &[Held, Custody, Arrived, When]),
        ("a relay", without(Event::RelayAcceptance), &[Held, Custody, When, Witnessed]),
        (
            "the submission",
            without(Event::SubmissionAcceptance),
            &[Sealed, Unrevoked, Held, Custody, When, Witnessed, Document],
        ),
        ("the checkpoints", with(|f| f.checkpoints.clear()), &[When, Witnessed]),
        ("the document", with(|f| f.documents.clear()), &[Document]),
    ];
    for (what, mut file, claims) in taken {
        // A checkpoint that covers what is not here any more is a fault of its own, tested below.
        let sizes: Vec<_> = file
            .receipts
            .iter()
            .map(|raw| tram_wire::Receipt::parse(raw).unwrap())
            .map(|r| (r.record().node.to_string(), r.signed_root().size))
            .collect();
        for checkpoint in &mut file.checkpoints {
            let text = String::from_utf8_lossy(&checkpoint.note).into_owned();
            let first = text.lines().next().unwrap_or_default().to_owned();
            let of_log = |node: &str| first.contains(&format!("/{node}/"));
            checkpoint.links.retain(|l| sizes.iter().any(|(n, s)| of_log(n) && *s == l.size));
        }
        file.checkpoints.retain(|c| !c.links.is_empty());
        assert_eq!(lost(&file), claims, "{what}");
        let account = account(&file);
        assert_eq!(account.faults, [], "{what}");
        let open = !matches!(what, "nothing" | "the document");
        assert_eq!(exit(&account), if open { 3 } else { 0 }, "{what}");
    }
}

#[test]
fn why_a_claim_is_not_proved_is_said() {
    let said = |file| account(&file);
    assert_eq!(lack(&said(with(|f| f.sealed = None)), Claim::Sealed), &Lack::NoEnvelope);
    let no_lists = said(with(|f| f.revocation.clear()));
    assert!(matches!(lack(&no_lists, Claim::Unrevoked), Lack::NoLists(_)));
    let no_first = said(without(Event::SubmissionAcceptance));
    assert_eq!(lack(&no_first, Claim::Sealed), &Lack::NoFirstCustody);
    let gap = lack(&no_first, Claim::Custody);
    assert!(matches!(gap, Lack::Gap { node, .. } if node.as_str() == "n1.H41.12.03"), "{gap:?}");
    let no_consignment = said(without(Event::ContentConsignment));
    assert_eq!(lack(&no_consignment, Claim::Arrived), &Lack::NoReceipt);
    let bare = said(with(|f| f.checkpoints.clear()));
    assert_eq!(lack(&bare, Claim::Witnessed), &Lack::NoCheckpoint);
    assert!(
        matches!(lack(&bare, Claim::When), Lack::NoLatest(p) if p.node.as_str() == "n1.H41.12.03")
    );
}

#[test]
fn without_a_statement_the_node_alone_says_so() {
    let account = account(&with(|f| f.statements.clear()));
    let Proof::Decided { by, .. } = proof(&account, Claim::Decided) else { panic!() };
    assert_eq!((by, exit(&account)), (&Voice::Node, 0));
}

#[test]
fn a_quorum_is_the_verifiers_and_counts_lines() {
    let one_line = with(|f| {
        for checkpoint in &mut f.checkpoints {
            let text = String::from_utf8(checkpoint.note.clone()).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            checkpoint.note = format!("{}\n", lines[..6].join("\n")).into_bytes();
        }
    });
    let account = account(&one_line);
    assert_eq!((account.faults.len(), exit(&account)), (0, 3));
    let Lack::NoQuorum { have, missing } = lack(&account, Claim::Witnessed) else { panic!() };
    assert_eq!((have.len(), missing.len()), (1, 3));
    // Without a policy nobody asks, and nothing is said to be witnessed.
    let bare = Ground::new(world().network.root.clone());
    let account = examine(&bare, &world().file.encode()).unwrap();
    assert_eq!(exit(&account), 0);
    assert!(!proved(&account).keys().any(|k| k.0 == Claim::Witnessed));
    // A whole directory says who is needed where each node stands.
    let by_position = bare.with_directory(world().network.directory.clone());
    let account = examine(&by_position, &world().file.encode()).unwrap();
    assert_eq!(proved(&account).keys().filter(|k| k.0 == Claim::Witnessed).count(), 4);
    assert_eq!(exit(&account), 0);
    let account = examine(&by_position, &one_line.encode()).unwrap();
    let witnessed = proved(&account);
    let witnessed: Vec<&String> =
        witnessed.keys().filter(|k| k.0 == Claim::Witnessed).map(|k| &k.2).collect();
    assert_eq!(
        (witnessed, exit(&account)),
        (vec![&"n1.G22".to_owned()], 3),
        "one child is all it has"
    );
    // The times that witnesses give are the nodes' own all the same.
    let last = account.findings.iter().rfind(|f| f.claim == Claim::When).unwrap();
    let State::Proved(Proof::When { latest, .. }) = &last.state else { panic!("{last:?}") };
    assert!(matches!(&latest.by, By::Witness(name) if name == "n1.G22"), "{latest:?}");
}

#[test]
fn a_policy_in_the_file_is_not_the_verifiers() {
    let file = with(|f| f.policy = Some("quorum none\n".to_owned()));
    let account = account(&file);
    assert!(matches!(lack(&account, Claim::Policy), Lack::OtherPolicy(_)));
    assert_eq!(exit(&account), 3);
    let same = with(|f| f.policy = Some(world().policy.clone()));
    assert_eq!(exit(&super::account(&same)), 0);
}

#[test]
fn documents_at_hand_count_and_altered_ones_are_false() {
    let document = world().sealed.envelope().documents[0].clone();
    let bare = with(|f| f.documents.clear());
    let at_hand = ground().with_document(document.sha256, document.size);
    let account = examine(&at_hand, &bare.encode()).unwrap();
    assert_eq!(
        proof(&account, Claim::Document),
        &Proof::Document { sha256: document.sha256, size: document.size }
    );
    let altered = super::account(&with(|f| f.documents[0].1[0] ^= 1));
    assert_eq!((altered.faults[0].part, exit(&altered)), (Part::Document(0), 1));
    assert_eq!(altered.faults[0].refusal.code, Code::DocumentDigestMismatch);
}

#[test]
fn another_network_or_root_document_proves_nothing() {
    let other = FourTiers::new("other");
    let account =
        examine(&Ground::new(other.network.root.clone()), &world().file.encode()).unwrap();
    assert_eq!((account.faults[0].refusal.code, exit(&account)), (Code::WrongNetwork, 1));
    assert!(proved(&account).is_empty());
    let root = super::account(&with(|f| f.root.0[0] ^= 1));
    assert!(matches!(lack(&root, Claim::Sealed), Lack::OtherRoot(_)));
    assert!(proved(&root).is_empty() && exit(&root) == 3);
}

/// A node keeps every list that it ever used; the record names its two by one digest.
#[test]
fn the_lists_that_were_used_are_found_among_those_kept() {
    let w = world();
    let first = w.receipt(Event::SubmissionAcceptance).record();
    let mut kept = tram_trust::Crls::none();
    for age in 0..20 {
        for ca in ["centre CA", "root CA", "commune CA"] {
            let made = tram_dispatch::UnixMillis(first.time.0 - (2 + age) * 86_400_000);
            let until = made.plus_ms(2 * 86_400_000);
            kept.add(&w.network.authority(ca).crl(&[], made, until)).unwrap();
        }
    }
    let used = first.revocation.unwrap();
    assert!(kept.used(&w.sealed, first.time, used).is_none(), "they are not there");
    for list in &w.lists {
        kept.add(list).unwrap();
    }
    let found = kept.used(&w.sealed, first.time, used).unwrap();
    let found: Vec<&[u8]> = found.iter().map(|list| list.der()).collect();
    assert_eq!(found, [&w.lists[0][..], &w.lists[1][..]]);
    let one = tram_dispatch::Digest(tram_crypto::sha256(&w.lists[1]));
    assert_eq!(kept.used(&w.sealed, first.time, one).unwrap().len(), 1);
}

#[test]
fn a_checkpoint_speaks_for_its_own_log_only() {
    for one in 0..4 {
        let file = with(|f| f.checkpoints = vec![f.checkpoints[one].clone()]);
        let note = String::from_utf8_lossy(&file.checkpoints[0].note).into_owned();
        let account = account(&file);
        let witnessed: Vec<String> =
            proved(&account).into_keys().filter(|k| k.0 == Claim::Witnessed).map(|k| k.2).collect();
        let [node] = &witnessed[..] else { panic!("{witnessed:?}") };
        assert!(note.lines().next().is_some_and(|l| l.contains(&format!("/{node}/"))), "{node}");
        assert_eq!(lack(&account, Claim::Witnessed), &Lack::NoCheckpoint);
    }
}

#[test]
fn a_policy_that_names_logs_speaks_of_those_only() {
    let (w, keys) = (world(), world().network.node(PROVINCE));
    let name = origin(w.network.id(), &keys.id, keys.epoch);
    let key = NoteKey::new(&name, SignatureType::Ed25519, keys.checkpoint.public_key()).unwrap();
    let policy = format!("log {}\n{}", key.to_verifier_key(), w.policy);
    let ground = Ground::new(w.network.root.clone()).with_policy(&policy).unwrap();
    let account = examine(&ground, &w.file.encode()).unwrap();
    let witnessed: Vec<String> =
        proved(&account).into_keys().filter(|k| k.0 == Claim::Witnessed).map(|k| k.2).collect();
    assert_eq!(witnessed, ["n1.H41"]);
    assert_eq!(lack(&account, Claim::Witnessed), &Lack::LogNotInPolicy);
}

#[test]
fn what_the_recipient_says_of_its_work_is_a_claim_of_its_own() {
    let receipt = super::strangers::said(COMMUNE, Event::HandlingStatus, |e| {
        e.status = Some(Status::Assigned.number());
    });
    let file = with(|f| f.receipts.push(receipt.raw().to_vec()));
    let account = account(&file);
    assert_eq!(account.faults, []);
    let Proof::Handled { status, .. } = proof(&account, Claim::Handled) else { panic!() };
    assert_eq!(*status, Some(Status::Assigned.number()));
}

#[test]
fn who_held_the_key_and_whether_revocation_was_looked_at_is_said() {
    let w = world();
    let node = w.network.node(CENTRE).id.clone();
    let mut envelope = w.network.envelope(CENTRE, &[COMMUNE], "17/CT-TTg");
    envelope.sealed_by = SealedBy::Node(node.clone());
    envelope.sequence = Some(Sequence { series: 1, number: 1 });
    let sealed = w.network.seal(&envelope);
    let mut log = Log::new(w.network.node(CENTRE));
    let record = log.record(Event::SubmissionAcceptance, &sealed, None, NOW);
    let first = log.commit(&[record], NOW).remove(0);
    let file = with(|f| {
        (f.dispatch, f.sealed) = (sealed.id(), Some(sealed.raw().to_vec()));
        f.receipts = vec![first.raw().to_vec()];
        (f.statements, f.checkpoints, f.revocation) = (Vec::new(), Vec::new(), Vec::new());
    });
    let account = account(&file);
    assert_eq!(account.faults, []);
    let Proof::Sealed { by_node, .. } = proof(&account, Claim::Sealed) else { panic!() };
    assert_eq!(by_node.as_ref(), Some(&node));
    assert_eq!(lack(&account, Claim::Unrevoked), &Lack::NotChecked);
}
