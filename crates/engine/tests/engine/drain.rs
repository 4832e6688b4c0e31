//! Full nodes that have work for each other: there is room for what is on its way, so they drain.

use tram_dispatch::{Code, DispatchId};

use crate::support::check::{done, later};
use crate::support::net::*;
use crate::support::world::World;

/// Most dispatches at each node: of these an eighth is kept for urgent ones.
const HELD_MAX: usize = 8;
const FILLS: usize = 7;

fn small() -> World {
    let mut w = World::new();
    for at in [CENTRE, PROVINCE, DISTRICT, COMMUNE] {
        let settings = &mut w.at(at).settings;
        settings.held_max = HELD_MAX;
        settings.keep_after_registration_ms = 1_000;
        settings.retry_ms_max = 8_000;
        w.restart(at);
    }
    for (a, b) in w.links() {
        w.disconnect(&a, &b);
    }
    w
}

/// Hands in as many as are taken.
fn fill(w: &mut World, from: &str, to: &str, name: &str) -> Vec<DispatchId> {
    let mut ids = Vec::new();
    for n in 0..FILLS {
        let d = net().dispatch(&net().envelope(from, &[to], &format!("{name}/{n}")));
        done(&w.submitted(from, &d));
        ids.push(d.id());
    }
    let more = net().dispatch(&net().envelope(from, &[to], &format!("{name}/more")));
    assert_eq!(later(&w.submitted(from, &more)), Code::Busy, "{from} is full");
    ids
}

/// Time passes, and clerks register what is there.
fn run_with_clerks(w: &mut World, seconds: u64) {
    for _ in 0..seconds {
        w.pass(1_000);
        for at in [CENTRE, PROVINCE, DISTRICT, COMMUNE] {
            let lines = w.at(at).engine().mailbox(&code(at), None, 99);
            let waiting: Vec<DispatchId> = lines
                .into_iter()
                .filter(|(_, h)| h.legs[&code(at)].word() == "consigned")
                .map(|(_, h)| h.id())
                .collect();
            for id in waiting {
                done(&w.confirm(at, at, id));
                done(&w.register(at, at, id, None));
            }
        }
    }
}

#[test]
fn two_full_nodes_with_work_for_each_other_drain() {
    let mut w = small();
    let down = fill(&mut w, CENTRE, PROVINCE, "f/1");
    let up = fill(&mut w, PROVINCE, CENTRE, "f/2");
    w.connect(&node(CENTRE), &node(PROVINCE));
    run_with_clerks(&mut w, 120);
    for (ids, from, to) in [(&down, CENTRE, PROVINCE), (&up, PROVINCE, CENTRE)] {
        for id in ids {
            assert_eq!(w.word(from, id, to), "registered");
        }
    }
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_chain_that_is_full_in_both_directions_drains_and_stays_within_the_reserve() {
    let mut w = small();
    // The relays are full with what they hold for each other, the ends with what is new.
    let mut sent = Vec::new();
    w.connect(&node(CENTRE), &node(PROVINCE));
    w.connect(&node(DISTRICT), &node(COMMUNE));
    sent.push((fill(&mut w, CENTRE, COMMUNE, "f/3"), CENTRE, COMMUNE));
    sent.push((fill(&mut w, COMMUNE, CENTRE, "f/4"), COMMUNE, CENTRE));
    w.pass(1_000);
    let held = |w: &mut World, at: &str| w.at(at).engine().held_count();
    assert_eq!((held(&mut w, PROVINCE), held(&mut w, DISTRICT)), (FILLS, FILLS));
    w.connect(&node(PROVINCE), &node(DISTRICT));
    let mut most = 0;
    for _ in 0..300 {
        run_with_clerks(&mut w, 1);
        for at in [CENTRE, PROVINCE, DISTRICT, COMMUNE] {
            most = most.max(held(&mut w, at));
        }
    }
    for (ids, from, to) in &sent {
        for id in ids {
            assert_eq!(w.word(from, id, to), "registered", "{from}");
        }
    }
    // Three nodes at most are behind anything here.
    assert!(most <= FILLS + 3, "{most}");
    w.assert_at_rest();
    w.assert_recoverable();
}
