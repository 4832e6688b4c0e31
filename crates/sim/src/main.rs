//! Runs schedules of the simulated country and says what came of them.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command line")]

mod command;
mod packets;

use std::process::ExitCode;

/// As the product has it: a schedule is made of small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match command::Asked::read(std::env::args().skip(1)) {
        Ok(asked) => asked.carry_out(),
        Err(words) => {
            eprintln!("{words}");
            ExitCode::from(2)
        }
    }
}
