//! What nodes hold of each other's logs.

use std::sync::Arc;

use tram_dispatch::Code;
use tram_engine::Input;

use crate::support::net::*;
use crate::support::world::World;

#[test]
fn only_what_this_log_signed_counts_against_it() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    let (size, root) = w.at(CENTRE).store.head();
    let (centre, province) = (&net().lives[&node(CENTRE)], &net().lives[&node(PROVINCE)]);
    let show = |w: &mut World, of: &str, note: Arc<[u8]>| {
        let checkpoint = net().verifier.checkpoint(&node(of), &note).unwrap();
        let input = Input::Shown { by: node(PROVINCE), checkpoint };
        w.handle(CENTRE, input);
        w.at(CENTRE).engine().halted()
    };
    // The same tree; another node's log; another life of this one.
    assert_eq!(show(&mut w, CENTRE, centre[0].note(size, root)), None);
    assert_eq!(show(&mut w, PROVINCE, province[0].note(size + 9, [7; 32])), None);
    assert_eq!(show(&mut w, CENTRE, centre[1].note(size + 9, [7; 32])), None);
    let note = centre[0].note(size, [7; 32]);
    assert_eq!(show(&mut w, CENTRE, note), Some(Code::LogFork));
    // The first proof stays.
    let note = centre[0].note(size + 1, [7; 32]);
    assert_eq!(show(&mut w, CENTRE, note), Some(Code::LogFork));
    assert_eq!(w.at(CENTRE).engine().contradiction().unwrap().shown.size(), size);
}

#[test]
fn a_checkpoint_of_a_live_session_is_kept_if_it_is_newer_and_of_this_life() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    let lives = &net().lives[&node(PROVINCE)];
    let (size, _) = w.at(PROVINCE).store.head();
    let show = |w: &mut World, note: Arc<[u8]>| {
        let shown = net().verifier.checkpoint(&node(PROVINCE), &note).unwrap();
        let held = w.at(CENTRE).engine().held_of(&node(PROVINCE)).unwrap();
        let extends = Some((held.size, held.root));
        w.handle(CENTRE, Input::PeerCheckpoint { shown, extends });
        w.at(CENTRE).engine().held_of(&node(PROVINCE)).unwrap()
    };
    let newer = lives[0].note(size + 5, [5; 32]);
    assert_eq!(show(&mut w, newer.clone()).note, newer);
    assert_eq!(show(&mut w, lives[0].note(size + 4, [4; 32])).note, newer);
    assert_eq!(show(&mut w, lives[1].note(size + 6, [6; 32])).note, newer);
    w.pass(1_000);
    w.restart(CENTRE);
    assert_eq!(w.at(CENTRE).engine().held_of(&node(PROVINCE)).unwrap().note, newer);
}
