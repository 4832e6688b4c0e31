//! The process that runs one target.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tram_entry::{corpus, mutate, target};

/// First argument of a child.
pub(crate) const ASKED: &str = "--one";

/// Set where every input is to be written down before it is run, so that what ends the process can
/// be read: a second run of the same seed does that.
pub(crate) const RECORD: &str = "TRAM_FUZZ_RECORD";

/// Inputs between two looks at the clock and two notes of how far it came.
const RUNS_PER_NOTE: u64 = 32;

/// Runs a target if the arguments are those of a child.
pub(crate) fn run_if_asked(arguments: &[String]) -> Option<ExitCode> {
    let [asked, name, milliseconds, seed] = arguments else { return None };
    if asked != ASKED {
        return None;
    }
    let time = Duration::from_millis(milliseconds.parse().ok()?);
    Some(run(name, time, seed.parse().ok()?))
}

fn run(name: &str, time: Duration, seed: u64) -> ExitCode {
    let Some(target) = target(name) else { return ExitCode::from(2) };
    let kept: Vec<Vec<u8>> = match corpus::read(name) {
        Ok(inputs) if !inputs.is_empty() => inputs.into_values().collect(),
        _ => {
            eprintln!("{name}: no corpus in {}", corpus::folder().display());
            return ExitCode::from(2);
        }
    };
    let folder = crate::findings();
    let (progress, last) =
        (folder.join(format!("{name}.runs")), folder.join(format!("{name}.last")));
    let record = std::env::var_os(RECORD).is_some();
    let began = Instant::now();
    let mut runs = 0;
    // First what is kept, as it is; then changes of it, always at least some.
    while runs < kept.len() as u64 + RUNS_PER_NOTE || began.elapsed() < time {
        for _ in 0..RUNS_PER_NOTE {
            let input = match usize::try_from(runs).ok().and_then(|n| kept.get(n)) {
                Some(kept) => kept.clone(),
                None => mutate::mutated(&kept, &mut mutate::Dice::new(seed, runs)),
            };
            if record {
                let _ = std::fs::write(&last, &input);
            }
            if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
                return found(name, &input, runs, &progress);
            }
            runs += 1;
        }
        let _ = std::fs::write(&progress, runs.to_string());
    }
    let _ = std::fs::remove_file(&last);
    ExitCode::SUCCESS
}

/// Keeps an input that broke a rule.
fn found(name: &str, input: &[u8], runs: u64, progress: &PathBuf) -> ExitCode {
    let _ = std::fs::write(progress, (runs + 1).to_string());
    let digest = hex::encode(&tram_crypto::sha256(input)[..8]);
    let path = crate::findings().join(format!("{name}-{digest}"));
    match std::fs::write(&path, input) {
        Ok(()) => eprintln!("{name}: run {runs} broke a rule; its input: {}", path.display()),
        Err(error) => eprintln!("{name}: run {runs} broke a rule; {error}: {}", hex::encode(input)),
    }
    ExitCode::FAILURE
}
