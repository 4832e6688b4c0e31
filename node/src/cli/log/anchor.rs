//! `tram log anchor`: whether receipts are signed, and letting a log go on that nothing vouches for.

use clap::Args;
use tram_api::model::LogAnchor;
use tram_config::Role;
use tram_dispatch::codes::exit;
use tram_dispatch::text::escaped;

use crate::cli::shell::Shell;
use crate::cli::table;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect};

/// Show what the anchor says of the log, or let an unanchored log go on.
///
/// The anchor is a small file outside the data directory that says how far the log had come. Where it
/// is missing, of another machine or store, or ahead, no receipt is signed until a peer shows what it
/// holds of the log. With --override the operator lets the log go on before: the first leaf then says
/// so, and why, for good. Exit code 3: no receipts are signed.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram log anchor --override --reason \"anchor disk replaced, no peer can be reached\""
)]
pub(crate) struct AnchorArgs {
    /// Let the log go on.
    #[arg(long = "override", requires = "reason")]
    override_it: bool,
    /// Why; everybody who sees the receipt reads it.
    #[arg(long, value_name = "TEXT", requires = "override_it")]
    reason: Option<String>,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: AnchorArgs) -> Done {
    if let (true, Some(reason)) = (args.override_it, &args.reason) {
        let client = connect::client(shell, &[Role::Operate])?;
        let done = connect::block_on(async { Ok(client.override_anchor(reason).await?) })?;
        shell.answer(&done, || shell.word(Word::LogAnchored).to_owned())?;
        return Ok(DONE);
    }
    let client = connect::client(shell, connect::READERS)?;
    let view: LogAnchor = connect::block_on(async { Ok(client.log_anchor().await?) })?;
    shell.answer(&view, || lines(shell, &view))?;
    Ok(if view.signing { DONE } else { exit::LATER })
}

fn lines(shell: &Shell, view: &LogAnchor) -> String {
    let said = view.said.as_deref().map(escaped);
    let state = match &view.code {
        None => shell.word(Word::SigningReceipts).to_owned(),
        Some(code) => code.0.to_string(),
    };
    let mut pairs = vec![
        (shell.word(Word::Node), view.node.to_string()),
        (shell.word(Word::Epoch), view.epoch.to_string()),
        (shell.word(Word::State), state),
        (shell.word(Word::Anchor), escaped(&view.file)),
        (
            shell.word(Word::Detail),
            said.unwrap_or_else(|| shell.word(Word::AnchorAgrees).to_owned()),
        ),
    ];
    if let Some(by) = &view.anchored_by {
        pairs.push((shell.word(Word::AnchoredBy), by.to_string()));
    }
    table::pairs(&pairs)
}
