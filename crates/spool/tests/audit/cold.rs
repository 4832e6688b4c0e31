//! A question asked by a process of its own, of files that no memory holds.

use crate::asked::{Asked, QUESTIONS};
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use tram_spool::store::{Store, StoreOptions};

/// Names a question, the store, and what is asked about, to a test process that only asks.
const QUESTION: &str = "TRAM_LONG_QUESTION";
const STORE: &str = "TRAM_LONG_STORE";
const ABOUT: &str = "TRAM_LONG_ABOUT";
/// What the line of such a process begins with.
const SAID: &str = "asked:";

/// What one question took.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) found: u64,
    /// Opening the store, with nothing dropped from memory before.
    pub(crate) open_us: u64,
    /// The first answer; before it, everything of the store was dropped from the page cache.
    pub(crate) cold_us: u64,
    /// What that read from the disk.
    pub(crate) read_kib: u64,
    /// The same again.
    pub(crate) warm_us: u64,
}

/// Asks in a new process, which runs the test `test` of this program.
pub(crate) fn ask(test: &str, directory: &Path, asked: &Asked, question: usize) -> Row {
    let ran = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env(QUESTION, question.to_string())
        .env(STORE, directory)
        .env(ABOUT, asked.to_text())
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    let line = said.lines().find_map(|line| line.split_once(SAID)).unwrap().1;
    let numbers: Vec<u64> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let [found, open_us, cold_us, read_kib, warm_us] = numbers[..] else { panic!("{line}") };
    Row { found, open_us, cold_us, read_kib, warm_us }
}

/// In the new process: answers and says what it took. False where nothing was asked.
pub(crate) fn answered(options: impl Fn() -> StoreOptions) -> bool {
    let variable = |name: &str| std::env::var(name).ok();
    let (Some(question), Some(store), Some(about)) =
        (variable(QUESTION), variable(STORE), variable(ABOUT))
    else {
        return false;
    };
    let (directory, asked) = (Path::new(&store), Asked::of_text(&about));
    let (_, answer) = QUESTIONS[question.parse::<usize>().unwrap()];
    let begun = Instant::now();
    let (store, ..) = Store::open_dir(directory, options()).unwrap();
    let open_us = begun.elapsed().as_micros();
    let reader = store.reader();
    drop_from_memory(directory);
    let read_before = read_bytes();
    let begun = Instant::now();
    let found = answer(&asked, &reader);
    let cold_us = begun.elapsed().as_micros();
    let read_kib = (read_bytes() - read_before) / 1024;
    let begun = Instant::now();
    assert_eq!(answer(&asked, &reader), found);
    let warm_us = begun.elapsed().as_micros();
    println!("{SAID} {found} {open_us} {cold_us} {read_kib} {warm_us}");
    true
}

/// Asks the kernel to forget the pages of every file of the store, after they are on the disk.
fn drop_from_memory(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            drop_from_memory(&path);
        } else if let Ok(file) = File::open(&path) {
            forget(&file);
        }
    }
}

#[cfg(target_os = "linux")]
fn forget(file: &File) {
    use rustix::fs::{Advice, fadvise};
    rustix::fs::fdatasync(file).unwrap();
    fadvise(file, 0, None, Advice::DontNeed).unwrap();
}

#[cfg(not(target_os = "linux"))]
fn forget(_: &File) {}

/// What this process had read from a disk until now; nothing where the system does not say.
fn read_bytes() -> u64 {
    let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("read_bytes: "));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}
