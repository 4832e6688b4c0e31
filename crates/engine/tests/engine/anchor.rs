//! The gate before the first signature: what the anchor says, what peers show, what the operator does.

use tram_dispatch::{Code, Event};
use tram_engine::{Anchor, Doubt, Input, Reply};

use crate::support::check::{done, later, refused};
use crate::support::net::*;
use crate::support::world::World;

fn doubts() -> [Doubt; 5] {
    [
        Doubt::Missing,
        Doubt::OtherStore,
        Doubt::OtherMachine { wrote: "4f0c".to_owned() },
        Doubt::Unreadable { detail: "EIO".to_owned() },
        Doubt::Ahead,
    ]
}

/// The centre started again with this said of its anchor, and no peer in reach.
fn started(anchor: Anchor) -> World {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    let before = net().dispatch(&net().envelope(PROVINCE, &[CENTRE], "8/before"));
    w.submitted(PROVINCE, &before);
    // The province holds a checkpoint that covers all of it.
    w.connect(&node(CENTRE), &node(PROVINCE));
    w.pass(1_000);
    w.crash(&node(CENTRE));
    w.at(CENTRE).anchor = anchor;
    w.at(CENTRE).start();
    w
}

#[test]
fn a_doubt_signs_nothing_and_loses_nothing_until_a_peer_shows_what_it_holds() {
    for doubt in doubts() {
        let mut w = started(Anchor::Unclean(doubt.clone()));
        let before = net().dispatch(&net().envelope(PROVINCE, &[CENTRE], "8/before"));
        let head = w.at(CENTRE).store.head();
        assert_eq!(w.at(CENTRE).engine().unanchored(), Some(&doubt));
        assert_eq!(w.at(CENTRE).engine().halted(), None);
        let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "8/a"));
        assert_eq!(later(&w.submitted(CENTRE, &d)), Code::LogUnanchored);
        assert_eq!(later(&w.confirm(CENTRE, CENTRE, before.id())), Code::LogUnanchored);
        assert_eq!(later(&w.register(CENTRE, CENTRE, before.id(), None)), Code::LogUnanchored);
        w.pass(600_000);
        assert_eq!(w.at(CENTRE).store.head(), head, "{doubt}");

        let up = net().dispatch(&net().envelope(PROVINCE, &[CENTRE], "8/b"));
        w.submitted(PROVINCE, &up);
        w.connect_all();
        w.pass(1_000);
        let engine = w.at(CENTRE).engine();
        assert_eq!((engine.shut(), engine.anchored_by()), (None, Some(&node(PROVINCE))));
        assert_eq!(engine.anchor_said(), &Anchor::Unclean(doubt));
        w.submitted(CENTRE, &d);
        w.pass(1_000);
        assert_eq!(w.in_mailbox(PROVINCE, PROVINCE, &d.id()), 1);
        assert_eq!(w.in_mailbox(CENTRE, CENTRE, &up.id()), 1);
        done(&w.confirm(CENTRE, CENTRE, before.id()));
        assert!(w.at(CENTRE).store.head().0 > head.0);
    }
}

#[test]
fn an_offer_waits_at_the_peer_while_the_gate_is_shut() {
    let mut w = started(Anchor::Unclean(Doubt::Missing));
    let head = w.at(CENTRE).store.head();
    // A session whose peer holds nothing of this log, and so says nothing about it.
    let now = w.now;
    let mut hello = w.hello(&node(PROVINCE));
    hello.extends = None;
    w.at(CENTRE).handle(now, Input::PeerUp(hello));
    assert_eq!(w.at(CENTRE).engine().shut(), Some(Code::LogUnanchored));
    let up = net().dispatch(&net().envelope(PROVINCE, &[CENTRE], "8/c"));
    w.submitted(PROVINCE, &up);
    let hello = w.hello(&node(CENTRE));
    w.at(PROVINCE).handle(now, Input::PeerUp(hello));
    w.run();
    assert_eq!(w.word(PROVINCE, &up.id(), CENTRE), "queued");
    assert_eq!(w.at(CENTRE).store.head(), head);
}

#[test]
fn only_a_checkpoint_of_this_log_that_agrees_opens_the_gate() {
    let mut w = started(Anchor::Unclean(Doubt::Missing));
    let (size, root) = w.at(CENTRE).store.head();
    let (centre, province) = (&net().lives[&node(CENTRE)], &net().lives[&node(PROVINCE)]);
    let show = |w: &mut World, of: &str, note: std::sync::Arc<[u8]>| {
        let checkpoint = net().verifier.checkpoint(&node(of), &note).unwrap();
        w.handle(CENTRE, Input::Shown { by: node(PROVINCE), checkpoint });
        w.at(CENTRE).engine().shut()
    };
    let shut = Some(Code::LogUnanchored);
    assert_eq!(show(&mut w, PROVINCE, province[0].note(size, [7; 32])), shut);
    assert_eq!(show(&mut w, CENTRE, centre[1].note(size, root)), shut, "another epoch");
    // One that was kept as a proof, in the data directory, vouches for nothing.
    let kept = net().verifier.checkpoint(&node(CENTRE), &centre[0].note(size, root)).unwrap();
    let (now, view) = (w.now, w.at(CENTRE).store.clone());
    w.at(CENTRE).engine().weigh(now, &node(PROVINCE), kept, &view).unwrap();
    assert_eq!(w.at(CENTRE).engine().shut(), shut);
    assert_eq!(show(&mut w, CENTRE, centre[0].note(size, root)), None);
    // Open, it still halts at what contradicts it.
    let longer = centre[0].note(size + 1, [7; 32]);
    assert_eq!(show(&mut w, CENTRE, longer), Some(Code::LogRollback));
}

#[test]
fn a_kept_proof_still_halts() {
    let mut w = started(Anchor::Unclean(Doubt::Missing));
    let (size, _) = w.at(CENTRE).store.head();
    let note = net().lives[&node(CENTRE)][0].note(size + 1, [7; 32]);
    let kept = net().verifier.checkpoint(&node(CENTRE), &note).unwrap();
    let (now, view) = (w.now, w.at(CENTRE).store.clone());
    w.at(CENTRE).engine().weigh(now, &node(PROVINCE), kept, &view).unwrap();
    assert_eq!(w.at(CENTRE).engine().shut(), Some(Code::LogRollback));
}

#[test]
fn an_anchor_that_knows_more_halts_whatever_peers_and_operator_say() {
    for (anchor, code) in [
        (Anchor::RolledBack { size: 1_000 }, Code::LogRollback),
        (Anchor::Forked { size: 2 }, Code::LogFork),
    ] {
        let mut w = started(anchor);
        let head = w.at(CENTRE).store.head();
        assert_eq!(w.at(CENTRE).engine().halted(), Some(code));
        // A peer that knows no more than the store does not make up for what the anchor knows.
        w.connect_all();
        w.run();
        assert_eq!(w.at(CENTRE).engine().halted(), Some(code));
        let words = "I know".to_owned();
        let reply = w.asked(CENTRE, |token| Input::AnchorAnyway { token, words });
        assert_eq!(refused(&reply).0, code);
        let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "8/d"));
        assert_eq!(later(&w.submitted(CENTRE, &d)), code);
        assert_eq!(w.at(CENTRE).store.head(), head);
    }
}

#[test]
fn the_operators_word_is_the_first_leaf_that_follows() {
    let mut w = started(Anchor::Unclean(Doubt::Missing));
    let head = w.at(CENTRE).store.head().0;
    let say = |w: &mut World, words: &str| {
        let words = words.to_owned();
        w.asked(CENTRE, |token| Input::AnchorAnyway { token, words })
    };
    assert_eq!(refused(&say(&mut w, "")).0, Code::BadRequest);
    assert_eq!(refused(&say(&mut w, "two\nlines")).0, Code::BadRequest);
    assert_eq!(w.at(CENTRE).engine().shut(), Some(Code::LogUnanchored));
    let reply = say(&mut w, "ổ đĩa neo đã thay");
    let Reply::Done { dispatch, .. } = &reply else { panic!("{reply:?}") };
    let epoch = net().lives[&node(CENTRE)][0].epoch;
    assert_eq!(dispatch.0, epoch.0);
    let (receipts, repeat) = done(&reply);
    let said = crate::support::check::offline(&receipts[0]);
    assert_eq!((said.event, said.epoch, repeat), (Event::AnchorOverride, epoch, false));
    assert_eq!(said.reason, Some(Code::LogUnanchored));
    assert_eq!(said.remark.as_deref(), Some("the anchor is missing: ổ đĩa neo đã thay"));
    assert_eq!((said.originator, said.recipient, said.object), (code(CENTRE), None, None));
    assert_eq!((said.custody, w.at(CENTRE).engine().shut()), (head, None));
    assert_eq!(refused(&say(&mut w, "again")).0, Code::WrongState);
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "8/e"));
    done(&w.submitted(CENTRE, &d));
    w.at(CENTRE).anchor = Anchor::Agrees;
    w.restart(CENTRE);
    w.pass(1_000);
    assert_eq!(w.in_mailbox(PROVINCE, PROVINCE, &d.id()), 1);
}

#[test]
fn an_unanchored_node_is_nobodys_witness() {
    let mut w = started(Anchor::Unclean(Doubt::OtherStore));
    let province = net().lives[&node(PROVINCE)][0].epoch;
    let by_centre = |w: &World| w.cosigned.of(&node(CENTRE), &node(PROVINCE), province).len();
    let before = by_centre(&w);
    let d = net().dispatch(&net().envelope(PROVINCE, &[PROVINCE], "8/f"));
    w.submitted(PROVINCE, &d);
    let now = w.now;
    let held = w.at(CENTRE).engine().held_of(&node(PROVINCE)).map(|h| (h.size, h.root));
    let hello = tram_engine::PeerUp { extends: held, ..w.hello(&node(PROVINCE)) };
    w.at(CENTRE).handle(now, Input::PeerUp(hello));
    w.run();
    assert_eq!(by_centre(&w), before);
    w.connect_all();
    w.pass(1_000);
    assert!(by_centre(&w) > before);
}

#[test]
fn what_runs_out_behind_the_gate_is_told_when_it_opens() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    w.connect(&node(CENTRE), &node(PROVINCE));
    w.disconnect(&node(CENTRE), &node(PROVINCE));
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "8/g"));
    w.submitted(CENTRE, &d);
    w.crash(&node(CENTRE));
    w.at(CENTRE).anchor = Anchor::Unclean(Doubt::Missing);
    w.at(CENTRE).settings.clock_trusted = true;
    w.at(CENTRE).start();
    let head = w.at(CENTRE).store.head();
    let lasts = d.envelope().expires_at.since_ms(w.now.wall);
    w.pass(lasts + 60_000);
    assert_eq!(w.word(CENTRE, &d.id(), PROVINCE), "queued");
    assert_eq!(w.at(CENTRE).store.head(), head);
    let words = "no peer".to_owned();
    done(&w.asked(CENTRE, |token| Input::AnchorAnyway { token, words }));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &d.id(), PROVINCE), "expired");
}
