//! Clocks that were wrong for a while.

use tram_dispatch::UnixMillis;
use tram_engine::Input;
use tram_trust::fixtures::NOW;

use crate::support::check::done;
use crate::support::net::*;
use crate::support::world::World;

const DAY_MS: u64 = 86_400_000;

/// Sets every clock, and lets the nodes compare them.
fn set_clocks(w: &mut World, wall: UnixMillis) {
    w.now.wall = wall;
    w.pass(20_000);
    assert!(!w.at(CENTRE).engine().clock_is_certain(), "a jump is noticed");
    for (a, b) in w.links() {
        w.disconnect(&a, &b);
    }
    w.connect_all();
    w.pass(1_000);
    assert!(w.at(CENTRE).engine().clock_is_certain());
}

#[test]
fn what_a_clock_that_ran_ahead_dated_is_kept_no_longer_than_its_period() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "1/c"));
    let id = d.id();
    w.submitted(CENTRE, &d);
    set_clocks(&mut w, NOW.plus_ms(365 * DAY_MS));
    done(&w.confirm(PROVINCE, PROVINCE, id));
    done(&w.register(PROVINCE, PROVINCE, id, None));
    // Set right again; the log's time stays where it was, and so does the evidence.
    set_clocks(&mut w, NOW.plus_ms(DAY_MS));
    let told = w.evidence(PROVINCE, &id).pop().unwrap();
    assert!(told.time > NOW.plus_ms(364 * DAY_MS), "{}", told.time.0);
    assert!(w.at(PROVINCE).store.is_open(&id));
    w.pass(29 * DAY_MS);
    assert!(w.at(PROVINCE).store.is_open(&id), "not before its period is over");
    w.pass(2 * DAY_MS);
    assert!(!w.at(PROVINCE).store.is_open(&id), "not for a year");
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_leg_goes_back_though_a_clock_that_may_be_wrong_says_that_its_time_is_over() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let mut e = net().envelope(CENTRE, &[HAMLET], "2/c");
    e.expires_at = NOW.plus_ms(DAY_MS);
    let d = net().dispatch(&e);
    let id = d.id();
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    assert_eq!(w.word(DISTRICT, &id, HAMLET), "queued");
    let right = w.now.wall;
    w.now.wall = NOW.plus_ms(DAY_MS + 1);
    w.pass(20_000);
    assert!(!w.at(DISTRICT).engine().clock_is_certain());
    // The mailbox moves to where the dispatch came from.
    let moved = net().directory_with(|e| agency_in(e, HAMLET).node = Some(node(CENTRE)));
    w.verifier = net().verifier_for(&moved);
    for at in [DISTRICT, PROVINCE, CENTRE] {
        w.handle(at, Input::Directory(moved.clone()));
    }
    w.pass(1_000);
    w.now.wall = right;
    w.pass(20_000);
    assert_eq!(w.word(DISTRICT, &id, HAMLET), "returned");
    assert_eq!(w.word(PROVINCE, &id, HAMLET), "returned");
    assert_eq!(
        w.word(CENTRE, &id, HAMLET),
        "consigned",
        "and neither refused nor under way for ever"
    );
    w.assert_at_rest();
    w.assert_recoverable();
}
