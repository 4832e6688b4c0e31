//! Disks that are lost: who gives what again to a node that comes back with nothing.

use tram_dispatch::Event as E;
use tram_trust::fixtures::NOW;

use crate::support::net::*;
use crate::support::world::{Body, Message, World};

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
