//! What operators, clerks and their words do to legs.

use tram_dispatch::{Code, Event as E};
use tram_engine::{Action, Input, Reply};

use crate::support::check::{done, line, refused};
use crate::support::net::*;
use crate::support::world::World;

fn operate(
    w: &mut World,
    at: &str,
    id: tram_dispatch::DispatchId,
    to: &str,
    action: Action,
) -> Reply {
    let recipient = code(to);
    w.asked(at, |token| Input::Operate { token, dispatch: id, recipient, action })
}

#[test]
fn hold_release_retry() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "1/a"));
    w.submitted(CENTRE, &d);
    done(&operate(&mut w, CENTRE, d.id(), PROVINCE, Action::Hold));
    assert_eq!(w.word(CENTRE, &d.id(), PROVINCE), "on_hold");
    w.restart(CENTRE);
    w.pass(60_000);
    assert_eq!(w.word(CENTRE, &d.id(), PROVINCE), "on_hold");
    assert!(w.transfers.is_empty());
    w.assert_recoverable();
    done(&operate(&mut w, CENTRE, d.id(), PROVINCE, Action::Release));
    w.run();
    assert_eq!(w.word(CENTRE, &d.id(), PROVINCE), "consigned");
    let (code, _) = refused(&operate(&mut w, CENTRE, d.id(), PROVINCE, Action::Hold));
    assert_eq!(code, Code::WrongState);
    assert_eq!(refused(&operate(&mut w, CENTRE, d.id(), COMMUNE, Action::Retry)).0, Code::NotFound);
}

#[test]
fn retry_makes_a_deferred_transfer_due_now() {
    let mut w = World::connected();
    w.at(PROVINCE).settings.held_max = 0;
    w.restart(PROVINCE);
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "2/a"));
    w.submitted(CENTRE, &d);
    let link = (node(CENTRE), node(PROVINCE));
    assert_eq!(w.transfers[&link], 1);
    done(&operate(&mut w, CENTRE, d.id(), PROVINCE, Action::Retry));
    assert_eq!(w.transfers[&link], 2);
    w.pass(4_000);
    assert_eq!(w.transfers[&link], 2);
    w.pass(1_000);
    assert_eq!(w.transfers[&link], 3);
}

#[test]
fn dropping_is_a_failure_that_the_originator_can_prove() {
    let mut w = World::connected();
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "3/a"));
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    assert_eq!(w.word(DISTRICT, &d.id(), COMMUNE), "queued");
    let (code, _) =
        refused(&operate(&mut w, DISTRICT, d.id(), COMMUNE, Action::Drop("hai\ndòng".into())));
    assert_eq!(code, Code::BadRequest, "words that evidence cannot carry");
    let reply = operate(&mut w, DISTRICT, d.id(), COMMUNE, Action::Drop("Gửi nhầm".into()));
    assert_eq!(done(&reply).0.len(), 1);
    w.pass(1_000);
    let last = w.evidence(CENTRE, &d.id()).pop().unwrap();
    assert_eq!((last.event, last.node), (E::RelayFailure, node(DISTRICT)));
    assert_eq!((last.reason, last.remark.as_deref()), (Some(Code::Dropped), Some("Gửi nhầm")));
    assert_eq!(w.word(CENTRE, &d.id(), COMMUNE), "failed");
    w.connect_all();
    w.pass(600_000);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &d.id()), 0);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_mailbox_asks_for_the_right_order_and_for_plain_words() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "4/a"));
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    let id = d.id();
    assert_eq!(refused(&w.register(PROVINCE, PROVINCE, id, None)).0, Code::WrongState);
    assert_eq!(refused(&w.confirm(PROVINCE, COMMUNE, id)).0, Code::NotFound);
    assert_eq!(refused(&w.confirm(DISTRICT, PROVINCE, id)).0, Code::NotFound);
    done(&w.confirm(PROVINCE, PROVINCE, id));
    for words in ["", "a\u{202e}b", &"x".repeat(4097)] {
        assert_eq!(refused(&w.register(PROVINCE, PROVINCE, id, Some(words))).0, Code::BadRequest);
    }
    done(&w.register(PROVINCE, PROVINCE, id, None));
    let (code, _) = refused(&w.register(PROVINCE, PROVINCE, id, Some("Muộn rồi")));
    assert_eq!(code, Code::WrongState, "the clerk already decided");
    w.pass(1_000);
    let decided = line(E::ConsignmentAcceptance, PROVINCE, PROVINCE, None);
    assert_eq!(w.lines(CENTRE, &id).last(), Some(&decided));
}

#[test]
fn documents_go_when_nothing_needs_them_any_more() {
    let mut w = World::connected();
    let one = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "5/a"));
    let two = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "5/b"));
    for d in [&one, &two] {
        let token = w.submit_with(CENTRE, d, World::as_files(d));
        w.disconnect(&node(CENTRE), &node(PROVINCE));
        w.run();
        done(&w.replies[&token]);
    }
    let digest = one.envelope().documents[0].sha256;
    let (p, c) = (node(PROVINCE), node(CENTRE));
    assert!(w.at(CENTRE).engine().uses_file(&digest));
    w.connect(&c, &p);
    w.pass(1_000);
    // The first is consigned two hops on; the second next door, so it is kept until handover.
    assert_eq!(w.word(CENTRE, &one.id(), COMMUNE), "consigned");
    assert!(w.removed.iter().all(|(n, _)| *n != c));
    done(&w.confirm(PROVINCE, PROVINCE, two.id()));
    w.pass(1_000);
    assert_eq!(w.removed.iter().filter(|(n, _)| *n == c).count(), 1);
    assert!(!w.at(CENTRE).engine().uses_file(&digest));
    w.assert_recoverable();
}

#[test]
fn the_last_relay_keeps_the_bytes_for_seven_days_at_most() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "6/a"));
    w.submitted(CENTRE, &d);
    w.pass(7 * 86_400_000 - 60_000);
    assert!(w.at(CENTRE).store.is_open(&d.id()));
    w.pass(120_000);
    assert!(!w.at(CENTRE).store.is_open(&d.id()));
    // What comes later is still taken.
    done(&w.confirm(PROVINCE, PROVINCE, d.id()));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &d.id(), PROVINCE), "handed_over");
    w.assert_at_rest();
    w.assert_recoverable();
}
