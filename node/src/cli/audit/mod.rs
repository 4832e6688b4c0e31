//! `tram audit`: the questions auditors ask, each answered from an index.

mod dispatch;
mod gaps;

use clap::Subcommand;

use super::Done;
use super::shell::Shell;

#[derive(Subcommand)]
pub(crate) enum Command {
    Dispatch(dispatch::DispatchArgs),
    Gaps(gaps::GapsArgs),
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::Dispatch(args) => dispatch::run(shell, &args),
        Command::Gaps(args) => gaps::run(shell, &args),
    }
}
