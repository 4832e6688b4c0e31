//! `tram demo`: the whole product on one machine.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::shell::Shell;
use crate::demo::{self, DemoOptions};

/// Show a dispatch travelling four tiers on this machine, with every receipt.
///
/// Starts four nodes of its own, each a `tram run`, and stops them at the end. Nothing is needed
/// and nothing is left behind. With --json the last line is a summary; the exit code is 0 only if
/// everything was as it should be.
#[derive(Args)]
#[command(after_help = "Examples:\n  tram demo\n  tram demo --keep --dir trial")]
pub(crate) struct DemoArgs {
    /// Leave the nodes running until Ctrl-C, with commands to look around.
    #[arg(long)]
    keep: bool,
    /// Put everything into this folder, new or empty, and leave it there; otherwise a folder for
    /// temporary files is used and removed.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// Runs the demo.
pub(crate) fn run(shell: &Shell, args: DemoArgs) -> ExitCode {
    let DemoArgs { keep, dir } = args;
    demo::run(DemoOptions { keep, json: shell.json, dir, lang: shell.language })
}
