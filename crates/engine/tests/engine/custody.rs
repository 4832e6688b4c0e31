//! Custody when answers are lost, legs come back, time runs out, disks are lost.

use tram_dispatch::{Code, Event as E};
use tram_engine::{Answer, Input, PeerAnswer};
use tram_trust::fixtures::NOW;

use crate::support::check::{later, line};
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
