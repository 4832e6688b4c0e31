//! Documents whose time is over: what is put on record, and what nothing may take away.

use tram_dispatch::envelope::{Act, Related};
use tram_dispatch::limits::REMOVED_MAX;
use tram_dispatch::{Code, Digest, DispatchId, Event as E, Status};
use tram_engine::retention::{Kept, Overdue};
use tram_engine::{Input, Record, Reply, View as _};

use crate::support::check::{done, later, offline, refused};
use crate::support::net::*;
use crate::support::world::World;

const DAY_MS: u64 = 86_400_000;
const POLICY: Digest = Digest([0x77; 32]);

fn remove(w: &mut World, at: &str, id: DispatchId, days: u64) -> Reply {
    let since = Kept::of(&w.at(at).store.history(&id).unwrap()).since;
    let rule = "delivered".to_owned();
    let overdue = Overdue { dispatch: id, policy: POLICY, rule, days, since };
    w.asked(at, |token| Input::Remove { token, overdue })
}

fn days_pass(w: &mut World, days: u64) {
    w.now.mono_ms += days * DAY_MS;
    w.now.wall = w.now.wall.plus_ms(days * DAY_MS);
}

/// With a policy at every node, and short periods of keeping for delivery.
fn world() -> World {
    let mut w = World::new();
    for at in [CENTRE, PROVINCE, DISTRICT, COMMUNE] {
        let settings = &mut w.at(at).settings;
        settings.keep_closed_documents = true;
        settings.keep_after_registration_ms = 1_000;
        settings.keep_after_consignment_ms = 1_000;
        w.restart(at);
    }
    w.connect_all();
    w.large_documents = true;
    w
}

/// A dispatch that was delivered, registered and closed everywhere.
fn delivered(w: &mut World, reference: &str) -> DispatchId {
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], reference));
    done(&w.submitted(CENTRE, &d));
    w.pass(1_000);
    done(&w.confirm(COMMUNE, COMMUNE, d.id()));
    done(&w.register(COMMUNE, COMMUNE, d.id(), None));
    // The last of it is looked for every ten seconds.
    (0..30).for_each(|_| w.pass(1_000));
    for at in [CENTRE, PROVINCE, DISTRICT, COMMUNE] {
        assert!(!w.at(at).store.is_open(&d.id()), "{at}");
    }
    d.id()
}

fn removals(w: &mut World, at: &str) -> usize {
    let records = w.at(at).store.records.iter();
    records
        .filter(|r| matches!(r, Record::Evidence(o) if o.evidence.event == E::DocumentsRemoval))
        .count()
}

#[test]
fn a_removal_is_on_record_with_rule_period_and_documents_before_anything_goes() {
    let mut w = world();
    let id = delivered(&mut w, "r/1");
    assert!(w.removed.is_empty(), "closing a dispatch removes nothing where a policy decides");
    let history = w.at(DISTRICT).store.history(&id).unwrap();
    let kept = Kept::of(&history);
    assert!(kept.closed && kept.removals.is_empty());
    assert!(!kept.documents.is_empty());
    days_pass(&mut w, 7);
    let (receipts, repeat) = done(&remove(&mut w, DISTRICT, id, 7));
    assert!(!repeat);
    let said = offline(&receipts[0]);
    assert_eq!((said.event, said.dispatch, &said.node), (E::DocumentsRemoval, id, &node(DISTRICT)));
    let removal = said.removal.unwrap();
    assert_eq!((removal.policy, removal.rule.as_str(), removal.days), (POLICY, "delivered", 7));
    assert_eq!((removal.documents, removal.since), (kept.documents, kept.since));
    assert!(
        said.time >= removal.since.plus_ms(7 * DAY_MS),
        "an auditor sees that it was not early"
    );
    // Asked again, also after a restart: the same receipt, and nothing new in the log.
    assert_eq!(done(&remove(&mut w, DISTRICT, id, 7)), (receipts.clone(), true));
    w.restart(DISTRICT);
    w.connect_all();
    assert_eq!(done(&remove(&mut w, DISTRICT, id, 7)), (receipts, true));
    assert_eq!(removals(&mut w, DISTRICT), 1);
    // It is nobody else's concern, and gives nobody anything to do.
    w.pass(60_000);
    for at in [CENTRE, PROVINCE, COMMUNE] {
        assert_eq!(removals(&mut w, at), 0);
        assert!(w.evidence(at, &id).iter().all(|e| e.event != E::DocumentsRemoval));
    }
    assert!(!w.at(DISTRICT).store.is_open(&id));
    w.assert_recoverable();
}

#[test]
fn nothing_goes_before_its_time_or_while_it_is_needed() {
    let mut w = world();
    let id = delivered(&mut w, "r/2");
    let (code, receipt) = refused(&remove(&mut w, COMMUNE, id, 1));
    assert_eq!((code, receipt.is_none()), (Code::WrongState, true), "its day is not over");
    let unknown = refused(&remove(&mut w, COMMUNE, DispatchId([9; 32]), 0)).0;
    assert_eq!(unknown, Code::WrongState);
    // In custody; transferred and not proved; in a mailbox.
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "r/3"));
    done(&w.submitted(CENTRE, &d));
    w.pass(1_000);
    for at in [CENTRE, PROVINCE, DISTRICT] {
        assert_eq!(refused(&remove(&mut w, at, d.id(), 0)).0, Code::WrongState, "{at}");
    }
    w.connect(&node(DISTRICT), &node(COMMUNE));
    w.pass(400_000);
    assert_eq!(w.word(CENTRE, &d.id(), COMMUNE), "consigned");
    assert_eq!(refused(&remove(&mut w, COMMUNE, d.id(), 0)).0, Code::WrongState);
    assert_eq!(["G22", "H41.12.03"].map(|at| removals(&mut w, at)), [0, 0]);
}

#[test]
fn a_clock_that_nobody_confirms_removes_nothing() {
    let mut w = world();
    let id = delivered(&mut w, "r/4");
    for (a, b) in w.links() {
        w.disconnect(&a, &b);
    }
    w.restart(COMMUNE);
    // A year ahead, and alone.
    w.now.wall = w.now.wall.plus_ms(365 * DAY_MS);
    assert_eq!(later(&remove(&mut w, COMMUNE, id, 30)), Code::ClockUncertain);
    assert_eq!(removals(&mut w, COMMUNE), 0);
    w.at(COMMUNE).settings.clock_trusted = true;
    w.restart(COMMUNE);
    done(&remove(&mut w, COMMUNE, id, 30));
    assert_eq!(removals(&mut w, COMMUNE), 1);
}

#[test]
fn what_is_taken_anew_is_kept_anew() {
    let mut w = world();
    let id = delivered(&mut w, "r/5");
    days_pass(&mut w, 1);
    done(&remove(&mut w, DISTRICT, id, 1));
    let mut history = w.at(DISTRICT).store.history(&id).unwrap();
    let held = history.iter().find(|r| matches!(r, Record::Held(_))).cloned().unwrap();
    history.push(held);
    let kept = Kept::of(&history);
    assert!(kept.removals.is_empty() && !kept.closed, "another custody, another removal");
    history.push(Record::Closed(id));
    assert!(Kept::of(&history).closed);
}

#[test]
fn a_recall_stays_whole_when_what_it_recalled_goes() {
    let mut w = world();
    let id = delivered(&mut w, "r/7");
    let mut envelope = net().envelope(CENTRE, &[COMMUNE], "TH/r/7");
    let (originator, reference) = (code(CENTRE), "r/7".parse().unwrap());
    envelope.act = Act::Recall(Related { originator, reference, dispatch: None });
    let recall = net().dispatch(&envelope);
    let by = recall.id();
    done(&w.submitted(CENTRE, &recall));
    w.pass(1_000);
    let (recipient, status) = (code(COMMUNE), Status::Agreed);
    let (remark, statement) = (None, None);
    done(&w.asked(COMMUNE, |token| Input::Report {
        token,
        recipient,
        dispatch: by,
        status,
        remark,
        statement,
    }));
    (0..30).for_each(|_| w.pass(1_000));
    days_pass(&mut w, 36_500);
    for at in [CENTRE, PROVINCE, DISTRICT, COMMUNE] {
        assert!(!w.at(at).store.is_open(&by) && !w.at(at).store.is_open(&id), "{at}");
        let history = w.at(at).store.history(&by).unwrap();
        let kept = Kept::of(&history);
        assert!(kept.recall && kept.closed && !kept.documents.is_empty(), "{at}");
        let reply = remove(&mut w, at, by, 0);
        assert_eq!(refused(&reply), (Code::WrongState, None), "{at}");
        let Reply::Refused { detail, .. } = &reply else { panic!("{reply:?}") };
        assert!(detail.contains("a recall stays whole"), "{detail}");
        // What was recalled goes by the rules, like anything else.
        assert!(!Kept::of(&w.at(at).store.history(&id).unwrap()).recall, "{at}");
        done(&remove(&mut w, at, id, 0));
        assert_eq!(w.at(at).store.history(&by).unwrap(), history, "{at}: nothing of it changed");
    }
    assert!(w.removed.is_empty(), "no file of the recall went");
    w.assert_recoverable();
}

#[test]
fn many_documents_take_more_than_one_record() {
    let mut w = world();
    let mut envelope = net().envelope(CENTRE, &[CENTRE], "r/6");
    let one = envelope.documents[0].clone();
    envelope.documents = (0..200_u8)
        .map(|n| {
            let mut document = one.clone();
            document.name = format!("{n}.pdf");
            document.sha256 = Digest([n; 32]);
            document
        })
        .collect();
    let d = net().dispatch(&envelope);
    let token = w.submit_with(CENTRE, &d, World::as_files(&d));
    w.run();
    done(&w.replies.remove(&token).unwrap());
    done(&w.confirm(CENTRE, CENTRE, d.id()));
    done(&w.register(CENTRE, CENTRE, d.id(), None));
    (0..30).for_each(|_| w.pass(1_000));
    let (receipts, _) = done(&remove(&mut w, CENTRE, d.id(), 0));
    let said: Vec<_> = receipts.iter().map(|r| offline(r).removal.unwrap().documents).collect();
    assert_eq!(said.iter().map(Vec::len).collect::<Vec<_>>(), [REMOVED_MAX, 200 - REMOVED_MAX]);
    let all: std::collections::BTreeSet<_> = said.concat().into_iter().collect();
    assert_eq!(all.len(), 200);
}
