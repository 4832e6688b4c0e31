//! The table of codes: its document, and a test for every row.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use tram_dispatch::codes::{Code, Fault, Retry};

use crate::{assert_none, product, tree, update};

const DOCUMENT: &str = "docs/errors.md";
const PENDING: &str = "tests/tidy/pending_codes.txt";

fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::Submitter => "submitter",
        Fault::Caller => "caller",
        Fault::Peer => "peer",
        Fault::Operator => "operator",
        Fault::Machine => "machine",
        Fault::Recipient => "recipient",
        Fault::Nobody => "nobody",
    }
}

fn retry(retry: Retry) -> &'static str {
    match retry {
        Retry::Never => "no",
        Retry::Later => "later",
        Retry::AfterRemedy => "after the remedy",
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The whole document.
fn document() -> String {
    let mut out = String::from(
        "# Codes\n\n\
         Every refusal and error that Trạm answers with, on every surface: the local socket (`code`\n\
         of the problem, RFC 9457), frames between nodes (the number), evidence records, the command\n\
         line. A code and its number never change their meaning and are never used again.\n\n\
         This file is generated from the table in `crates/dispatch/src/codes.rs`; do not edit it.\n\
         `UPDATE=1 cargo test -p tram-tests --test tidy` writes it anew.\n\n\
         - **Whose**: who can mend it. **Again**: whether trying again can help.\n\
         - **Evidence**: the event (ETSI EN 319 522) it leads to at the first node, where it is evidence.\n\
         - **Exit**: status of the command line: 1 refused, 2 usage, 3 undetermined or later, 4 storage,\n  \
           5 unreachable; 0 is done.\n\n\
         | Code | No. | Cause | Remedy | Whose | Again | Evidence | HTTP | Exit |\n\
         | --- | ---: | --- | --- | --- | --- | --- | ---: | ---: |\n",
    );
    for code in Code::ALL {
        let row = code.row();
        let event = row.event.map_or("", |e| e.name());
        writeln!(
            out,
            "| `{}` | {} | {} | {} | {} | {} | {event} | {} | {} |",
            row.code,
            row.number,
            cell(row.cause),
            cell(row.remedy),
            fault(row.fault),
            retry(row.retry),
            row.http,
            row.exit,
        )
        .expect("a string takes text");
    }
    out.push_str("\n## Tiếng Việt\n\n| Mã | Nguyên nhân | Cách xử lý |\n| --- | --- | --- |\n");
    for code in Code::ALL {
        let row = code.row();
        writeln!(out, "| `{}` | {} | {} |", row.code, cell(row.cause_vi), cell(row.remedy_vi))
            .expect("a string takes text");
    }
    out
}

#[test]
fn the_document_of_codes_is_the_table() {
    let path = tree::root().join(DOCUMENT);
    let made = document();
    if update() {
        fs::write(&path, &made).expect("the document can be written");
    }
    assert!(tree::read(&path) == made, "{DOCUMENT} is not the table; run with UPDATE=1");
}

/// `NOT_CANONICAL` as the table's variant: `NotCanonical`.
fn variant(code: &str) -> String {
    let word = |w: &str| format!("{}{}", &w[..1], w[1..].to_lowercase());
    code.split('_').map(word).collect()
}

/// Whether a test names this code: as the variant, or as the text that a person or program reads.
fn named_in(text: &str, code: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let whole = |needle: &str| {
        text.match_indices(needle).any(|(at, _)| {
            !text[..at].ends_with(is_word) && !text[at + needle.len()..].starts_with(is_word)
        })
    };
    whole(&format!("Code::{}", variant(code))) || whole(code)
}

/// The codes that no test names yet, each with what is missing.
fn pending() -> BTreeMap<String, String> {
    tree::read(&tree::root().join(PENDING))
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(|l| {
            let (code, why) = l.split_once(' ').unwrap_or((l, ""));
            (code.to_owned(), why.trim().to_owned())
        })
        .collect()
}

#[test]
fn every_code_is_provoked_by_a_test() {
    // A name in a test is taken for a provocation, but for the table's own test, which walks all
    // rows, and for fakes, which answer with whatever they are told.
    let table = tree::root().join("crates/dispatch/src/codes.rs");
    let is_fake = |p: &Path| p.iter().any(|part| part.to_string_lossy().starts_with("fake"));
    let tests: Vec<String> = product::sources()
        .into_iter()
        .filter(|s| s.path != table && !is_fake(&s.path))
        .map(|s| s.test)
        .collect();
    let covered: BTreeSet<&str> = Code::ALL
        .iter()
        .map(|c| c.as_str())
        .filter(|code| tests.iter().any(|t| named_in(t, code)))
        .collect();
    let pending = pending();
    if update() {
        shrink(&covered);
        return;
    }
    let mut faults = Vec::new();
    for code in Code::ALL.iter().map(|c| c.as_str()) {
        match (covered.contains(code), pending.get(code)) {
            (false, None) => faults.push(format!("{code}: no test provokes it")),
            (true, Some(_)) => faults.push(format!("{code}: is provoked; take it off {PENDING}")),
            (false, Some(why)) if why.is_empty() => faults.push(format!("{code}: pending, why?")),
            _ => {}
        }
    }
    for code in pending.keys().filter(|c| c.parse::<Code>().is_err()) {
        faults.push(format!("{code}: pending, but not a code"));
    }
    assert_none(
        "codes and their tests (UPDATE=1 takes off what is covered, adds nothing):",
        &faults,
    );
}

/// Takes the covered codes off the list. It only ever gets shorter.
fn shrink(covered: &BTreeSet<&str>) {
    let path = tree::root().join(PENDING);
    let kept: String = tree::read(&path)
        .lines()
        .filter(|l| !covered.contains(l.split(' ').next().unwrap_or_default()))
        .map(|l| format!("{l}\n"))
        .collect();
    fs::write(&path, kept).expect("the list can be written");
}

#[test]
fn variants_follow_from_the_codes() {
    let table = tree::read(&tree::root().join("crates/dispatch/src/codes.rs"));
    for code in Code::ALL {
        let row = code.row();
        let line = format!("    {} = {} \"{}\" ", variant(row.code), row.number, row.code);
        assert!(table.contains(&line), "{}", row.code);
    }
    assert!(named_in("Err(Code::NotCanonical)", "NOT_CANONICAL"));
    assert!(named_in(r#"code":"BUSY""#, "BUSY"));
    assert!(!named_in("BUSY_STORAGE Code::BusyStorage", "BUSY"));
}
