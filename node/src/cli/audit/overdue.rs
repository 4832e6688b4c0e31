//! `tram audit overdue`.

use clap::Args;
use serde::Serialize;
use tram_api::model::{OverdueItem, OverdueQuery};
use tram_api::text::TimeText;
use tram_dispatch::{AgencyCode, UnixMillis};

use super::PAGE_MAX;
use super::days::Span;
use super::sheet::{Cell, Form, Sheet, present};
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect};

/// List everything that was not registered by its deadline: the end of the next working day of Viet Nam; of what is
/// urgent the end of the day, or its hour.
///
/// Counted from when the recipient's node held it. What the clerk refused in the meantime is answered,
/// and not listed.
#[derive(Args)]
#[command(after_help = "Example:\n  tram audit overdue --recipient H41.12.03")]
pub(crate) struct OverdueArgs {
    /// What was registered after all, but too late; otherwise what still waits.
    #[arg(long)]
    late: bool,
    /// To this agency.
    #[arg(long, value_name = "CODE")]
    recipient: Option<AgencyCode>,
    /// Overdue at this time instead of now: what still waits today and was due by then.
    #[arg(long, value_name = "TIME", conflicts_with = "late")]
    at: Option<UnixMillis>,
    #[command(flatten)]
    span: Span,
    /// Most lines.
    #[arg(long, default_value_t = 1_000)]
    limit: u32,
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Overdue {
    at: TimeText,
    holidays_known: bool,
    items: Vec<OverdueItem>,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &OverdueArgs) -> Done {
    let client = connect::client(shell, connect::READERS)?;
    let mut query = OverdueQuery {
        late: args.late,
        recipient: args.recipient.clone().map(Into::into),
        from: args.span.begin(),
        to: args.span.end(),
        at: args.at.map(Into::into),
        after: None,
        limit: Some(args.limit.clamp(1, PAGE_MAX)),
    };
    let found = connect::block_on(async {
        let first = client.audit_overdue(&query).await?;
        let mut found =
            Overdue { at: first.at, holidays_known: first.holidays_known, items: first.items };
        let mut next = first.next;
        // The same moment for every page.
        query.at = Some(found.at);
        while let Some(after) = next.take() {
            let count = u32::try_from(found.items.len()).unwrap_or(u32::MAX);
            let left = args.limit.saturating_sub(count);
            if left == 0 {
                break;
            }
            query.after = Some(after);
            query.limit = Some(left.min(PAGE_MAX));
            let page = client.audit_overdue(&query).await?;
            found.holidays_known &= page.holidays_known;
            found.items.extend(page.items);
            next = page.next;
        }
        Ok(found)
    })?;
    let mut sheet = Sheet::new(&[
        ("arrived_at", Word::ConsignedAt),
        ("due_at", Word::Due),
        ("registered_at", Word::Registered),
        ("recipient", Word::To),
        ("originator", Word::From),
        ("dispatch", Word::Dispatch),
    ]);
    for item in &found.items {
        sheet.row([
            Cell::Time(item.arrived_at.0),
            Cell::Time(item.due_at.0),
            item.registered_at.map_or(Cell::None, |at| Cell::Time(at.0)),
            Cell::of(&item.recipient),
            Cell::of(&item.originator),
            Cell::of(item.dispatch),
        ]);
    }
    if !found.holidays_known {
        shell.note(shell.word(Word::HolidaysUnknown));
    }
    present(shell, &args.form, &found, &sheet)?;
    Ok(DONE)
}
