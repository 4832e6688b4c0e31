//! `tram queue`: what still has to be done, and steering it.

use clap::{Args, Subcommand, ValueEnum};
use tram_api::model::{LegState, QueueAction, QueueItem, QueueQuery};
use tram_config::Role;
use tram_dispatch::{AgencyCode, DispatchId, NodeId};

use super::shell::Shell;
use super::table::{self, Align, Table};
use super::texts::Word;
use super::{DONE, Done, connect, show};

#[derive(Subcommand)]
pub(crate) enum Command {
    List(ListArgs),
    /// Stop offering a leg, until it is released.
    #[command(after_help = "Example:\n  tram queue hold ID H41.12.03")]
    Hold(LegArgs),
    /// Offer a leg again after hold or quarantine, or send it on while a node is asked that may have it.
    #[command(after_help = "Example:\n  tram queue release ID H41.12.03")]
    Release(LegArgs),
    /// Try a leg now instead of at its next time.
    #[command(after_help = "Example:\n  tram queue retry ID H41.12.03")]
    Retry(LegArgs),
    Drop(DropArgs),
}

/// List the legs that this node still has to do something about.
#[derive(Args)]
#[command(after_help = "Example:\n  tram queue list --state deferred")]
pub(crate) struct ListArgs {
    /// Only legs toward this peer.
    #[arg(long, value_name = "NODE")]
    peer: Option<NodeId>,
    /// Only legs in this state.
    #[arg(long, value_enum)]
    state: Option<StateArg>,
    /// Most lines.
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

/// One leg.
#[derive(Args)]
pub(crate) struct LegArgs {
    /// The dispatch id.
    #[arg(value_name = "ID")]
    dispatch: DispatchId,
    /// The recipient.
    #[arg(value_name = "RECIPIENT")]
    recipient: AgencyCode,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    remark: Option<String>,
}

/// Give a leg up for good. The originator gets evidence with your words.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram queue drop ID H41.12.03 --remark \"sent twice, see 17/CT\""
)]
pub(crate) struct DropArgs {
    /// The dispatch id.
    #[arg(value_name = "ID")]
    dispatch: DispatchId,
    /// The recipient.
    #[arg(value_name = "RECIPIENT")]
    recipient: AgencyCode,
    /// Why; the originator reads it.
    #[arg(long, value_name = "TEXT")]
    remark: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StateArg {
    Incoming,
    Active,
    Deferred,
    OnHold,
    Quarantined,
    Transferred,
}

impl From<StateArg> for LegState {
    fn from(state: StateArg) -> Self {
        match state {
            StateArg::Incoming => LegState::Incoming,
            StateArg::Active => LegState::Active,
            StateArg::Deferred => LegState::Deferred,
            StateArg::OnHold => LegState::OnHold,
            StateArg::Quarantined => LegState::Quarantined,
            StateArg::Transferred => LegState::Transferred,
        }
    }
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::List(args) => list(shell, &args),
        Command::Hold(args) => steer(shell, args, QueueAction::Hold),
        Command::Release(args) => steer(shell, args, QueueAction::Release),
        Command::Retry(args) => steer(shell, args, QueueAction::Retry),
        Command::Drop(DropArgs { dispatch, recipient, remark }) => {
            let leg = LegArgs { dispatch, recipient, remark: Some(remark) };
            steer(shell, leg, QueueAction::Drop)
        }
    }
}

fn steer(shell: &Shell, leg: LegArgs, action: QueueAction) -> Done {
    let client = connect::client(shell, &[Role::Operate])?;
    let LegArgs { dispatch, recipient, remark } = leg;
    let call = async { Ok(client.change_queue(dispatch, &recipient, action, remark).await?) };
    let change = connect::block_on(call)?;
    shell.answer(&change, || {
        let (id, to) = (change.dispatch.to_string(), change.recipient.to_string());
        shell.sentence(Word::LegChanged, &[&id, &to, show::leg_state(shell, change.state)])
    })?;
    Ok(DONE)
}

fn list(shell: &Shell, args: &ListArgs) -> Done {
    let client = connect::client(shell, &[Role::Operate, Role::Audit])?;
    let peer = args.peer.clone();
    let state = args.state.map(Into::into);
    let items = connect::block_on(show::pages(args.limit, |after, limit| {
        let peer = peer.clone().map(Into::into);
        let query = QueueQuery { peer, state, after, limit: Some(limit) };
        let client = &client;
        async move { Ok(client.queue(&query).await?) }
    }))?;
    let status = connect::block_on(async { Ok(client.status().await?) })?;
    shell.answer(&items, || {
        let limits = super::status::limits(shell, &status);
        format!("{}\n{}: {limits}", lines(shell, &items), shell.word(Word::Limits))
    })?;
    Ok(DONE)
}

fn lines(shell: &Shell, items: &[QueueItem]) -> String {
    if items.is_empty() {
        return shell.word(Word::Nothing).to_owned();
    }
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        (shell.word(Word::State), left),
        (shell.word(Word::Urgency), left),
        (shell.word(Word::From), left),
        (shell.word(Word::To), left),
        (shell.word(Word::Via), left),
        (shell.word(Word::Tries), right),
        (shell.word(Word::NextTry), left),
        (shell.word(Word::ExpiresAt), left),
        (shell.word(Word::Size), right),
        (shell.word(Word::Reason), left),
        (shell.word(Word::Dispatch), left),
    ]);
    for i in items {
        let reason = [i.code.as_ref().map(ToString::to_string), i.detail.clone()];
        table.row([
            show::leg_state(shell, i.state).to_owned(),
            i.urgency.map(|level| show::urgency(shell, level).to_owned()).unwrap_or_default(),
            i.originator.as_ref().map(ToString::to_string).unwrap_or_default(),
            i.recipient.as_ref().map(ToString::to_string).unwrap_or_default(),
            i.peer.as_ref().map(ToString::to_string).unwrap_or_default(),
            i.attempts.to_string(),
            i.next_attempt_at.as_ref().map(|t| shell.time(t.0)).unwrap_or_default(),
            i.expires_at.as_ref().map(|t| shell.time(t.0)).unwrap_or_default(),
            table::bytes(i.bytes),
            reason.into_iter().flatten().collect::<Vec<_>>().join(": "),
            i.dispatch.to_string(),
        ]);
    }
    table.lines()
}
