//! Every fuzz target for a few seconds on stable Rust: `fuzz-smoke [SECONDS [SEED [TARGET…]]]`.
//!
//! Each target runs in a process of its own, so that an abort or a stack overflow is a finding and
//! not the end. What broke a rule is written to `target/fuzz-findings/`; the last line adds up.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that is read by people")]

mod child;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use tram_entry::{TARGETS, Target};

/// A run that takes this much longer than it was given hangs.
const HANG: Duration = Duration::from_secs(90);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = child::run_if_asked(&arguments) {
        return code;
    }
    let mut arguments = arguments.into_iter();
    let number = |text: Option<String>, default: u64| match text {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| format!("{text:?} is not a number")),
    };
    let read = || -> Result<_, String> {
        let (seconds, seed) =
            (number(arguments.next(), 2)?, number(arguments.next(), clock_seed())?);
        let asked: Vec<String> = arguments.collect();
        if let Some(odd) = asked.iter().find(|name| tram_entry::target(name).is_none()) {
            return Err(format!("there is no target {odd:?}"));
        }
        Ok((Duration::from_secs(seconds), seed, asked))
    };
    match read() {
        Ok((time, seed, asked)) => run(time, seed, &asked),
        Err(error) => {
            eprintln!("fuzz-smoke: {error}; usage: fuzz-smoke [SECONDS [SEED [TARGET...]]]");
            ExitCode::from(2)
        }
    }
}

/// A seed that differs from run to run; it is printed, so every run can be repeated.
fn clock_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |s| s.as_secs())
}

fn run(time: Duration, seed: u64, asked: &[String]) -> ExitCode {
    let wanted = |t: &&Target| asked.is_empty() || asked.iter().any(|a| a == t.name);
    let targets: Vec<&Target> = TARGETS.iter().filter(wanted).collect();
    let (mut runs, mut crashes) = (0, 0);
    for target in &targets {
        let (done, fault) = one(target.name, time, seed, false);
        let crashed = u8::from(fault.is_some());
        println!("target={} runs={done} crashes={crashed} seed={seed}", target.name);
        if let Some(fault) = fault {
            println!("  {fault}");
            // A rule that was broken left its input; an end of the process did not, so once more.
            let (_, again) = one(target.name, time * 2, seed, true);
            println!("  again, with every input written down: {}", again.unwrap_or_default());
            println!("  inputs: {}", findings().display());
        }
        (runs, crashes) = (runs + done, crashes + u64::from(crashed));
    }
    println!("targets={} runs={runs} crashes={crashes} seed={seed}", targets.len());
    if crashes == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one target in a child and waits for it: its runs, and what went wrong. A target that was
/// given no input proves nothing, and has failed.
fn one(name: &str, time: Duration, seed: u64, record: bool) -> (u64, Option<String>) {
    let began = Instant::now();
    let progress = findings().join(format!("{name}.runs"));
    let _ = std::fs::remove_file(&progress);
    let own = std::env::current_exe().expect("this program has a path");
    let arguments = [child::ASKED, name, &time.as_millis().to_string(), &seed.to_string()];
    let mut command = Command::new(own);
    if record {
        command.env(child::RECORD, "1");
    }
    let started = command.args(arguments).stdin(Stdio::null()).spawn();
    let mut process = started.expect("this program can be started again");
    let status = loop {
        if let Some(status) = process.try_wait().expect("a child can be waited for") {
            break Some(status);
        }
        if began.elapsed() > time + HANG {
            let _ = process.kill();
            let _ = process.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let text = std::fs::read_to_string(&progress).unwrap_or_default();
    let runs = text.trim().parse().unwrap_or(0);
    let _ = std::fs::remove_file(&progress);
    let fault = match status {
        Some(status) if status.success() && runs > 0 => None,
        Some(status) if status.success() => Some("no input was run".to_owned()),
        Some(status) => Some(status.to_string()),
        None => Some(format!("hangs: not done {HANG:?} after its time")),
    };
    (runs, fault)
}

/// Where findings are kept.
fn findings() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target =
        target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"));
    let folder = target.join("fuzz-findings");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}
