//! `tram agency list`.

use clap::Args;
use tram_api::model::{Gauge, HostedAgency, HostedQuery};
use tram_config::Role;

use crate::cli::shell::Shell;
use crate::cli::table::{Align, Table};
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, show};

/// List the agencies that this node hosts: what lies in their mailboxes, what they use of their quotas, and
/// who acts for them.
///
/// Who acts for one agency sees that one.
#[derive(Args)]
#[command(after_help = "Examples:\n  tram agency list\n  tram agency list --json")]
pub(crate) struct ListArgs {
    /// Most lines.
    #[arg(long, default_value_t = 1000)]
    limit: u32,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &ListArgs) -> Done {
    let roles = [Role::Operate, Role::Audit, Role::Collect, Role::Read, Role::Submit];
    let client = connect::client(shell, &roles)?;
    let items = connect::block_on(show::pages(args.limit, |after, limit| {
        let query = HostedQuery { after, limit: Some(limit) };
        let client = &client;
        async move { Ok(client.hosted(&query).await?) }
    }))?;
    shell.answer(&items, || lines(shell, &items))?;
    Ok(DONE)
}

fn lines(shell: &Shell, items: &[HostedAgency]) -> String {
    if items.is_empty() {
        return shell.word(Word::Nothing).to_owned();
    }
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        (shell.word(Word::Agency), left),
        (shell.word(Word::Name), left),
        (shell.word(Word::Waiting), right),
        (shell.word(Word::HandedOver), right),
        (shell.word(Word::Registered), right),
        (shell.word(Word::Kept), right),
        (shell.word(Word::Active), right),
        (shell.word(Word::Seal), left),
        (shell.word(Word::Accounts), left),
        (shell.word(Word::Units), left),
    ]);
    let gauge = |g: &Gauge| format!("{} / {}", g.used, g.max);
    for item in items {
        let accounts: Vec<String> = item
            .accounts
            .iter()
            .map(|a| format!("{} ({}: {})", a.who, a.place, a.roles.join(", ")))
            .collect();
        let units: Vec<String> = item.units.iter().map(|u| u.unit.to_string()).collect();
        let seal = match (&item.seal_ends_at, item.seals) {
            (Some(ends), _) => shell.time(ends.0),
            (None, true) => "?".to_owned(),
            (None, false) => "-".to_owned(),
        };
        table.row([
            item.agency.to_string(),
            item.name.clone(),
            item.mailbox.waiting.to_string(),
            item.mailbox.handed_over.to_string(),
            item.mailbox.registered.to_string(),
            gauge(&item.kept),
            gauge(&item.open),
            seal,
            accounts.join("; "),
            units.join(", "),
        ]);
    }
    table.lines()
}
