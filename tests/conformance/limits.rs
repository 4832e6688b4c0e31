//! The tables of `docs/protocol.md` that come from the code: limits, events, codes.

use tram_dispatch::limits::ALL;
use tram_dispatch::{Code, Event};

/// What must stand between `<!-- name -->` and `<!-- /name -->`.
fn hold(name: &str, head: &str, rows: &[String]) {
    let expected = format!("\n{head}\n{}\n", rows.join("\n"));
    let (open, close) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let document = crate::text("docs/protocol.md");
    let (before, rest) = document.split_once(&open).unwrap_or_else(|| panic!("no {open}"));
    let (found, after) = rest.split_once(&close).unwrap_or_else(|| panic!("no {close}"));
    if crate::update() && found != expected {
        let document = format!("{before}{open}{expected}{close}{after}");
        std::fs::write(crate::repository("docs/protocol.md"), document).unwrap();
        return;
    }
    assert_eq!(found, expected, "UPDATE=1 rewrites the table");
}

/// One test, so that rewriting is not done by two at a time.
#[test]
fn the_tables_in_the_document_are_those_of_the_code() {
    let limits: Vec<String> = ALL
        .iter()
        .map(|(name, value, meaning)| format!("| `{name}` | {value} | {} |", meaning.trim()))
        .collect();
    hold("limits", "| limit | value | meaning |\n| --- | --- | --- |", &limits);
    let events: Vec<String> = Event::ALL
        .iter()
        .map(|e| {
            let issuer =
                if e.only_recipient_node() { "the recipient's node" } else { "any custodian" };
            format!("| {} | `{}` | {} | {issuer} |", e.number(), e.name(), e.name_vi())
        })
        .collect();
    hold(
        "events",
        "| number | event | in Vietnamese | who may say it |\n| --- | --- | --- | --- |",
        &events,
    );
    let codes: Vec<String> = Code::ALL
        .iter()
        .map(|c| format!("| {} | `{}` | {} |", c.number(), c.as_str(), c.row().cause))
        .collect();
    hold("codes", "| number | code | cause |\n| --- | --- | --- |", &codes);
}
