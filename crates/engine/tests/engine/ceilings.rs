//! Ceilings: each account has its own, what is over is told when to come again, and nothing that is
//! here is ever dropped for it.

use tram_dispatch::envelope::{Envelope, Urgency};
use tram_dispatch::{Code, NodeId};
use tram_engine::quota::{Ceiling, Quotas};
use tram_engine::{Documents, Reply};
use tram_trust::VerifiedDispatch;

use crate::support::check::{done, later};
use crate::support::net::*;
use crate::support::world::{Body, Message, World};

fn dispatch(from: &str, to: &[&str], reference: &str) -> VerifiedDispatch {
    net().dispatch(&net().envelope(from, to, reference))
}

fn urgent(from: &str, to: &[&str], reference: &str) -> VerifiedDispatch {
    let mut envelope: Envelope = net().envelope(from, to, reference);
    envelope.metadata.urgency = Urgency::Urgent;
    net().dispatch(&envelope)
}

/// So many dispatches, whatever their size.
fn so_many(count: u64) -> Ceiling {
    Ceiling { count, stored_bytes: u64::MAX, memory_bytes: u64::MAX }
}

fn with_quotas(w: &mut World, at: &str, change: impl FnOnce(&mut Quotas)) {
    change(&mut w.at(at).settings.quotas);
    w.restart(at);
    w.run();
}

fn retry_ms(reply: &Reply) -> u64 {
    match reply {
        Reply::Later { retry_ms, .. } => *retry_ms,
        other => panic!("{other:?}"),
    }
}

/// (Waiting, kept) toward a peer.
fn toward(w: &mut World, at: &str, peer: &NodeId) -> (u64, u64) {
    let account = w.at(at).engine().peer_use(peer, 0);
    (account.waiting.count, account.kept.count)
}

#[test]
fn copies_kept_at_the_limit_hold_back_only_their_direction_until_consignment() {
    let mut w = World::connected();
    // Half of it for one originator.
    with_quotas(&mut w, CENTRE, |q| q.direction = so_many(6));
    // The district is away: the province takes what is for it, the centre keeps the copies.
    w.disconnect(&node(PROVINCE), &node(DISTRICT));
    for n in 0..3 {
        done(&w.submitted(CENTRE, &dispatch(CENTRE, &[DISTRICT], &format!("1/{n}"))));
    }
    assert_eq!(toward(&mut w, CENTRE, &node(PROVINCE)), (0, 3));
    let fourth = dispatch(CENTRE, &[DISTRICT], "1/3");
    assert_eq!(later(&w.submitted(CENTRE, &fourth)), Code::Busy);
    // Nothing else is concerned.
    done(&w.submitted(CENTRE, &dispatch(CENTRE, &[OTHER_PROVINCE], "2/a")));
    done(&w.submitted(CENTRE, &dispatch(CENTRE, &[CENTRE], "2/b")));
    w.connect_all();
    w.pass(1_000);
    assert_eq!(toward(&mut w, CENTRE, &node(PROVINCE)), (0, 0));
    done(&w.submitted(CENTRE, &fourth));
    w.pass(1_000);
    assert_eq!(w.in_mailbox(DISTRICT, DISTRICT, &fourth.id()), 1);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn the_last_relays_copies_count_until_handover() {
    let mut w = World::connected();
    with_quotas(&mut w, DISTRICT, |q| q.direction = so_many(4));
    let sent: Vec<_> = (0..3).map(|n| dispatch(DISTRICT, &[COMMUNE], &format!("1/{n}"))).collect();
    done(&w.submitted(DISTRICT, &sent[0]));
    done(&w.submitted(DISTRICT, &sent[1]));
    w.pass(1_000);
    assert_eq!(w.word(DISTRICT, &sent[1].id(), COMMUNE), "consigned");
    assert_eq!(toward(&mut w, DISTRICT, &node(COMMUNE)), (0, 2));
    assert_eq!(later(&w.submitted(DISTRICT, &sent[2])), Code::Busy);
    done(&w.confirm(COMMUNE, COMMUNE, sent[0].id()));
    w.pass(1_000);
    assert_eq!(toward(&mut w, DISTRICT, &node(COMMUNE)), (0, 1));
    done(&w.submitted(DISTRICT, &sent[2]));
    w.assert_recoverable();
}

#[test]
fn an_offer_is_answered_for_each_recipient_by_its_own_way() {
    let mut w = World::connected();
    with_quotas(&mut w, PROVINCE, |q| q.direction = so_many(1));
    w.disconnect(&node(PROVINCE), &node(DISTRICT));
    let first = dispatch(CENTRE, &[COMMUNE], "1/a");
    w.submitted(CENTRE, &first);
    let both = dispatch(CENTRE, &[COMMUNE, PROVINCE], "1/b");
    w.submitted(CENTRE, &both);
    assert_eq!(w.word(CENTRE, &both.id(), PROVINCE), "consigned");
    assert_eq!(w.word(CENTRE, &both.id(), COMMUNE), "queued");
    let standing = w.at(CENTRE).engine().standing(&both.id(), &code(COMMUNE)).unwrap().1;
    assert_eq!(standing.cause, Some(Code::Busy));
    // Its peer is away, so it is not asked again so soon.
    assert_eq!(standing.due_mono_ms, Some(w.now.mono_ms + 60_000));
    w.connect_all();
    w.run();
    w.pass(60_000);
    w.pass(1_000);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &both.id()), 1);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &first.id()), 1);
    w.assert_at_rest();
}

#[test]
fn who_sends_much_to_a_peer_that_is_away_leaves_room_for_others() {
    let mut w = World::connected();
    with_quotas(&mut w, COMMUNE, |q| q.direction = so_many(5));
    w.disconnect(&node(COMMUNE), &node(DISTRICT));
    let greedy: Vec<_> = (0..4).map(|n| dispatch(HAMLET, &[CENTRE], &format!("1/{n}"))).collect();
    greedy[..3].iter().for_each(|d| drop(done(&w.submitted(COMMUNE, d))));
    assert_eq!(later(&w.submitted(COMMUNE, &greedy[3])), Code::Busy);
    done(&w.submitted(COMMUNE, &dispatch(HAMLET, &[COMMUNE], "1/other")));
    for n in 0..2 {
        done(&w.submitted(COMMUNE, &dispatch(COMMUNE, &[CENTRE], &format!("2/{n}"))));
    }
    assert_eq!(later(&w.submitted(COMMUNE, &dispatch(COMMUNE, &[CENTRE], "2/2"))), Code::Busy);
    w.connect_all();
    w.pass(1_000);
    done(&w.submitted(COMMUNE, &greedy[3]));
    w.assert_recoverable();
}

#[test]
fn one_full_direction_does_not_stop_what_is_for_several() {
    let mut w = World::connected();
    with_quotas(&mut w, CENTRE, |q| q.direction = so_many(4));
    w.disconnect(&node(CENTRE), &node(PROVINCE));
    for n in 0..2 {
        done(&w.submitted(CENTRE, &dispatch(CENTRE, &[PROVINCE], &format!("1/{n}"))));
    }
    let alone = dispatch(CENTRE, &[PROVINCE], "1/2");
    assert_eq!(later(&w.submitted(CENTRE, &alone)), Code::Busy);
    for n in 0..2 {
        let both = dispatch(CENTRE, &[PROVINCE, OTHER_PROVINCE], &format!("2/{n}"));
        done(&w.submitted(CENTRE, &both));
        w.pass(1_000);
        assert_eq!(w.word(CENTRE, &both.id(), OTHER_PROVINCE), "consigned");
        // So that only the direction that is away fills up.
        done(&w.confirm(OTHER_PROVINCE, OTHER_PROVINCE, both.id()));
        w.pass(1_000);
    }
    // Not without end.
    let more = dispatch(CENTRE, &[PROVINCE, OTHER_PROVINCE], "2/2");
    assert_eq!(later(&w.submitted(CENTRE, &more)), Code::Busy);
    assert_eq!(toward(&mut w, CENTRE, &node(PROVINCE)), (4, 0));
}

#[test]
fn a_peer_over_its_rate_is_told_when_and_the_giver_waits_so_long() {
    let mut w = World::connected();
    with_quotas(&mut w, PROVINCE, |q| q.peer_rate = Quotas::per_minute(1, 1));
    let (first, second) =
        (dispatch(CENTRE, &[PROVINCE], "1/a"), dispatch(CENTRE, &[PROVINCE], "1/b"));
    w.submitted(CENTRE, &first);
    w.submitted(CENTRE, &second);
    let standing = w.at(CENTRE).engine().standing(&second.id(), &code(PROVINCE)).unwrap().1;
    let due = standing.due_mono_ms.unwrap();
    assert_eq!((standing.cause, due), (Some(Code::Quota), w.now.mono_ms + 60_000));
    let account = w.at(PROVINCE).engine().peer_use(&node(CENTRE), due - 60_000);
    assert_eq!((account.offers_left, account.turned_away), (0, 1));
    let link = (node(CENTRE), node(PROVINCE));
    let asked = w.transfers[&link];
    w.pass(59_000);
    assert_eq!(w.transfers[&link], asked, "the giver came back too soon");
    w.pass(1_000);
    assert_eq!(
        (w.transfers[&link], w.in_mailbox(PROVINCE, PROVINCE, &second.id())),
        (asked + 1, 1)
    );
    // The other neighbours had quotas of their own.
    let up = dispatch(DISTRICT, &[PROVINCE], "1/c");
    done(&w.submitted(DISTRICT, &up));
    assert_eq!(w.in_mailbox(PROVINCE, PROVINCE, &up.id()), 1);
    w.assert_at_rest();
}

#[test]
fn what_one_peer_has_open_here_is_limited_and_others_are_not_concerned() {
    let mut w = World::connected();
    with_quotas(&mut w, PROVINCE, |q| q.peer_open = so_many(2));
    w.disconnect(&node(PROVINCE), &node(DISTRICT));
    let sent: Vec<_> = (0..3).map(|n| dispatch(CENTRE, &[DISTRICT], &format!("1/{n}"))).collect();
    sent.iter().for_each(|d| drop(done(&w.submitted(CENTRE, d))));
    let words: Vec<_> = sent.iter().map(|d| w.word(CENTRE, &d.id(), DISTRICT)).collect();
    assert_eq!(words, ["transferred", "transferred", "queued"]);
    // Also for itself, as long as what it gave is not delivered; but what it gave before is.
    let own = dispatch(PROVINCE, &[DISTRICT], "1/own");
    done(&w.submitted(PROVINCE, &own));
    w.connect_all();
    w.run();
    w.pass(31_000);
    w.pass(1_000);
    for d in sent.iter().chain([&own]) {
        assert_eq!(w.in_mailbox(DISTRICT, DISTRICT, &d.id()), 1);
    }
    w.assert_at_rest();
}

#[test]
fn a_peer_that_takes_no_receipts_gives_no_more_than_its_quota() {
    let mut w = World::connected();
    with_quotas(&mut w, PROVINCE, |q| q.peer_open = so_many(2));
    // The province's clerk takes everything, but the centre never says that it has the receipts.
    let stored = |m: &Message| matches!(m.body, Body::Stored(_));
    let mut held = Vec::new();
    for n in 0..2 {
        let d = dispatch(CENTRE, &[PROVINCE], &format!("1/{n}"));
        w.submit(CENTRE, &d);
        held.extend(w.run_until(stored));
        w.confirm_quietly(PROVINCE, PROVINCE, d.id());
        held.extend(w.run_until(stored));
    }
    let third = dispatch(CENTRE, &[PROVINCE], "1/2");
    w.submit(CENTRE, &third);
    held.extend(w.run_until(stored));
    let standing = w.at(CENTRE).engine().standing(&third.id(), &code(PROVINCE)).unwrap().1;
    assert_eq!(standing.cause, Some(Code::Quota));
    assert_eq!(held.len(), 2);
    w.mail.extend(held);
    w.run();
    w.pass(31_000);
    assert_eq!(w.in_mailbox(PROVINCE, PROVINCE, &third.id()), 1);
    w.assert_recoverable();
}

#[test]
fn an_agencys_open_dispatches_are_limited_and_the_count_survives_a_restart() {
    let mut w = World::connected();
    with_quotas(&mut w, COMMUNE, |q| q.agency_open = so_many(3));
    w.disconnect(&node(COMMUNE), &node(DISTRICT));
    let sent: Vec<_> = (0..4).map(|n| dispatch(COMMUNE, &[CENTRE], &format!("1/{n}"))).collect();
    sent[..3].iter().for_each(|d| drop(done(&w.submitted(COMMUNE, d))));
    let full = w.submitted(COMMUNE, &sent[3]);
    assert_eq!((later(&full), retry_ms(&full)), (Code::Quota, 30_000));
    // The hamlet on the same node is another agency.
    done(&w.submitted(COMMUNE, &dispatch(HAMLET, &[CENTRE], "1/h")));
    w.pass(100);
    let before = w.at(COMMUNE).engine().node_use().used;
    w.crash(&node(COMMUNE));
    w.at(COMMUNE).start();
    assert_eq!(w.at(COMMUNE).engine().node_use().used, before);
    assert_eq!(later(&w.submitted(COMMUNE, &sent[3])), Code::Quota);
    // A repeat is no new work: the first answer, also now.
    assert!(done(&w.submitted(COMMUNE, &sent[0])).1);
    w.connect_all();
    w.pass(1_000);
    done(&w.submitted(COMMUNE, &sent[3]));
    w.pass(1_000);
    for d in &sent {
        assert_eq!(w.in_mailbox(CENTRE, CENTRE, &d.id()), 1);
    }
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_ceiling_that_was_lowered_below_what_is_here_drops_nothing() {
    let mut w = World::connected();
    w.disconnect(&node(COMMUNE), &node(DISTRICT));
    let sent: Vec<_> = (0..6).map(|n| dispatch(COMMUNE, &[CENTRE], &format!("1/{n}"))).collect();
    sent.iter().for_each(|d| drop(done(&w.submitted(COMMUNE, d))));
    w.at(COMMUNE).settings.held_max = 0;
    with_quotas(&mut w, COMMUNE, |q| {
        (q.direction, q.agency_open, q.mailbox) = (so_many(0), so_many(0), so_many(0));
    });
    w.pass(1_000);
    for d in &sent {
        assert_eq!(w.in_mailbox(CENTRE, CENTRE, &d.id()), 1);
    }
    assert_eq!(later(&w.submitted(COMMUNE, &dispatch(COMMUNE, &[CENTRE], "2/a"))), Code::Busy);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn one_originator_has_half_of_a_mailbox_until_it_is_closed() {
    let mut w = World::connected();
    with_quotas(&mut w, COMMUNE, |q| q.mailbox = so_many(4));
    let sent: Vec<_> = (0..3).map(|n| dispatch(COMMUNE, &[HAMLET], &format!("1/{n}"))).collect();
    done(&w.submitted(COMMUNE, &sent[0]));
    done(&w.submitted(COMMUNE, &sent[1]));
    assert_eq!(later(&w.submitted(COMMUNE, &sent[2])), Code::Busy);
    // Others reach the hamlet, and the greedy one reaches others.
    done(&w.submitted(COMMUNE, &dispatch(COMMUNE, &[COMMUNE], "2/a")));
    let from_above = dispatch(CENTRE, &[HAMLET], "2/b");
    w.submitted(CENTRE, &from_above);
    w.pass(1_000);
    assert_eq!(w.in_mailbox(COMMUNE, HAMLET, &from_above.id()), 1);
    // What the recipient took, and even registered, still takes its room until it is closed.
    done(&w.confirm(COMMUNE, HAMLET, sent[0].id()));
    done(&w.register(COMMUNE, HAMLET, sent[0].id(), None));
    assert_eq!(later(&w.submitted(COMMUNE, &sent[2])), Code::Busy);
    w.pass(30 * 86_400_000 + 60_000);
    let late = {
        let mut envelope = net().envelope(COMMUNE, &[HAMLET], "1/late");
        envelope.issued_at = w.now.wall;
        envelope.expires_at = w.now.wall.plus_ms(86_400_000);
        net().dispatch(&envelope)
    };
    done(&w.submitted(COMMUNE, &late));
    let boxes = w.at(COMMUNE).engine().mailbox_use(9);
    let count = |who: &str| boxes.iter().find(|m| m.recipient == code(who)).map(|m| m.kept.count);
    assert_eq!((count(HAMLET), count(COMMUNE)), (Some(3), Some(1)));
}

#[test]
fn an_eighth_of_every_ceiling_is_kept_for_urgent_dispatches() {
    let mut w = World::connected();
    w.at(COMMUNE).settings.held_max = 8;
    with_quotas(&mut w, COMMUNE, |_| {});
    w.disconnect(&node(COMMUNE), &node(DISTRICT));
    for n in 0..7 {
        done(&w.submitted(COMMUNE, &dispatch(COMMUNE, &[CENTRE], &format!("1/{n}"))));
    }
    assert_eq!(later(&w.submitted(COMMUNE, &dispatch(COMMUNE, &[CENTRE], "1/7"))), Code::Busy);
    done(&w.submitted(COMMUNE, &urgent(COMMUNE, &[CENTRE], "1/8")));
    assert_eq!(later(&w.submitted(COMMUNE, &urgent(COMMUNE, &[CENTRE], "1/9"))), Code::Busy);
}

#[test]
fn bytes_and_memory_have_ceilings_of_their_own() {
    let mut w = World::connected();
    let large = |reference: &str| {
        let mut envelope = net().envelope(COMMUNE, &[CENTRE], reference);
        envelope.documents[0].size = 1_000_000;
        net().dispatch(&envelope)
    };
    w.at(COMMUNE).settings.stored_bytes_max = 1_500_000;
    with_quotas(&mut w, COMMUNE, |_| {});
    w.disconnect(&node(COMMUNE), &node(DISTRICT));
    let submit = |w: &mut World, d: &VerifiedDispatch| {
        let token = w.submit_with(COMMUNE, d, World::as_files(d));
        w.run();
        w.replies.remove(&token).unwrap()
    };
    done(&submit(&mut w, &large("1/a")));
    assert_eq!(later(&submit(&mut w, &large("1/b"))), Code::BusyStorage);
    // A small one still fits.
    done(&w.submitted(COMMUNE, &dispatch(COMMUNE, &[CENTRE], "1/c")));
    w.at(COMMUNE).settings.stored_bytes_max = u64::MAX;
    w.at(COMMUNE).settings.memory_bytes_max = 1;
    with_quotas(&mut w, COMMUNE, |_| {});
    w.disconnect(&node(COMMUNE), &node(DISTRICT));
    // One finds room in an empty node, whatever it takes.
    done(&w.submitted(COMMUNE, &dispatch(COMMUNE, &[CENTRE], "1/d")));
    assert_eq!(later(&w.submitted(COMMUNE, &dispatch(COMMUNE, &[CENTRE], "1/e"))), Code::Busy);
    w.at(COMMUNE).settings.memory_bytes_max = u64::MAX;
    with_quotas(&mut w, COMMUNE, |q| q.agency_bytes_rate = Quotas::bytes_per_hour(3_600_000));
    for n in 0..3 {
        done(&submit(&mut w, &large(&format!("2/{n}"))));
    }
    // A thousand bytes a second; more than half a million are missing.
    let wait = submit(&mut w, &large("2/3"));
    assert_eq!(later(&wait), Code::Quota);
    assert!((400_000..500_000).contains(&retry_ms(&wait)), "{}", retry_ms(&wait));
    w.pass(retry_ms(&wait));
    done(&submit(&mut w, &large("2/3")));
}

#[test]
fn documents_are_not_asked_for_when_there_is_no_room_for_them() {
    let mut w = World::connected();
    w.at(PROVINCE).settings.held_max = 0;
    w.restart(PROVINCE);
    w.large_documents = true;
    let d = dispatch(CENTRE, &[PROVINCE], "1/a");
    let token = w.submit_with(CENTRE, &d, Documents { ..World::as_files(&d) });
    w.run();
    done(&w.replies[&token]);
    let standing = w.at(CENTRE).engine().standing(&d.id(), &code(PROVINCE)).unwrap().1;
    assert_eq!((standing.cause, standing.attempts), (Some(Code::Busy), 1));
}
