//! `docs/threats.md`: every line of the catalogue, and tests that exist.

use std::collections::BTreeSet;

use crate::{assert_none, tree};

/// Faults and attacks in the catalogue.
const LINES: usize = 112;
/// Lines that have a test at the least.
const TESTED_MIN: usize = 80;

/// One row of the tables.
struct Row {
    number: usize,
    code: String,
    tests: Vec<String>,
    /// Something of it is not there, or not shown.
    open: bool,
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The rows that begin with a number, of six cells as they should.
fn rows(text: &str) -> Result<Vec<Row>, String> {
    let numbered = |line: &&str| {
        let first = line.strip_prefix("| ").and_then(|rest| rest.split(' ').next());
        first.is_some_and(|f| f.parse::<usize>().is_ok())
    };
    text.lines().filter(numbered).map(row).collect()
}

fn row(line: &str) -> Result<Row, String> {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [number, fault, does, code, tests] = cells[..] else {
        return Err(format!("wants five cells: {line}"));
    };
    if [number, fault, does, code, tests].iter().any(|cell| cell.is_empty()) {
        return Err(format!("an empty cell: {line}"));
    }
    let number = number.parse().map_err(|_| format!("no number: {line}"))?;
    // Words behind "not yet" may quote anything.
    let (named, open) = tests.split_once("not yet").map_or((tests, false), |(n, _)| (n, true));
    Ok(Row { number, code: code.to_owned(), tests: quoted(named), open })
}

/// The names of all functions marked as tests.
fn tests_of(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if marked && !line.starts_with("#[") && !line.starts_with("//") {
            let rest = line.split_once("fn ").map(|(_, rest)| rest);
            names.extend(rest.and_then(|r| r.split(['(', '<']).next()).map(str::to_owned));
            marked = false;
        }
    }
    names
}

#[test]
fn every_line_of_the_catalogue_has_tests_that_exist_or_says_not_yet() {
    let text = tree::read(&tree::root().join("docs/threats.md"));
    let rows = rows(&text).unwrap_or_else(|fault| panic!("docs/threats.md: {fault}"));
    let numbers: Vec<usize> = rows.iter().map(|r| r.number).collect();
    assert_eq!(numbers, (1..=LINES).collect::<Vec<_>>(), "one row for each line, in order");
    let sources = tree::files("", ".rs");
    let known: BTreeSet<String> =
        sources.iter().flat_map(|path| tests_of(&tree::read(path))).collect();
    assert!(known.len() > 500, "found only {} tests", known.len());
    let errors = tree::read(&tree::root().join("docs/errors.md"));
    let mut faults = Vec::new();
    for row in &rows {
        let n = row.number;
        for test in row.tests.iter().filter(|test| !known.contains(*test)) {
            faults.push(format!("{n}: there is no test {test}"));
        }
        for long in row.tests.iter().filter(|test| test.starts_with("long_")) {
            faults.push(format!("{n}: {long} does not run in CI"));
        }
        if row.tests.is_empty() && !row.open {
            faults.push(format!("{n}: neither a test nor \"not yet\""));
        }
        match quoted(&row.code).as_slice() {
            [] if row.code == "–" => {}
            [code] if errors.contains(&format!("| `{code}` |")) => {}
            _ => faults.push(format!("{n}: {} is no code of docs/errors.md", row.code)),
        }
    }
    let tested = rows.iter().filter(|row| !row.tests.is_empty()).count();
    if tested < TESTED_MIN {
        faults.push(format!("only {tested} lines have a test"));
    }
    assert_none("docs/threats.md:", &faults);
}

#[test]
fn rows_and_tests_are_found() {
    let text = "| 7 | a | b | `C` | `x`, `y`; not yet: `z` |\n| number | a |\n| 8 | a | b | – | not yet: q |\n";
    let found = rows(text).unwrap();
    let seen: Vec<(usize, &[String], bool)> =
        found.iter().map(|r| (r.number, &r.tests[..], r.open)).collect();
    assert_eq!(seen, [(7, &["x".to_owned(), "y".to_owned()][..], true), (8, &[][..], true)]);
    assert!(rows("| 7 | a | b | `C` |\n").is_err());
    let text = "#[test]\n#[ignore = \"needs x\"]\nfn one() {}\nfn none() {}\n#[tokio::test]\nasync fn two() {\n";
    assert_eq!(tests_of(text), ["one", "two"]);
}
