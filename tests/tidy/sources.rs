//! Lengths, words, and the second net under the lints: what a source file may say.

use std::io::Write as _;

use crate::product::{self, Source};
use crate::{assert_none, layers, tree};

/// Product lines of one file at which the test fails.
const LINES_MAX: usize = 800;

/// Lines of one file, tests included, from which it is listed as one to split.
const LINES_LISTED: usize = 500;

/// Words that a type's name must not hold, each with what to say instead.
const WORDS: &[(&str, &str)] = &[
    ("Manager", "say what it does"),
    ("Helper", "say what it does"),
    ("Util", "say what it does"),
    ("Message", "dispatch or frame"),
    ("Packet", "dispatch or frame"),
    ("Letter", "dispatch"),
    ("Blob", "document"),
    ("Tenant", "agency"),
    ("Organisation", "agency"),
    ("Organization", "agency"),
];

/// What product code of the pure core does not say, lints or no lints.
const IMPURE_TEXTS: &[&str] = &[
    "Instant::",
    "SystemTime",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "thread::spawn",
    "HashMap",
    "HashSet",
    "RandomState",
    "tokio::",
    "println!",
    "eprintln!",
    "getrandom",
    "async fn",
];

/// Where bytes from our own store may become verified values again without being verified.
const ASSERTION_CALLERS: &[&str] = &[
    "crates/trust/src/",
    "crates/spool/src/",
    "crates/engine/src/hand.rs",
    "node/src/",
    // The planted bug that takes receipts unverified.
    "crates/sim/src/node/take.rs",
];

fn lines(text: &str) -> usize {
    text.lines().count()
}

fn is_product(source: &Source) -> bool {
    !source.product.is_empty()
}

#[test]
fn files_are_short() {
    let mut faults = Vec::new();
    let mut listed = Vec::new();
    for source in product::sources() {
        let (product, all) = (lines(&source.product), lines(&source.product) + lines(&source.test));
        let line = format!("{:>5}  {}", all, tree::shown(&source.path));
        if product > LINES_MAX {
            faults.push(line.clone());
        }
        if all > LINES_LISTED {
            listed.push(line);
        }
    }
    // Straight to the terminal, so that the list shows also when the test passes.
    let mut out = std::io::stdout().lock();
    writeln!(out, "files of more than {LINES_LISTED} lines: {}", listed.len()).expect("stdout");
    for line in listed {
        writeln!(out, "{line}").expect("stdout");
    }
    assert_none(
        &format!("longer than {LINES_MAX} lines without tests; split by responsibility:"),
        &faults,
    );
}

#[test]
fn types_are_named_with_the_words_of_the_glossary() {
    let mut faults = Vec::new();
    for source in product::sources() {
        for (number, line) in source.product.lines().enumerate() {
            let Some(name) = type_name(product::code_of(line)) else { continue };
            for (word, instead) in WORDS {
                if name.contains(word) {
                    let at = tree::shown(&source.path);
                    faults.push(format!("{at}:{}: {name}: {instead}", number + 1));
                }
            }
        }
    }
    assert_none("a type's name holds a word that docs/glossary.md does not use:", &faults);
}

#[test]
fn files_are_named_after_what_is_in_them() {
    let faults: Vec<String> = tree::files("", ".rs")
        .iter()
        .filter(|p| {
            let stem = p.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
            matches!(stem, "util" | "utils" | "common" | "helper" | "helpers" | "misc")
        })
        .map(|p| tree::shown(p))
        .collect();
    assert_none("a drawer:", &faults);
}

/// The name that a line declares as a type, if it does.
fn type_name(line: &str) -> Option<&str> {
    let mut words =
        line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty());
    let mut first = words.next()?;
    while matches!(first, "pub" | "crate" | "super" | "in") {
        first = words.next()?;
    }
    matches!(first, "struct" | "enum" | "trait" | "type" | "union").then(|| words.next()).flatten()
}

#[test]
fn crate_roots_say_what_the_crate_is_for() {
    let faults: Vec<String> = ["lib.rs", "main.rs"]
        .iter()
        .flat_map(|root| tree::files("", root))
        .filter(|p| !tree::read(p).starts_with("//!"))
        .map(|p| tree::shown(&p))
        .collect();
    assert_none("does not begin with `//!`:", &faults);
}

#[test]
fn pure_crates_name_nothing_impure() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for source in product::sources().into_iter().filter(is_product) {
        let at = tree::shown(&source.path);
        let pure = layers::PURE.iter().any(|c| at.starts_with(&format!("crates/{c}/src/")));
        if !pure {
            continue;
        }
        seen += 1;
        for (number, line) in source.product.lines().enumerate() {
            for text in IMPURE_TEXTS {
                if product::code_of(line).contains(text) {
                    faults.push(format!("{at}:{}: {text}", number + 1));
                }
            }
        }
    }
    assert!(seen > 20, "looked at only {seen} files");
    assert_none("a pure crate names something impure:", &faults);
}

#[test]
fn verified_values_are_asserted_in_few_places() {
    let mut faults = Vec::new();
    for source in product::sources().into_iter().filter(is_product) {
        let at = tree::shown(&source.path);
        if ASSERTION_CALLERS.iter().any(|allowed| at.starts_with(allowed)) {
            continue;
        }
        for (number, line) in source.product.lines().enumerate() {
            if product::code_of(line).contains("assertion::") {
                faults.push(format!("{at}:{}", number + 1));
            }
        }
    }
    assert_none("only what reads our own store back may assert that it was verified:", &faults);
}

#[test]
fn type_names_are_found() {
    assert_eq!(type_name("pub(crate) struct FrameManager<T> {"), Some("FrameManager"));
    assert_eq!(type_name("    enum Kind {"), Some("Kind"));
    assert_eq!(type_name("let enumeration = 1;"), None);
    assert_eq!(type_name(""), None);
}
