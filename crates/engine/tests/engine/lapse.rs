//! The clerk's time runs out: evidence that reaches the originator, once, and nothing else changes.

use tram_dispatch::envelope::Urgency;
use tram_dispatch::{Code, Day, Event as E, WorkingDays};
use tram_engine::Input;

use crate::support::check::{done, line};
use crate::support::net::*;
use crate::support::world::World;

const HOUR_MS: u64 = 3_600_000;

fn world() -> World {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    for n in w.nodes.values_mut() {
        n.settings.registration_days = Some(WorkingDays::default());
        n.settings.clock_trusted = true;
        n.crash();
        n.start();
    }
    w.connect_all();
    w
}

fn sent(w: &mut World, reference: &str, urgency: Urgency) -> tram_dispatch::DispatchId {
    let mut e = net().envelope(CENTRE, &[PROVINCE], reference);
    e.metadata.urgency = urgency;
    let d = net().dispatch(&e);
    done(&w.submitted(CENTRE, &d));
    w.pass(1_000);
    d.id()
}

fn lapses(w: &World, at: &str, id: &tram_dispatch::DispatchId) -> usize {
    let lapsed =
        line(E::AcceptanceRejectionExpiry, PROVINCE, PROVINCE, Some(Code::RegistrationOverdue));
    w.lines(at, id).into_iter().filter(|l| *l == lapsed).count()
}

#[test]
fn what_is_not_registered_in_time_is_told_once_and_may_still_be_registered() {
    let mut w = world();
    let today = Day::of(w.now.wall);
    let normal = sent(&mut w, "1/lapse", Urgency::Normal);
    let urgent = sent(&mut w, "2/lapse", Urgency::Urgent);
    let in_time = sent(&mut w, "3/lapse", Urgency::Urgent);
    done(&w.confirm(PROVINCE, PROVINCE, in_time));
    done(&w.register(PROVINCE, PROVINCE, in_time, None));
    let until = |w: &World, day: Day| day.start().since_ms(w.now.wall);
    let tonight = until(&w, today.next());
    w.pass(tonight - 60_000);
    assert_eq!(lapses(&w, PROVINCE, &urgent), 0, "not a minute early");
    w.pass(120_000);
    for at in [PROVINCE, CENTRE] {
        assert_eq!((lapses(&w, at, &urgent), lapses(&w, at, &normal)), (1, 0), "{at}");
        assert_eq!(lapses(&w, at, &in_time), 0);
    }
    assert_eq!(w.word(CENTRE, &urgent, PROVINCE), "consigned", "it is there all the same");
    let end = WorkingDays::default().next_working(today).next();
    let rest = until(&w, end);
    w.pass(rest + HOUR_MS);
    w.connect_all();
    w.pass(HOUR_MS);
    for at in [PROVINCE, CENTRE] {
        assert_eq!((lapses(&w, at, &urgent), lapses(&w, at, &normal)), (1, 1), "{at}");
    }
    done(&w.confirm(PROVINCE, PROVINCE, normal));
    done(&w.register(PROVINCE, PROVINCE, normal, None));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &normal, PROVINCE), "registered");
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_clock_in_doubt_lets_nothing_run_out() {
    let mut w = World::of(&[PROVINCE]);
    let n = w.at(PROVINCE);
    n.settings.registration_days = Some(WorkingDays::default());
    n.crash();
    n.start();
    let d = net().dispatch(&net().envelope(PROVINCE, &[PROVINCE], "4/lapse"));
    done(&w.submitted(PROVINCE, &d));
    w.pass(10 * 24 * HOUR_MS);
    assert_eq!(lapses(&w, PROVINCE, &d.id()), 0);
    let now = w.now;
    w.at(PROVINCE).handle(now, Input::Tick);
    assert_eq!(w.word(PROVINCE, &d.id(), PROVINCE), "consigned");
}
