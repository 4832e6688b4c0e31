//! `tram receipt list`.

use clap::Args;
use tram_api::model::{ReceiptQuery, ReceiptView};

use super::Filter;
use crate::cli::shell::Shell;
use crate::cli::table::{Align, Table};
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, show};

/// List receipts that the node holds, its own and those of other nodes.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram receipt list --agency H41.12.03 --event ContentConsignment"
)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    filter: Filter,
    /// Most lines.
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &ListArgs) -> Done {
    let client = connect::client(shell, connect::READERS)?;
    let query = args.filter.query();
    let items = connect::block_on(show::pages(args.limit, |after, limit| {
        let query = ReceiptQuery { after, limit: Some(limit), ..query.clone() };
        let client = &client;
        async move { Ok(client.receipts(&query).await?) }
    }))?;
    shell.answer(&items, || lines(shell, &items))?;
    Ok(DONE)
}

fn lines(shell: &Shell, items: &[ReceiptView]) -> String {
    if items.is_empty() {
        return shell.word(Word::Nothing).to_owned();
    }
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        (shell.word(Word::Time), left),
        (shell.word(Word::Event), left),
        (shell.word(Word::SaidBy), left),
        (shell.word(Word::Leaf), right),
        (shell.word(Word::From), left),
        (shell.word(Word::To), left),
        (shell.word(Word::Dispatch), left),
        (shell.word(Word::Digest), left),
    ]);
    for r in items {
        let mut event = show::event(shell, r.event.0);
        if !r.authorised {
            event = format!("{event} [{}]", shell.word(Word::ClaimOnly));
        }
        table.row([
            shell.time(r.at.0),
            event,
            r.node.to_string(),
            r.index.to_string(),
            r.originator.to_string(),
            r.recipient.as_ref().map(ToString::to_string).unwrap_or_default(),
            r.dispatch.to_string(),
            r.digest.0.short(),
        ]);
    }
    table.lines()
}
