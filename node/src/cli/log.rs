//! `tram log`: the node's receipt log.

mod anchor;
mod new_epoch;
mod next;
mod tiles;

use clap::{Args, Subcommand};
use serde::Serialize;
use tram_api::model::{GenesisView, LogHead, LogTimeStamps, LogWitnesses};
use tram_dispatch::text::escaped;

use super::shell::Shell;
use super::table::{self, Align, Table};
use super::texts::Word;
use super::{DONE, Done, connect};

#[derive(Subcommand)]
pub(crate) enum Command {
    Show(ShowArgs),
    Witnesses(WitnessesArgs),
    Timestamps(TimestampsArgs),
    Anchor(anchor::AnchorArgs),
    NewEpoch(new_epoch::NewEpochArgs),
    /// The log as static files for public tools.
    #[command(subcommand)]
    Tiles(tiles::Command),
}

/// Show size, root and checkpoint of the receipt log, and how it began.
///
/// Compare the checkpoint with what a neighbouring node holds, or keep it: a log that ever shows
/// a smaller or other tree has been rolled back or forked.
#[derive(Args)]
#[command(after_help = "Example:\n  tram log show")]
pub(crate) struct ShowArgs {}

/// Show who cosigned the log, and whether that is enough.
///
/// Neighbouring nodes cosign each checkpoint once they proved that it continues what they hold.
/// With --json the answer holds the policy and the cosigned checkpoint as public tools read them.
#[derive(Args)]
#[command(after_help = "Example:\n  tram log witnesses")]
pub(crate) struct WitnessesArgs {}

/// List the time-stamps from outside on the log, and what none covers yet.
///
/// Each says that the checkpoint of its size, and every receipt beneath, existed no later than that. A
/// server is named in the configuration; evidence files carry the time-stamps.
#[derive(Args)]
#[command(after_help = "Example:\n  tram log timestamps")]
pub(crate) struct TimestampsArgs {}

#[derive(Serialize)]
struct Shown {
    head: LogHead,
    genesis: GenesisView,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::Show(ShowArgs {}) => show(shell),
        Command::Witnesses(WitnessesArgs {}) => witnesses(shell),
        Command::Timestamps(TimestampsArgs {}) => timestamps(shell),
        Command::Anchor(args) => anchor::run(shell, args),
        Command::NewEpoch(args) => new_epoch::run(shell, &args),
        Command::Tiles(command) => tiles::run(shell, command),
    }
}

fn show(shell: &Shell) -> Done {
    let client = connect::client(shell, connect::READERS)?;
    let view = connect::block_on(async {
        Ok(Shown { head: client.log_head().await?, genesis: client.genesis().await? })
    })?;
    shell.answer(&view, || {
        let h = &view.head;
        table::pairs(&[
            (shell.word(Word::Node), h.node.to_string()),
            (shell.word(Word::Network), h.network.to_string()),
            (shell.word(Word::Epoch), h.epoch.to_string()),
            (shell.word(Word::Since), shell.time(view.genesis.started_at.0)),
            (shell.word(Word::LogSize), h.size.to_string()),
            (shell.word(Word::Root), h.root.to_string()),
            (shell.word(Word::Time), shell.time(h.at.0)),
            (shell.word(Word::Checkpoint), h.checkpoint.trim_end().to_owned()),
        ])
    })?;
    Ok(DONE)
}

fn witnesses(shell: &Shell) -> Done {
    let client = connect::client(shell, connect::READERS)?;
    let view: LogWitnesses = connect::block_on(async { Ok(client.log_witnesses().await?) })?;
    shell.answer(&view, || {
        let none = || shell.word(Word::Nothing).to_owned();
        let enough = view.quorum.as_ref().map_or_else(none, |quorum| quorum.size.to_string());
        let policy = if view.by_position { Word::ByPosition } else { Word::Configured };
        let mut out = table::pairs(&[
            (shell.word(Word::Node), view.node.to_string()),
            (shell.word(Word::Checkpoint), view.size.to_string()),
            (shell.word(Word::Policy), shell.word(policy).to_owned()),
            (shell.word(Word::QuorumAt), enough),
        ]);
        if !view.missing.is_empty() {
            out += "\n";
            out += &table::pairs(&[(shell.word(Word::Missing), view.missing.join(", "))]);
        }
        let mut table = Table::new(&[
            (shell.word(Word::Witness), Align::Left),
            (shell.word(Word::LogSize), Align::Right),
            (shell.word(Word::Time), Align::Left),
        ]);
        for w in &view.witnesses {
            table.row([
                w.node.to_string(),
                w.size.map_or_else(none, |size| size.to_string()),
                w.at.as_ref().map(|at| shell.time(at.0)).unwrap_or_default(),
            ]);
        }
        if !table.is_empty() {
            out += "\n\n";
            out += &table.lines();
        }
        out
    })?;
    Ok(DONE)
}

fn timestamps(shell: &Shell) -> Done {
    let client = connect::client(shell, connect::READERS)?;
    let view: LogTimeStamps = connect::block_on(async { Ok(client.log_timestamps().await?) })?;
    shell.answer(&view, || {
        let none = || shell.word(Word::Nothing).to_owned();
        let standing = view.standing.as_ref();
        let since = standing.and_then(|s| s.unstamped_since.as_ref());
        let mut out = table::pairs(&[
            (shell.word(Word::Node), view.node.to_string()),
            (shell.word(Word::LogSize), view.size.to_string()),
            (shell.word(Word::StampServer), standing.map_or_else(none, |s| s.server.clone())),
            (shell.word(Word::UnstampedSince), since.map_or_else(none, |at| shell.time(at.0))),
        ]);
        if let Some(trouble) = standing.and_then(|s| s.trouble.as_ref()) {
            out += "\n";
            out += &table::pairs(&[(shell.word(Word::LastTry), escaped(trouble))]);
        }
        let mut table = Table::new(&[
            (shell.word(Word::Checkpoint), Align::Right),
            (shell.word(Word::NoLaterThan), Align::Left),
            (shell.word(Word::TimeStampBy), Align::Left),
            (shell.word(Word::StampNumber), Align::Left),
        ]);
        for stamp in &view.stamps {
            let latest = stamp.latest.as_ref().map(|at| shell.exact_time(at.0)).unwrap_or_default();
            let by = escaped(&stamp.authority);
            table.row([stamp.size.to_string(), latest, by, stamp.serial.clone()]);
        }
        if !table.is_empty() {
            out += "\n\n";
            out += &table.lines();
        }
        out
    })?;
    Ok(DONE)
}
