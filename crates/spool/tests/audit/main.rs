//! The questions auditors ask, on a store that a generator fills: real leaves, real trees, one real
//! signature per batch. Each answer is compared with what the generator remembers by itself.

#![allow(clippy::print_stdout, reason = "says how long each answer took")]

mod answers;
mod country;

use answers::{Answers, timed};
use country::{Country, Size};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tram_spool::store::{Store, StoreOptions};

fn options() -> StoreOptions {
    StoreOptions { create_with_store_id: Some([9; 16]), ..StoreOptions::default() }
}

/// Fills a store and gives what the generator remembers.
fn fill(directory: &Path, size: &Size) -> Country {
    let (mut store, ..) = Store::open_dir(directory, options()).unwrap();
    let mut country = Country::new(size);
    let begun = Instant::now();
    let mut commits = std::time::Duration::ZERO;
    while let Some(batch) = country.batch() {
        let before = Instant::now();
        store.commit(&batch).unwrap();
        commits += before.elapsed();
    }
    store.flush().unwrap();
    println!(
        "{} receipts, {} dispatches, {} legs in {} batches: {:.1} s, of these commits {:.1} s",
        country.receipts(),
        country.dispatches.len(),
        country.legs.len(),
        country.batches,
        begun.elapsed().as_secs_f64(),
        commits.as_secs_f64(),
    );
    country
}

/// What every question must answer in, in the long run.
const ANSWER_MS_MAX: u128 = 1_000;

fn ask(directory: &Path, country: &Country, bounded: bool) {
    let (store, ..) = Store::open_dir(directory, options()).unwrap();
    let reader = store.reader();
    let answers = Answers { reader: &reader, country, in_time: Default::default() };
    let mut slowest = 0;
    let mut row = |name: &str, answer: &dyn Fn() -> u64| {
        // The first time with pages that are not in redb's cache yet.
        let (first_us, found) = timed(answer);
        let (again_us, _) = timed(answer);
        println!("{name:44} {found:>10} found  {first_us:>9} us  again {again_us:>9} us");
        slowest = slowest.max(first_us / 1000);
    };
    row("one dispatch, all its records", &|| answers.one_dispatch());
    row("one document number", &|| answers.one_number());
    row("from A to B between two dates", &|| answers.between());
    row("refusals, first page of a month", &|| answers.refusals_of_a_month());
    row("refusals of one reason", &|| answers.refusals_by_code());
    row("refusals of one node", &|| answers.refusals_by_node());
    row("overdue, first page", &|| answers.overdue());
    row("overdue, one agency", &|| answers.overdue_of_one());
    row("registered late, one month", &|| answers.late());
    row("statistics, one day", &|| answers.statistics(1));
    row("statistics, thirty days", &|| answers.statistics(30));
    row("statistics, everything", &|| answers.statistics(u32::MAX));
    row("statistics, one agency, everything", &|| answers.statistics_of_one());
    let (us, ()) = timed(&|| answers.receipts_verify(200));
    println!("{:44} {:>10} found  {us:>9} us", "sampled receipts, each verified", 200);
    if bounded {
        assert!(slowest < ANSWER_MS_MAX, "the slowest answer took {slowest} ms");
    }
}

#[test]
fn every_question_answers_what_the_generator_remembers() {
    let directory = tempfile::tempdir().unwrap();
    let size = Size { receipts: 20_000, agencies: 60, days: 100, seed: 3 };
    let country = fill(directory.path(), &size);
    ask(directory.path(), &country, false);
    Answers::of(directory.path(), &country, options(), |answers| {
        answers.every_count();
        answers.every_page_of_overdue();
        answers.every_page_of_refusals();
        answers.every_leg_between();
    });
}

#[test]
fn an_index_built_anew_answers_the_same_and_the_check_agrees() {
    let directory = tempfile::tempdir().unwrap();
    let size = Size { receipts: 6_000, agencies: 12, days: 20, seed: 4 };
    let country = fill(directory.path(), &size);
    let compare = || {
        Answers::of(directory.path(), &country, options(), |answers| {
            answers.every_count();
            answers.every_page_of_overdue();
            answers.every_page_of_refusals();
            answers.every_leg_between();
        });
    };
    compare();
    std::fs::remove_file(directory.path().join(tram_spool::store::INDEX_FILE)).unwrap();
    compare();
    answers::check(directory.path(), options());
}

/// `TRAM_LONG_RECEIPTS` receipts (ten million) in `TRAM_LONG_DIR`, which must be empty, or in a new
/// folder. With `TRAM_LONG_KEEP` the store stays.
#[test]
#[ignore = "long: ten million receipts; .ci/long audit runs it"]
fn long_ten_million_receipts() {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let receipts = number("TRAM_LONG_RECEIPTS", 10_000_000);
    let directory = tempfile::tempdir_in(folder()).unwrap();
    let size = Size { receipts, agencies: 3_356, days: 365, seed: 5 };
    let country = fill(directory.path(), &size);
    ask(directory.path(), &country, true);
}

fn folder() -> PathBuf {
    std::env::var_os("TRAM_LONG_DIR").map_or_else(std::env::temp_dir, PathBuf::from)
}
