//! The limits, and the table that `docs/edxml.md` gives of them.

use tram_edxml::Limits;

const DOCUMENT: &str = include_str!("../../../../docs/edxml.md");

#[test]
fn the_document_has_every_limit_with_its_value() {
    let (_, section) = DOCUMENT.split_once("### Limits").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows: Vec<&str> = section.lines().filter(|l| l.starts_with("| `")).collect();
    let made: Vec<String> = Limits::DEFAULT
        .table()
        .into_iter()
        .map(|(name, value, of)| format!("| `{name}` | {value} | {of} |"))
        .collect();
    assert_eq!(rows, made);
}
