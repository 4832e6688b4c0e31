//! `tram directory`: the signed registry, from an editable working file to every node.

mod edit;
mod install;
mod look;
mod sign;
mod working;

use clap::Subcommand;

use super::Done;
use super::shell::Shell;

#[derive(Subcommand)]
pub(crate) enum Command {
    New(edit::NewArgs),
    AddAgency(edit::AddAgencyArgs),
    AddNode(edit::AddNodeArgs),
    CloseAgency(edit::CloseAgencyArgs),
    Sign(sign::SignArgs),
    Verify(look::VerifyArgs),
    Install(install::InstallArgs),
    Show(look::ShowArgs),
    Find(look::FindArgs),
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::New(args) => edit::new(shell, &args),
        Command::AddAgency(args) => edit::add_agency(shell, &args),
        Command::AddNode(args) => edit::add_node(shell, &args),
        Command::CloseAgency(args) => edit::close_agency(shell, &args),
        Command::Sign(args) => sign::run(shell, &args),
        Command::Verify(args) => look::verify(shell, &args),
        Command::Install(args) => install::run(shell, &args),
        Command::Show(args) => look::show(shell, &args),
        Command::Find(args) => look::find(shell, &args),
    }
}
