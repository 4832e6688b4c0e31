//! The `tram` binary: daemon and command line in one.

use std::process::ExitCode;

/// The system's allocator took a sixth of the CPU under load (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tram::cli::main()
}
