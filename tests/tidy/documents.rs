//! The documents: links that lead somewhere, a code map that is true, records that are whole.

use std::path::Path;

use crate::{assert_none, tree};

#[test]
fn relative_links_lead_somewhere() {
    let mut faults = Vec::new();
    for path in tree::files("", ".md") {
        for link in links(&tree::read(&path)) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            if let Err(why) = follow(&path, &link) {
                faults.push(format!("{}: {link}: {why}", tree::shown(&path)));
            }
        }
    }
    assert_none("a link in a document:", &faults);
}

/// The targets of the inline links of a Markdown text, code left out.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        // Every second piece between backticks is code.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("x");
        for piece in prose.split("](").skip(1) {
            let target = piece.split([')', ' ']).next().unwrap_or_default();
            found.push(target.to_owned());
        }
    }
    found
}

fn follow(from: &Path, link: &str) -> Result<(), String> {
    let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
    let folder = from.parent().expect("a document lies in a folder");
    let target = if file.is_empty() { from.to_owned() } else { folder.join(file) };
    let target = target.canonicalize().map_err(|_| "no such file".to_owned())?;
    let root = tree::root().canonicalize().expect("the root exists");
    if !target.starts_with(&root) {
        return Err("leads out of the repository".to_owned());
    }
    let is_document = target.extension().is_some_and(|e| e == "md");
    if !fragment.is_empty() && is_document && !headings(&tree::read(&target)).any(|h| h == fragment)
    {
        return Err("no such heading".to_owned());
    }
    Ok(())
}

/// The fragments under which a text's headings can be linked to.
fn headings(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().filter(|l| l.starts_with('#')).map(|l| {
        l.trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    })
}

#[test]
fn the_code_map_names_every_crate_and_no_other() {
    let text = tree::read(&tree::root().join("docs/architecture.md"));
    let mut faults = Vec::new();
    let crates = tree::folders("crates");
    for name in &crates {
        if rows(&text, name).count() != 1 {
            faults.push(format!("crates/{name}: wants one row in the code map"));
        }
    }
    for row in text.lines().filter_map(|l| l.strip_prefix("| `crates/")) {
        let name = row.split('`').next().unwrap_or_default();
        if !crates.iter().any(|c| c == name) {
            faults.push(format!("crates/{name}: in the code map, but not in the tree"));
        }
    }
    for name in &crates {
        // Three columns: which, what for, what it must not know.
        let filled = |row: &str| row.split('|').filter(|c| c.trim().len() > 10).count() >= 3;
        if !rows(&text, name).all(filled) {
            faults.push(format!("crates/{name}: says what for, and what it must not know"));
        }
    }
    assert_none("docs/architecture.md:", &faults);
}

fn rows<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let start = format!("| `crates/{name}` |");
    text.lines().filter(move |l| l.starts_with(&start))
}

#[test]
fn decision_records_are_whole_and_numbered() {
    let mut faults = Vec::new();
    let records = tree::files("docs/adr", ".md");
    assert!(records.len() > 5);
    for (index, path) in records.iter().enumerate() {
        let at = tree::shown(path);
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if !name.starts_with(&format!("{:04}-", index + 1)) {
            faults.push(format!("{at}: expected number {:04}", index + 1));
        }
        let text = tree::read(path);
        for part in ["# ", "## Context", "## Decision", "## Consequences"] {
            if !text.lines().any(|l| l.starts_with(part)) {
                faults.push(format!("{at}: no {part:?}"));
            }
        }
    }
    assert_none("docs/adr:", &faults);
}

#[test]
fn the_glossary_rows_are_complete() {
    let text = tree::read(&tree::root().join("docs/glossary.md"));
    let rows: Vec<&str> = text.lines().filter(|l| l.starts_with("| **")).collect();
    assert!(rows.len() > 50, "only {} words", rows.len());
    let faults: Vec<String> = rows
        .iter()
        .filter(|r| {
            let cells: Vec<&str> = r.split('|').map(str::trim).collect();
            // Leading and trailing bar make six pieces; the last column may be empty.
            cells.len() != 6 || cells[1..4].iter().any(|c| c.is_empty())
        })
        .map(|r| (*r).to_owned())
        .collect();
    assert_none("docs/glossary.md: word, Vietnamese, meaning, not:", &faults);
}

#[test]
fn links_are_found_and_followed() {
    let text = "a [b](c.md#d) `[x](no)` [e](f)\n```\n[g](h)\n```\n";
    assert_eq!(links(text), ["c.md#d", "f"]);
    assert_eq!(headings("# Mã lỗi: `A_B`, hai\n").collect::<Vec<_>>(), ["mã-lỗi-a_b-hai"]);
    let here = tree::root().join("docs/architecture.md");
    assert!(follow(&here, "../Cargo.toml").is_ok());
    assert!(follow(&here, "../no-such-file").is_err());
    assert!(follow(&here, "../../..").is_err());
}
