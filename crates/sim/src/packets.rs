//! `tram-sim --packet`: schedules packet by packet, and what came of them.

use std::process::ExitCode;

use tram_sim::packet::{Options, run};
use tram_sim::plant::Plant;

/// Runs them and prints what was found; the last line has the numbers.
pub(crate) fn carry_out(options: &Options, json: bool) -> ExitCode {
    if options.plant.is_some_and(|plant| plant != Plant::AnswerBeforeSync) {
        eprintln!("this bug cannot be planted packet by packet");
        return ExitCode::from(2);
    }
    let report = run(options);
    report.trace.iter().for_each(|line| println!("{line}"));
    print!("{}", report.failures_in_words());
    println!("{}", if json { report.json() } else { report.line() });
    if let Some(plant) = options.plant {
        let caught = report.failures.first().map(|f| f.seed);
        println!("plant {}: first caught by seed {caught:?}", plant.word());
        return if caught.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
