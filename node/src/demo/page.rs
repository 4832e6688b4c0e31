//! What the person reads: calm lines and aligned tables, in one of two languages.

use std::io::{self, Write as _};

use tram_api::Language;

use crate::cli::table::{Align, Table};

/// Where the demo writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    language: Language,
}

impl Page {
    pub(super) fn new(language: Language) -> Self {
        Page { language }
    }

    pub(super) fn language(&self) -> Language {
        self.language
    }

    /// One of two texts.
    pub(super) fn pick<T>(&self, english: T, vietnamese: T) -> T {
        match self.language {
            Language::English => english,
            Language::Vietnamese => vietnamese,
        }
    }

    /// A line. A reader that went away (`| head`) is no failure: the demo goes on to its end.
    pub(super) fn line(&self, text: impl AsRef<str>) {
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush());
    }

    /// A line under a heading.
    pub(super) fn note(&self, english: impl AsRef<str>, vietnamese: impl AsRef<str>) {
        self.line(format!("   {}", self.pick(english.as_ref(), vietnamese.as_ref())));
    }

    /// A heading, with an empty line before it.
    pub(super) fn heading(&self, number: u32, english: &str, vietnamese: &str) {
        self.line(format!("\n{number}. {}", self.pick(english, vietnamese)));
    }

    /// A table, indented, with headings in both languages.
    pub(super) fn table(&self, columns: &[(&str, &str, Align)], rows: Vec<Vec<String>>) {
        let rows = rows.into_iter().map(|row| (row, None)).collect();
        self.table_with_reasons(columns, rows);
    }

    /// A table whose rows may have a sentence under them.
    pub(super) fn table_with_reasons(
        &self,
        columns: &[(&str, &str, Align)],
        rows: Vec<(Vec<String>, Option<&str>)>,
    ) {
        let columns: Vec<(&str, Align)> =
            columns.iter().map(|(en, vi, align)| (self.pick(*en, *vi), *align)).collect();
        let mut table = Table::new(&columns);
        let reasons: Vec<Option<&str>> = rows.iter().map(|(_, reason)| *reason).collect();
        rows.into_iter().for_each(|(row, _)| _ = table.row(row));
        self.line("");
        for (line, reason) in table.lines().lines().zip(std::iter::once(None).chain(reasons)) {
            self.line(format!("   {line}"));
            if let Some(reason) = reason {
                self.line(format!("      {reason}"));
            }
        }
        self.line("");
    }

    /// Something that did not go as it must.
    pub(super) fn wrong(&self, text: impl AsRef<str>) {
        self.line(format!(
            "   {} {}",
            self.pick("NOT AS IT SHOULD BE:", "KHÔNG ĐÚNG:"),
            text.as_ref()
        ));
    }
}
