//! Receipts on their way back.

use tram_dispatch::Event as E;
use tram_engine::{Input, PeerAnswer};
use tram_wire::Receipt;

use crate::support::check::line;
use crate::support::net::*;
use crate::support::world::{Body, Message, World};

fn to_centre(m: &Message) -> bool {
    m.to == node(CENTRE) && matches!(m.body, Body::Receipts(..))
}

#[test]
fn receipts_are_sent_again_until_stored() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "1/a"));
    w.submit(CENTRE, &d);
    let lost = w.run_until(to_centre);
    assert!(!lost.is_empty());
    assert_eq!(w.word(CENTRE, &d.id(), COMMUNE), "transferred");
    let owed = |w: &mut World| {
        let peers = w.at(PROVINCE).engine().peers();
        peers.into_iter().find(|p| p.peer == node(CENTRE)).unwrap().receipts_owed
    };
    assert_eq!(owed(&mut w), 2);
    assert_eq!(
        w.at(PROVINCE).engine().deadline(),
        w.at(PROVINCE).engine().deadline().max(w.now.mono_ms + 1)
    );
    w.pass(10_000);
    assert_eq!(owed(&mut w), 2, "not before its time");
    // Across a restart they are still owed.
    w.restart(PROVINCE);
    let again = w.run_until(to_centre);
    assert_eq!(owed(&mut w), 2);
    assert!(!again.is_empty());
    w.pass(30_000);
    assert_eq!(owed(&mut w), 0);
    assert_eq!(w.word(CENTRE, &d.id(), COMMUNE), "consigned");
    let size = w.at(CENTRE).store.records.len();
    // Twice is as good as once.
    again.into_iter().for_each(|m| w.deliver(m));
    w.pass(1_000);
    assert_eq!(w.at(CENTRE).store.records.len(), size);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn what_a_peer_stored_before_it_was_given_the_dispatch_is_sent_again() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "1/c"));
    let id = d.id();
    w.submitted(CENTRE, &d);
    w.crash(&node(PROVINCE));
    w.at(PROVINCE).lose_disk();
    w.at(PROVINCE).start();
    w.connect(&node(PROVINCE), &node(DISTRICT));
    w.connect(&node(DISTRICT), &node(COMMUNE));
    // The province says "stored" to receipts about what it does not know.
    let stored = w.run_until(|m| m.from == node(PROVINCE) && matches!(m.body, Body::Stored(..)));
    assert!(!stored.is_empty());
    assert_eq!(w.word(DISTRICT, &id, COMMUNE), "consigned");
    w.connect(&node(CENTRE), &node(PROVINCE));
    let answers = w.run_until(|m| m.to == node(PROVINCE) && matches!(m.body, Body::Answer(..)));
    // That it stored them comes only when it has offered the dispatch again.
    stored.into_iter().chain(answers).for_each(|m| w.deliver(m));
    w.pass(60_000);
    assert_eq!(w.word(PROVINCE, &id, COMMUNE), "consigned");
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned");
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn the_clock_alone_brings_the_next_sending() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "1/b"));
    w.submit(CENTRE, &d);
    w.run_until(to_centre);
    w.pass(1_000);
    // Follow nothing but the deadline of the province.
    for _ in 0..1_000 {
        let at = w.at(PROVINCE).engine().deadline();
        assert!(at > w.now.mono_ms, "a deadline that has passed with nothing to do");
        w.now.mono_ms = at;
        w.commit(&node(PROVINCE));
        if w.mail.iter().any(to_centre) {
            return;
        }
    }
    panic!("never sent again");
}

#[test]
fn receipts_of_a_peer_that_never_got_the_leg_are_not_taken() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "2/a"));
    let id = d.id();
    w.submitted(CENTRE, &d);
    w.confirm_quietly(PROVINCE, PROVINCE, id);
    let on_the_way = w.run_until(to_centre);
    let Body::Receipts(_, raws, _) = &on_the_way[0].body else { panic!() };
    let receipts = || raws.iter().map(|r| w.verify(r)).collect::<Vec<_>>();
    let before = w.lines(CENTRE, &id);
    let by_other = Input::Receipts { peer: node(OTHER_PROVINCE), batch: 7, receipts: receipts() };
    let by_right = Input::Receipts { peer: node(PROVINCE), batch: 1, receipts: receipts() };
    w.handle(CENTRE, by_other);
    w.run_until(to_centre);
    assert_eq!(w.lines(CENTRE, &id), before);
    w.handle(CENTRE, by_right);
    w.run_until(to_centre);
    assert_eq!(w.lines(CENTRE, &id).len(), before.len() + 1);
}

#[test]
fn a_claim_of_a_node_that_may_not_make_it_is_kept_without_effect() {
    let mut w = World::of(&[CENTRE, PROVINCE, DISTRICT]);
    w.connect(&node(CENTRE), &node(PROVINCE));
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "3/a"));
    let id = d.id();
    w.submitted(CENTRE, &d);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "transferred");
    // The province says it consigned what only the commune's node can consign.
    let claimed = net().directory_with(|e| agency_in(e, COMMUNE).node = Some(node(PROVINCE)));
    w.handle(PROVINCE, Input::Directory(claimed.clone()));
    w.pass(1_000);
    assert_eq!(w.in_mailbox(PROVINCE, COMMUNE, &id), 1);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "transferred");
    let claim = line(E::ContentConsignment, PROVINCE, COMMUNE, None);
    assert_eq!(w.lines(CENTRE, &id).last(), Some(&claim));
    let n = w.at(CENTRE);
    let held = n.engine.as_ref().unwrap().find(&id, &n.store).unwrap().unwrap();
    let known = held.evidence.last().unwrap().clone();
    assert!(!known.authorised);
    w.assert_recoverable();
    // When the directory says so too, the same receipt counts.
    w.verifier = net().verifier_for(&claimed);
    w.handle(CENTRE, Input::Directory(claimed));
    let raw = known.raw.unwrap();
    let receipts = vec![w.verifier.receipt(Receipt::parse(&raw).unwrap()).unwrap()];
    w.handle(CENTRE, Input::Receipts { peer: node(PROVINCE), batch: 9, receipts });
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned");
    assert_eq!(w.lines(CENTRE, &id).len(), 3);
}

#[test]
fn an_answer_that_does_not_fit_changes_nothing() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    let one = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "4/a"));
    let two = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "4/b"));
    w.submitted(CENTRE, &one);
    w.submit(CENTRE, &two);
    w.run_until(|m| matches!(m.body, Body::Transfer(..)));
    let consigned = {
        let n = w.at(CENTRE);
        let held = n.engine.as_ref().unwrap().find(&one.id(), &n.store).unwrap().unwrap();
        held.evidence.last().unwrap().raw.clone().unwrap()
    };
    let answers = vec![(code(PROVINCE), PeerAnswer::Accepted(w.verify(&consigned)))];
    w.handle(CENTRE, Input::Answered { peer: node(PROVINCE), dispatch: two.id(), answers });
    w.commit(&node(CENTRE));
    let line = w.at(CENTRE).engine().queue(None, 1).pop().unwrap();
    assert_eq!(line.dispatch, two.id());
    let standing = line.standing.unwrap();
    assert_eq!(standing.cause, Some(tram_dispatch::Code::ReceiptInvalid));
    w.pass(2_000);
    assert_eq!(w.word(CENTRE, &two.id(), PROVINCE), "consigned");
}

#[test]
fn many_recipients_go_in_transfers_that_fit_a_frame() {
    let mut w = World::connected();
    // Room for the first node's receipt and three more.
    w.at(PROVINCE).settings.transfer_receipts_bytes_max = 2_500;
    w.restart(PROVINCE);
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE, HAMLET, SISTER, DISTRICT], "5/a"));
    // At one moment of the clock: what is left over does not wait for a retry.
    w.submitted(CENTRE, &d);
    for (at, to) in [(COMMUNE, COMMUNE), (COMMUNE, HAMLET), (SISTER, SISTER), (DISTRICT, DISTRICT)]
    {
        assert_eq!(w.in_mailbox(at, to, &d.id()), 1);
        assert_eq!(w.word(CENTRE, &d.id(), to), "consigned");
    }
    let given: Vec<(usize, usize)> = w
        .given
        .iter()
        .filter(|t| t.peer == node(DISTRICT))
        .map(|t| (t.recipients.len(), t.receipts.len()))
        .collect();
    // The first node's receipt, and ours for each recipient of this transfer and no other.
    assert_eq!(given, [(3, 4), (1, 2)]);
    for transfer in w.given.iter().filter(|t| t.peer == node(DISTRICT)) {
        assert!(transfer.receipts.iter().map(|raw| raw.len()).sum::<usize>() <= 2_500);
    }
    w.assert_at_rest();
    w.assert_recoverable();
}
