//! `tram audit between`.

use clap::Args;
use tram_api::model::BetweenQuery;
use tram_dispatch::AgencyCode;

use super::days::Span;
use super::sheet::{Cell, Form, Sheet, present};
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, show};

/// List all dispatches from one agency to another that this node had custody of.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram audit between H41 H41.12.03 --from 2026-11-01 --to 2026-11-30"
)]
pub(crate) struct BetweenArgs {
    /// Who sent.
    #[arg(value_name = "ORIGINATOR")]
    originator: AgencyCode,
    /// To whom.
    #[arg(value_name = "RECIPIENT")]
    recipient: AgencyCode,
    #[command(flatten)]
    span: Span,
    /// Most lines.
    #[arg(long, default_value_t = 1_000)]
    limit: u32,
    #[command(flatten)]
    form: Form,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &BetweenArgs) -> Done {
    let client = connect::client(shell, connect::READERS)?;
    let query = BetweenQuery {
        originator: args.originator.clone().into(),
        recipient: args.recipient.clone().into(),
        from: args.span.begin(),
        to: args.span.end(),
        after: None,
        limit: None,
    };
    let items = connect::block_on(show::pages(args.limit, |after, limit| {
        let query = BetweenQuery { after, limit: Some(limit), ..query.clone() };
        let client = &client;
        async move { Ok(client.audit_between(&query).await?) }
    }))?;
    let mut sheet = Sheet::new(&[
        ("accepted_at", Word::AcceptedAt),
        ("reference", Word::Reference),
        ("open", Word::OpenLegs),
        ("consigned", Word::Consigned),
        ("undelivered", Word::Undelivered),
        ("subject", Word::Subject),
        ("dispatch", Word::Dispatch),
    ]);
    for d in &items {
        sheet.row([
            Cell::Time(d.accepted_at.0),
            Cell::of(&d.reference),
            Cell::Count(d.open.into()),
            Cell::Count(d.consigned.into()),
            Cell::Count(d.undelivered.into()),
            Cell::maybe(d.subject.as_ref()),
            Cell::of(d.dispatch),
        ]);
    }
    present(shell, &args.form, &items, &sheet)?;
    Ok(DONE)
}
