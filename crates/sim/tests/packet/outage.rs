//! Partitions: long ones, one-way ones, and what sixty-four leaves do when one ends.

use std::collections::BTreeMap;

use tram_dispatch::NodeId;
use tram_sim::packet::country::{LEAVES, node, star};
use tram_sim::packet::in_simulated_time;
use tram_sim::packet::plan::Plan;
use tram_sim::packet::world::World;

use crate::support::{ends, order, pair, run};

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
/// Dials are counted in spans of this.
const BUCKET_MS: u64 = 3_000;
/// The longest pause between two dials with its jitter, and a dial that nobody answers.
const DIAL_EVERY_MS_MAX: u64 = 45_000 + 10_000;

#[test]
fn a_partition_of_a_day_ends_by_itself_and_nothing_is_lost() {
    in_simulated_time(async {
        let (district, commune) = ends();
        let mut plan = pair();
        plan.orders.push(order(10_000, &commune, &district, 1_000));
        plan.orders.push(order(20_000, &district, &commune, 100_000));
        plan.cut(5_000, DAY_MS, &district, &commune);
        plan.cut(5_000, DAY_MS, &commune, &district);
        let world = run(plan).await;
        let dialled = world.glance(&commune).expect("it runs").dialled_ms;
        // The first dial made the session that the partition ended.
        let pauses: Vec<u64> = dialled[1..].windows(2).map(|w| w[1] - w[0]).collect();
        let longest = pauses.iter().max().expect("it dialled");
        assert!(*longest <= DIAL_EVERY_MS_MAX, "{longest}");
        // With a ceiling, not for ever longer, and not without a pause.
        let a_day = DAY_MS / dialled.len() as u64;
        assert!((30_000..DIAL_EVERY_MS_MAX).contains(&a_day), "every {a_day} ms");
        let healed = world.elapsed_ms() - DAY_MS;
        assert!(healed < 3 * MINUTE_MS, "at rest after {healed} ms");
    });
}

#[test]
fn a_one_way_partition_is_noticed_by_both_ends_and_heals() {
    in_simulated_time(async {
        let (district, commune) = ends();
        for (from, to) in [(&district, &commune), (&commune, &district)] {
            let mut plan = pair();
            plan.links[0].both_dial = true;
            plan.orders.push(order(10_000, &commune, &district, 1_000));
            plan.orders.push(order(11_000, &district, &commune, 1_000));
            plan.cut(9_000, 10 * MINUTE_MS, from, to);
            plan.sort();
            let world = World::start(plan, true);
            let running = world.clone();
            let run = tokio::spawn(async move { running.run().await });
            world.until(8_000).await;
            assert!(world.session(from, to).is_some() && world.session(to, from).is_some());
            // Nobody is optimistic for longer than two idle timeouts: the one that still hears the
            // other notices only when that one has given up.
            for minute in 3..9 {
                world.until(9_000 + minute * MINUTE_MS).await;
                assert!(world.session(from, to).is_none(), "minute {minute}, sender");
                assert!(world.session(to, from).is_none(), "minute {minute}, receiver");
            }
            run.await.expect("it ends");
            assert_eq!(world.violations(), Vec::<String>::new());
            assert_eq!(world.acknowledgements(), 2);
            let healed = world.elapsed_ms() - 10 * MINUTE_MS;
            assert!(healed < 3 * MINUTE_MS, "at rest after {healed} ms");
        }
    });
}

#[test]
fn a_link_that_flaps_for_minutes_delivers_everything_once() {
    in_simulated_time(async {
        let (district, commune) = ends();
        let mut plan = pair();
        for n in 0..60 {
            let at = 2_000 + n * 3_000;
            plan.cut(at, at + 1_700, &district, &commune);
            plan.cut(at, at + 1_700, &commune, &district);
        }
        for n in 0..12 {
            plan.orders.push(order(1_000 + n * 14_000, &commune, &district, 5_000));
            plan.orders.push(order(2_500 + n * 14_000, &district, &commune, 150_000));
        }
        let world = run(plan).await;
        // Short gaps are QUIC's affair: the session survives them.
        let glance = world.glance(&commune).expect("it runs");
        assert_eq!((glance.ups, glance.transfers), (1, 12), "{glance:?}");
    });
}

#[test]
fn sixty_four_leaves_that_lost_their_centre_spread_their_attempts() {
    in_simulated_time(async {
        let centre = node("H41");
        let country = star();
        let mut nodes = vec![centre.clone()];
        nodes.extend((1..=LEAVES).map(|n| node(&format!("H41.{n:02}"))));
        let leaves: Vec<NodeId> = nodes[1..].to_vec();
        let mut plan = Plan::calm(30, country, nodes);
        let (from, to) = (MINUTE_MS, 11 * MINUTE_MS);
        for leaf in &leaves {
            plan.cut(from, to, leaf, &centre);
            plan.cut(from, to, &centre, leaf);
            plan.orders.push(order(from + 1_000, leaf, &centre, 500));
        }
        let world = run(plan).await;
        let base = 60_000; // What a node's monotonic clock shows when the schedule begins.
        let mut dials: BTreeMap<u64, u64> = BTreeMap::new();
        for leaf in &leaves {
            for at in world.glance(leaf).expect("it runs").dialled_ms {
                *dials.entry((at - base) / BUCKET_MS).or_default() += 1;
            }
        }
        // All notice at the same moment; from when their pauses are at the ceiling until all are back.
        let (first, last) = ((from + 150_000) / BUCKET_MS, (to + MINUTE_MS) / BUCKET_MS);
        let during: Vec<u64> = (first..last).map(|b| dials.get(&b).copied().unwrap_or(0)).collect();
        let (peak, sum) = (*during.iter().max().expect("some"), during.iter().sum::<u64>());
        let mean = sum as f64 / during.len() as f64;
        assert!(sum > 64 * 10, "they go on trying: {sum}");
        assert!(peak as f64 <= 4.0 * mean, "peak {peak}, mean {mean:.2}");
        assert_eq!(world.glance(&centre).expect("it runs").sessions, LEAVES);
    });
}
