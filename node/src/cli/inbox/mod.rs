//! `tram inbox`: what was consigned to an agency, from its coming to its registration.

mod fetch;
mod list;

use clap::{Args, Subcommand};
use tram_api::model::Recorded;
use tram_config::Role;
use tram_dispatch::{AgencyCode, DispatchId};

use super::shell::Shell;
use super::show;
use super::texts::Word;
use super::{DONE, Done, connect};

#[derive(Subcommand)]
pub(crate) enum Command {
    List(list::ListArgs),
    Fetch(fetch::FetchArgs),
    Confirm(ConfirmArgs),
    Register(RegisterArgs),
    Refuse(RefuseArgs),
}

/// The agency whose mailbox it is.
#[derive(Args)]
struct Mailbox {
    /// Whose mailbox; otherwise TRAM_AGENCY, or the agency that runs the node.
    #[arg(long, value_name = "CODE")]
    agency: Option<AgencyCode>,
}

/// Confirm that what was fetched is held durably here: the handover.
///
/// `tram inbox fetch --confirm` does both. The token stands in the file fetch-token of the folder
/// that was fetched to.
#[derive(Args)]
#[command(after_help = "Example:\n  tram inbox confirm ID --token TOKEN")]
pub(crate) struct ConfirmArgs {
    /// The dispatch id.
    #[arg(value_name = "ID")]
    dispatch: DispatchId,
    #[command(flatten)]
    mailbox: Mailbox,
    /// The token that the fetch gave.
    #[arg(long)]
    token: String,
}

/// Register a dispatch: the clerk has entered it. The originator gets the receipt.
#[derive(Args)]
#[command(after_help = "Example:\n  tram inbox register ID --remark \"Số đến 128\"")]
pub(crate) struct RegisterArgs {
    /// The dispatch id.
    #[arg(value_name = "ID")]
    dispatch: DispatchId,
    #[command(flatten)]
    mailbox: Mailbox,
    /// Your own words, such as the number given.
    #[arg(long, value_name = "TEXT")]
    remark: Option<String>,
}

/// Refuse a dispatch with a reason, which travels back to the originator.
#[derive(Args)]
#[command(after_help = "Example:\n  tram inbox refuse ID --reason \"Gửi nhầm đơn vị\"")]
pub(crate) struct RefuseArgs {
    /// The dispatch id.
    #[arg(value_name = "ID")]
    dispatch: DispatchId,
    #[command(flatten)]
    mailbox: Mailbox,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::List(args) => list::run(shell, &args),
        Command::Fetch(args) => fetch::run(shell, &args),
        Command::Confirm(args) => {
            let (client, agency) = open(shell, &args.mailbox)?;
            let call = async { Ok(client.confirm(&agency, args.dispatch, &args.token).await?) };
            recorded(shell, &connect::block_on(call)?)
        }
        Command::Register(args) => {
            let (client, agency) = open(shell, &args.mailbox)?;
            let call = async { Ok(client.register(&agency, args.dispatch, args.remark).await?) };
            recorded(shell, &connect::block_on(call)?)
        }
        Command::Refuse(args) => {
            let (client, agency) = open(shell, &args.mailbox)?;
            let call = async { Ok(client.refuse(&agency, args.dispatch, args.reason).await?) };
            recorded(shell, &connect::block_on(call)?)
        }
    }
}

fn open(
    shell: &Shell,
    mailbox: &Mailbox,
) -> Result<(tram_api::Client, AgencyCode), super::failure::Failure> {
    let agency = connect::agency(shell, mailbox.agency.as_ref())?;
    Ok((connect::client(shell, &[Role::Collect])?, agency))
}

fn recorded(shell: &Shell, recorded: &Recorded) -> Done {
    shell.answer(recorded, || {
        let word = if recorded.repeat { Word::RecordedBefore } else { Word::Recorded };
        let (event, id) = (show::event(shell, recorded.event.0), recorded.dispatch.to_string());
        shell.sentence(word, &[&event, &id, &shell.time(recorded.at.0)])
    })?;
    Ok(DONE)
}
