//! `tram audit statistics`.

use clap::{Args, ValueEnum};
use tram_api::model::{StatisticsBy, StatisticsParty, StatisticsQuery, StatisticsView};
use tram_dispatch::{AgencyCode, Day};

use super::PAGE_MAX;
use super::days::Span;
use super::sheet::{Cell, Form, Sheet, present};
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, clock, connect};

/// Days counted where none are named.
const DAYS_DEFAULT: u32 = 30;

/// Count what was sent, arrived, registered, refused and expired, and how fast, per agency or tier.
///
/// Columns up to the first times are about what this node took into custody on those days, the rest
/// about what arrived on them. A node counts what it knows: the originator's node and the recipient's
/// know all of a leg. Medians and 90th percentiles are exact to 6.25 %.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram audit statistics --by tier --from 2026-11-01 --to 2026-11-30"
)]
pub(crate) struct StatisticsArgs {
    /// By what to sum up.
    #[arg(long, value_enum, default_value = "agency")]
    by: By,
    /// This agency only.
    #[arg(long, value_name = "CODE")]
    agency: Option<AgencyCode>,
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    form: Form,
}

/// By what statistics are summed up.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// One row for each agency.
    Agency,
    /// One row for each tier.
    Tier,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &StatisticsArgs) -> Done {
    let client = connect::client(shell, connect::READERS)?;
    let (from, to) = args.span.days(Day::of(clock::now()), DAYS_DEFAULT);
    let mut query = StatisticsQuery {
        from: from.into(),
        to: to.into(),
        by: match args.by {
            By::Agency => StatisticsBy::Agency,
            By::Tier => StatisticsBy::Tier,
        },
        agency: args.agency.clone().map(Into::into),
        after: None,
        limit: Some(PAGE_MAX),
    };
    let view = connect::block_on(async {
        let mut view = client.audit_statistics(&query).await?;
        while let Some(next) = view.next.take() {
            query.after = Some(next);
            let page = client.audit_statistics(&query).await?;
            view.items.extend(page.items);
            view.next = page.next;
        }
        Ok(view)
    })?;
    if !view.holidays_known {
        shell.note(shell.word(Word::HolidaysUnknown));
    }
    present(shell, &args.form, &view, &sheet(shell, &view))?;
    Ok(DONE)
}

fn sheet(shell: &Shell, view: &StatisticsView) -> Sheet {
    let mut sheet = Sheet::new(&[
        ("agency", Word::Agency),
        ("tier", Word::Tier),
        ("party", Word::Party),
        ("rejected", Word::RejectedCount),
        ("sent", Word::SentCount),
        ("underway", Word::OpenLegs),
        ("arrived", Word::ArrivedCount),
        ("refused", Word::Refused),
        ("failed", Word::FailedCount),
        ("expired", Word::Expired),
        ("arrived_percent", Word::ArrivedPercent),
        ("to_arrive_median_ms", Word::MedianTime),
        ("to_arrive_p90_ms", Word::NinetiethTime),
        ("came", Word::CameCount),
        ("waiting", Word::Waiting),
        ("registered", Word::Registered),
        ("returned", Word::ReturnedCount),
        ("registered_in_time", Word::InTimeCount),
        ("in_time_percent", Word::InTimePercent),
        ("to_register_median_ms", Word::MedianTime),
        ("to_register_p90_ms", Word::NinetiethTime),
    ]);
    for r in &view.items {
        let (word, name) = match r.party {
            StatisticsParty::Originator => (Word::From, "originator"),
            StatisticsParty::Recipient => (Word::To, "recipient"),
        };
        sheet.row([
            Cell::maybe(r.agency.as_ref()),
            Cell::maybe(r.tier),
            Cell::Two(shell.word(word).to_owned(), name.to_owned()),
            Cell::Count(r.rejected),
            Cell::Count(r.sent),
            Cell::Count(r.underway),
            Cell::Count(r.arrived),
            Cell::Count(r.refused),
            Cell::Count(r.failed),
            Cell::Count(r.expired),
            Cell::Percent(r.arrived_percent),
            Cell::DurationMs(r.to_arrive.median_ms),
            Cell::DurationMs(r.to_arrive.p90_ms),
            Cell::Count(r.came),
            Cell::Count(r.waiting),
            Cell::Count(r.registered),
            Cell::Count(r.returned),
            Cell::Count(r.registered_in_time),
            Cell::Percent(r.in_time_percent),
            Cell::DurationMs(r.to_register.median_ms),
            Cell::DurationMs(r.to_register.p90_ms),
        ]);
    }
    sheet
}
