//! Receipts that are genuine and prove nothing, and parts that belong elsewhere.

use tram_dispatch::evidence::{Event, EvidenceRecord};
use tram_dispatch::{AgencyCode, Code, UnixMillis};
use tram_trust::evidence::{Claim, Lack, Part, Proof, State};
use tram_trust::fixtures::{CENTRE, COMMUNE, DISTRICT, FourTiers, Log, NOW, PROVINCE};
use tram_wire::{EvidenceFile, Receipt};

use super::{account, exit, proved, with, without, world};

fn agency(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).unwrap()
}

fn recipient() -> AgencyCode {
    agency(COMMUNE)
}

/// A genuine receipt of any node about the dispatch.
pub(super) fn said(node: &str, event: Event, change: impl FnOnce(&mut EvidenceRecord)) -> Receipt {
    said_at(NOW.plus_ms(2500), node, event, change)
}

fn said_at(
    time: UnixMillis,
    node: &str,
    event: Event,
    change: impl FnOnce(&mut EvidenceRecord),
) -> Receipt {
    let w = world();
    let mut log = Log::new(w.network.node(node));
    let mut record = log.record(event, &w.sealed, Some(&recipient()), time);
    change(&mut record);
    log.commit(&[record], time).remove(0)
}

fn add(file: EvidenceFile, receipt: &Receipt) -> EvidenceFile {
    let mut file = file;
    file.receipts.push(receipt.raw().to_vec());
    file.sort();
    file
}

fn unauthorised(file: &EvidenceFile) -> Vec<String> {
    let account = account(file);
    assert_eq!(account.faults, []);
    let of = |f: &tram_trust::evidence::Finding| match &f.state {
        State::Lacking(Lack::NotAuthorised(place)) => Some(place.node.to_string()),
        _ => None,
    };
    account.findings.iter().filter_map(of).collect()
}

#[test]
fn only_the_recipients_node_says_what_became_of_it_there() {
    for event in [
        Event::ContentConsignment,
        Event::ContentHandover,
        Event::ConsignmentAcceptance,
        Event::ConsignmentRejection,
        Event::ContentConsignmentFailure,
        Event::AcceptanceRejectionExpiry,
        Event::Unknown(99),
    ] {
        let bare = with(|f| {
            (f.receipts, f.statements, f.checkpoints) = (Vec::new(), Vec::new(), Vec::new());
        });
        let receipt = said(DISTRICT, event, |_| {});
        let file = add(bare, &receipt);
        assert_eq!(unauthorised(&file), ["n1.H41.12"], "{event:?}");
        let proved = proved(&account(&file));
        assert!(proved.is_empty(), "{event:?}: {proved:?}");
    }
}

#[test]
fn a_relay_counts_only_in_the_chain() {
    let first = world().receipt(Event::SubmissionAcceptance);
    let centre = Some(first.record().node.clone());
    // The district is no neighbour of the centre, and nothing that counts rests on it.
    let stranger = said(DISTRICT, Event::RelayAcceptance, |e| {
        (e.previous, e.upstream) = (centre.clone(), Some(first.digest()));
    });
    let file = add(world().file.clone(), &stranger);
    assert_eq!(unauthorised(&file), ["n1.H41.12"]);
    // The province is; but this receipt rests on nothing, on a receipt of somebody else, on one that is
    // not here.
    for (previous, upstream) in [
        (None, None),
        (centre.clone(), None),
        (Some(world().network.node(DISTRICT).id.clone()), Some(first.digest())),
        (centre.clone(), Some(stranger.digest())),
        (centre, Some(tram_dispatch::Digest([7; 32]))),
    ] {
        let receipt = said(PROVINCE, Event::RelayAcceptance, |e| {
            (e.previous, e.upstream) = (previous.clone(), upstream);
        });
        let file = add(world().file.clone(), &receipt);
        assert_eq!(unauthorised(&file), ["n1.H41"], "{previous:?} {upstream:?}");
        assert_eq!(proved(&account(&file)), proved(&account(&world().file)));
    }
}

#[test]
fn only_what_counts_bounds_a_time() {
    let first = world().receipt(Event::SubmissionAcceptance);
    let when = |file: &EvidenceFile| -> Vec<_> {
        let findings = account(file).findings.into_iter();
        findings.filter(|f| f.claim == Claim::When).map(|f| f.state).collect()
    };
    // Anybody can sign at once that something of theirs rests on it; the province's own receipt, which
    // counts, came later.
    let at = first.record().time;
    let stranger = said_at(at, DISTRICT, Event::RelayAcceptance, |e| {
        (e.previous, e.upstream) = (Some(first.record().node.clone()), Some(first.digest()));
    });
    let bare = with_links(world().file.clone());
    let by = |state: &State| match state {
        State::Proved(Proof::When { latest, .. }) => latest.at > at,
        _ => false,
    };
    assert!(when(&bare).iter().any(by), "somebody else's later word bounds the first receipt");
    assert_eq!(when(&add(bare.clone(), &stranger)), when(&bare));
}

/// The directory at hand need not be the one of then: who has the recipient's node behind it counts.
#[test]
fn a_relay_that_is_no_neighbour_counts_by_the_consignment_that_rests_on_it() {
    let first = world().receipt(Event::SubmissionAcceptance);
    let centre = first.record().node.clone();
    let relay = said(DISTRICT, Event::RelayAcceptance, |e| {
        (e.previous, e.upstream) = (Some(centre), Some(first.digest()));
    });
    let consigned = said(COMMUNE, Event::ContentConsignment, |e| {
        (e.previous, e.upstream) = (Some(relay.record().node.clone()), Some(relay.digest()));
    });
    let only_first = with_links(with(|f| {
        (f.receipts, f.statements) = (vec![first.raw().to_vec()], Vec::new());
    }));
    let file = add(add(only_first.clone(), &relay), &consigned);
    assert_eq!(unauthorised(&file), Vec::<String>::new());
    let account = account(&file);
    let way = account.findings.iter().find_map(|f| match &f.state {
        State::Proved(Proof::Custody { nodes }) => Some(nodes.clone()),
        _ => None,
    });
    let way: Vec<String> = way.unwrap_or_default().iter().map(ToString::to_string).collect();
    assert_eq!(way, ["n1.G22", "n1.H41.12", "n1.H41.12.03"]);
    let held = account.findings.iter().filter(|f| f.claim == Claim::Held).count();
    assert_eq!(held, 3);
    // By itself it is a stranger; nor does another relay vouch for it, nor who may not consign.
    let bare = add(only_first, &relay);
    assert_eq!(unauthorised(&bare), ["n1.H41.12"]);
    for (node, event) in [(COMMUNE, Event::RelayAcceptance), (PROVINCE, Event::ContentConsignment)]
    {
        let resting = said(node, event, |e| {
            (e.previous, e.upstream) = (Some(relay.record().node.clone()), Some(relay.digest()));
        });
        assert_eq!(unauthorised(&add(bare.clone(), &resting)).len(), 2, "{node} {event:?}");
    }
}

#[test]
fn refusals_and_failures_need_custody_too() {
    let none = without(Event::ContentConsignment);
    let centre = Some(world().network.node(CENTRE).id.clone());
    let fine = [
        said(PROVINCE, Event::RelayRejection, |e| e.previous = centre.clone()),
        said(DISTRICT, Event::RelayFailure, |e| e.reason = Some(Code::NoRoute)),
    ];
    let odd = [
        // It does not say whom it refused; it refused somebody who is no neighbour; it had no custody.
        said(PROVINCE, Event::RelayRejection, |_| {}),
        said(COMMUNE, Event::RelayRejection, |e| e.previous = centre),
        said(COMMUNE, Event::RelayFailure, |_| {}),
    ];
    let none = with_links(none);
    for receipt in &fine {
        let account = account(&add(none.clone(), receipt));
        let arrived = account.findings.iter().find(|f| f.claim == Claim::Arrived).unwrap();
        let ended = Lack::Ended(Box::new(place_of(&account)));
        assert_eq!(arrived.state, State::Lacking(ended), "{:?}", receipt.record().event);
    }
    for receipt in &odd {
        let file = add(none.clone(), receipt);
        assert_eq!(unauthorised(&file), [receipt.record().node.to_string()]);
        assert!(!proved(&account(&file)).keys().any(|k| k.0 == Claim::Ended));
    }
}

fn with_links(mut file: EvidenceFile) -> EvidenceFile {
    file.checkpoints.clear();
    file
}

fn place_of(account: &tram_trust::evidence::Account) -> tram_trust::evidence::Place {
    let ended = account.findings.iter().find(|f| f.claim == Claim::Ended).unwrap();
    match &ended.state {
        State::Proved(Proof::Leaf(place)) => place.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mailbox_where_custody_is_already_needs_no_hop() {
    // The district's node hosts the commune's mailbox: not by this directory, so it stays a claim.
    let moved = said(DISTRICT, Event::ContentConsignment, |_| {});
    assert_eq!(unauthorised(&add(world().file.clone(), &moved)), ["n1.H41.12"]);
    // The commune's own node had custody of nothing before it said that it consigned.
    let bare = with_links(without(Event::ContentConsignment));
    let own = said(COMMUNE, Event::ContentConsignment, |_| {});
    let file = add(bare, &own);
    let account = account(&file);
    let proved = proved(&account);
    assert!(proved.keys().any(|k| k.0 == Claim::Arrived), "its node holds it, says its node");
    assert!(!proved.keys().any(|k| k.0 == Claim::Custody), "but nobody knows from where");
}

#[test]
fn parts_of_another_dispatch_log_or_network_are_false() {
    let w = world();
    let other = FourTiers::new("other");
    let foreign = add(w.file.clone(), &other.receipts[3]);
    let found = account(&foreign);
    assert_eq!((found.faults.len(), exit(&found)), (1, 1));
    assert_eq!(found.faults[0].refusal.code, Code::WrongNetwork);

    let envelope = w.network.envelope(CENTRE, &[COMMUNE], "another");
    let another = w.network.seal(&envelope);
    let mut log = Log::new(w.network.node(COMMUNE));
    let record = log.record(Event::ContentConsignment, &another, Some(&recipient()), NOW);
    let receipt = log.commit(&[record], NOW).remove(0);
    let found = account(&add(w.file.clone(), &receipt));
    assert!(matches!(found.faults[0].part, Part::Receipt(_)), "{:?}", found.faults);

    let found = account(&with(|f| f.sealed = Some(another.raw().to_vec())));
    assert_eq!((found.faults[0].part, exit(&found)), (Part::Dispatch, 1));
    assert!(!proved(&found).keys().any(|k| k.0 == Claim::Sealed));

    let found = account(&with(|f| f.revocation.swap(0, 1)));
    assert_eq!((found.faults[0].part, exit(&found)), (Part::Revocation, 1));
    assert!(!proved(&found).keys().any(|k| k.0 == Claim::Unrevoked));

    let found = account(&with(|f| f.statements = vec![other.statement.raw().to_vec()]));
    assert_eq!((found.faults[0].part, exit(&found)), (Part::Statement(0), 1));

    let checkpoint = other.file.checkpoints[0].clone();
    let found = account(&with(|f| f.checkpoints.push(checkpoint)));
    assert!(matches!(found.faults[0].part, Part::Checkpoint(_)));
}

#[test]
fn a_checkpoint_must_continue_the_receipts_trees() {
    let dropped = account(&with(|f| {
        let path = &mut f.checkpoints[3].links[0].path;
        if path.pop().is_none() {
            path.push([0; 32]);
        }
    }));
    assert!(matches!(dropped.faults[..], [ref f] if f.part == Part::Checkpoint(3)));
    let absent = account(&with(|f| f.checkpoints[0].links[0].size += 40));
    assert!(matches!(absent.faults[..], [ref f] if f.part == Part::Checkpoint(0)));
}

#[test]
fn two_roots_of_one_log_at_one_size_are_a_fork() {
    // A second history of the commune's log, as long as the first.
    let w = world();
    let mut log = Log::new(w.network.node(COMMUNE));
    let mut last = None;
    for n in 0..4 {
        let time = NOW.plus_ms(6000 + n);
        let record = log.record(Event::ContentHandover, &w.sealed, Some(&recipient()), time);
        last = log.commit(&[record], time).pop();
    }
    let found = account(&add(w.file.clone(), &last.unwrap()));
    assert_eq!((found.faults[0].refusal.code, exit(&found)), (Code::LogFork, 1));
}

#[test]
fn times_that_contradict_each_other_bound_nothing() {
    let early = UnixMillis(NOW.0 - 3_600_000);
    let first = world().receipt(Event::SubmissionAcceptance);
    let receipt = said(PROVINCE, Event::RelayAcceptance, |e| {
        (e.previous, e.upstream) = (Some(first.record().node.clone()), Some(first.digest()));
        e.time = early;
    });
    // Committed at the ordinary time, but said to have happened an hour before it could.
    let file = add(without(Event::RelayAcceptance), &receipt);
    let account = account(&with_links(file));
    let when = account.findings.iter().find(|f| f.about == "RelayAcceptance n1.H41").unwrap();
    assert!(matches!(when.state, State::Proved(_)), "held: {when:?}");
    let contradicts = |f: &&tram_trust::evidence::Finding| {
        f.claim == Claim::When && f.about == "RelayAcceptance n1.H41"
    };
    let when = account.findings.iter().find(contradicts).unwrap();
    let said = matches!(when.state, State::Lacking(Lack::NoLatest(_) | Lack::Clocks { .. }));
    assert!(said, "{when:?}");
}

#[test]
fn the_first_custody_comes_from_nobody() {
    let first = world().receipt(Event::SubmissionAcceptance);
    let province = Some(world().network.node(PROVINCE).id.clone());
    let bare = with_links(with(|f| (f.receipts, f.statements) = (Vec::new(), Vec::new())));
    for (previous, upstream, counts) in [
        (None, None, true),
        (province.clone(), None, false),
        (None, Some(first.digest()), false),
        (province, Some(first.digest()), false),
    ] {
        let receipt = said(CENTRE, Event::SubmissionAcceptance, |e| {
            (e.recipient, e.previous, e.upstream) = (None, previous.clone(), upstream);
        });
        let found = account(&add(bare.clone(), &receipt));
        let held = proved(&found).keys().any(|k| k.0 == Claim::Held);
        assert_eq!(held, counts, "{previous:?} {upstream:?}");
    }
}

/// The mailbox came to be where the relay's custody was already: an agency moved.
#[test]
fn a_mailbox_rests_on_the_custody_of_its_own_node() {
    let relays: Vec<Receipt> = world()
        .receipts
        .iter()
        .filter(|r| r.record().event == Event::RelayAcceptance)
        .cloned()
        .collect();
    let district = relays.iter().find(|r| r.record().node.to_string() == "n1.H41.12").unwrap();
    let relay = said(COMMUNE, Event::RelayAcceptance, |e| {
        (e.previous, e.upstream) = (Some(district.record().node.clone()), Some(district.digest()));
    });
    let consigned = said_at(NOW.plus_ms(9000), COMMUNE, Event::ContentConsignment, |_| {});
    let bare = with_links(without(Event::ContentConsignment));
    let custody = |file: &EvidenceFile| {
        let found = account(file).findings;
        found.into_iter().find_map(|f| match f.state {
            State::Proved(Proof::Custody { nodes }) => Some(nodes),
            _ => None,
        })
    };
    assert_eq!(custody(&add(bare.clone(), &consigned)), None, "from where, nobody says");
    let way = custody(&add(add(bare, &relay), &consigned)).expect("no gap");
    let way: Vec<String> = way.iter().map(ToString::to_string).collect();
    assert_eq!(way, ["n1.G22", "n1.H41", "n1.H41.12", "n1.H41.12.03"]);
}

#[test]
fn a_receipt_of_other_bytes_or_parties_is_false_whoever_signed_it() {
    type Change = fn(&mut EvidenceRecord);
    let changes: [(&str, Change); 3] = [
        ("other bytes", |e| e.object = Some(tram_dispatch::Digest([9; 32]))),
        ("parties", |e| e.originator = agency(PROVINCE)),
        ("parties", |e| e.recipient = Some(agency(PROVINCE))),
    ];
    for (words, change) in changes {
        let receipt = said(PROVINCE, Event::RelayFailure, |e| {
            e.reason = Some(Code::NoRoute);
            change(e);
        });
        let found = account(&add(world().file.clone(), &receipt));
        assert_eq!((found.faults.len(), exit(&found)), (1, 1), "{words}");
        let fault = &found.faults[0];
        assert!(matches!(fault.part, Part::Receipt(_)) && fault.refusal.detail.contains(words));
    }
}

#[test]
fn a_receipt_whose_signature_does_not_verify_is_false() {
    for receipt in &world().receipts {
        let (mut raw, signature) = (receipt.raw().to_vec(), &receipt.signed_root().signature);
        let at = raw.windows(signature.len()).position(|w| w == &signature[..]).unwrap();
        raw[at + 20] ^= 1;
        let found = account(&with(|f| {
            let place = f.receipts.iter().position(|r| r == receipt.raw().as_ref()).unwrap();
            f.receipts[place] = raw.clone();
        }));
        let fault = found.faults.iter().find(|f| matches!(f.part, Part::Receipt(_))).unwrap();
        assert!(fault.refusal.detail.contains("signature"), "{}", fault.refusal);
    }
}

#[test]
fn a_clock_that_the_next_hop_contradicts_is_not_believed() {
    let first = world().receipt(Event::SubmissionAcceptance);
    let when = |ahead_ms| {
        let province = said_at(NOW.plus_ms(ahead_ms), PROVINCE, Event::RelayAcceptance, |e| {
            (e.previous, e.upstream) = (Some(first.record().node.clone()), Some(first.digest()));
        });
        let district = said_at(NOW.plus_ms(4000), DISTRICT, Event::RelayAcceptance, |e| {
            let node = province.record().node.clone();
            (e.previous, e.upstream) = (Some(node), Some(province.digest()));
        });
        let bare = with_links(with(|f| {
            (f.receipts, f.statements) = (vec![first.raw().to_vec()], Vec::new());
        }));
        let findings = account(&add(add(bare, &province), &district)).findings;
        let about = |f: &tram_trust::evidence::Finding| {
            f.claim == Claim::When && f.about == "RelayAcceptance n1.H41"
        };
        findings.into_iter().find(about).unwrap().state
    };
    assert!(matches!(when(2000), State::Proved(_)), "{:?}", when(2000));
    // It says that it took over an hour after the next one had it from it.
    assert!(
        matches!(when(3_600_000), State::Lacking(Lack::Clocks { .. })),
        "{:?}",
        when(3_600_000)
    );
}
