//! `tram inbox answer`: to a recall or an update.

use clap::Args;
use tram_dispatch::{DispatchId, Event, Status};

use super::seal::Decision;
use super::{Mailbox, open, recorded};
use crate::cli::own_seal::OwnSeal;
use crate::cli::shell::Shell;
use crate::cli::{Done, connect};

/// Answer a dispatch that recalls or updates an earlier one.
///
/// Agreeing to a recall cancels the earlier dispatch here: it is not given out any more. The answer
/// stands. The agency's own seal does what it does for `register`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram inbox answer ID --agree\n  tram inbox answer ID --decline \"Đã thi \
hành\""
)]
pub(crate) struct AnswerArgs {
    /// The id of the recall or update, not of the earlier dispatch.
    #[arg(value_name = "ID")]
    dispatch: DispatchId,
    #[command(flatten)]
    mailbox: Mailbox,
    #[command(flatten)]
    given: Given,
    /// Your own words.
    #[arg(long, value_name = "TEXT", conflicts_with = "decline")]
    remark: Option<String>,
    #[command(flatten)]
    seal: OwnSeal,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Given {
    /// Yes: 15.
    #[arg(long)]
    agree: bool,
    /// No, and why: 16.
    #[arg(long, value_name = "REASON")]
    decline: Option<String>,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: AnswerArgs) -> Done {
    let (client, agency) = open(shell, &args.mailbox)?;
    let id = args.dispatch;
    let (status, event, remark) = match args.given.decline {
        Some(reason) => (Status::Declined, Event::ActRejection, Some(reason)),
        None => (Status::Agreed, Event::ActAcceptance, args.remark),
    };
    let now = match args.seal.open()? {
        Some(seal) => {
            let decision = Decision { agency, id, event, status: None, remark };
            connect::block_on(decision.sealed(&client, &seal))?
        }
        None => connect::block_on(async { Ok(client.report(&agency, id, status, remark).await?) })?,
    };
    recorded(shell, &now)
}
