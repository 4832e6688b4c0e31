//! What the recipient's system reports of a registered dispatch.

use tram_dispatch::limits::HANDLING_RECORDS_MAX;
use tram_dispatch::{Code, DispatchId, Event as E, Status};
use tram_engine::{Input, Reply};

use crate::support::check::{done, offline, refused};
use crate::support::net::*;
use crate::support::world::World;

fn report(
    w: &mut World,
    at: &str,
    agency: &str,
    id: DispatchId,
    (status, remark): (Status, Option<&str>),
) -> Reply {
    let (recipient, remark) = (code(agency), remark.map(str::to_owned));
    w.asked(at, |token| Input::Report {
        token,
        recipient,
        dispatch: id,
        status,
        remark,
        statement: None,
    })
}

fn statuses(w: &World, at: &str, id: &DispatchId, recipient: &str) -> Vec<Status> {
    let n = &w.nodes[&node(at)];
    let held = n.engine.as_ref().unwrap().find(id, &n.store).unwrap().unwrap();
    let newest = held.newest_statuses().get(&code(recipient)).map(|s| s.status);
    let all: Vec<Status> = held.statuses(&code(recipient)).iter().map(|s| s.status).collect();
    assert_eq!(newest, all.last().copied());
    all
}

fn registered(w: &mut World, reference: &str) -> DispatchId {
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE, PROVINCE], reference));
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    done(&w.confirm(COMMUNE, COMMUNE, d.id()));
    done(&w.register(COMMUNE, COMMUNE, d.id(), None));
    w.pass(1_000);
    d.id()
}

#[test]
fn each_status_is_evidence_and_reaches_the_originators_node_over_four_tiers() {
    use Status::{Accepted, Arrived, Assigned, Completed, Processing};
    let mut w = World::connected();
    let id = registered(&mut w, "1/status");
    let given = [
        (Assigned, Some("Phòng Nội vụ")),
        (Processing, None),
        // Given to somebody else: nothing says that a status may not come again.
        (Assigned, Some("Phòng Tài chính")),
        (Completed, None),
    ];
    for one in given {
        let (receipts, repeat) = done(&report(&mut w, COMMUNE, COMMUNE, id, one));
        assert!(!repeat && receipts.len() == 1);
        let e = offline(&receipts[0]);
        assert_eq!((e.event, e.status), (E::HandlingStatus, Some(one.0.number())));
        assert_eq!((e.remark.as_deref(), e.recipient), (one.1, Some(code(COMMUNE))));
    }
    w.pass(1_000);
    let all = [Arrived, Accepted, Assigned, Processing, Assigned, Completed];
    for at in [COMMUNE, DISTRICT, PROVINCE, CENTRE] {
        assert_eq!(statuses(&w, at, &id, COMMUNE), all, "{at}");
        assert_eq!(w.word(at, &id, COMMUNE), "registered", "delivery is another question");
    }
    assert_eq!(statuses(&w, CENTRE, &id, PROVINCE), [Arrived]);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_repeat_gets_the_first_receipt_and_a_change_back_a_new_one() {
    let mut w = World::connected();
    let id = registered(&mut w, "2/status");
    let of = |w: &mut World, s| done(&report(w, COMMUNE, COMMUNE, id, s));
    let first = of(&mut w, (Status::Processing, None));
    assert_eq!(of(&mut w, (Status::Processing, None)), (first.0.clone(), true));
    w.restart(COMMUNE);
    w.connect_all();
    assert_eq!(of(&mut w, (Status::Processing, None)), (first.0.clone(), true));
    let other_words = of(&mut w, (Status::Processing, Some("chờ ý kiến")));
    assert!(!other_words.1 && other_words.0 != first.0);
    assert!(!of(&mut w, (Status::Completed, None)).1);
    let back = of(&mut w, (Status::Processing, None));
    assert!(!back.1 && back.0 != first.0, "opened again: a record of its own");
}

#[test]
fn only_what_is_registered_has_a_handling_and_only_so_often() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "3/status"));
    let id = d.id();
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    let of = |w: &mut World, s| report(w, COMMUNE, COMMUNE, id, s);
    assert_eq!(refused(&of(&mut w, (Status::Assigned, None))), (Code::WrongState, None));
    done(&w.confirm(COMMUNE, COMMUNE, id));
    assert_eq!(refused(&of(&mut w, (Status::Assigned, None))), (Code::WrongState, None));
    done(&w.register(COMMUNE, COMMUNE, id, None));
    for other in [Status::Arrived, Status::Refused, Status::Accepted, Status::TakeBackRequested] {
        assert_eq!(refused(&of(&mut w, (other, None))), (Code::BadRequest, None));
    }
    let words = (Status::Assigned, Some("hai\ndòng"));
    assert_eq!(refused(&of(&mut w, words)), (Code::BadRequest, None));
    let elsewhere = report(&mut w, CENTRE, COMMUNE, id, (Status::Assigned, None));
    assert_eq!(refused(&elsewhere), (Code::NotFound, None));
    for n in 0..HANDLING_RECORDS_MAX {
        let status = [Status::Assigned, Status::Processing][n % 2];
        done(&of(&mut w, (status, None)));
    }
    assert_eq!(refused(&of(&mut w, (Status::Completed, None))), (Code::WrongState, None));
    w.pass(1_000);
    assert_eq!(statuses(&w, CENTRE, &id, COMMUNE).len(), 2 + HANDLING_RECORDS_MAX);
    w.assert_at_rest();
}

#[test]
fn completed_months_later_still_reaches_the_originator() {
    let mut w = World::connected();
    let id = registered(&mut w, "4/status");
    done(&w.confirm(PROVINCE, PROVINCE, id));
    done(&w.register(PROVINCE, PROVINCE, id, None));
    // The recipient's node keeps documents for a month after that; then it is closed everywhere.
    w.pass(31 * 86_400_000);
    w.connect_all();
    w.pass(20_000);
    for at in [CENTRE, PROVINCE, DISTRICT, COMMUNE] {
        assert!(!w.at(at).store.is_open(&id), "{at}");
    }
    let given = (Status::Completed, None);
    let (first, _) = done(&report(&mut w, COMMUNE, COMMUNE, id, given));
    w.pass(20_000);
    assert_eq!(statuses(&w, CENTRE, &id, COMMUNE).last(), Some(&Status::Completed));
    assert!(!w.at(CENTRE).store.is_open(&id));
    assert_eq!(done(&report(&mut w, COMMUNE, COMMUNE, id, given)), (first, true));
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_status_that_overtakes_the_registration_does_not_undo_it() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "5/status"));
    let id = d.id();
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    w.disconnect(&node(CENTRE), &node(PROVINCE));
    done(&w.confirm(PROVINCE, PROVINCE, id));
    let registered = done(&w.register(PROVINCE, PROVINCE, id, None)).0;
    let completed = done(&report(&mut w, PROVINCE, PROVINCE, id, (Status::Completed, None))).0;
    let given = |w: &World, raw| vec![w.verify(raw)];
    for raw in [&completed[0], &registered[0]] {
        let receipts = given(&w, raw);
        w.handle(CENTRE, Input::Receipts { peer: node(PROVINCE), batch: 99, receipts });
        w.commit(&node(CENTRE));
        assert_eq!(w.word(CENTRE, &id, PROVINCE), "registered");
        assert_eq!(statuses(&w, CENTRE, &id, PROVINCE).last(), Some(&Status::Completed));
    }
}
