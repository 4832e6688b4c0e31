//! `tram audit refusals`.

use clap::Args;
use tram_api::model::RefusalsQuery;
use tram_dispatch::{AgencyCode, Code, NodeId};

use super::days::Span;
use super::sheet::{Cell, Form, Sheet, present};
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, show};

/// List refusals with their reasons: by the first node, by a relay, by the recipient's clerk.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram audit refusals --code RECIPIENT_UNKNOWN --from 2026-11-01 --csv"
)]
pub(crate) struct RefusalsArgs {
    /// With this reason.
    #[arg(long, value_name = "CODE")]
    code: Option<Code>,
    /// Said by this node, or about what this node handed over.
    #[arg(long, value_name = "NODE")]
    node: Option<NodeId>,
    /// With this agency as originator or recipient.
    #[arg(long, value_name = "CODE")]
    agency: Option<AgencyCode>,
    /// Failures and expiry as well.
    #[arg(long)]
    failures: bool,
    #[command(flatten)]
    span: Span,
    /// Most lines.
    #[arg(long, default_value_t = 1_000)]
    limit: u32,
    #[command(flatten)]
    form: Form,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &RefusalsArgs) -> Done {
    let client = connect::client(shell, connect::READERS)?;
    let query = RefusalsQuery {
        code: args.code.map(Into::into),
        node: args.node.clone().map(Into::into),
        agency: args.agency.clone().map(Into::into),
        failures: args.failures,
        from: args.span.begin(),
        to: args.span.end(),
        after: None,
        limit: None,
    };
    let items = connect::block_on(show::sparse_pages(args.limit, |after, limit| {
        let query = RefusalsQuery { after, limit: Some(limit), ..query.clone() };
        let client = &client;
        async move { Ok(client.audit_refusals(&query).await?) }
    }))?;
    let mut sheet = Sheet::new(&[
        ("at", Word::Time),
        ("event", Word::Event),
        ("code", Word::Reason),
        ("remark", Word::Remark),
        ("node", Word::SaidBy),
        ("originator", Word::From),
        ("recipient", Word::To),
        ("dispatch", Word::Dispatch),
        ("receipt", Word::Digest),
    ]);
    for r in &items {
        sheet.row([
            Cell::Time(r.at.0),
            Cell::Two(show::event(shell, r.event.0), r.event.to_string()),
            Cell::maybe(r.code),
            Cell::maybe(r.remark.as_ref()),
            Cell::of(&r.node),
            Cell::of(&r.originator),
            Cell::maybe(r.recipient.as_ref()),
            Cell::of(r.dispatch),
            Cell::Two(r.digest.0.short(), r.digest.to_string()),
        ]);
    }
    present(shell, &args.form, &items, &sheet)?;
    Ok(DONE)
}
