//! `tram sandbox`: two nodes for a developer.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::shell::Shell;
use crate::demo::sandbox::{self, SandboxOptions};

/// Start two nodes with test keys on this machine, for those who connect a system.
///
/// Stays in the foreground and says where the sockets are; Ctrl-C stops both nodes. Each seals for its
/// agency, G22 above and H41 below. With --dir the state stays and the next run goes on with it;
/// otherwise nothing is left behind. docs/integrators.md shows what to do with it.
#[derive(Args)]
#[command(after_help = "Examples:\n  tram sandbox\n  tram sandbox --dir trial --json")]
pub(crate) struct SandboxArgs {
    /// Put everything into this folder and leave it there: new, empty, or one of a sandbox before.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// Runs the sandbox.
pub(crate) fn run(shell: &Shell, args: SandboxArgs) -> ExitCode {
    let SandboxArgs { dir } = args;
    sandbox::run(&SandboxOptions { json: shell.json, dir, lang: shell.language })
}
