//! Bad links between two nodes: answers lost, datagrams reordered and doubled, long ones swallowed.

use tram_sim::packet::in_simulated_time;
use tram_sim::packet::plan::Event;
use tram_sim::packet::weather::Weather;

use crate::support::{ends, order, pair, run};

/// Longer than a session lives without a word, so that the answer is lost with it.
const LOST_MS: u64 = 70_000;

#[test]
fn an_answer_lost_again_and_again_delivers_once_with_the_first_receipt() {
    in_simulated_time(async {
        let (district, commune) = ends();
        let mut plan = pair();
        for n in 0..6 {
            let at = 5_000 + n * 200_000;
            plan.orders.push(order(at, &commune, &district, 300));
            plan.cut(at, at + LOST_MS, &district, &commune);
        }
        let world = run(plan).await;
        // Each was offered, its answer lost with the session, and offered again in the next.
        let glance = world.glance(&commune).expect("it runs");
        assert!(glance.transfers >= 12, "{glance:?}");
        assert!(glance.ups >= 7, "{glance:?}");
    });
}

#[test]
fn reordered_doubled_and_damaged_datagrams_between_two_that_both_dial_have_one_effect() {
    in_simulated_time(async {
        let (district, commune) = ends();
        let mut plan = pair();
        plan.links[0].both_dial = true;
        for (a, b) in [(&district, &commune), (&commune, &district)] {
            plan.events.push((0, Event::Weather(a.clone(), b.clone(), Weather::rough())));
        }
        for n in 0..10 {
            plan.orders.push(order(500 + n * 1_500, &commune, &district, 2_000));
            plan.orders.push(order(700 + n * 1_500, &district, &commune, 90_000));
        }
        // Both restart at the same moment, and so dial at the same moment.
        for n in 0..3 {
            let at = 4_000 + n * 5_000;
            plan.kill(at, at + 500, &district, true);
            plan.kill(at, at + 500, &commune, true);
        }
        plan.faults_end_ms = 25_000;
        let world = run(plan).await;
        let traffic = world.fabric().traffic();
        assert!(traffic.overtaken > 100 && traffic.duplicated > 20, "{traffic:?}");
        assert!(traffic.damaged > 4 && traffic.dropped > 60, "{traffic:?}");
    });
}

#[test]
fn of_two_sessions_dialled_at_the_same_time_the_one_of_the_lower_id_stays() {
    in_simulated_time(async {
        let (district, commune) = ends();
        let mut plan = pair();
        plan.links[0].both_dial = true;
        plan.faults_end_ms = 10_000;
        let world = run(plan).await;
        let (low, high) =
            if district < commune { (district, commune) } else { (commune, district) };
        assert!(world.session(&low, &high).expect("a session").dialled());
        assert!(!world.session(&high, &low).expect("a session").dialled());
        for end in [&low, &high] {
            assert_eq!(world.glance(end).expect("it runs").sessions, 1);
        }
    });
}

#[test]
fn a_black_hole_for_long_datagrams_lets_a_large_document_finish_in_the_same_session() {
    in_simulated_time(async {
        let (district, commune) = ends();
        for mtu_bytes in [1200, 1280] {
            let mut plan = pair();
            plan.orders.push(order(1_000, &commune, &district, 300_000));
            plan.orders.push(order(21_000, &commune, &district, 300_000));
            let hole = Event::BlackHole(district.clone(), commune.clone(), mtu_bytes);
            plan.events.push((20_000, hole));
            plan.faults_end_ms = 200_000;
            plan.sort();
            let world = tram_sim::packet::world::World::start(plan, true);
            let running = world.clone();
            let run = tokio::spawn(async move { running.run().await });
            world.until(19_900).await;
            let before = world.session(&commune, &district).expect("a session").stats();
            assert!(before.mtu_bytes > 1280, "the path was found to take more: {before:?}");
            world.until(150_000).await;
            let after = world.session(&commune, &district).expect("a session").stats();
            assert!(u32::from(after.mtu_bytes) <= mtu_bytes, "{after:?}");
            run.await.expect("it ends");
            assert_eq!(world.violations(), Vec::<String>::new());
            assert_eq!(world.acknowledgements(), 2);
            let glance = world.glance(&commune).expect("it runs");
            assert_eq!((glance.ups, glance.transfers), (1, 2), "nothing was tried again");
            assert!(world.fabric().traffic().too_long > 0);
        }
    });
}

#[test]
fn seconds_for_each_sync_delay_and_repeat_nothing() {
    in_simulated_time(async {
        let (district, commune) = ends();
        let mut plan = pair();
        plan.events.push((0, Event::Sync(district.clone(), 4_000)));
        for n in 0..20 {
            plan.orders.push(order(1_000 + n * 100, &commune, &district, 2_000));
            plan.orders.push(order(1_050 + n * 100, &district, &commune, 70_000));
        }
        plan.faults_end_ms = 300_000;
        let world = run(plan).await;
        for end in [&district, &commune] {
            let glance = world.glance(end).expect("it runs");
            assert_eq!((glance.ups, glance.transfers), (1, 20), "{end}: {glance:?}");
        }
    });
}
