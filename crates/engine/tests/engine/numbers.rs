//! Numbers: of admissions, and of what the node seals.

use tram_crypto::Sign as _;
use tram_dispatch::envelope::{Envelope, SealedBy, Secrecy, Sequence};
use tram_dispatch::{Code, Digest, Event as E, EvidenceRecord, UnixMillis};
use tram_engine::state::numbers::OPEN_NUMBERS_MAX;
use tram_engine::{Input, Record, Reply, Wanted};
use tram_trust::{Verdict, VerifiedVoid};
use tram_wire::SealedVoid;
use tram_wire::void::Void;

use crate::support::check::{done, later, offline, refused};
use crate::support::net::*;
use crate::support::world::World;

const SERIES: u64 = 77;

/// Every leaf of a node's log that has a number of admission, in the order of the log.
fn admissions(w: &mut World, at: &str) -> Vec<(u64, E)> {
    let records = w.at(at).store.records.iter();
    let own = records.filter_map(|r| match r {
        Record::Evidence(own) => Some(&own.evidence),
        _ => None,
    });
    own.filter_map(|e| Some((e.admission?, e.event))).collect()
}

fn accepted(w: &mut World, reference: &str) -> EvidenceRecord {
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], reference));
    offline(&done(&w.submitted(CENTRE, &d)).0[0])
}

#[test]
fn the_first_node_numbers_what_it_decides_without_a_gap() {
    let mut w = World::connected();
    assert_eq!(accepted(&mut w, "1").admission, Some(1));
    let mut secret = net().envelope(CENTRE, &[PROVINCE], "2");
    secret.secrecy = Secrecy::Secret;
    secret.sequence = Some(Sequence { series: 5, number: 9 });
    let (_, evidence) = refused(&w.submitted(CENTRE, &net().dispatch(&secret)));
    let evidence = evidence.unwrap();
    assert_eq!((evidence.admission, evidence.sequence), (Some(2), secret.sequence));
    assert_eq!(accepted(&mut w, "3").admission, Some(3));
    // A repeat is no new decision, and another agency's numbers are its own.
    let again = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "1"));
    let (receipts, repeat) = done(&w.submitted(CENTRE, &again));
    assert_eq!((offline(&receipts[0]).admission, repeat), (Some(1), true));
    let theirs = net().dispatch(&net().envelope(PROVINCE, &[CENTRE], "1"));
    let theirs = offline(&done(&w.submitted(PROVINCE, &theirs)).0[0]);
    assert_eq!(theirs.admission, Some(1));
    assert_eq!(accepted(&mut w, "4").admission, Some(4));
    w.run();
    let (yes, no) = (E::SubmissionAcceptance, E::SubmissionRejection);
    assert_eq!(admissions(&mut w, CENTRE), [(1, yes), (2, no), (3, yes), (4, yes)]);
    // A node further on numbers nothing.
    assert_eq!(admissions(&mut w, PROVINCE), [(1, yes)]);
    w.assert_recoverable();
}

#[test]
fn no_crash_leaves_a_gap_or_gives_a_number_twice() {
    for durable in [false, true] {
        let mut w = World::connected();
        accepted(&mut w, "1");
        let now = w.now;
        let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "2"));
        // The batch is on its way to disk; the answer was not given yet.
        w.submit(CENTRE, &d);
        assert!(w.at(CENTRE).begin_commit(now));
        if durable {
            let batch = w.at(CENTRE).pending.pop_front().unwrap();
            w.at(CENTRE).store.commit(batch);
        }
        w.crash(&node(CENTRE));
        w.restart(CENTRE);
        // Whoever was not answered asks again.
        let (receipts, repeat) = done(&w.submitted(CENTRE, &d));
        assert_eq!((offline(&receipts[0]).admission, repeat), (Some(2), durable));
        assert_eq!(accepted(&mut w, "3").admission, Some(3));
        let numbers: Vec<u64> = admissions(&mut w, CENTRE).iter().map(|(n, _)| *n).collect();
        assert_eq!(numbers, [1, 2, 3], "durable: {durable}");
    }
}

fn wanted(reference: &str, content: u8) -> Wanted {
    Wanted {
        originator: code(CENTRE),
        series: SERIES,
        reference: reference.parse().unwrap(),
        content: Digest([content; 32]),
        known: None,
    }
}

fn assigned(w: &mut World, wanted: Wanted) -> (u64, UnixMillis) {
    match w.asked(CENTRE, |token| Input::Assign { token, wanted }) {
        Reply::Assigned { number, at } => (number, at),
        other => panic!("{other:?}"),
    }
}

/// What the node seals with a number.
fn sealed_here(reference: &str, number: u64) -> Envelope {
    Envelope {
        sequence: Some(Sequence { series: SERIES, number }),
        sealed_by: SealedBy::Node(node(CENTRE)),
        ..net().envelope(CENTRE, &[PROVINCE], reference)
    }
}

fn void(series: u64, number: u64, at: UnixMillis) -> VerifiedVoid {
    let base = &net().base;
    let void = Void {
        network: base.id(),
        agency: code(CENTRE),
        sequence: Sequence { series, number },
        time: at,
        reason: "nothing was sent with it".to_owned(),
    };
    let (chain, key) = &net().seals[&code(CENTRE)];
    let sealed = SealedVoid::seal(&void, chain, key.algorithm(), |m| key.sign(m));
    match net().verifier.void(sealed.unwrap(), at) {
        Verdict::Verified(verified) => verified,
        other => panic!("{other:?}"),
    }
}

fn voided(w: &mut World, series: u64, number: u64) -> Reply {
    let void = void(series, number, w.now.wall);
    w.asked(CENTRE, |token| Input::Void { token, void })
}

#[test]
fn a_number_is_the_same_for_the_same_and_new_for_anything_else() {
    let mut w = World::connected();
    let first = assigned(&mut w, wanted("1", 1));
    assert_eq!(first.0, 1);
    w.pass(5_000);
    assert_eq!(assigned(&mut w, wanted("1", 1)), first, "with the same time of sealing");
    assert_eq!(assigned(&mut w, wanted("1", 2)).0, 2, "other content");
    assert_eq!(assigned(&mut w, wanted("2", 1)).0, 3, "another reference");
    let other_key = Wanted { series: 78, ..wanted("1", 1) };
    assert_eq!(assigned(&mut w, other_key).0, 1, "another key");
    w.assert_recoverable();

    // Used, it is closed; its reference then has a dispatch, and whoever did not know looks again.
    let d = net().dispatch(&sealed_here("1", 1));
    assert_eq!(offline(&done(&w.submitted(CENTRE, &d)).0[0]).sequence.unwrap().number, 1);
    let unaware = w.asked(CENTRE, |token| Input::Assign { token, wanted: wanted("1", 1) });
    assert_eq!(later(&unaware), Code::Busy);
    let aware = Wanted { known: Some(d.id()), ..wanted("1", 1) };
    assert_eq!(assigned(&mut w, aware).0, 4, "what is refused as used has a number of its own");
}

#[test]
fn a_number_of_before_a_crash_is_never_used_again_until_it_is_void() {
    let mut w = World::connected();
    assert_eq!(assigned(&mut w, wanted("1", 1)).0, 1);
    assert_eq!(assigned(&mut w, wanted("2", 2)).0, 2);
    assert!(!done(&w.submitted(CENTRE, &net().dispatch(&sealed_here("2", 2)))).1);
    w.crash(&node(CENTRE));
    w.restart(CENTRE);
    assert_eq!(assigned(&mut w, wanted("3", 3)).0, 3, "recovery gives the next");
    assert_eq!(assigned(&mut w, wanted("1", 1)).0, 4, "what was sealed before is gone");
    let stale: Vec<u64> =
        w.at(CENTRE).engine().state().numbers.stale().iter().map(|(_, s, _)| s.number).collect();
    assert_eq!(stale, [1], "the used one is none of them");
    let (code_, evidence) = refused(&w.submitted(CENTRE, &net().dispatch(&sealed_here("1", 1))));
    assert_eq!((code_, evidence), (Code::WrongState, None));

    let (receipts, _) = done(&voided(&mut w, SERIES, 1));
    let said = offline(&receipts[0]);
    assert_eq!((said.event, said.originator), (E::SequenceVoid, code(CENTRE)));
    assert_eq!(said.sequence, Some(Sequence { series: SERIES, number: 1 }));
    assert!(said.attestation.is_some() && said.admission.is_none());
    assert!(w.at(CENTRE).engine().state().numbers.stale().is_empty());
    w.assert_recoverable();
}

#[test]
fn only_an_open_number_becomes_void_and_then_it_is_of_no_more_use() {
    let mut w = World::connected();
    let (number, _) = assigned(&mut w, wanted("1", 1));
    let d = net().dispatch(&sealed_here("1", number));
    done(&voided(&mut w, SERIES, number));
    let (code_, evidence) = refused(&w.submitted(CENTRE, &d));
    assert_eq!((code_, evidence), (Code::WrongState, None), "what was sealed came too late");
    assert_eq!(refused(&voided(&mut w, SERIES, number)).0, Code::WrongState, "twice");
    assert_eq!(refused(&voided(&mut w, SERIES, 9)).0, Code::WrongState, "never assigned");
    let (number, _) = assigned(&mut w, wanted("2", 2));
    done(&w.submitted(CENTRE, &net().dispatch(&sealed_here("2", number))));
    assert_eq!(refused(&voided(&mut w, SERIES, number)).0, Code::WrongState, "used");
    // Of the agency's own series as well, whether the store shows it yet or not.
    let own = |reference: &str, number| Envelope {
        sequence: Some(Sequence { series: 5, number }),
        ..net().envelope(CENTRE, &[PROVINCE], reference)
    };
    done(&w.submitted(CENTRE, &net().dispatch(&own("own 1", 1))));
    assert_eq!(refused(&voided(&mut w, 5, 1)).0, Code::WrongState, "used, and durable");
    let other = net().dispatch(&own("own 1", 2));
    assert_eq!(refused(&w.submitted(CENTRE, &other)).0, Code::ReferenceReused);
    assert_eq!(refused(&voided(&mut w, 5, 2)).0, Code::WrongState, "refused, with evidence");
    w.submit(CENTRE, &net().dispatch(&own("own 4", 4)));
    assert_eq!(refused(&voided(&mut w, 5, 4)).0, Code::WrongState, "not durable yet");
    // The series of a key that the agency holds itself is not counted here.
    done(&voided(&mut w, 5, 3));
    assert_eq!(admissions(&mut w, CENTRE).len(), 4);
    // At another node nobody speaks for the agency.
    let elsewhere = void(5, 4, w.now.wall);
    let reply = w.asked(PROVINCE, |token| Input::Void { token, void: elsewhere });
    assert_eq!(refused(&reply).0, Code::OriginatorNotHere);
}

#[test]
fn a_number_that_was_not_assigned_to_it_is_not_taken() {
    let mut w = World::connected();
    let (number, _) = assigned(&mut w, wanted("1", 1));
    for envelope in [sealed_here("2", number), sealed_here("1", number + 1)] {
        let reply = w.submitted(CENTRE, &net().dispatch(&envelope));
        assert_eq!(refused(&reply), (Code::WrongState, None));
    }
    // What another node sealed was judged there.
    let mut theirs = sealed_here("3", 40);
    theirs.sealed_by = SealedBy::Node(node(PROVINCE));
    done(&w.submitted(CENTRE, &net().dispatch(&theirs)));
}

#[test]
fn open_numbers_are_bounded() {
    let mut w = World::of(&[CENTRE]);
    for n in 0..OPEN_NUMBERS_MAX {
        let reference = n.to_string();
        let token = w.token();
        w.handle(CENTRE, Input::Assign { token, wanted: wanted(&reference, 1) });
    }
    w.run();
    let reply = w.asked(CENTRE, |token| Input::Assign { token, wanted: wanted("more", 1) });
    assert_eq!(later(&reply), Code::Busy);
    done(&voided(&mut w, SERIES, 1));
    let (number, _) = assigned(&mut w, wanted("more", 1));
    assert_eq!(number, OPEN_NUMBERS_MAX as u64 + 1);
}
