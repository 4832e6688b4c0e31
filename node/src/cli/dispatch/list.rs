//! `tram dispatch list`.

use clap::Args;
use tram_api::model::{DispatchQuery, DispatchSummary};
use tram_dispatch::{AgencyCode, Reference, UnixMillis};

use crate::cli::shell::Shell;
use crate::cli::table::{Align, Table};
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, show};

/// List the dispatches of this node that you may see, in the order they were accepted.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram dispatch list --recipient H41.12.03 --since 2026-11-01\n  tram dispatch list --late\n  tram dispatch list --unacknowledged"
)]
pub(crate) struct ListArgs {
    /// Sealed by this agency.
    #[arg(long, value_name = "CODE")]
    originator: Option<AgencyCode>,
    /// Addressed to this agency.
    #[arg(long, value_name = "CODE")]
    recipient: Option<AgencyCode>,
    /// Sealed by or addressed to this agency.
    #[arg(long, value_name = "CODE")]
    agency: Option<AgencyCode>,
    /// Under this reference.
    #[arg(long, value_name = "TEXT")]
    reference: Option<Reference>,
    /// Accepted here at this time or later.
    #[arg(long, value_name = "TIME")]
    since: Option<UnixMillis>,
    /// Accepted here before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<UnixMillis>,
    /// Only what should have left this node by now: noon of the working day after it was sealed; of what is
    /// urgent at once, or its hour.
    #[arg(long)]
    late: bool,
    /// Only what has left and should be known to have arrived by now: by the end of the day on which it left, or
    /// by its hour.
    #[arg(long)]
    unacknowledged: bool,
    /// Most lines.
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &ListArgs) -> Done {
    let client = connect::client(shell, connect::READERS)?;
    let query = DispatchQuery {
        originator: args.originator.clone().map(Into::into),
        reference: args.reference.clone().map(Into::into),
        recipient: args.recipient.clone().map(Into::into),
        agency: args.agency.clone().map(Into::into),
        late: args.late.then_some(true),
        unacknowledged: args.unacknowledged.then_some(true),
        from: args.since.map(Into::into),
        to: args.until.map(Into::into),
        after: None,
        limit: None,
    };
    let items = connect::block_on(show::pages(args.limit, |after, limit| {
        let query = DispatchQuery { after, limit: Some(limit), ..query.clone() };
        let client = &client;
        async move { Ok(client.dispatches(&query).await?) }
    }))?;
    shell.answer(&items, || lines(shell, &items))?;
    Ok(DONE)
}

fn lines(shell: &Shell, items: &[DispatchSummary]) -> String {
    if items.is_empty() {
        return shell.word(Word::Nothing).to_owned();
    }
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        (shell.word(Word::AcceptedAt), left),
        (shell.word(Word::From), left),
        (shell.word(Word::Reference), left),
        (shell.word(Word::To), left),
        (shell.word(Word::OpenLegs), right),
        (shell.word(Word::Consigned), right),
        (shell.word(Word::Undelivered), right),
        (shell.word(Word::Subject), left),
        (shell.word(Word::Dispatch), left),
    ]);
    for d in items {
        table.row([
            shell.time(d.accepted_at.0),
            d.originator.to_string(),
            d.reference.to_string(),
            show::some_of(&d.recipients),
            d.open.to_string(),
            d.consigned.to_string(),
            d.undelivered.to_string(),
            d.subject.clone().unwrap_or_default(),
            d.dispatch.to_string(),
        ]);
    }
    table.lines()
}
