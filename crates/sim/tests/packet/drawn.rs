//! Schedules drawn from seeds.

use tram_sim::packet::{Options, run};
use tram_sim::plant::Plant;

#[test]
fn drawn_schedules_lose_nothing_double_nothing_and_come_to_rest() {
    let options = Options { schedules: 50, seed: 1, repeat_every: 10, ..Options::default() };
    let report = run(&options);
    assert!(report.is_good(), "{}\n{}", report.failures_in_words(), report.line());
    assert_eq!((report.schedules, report.repeated), (50, 5));
    assert!(report.dispatches >= 100, "{}", report.line());
    assert_eq!(report.unrepeatable, 0);
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_another() {
    let of = |seed| {
        let options = Options { schedules: 4, seed, repeat_every: 0, ..Options::default() };
        run(&options).trace_hash
    };
    let first = of(5_000);
    assert_eq!(first, of(5_000));
    assert_ne!(first, of(6_000));
}

#[test]
fn one_schedule_runs_again_by_its_seed_with_a_trace_to_read() {
    let options = Options { only: Some(3), trace: true, ..Options::default() };
    let report = run(&options);
    assert!(report.is_good(), "{}", report.failures_in_words());
    assert_eq!((report.schedules, report.repeated, report.seed), (1, 1, 3));
    let trace = report.trace.join("\n");
    assert!(trace.contains("session with") && trace.contains(" B sent"), "{trace}");
    assert!(report.line().starts_with("packet_schedules=1 lost=0 duplicated=0 unverifiable=0 "));
}

#[test]
fn nodes_that_answer_before_their_disks_have_it_are_caught() {
    let plant = Some(Plant::AnswerBeforeSync);
    let options = Options { schedules: 12, seed: 1, repeat_every: 0, plant, ..Options::default() };
    let report = run(&options);
    assert!(!report.failures.is_empty(), "{}", report.line());
    assert!(!report.is_good());
    assert!(report.failures_in_words().contains("tram-sim --packet --only "));
}
