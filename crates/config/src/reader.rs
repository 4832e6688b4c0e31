//! Reads one table of the TOML tree and reports every fault with its position.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::limits::Number;
use crate::problem::Problem;
use crate::{schema, suggest};

/// Collects problems for one text.
pub(crate) struct Reader<'t> {
    file: &'t Path,
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
    /// Lines with a syntax error: what was made of them is a guess, and a key that seems to be
    /// missing may only be one that was not understood.
    guessed_lines: RefCell<BTreeSet<usize>>,
}

/// A value with the place and the name of its key.
#[derive(Clone)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    pub(crate) at: usize,
    pub(crate) key: String,
}

/// One table. `table` is `None` when the file does not have it.
pub(crate) struct Section<'t> {
    reader: &'t Reader<'t>,
    name: &'static str,
    path: String,
    table: Option<&'t DeTable<'t>>,
    at: usize,
    broken: bool,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(file: &'t Path, text: &'t str) -> Self {
        Reader { file, text, problems: RefCell::default(), guessed_lines: RefCell::default() }
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    pub(crate) fn problem(
        &self,
        at: usize,
        key: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Problem {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            key: key.to_owned(),
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    pub(crate) fn report(
        &self,
        at: usize,
        key: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let problem = self.problem(at, key, what, remedy);
        if !self.guessed_lines.borrow().contains(&problem.line) {
            self.problems.borrow_mut().push(problem);
        }
    }

    /// Reports what the TOML parser found.
    pub(crate) fn report_syntax(&self, error: &toml::de::Error) {
        let at = error.span().map_or(0, |s| s.start);
        let message = error.message().lines().next().unwrap_or_default();
        if message == "duplicate key" {
            self.report(at, "", "the key or table is here twice", "keep one of them");
        } else {
            let what = format!("not TOML: {message}");
            let problem = self.problem(at, "", what, "see https://toml.io/en/v1.0.0");
            self.guessed_lines.borrow_mut().insert(problem.line);
            self.problems.borrow_mut().push(problem);
        }
    }

    /// The whole document.
    pub(crate) fn document(&'t self, table: &'t DeTable<'t>) -> Section<'t> {
        Section {
            reader: self,
            name: "",
            path: String::new(),
            table: Some(table),
            at: 0,
            broken: false,
        }
    }
}

impl<'t> Section<'t> {
    pub(crate) fn reader(&self) -> &'t Reader<'t> {
        self.reader
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The full name of a key in this table.
    pub(crate) fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    fn find(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.table.and_then(|t| t.get(key))
    }

    /// Reports keys that `known` does not have.
    pub(crate) fn known(self, known: &[&'static str]) -> Self {
        for name in self.table.into_iter().flat_map(|t| t.keys()) {
            let word: &str = name.get_ref();
            if known.contains(&word) {
                continue;
            }
            let remedy = if let Some(near) = suggest::nearest(word, known.iter().copied()) {
                format!("did you mean `{near}`?")
            } else if let Some(home) = schema::home(word, self.name) {
                format!("it belongs in {}", schema::header(home))
            } else {
                format!("known here: {}", known.join(", "))
            };
            self.reader.report(name.span().start, &self.key(word), "unknown key", remedy);
        }
        self
    }

    /// The table `name` in this one; empty if the file does not have it.
    pub(crate) fn table(&self, name: &'static str) -> Section<'t> {
        let mut section = Section {
            reader: self.reader,
            name,
            path: self.key(name),
            table: None,
            at: 0,
            broken: false,
        };
        if let Some(value) = self.find(name) {
            section.at = value.span().start;
            section.table = value.get_ref().as_table();
            section.broken = section.table.is_none();
            if section.broken {
                self.wrong(name, value, "a table", &schema::header(name));
            }
        }
        section.known(&schema::keys(name))
    }

    /// The tables of the array `name`.
    pub(crate) fn tables(&self, name: &'static str) -> Vec<Section<'t>> {
        let Some(value) = self.find(name) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(name, value, "tables", &schema::header(name));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (i, item) in array.iter().enumerate() {
            let path = format!("{}[{}]", self.key(name), i + 1);
            let Some(table) = item.get_ref().as_table() else {
                let what = format!("expected a table, found {}", kind(item.get_ref()));
                let remedy = format!("write it as {}", schema::header(name));
                self.reader.report(item.span().start, &path, what, remedy);
                continue;
            };
            let at = item.span().start;
            let table = Some(table);
            let section = Section { reader: self.reader, name, path, table, at, broken: false };
            sections.push(section.known(&schema::keys(name)));
        }
        sections
    }

    /// The tables of the array `name` as they stand, without reporting anything.
    pub(crate) fn raw_tables(&self, name: &str) -> impl Iterator<Item = &'t DeTable<'t>> {
        let array = self.find(name).and_then(|v| v.get_ref().as_array());
        array.into_iter().flat_map(|a| a.iter()).filter_map(|i| i.get_ref().as_table())
    }

    /// Whether the key is there and its value a text.
    pub(crate) fn is_text(&self, key: &str) -> bool {
        self.find(key).is_some_and(|v| v.get_ref().is_str())
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str, example: &str) {
        let what = format!("expected {expected}, found {}", kind(value.get_ref()));
        let remedy = format!("write it as {example}");
        self.reader.report(value.span().start, &self.key(key), what, remedy);
    }

    /// Reports a missing key.
    pub(crate) fn missing(&self, key: &str) {
        if self.broken || !self.reader.guessed_lines.borrow().is_empty() {
            return;
        }
        let example = schema::example(self.name, key);
        let remedy = if self.table.is_some() {
            format!("add `{example}`")
        } else {
            format!("add `{example}` under {}", schema::header(self.name))
        };
        self.reader.report(self.at, &self.key(key), "missing", remedy);
    }

    fn typed<T>(
        &self,
        key: &str,
        expected: &str,
        get: impl FnOnce(&'t DeValue<'t>) -> Option<T>,
    ) -> Option<Found<T>> {
        let value = self.find(key)?;
        match get(value.get_ref()) {
            Some(got) => Some(Found { value: got, at: value.span().start, key: self.key(key) }),
            None => {
                self.wrong(key, value, expected, &format!("`{}`", schema::example(self.name, key)));
                None
            }
        }
    }

    /// A text, if present.
    pub(crate) fn text(&self, key: &str) -> Option<Found<&'t str>> {
        self.typed(key, "a text", |v| v.as_str())
    }

    /// A text that must be there.
    pub(crate) fn required(&self, key: &str) -> Option<Found<&'t str>> {
        if !self.has(key) {
            self.missing(key);
        }
        self.text(key)
    }

    /// True or false, if present.
    pub(crate) fn boolean(&self, key: &str) -> Option<Found<bool>> {
        self.typed(key, "true or false", |v| v.as_bool())
    }

    /// A list of texts; items of another type are reported and left out.
    pub(crate) fn texts(&self, key: &str) -> Option<Vec<Found<&'t str>>> {
        let array = self.typed(key, "a list", |v| v.as_array())?.value;
        let name = self.key(key);
        let mut texts = Vec::new();
        for item in array.iter() {
            let at = item.span().start;
            match item.get_ref().as_str() {
                Some(value) => texts.push(Found { value, at, key: name.clone() }),
                None => {
                    let what = format!("expected texts, found {}", kind(item.get_ref()));
                    let remedy = format!("write it as `{}`", schema::example(self.name, key));
                    self.reader.report(at, &name, what, remedy);
                }
            }
        }
        Some(texts)
    }

    /// A number within its range; the default if absent (and, for the rest of the reading, if
    /// wrong).
    pub(crate) fn number(&self, number: &Number) -> u64 {
        let Number { key, default, min, max, .. } = *number;
        let Some(value) = self.find(key) else { return default };
        let remedy = format!("write a whole number from {min} to {max}");
        let what = match value.get_ref().as_integer() {
            None => format!("expected a number, found {}", kind(value.get_ref())),
            Some(text) => match i128::from_str_radix(text.as_str(), text.radix()) {
                Ok(n) if (i128::from(min)..=i128::from(max)).contains(&n) => {
                    return u64::try_from(n).unwrap_or(default);
                }
                _ => format!("{text} is out of range"),
            },
        };
        self.reader.report(value.span().start, &self.key(key), what, remedy);
        default
    }

    /// A uid or gid, if present.
    pub(crate) fn account_number(&self, key: &str) -> Option<Found<u32>> {
        let found = self.typed(key, "a number", |v| v.as_integer())?;
        // The highest value means "no one" to chown(2) and setuid(2).
        match u32::from_str_radix(found.value.as_str(), found.value.radix()) {
            Ok(value) if value != u32::MAX => Some(Found { value, at: found.at, key: found.key }),
            _ => {
                let what = format!("{} is out of range", found.value);
                let remedy = format!("write a whole number from 0 to {}", u32::MAX - 1);
                self.reader.report(found.at, &found.key, what, remedy);
                None
            }
        }
    }

    /// One of a few words; `None` if absent or wrong.
    pub(crate) fn choice<T: Copy>(&self, key: &str, names: &[(&'static str, T)]) -> Option<T> {
        self.text(key).and_then(|found| self.reader.pick(&found, names))
    }
}

impl Reader<'_> {
    /// The value that goes with a word.
    pub(crate) fn pick<T: Copy>(
        &self,
        found: &Found<&str>,
        names: &[(&'static str, T)],
    ) -> Option<T> {
        let value = names.iter().find(|(name, _)| *name == found.value).map(|(_, v)| *v);
        if value.is_none() {
            let all: Vec<String> = names.iter().map(|(n, _)| format!("\"{n}\"")).collect();
            let what = format!("\"{}\" is not known", found.value);
            self.report(found.at, &found.key, what, format!("write one of {}", all.join(", ")));
        }
        value
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
