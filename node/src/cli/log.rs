//! `tram log`: the node's receipt log.

use clap::{Args, Subcommand};
use serde::Serialize;
use tram_api::model::{GenesisView, LogHead};

use super::shell::Shell;
use super::texts::Word;
use super::{DONE, Done, connect, table};

#[derive(Subcommand)]
pub(crate) enum Command {
    Show(ShowArgs),
}

/// Show size, root and checkpoint of the receipt log, and how it began.
///
/// Compare the checkpoint with what a neighbouring node holds, or keep it: a log that ever shows
/// a smaller or other tree has been rolled back or forked.
#[derive(Args)]
#[command(after_help = "Example:\n  tram log show")]
pub(crate) struct ShowArgs {}

#[derive(Serialize)]
struct Shown {
    head: LogHead,
    genesis: GenesisView,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    let Command::Show(ShowArgs {}) = command;
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
