//! The questions auditors ask, on a store that a generator fills: real leaves, real trees, one real
//! signature per batch. Each answer is compared with what the generator remembers by itself.

#![allow(clippy::print_stdout, reason = "says how long each answer took")]

mod answers;
mod asked;
mod cold;
mod country;
mod custody;
#[path = "../store/log.rs"]
mod log;
mod recount;
mod touched;
mod world;

use answers::Answers;
use asked::{Asked, QUESTIONS};
use country::{Country, Size};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tram_spool::store::{Store, StoreOptions};

/// As in the product. The system's one, after a start that freed millions of small pieces, spends
/// seconds to put them together in the first answer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn options() -> StoreOptions {
    StoreOptions { create_with_store_id: Some([9; 16]), ..StoreOptions::default() }
}

/// Fills a store and gives what the generator remembers.
fn fill(directory: &Path, size: &Size, options: StoreOptions) -> Country {
    let (mut store, ..) = Store::open_dir(directory, options).unwrap();
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
const ANSWER_MS_MAX: u64 = 1_000;

/// Asks everything once, here.
fn ask_all(answers: &Answers<'_>) {
    let asked = Asked::about(answers, answers.country);
    assert_eq!(Asked::of_text(&asked.to_text()), asked);
    for (name, answer) in QUESTIONS {
        assert!(answer(&asked, answers.reader) > 0, "{name}");
    }
}

#[test]
fn every_question_answers_what_the_generator_remembers() {
    let directory = tempfile::tempdir().unwrap();
    let size = Size { receipts: 20_000, agencies: 60, days: 100, seed: 3 };
    let country = fill(directory.path(), &size, options());
    open_dispatches_come_in_their_order(directory.path());
    Answers::of(directory.path(), &country, options(), |answers| {
        ask_all(answers);
        answers.every_count();
        answers.every_page_of_overdue();
        answers.every_page_of_overdue_by_urgency();
        answers.every_page_of_refusals();
        answers.every_leg_between();
    });
}

/// More than one thread reads them, and each comes once, whole, in its place.
fn open_dispatches_come_in_their_order(directory: &Path) {
    let (store, recovered, _) = Store::open_dir(directory, options()).unwrap();
    let reader = store.reader();
    let ids: Vec<_> = recovered.open.iter().map(|h| h[0].dispatch().unwrap()).collect();
    assert!(ids.len() > 256 && ids.is_sorted());
    assert_eq!(ids.len() as u64, reader.open_dispatches());
    for (id, history) in ids.iter().zip(&recovered.open) {
        assert_eq!(&reader.records_of(id).unwrap(), history);
    }
}

#[test]
fn an_index_built_anew_answers_the_same_and_the_check_agrees() {
    let directory = tempfile::tempdir().unwrap();
    let size = Size { receipts: 6_000, agencies: 12, days: 20, seed: 4 };
    let country = fill(directory.path(), &size, options());
    let compare = || {
        Answers::of(directory.path(), &country, options(), |answers| {
            answers.every_count();
            answers.every_page_of_overdue();
            answers.every_page_of_overdue_by_urgency();
            answers.every_page_of_refusals();
            answers.every_leg_between();
        });
    };
    compare();
    std::fs::remove_file(directory.path().join(tram_spool::store::INDEX_FILE)).unwrap();
    compare();
    answers::check(directory.path(), options());
}

/// `TRAM_LONG_RECEIPTS` receipts (ten million) of `TRAM_LONG_DAYS` days (365) in a new folder within
/// `TRAM_LONG_DIR`, where they stay with `TRAM_LONG_KEEP`. Each question is asked
/// by a process of its own, with everything of the store dropped from memory, and then again.
#[test]
#[ignore = "long: ten million receipts; .ci/long audit runs it"]
fn long_ten_million_receipts() {
    if cold::answered(options) {
        return;
    }
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let receipts = number("TRAM_LONG_RECEIPTS", 10_000_000);
    let mut directory = tempfile::tempdir_in(folder()).unwrap();
    let size = Size { receipts, agencies: 3_356, days: number("TRAM_LONG_DAYS", 365), seed: 5 };
    // Only to fill it faster: fewer and larger writes of the index.
    let patient = StoreOptions {
        index_cache_bytes: 1 << 30,
        flush_entries: number("TRAM_LONG_FLUSH", 1 << 20) as usize,
        flush_interval_ms: 600_000,
        ..options()
    };
    let country = fill(directory.path(), &size, patient);
    let mut asked = None;
    Answers::of(directory.path(), &country, options(), |answers| {
        asked = Some(Asked::about(answers, &country));
    });
    let (asked, mut slow) = (asked.unwrap(), Vec::new());
    if std::env::var_os("TRAM_LONG_KEEP").is_some() {
        directory.disable_cleanup(true);
        println!("{} keeps: {}", directory.path().display(), asked.to_text());
    }
    println!(
        "{:40} {:>8} {:>10} {:>10} {:>10} {:>10}",
        "", "found", "cold us", "read KiB", "again us", "open us"
    );
    for (index, (name, _)) in QUESTIONS.iter().enumerate() {
        let row = cold::ask("long_ten_million_receipts", directory.path(), &asked, index);
        println!(
            "{name:40} {:>8} {:>10} {:>10} {:>10} {:>10}",
            row.found, row.cold_us, row.read_kib, row.warm_us, row.open_us
        );
        assert!(row.found > 0, "{name}");
        if row.cold_us.max(row.warm_us) >= ANSWER_MS_MAX * 1_000 {
            slow.push((name, row));
        }
    }
    assert!(slow.is_empty(), "over {ANSWER_MS_MAX} ms: {slow:?}");
}

fn folder() -> PathBuf {
    std::env::var_os("TRAM_LONG_DIR").map_or_else(std::env::temp_dir, PathBuf::from)
}
