//! One bad dispatch never stops the others: attempts are counted, the third sets it aside, and the
//! operator decides.
#![allow(clippy::print_stdout, reason = "tells what was counted")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tram_dispatch::{Code, DispatchId, Event as E};
use tram_engine::record::{Record, Stage};
use tram_engine::{Action, Answer, Input, Reply};
use tram_trust::VerifiedDispatch;

use crate::support::check::{done, line, refused};
use crate::support::net::*;
use crate::support::world::World;

fn sealed(from: &str, to: &[&str], reference: &str) -> VerifiedDispatch {
    net().dispatch(&net().envelope(from, to, reference))
}

fn operate(w: &mut World, at: &str, id: DispatchId, to: &str, action: Action) -> Reply {
    let recipient = code(to);
    w.asked(at, |token| Input::Operate { token, dispatch: id, recipient, action })
}

fn broke(w: &mut World, at: &str, id: DispatchId, stage: Stage, peer: Option<&str>) {
    let (peer, detail) = (peer.map(node), "a panic".to_owned());
    w.handle(at, Input::Broke { dispatch: id, stage, peer, detail });
    w.run();
}

fn damaged(w: &mut World, at: &str, id: DispatchId) {
    w.handle(at, Input::Damaged { dispatch: id, detail: "another digest".to_owned() });
    w.run();
}

fn quarantined(w: &mut World, at: &str) -> Vec<(DispatchId, Code)> {
    w.at(at).engine().quarantined().map(|(id, cause, _)| (id, cause.code)).collect()
}

#[test]
fn the_third_attempt_that_breaks_off_sets_aside_and_the_rest_flows() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let (bad, good) = (sealed(CENTRE, &[COMMUNE], "p/1"), sealed(CENTRE, &[COMMUNE], "p/2"));
    for d in [&bad, &good] {
        done(&w.submitted(CENTRE, d));
    }
    w.pass(1_000);
    let id = bad.id();
    broke(&mut w, DISTRICT, id, Stage::Give, Some(COMMUNE));
    w.restart(DISTRICT);
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    broke(&mut w, DISTRICT, id, Stage::Give, Some(COMMUNE));
    assert_eq!(quarantined(&mut w, DISTRICT), [], "twice is not enough");
    w.restart(DISTRICT);
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    broke(&mut w, DISTRICT, id, Stage::Give, Some(COMMUNE));
    assert_eq!(quarantined(&mut w, DISTRICT), [(id, Code::WorkUnfinished)]);
    w.restart(DISTRICT);
    w.connect_all();
    w.pass(60_000);
    assert_eq!(w.word(CENTRE, &good.id(), COMMUNE), "consigned", "what is behind it goes on");
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &id), 0);
    let shown = w.at(DISTRICT).engine().queue(None, 9);
    assert_eq!(shown.len(), 1);
    assert_eq!((shown[0].dispatch, shown[0].broke_off), (id, 3));
    assert!(shown[0].quarantine.as_ref().unwrap().detail.contains("3 times"));
    assert_eq!(w.at(DISTRICT).engine().leg_counts()[5], 1);
    let (code, _) = refused(&operate(&mut w, DISTRICT, id, COMMUNE, Action::Retry));
    assert_eq!(code, Code::Quarantined);
    // Offered again meanwhile, it is not touched; custody stays where it is.
    assert!(w.at(DISTRICT).engine().state().is_quarantined(&id));
    done(&operate(&mut w, DISTRICT, id, COMMUNE, Action::Release));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned");
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &id), 1);
    assert_eq!(quarantined(&mut w, DISTRICT), []);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_dropped_one_ends_with_evidence_for_its_originator() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let d = sealed(CENTRE, &[COMMUNE], "p/3");
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    for _ in 0..3 {
        broke(&mut w, DISTRICT, d.id(), Stage::Give, None);
    }
    assert_eq!(quarantined(&mut w, DISTRICT), [(d.id(), Code::WorkUnfinished)]);
    let drop = Action::Drop("Không chuyển được".into());
    assert_eq!(done(&operate(&mut w, DISTRICT, d.id(), COMMUNE, drop)).0.len(), 1);
    w.connect_all();
    w.pass(1_000);
    let failed = line(E::RelayFailure, DISTRICT, COMMUNE, Some(Code::Dropped));
    assert_eq!(w.lines(CENTRE, &d.id()).last(), Some(&failed));
    assert_eq!(w.word(CENTRE, &d.id(), COMMUNE), "failed");
    assert_eq!(quarantined(&mut w, DISTRICT), [], "nothing is left of it");
    w.assert_at_rest();
    w.assert_recoverable();
}

/// Starts a node until it lives; how often it died.
fn deaths(w: &mut World, at: &str, max: usize) -> usize {
    (0..max)
        .find(|_| {
            let lived = catch_unwind(AssertUnwindSafe(|| {
                w.restart(at);
                w.pass(5_000);
            }));
            if lived.is_err() {
                w.crash(&node(at));
            }
            lived.is_ok()
        })
        .expect("it lives in the end")
}

#[test]
fn what_kills_every_process_is_set_aside_before_it_is_touched_again() {
    for stage in [Stage::Decide, Stage::Read] {
        let mut w = World::connected();
        w.disconnect(&node(PROVINCE), &node(DISTRICT));
        let (bad, good) = (sealed(CENTRE, &[COMMUNE], "k/1"), sealed(CENTRE, &[COMMUNE], "k/2"));
        for d in [&bad, &good] {
            done(&w.submitted(CENTRE, d));
        }
        w.pass(1_000);
        w.at(PROVINCE).hand.clone().deadly(bad.id(), stage);
        assert_eq!(deaths(&mut w, PROVINCE, 9), 3, "{stage:?}");
        assert_eq!(quarantined(&mut w, PROVINCE), [(bad.id(), Code::WorkUnfinished)]);
        w.pass(60_000);
        assert_eq!(w.word(CENTRE, &good.id(), COMMUNE), "consigned");
        assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &bad.id()), 0);
        // Without its records being read, the operator can end it; upstream learns so.
        let drop = Action::Drop("Không đọc được".into());
        done(&operate(&mut w, PROVINCE, bad.id(), COMMUNE, drop));
        w.pass(1_000);
        let failed = line(E::RelayFailure, PROVINCE, COMMUNE, Some(Code::Dropped));
        assert_eq!(w.lines(CENTRE, &bad.id()).last(), Some(&failed));
        assert_eq!(quarantined(&mut w, PROVINCE), []);
        assert_eq!(deaths(&mut w, PROVINCE, 2), 0);
        w.assert_at_rest();
    }
}

#[test]
fn what_kills_whoever_takes_it_is_not_taken_a_fourth_time() {
    let mut w = World::connected();
    let (bad, good) = (sealed(CENTRE, &[PROVINCE], "t/1"), sealed(CENTRE, &[PROVINCE], "t/2"));
    w.at(PROVINCE).hand.clone().deadly(bad.id(), Stage::Decide);
    let token = w.submit(CENTRE, &bad);
    for life in 1.. {
        if catch_unwind(AssertUnwindSafe(|| w.pass(60_000))).is_ok() {
            assert_eq!(life, 4, "it died three times");
            break;
        }
        w.mail.clear();
        w.restart(PROVINCE);
    }
    done(&w.replies[&token]);
    assert_eq!(quarantined(&mut w, PROVINCE), [(bad.id(), Code::WorkUnfinished)]);
    // Custody stays at the centre, which is told why.
    let waits = w.at(CENTRE).engine().queue(None, 9).pop().unwrap();
    assert_eq!(waits.standing.unwrap().cause, Some(Code::Quarantined));
    done(&w.submitted(CENTRE, &good));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &good.id(), PROVINCE), "consigned");
    // The next version of the program stands it.
    w.at(PROVINCE).hand.clone().deadly(good.id(), Stage::Fetch);
    done(&operate(&mut w, PROVINCE, bad.id(), PROVINCE, Action::Release));
    w.restart(PROVINCE);
    w.pass(600_000);
    assert_eq!(w.word(CENTRE, &bad.id(), PROVINCE), "consigned");
    w.assert_recoverable();
}

#[test]
fn what_kills_whoever_reads_it_back_in_between_is_set_aside_too() {
    let mut w = World::connected();
    let d = sealed(CENTRE, &[COMMUNE], "b/1");
    done(&w.submitted(CENTRE, &d));
    w.pass(1_000);
    done(&w.confirm(COMMUNE, COMMUNE, d.id()));
    w.pass(60_000);
    assert!(!w.at(DISTRICT).store.is_open(&d.id()), "only the store knows it");
    let found = |w: &World| {
        let n = &w.nodes[&node(DISTRICT)];
        n.engine.as_ref().unwrap().find(&d.id(), &n.store).unwrap().is_some()
    };
    assert!(found(&w));
    w.restart(DISTRICT);
    assert!(found(&w), "nothing was left in hand");
    w.at(DISTRICT).hand.clone().deadly(d.id(), Stage::Read);
    assert!(catch_unwind(AssertUnwindSafe(|| found(&w))).is_err());
    w.crash(&node(DISTRICT));
    // What is counted of it is read at every start, and so is the rest of it.
    assert_eq!(deaths(&mut w, DISTRICT, 9), 2);
    assert_eq!(quarantined(&mut w, DISTRICT), [(d.id(), Code::WorkUnfinished)]);
    assert!(!found(&w), "its records are not read any more");
    let next = sealed(CENTRE, &[COMMUNE], "b/2");
    done(&w.submitted(CENTRE, &next));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &next.id(), COMMUNE), "consigned");
}

#[test]
fn a_dispatch_costs_a_handful_of_notes_at_each_node() {
    const MANY: usize = 50;
    let mut w = World::connected();
    w.pass(1_000);
    let written = |w: &mut World, at: &str| w.at(at).hand.written.load(Ordering::Relaxed);
    let way = [CENTRE, PROVINCE, DISTRICT, COMMUNE];
    let before = way.map(|at| written(&mut w, at));
    for n in 0..MANY {
        w.submit(CENTRE, &sealed(CENTRE, &[COMMUNE], &format!("n/{n}")));
    }
    w.pass(1_000);
    for (at, before) in way.into_iter().zip(before) {
        let each = (written(&mut w, at) - before) as f64 / MANY as f64;
        println!("{at}: {each} notes for each dispatch");
        assert!((1.0..=16.0).contains(&each), "{at}: {each}");
    }
}

/// Makes what is stored of a dispatch unfit to be folded.
fn spoil(w: &mut World, at: &str, id: DispatchId) -> Arc<[u8]> {
    let of_it = |r: &&mut Record| matches!(r, Record::Held(h) if h.dispatch == id);
    let Some(Record::Held(held)) = w.at(at).store.records.iter_mut().find(of_it) else {
        panic!("it is held");
    };
    std::mem::replace(&mut held.raw, Arc::from(&b"garbage"[..]))
}

fn mend(w: &mut World, at: &str, id: DispatchId, raw: Arc<[u8]>) {
    spoil(w, at, id);
    for record in &mut w.at(at).store.records {
        match record {
            Record::Held(h) if h.dispatch == id => h.raw = raw.clone(),
            _ => {}
        }
    }
}

#[test]
fn one_that_does_not_fold_keeps_nobody_from_starting() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let (bad, good) = (sealed(CENTRE, &[COMMUNE], "f/1"), sealed(CENTRE, &[COMMUNE], "f/2"));
    for d in [&bad, &good] {
        done(&w.submitted(CENTRE, d));
    }
    w.pass(1_000);
    let (id, raw) = (bad.id(), spoil(&mut w, DISTRICT, bad.id()));
    w.restart(DISTRICT);
    w.pass(60_000);
    assert_eq!(w.word(CENTRE, &good.id(), COMMUNE), "consigned");
    assert_eq!(quarantined(&mut w, DISTRICT), [(id, Code::StoreCorrupt)]);
    let shown = w.at(DISTRICT).engine().queue(None, 9);
    assert_eq!((shown.len(), &shown[0].recipient), (1, &Some(code(COMMUNE))));
    // It can be found again only when it can be read again.
    let (why, _) = refused(&operate(&mut w, DISTRICT, id, COMMUNE, Action::Release));
    assert_eq!(why, Code::Quarantined);
    assert_eq!(quarantined(&mut w, DISTRICT), [(id, Code::StoreCorrupt)]);
    mend(&mut w, DISTRICT, id, raw);
    done(&operate(&mut w, DISTRICT, id, COMMUNE, Action::Release));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned");
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn receipts_of_one_that_does_not_fold_still_travel_back() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let d = sealed(CENTRE, &[COMMUNE], "f/3");
    done(&w.submitted(CENTRE, &d));
    w.pass(1_000);
    // It is given on at the very moment at which the province stops understanding it.
    spoil(&mut w, PROVINCE, d.id());
    w.restart(PROVINCE);
    w.connect_all();
    w.pass(60_000);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &d.id()), 1);
    assert_eq!(w.word(CENTRE, &d.id(), COMMUNE), "consigned");
    done(&w.confirm(COMMUNE, COMMUNE, d.id()));
    w.pass(60_000);
    assert_eq!(w.word(CENTRE, &d.id(), COMMUNE), "handed_over");
    assert_eq!(quarantined(&mut w, PROVINCE), [(d.id(), Code::StoreCorrupt)]);
}

#[test]
fn a_damaged_copy_goes_back_and_comes_again() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let d = sealed(CENTRE, &[COMMUNE], "d/1");
    done(&w.submitted(CENTRE, &d));
    w.pass(1_000);
    let id = d.id();
    damaged(&mut w, DISTRICT, id);
    w.pass(1_000);
    // The province gave it again; both acts are evidence.
    assert_eq!(w.word(DISTRICT, &id, COMMUNE), "queued");
    assert_eq!(w.word(PROVINCE, &id, COMMUNE), "transferred");
    let of_district = |l: &&crate::support::check::Line| l.1 == node(DISTRICT);
    let lines: Vec<_> = w.lines(PROVINCE, &id).iter().filter(of_district).cloned().collect();
    let expected = [
        line(E::RelayAcceptance, DISTRICT, COMMUNE, None),
        line(E::RelayFailure, DISTRICT, COMMUNE, Some(Code::CopyDamaged)),
        line(E::RelayAcceptance, DISTRICT, COMMUNE, None),
    ];
    assert_eq!(lines, expected);
    assert!(w.at(DISTRICT).engine().state().get(&id).unwrap().documents);
    // A disk that spoils every copy is not fed for ever.
    for _ in 0..2 {
        damaged(&mut w, DISTRICT, id);
        w.pass(1_000);
        assert_eq!(w.word(DISTRICT, &id, COMMUNE), "queued");
    }
    damaged(&mut w, DISTRICT, id);
    w.pass(1_000);
    assert_eq!(quarantined(&mut w, DISTRICT), [(id, Code::StoreCorrupt)]);
    w.restart(DISTRICT);
    w.connect_all();
    w.pass(60_000);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &id), 0, "never given on");
    done(&operate(&mut w, DISTRICT, id, COMMUNE, Action::Release));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned");
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &id), 1);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn damage_at_the_first_node_waits_for_the_operator() {
    let mut w = World::new();
    let d = sealed(CENTRE, &[PROVINCE], "d/2");
    w.submitted(CENTRE, &d);
    damaged(&mut w, CENTRE, d.id());
    assert_eq!(quarantined(&mut w, CENTRE), [(d.id(), Code::StoreCorrupt)]);
    w.connect_all();
    w.pass(60_000);
    assert!(w.transfers.is_empty(), "never given on");
    done(&operate(&mut w, CENTRE, d.id(), PROVINCE, Action::Drop("Mất bản gốc".into())));
    assert_eq!(w.word(CENTRE, &d.id(), PROVINCE), "failed");
    let failed = line(E::RelayFailure, CENTRE, PROVINCE, Some(Code::Dropped));
    assert_eq!(w.lines(CENTRE, &d.id()).last(), Some(&failed));
    w.assert_recoverable();
}

#[test]
fn damage_in_a_mailbox_is_the_operators_and_its_end_reaches_the_originator() {
    let mut w = World::connected();
    let d = sealed(CENTRE, &[COMMUNE], "d/3");
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    damaged(&mut w, COMMUNE, d.id());
    assert_eq!(quarantined(&mut w, COMMUNE), [(d.id(), Code::StoreCorrupt)]);
    assert_eq!(w.at(COMMUNE).engine().queue(None, 9).len(), 1);
    w.restart(COMMUNE);
    w.connect_all();
    let drop = Action::Drop("Tệp hỏng".into());
    done(&operate(&mut w, COMMUNE, d.id(), COMMUNE, drop));
    w.pass(1_000);
    let failed = line(E::ContentHandoverFailure, COMMUNE, COMMUNE, Some(Code::Dropped));
    assert_eq!(w.lines(CENTRE, &d.id()).last(), Some(&failed));
    assert_eq!(w.word(CENTRE, &d.id(), COMMUNE), "consigned", "which it was");
    assert_eq!(quarantined(&mut w, COMMUNE), []);
    w.assert_recoverable();
}

#[test]
fn records_that_cannot_be_read_stop_one_dispatch_and_many_of_them_the_node() {
    let mut w = World::connected();
    let d = sealed(CENTRE, &[COMMUNE], "r/1");
    done(&w.submitted(CENTRE, &d));
    w.pass(1_000);
    // The district closed it; somebody offers it again, and its history is damaged by now.
    done(&w.confirm(COMMUNE, COMMUNE, d.id()));
    w.pass(60_000);
    assert!(!w.at(DISTRICT).store.is_open(&d.id()));
    w.at(DISTRICT).store.unreadable.insert(d.id());
    let again = w.given.iter().find(|t| t.peer == node(DISTRICT)).cloned().unwrap();
    let session = w.session(&node(PROVINCE), &node(DISTRICT)).unwrap();
    let body = crate::support::world::Body::Transfer(again, true);
    let (from, to) = (node(PROVINCE), node(DISTRICT));
    w.deliver(crate::support::world::Message { from, to, session, body });
    w.run();
    assert_eq!(quarantined(&mut w, DISTRICT), [(d.id(), Code::StoreCorrupt)]);
    let answered = w.answers.values().last().unwrap();
    assert!(matches!(answered[0].1, Answer::Later(Code::Quarantined, _)), "{answered:?}");
    let good = sealed(CENTRE, &[COMMUNE], "r/2");
    done(&w.submitted(CENTRE, &good));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &good.id(), COMMUNE), "consigned");
    let (why, _) = refused(&operate(&mut w, DISTRICT, d.id(), COMMUNE, Action::Drop("a".into())));
    assert_eq!(why, Code::Quarantined, "nothing is known of it that evidence could rest on");
    w.at(DISTRICT).store.unreadable.clear();
    done(&operate(&mut w, DISTRICT, d.id(), COMMUNE, Action::Release));
    w.pass(1_000);
    assert_eq!(quarantined(&mut w, DISTRICT), []);

    // A store that fails everywhere is not a matter of dispatches.
    let now = w.now;
    let stopped = (0..100_u8).find(|n| {
        let id = DispatchId([*n; 32]);
        w.at(CENTRE).store.unreadable.insert(id);
        let damaged = Input::Damaged { dispatch: id, detail: String::new() };
        w.at(CENTRE).try_handle(now, damaged).is_err()
    });
    assert_eq!(stopped, Some(64));
}
