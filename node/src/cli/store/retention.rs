//! `tram store retention`: how long documents are kept, and which go when.

use clap::Args;
use tram_api::model::{RetentionQuery, RetentionRuleView, RetentionView};
use tram_config::Role;
use tram_dispatch::text::escaped;

use crate::cli::shell::Shell;
use crate::cli::table::{self, Align, Table};
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect};

/// Most items asked for at a time.
const PAGE_MAX: usize = 500;

/// Show the policy of retention, and which documents are removed when.
///
/// The policy is the file named in the configuration ([retention] policy). Listed are dispatches for which
/// nothing is left to do and whose documents are here, by when they were closed. Nothing is changed.
#[derive(Args)]
#[command(after_help = "Examples:\n  tram store retention\n  tram store retention --dry-run")]
pub(crate) struct RetentionArgs {
    /// Only what is due now: what the next pass of the node removes.
    #[arg(long)]
    dry_run: bool,
    /// Most dispatches.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
}

/// Runs the command.
pub(super) fn run(shell: &Shell, args: &RetentionArgs) -> Done {
    let client = connect::client(shell, &[Role::Operate, Role::Audit])?;
    let mut query = RetentionQuery {
        due: args.dry_run.then_some(true),
        after: None,
        limit: u32::try_from(args.limit.clamp(1, PAGE_MAX)).ok(),
    };
    let view = connect::block_on(async {
        let mut view = client.retention(&query).await?;
        while view.items.len() < args.limit
            && let Some(after) = view.next.take()
        {
            query.after = Some(after);
            let page = client.retention(&query).await?;
            view.items.extend(page.items);
            view.next = page.next;
        }
        view.items.truncate(args.limit);
        Ok(view)
    })?;
    shell.answer(&view, || people(shell, &view))?;
    if view.next.is_some() {
        shell.note(shell.word(Word::MoreWithLimit));
    }
    Ok(DONE)
}

fn people(shell: &Shell, view: &RetentionView) -> String {
    let Some(policy) = &view.policy else {
        return shell.word(Word::NoRetentionPolicy).to_owned();
    };
    let mut head = vec![
        (shell.word(Word::Policy), escaped(&policy.name)),
        ("SHA-256", policy.sha256.to_string()),
        (shell.word(Word::PerDayMax), policy.per_day_max.to_string()),
        (shell.word(Word::RemovedToday), view.removed_today.to_string()),
        (shell.word(Word::Time), shell.time(view.moment.0)),
    ];
    if view.limited {
        head.push((shell.word(Word::Problem), shell.word(Word::LimitReached).to_owned()));
    }
    if let Some(trouble) = &view.trouble {
        head.push((shell.word(Word::Problem), escaped(trouble)));
    }
    let mut out = table::pairs(&head);
    let mut rules = Table::new(&[
        (shell.word(Word::Rule), Align::Left),
        (shell.word(Word::KeptFor), Align::Left),
        (shell.word(Word::Conditions), Align::Left),
    ]);
    for rule in &policy.rules {
        rules.row([escaped(&rule.name), period(shell, rule.keep_days), conditions(rule)]);
    }
    out += "\n";
    out += &rules.lines();
    let mut items = Table::new(&[
        (shell.word(Word::Dispatch), Align::Left),
        (shell.word(Word::ClosedAt), Align::Left),
        (shell.word(Word::Goes), Align::Left),
        (shell.word(Word::Rule), Align::Left),
    ]);
    for item in &view.items {
        let due = item.due.as_ref();
        items.row([
            item.dispatch.to_string(),
            shell.time(item.closed_at.0),
            due.map_or_else(|| shell.word(Word::ForEver).to_owned(), |due| shell.time(due.0)),
            item.rule.as_deref().map(escaped).unwrap_or_default(),
        ]);
    }
    if !items.is_empty() {
        out += "\n\n";
        out += &items.lines();
    }
    out
}

fn period(shell: &Shell, days: Option<u64>) -> String {
    match days {
        Some(days) => shell.sentence(Word::DaysKept, &[&days.to_string()]),
        None => shell.word(Word::ForEver).to_owned(),
    }
}

/// The conditions as the file writes them.
fn conditions(rule: &RetentionRuleView) -> String {
    let named = [
        ("at", &rule.at),
        ("outcome", &rule.outcome),
        ("types", &rule.types),
        ("agencies", &rule.agencies),
    ];
    let written: Vec<String> = named
        .into_iter()
        .filter(|(_, words)| !words.is_empty())
        .map(|(key, words)| format!("{key}: {}", escaped(&words.join(", "))))
        .collect();
    written.join("; ")
}
