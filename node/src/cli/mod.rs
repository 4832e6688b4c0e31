//! The command line: noun, then verb.
//!
//! ```text
//! words ── clap ──▶ one command ──▶ the node's socket, or files ──▶ table, JSON, or a problem
//! ```
//!
//! A command never prints what it did not find out: answers go to standard output (tables for
//! people, `--json` for programs), problems and progress to standard error, and the exit code is
//! that of the table of codes.

mod agency;
mod audit;
mod clock;
mod config;
mod connect;
mod demo;
mod directory;
mod dispatch;
mod edxml;
mod evidence;
mod failure;
mod files;
mod group;
mod inbox;
pub(crate) mod init;
mod inspect;
mod log;
mod network;
mod own_seal;
mod peer;
mod pki;
mod queue;
mod receipt;
mod remote;
mod run;
mod sandbox;
mod shell;
mod show;
mod status;
mod store;
pub(crate) mod table;
mod texts;
mod types;
mod unit;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use failure::Failure;
use shell::{Lang, Shell};

/// What a command comes to: an exit code of [`tram_dispatch::codes::exit`], or a failure.
type Done = Result<u8, Failure>;
/// Exit code of a command that did what it was asked.
const DONE: u8 = tram_dispatch::codes::exit::DONE;

/// Trạm: carries signed documents between agencies, and proves each step with receipts.
///
/// A first look without any set-up: `tram demo`. A first installation: docs/operations.md.
#[derive(Parser)]
#[command(name = "tram", version, arg_required_else_help = true, after_help = AFTER)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "Exit codes: 0 done, 1 refused, 2 usage, 3 undetermined or try again later, \
4 storage, 5 unreachable.\n\nExample:\n  tram dispatch track --help";

/// What every command understands. In helps it stands behind what is the command's own.
#[derive(Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// Answer in JSON, for programs.
    #[arg(long, global = true)]
    json: bool,
    /// Language of the words for people; otherwise LANG decides.
    #[arg(long, global = true, value_enum, value_name = "LANGUAGE")]
    lang: Option<Lang>,
    /// Socket of the running node; otherwise the configuration names it.
    #[arg(long, global = true, env = "TRAM_SOCKET", value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Configuration file; otherwise ./tram.toml, then /etc/tram/tram.toml.
    #[arg(long, global = true, env = "TRAM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    remote: remote::Remote,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "one value in the life of a process")]
enum Command {
    Demo(demo::DemoArgs),
    Sandbox(sandbox::SandboxArgs),
    Init(init::InitArgs),
    Run(run::RunArgs),
    Status(status::StatusArgs),
    /// Seal, submit and follow dispatches.
    #[command(subcommand)]
    Dispatch(dispatch::Command),
    /// Short for `tram dispatch submit`.
    #[command(after_help = "Example:\n  tram submit chi-thi.dispatch --document chi-thi.pdf")]
    Submit(dispatch::submit::SubmitArgs),
    /// Short for `tram dispatch track`.
    #[command(after_help = "Example:\n  tram track ID --wait")]
    Track(dispatch::track::TrackArgs),
    /// Take, register or refuse what was consigned to an agency.
    #[command(subcommand)]
    Inbox(inbox::Command),
    /// Mailboxes of units inside an agency, to which its clerk forwards.
    #[command(subcommand)]
    Unit(unit::Command),
    /// Groups of recipients: whom they mean.
    #[command(subcommand)]
    Group(group::Command),
    /// Agencies that this node hosts.
    #[command(subcommand)]
    Agency(agency::Command),
    /// Files of document systems that speak the national XML (QCVN 102:2016).
    #[command(subcommand)]
    Edxml(edxml::Command),
    /// Look at receipts and take them out of the node.
    #[command(subcommand)]
    Receipt(receipt::Command),
    /// Evidence files: everything that proves what became of one dispatch.
    #[command(subcommand)]
    Evidence(evidence::Command),
    /// Questions auditors ask.
    #[command(subcommand)]
    Audit(audit::Command),
    Verify(verify::VerifyArgs),
    /// The neighbouring nodes.
    #[command(subcommand)]
    Peer(peer::Command),
    /// What still has to be done, and steering it.
    #[command(subcommand)]
    Queue(queue::Command),
    /// The node's receipt log.
    #[command(subcommand)]
    Log(log::Command),
    /// The durable store.
    #[command(subcommand)]
    Store(store::Command),
    /// The configuration file.
    #[command(subcommand)]
    Config(config::Command),
    /// The signed registry of agencies and nodes.
    #[command(subcommand)]
    Directory(directory::Command),
    /// The root document: the network's keys and trust anchors.
    #[command(subcommand)]
    Network(network::Command),
    /// Certificates: authorities, requests, revocation.
    #[command(subcommand)]
    Pki(pki::Command),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too; clap knows which stream is theirs.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let Global { json, lang, socket, config, remote } = cli.global;
    let shell = Shell { remote, ..Shell::new(json, lang, socket, config) };
    match perform(&shell, cli.command) {
        Ok(code) => code,
        Err(failure) => {
            shell.complain(&failure);
            ExitCode::from(failure.code().row().exit)
        }
    }
}

fn perform(shell: &Shell, command: Command) -> Result<ExitCode, Failure> {
    let done = match command {
        // It speaks for itself to the end; a signal may be its exit status.
        Command::Demo(args) => return Ok(demo::run(shell, args)),
        Command::Sandbox(args) => return Ok(sandbox::run(shell, args)),
        Command::Init(args) => init::run(shell, args),
        Command::Run(args) => run::run(shell, &args),
        Command::Status(args) => status::run(shell, &args),
        Command::Dispatch(command) => dispatch::run(shell, command),
        Command::Submit(args) => dispatch::submit::run(shell, &args),
        Command::Track(args) => dispatch::track::run(shell, &args),
        Command::Inbox(command) => inbox::run(shell, command),
        Command::Unit(command) => unit::run(shell, command),
        Command::Group(command) => group::run(shell, command),
        Command::Agency(command) => agency::run(shell, command),
        Command::Edxml(command) => edxml::run(shell, command),
        Command::Receipt(command) => receipt::run(shell, command),
        Command::Evidence(command) => evidence::run(shell, command),
        Command::Audit(command) => audit::run(shell, command),
        Command::Verify(args) => verify::run(shell, &args),
        Command::Peer(command) => peer::run(shell, command),
        Command::Queue(command) => queue::run(shell, command),
        Command::Log(command) => log::run(shell, command),
        Command::Store(command) => store::run(shell, command),
        Command::Config(command) => config::run(shell, &command),
        Command::Directory(command) => directory::run(shell, command),
        Command::Network(command) => network::run(shell, command),
        Command::Pki(command) => pki::run(shell, command),
    };
    done.map(ExitCode::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// Every command that does something, with the words that lead to it.
    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
        let subcommands: Vec<_> =
            command.get_subcommands().filter(|c| c.get_name() != "help").collect();
        if subcommands.is_empty() {
            found.push((path.to_owned(), command.clone()));
        }
        for sub in subcommands {
            leaves(sub, &format!("{path} {}", sub.get_name()), found);
        }
    }

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_by_an_example_that_parses() {
        let mut found = Vec::new();
        leaves(&Cli::command(), "tram", &mut found);
        assert!(found.len() > 40, "{}", found.len());
        for (path, command) in found {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<&str> =
                help.lines().map(str::trim).filter(|l| l.starts_with("tram ")).collect();
            assert!(!examples.is_empty(), "{path} has no example");
            for example in examples {
                assert!(example.starts_with(&path), "{path}: {example}");
                let words = example.split('"').enumerate().flat_map(|(i, part)| match i % 2 {
                    0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
                    _ => vec![part.to_owned()],
                });
                let words = words.map(|w| if w == "ID" { "ab".repeat(32) } else { w });
                if let Err(error) = Cli::try_parse_from(words) {
                    panic!("{example}: {error}");
                }
            }
            assert!(command.get_about().is_some(), "{path} does not say what it does");
        }
    }
}
