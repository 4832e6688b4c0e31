//! The reorganisation of 1 July 2025 in small: a province, two districts and two communes close while
//! dispatches are under way, and the nodes learn of it one after the other, at any moment.
#![allow(clippy::print_stdout, reason = "tells the counts of the rehearsal")]
#![allow(clippy::print_stderr, reason = "says how much was under way")]

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_dispatch::{Code, DispatchId, Event as E};
use tram_engine::Input;
use tram_trust::Directory;

use crate::support::check::refused;
use crate::support::net::*;
use crate::support::world::World;

/// Which close, and into which: a province, the districts, communes of two nodes.
const CLOSED: [(&str, &str); 5] = [
    (OTHER_PROVINCE, PROVINCE),
    (DISTRICT, PROVINCE),
    (OTHER_DISTRICT, PROVINCE),
    (SISTER, COMMUNE),
    (OTHER_COMMUNE, COMMUNE),
];

pub(crate) fn reorganised() -> Arc<Directory> {
    net().directory_with(|entries| {
        for (closed, into) in CLOSED {
            let agency = agency_in(entries, closed);
            (agency.open, agency.successor) = (false, Some(code(into)));
        }
        agency_in(entries, COMMUNE).parent = Some(code(PROVINCE));
        // A mailbox moves to the province's node as well.
        agency_in(entries, HAMLET).node = Some(node(PROVINCE));
    })
}

/// The version after: a commune has another name.
pub(crate) fn renamed(second: &Arc<Directory>) -> Arc<Directory> {
    net().directory_after(second, |entries| {
        for (closed, into) in CLOSED {
            let agency = agency_in(entries, closed);
            (agency.open, agency.successor) = (false, Some(code(into)));
        }
        agency_in(entries, COMMUNE).name = "Xã Mỹ Sơn".to_owned();
    })
}

/// The node that hosts an agency: before, and after.
fn hosts(agency: &str) -> [&str; 2] {
    let own = if agency == HAMLET { COMMUNE } else { agency };
    let into = CLOSED.iter().find(|(closed, _)| *closed == agency).map(|(_, into)| *into);
    [own, if agency == HAMLET { PROVINCE } else { into.unwrap_or(own) }]
}

type Sent = BTreeMap<DispatchId, (&'static str, Vec<&'static str>)>;

fn send(w: &mut World, sent: &mut Sent, from: &'static str, wave: &str) {
    let everybody = NODES.map(|n| n.0).into_iter().chain([HAMLET]);
    let to: Vec<&'static str> = everybody.filter(|to| *to != from).collect();
    let d = net().dispatch(&net().envelope(from, &to, &format!("{wave}/{from}")));
    w.submit(from, &d);
    sent.insert(d.id(), (from, to));
}

/// Lets so many messages arrive, one after the other.
pub(crate) fn deliver(w: &mut World, messages: usize) {
    for _ in 0..messages {
        for id in w.nodes.keys().cloned().collect::<Vec<_>>() {
            w.commit(&id);
        }
        if w.mail.is_empty() {
            return;
        }
        let first = w.mail.remove(0);
        w.deliver(first);
    }
}

/// One rehearsal: the first node learns after so many messages, each further one after so many more.
/// Gives how many legs there were, and how many of them ended at another node than they were sent to.
fn rehearse(before: usize, between: usize, order: &[&str]) -> (usize, usize) {
    let mut w = World::connected();
    let after = reorganised();
    let mut sent = Sent::new();
    for (from, _) in NODES {
        send(&mut w, &mut sent, from, "1");
    }
    deliver(&mut w, before);
    for (nth, at) in order.iter().enumerate() {
        w.handle(at, Input::Directory(after.clone()));
        if nth == order.len() / 2 {
            // Traffic flows on, to old codes as well.
            for from in [CENTRE, PROVINCE, COMMUNE] {
                send(&mut w, &mut sent, from, "2");
            }
        }
        deliver(&mut w, between);
    }
    w.verifier = net().verifier_for(&after);
    for from in [CENTRE, PROVINCE, COMMUNE] {
        send(&mut w, &mut sent, from, "3");
    }
    w.run();
    // What was refused by who had another directory is offered again after a while.
    for _ in 0..4 {
        w.pass(400_000);
    }
    let (mut legs, mut followed) = (0, 0);
    for (id, (from, to)) in &sent {
        for recipient in to {
            legs += 1;
            let what = format!("{before}/{between}: {id} from {from} to {recipient}");
            let words = NODES.map(|n| (n.0, w.word(n.0, id, recipient)));
            assert_eq!(w.word(from, id, recipient), "consigned", "{what}: {words:?}");
            let [old, new] = hosts(recipient);
            let places = NODES.map(|n| n.0).into_iter();
            let there: Vec<&str> =
                places.filter(|at| w.in_mailbox(at, recipient, id) == 1).collect();
            assert!(there == [old] || there == [new], "{what}: {there:?}");
            followed += usize::from(there != [old]);
            // Who holds it says so, and by which directory.
            let said = w.evidence(from, id);
            let consigned: Vec<_> = said
                .iter()
                .filter(|e| {
                    e.event == E::ContentConsignment && e.recipient == Some(code(recipient))
                })
                .collect();
            assert_eq!(consigned.len(), 1, "{what}");
            assert_eq!(consigned[0].node, node(there[0]), "{what}");
            if there != [old] {
                assert_eq!(consigned[0].directory, Some(after.digest()), "{what}");
            }
        }
        assert!(!w.evidence(from, id).iter().any(|e| e.reason == Some(Code::NoRoute)));
    }
    w.assert_at_rest();
    w.assert_recoverable();
    (legs, followed)
}

/// The orders in which the nodes learn: from the top, from below, and across.
fn orders() -> [[&'static str; 8]; 3] {
    let down = NODES.map(|n| n.0);
    let mut up = down;
    up.reverse();
    let across = [
        COMMUNE,
        CENTRE,
        OTHER_DISTRICT,
        PROVINCE,
        SISTER,
        OTHER_PROVINCE,
        DISTRICT,
        OTHER_COMMUNE,
    ];
    [down, up, across]
}

fn told((legs, followed): (usize, usize)) {
    println!("{legs} legs, all consigned once; {followed} of them by who took over");
    assert!(followed > legs / 4 && followed < legs);
}

#[test]
fn a_reorganisation_while_dispatches_are_under_way_loses_none() {
    let [down, up, across] = orders();
    let counts = [rehearse(3, 2, &across), rehearse(9, 7, &up), rehearse(20, 1, &down)];
    told(counts.into_iter().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1)));
}

#[test]
#[ignore = "long: a reorganisation at eighteen moments, a minute"]
fn long_a_reorganisation_at_every_moment() {
    let mut sum = (0, 0);
    for (before, between) in [(0, 0), (3, 2), (9, 7), (20, 1), (45, 11), (400, 5)] {
        for order in orders() {
            let counts = rehearse(before, between, &order);
            sum = (sum.0 + counts.0, sum.1 + counts.1);
        }
    }
    told(sum);
}

#[test]
fn a_closed_agency_sends_no_more_and_its_successor_answers_for_it() {
    let mut w = World::connected();
    let after = reorganised();
    w.verifier = net().verifier_for(&after);
    for (at, _) in NODES {
        w.handle(at, Input::Directory(after.clone()));
    }
    let d = net().dispatch(&net().envelope(SISTER, &[CENTRE], "4/closed"));
    assert_eq!(refused(&w.submitted(SISTER, &d)).0, Code::OriginatorNotHere);
    let mut old = CLOSED.map(|(closed, _)| closed).to_vec();
    old.sort_unstable();
    let d = net().dispatch(&net().envelope(CENTRE, &old, "5/old codes"));
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    for (closed, into) in CLOSED {
        assert_eq!(w.in_mailbox(into, closed, &d.id()), 1, "{closed}");
    }
    w.assert_at_rest();
}

#[test]
fn what_a_closed_agency_sent_passes_two_versions_and_a_restart_later() {
    let mut w = World::connected();
    let second = reorganised();
    let third = renamed(&second);
    // Its node is cut off while everybody else learns of two versions, and is started again.
    w.disconnect(&node(SISTER), &node(DISTRICT));
    let d = net().dispatch(&net().envelope(SISTER, &[CENTRE, OTHER_COMMUNE], "6/cut off"));
    w.submitted(SISTER, &d);
    for version in [second, third] {
        for (at, _) in NODES {
            w.handle(at, Input::Directory(version.clone()));
        }
        w.run();
    }
    for at in [CENTRE, PROVINCE, DISTRICT, COMMUNE] {
        w.restart(at);
    }
    w.pass(400_000);
    for to in [CENTRE, OTHER_COMMUNE] {
        assert_eq!(w.word(SISTER, &d.id(), to), "consigned", "{:?}", w.lines(SISTER, &d.id()));
    }
    w.assert_at_rest();
}
