//! Neighbours that say more than they may, know less than we do, or are no more.

use tram_dispatch::{Code, Event as E, EvidenceRecord, UnixMillis};
use tram_engine::{Input, PeerUp};
use tram_trust::fixtures::NOW;

use crate::flood::signed;
use crate::support::check::{done, later};
use crate::support::net::*;
use crate::support::world::World;

/// What a node signs of its own accord about a leg that it was never offered.
fn own_word(w: &World, by: &str, event: E, like: &EvidenceRecord) -> tram_trust::VerifiedReceipt {
    let record = EvidenceRecord {
        event,
        recipient: Some(code(COMMUNE)),
        node: node(by),
        epoch: net().lives[&node(by)][0].epoch,
        previous: Some(node(DISTRICT)),
        status: None,
        reason: (event != E::RelayAcceptance).then_some(Code::NoRoute),
        ..like.clone()
    };
    w.verify(&signed(by, &[record])[0])
}

#[test]
fn a_neighbour_that_was_never_offered_a_leg_neither_takes_nor_ends_it() {
    for event in [E::RelayAcceptance, E::RelayRejection, E::RelayFailure] {
        let mut w = World::connected();
        w.disconnect(&node(DISTRICT), &node(COMMUNE));
        let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE, SISTER], "1/n"));
        let id = d.id();
        w.submitted(CENTRE, &d);
        w.pass(1_000);
        assert_eq!(w.word(DISTRICT, &id, COMMUNE), "queued");
        assert_eq!(w.word(DISTRICT, &id, SISTER), "consigned", "it has a part in the dispatch");
        let like = w.evidence(DISTRICT, &id).pop().unwrap();
        let receipt = own_word(&w, SISTER, event, &like);
        let receipts = vec![receipt];
        w.handle(DISTRICT, Input::Receipts { peer: node(SISTER), batch: 9, receipts });
        w.pass(1_000);
        assert_eq!(w.word(DISTRICT, &id, COMMUNE), "queued", "{event:?}");
        let about = |e: &EvidenceRecord| e.node == node(SISTER) && e.event == event;
        assert!(!w.evidence(DISTRICT, &id).iter().any(about), "not even kept");
        w.connect(&node(DISTRICT), &node(COMMUNE));
        w.pass(1_000);
        assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned");
        w.assert_at_rest();
        w.assert_recoverable();
    }
}

#[test]
fn a_refusal_by_another_directory_ends_nothing() {
    let mut w = World::connected();
    let closed = net().directory_with(|e| agency_in(e, HAMLET).open = false);
    w.handle(COMMUNE, Input::Directory(closed));
    let d = net().dispatch(&net().envelope(DISTRICT, &[HAMLET], "2/n"));
    let id = d.id();
    let leaves = w.at(COMMUNE).store.head().0;
    w.submitted(DISTRICT, &d);
    w.pass(20_000);
    assert_eq!(w.at(COMMUNE).store.head().0, leaves + 1, "refused, signed once");
    assert_eq!(w.word(DISTRICT, &id, HAMLET), "queued", "one of the directories is old");
    w.assert_recoverable();
    w.handle(COMMUNE, Input::Directory(net().directory.clone()));
    (0..40).for_each(|_| w.pass(10_000));
    assert_eq!(w.word(DISTRICT, &id, HAMLET), "consigned");
    w.assert_at_rest();
}

#[test]
fn a_refusal_by_the_same_directory_is_final() {
    let mut w = World::connected();
    let closed = net().directory_with(|e| agency_in(e, HAMLET).open = false);
    let d = net().dispatch(&net().envelope(DISTRICT, &[HAMLET], "3/n"));
    let id = d.id();
    w.handle(COMMUNE, Input::Directory(closed.clone()));
    w.submitted(DISTRICT, &d);
    w.pass(20_000);
    assert_eq!(w.word(DISTRICT, &id, HAMLET), "queued");
    w.handle(DISTRICT, Input::Directory(closed));
    w.pass(20_000);
    assert_eq!(w.word(DISTRICT, &id, HAMLET), "failed");
    assert_eq!(w.evidence(DISTRICT, &id).pop().unwrap().reason, Some(Code::AgencyClosed));
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn legs_given_to_a_node_that_is_no_more_are_offered_the_way_that_leads_now() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let d = net().dispatch(&net().envelope(CENTRE, &[HAMLET], "4/n"));
    let id = d.id();
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    assert_eq!(w.word(PROVINCE, &id, HAMLET), "transferred");
    // The district's node burns; the hamlet's mailbox is at the province from now on.
    w.disconnect(&node(PROVINCE), &node(DISTRICT));
    let moved = net().directory_with(|e| {
        node_in(e, DISTRICT).open = false;
        agency_in(e, HAMLET).node = Some(node(PROVINCE));
    });
    w.verifier = net().verifier_for(&moved);
    for at in [CENTRE, PROVINCE] {
        w.handle(at, Input::Directory(moved.clone()));
    }
    w.pass(1_000);
    assert_eq!(w.word(PROVINCE, &id, HAMLET), "consigned");
    assert_eq!(w.word(CENTRE, &id, HAMLET), "consigned");
    w.assert_recoverable();
}

#[test]
fn a_hello_may_say_any_time() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    for wall in [0, 1 << 63, u64::MAX] {
        let hello = PeerUp { wall: UnixMillis(wall), ..w.hello(&node(CENTRE)) };
        w.handle(PROVINCE, Input::PeerUp(hello));
        w.run();
        assert!(!w.at(PROVINCE).engine().clock_is_certain());
    }
}

#[test]
fn what_would_be_held_longer_than_the_network_allows_is_refused_by_every_node() {
    let mut w = World::connected();
    let mut e = net().envelope(PROVINCE, &[COMMUNE], "5/n");
    e.expires_at = e.issued_at.plus_ms(40 * 86_400_000);
    let d = net().dispatch(&e);
    let id = d.id();
    // The first node allows more than the network.
    w.at(DISTRICT).settings.lifetime_ms_max = 30 * 86_400_000;
    w.restart(DISTRICT);
    for (a, b) in w.links() {
        w.connect(&a, &b);
    }
    w.submitted(PROVINCE, &d);
    w.pass(1_000);
    assert_eq!(w.word(PROVINCE, &id, COMMUNE), "refused");
    assert_eq!(w.evidence(PROVINCE, &id).pop().unwrap().reason, Some(Code::TimesInvalid));
    w.assert_at_rest();
}

#[test]
fn evidence_is_dated_on_while_the_clock_is_in_doubt() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    let first = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "6/n"));
    w.submitted(CENTRE, &first);
    let right = w.now.wall;
    w.now.wall = NOW.plus_ms(365 * 86_400_000);
    w.pass(20_000);
    assert!(!w.at(PROVINCE).engine().clock_is_certain());
    done(&w.confirm(PROVINCE, PROVINCE, first.id()));
    let told = w.evidence(PROVINCE, &first.id()).pop().unwrap();
    assert_eq!(told.event, E::ContentHandover);
    assert!(told.time.since_ms(right) < 60_000, "dated {}", told.time);
    w.assert_recoverable();
}

#[test]
fn nothing_is_accepted_under_a_date_at_which_its_seal_has_ended() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "7/n"));
    w.submitted(CENTRE, &d);
    let (right, far) = (w.now.wall, tram_trust::fixtures::END.plus_ms(1));
    let set = |w: &mut World, wall| {
        w.now.wall = wall;
        w.disconnect(&node(CENTRE), &node(PROVINCE));
        w.pass(20_000);
        w.connect_all();
        w.pass(1_000);
    };
    // Both clocks agree on a wrong time, and something is signed under it.
    set(&mut w, far);
    done(&w.confirm(PROVINCE, PROVINCE, d.id()));
    set(&mut w, right);
    let next = net().dispatch(&net().envelope(PROVINCE, &[CENTRE], "8/n"));
    assert_eq!(later(&w.submitted(PROVINCE, &next)), Code::ClockUncertain);
    // The centre's log says nothing of that time: it signed nothing under it.
    done(&w.submitted(CENTRE, &net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "9/n"))));
}
