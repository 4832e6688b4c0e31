//! `tram network`: the root document, which everybody installs by hand.

mod new;
mod show;

use clap::Subcommand;

use super::Done;
use super::shell::Shell;

#[derive(Subcommand)]
pub(crate) enum Command {
    New(new::NewArgs),
    Show(show::ShowArgs),
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::New(args) => new::run(shell, &args),
        Command::Show(args) => show::run(shell, &args),
    }
}
