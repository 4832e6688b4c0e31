//! The `tram` binary: daemon and command line in one.

use std::process::ExitCode;

fn main() -> ExitCode {
    tram::cli::main()
}
