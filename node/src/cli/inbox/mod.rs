//! `tram inbox`: what was consigned to an agency, from its coming to its registration.

mod answer;
pub(crate) mod fetch;
mod forward;
mod list;
mod seal;
mod status;

use clap::{Args, Subcommand, ValueEnum};
use tram_api::model::{Recorded, RefusalCause, RefuseRequest};
use tram_config::Role;
use tram_dispatch::{AgencyCode, DispatchId, Event};

use super::own_seal::OwnSeal;
use super::shell::Shell;
use super::show;
use super::texts::Word;
use super::{DONE, Done, connect};
use seal::Decision;

#[derive(Subcommand)]
pub(crate) enum Command {
    List(list::ListArgs),
    Fetch(fetch::FetchArgs),
    Confirm(ConfirmArgs),
    Register(RegisterArgs),
    Refuse(RefuseArgs),
    Status(status::StatusArgs),
    Answer(answer::AnswerArgs),
    Forward(forward::ForwardArgs),
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
///
/// With the agency's own seal the receipt proves the agency's word, and not only its node's; where the
/// node holds the agency's key, it seals.
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
    #[command(flatten)]
    seal: OwnSeal,
}

/// Refuse a dispatch with a reason, which travels back to the originator.
///
/// The agency's own seal does what it does for `register`.
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
    /// What kind of reason, where it is one of these.
    #[arg(long, value_enum, conflicts_with = "cert")]
    cause: Option<Cause>,
    #[command(flatten)]
    seal: OwnSeal,
}

/// Reasons with a code of their own.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Cause {
    /// It is meant for another agency.
    WrongAddressee,
    /// A document is broken, not whole or not authentic.
    DocumentUnsound,
}

impl From<Cause> for RefusalCause {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::WrongAddressee => RefusalCause::WrongAddressee,
            Cause::DocumentUnsound => RefusalCause::DocumentUnsound,
        }
    }
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
            let (id, remark) = (args.dispatch, args.remark);
            let event = Event::ConsignmentAcceptance;
            let recorded_now = match args.seal.open()? {
                Some(seal) => {
                    let decision = Decision { agency, id, event, status: None, remark };
                    connect::block_on(decision.sealed(&client, &seal))?
                }
                None => {
                    connect::block_on(async { Ok(client.register(&agency, id, remark).await?) })?
                }
            };
            recorded(shell, &recorded_now)
        }
        Command::Refuse(args) => {
            let (client, agency) = open(shell, &args.mailbox)?;
            let (id, reason) = (args.dispatch, args.reason);
            let event = Event::ConsignmentRejection;
            let recorded_now = match args.seal.open()? {
                Some(seal) => {
                    let (status, remark) = (None, Some(reason));
                    let decision = Decision { agency, id, event, status, remark };
                    connect::block_on(decision.sealed(&client, &seal))?
                }
                None => {
                    let request = RefuseRequest { reason, cause: args.cause.map(Into::into) };
                    let call = async { Ok(client.send_back(&agency, id, &request).await?) };
                    connect::block_on(call)?
                }
            };
            recorded(shell, &recorded_now)
        }
        Command::Status(args) => status::run(shell, args),
        Command::Answer(args) => answer::run(shell, args),
        Command::Forward(args) => forward::run(shell, args),
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
        let told = shell.sentence(word, &[&event, &id, &shell.time(recorded.at.0)]);
        match &recorded.statement {
            Some(_) => format!("{told} {}", shell.sentence(Word::UnderTheSeal, &[])),
            None => told,
        }
    })?;
    Ok(DONE)
}
