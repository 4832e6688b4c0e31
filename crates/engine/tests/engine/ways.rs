//! Ways that change while a dispatch is under way: legs given back, mailboxes that move, directories that differ.

use tram_dispatch::{Code, Event as E};
use tram_engine::{Answer, Input};
use tram_trust::fixtures::NOW;

use crate::support::check::{done, line, offline};
use crate::support::net::*;
use crate::support::world::{Body, Message, World};

fn is_answer(m: &Message) -> bool {
    matches!(m.body, Body::Answer(..))
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
