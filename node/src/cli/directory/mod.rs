//! `tram directory`: the signed registry, from an editable working file to every node.

mod difference;
mod edit;
mod install;
mod look;
mod merge;
mod sign;
mod subtree;
mod working;
mod written;

use clap::Subcommand;

use super::Done;
use super::shell::Shell;

#[derive(Subcommand)]
pub(crate) enum Command {
    New(edit::NewArgs),
    AddAgency(edit::AddAgencyArgs),
    AddNode(edit::AddNodeArgs),
    CloseAgency(edit::CloseAgencyArgs),
    Merge(merge::MergeArgs),
    Sign(sign::SignArgs),
    Diff(difference::DiffArgs),
    Apply(difference::ApplyArgs),
    Open(subtree::OpenArgs),
    Delegate(subtree::DelegateArgs),
    SignSubtree(subtree::SignSubtreeArgs),
    TakeSubtree(subtree::TakeSubtreeArgs),
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
        Command::Merge(args) => merge::run(shell, &args),
        Command::Sign(args) => sign::run(shell, &args),
        Command::Diff(args) => difference::diff(shell, &args),
        Command::Apply(args) => difference::apply(shell, &args),
        Command::Open(args) => subtree::open(shell, &args),
        Command::Delegate(args) => subtree::delegate(shell, &args),
        Command::SignSubtree(args) => subtree::sign(shell, &args),
        Command::TakeSubtree(args) => subtree::take(shell, &args),
        Command::Verify(args) => look::verify(shell, &args),
        Command::Install(args) => install::run(shell, &args),
        Command::Show(args) => look::show(shell, &args),
        Command::Find(args) => look::find(shell, &args),
    }
}
