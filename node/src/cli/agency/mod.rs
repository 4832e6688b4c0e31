//! `tram agency`: the agencies whose mailboxes this node holds.

mod host;
mod list;

use clap::Subcommand;

use super::Done;
use super::shell::Shell;

#[derive(Subcommand)]
pub(crate) enum Command {
    List(list::ListArgs),
    Host(host::HostArgs),
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::List(args) => list::run(shell, &args),
        Command::Host(args) => host::run(shell, &args),
    }
}
