//! Custody when answers are lost, legs come back, time runs out, disks are lost.

use tram_dispatch::{Code, Event as E};
use tram_engine::{Answer, Input, PeerAnswer};
use tram_trust::fixtures::NOW;

use crate::support::check::{done, later, line, offline};
use crate::support::net::*;
use crate::support::world::{Body, Message, World};

fn is_answer(m: &Message) -> bool {
    matches!(m.body, Body::Answer(..))
}

#[test]
fn a_lost_answer_is_given_again_with_the_same_receipt() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "1/a"));
    w.submit(CENTRE, &d);
    let lost = w.run_until(is_answer);
    let Body::Answer(id, first) = &lost[0].body else { panic!() };
    w.deliver(Message {
        from: node(PROVINCE),
        to: node(CENTRE),
        session: lost[0].session,
        body: Body::Failed(*id),
    });
    w.now.mono_ms += 2_000;
    let again = w.run_until(is_answer);
    let Body::Answer(_, second) = &again[0].body else { panic!() };
    let raw = |a: &[(tram_dispatch::AgencyCode, Answer)]| match &a[0].1 {
        Answer::Accepted(raw) => raw.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(raw(first), raw(second));
    again.into_iter().for_each(|m| w.deliver(m));
    w.run();
    assert_eq!(w.word(CENTRE, &d.id(), PROVINCE), "consigned");
    // The first answer arrives after all: nothing changes.
    let size = w.at(CENTRE).store.records.len();
    lost.into_iter().for_each(|m| w.deliver(m));
    w.pass(1_000);
    assert_eq!(w.at(CENTRE).store.records.len(), size);
    assert_eq!(w.in_mailbox(PROVINCE, PROVINCE, &d.id()), 1);
    w.assert_at_rest();
}

#[test]
fn a_relays_receipt_that_was_overtaken_by_the_consignment_is_asked_for() {
    let mut w = World::of(&[CENTRE, PROVINCE, DISTRICT]);
    w.connect_all();
    let d = net().dispatch(&net().envelope(CENTRE, &[DISTRICT], "1/overtaken"));
    w.submit(CENTRE, &d);
    // The province takes it and passes it on; whatever it says of that is lost with the session.
    w.run_until(|m| m.to == node(CENTRE));
    w.disconnect(&node(CENTRE), &node(PROVINCE));
    assert_eq!(w.word(CENTRE, &d.id(), DISTRICT), "queued");
    // Then the consignment comes back before the centre offers again.
    w.connect(&node(CENTRE), &node(PROVINCE));
    w.commit(&node(PROVINCE));
    std::mem::take(&mut w.mail).into_iter().for_each(|m| w.deliver(m));
    assert_eq!(w.word(CENTRE, &d.id(), DISTRICT), "consigned");
    w.run();
    let lines = w.lines(CENTRE, &d.id());
    assert!(lines.contains(&line(E::RelayAcceptance, PROVINCE, DISTRICT, None)), "{lines:?}");
    assert_eq!(w.in_mailbox(DISTRICT, DISTRICT, &d.id()), 1);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn tries_double_up_to_the_maximum_and_wait_for_the_time_asked() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "1/b"));
    w.submit(CENTRE, &d);
    let mut waits = Vec::new();
    for _ in 0..12 {
        let taken = w.run_until(|m| matches!(m.body, Body::Transfer(..)));
        assert_eq!(taken.len(), 1, "one transfer at a time");
        let failed = Input::TransferFailed {
            peer: node(PROVINCE),
            dispatch: d.id(),
            cause: Code::PeerUnreachable,
        };
        w.handle(CENTRE, failed);
        w.commit(&node(CENTRE));
        let line = w.at(CENTRE).engine().queue(None, 1).pop().unwrap();
        let due = line.standing.unwrap().due_mono_ms.unwrap();
        waits.push(due - w.now.mono_ms);
        w.now.mono_ms = due;
    }
    for (n, wait) in waits.iter().enumerate() {
        let full = (1_000u64 << n).min(300_000);
        assert!((full * 3 / 4..=full * 5 / 4).contains(wait), "try {n} waits {wait}");
    }
    w.run_until(|m| matches!(m.body, Body::Transfer(..)));
    let answers =
        vec![(code(PROVINCE), PeerAnswer::Later { code: Code::Busy, retry_ms: u64::MAX })];
    w.handle(CENTRE, Input::Answered { peer: node(PROVINCE), dispatch: d.id(), answers });
    let line = w.at(CENTRE).engine().queue(None, 1).pop().unwrap();
    let due = line.standing.unwrap().due_mono_ms;
    assert_eq!(due, Some(w.now.mono_ms + 300_000), "a peer cannot put it off for ever");
}

/// The district moves the commune's mailbox elsewhere, but the province does not know yet.
fn moved() -> std::sync::Arc<tram_trust::Directory> {
    net().directory_with(|e| agency_in(e, HAMLET).node = Some(node(OTHER_COMMUNE)))
}

#[test]
fn a_leg_returned_by_a_newer_directory_waits_for_it_and_then_follows() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let d = net().dispatch(&net().envelope(CENTRE, &[HAMLET], "2/a"));
    let id = d.id();
    w.submitted(CENTRE, &d);
    assert_eq!(w.word(DISTRICT, &id, HAMLET), "queued");
    // By the newer directory the way leads back up: given back to who does not have that directory yet,
    // and must neither go round in circles nor fail it.
    w.handle(DISTRICT, Input::Directory(moved()));
    w.pass(600_000);
    let words = |w: &World| [CENTRE, PROVINCE, DISTRICT].map(|n| w.word(n, &id, HAMLET));
    assert_eq!(words(&w), ["transferred", "queued", "returned"]);
    w.assert_recoverable();
    w.handle(PROVINCE, Input::Directory(moved()));
    w.pass(600_000);
    assert_eq!(words(&w), ["queued", "returned", "returned"]);
    let returns =
        [PROVINCE, DISTRICT].map(|n| line(E::RelayFailure, n, HAMLET, Some(Code::Returned)));
    assert!(w.lines(CENTRE, &id).contains(&returns[0]));
    assert!(w.lines(PROVINCE, &id).contains(&returns[1]));
    w.restart(CENTRE);
    w.connect_all();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    w.pass(1_000);
    assert_eq!(words(&w), ["queued", "returned", "returned"]);
    w.verifier = net().verifier_for(&moved());
    for at in [CENTRE, OTHER_PROVINCE, OTHER_DISTRICT, OTHER_COMMUNE] {
        w.handle(at, Input::Directory(moved()));
    }
    w.pass(600_000);
    assert_eq!(w.word(CENTRE, &id, HAMLET), "consigned");
    assert_eq!(w.in_mailbox(OTHER_COMMUNE, HAMLET, &id), 1);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_leg_whose_nodes_never_agree_ends_with_evidence() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let mut e = net().envelope(CENTRE, &[HAMLET], "2/a2");
    e.expires_at = NOW.plus_ms(3_600_000);
    let d = net().dispatch(&e);
    w.submitted(CENTRE, &d);
    for at in [DISTRICT, PROVINCE] {
        w.handle(at, Input::Directory(moved()));
    }
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &d.id(), HAMLET), "queued");
    // Ten minutes are enough for a directory to get about.
    (0..5).for_each(|_| w.pass(100_000));
    assert_eq!(w.word(CENTRE, &d.id(), HAMLET), "queued");
    (0..35).for_each(|_| w.pass(100_000));
    assert_eq!(w.word(CENTRE, &d.id(), HAMLET), "failed");
    let last = w.evidence(CENTRE, &d.id()).pop().unwrap();
    assert_eq!((last.event, last.reason), (E::RelayFailure, Some(Code::NoRoute)));
    w.assert_recoverable();
}

#[test]
fn a_returned_leg_takes_the_new_way_and_can_come_again_with_a_new_receipt() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    w.disconnect(&node(CENTRE), &node(OTHER_PROVINCE));
    let d = net().dispatch(&net().envelope(CENTRE, &[HAMLET], "2/b"));
    let id = d.id();
    w.submitted(CENTRE, &d);
    let moved = moved();
    for at in [CENTRE, PROVINCE, DISTRICT] {
        w.handle(at, Input::Directory(moved.clone()));
    }
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, HAMLET), "queued", "open again, on the way to the other side");
    w.assert_recoverable();
    // Before the other side can be reached, everything is as it was.
    for at in [CENTRE, PROVINCE, DISTRICT] {
        w.handle(at, Input::Directory(net().directory.clone()));
    }
    w.pass(1_000);
    // The province gave it back, by another directory: it waits, and is not given the same way.
    assert_eq!(w.word(CENTRE, &id, HAMLET), "queued");
    w.assert_at_rest();
}

#[test]
fn offered_again_after_return_is_a_new_leg_with_documents_and_receipt_of_its_own() {
    let mut w = World::of(&[CENTRE, PROVINCE, DISTRICT]);
    w.connect(&node(CENTRE), &node(PROVINCE));
    w.large_documents = true;
    let d = net().dispatch(&net().envelope(CENTRE, &[HAMLET], "2/c"));
    let id = d.id();
    w.submit(CENTRE, &d);
    let taken = w.run_until(|m| matches!(&m.body, Body::Transfer(_, true)));
    let Body::Transfer(first, _) = taken[0].body.clone() else { panic!() };
    taken.into_iter().for_each(|m| w.deliver(m));
    w.run();
    assert_eq!(w.word(PROVINCE, &id, HAMLET), "queued");
    w.handle(PROVINCE, Input::Directory(moved()));
    w.pass(1_000);
    assert_eq!(w.word(PROVINCE, &id, HAMLET), "returned");
    assert!(!w.at(PROVINCE).store.is_open(&id), "its documents are gone");
    w.handle(PROVINCE, Input::Directory(net().directory.clone()));
    let offer = |w: &mut World, given: bool| {
        let session = w.session(&node(CENTRE), &node(PROVINCE)).unwrap();
        let (from, to) = (node(CENTRE), node(PROVINCE));
        w.deliver(Message { from, to, session, body: Body::Transfer(first.clone(), given) });
        w.commit(&node(PROVINCE));
        std::mem::take(&mut w.mail)
    };
    // Without the documents it is not taken: they are asked for.
    let asked = offer(&mut w, false);
    assert!(matches!(asked[0].body, Body::Transfer(_, true)));
    let answered = offer(&mut w, true);
    let Body::Answer(_, answers) = &answered[0].body else { panic!() };
    let Answer::Accepted(raw) = &answers[0].1 else { panic!() };
    let held: Vec<_> = w.evidence(PROVINCE, &id);
    let accepted: Vec<_> = held.iter().filter(|e| e.event == E::RelayAcceptance).collect();
    assert_eq!(accepted.len(), 2);
    assert_eq!(&offline(raw), accepted[1]);
    assert_eq!(w.word(PROVINCE, &id, HAMLET), "queued");
    // And repeated, the same again.
    let repeated = offer(&mut w, true);
    let Body::Answer(_, answers) = &repeated[0].body else { panic!() };
    assert!(matches!(&answers[0].1, Answer::Accepted(again) if again == raw));
    w.restart(PROVINCE);
    assert_eq!(w.word(PROVINCE, &id, HAMLET), "queued");
    w.assert_recoverable();
}

#[test]
fn a_return_that_overtakes_the_answer_is_not_undone_by_it() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    let d = net().dispatch(&net().envelope(CENTRE, &[HAMLET], "2/d"));
    let id = d.id();
    w.submit(CENTRE, &d);
    let answers = w.run_until(is_answer);
    assert_eq!(w.word(PROVINCE, &id, HAMLET), "queued");
    w.handle(PROVINCE, Input::Directory(moved()));
    w.run();
    assert_eq!(w.word(PROVINCE, &id, HAMLET), "returned");
    answers.into_iter().for_each(|m| w.deliver(m));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, HAMLET), "queued", "and not transferred for ever");
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn time_runs_out_with_evidence_but_only_by_a_clock_that_is_sure() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let mut e = net().envelope(CENTRE, &[COMMUNE], "3/a");
    e.expires_at = NOW.plus_ms(3_600_000);
    let d = net().dispatch(&e);
    let id = d.id();
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    assert_eq!(w.word(DISTRICT, &id, COMMUNE), "queued");
    // A jump of the clock: nobody can tell whether it is that late.
    w.now.wall = NOW.plus_ms(3_600_001);
    w.pass(20_000);
    assert!(!w.at(DISTRICT).engine().clock_is_certain());
    assert_eq!(w.word(DISTRICT, &id, COMMUNE), "queued");
    // A new session brings the peer's clock, which agrees.
    w.connect(&node(DISTRICT), &node(PROVINCE));
    w.connect(&node(PROVINCE), &node(CENTRE));
    w.pass(1_000);
    assert_eq!(w.word(DISTRICT, &id, COMMUNE), "expired");
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "expired");
    let last = w.evidence(CENTRE, &id).pop().unwrap();
    assert_eq!((last.event, last.node), (E::RelayFailure, node(DISTRICT)));
    assert_eq!(last.reason, Some(Code::DispatchExpired));
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn what_is_on_hold_expires_too() {
    let mut w = World::connected();
    let mut e = net().envelope(CENTRE, &[PROVINCE], "3/b");
    e.expires_at = NOW.plus_ms(3_600_000);
    let d = net().dispatch(&e);
    w.submit(CENTRE, &d);
    let token = w.token();
    let action = tram_engine::Action::Hold;
    let recipient = code(PROVINCE);
    w.handle(CENTRE, Input::Operate { token, dispatch: d.id(), recipient, action });
    w.run();
    assert_eq!(w.word(CENTRE, &d.id(), PROVINCE), "on_hold");
    w.pass(3_600_000);
    assert_eq!(w.word(CENTRE, &d.id(), PROVINCE), "expired");
}

#[test]
fn a_consignment_prevails_over_an_earlier_failure_and_both_stay() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    let mut e = net().envelope(CENTRE, &[PROVINCE], "4/a");
    e.expires_at = NOW.plus_ms(3_600_000);
    let d = net().dispatch(&e);
    let id = d.id();
    w.submit(CENTRE, &d);
    let answers = w.run_until(is_answer);
    w.now.wall = NOW.plus_ms(3_600_000);
    w.now.mono_ms += 3_540_000;
    w.commit(&node(CENTRE));
    assert_eq!(w.word(CENTRE, &id, PROVINCE), "expired");
    assert!(!w.at(CENTRE).store.is_open(&id), "closed");
    answers.into_iter().for_each(|m| w.deliver(m));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, PROVINCE), "consigned");
    let events: Vec<_> = w.evidence(CENTRE, &id).into_iter().map(|e| e.event).collect();
    assert_eq!(events, [E::SubmissionAcceptance, E::RelayFailure, E::ContentConsignment]);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_peer_that_lost_its_disk_is_given_everything_again() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "5/a"));
    let id = d.id();
    w.submitted(CENTRE, &d);
    assert_eq!(w.word(PROVINCE, &id, COMMUNE), "transferred");
    w.crash(&node(DISTRICT));
    w.at(DISTRICT).lose_disk();
    w.at(DISTRICT).start();
    assert_eq!(w.word(DISTRICT, &id, COMMUNE), "none");
    w.connect_all();
    w.pass(1_000);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &id), 1);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned");
    let by_district: Vec<_> =
        w.evidence(CENTRE, &id).into_iter().filter(|e| e.node == node(DISTRICT)).collect();
    assert_eq!(by_district.len(), 2, "one receipt of each life");
    assert!(by_district[0].epoch != by_district[1].epoch);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_recipients_node_that_lost_its_disk_is_given_what_it_had_not_handed_over() {
    let mut w = World::connected();
    let (open, done) = (
        net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "5/c")),
        net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "5/d")),
    );
    w.submitted(CENTRE, &open);
    w.submitted(CENTRE, &done);
    w.confirm(COMMUNE, COMMUNE, done.id());
    let (open, done) = (open.id(), done.id());
    assert_eq!(w.word(DISTRICT, &open, COMMUNE), "consigned");
    assert_eq!(w.word(DISTRICT, &done, COMMUNE), "handed_over");
    w.crash(&node(COMMUNE));
    w.at(COMMUNE).lose_disk();
    w.at(COMMUNE).start();
    w.connect_all();
    w.pass(1_000);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &open), 1, "the last relay kept it for this");
    assert_eq!(w.word(COMMUNE, &done, COMMUNE), "none", "its system has that one");
    assert_eq!(w.word(CENTRE, &open, COMMUNE), "consigned");
    let consigned = |e: &&tram_dispatch::EvidenceRecord| e.event == E::ContentConsignment;
    assert_eq!(w.evidence(CENTRE, &open).iter().filter(consigned).count(), 2, "one of each life");
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_copy_is_offered_again_no_longer_than_the_dispatch_lives() {
    let mut w = World::connected();
    let mut e = net().envelope(CENTRE, &[COMMUNE], "5/e");
    e.expires_at = NOW.plus_ms(3_600_000);
    let d = net().dispatch(&e);
    let id = d.id();
    w.submitted(CENTRE, &d);
    w.crash(&node(COMMUNE));
    w.at(COMMUNE).lose_disk();
    w.at(COMMUNE).start();
    w.connect_all();
    // It is offered, but its answers come to nothing.
    let offers = |m: &Message| m.to == node(COMMUNE) && matches!(m.body, Body::Transfer(..));
    assert_eq!(w.run_until(offers).len(), 1);
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    w.pass(3_600_000);
    w.connect_all();
    w.pass(60_000);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &id), 0);
    w.pass(86_400_000);
    let peers = w.at(DISTRICT).engine().peers();
    let queued = peers.iter().find(|p| p.peer == node(COMMUNE)).unwrap().queued;
    assert_eq!(queued, 0);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned", "as it was said");
}

#[test]
fn a_relay_that_lost_its_disk_is_told_again_what_it_had_passed_on() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(PROVINCE, &[COMMUNE], "5/b"));
    let id = d.id();
    // The district takes it and passes it on, and loses its disk before it tells the province.
    w.submit(PROVINCE, &d);
    w.run_until(|m| m.from == node(DISTRICT) && matches!(m.body, Body::Receipts(..)));
    w.confirm_quietly(COMMUNE, COMMUNE, id);
    w.run_until(|m| m.from == node(DISTRICT) && matches!(m.body, Body::Receipts(..)));
    assert_eq!(w.word(PROVINCE, &id, COMMUNE), "transferred");
    w.crash(&node(DISTRICT));
    w.at(DISTRICT).lose_disk();
    w.at(DISTRICT).start();
    w.connect_all();
    w.pass(1_000);
    assert_eq!(w.word(PROVINCE, &id, COMMUNE), "handed_over");
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &id), 1);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn nothing_is_signed_once_a_peer_shows_a_rollback_or_a_fork() {
    for fork in [false, true] {
        let mut w = World::of(&[CENTRE, PROVINCE]);
        w.connect_all();
        let old = w.at(CENTRE).store.clone();
        let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "6/a"));
        w.submitted(CENTRE, &d);
        w.connect(&node(CENTRE), &node(PROVINCE)); // the province learns the newer checkpoint
        w.pass(1_000);
        w.crash(&node(CENTRE));
        w.at(CENTRE).store = old;
        w.at(CENTRE).start();
        if fork {
            for n in 0..3 {
                let reference = format!("6/other-{n}");
                let other = net().dispatch(&net().envelope(CENTRE, &[CENTRE], &reference));
                let now = w.now;
                let documents = Default::default();
                let token = w.token();
                w.at(CENTRE).handle(now, Input::Submit { token, dispatch: other, documents });
                w.at(CENTRE).begin_commit(now);
                w.at(CENTRE).end_commit();
                w.at(CENTRE).outputs();
            }
        }
        w.connect_all();
        w.run();
        let expected = if fork { Code::LogFork } else { Code::LogRollback };
        assert_eq!(w.at(CENTRE).engine().halted(), Some(expected));
        let proof = w.at(CENTRE).engine().contradiction().unwrap().clone();
        assert_eq!((proof.code, proof.shown_by.clone()), (expected, node(PROVINCE)));
        assert_eq!(proof.root.is_some(), fork);
        assert!(proof.root.is_none_or(|root| root != *proof.shown.root()));
        let head = w.at(CENTRE).store.head();
        assert_eq!(later(&w.submitted(CENTRE, &d)), expected);
        assert_eq!(later(&w.confirm(CENTRE, CENTRE, d.id())), expected);
        assert_eq!(later(&w.register(CENTRE, CENTRE, d.id(), None)), expected);
        let up = net().dispatch(&net().envelope(PROVINCE, &[CENTRE], "6/b"));
        w.submitted(PROVINCE, &up);
        assert_eq!(w.word(PROVINCE, &up.id(), CENTRE), "queued");
        w.pass(60_000);
        assert_eq!(w.at(CENTRE).store.head(), head);
        // What was proved holds after a restart, before any peer is reached.
        let now = w.now;
        w.crash(&node(CENTRE));
        w.at(CENTRE).start();
        assert_eq!(w.at(CENTRE).engine().halted(), None);
        let shown = Input::Shown { by: node(PROVINCE), checkpoint: proof.shown };
        w.at(CENTRE).handle(now, shown);
        assert_eq!(w.at(CENTRE).engine().halted(), Some(expected));
    }
}

#[test]
fn the_way_changes_while_a_dispatch_waits() {
    let mut w = World::connected();
    w.disconnect(&node(CENTRE), &node(PROVINCE));
    let d = net().dispatch(&net().envelope(CENTRE, &[HAMLET], "7/a"));
    w.submitted(CENTRE, &d);
    assert!(w.transfers.is_empty());
    let moved = moved();
    w.verifier = net().verifier_for(&moved);
    for (agency, _) in NODES {
        w.handle(agency, Input::Directory(moved.clone()));
    }
    w.run();
    assert_eq!(w.in_mailbox(OTHER_COMMUNE, HAMLET, &d.id()), 1);
    assert_eq!(w.word(CENTRE, &d.id(), HAMLET), "consigned");
    w.connect_all();
    w.pass(1_000);
    w.assert_at_rest();
}

#[test]
fn a_mailbox_that_moves_to_where_the_dispatch_is_takes_it() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let d = net().dispatch(&net().envelope(CENTRE, &[HAMLET], "7/b"));
    w.submitted(CENTRE, &d);
    let merged = net().directory_with(|e| agency_in(e, HAMLET).node = Some(node(DISTRICT)));
    w.verifier = net().verifier_for(&merged);
    for (agency, _) in NODES {
        w.handle(agency, Input::Directory(merged.clone()));
    }
    w.pass(1_000);
    assert_eq!(w.in_mailbox(DISTRICT, HAMLET, &d.id()), 1);
    assert_eq!(w.word(CENTRE, &d.id(), HAMLET), "consigned");
    done(&w.confirm(DISTRICT, HAMLET, d.id()));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &d.id(), HAMLET), "handed_over");
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_consignment_on_its_way_back_counts_though_the_recipient_moved_meanwhile() {
    let mut w = World::of(&[DISTRICT, COMMUNE]);
    w.connect_all();
    let d = net().dispatch(&net().envelope(DISTRICT, &[HAMLET], "2/e"));
    let id = d.id();
    w.submit(DISTRICT, &d);
    let answers = w.run_until(is_answer);
    assert_eq!(w.word(COMMUNE, &id, HAMLET), "consigned");
    w.handle(DISTRICT, Input::Directory(moved()));
    w.verifier = net().verifier_for(&moved());
    answers.into_iter().for_each(|m| w.deliver(m));
    w.pass(1_000);
    assert_eq!(w.word(DISTRICT, &id, HAMLET), "consigned", "and not under way for ever");
    w.assert_recoverable();
}

#[test]
fn what_the_new_node_said_too_early_counts_once_its_directory_is_here() {
    let mut w = World::of(&[PROVINCE, DISTRICT, SISTER]);
    w.connect_all();
    let d = net().dispatch(&net().envelope(PROVINCE, &[HAMLET], "2/f"));
    let id = d.id();
    let moved = net().directory_with(|e| agency_in(e, HAMLET).node = Some(node(SISTER)));
    for at in [DISTRICT, SISTER] {
        w.handle(at, Input::Directory(moved.clone()));
    }
    w.submitted(PROVINCE, &d);
    w.pass(1_000);
    assert_eq!(w.word(SISTER, &id, HAMLET), "consigned");
    assert_eq!(w.word(PROVINCE, &id, HAMLET), "transferred", "by its directory a claim");
    for at in [DISTRICT, PROVINCE] {
        w.handle(at, Input::Directory(moved.clone()));
    }
    w.pass(1_000);
    assert_eq!(w.word(PROVINCE, &id, HAMLET), "consigned");
    w.assert_recoverable();
}

#[test]
fn a_peer_that_took_a_leg_by_a_directory_never_known_here_holds_it() {
    let mut w = World::of(&[DISTRICT, COMMUNE]);
    w.connect_all();
    let hosted_by =
        |code| net().directory_with(move |e| agency_in(e, HAMLET).node = Some(node(code)));
    let (there, here) = (hosted_by(DISTRICT), hosted_by(SISTER));
    w.handle(DISTRICT, Input::Directory(there.clone()));
    w.handle(COMMUNE, Input::Directory(here.clone()));
    w.verifier = net().verifier_for(&here);
    let d = net().dispatch(&net().envelope(COMMUNE, &[HAMLET], "2/g"));
    let id = d.id();
    w.submitted(COMMUNE, &d);
    w.pass(1_000);
    assert_eq!(w.word(DISTRICT, &id, HAMLET), "consigned");
    assert_eq!(w.word(COMMUNE, &id, HAMLET), "transferred", "and not offered for ever");
    w.assert_at_rest();
    w.assert_recoverable();
    w.restart(COMMUNE);
    assert_eq!(w.word(COMMUNE, &id, HAMLET), "transferred");
    w.handle(COMMUNE, Input::Directory(there));
    assert_eq!(w.word(COMMUNE, &id, HAMLET), "consigned", "proved by the directory it came from");
}
