//! `tram inbox list`.

use clap::{Args, ValueEnum};
use tram_api::model::{InboxItem, InboxQuery, InboxState};
use tram_dispatch::AgencyCode;

use super::{Mailbox, open};
use crate::cli::shell::Shell;
use crate::cli::table::{self, Align, Table};
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, show, types};

/// List what was consigned to an agency, in the order it came.
///
/// What came for a closed agency whose successor it is, or for a former code, is listed with it; the last
/// column says for whom. It is fetched and answered like the rest.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram inbox list --agency H41.12.03 --state waiting\n  tram inbox list --wait 60"
)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    mailbox: Mailbox,
    /// Only dispatches in this state.
    #[arg(long, value_enum)]
    state: Option<StateArg>,
    /// Only what should have been registered or refused by now.
    #[arg(long)]
    overdue: bool,
    /// Where nothing is there, wait so many seconds (at most 60) for something.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=60))]
    wait: Option<u64>,
    /// Most lines.
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StateArg {
    Waiting,
    Fetched,
    HandedOver,
    Registered,
    Refused,
    Withdrawn,
}

impl From<StateArg> for InboxState {
    fn from(state: StateArg) -> Self {
        match state {
            StateArg::Waiting => InboxState::Waiting,
            StateArg::Fetched => InboxState::Fetched,
            StateArg::HandedOver => InboxState::HandedOver,
            StateArg::Registered => InboxState::Registered,
            StateArg::Refused => InboxState::Refused,
            StateArg::Withdrawn => InboxState::Withdrawn,
        }
    }
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &ListArgs) -> Done {
    let (client, agency) = open(shell, &args.mailbox)?;
    let mut wait_s = args.wait;
    let (state, overdue) = (args.state.map(Into::into), args.overdue.then_some(true));
    let items = connect::block_on(show::pages(args.limit, |after, limit| {
        // Only the first page may wait: after it something is there.
        let (wait_s, limit) = (wait_s.take(), Some(limit));
        let query = InboxQuery { state, overdue, wait_s, after, limit };
        let (client, agency) = (&client, &agency);
        async move { Ok(client.inbox(agency, &query).await?) }
    }))?;
    shell.answer(&items, || lines(shell, &agency, &items))?;
    for item in items.iter().filter(|item| !item.same_number.is_empty()) {
        let (id, others) = (item.dispatch.to_string(), show::some_of(&item.same_number));
        shell.note(shell.sentence(Word::SameNumber, &[&id, &others]));
    }
    for item in &items {
        types::note_count(shell, &item.dispatch.to_string(), item.type_remarks);
    }
    Ok(DONE)
}

fn lines(shell: &Shell, agency: &AgencyCode, items: &[InboxItem]) -> String {
    if items.is_empty() {
        return shell.word(Word::Nothing).to_owned();
    }
    let (left, right) = (Align::Left, Align::Right);
    let mut columns = vec![
        (shell.word(Word::ConsignedAt), left),
        (shell.word(Word::From), left),
        (shell.word(Word::Number), left),
        (shell.word(Word::Subject), left),
        (shell.word(Word::Urgency), left),
        (shell.word(Word::RegisterBy), left),
        (shell.word(Word::Due), left),
        (shell.word(Word::Act), left),
        (shell.word(Word::Documents), right),
        (shell.word(Word::Size), right),
        (shell.word(Word::State), left),
        (shell.word(Word::Status), left),
        (shell.word(Word::Dispatch), left),
    ];
    // Most have taken nobody over.
    if items.iter().any(|item| item.recipient.0 != *agency) {
        columns.push((shell.word(Word::CameFor), left));
    }
    let mut table = Table::new(&columns);
    for item in items {
        table.row([
            shell.time(item.consigned_at.0),
            item.originator.to_string(),
            item.number.clone().unwrap_or_else(|| item.reference.to_string()),
            item.subject.clone(),
            show::urgency(shell, item.urgency).to_owned(),
            show::register_by(shell, item),
            item.due_on.clone().unwrap_or_default(),
            show::acts_in_short(shell, item.act, &item.acts),
            item.documents.to_string(),
            table::bytes(item.documents_bytes),
            show::inbox_state(shell, item.state).to_owned(),
            item.status.map(|s| show::status(shell, s.0)).unwrap_or_default(),
            item.dispatch.to_string(),
            item.recipient.to_string(),
        ]);
    }
    table.lines()
}
