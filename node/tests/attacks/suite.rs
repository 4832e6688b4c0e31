//! The attacks, all and a sample.

use std::time::Duration;

use tokio::task::LocalSet;

use crate::arena::{Arena, Attack, KEPT_MIN, MEMORY_BYTES_MAX, Outcome, Times};
use crate::support::number;
use crate::target::{Target, Watch};
use crate::{by_hand, peers, say, socket, strangers};

type Run = fn(&Target, &Watch, usize);

const fn attack(name: &'static str, per_second_min: f64, run: Run) -> Attack {
    Attack { name, per_second_min, threads: 1, baited: false, from_above: false, run }
}

const fn baited(attack: Attack) -> Attack {
    Attack { baited: true, ..attack }
}

/// Every attack. The sample takes every one whose name it names.
const ATTACKS: &[Attack] = &[
    attack("garbage", 2_000.0, strangers::garbage),
    attack("version-negotiation", 2_000.0, strangers::versions),
    attack("first-packets", 2_000.0, strangers::first_packets),
    attack("unknown-certificates", 10.0, strangers::unknown_certificates),
    attack("connection-churn", 2.0, peers::churn),
    attack("zombie-sessions", 2.0, peers::zombies),
    attack("unused-streams", 50.0, peers::unused_streams),
    attack("slow-streams", 50.0, peers::drips),
    attack("huge-offers", 10.0, peers::huge_offers),
    attack("never-reading", 1.0, peers::deaf),
    attack("greedy-peer", 20.0, peers::greedy),
    baited(attack("unread-ranges", 0.5, peers::unread_ranges)),
    attack("gapped-fragments", 100.0, by_hand::gaps),
    attack("connection-ids", 50.0, by_hand::connection_ids),
    attack("path-challenges", 200.0, by_hand::paths),
    attack("rapid-reset", 200.0, by_hand::resets),
    baited(attack("optimistic-acknowledgements", 5.0, by_hand::acknowledgements)),
    attack("http-idle", 20.0, socket::idle),
    attack("http-slow-heads", 100.0, socket::slow_heads),
    attack("http-slow-bodies", 100.0, socket::slow_bodies),
    attack("http-large-bodies", 50.0, socket::large_bodies),
    attack("http-huge-bodies", 50.0, socket::huge_bodies),
    attack("http-unread", 50.0, socket::unread),
    Attack { from_above: true, ..attack("mail-bomb", 20.0, peers::mail_bomb) },
    attack("half-open", 50.0, strangers::half_open),
];

/// Those that CI runs, in this order, against two pairs of nodes.
const SAMPLE: &[&str] = &[
    "first-packets",
    "connection-churn",
    "huge-offers",
    "gapped-fragments",
    "connection-ids",
    "rapid-reset",
    "never-reading",
    "http-slow-bodies",
    "http-unread",
    "half-open",
];

/// A machine that does something else in between is measured again, so often at the most.
const TRIES: usize = 3;

/// What is wrong with an outcome.
fn faults(attack: &Attack, times: Times, outcome: &Outcome) -> Vec<String> {
    let mut faults = Vec::new();
    let seconds = (times.ramp + times.during).as_secs_f64();
    let name = attack.name;
    if outcome.rss_peak_bytes >= MEMORY_BYTES_MAX {
        faults.push(format!("{name}: {} MiB", outcome.rss_peak_bytes >> 20));
    }
    if outcome.during < times.part * KEPT_MIN * outcome.before || outcome.before < 20.0 {
        let (before, during) = (outcome.before, outcome.during);
        faults.push(format!("{name}: {before:.0} a second before, {during:.0} meanwhile"));
    }
    if (outcome.operations as f64) < times.part * attack.per_second_min * seconds {
        faults.push(format!("{name}: only {} operations in {seconds} s", outcome.operations));
    }
    faults
}

/// Runs attacks one after the other; against new nodes each, or against the same as long as they stand.
async fn all(attacks: &[&Attack], times: Times, new_each: bool) -> Vec<String> {
    let (mut failed, mut arena) = (Vec::new(), None);
    for attack in attacks {
        for nth in 1..=TRIES {
            let here = match arena.take() {
                Some(arena) => arena,
                None => Arena::new(attack.from_above).await,
            };
            let found = faults(attack, times, &here.under(attack, times).await);
            if found.is_empty() {
                arena = (!new_each).then_some(here);
                break;
            }
            say(&format!("{}\n{}", found.join("; "), here.tail()));
            if nth == TRIES {
                failed.extend(found);
            }
        }
    }
    failed
}

fn run(work: impl Future<Output = Vec<String>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let faults = LocalSet::new().block_on(&runtime.expect("a runtime"), work);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn honest_traffic_and_memory_stand_a_sample_of_attacks() {
    let times = Times {
        before: Duration::from_millis(800),
        ramp: Duration::from_millis(500),
        during: Duration::from_millis(1_200),
        part: 0.4,
    };
    let named = |names: &[&str]| -> Vec<&'static Attack> {
        let find = |name: &&str| ATTACKS.iter().find(|a| a.name == *name).expect("an attack");
        names.iter().map(find).collect()
    };
    run(async move {
        let (first, second) = SAMPLE.split_at(SAMPLE.len() / 2);
        let mut faults = all(&named(first), times, false).await;
        faults.extend(all(&named(second), times, false).await);
        faults
    });
}

/// `TRAM_ATTACKS` names some of them; `TRAM_ATTACK_S` says for how many seconds each goes on.
#[test]
#[ignore = "long: every attack for some seconds, each against new nodes"]
fn long_attacks() {
    let only = std::env::var("TRAM_ATTACKS").unwrap_or_default();
    let wanted = |name: &str| only.is_empty() || only.split(',').any(|n| n == name);
    let times = Times {
        before: Duration::from_secs(3),
        ramp: Duration::from_secs(1),
        during: Duration::from_secs(number("TRAM_ATTACK_S", 8)),
        part: 1.0,
    };
    let attacks: Vec<&Attack> = ATTACKS.iter().filter(|a| wanted(a.name)).collect();
    run(async move {
        let faults = all(&attacks, times, true).await;
        say(&format!("attacks={} failed={}", attacks.len(), faults.len()));
        faults
    });
}
