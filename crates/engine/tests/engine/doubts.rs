//! An offer that was not answered, and a directory that came meanwhile and leads elsewhere: the peer that may
//! have taken the leg is asked first, for as long as the dispatch can wait, over starts of the node too.

use tram_dispatch::DispatchId;
use tram_dispatch::envelope::{Envelope, Urgency};
use tram_engine::{Action, Input};

use crate::mergers::{deliver, renamed, reorganised};
use crate::support::mail::Body;
use crate::support::net::*;
use crate::support::world::World;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// One dispatch to a commune that closes; the last link breaks before its node has answered the offer, which
/// it had `taken` or not. Then all learn of so many `versions`, the district too, which leads to the successor
/// by now.
fn in_doubt(taken: bool, versions: usize) -> (World, DispatchId) {
    let (mut w, id) = broken(taken, |_| {});
    learn(&mut w, versions);
    assert_eq!(w.in_mailbox(COMMUNE, SISTER, &id), 0, "the closed one's node may have it");
    assert_eq!(w.in_mailbox(SISTER, SISTER, &id), usize::from(taken));
    (w, id)
}

/// As far as the link that broke.
fn broken(taken: bool, change: impl FnOnce(&mut Envelope)) -> (World, DispatchId) {
    let mut w = World::connected();
    let mut envelope = net().envelope(CENTRE, &[SISTER], "7/in doubt");
    change(&mut envelope);
    let d = net().dispatch(&envelope);
    w.submit(CENTRE, &d);
    let offered = |w: &World| {
        w.mail.iter().any(|m| m.to == node(SISTER) && matches!(m.body, Body::Transfer(..)))
    };
    while !offered(&w) {
        deliver(&mut w, 1);
    }
    while taken && w.in_mailbox(SISTER, SISTER, &d.id()) == 0 {
        deliver(&mut w, 1);
    }
    w.disconnect(&node(DISTRICT), &node(SISTER));
    (w, d.id())
}

fn learn(w: &mut World, versions: usize) {
    let second = reorganised();
    let third = renamed(&second);
    for version in [second, third].into_iter().take(versions) {
        w.verifier = net().verifier_for(&version);
        for (at, _) in NODES {
            w.handle(at, Input::Directory(version.clone()));
        }
        w.run();
    }
}

fn lies_once(w: &mut World, id: &DispatchId, at: &str) {
    for place in [SISTER, COMMUNE] {
        let there = w.in_mailbox(place, SISTER, id);
        assert_eq!(there, usize::from(place == at), "{place}: {:?}", w.lines(CENTRE, id));
    }
    assert_eq!(w.word(CENTRE, id, SISTER), "consigned", "{:?}", w.lines(CENTRE, id));
}

#[test]
fn who_may_have_taken_a_leg_is_asked_before_it_goes_to_the_successor() {
    let both = [(true, SISTER), (false, COMMUNE)];
    for (versions, (taken, at)) in [1, 2].into_iter().flat_map(|n| both.map(|it| (n, it))) {
        let (mut w, id) = in_doubt(taken, versions);
        w.connect(&node(DISTRICT), &node(SISTER));
        w.pass(400_000);
        lies_once(&mut w, &id, at);
        w.assert_at_rest();
        w.assert_recoverable();
    }
}

/// Starts the district again; the link to the closed one stays broken.
fn restarted(w: &mut World) {
    w.restart(DISTRICT);
    w.disconnect(&node(DISTRICT), &node(SISTER));
    w.run();
}

/// Lets time pass in steps, so that what is due in between happens then.
fn long(w: &mut World, ms: u64) {
    for _ in 0..8 {
        w.pass(ms / 8);
    }
}

#[test]
fn who_does_not_come_back_to_answer_is_waited_for_by_urgency_and_by_the_time_left() {
    let minutes = |n: u64| n * MINUTE_MS;
    let cases = [
        (Urgency::Normal, 7 * 24, minutes(24 * 60)),
        (Urgency::Urgent, 7 * 24, minutes(4 * 60)),
        (Urgency::VeryUrgent, 7 * 24, minutes(60)),
        (Urgency::Flash, 7 * 24, minutes(10)),
        // Half of what is left.
        (Urgency::Normal, 10, minutes(5 * 60)),
    ];
    for (urgency, lives_hours, waits) in cases {
        let what = format!("{urgency:?} {lives_hours}");
        let (mut w, id) = broken(false, |e| {
            e.metadata.urgency = urgency;
            e.expires_at = e.issued_at.plus_ms(lives_hours * HOUR_MS);
        });
        learn(&mut w, 1);
        long(&mut w, waits - 3 * MINUTE_MS);
        assert_eq!(w.in_mailbox(COMMUNE, SISTER, &id), 0, "{what}");
        long(&mut w, 4 * MINUTE_MS);
        lies_once(&mut w, &id, COMMUNE);
        w.connect(&node(DISTRICT), &node(SISTER));
        w.pass(400_000);
        lies_once(&mut w, &id, COMMUNE);
        w.assert_at_rest();
        w.assert_recoverable();
    }
}

#[test]
fn a_start_of_the_node_that_asks_forgets_no_doubt() {
    // Started again before it learns of the merger, after, or both.
    for (before, after) in [(true, false), (false, true), (true, true)] {
        for (taken, at) in [(true, SISTER), (false, COMMUNE)] {
            let (mut w, id) = broken(taken, |_| {});
            w.pass(1_000);
            if before {
                restarted(&mut w);
            }
            learn(&mut w, 1);
            if after {
                restarted(&mut w);
            }
            // Longer than a leg waits that only might have been offered.
            long(&mut w, HOUR_MS);
            assert_eq!(w.in_mailbox(COMMUNE, SISTER, &id), 0, "{before} {after} {taken}");
            w.connect(&node(DISTRICT), &node(SISTER));
            w.pass(400_000);
            lies_once(&mut w, &id, at);
            w.assert_at_rest();
            w.assert_recoverable();
        }
    }
}

#[test]
fn the_wait_does_not_begin_anew_with_each_start_and_has_an_end() {
    let (mut w, id) = in_doubt(false, 1);
    for _ in 0..23 {
        w.pass(HOUR_MS);
        restarted(&mut w);
    }
    assert_eq!(w.in_mailbox(COMMUNE, SISTER, &id), 0);
    w.pass(HOUR_MS + MINUTE_MS);
    lies_once(&mut w, &id, COMMUNE);
    w.assert_recoverable();
}

#[test]
fn what_was_under_way_when_the_process_ended_is_asked_about_for_ten_minutes() {
    for (taken, away_ms) in [(true, 5 * MINUTE_MS), (false, 5 * MINUTE_MS), (false, HOUR_MS)] {
        // The process ends without a word about what was under way.
        let mut w = World::connected();
        let d = net().dispatch(&net().envelope(CENTRE, &[SISTER], "8/crash"));
        let id = d.id();
        w.submit(CENTRE, &d);
        let offered = |w: &World| {
            w.mail.iter().any(|m| m.to == node(SISTER) && matches!(m.body, Body::Transfer(..)))
        };
        while !offered(&w) {
            deliver(&mut w, 1);
        }
        while taken && w.in_mailbox(SISTER, SISTER, &id) == 0 {
            deliver(&mut w, 1);
        }
        w.crash(&node(DISTRICT));
        w.nodes.get_mut(&node(DISTRICT)).unwrap().start();
        w.connect(&node(DISTRICT), &node(PROVINCE));
        w.connect(&node(DISTRICT), &node(COMMUNE));
        learn(&mut w, 1);
        w.pass(away_ms);
        let over = away_ms > 10 * MINUTE_MS;
        assert_eq!(w.in_mailbox(COMMUNE, SISTER, &id), usize::from(over), "{taken} {away_ms}");
        w.connect(&node(DISTRICT), &node(SISTER));
        w.pass(1_000);
        lies_once(&mut w, &id, if taken { SISTER } else { COMMUNE });
        w.assert_at_rest();
    }
}

#[test]
fn the_queue_says_who_is_asked_and_the_operator_can_end_it() {
    for again in [false, true] {
        let (mut w, id) = in_doubt(false, 1);
        if again {
            restarted(&mut w);
        }
        w.pass(HOUR_MS);
        let waiting = |w: &mut World| {
            let lines = w.at(DISTRICT).engine().queue(None, 10);
            lines.into_iter().find(|l| l.dispatch == id).map(|l| (l.peer, l.asked_until_mono_ms))
        };
        let Some((peer, Some(until))) = waiting(&mut w) else { panic!("{:?}", waiting(&mut w)) };
        assert_eq!(peer, Some(node(SISTER)));
        let left = until - w.now.mono_ms;
        assert!((22 * HOUR_MS..=23 * HOUR_MS).contains(&left), "{left}");
        let ask = |action: Action| {
            move |token| Input::Operate { token, dispatch: id, recipient: code(SISTER), action }
        };
        w.asked(DISTRICT, ask(Action::Retry));
        w.pass(1_000);
        assert_eq!(w.in_mailbox(COMMUNE, SISTER, &id), 0, "another try is no end of it");
        w.disconnect(&node(DISTRICT), &node(COMMUNE));
        w.asked(DISTRICT, ask(Action::Release));
        assert_eq!(waiting(&mut w), Some((Some(node(COMMUNE)), None)));
        // Nor does a start bring it back.
        restarted(&mut w);
        w.pass(400_000);
        lies_once(&mut w, &id, COMMUNE);
        w.assert_at_rest();
        w.assert_recoverable();
    }
}
