//! Schedules of the simulated country: a sample, twice the same, and every planted bug found.
//!
//! `TRAM_SIM_SEED` sets the first seed, `TRAM_SIM_SCHEDULES` how many; a failure prints the command
//! that replays it.

use tram_sim::land::Court;
use tram_sim::model::Wrong;
use tram_sim::plan::Plan;
use tram_sim::plant::Plant;
use tram_sim::shrink::{shrink, with_steps};
use tram_sim::world::{Options, Stats, run};

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn first_seed() -> u64 {
    number("TRAM_SIM_SEED", 1)
}

#[test]
fn every_promise_is_kept_in_a_sample_of_schedules() {
    let (court, mut stats) = (Court::new(), Stats::default());
    for seed in first_seed()..first_seed() + number("TRAM_SIM_SCHEDULES", 200) {
        let report = run(&Plan::of(seed), &court, Options::default());
        let words: Vec<String> = report.violations.iter().map(ToString::to_string).collect();
        let replay = format!("cargo run --release -p tram-sim -- --only {seed} --trace");
        assert!(words.is_empty(), "{words:#?}\nreplay: {replay}");
        stats.add(&report.stats);
    }
    // That a seed gives the same trace twice is the next test's.
    stats.repeated = 1;
    assert_eq!(stats.too_few(), [""; 0], "{stats}");
    assert!(stats.acknowledged > 0 && stats.handed_over > 0, "{stats}");
}

#[test]
fn the_same_seed_gives_the_same_trace_whatever_ran_before() {
    let warm = Court::new();
    for seed in first_seed()..first_seed() + 20 {
        let plan = Plan::of(seed);
        let first = run(&plan, &warm, Options::default());
        let again = run(&Plan::of(seed), &Court::new(), Options { trace: true, plant: None });
        assert_eq!(first.trace_hash, again.trace_hash, "seed {seed}");
        assert_eq!(first.stats, again.stats, "seed {seed}");
        assert!(!again.trace.is_empty());
    }
    let other = run(&Plan::of(first_seed() + 20), &warm, Options::default());
    assert_ne!(
        other.trace_hash,
        run(&Plan::of(first_seed()), &warm, Options::default()).trace_hash
    );
}

/// Runs schedules until a planted bug shows as what it is; which one it was.
fn caught_by(plant: Plant, as_what: Wrong) -> Option<u64> {
    let court = Court::new();
    let options = Options { plant: Some(plant), trace: false };
    (1..=1_000).find(|seed| {
        let found = run(&Plan::of(*seed), &court, options).violations;
        found.iter().any(|v| v.wrong == as_what)
    })
}

macro_rules! caught {
    ($($name:ident: $plant:expr => $wrong:expr,)+) => {
        $(#[test]
        fn $name() {
            let caught = caught_by($plant, $wrong);
            println!("{}: {:?} in schedule {caught:?}", $plant.word(), $wrong);
            assert!(caught.is_some(), "{} was not caught in 1,000 schedules", $plant.word());
        })+
    };
}

caught! {
    an_answer_before_the_sync_is_caught: Plant::AnswerBeforeSync => Wrong::Lost,
    a_forgotten_directory_sync_is_caught: Plant::NoDirectorySync => Wrong::Lost,
    missing_deduplication_is_caught: Plant::NoDeduplication => Wrong::Outcome,
    a_missing_rollback_check_is_caught: Plant::NoRollbackCheck => Wrong::Stuck,
    a_missing_proof_check_is_caught: Plant::NoProofCheck => Wrong::Unverifiable,
    custody_given_to_the_transport_is_caught: Plant::CustodyOnTransport => Wrong::Stuck,
    going_on_after_a_failed_sync_is_caught: Plant::RetryAfterFailedSync => Wrong::Stopped,
    a_flipped_bit_taken_for_a_torn_tail_is_caught: Plant::FlippedBitIsTorn => Wrong::Lost,
    an_old_receipt_for_a_returned_leg_is_caught: Plant::OldReceiptForReturned => Wrong::Lost,
    a_document_given_for_its_digest_is_caught: Plant::DocumentByDigest => Wrong::Leaked,
}

#[test]
fn a_failing_schedule_shrinks_and_still_fails_when_it_is_replayed() {
    let court = Court::new();
    let options = Options { plant: Some(Plant::AnswerBeforeSync), trace: false };
    let plan = (1..=1_000)
        .map(Plan::of)
        .find(|plan| !run(plan, &court, options).violations.is_empty())
        .expect("this bug is caught");
    let (keep, small) = shrink(&plan, &court, options).expect("it fails");
    assert!(keep.len() < plan.steps.len(), "{} of {} steps", keep.len(), plan.steps.len());
    assert!(!small.trace.is_empty());
    let again = run(&with_steps(&Plan::of(plan.seed), &keep), &Court::new(), options);
    assert_eq!(again.violations, small.violations);
    assert_eq!(again.trace_hash, small.trace_hash);
    // Without the bug the same steps are harmless.
    let honest = run(&with_steps(&plan, &keep), &court, Options::default());
    assert_eq!(honest.violations, []);
}
