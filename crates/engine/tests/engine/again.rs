//! What could not be read is read again: at the next news of it, after a while, at the next start. What
//! came meanwhile is passed on then. Bounded; in the end it waits for the operator.

use tram_dispatch::{Code, DispatchId};
use tram_engine::record::{Record, Stage};
use tram_engine::{Action, Input};

use crate::support::check::done;
use crate::support::net::*;
use crate::support::world::World;

const DAY_MS: u64 = 86_400_000;

/// A dispatch consigned at the commune, and closed at the province by now.
fn consigned(reference: &str) -> (World, DispatchId) {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], reference));
    done(&w.submitted(CENTRE, &d));
    w.pass(60_000);
    assert_eq!(w.word(CENTRE, &d.id(), COMMUNE), "consigned");
    assert!(!w.at(PROVINCE).store.is_open(&d.id()));
    (w, d.id())
}

fn set_aside(w: &mut World, at: &str) -> Vec<(DispatchId, Code)> {
    w.at(at).engine().quarantined().map(|(id, cause, _)| (id, cause.code)).collect()
}

/// Looks taken, and how long until the next.
fn looks(w: &mut World, at: &str) -> (u32, Option<u64>) {
    let now = w.now.mono_ms;
    let lines = w.at(at).engine().queue(None, 9);
    assert_eq!(lines.len(), 1);
    (lines[0].looks, lines[0].look_mono_ms.map(|due| due - now))
}

fn sound(w: &mut World, at: &str, id: DispatchId) {
    w.handle(at, Input::Sound { dispatch: id });
    w.run();
}

fn in_doubt(w: &mut World, at: &str) -> Vec<DispatchId> {
    w.at(at).engine().documents_in_doubt().into_iter().map(|(id, _)| id).collect()
}

#[test]
fn news_of_what_is_closed_and_could_not_be_read_once_is_passed_on_at_the_next_look() {
    let (mut w, id) = consigned("a/1");
    w.at(PROVINCE).store.failing.set(1);
    done(&w.confirm(COMMUNE, COMMUNE, id));
    assert_eq!(set_aside(&mut w, PROVINCE), [(id, Code::StoreCorrupt)]);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned", "nobody knows where it came from");
    // Nothing is known of it, and it is shown all the same.
    let lines = w.at(PROVINCE).engine().queue(None, 9);
    assert_eq!((lines.len(), lines[0].dispatch, &lines[0].recipient), (1, id, &None));
    assert!(lines[0].quarantine.as_ref().unwrap().detail.contains("checksum"));
    assert_eq!(w.at(PROVINCE).engine().leg_counts()[5], 1);
    assert_eq!(looks(&mut w, PROVINCE), (0, Some(5_000)));
    assert!(w.at(PROVINCE).engine().queue(Some((id, None)), 9).is_empty(), "the page after it");
    let due = w.at(PROVINCE).engine().deadline();
    assert!(due <= w.now.mono_ms + 5_000);
    w.pass(5_000);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "handed_over");
    assert_eq!(set_aside(&mut w, PROVINCE), []);
    w.pass(1_000);
    assert!(!w.at(PROVINCE).store.is_open(&id), "and it is closed again");
    // One that comes and goes counts on.
    w.at(PROVINCE).store.failing.set(1);
    done(&w.register(COMMUNE, COMMUNE, id, None));
    assert_eq!(looks(&mut w, PROVINCE), (1, Some(20_000)));
    w.pass(20_000);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "registered");
    w.pass(1_000);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn what_was_set_aside_when_a_peer_lost_its_disk_is_offered_to_it_when_it_is_back() {
    let (mut w, id) = consigned("a/12");
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "a/13"));
    done(&w.submitted(CENTRE, &d));
    w.connect_all();
    w.run();
    let held = d.id();
    assert_eq!(w.word(DISTRICT, &held, COMMUNE), "consigned");
    // The district cannot read two of them when the commune comes back without its disk.
    w.at(DISTRICT).store.unreadable.extend([id, held]);
    w.restart(DISTRICT);
    w.crash(&node(COMMUNE));
    w.at(COMMUNE).lose_disk();
    w.at(COMMUNE).start();
    w.connect_all();
    w.run();
    assert!(!set_aside(&mut w, DISTRICT).is_empty());
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &held), 0);
    w.at(DISTRICT).store.unreadable.clear();
    w.pass(60_000);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &held), 1);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &id), 1);
    w.assert_recoverable();
}

#[test]
fn it_is_read_again_at_the_next_news_of_it() {
    let (mut w, id) = consigned("a/2");
    w.at(PROVINCE).store.unreadable.insert(id);
    done(&w.confirm(COMMUNE, COMMUNE, id));
    assert_eq!(set_aside(&mut w, PROVINCE), [(id, Code::StoreCorrupt)]);
    w.at(PROVINCE).store.unreadable.clear();
    done(&w.register(COMMUNE, COMMUNE, id, None));
    assert_eq!(set_aside(&mut w, PROVINCE), []);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "registered");
    assert_eq!(w.lines(CENTRE, &id).len(), w.lines(COMMUNE, &id).len() + 3, "each came, once");
    w.pass(1_000);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn what_is_not_durable_yet_is_not_forgotten_when_it_is_read_again() {
    let (mut w, id) = consigned("a/3");
    w.disconnect(&node(PROVINCE), &node(DISTRICT));
    done(&w.confirm(COMMUNE, COMMUNE, id));
    done(&w.register(COMMUNE, COMMUNE, id, None));
    // Both come at once: at the second the store knows nothing of the first.
    w.at(PROVINCE).store.failing.set(1);
    w.connect_all();
    w.run();
    assert_eq!(set_aside(&mut w, PROVINCE), []);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "registered");
    w.pass(1_000);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn the_next_start_reads_it_again_whatever_the_one_before_could_read() {
    for starts in 1..=2 {
        let (mut w, id) = consigned("a/4");
        w.at(PROVINCE).store.unreadable.insert(id);
        done(&w.confirm(COMMUNE, COMMUNE, id));
        assert_eq!(set_aside(&mut w, PROVINCE), [(id, Code::StoreCorrupt)]);
        if starts == 2 {
            w.restart(PROVINCE);
            w.pass(1_000);
            assert_eq!(set_aside(&mut w, PROVINCE), [(id, Code::StoreCorrupt)]);
            assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned");
        }
        w.at(PROVINCE).store.unreadable.clear();
        w.restart(PROVINCE);
        w.pass(1);
        assert_eq!(w.word(CENTRE, &id, COMMUNE), "handed_over");
        assert_eq!(set_aside(&mut w, PROVINCE), []);
        w.pass(1_000);
        w.assert_at_rest();
        w.assert_recoverable();
    }
}

#[test]
fn what_came_while_only_its_beginning_could_not_be_read_is_passed_on_after_the_next_start() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "a/5"));
    let id = d.id();
    done(&w.submitted(CENTRE, &d));
    w.pass(1_000);
    // Found at a start, and of that start alone: nothing is recorded of it.
    w.at(PROVINCE).store.unreadable.insert(id);
    w.restart(PROVINCE);
    w.connect_all();
    w.pass(1_000);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &id), 1);
    assert_eq!(set_aside(&mut w, PROVINCE), [(id, Code::StoreCorrupt)]);
    let quarantined = |r: &Record| matches!(r, Record::Quarantine(_));
    assert!(!w.at(PROVINCE).store.records.iter().any(quarantined));
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "transferred");
    w.at(PROVINCE).store.unreadable.clear();
    w.restart(PROVINCE);
    w.pass(1);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned");
    w.pass(1_000);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn what_never_reads_well_waits_for_the_operator_in_the_end() {
    let (mut w, id) = consigned("a/6");
    w.at(PROVINCE).store.unreadable.insert(id);
    done(&w.confirm(COMMUNE, COMMUNE, id));
    let delays = [20_000, 80_000, 320_000, 1_280_000, 5_120_000, 20_480_000, 81_920_000];
    let mut due = 5_000;
    for (n, next) in delays.into_iter().enumerate() {
        w.pass(due);
        assert_eq!(looks(&mut w, PROVINCE), (n as u32 + 1, Some(next - 60)));
        due = next;
    }
    w.pass(due);
    assert_eq!(looks(&mut w, PROVINCE), (8, None));
    w.at(PROVINCE).store.unreadable.clear();
    w.pass(DAY_MS);
    done(&w.register(COMMUNE, COMMUNE, id, None));
    assert_eq!(set_aside(&mut w, PROVINCE), [(id, Code::StoreCorrupt)]);
    let recipient = code(COMMUNE);
    let release =
        |token| Input::Operate { token, dispatch: id, recipient, action: Action::Release };
    done(&w.asked(PROVINCE, release));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "registered", "what came meanwhile is passed on");
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn what_broke_the_process_is_not_looked_at_by_itself() {
    let mut w = World::new();
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "a/7"));
    done(&w.submitted(CENTRE, &d));
    for _ in 0..3 {
        let (dispatch, stage, detail) = (d.id(), Stage::Give, "a panic".to_owned());
        w.handle(CENTRE, Input::Broke { dispatch, stage, peer: None, detail });
    }
    w.run();
    assert_eq!(looks(&mut w, CENTRE), (0, None));
    w.restart(CENTRE);
    w.pass(60_000);
    assert_eq!((looks(&mut w, CENTRE), in_doubt(&mut w, CENTRE)), ((0, None), vec![]));
    sound(&mut w, CENTRE, d.id());
    assert_eq!(set_aside(&mut w, CENTRE), [(d.id(), Code::WorkUnfinished)]);
}

#[test]
fn one_in_custody_comes_back_when_its_receipts_and_documents_read_well() {
    let mut w = World::new();
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "a/8"));
    let id = d.id();
    done(&w.submitted(CENTRE, &d));
    // The receipts are not in memory after a start.
    w.restart(CENTRE);
    w.at(CENTRE).store.receipts_unreadable = true;
    w.connect_all();
    w.pass(1);
    assert_eq!(set_aside(&mut w, CENTRE), [(id, Code::StoreCorrupt)]);
    w.pass(5_000);
    assert_eq!(in_doubt(&mut w, CENTRE), [], "what failed does not read well yet");
    w.at(CENTRE).store.receipts_unreadable = false;
    w.pass(20_000);
    assert_eq!(in_doubt(&mut w, CENTRE), [id]);
    assert_eq!(set_aside(&mut w, CENTRE), [(id, Code::StoreCorrupt)]);
    sound(&mut w, CENTRE, id);
    assert_eq!((set_aside(&mut w, CENTRE), in_doubt(&mut w, CENTRE)), (vec![], vec![]));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned");
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn documents_are_read_again_and_only_whole_ones_bring_it_back() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "a/9"));
    let id = d.id();
    done(&w.submitted(CENTRE, &d));
    w.pass(1_000);
    let damaged = || Input::Damaged { dispatch: id, detail: "EIO".to_owned() };
    w.handle(COMMUNE, damaged());
    w.run();
    assert_eq!(set_aside(&mut w, COMMUNE), [(id, Code::StoreCorrupt)]);
    sound(&mut w, COMMUNE, id);
    assert_eq!(set_aside(&mut w, COMMUNE), [(id, Code::StoreCorrupt)], "nobody was asked");
    w.pass(5_000);
    assert_eq!(in_doubt(&mut w, COMMUNE), [id]);
    w.handle(COMMUNE, damaged());
    w.run();
    assert_eq!(in_doubt(&mut w, COMMUNE), []);
    // The next process asks at once.
    w.restart(COMMUNE);
    w.connect_all();
    w.pass(1);
    assert_eq!(in_doubt(&mut w, COMMUNE), [id]);
    sound(&mut w, COMMUNE, id);
    done(&w.confirm(COMMUNE, COMMUNE, id));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "handed_over");
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn those_that_came_back_are_not_counted_against_the_store() {
    let mut w = World::connected();
    for n in 0..3_u64 {
        for one in 0..60_u8 {
            let id = DispatchId([one; 32]);
            w.at(CENTRE).store.failing.set(1);
            w.handle(CENTRE, Input::Damaged { dispatch: id, detail: String::new() });
        }
        assert_eq!(w.at(CENTRE).engine().quarantined().count(), 60);
        for _ in 0..10 {
            w.pass(30_000 << (2 * n));
        }
        assert_eq!(w.at(CENTRE).engine().quarantined().count(), 0);
    }
}
