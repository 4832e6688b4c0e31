//! `tram pki`: a small certificate authority, and requests to any.

mod authority;
mod install;
mod issue;
mod request;
mod revoke;
mod show;

use clap::{Subcommand, ValueEnum};
use tram_pki::KeyAlgorithm;

use super::Done;
use super::shell::Shell;

#[derive(Subcommand)]
pub(crate) enum Command {
    NewRoot(authority::NewRootArgs),
    NewCa(authority::NewCaArgs),
    Request(request::RequestArgs),
    Issue(issue::IssueArgs),
    Install(install::InstallArgs),
    Show(show::ShowArgs),
    Revoke(revoke::RevokeArgs),
}

/// Kinds of new keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NewKey {
    /// Ed25519.
    Ed25519,
    /// ECDSA on P-256.
    P256,
}

impl From<NewKey> for KeyAlgorithm {
    fn from(kind: NewKey) -> Self {
        match kind {
            NewKey::Ed25519 => KeyAlgorithm::Ed25519,
            NewKey::P256 => KeyAlgorithm::P256,
        }
    }
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::NewRoot(args) => authority::new_root(shell, &args),
        Command::NewCa(args) => authority::new_ca(shell, &args),
        Command::Request(args) => request::run(shell, &args),
        Command::Issue(args) => issue::run(shell, &args),
        Command::Install(args) => install::run(shell, &args),
        Command::Show(args) => show::run(shell, &args),
        Command::Revoke(args) => revoke::run(shell, &args),
    }
}
