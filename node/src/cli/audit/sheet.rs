//! Rows as a table for people, or as CSV (RFC 4180) for spreadsheets.

use clap::Args;
use serde::Serialize;
use tram_dispatch::UnixMillis;

use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::table::{Align, Table};
use crate::cli::texts::Word;

/// How an answer is written, beside --json.
#[derive(Args)]
pub(super) struct Form {
    /// Answer in CSV, for spreadsheets: English headings, times in UTC, durations in milliseconds.
    #[arg(long, conflicts_with = "json")]
    pub(super) csv: bool,
}

/// One value.
pub(super) enum Cell {
    Text(String),
    Time(UnixMillis),
    Count(u64),
    Percent(Option<f64>),
    DurationMs(Option<u64>),
    /// What people see, and what programs read.
    Two(String, String),
    None,
}

/// Rows under headings: their names in CSV, the words for people.
pub(super) struct Sheet {
    columns: Vec<(&'static str, Word)>,
    rows: Vec<Vec<Cell>>,
}

impl Sheet {
    pub(super) fn new(columns: &[(&'static str, Word)]) -> Self {
        Sheet { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The rows as a table for people.
    pub(super) fn people(&self, shell: &Shell) -> String {
        if self.rows.is_empty() {
            return shell.word(Word::Nothing).to_owned();
        }
        let right = |at: usize| {
            let number = |cell: &Cell| {
                matches!(cell, Cell::Count(_) | Cell::Percent(_) | Cell::DurationMs(_))
            };
            self.rows.iter().all(|row| row.get(at).is_some_and(number))
        };
        let columns: Vec<(&str, Align)> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, (_, word))| {
                (shell.word(*word), if right(at) { Align::Right } else { Align::Left })
            })
            .collect();
        let mut table = Table::new(&columns);
        for row in &self.rows {
            table.row(row.iter().map(|cell| cell.people(shell)));
        }
        table.lines()
    }

    fn csv(&self) -> String {
        let mut out = String::new();
        let headings = self.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(Cell::csv).collect());
        for row in std::iter::once::<Vec<String>>(headings).chain(rows) {
            let fields: Vec<String> = row.iter().map(|field| quoted(field)).collect();
            out.push_str(&fields.join(","));
            out.push_str("\r\n");
        }
        out
    }
}

impl Cell {
    pub(super) fn of(text: impl ToString) -> Self {
        Cell::Text(text.to_string())
    }

    pub(super) fn maybe(text: Option<impl ToString>) -> Self {
        text.map_or(Cell::None, Cell::of)
    }

    fn people(&self, shell: &Shell) -> String {
        match self {
            Cell::Text(text) | Cell::Two(text, _) => text.clone(),
            Cell::Time(at) => shell.time(*at),
            Cell::Count(n) => n.to_string(),
            Cell::Percent(percent) => percent.map(|p| format!("{p:.2}")).unwrap_or_default(),
            Cell::DurationMs(ms) => ms.map(duration).unwrap_or_default(),
            Cell::None => String::new(),
        }
    }

    fn csv(&self) -> String {
        match self {
            Cell::Text(text) | Cell::Two(_, text) => text.clone(),
            Cell::Time(at) => at.to_string(),
            Cell::Count(n) => n.to_string(),
            Cell::Percent(percent) => percent.map(|p| format!("{p:.2}")).unwrap_or_default(),
            Cell::DurationMs(ms) => ms.map(|ms| ms.to_string()).unwrap_or_default(),
            Cell::None => String::new(),
        }
    }
}

/// A field that a spreadsheet takes as text, not as a formula: what comes from outside may begin with a
/// sign that would make it one.
fn quoted(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{field}") } else { field.to_owned() };
    if text.contains([',', '"', '\r', '\n']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// A duration with two or three digits.
fn duration(ms: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", ms / unit, ms % unit * 10 / unit);
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{} s", tenths(1_000)),
        60_000..3_600_000 => format!("{} min", tenths(60_000)),
        3_600_000..172_800_000 => format!("{} h", tenths(3_600_000)),
        _ => format!("{} d", tenths(86_400_000)),
    }
}

/// Writes the value as JSON, or the sheet as CSV or as a table.
///
/// # Errors
/// As [`Shell::say`].
pub(super) fn present<T: Serialize>(
    shell: &Shell,
    form: &Form,
    value: &T,
    sheet: &Sheet,
) -> Result<(), Failure> {
    present_as(shell, form, value, sheet, || sheet.people(shell))
}

/// As [`present`], with other words for people than the sheet.
///
/// # Errors
/// As [`Shell::say`].
pub(super) fn present_as<T: Serialize>(
    shell: &Shell,
    form: &Form,
    value: &T,
    sheet: &Sheet,
    people: impl FnOnce() -> String,
) -> Result<(), Failure> {
    if form.csv && !shell.json {
        return shell.say(sheet.csv());
    }
    shell.answer(value, people)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_quoted_and_carries_no_formula() {
        let mut sheet = Sheet::new(&[("subject", Word::Subject), ("count", Word::Number)]);
        sheet.row([Cell::of("=cmd|' /C calc'!A0"), Cell::Count(7)]);
        sheet.row([Cell::of("a \"b\", c"), Cell::DurationMs(None)]);
        sheet.row([Cell::Two("seen".into(), "read".into()), Cell::Percent(Some(66.5))]);
        let lines: Vec<String> = sheet.csv().split("\r\n").map(str::to_owned).collect();
        assert_eq!(
            lines,
            ["subject,count", "'=cmd|' /C calc'!A0,7", "\"a \"\"b\"\", c\",", "read,66.50", ""]
        );
    }

    #[test]
    fn durations_are_short() {
        let all = [999, 1_000, 61_000, 5_400_000, 400_000_000].map(duration);
        assert_eq!(all, ["999 ms", "1.0 s", "1.0 min", "1.5 h", "4.6 d"]);
    }
}
