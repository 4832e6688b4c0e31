//! `tram inbox status`: how far a registered document is.

use clap::Args;
use tram_dispatch::{DispatchId, Event, Status};

use super::seal::Decision;
use super::{Mailbox, open, recorded};
use crate::cli::own_seal::OwnSeal;
use crate::cli::shell::Shell;
use crate::cli::{Done, connect};

/// Tell the originator how far a registered dispatch is: assigned, processing, completed.
///
/// In any order, and as often as it changes; each is recorded. The agency's own seal does what it does
/// for `register`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram inbox status ID --assigned --remark \"Phòng Nội vụ\"\n  tram inbox \
status ID --completed"
)]
pub(crate) struct StatusArgs {
    /// The dispatch id.
    #[arg(value_name = "ID")]
    dispatch: DispatchId,
    #[command(flatten)]
    mailbox: Mailbox,
    #[command(flatten)]
    given: Given,
    /// Your own words, such as who has it.
    #[arg(long, value_name = "TEXT")]
    remark: Option<String>,
    #[command(flatten)]
    seal: OwnSeal,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Given {
    /// Given to somebody: 04.
    #[arg(long)]
    assigned: bool,
    /// Being worked on: 05.
    #[arg(long)]
    processing: bool,
    /// Done: 06.
    #[arg(long)]
    completed: bool,
}

impl Given {
    fn status(&self) -> Status {
        match (self.assigned, self.processing) {
            (true, _) => Status::Assigned,
            (_, true) => Status::Processing,
            _ => Status::Completed,
        }
    }
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: StatusArgs) -> Done {
    let (client, agency) = open(shell, &args.mailbox)?;
    let (id, status, remark) = (args.dispatch, args.given.status(), args.remark);
    let now = match args.seal.open()? {
        Some(seal) => {
            let (event, status) = (Event::HandlingStatus, Some(status));
            let decision = Decision { agency, id, event, status, remark };
            connect::block_on(decision.sealed(&client, &seal))?
        }
        None => connect::block_on(async { Ok(client.report(&agency, id, status, remark).await?) })?,
    };
    recorded(shell, &now)
}
