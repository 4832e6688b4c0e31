//! Evidence under the names of ETSI EN 319 522-3 V1.2.1, as XML and as JSON, for those whose tools know
//! these names.
//!
//! Names and event URIs are those of the standard. The namespace is our own, because nothing here was
//! validated against the standard's XML schema and nobody should take it for that. There is no XML
//! signature either: what proves the evidence is the receipt, which goes along in base64.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use tram_dispatch::Event;
use tram_wire::Receipt;

/// What every event's URI begins with.
const EVENT_URI: &str = "http://uri.etsi.org/19522/Event/";
/// Namespace of the elements.
const NAMESPACE: &str = "urn:tram:evidence:1";
/// Of which version of the standard the names are.
const VERSION: &str = "EN319522v1.2.1";

/// A part of a document: text, or named parts.
enum Part {
    Text(String),
    Parts(Vec<(&'static str, Part)>),
    /// Several of one name.
    List(&'static str, Vec<Part>),
}

fn text(value: impl ToString) -> Part {
    Part::Text(value.to_string())
}

/// All receipts as one XML document.
pub(super) fn xml(receipts: &[Receipt]) -> String {
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let _ = writeln!(out, "<ERDSEvidenceList xmlns=\"{NAMESPACE}\">");
    for receipt in receipts {
        write(&mut out, "Evidence", &evidence(receipt), 1);
    }
    out.push_str("</ERDSEvidenceList>\n");
    out
}

/// All receipts as a JSON array.
pub(super) fn json(receipts: &[Receipt]) -> Value {
    Value::Array(receipts.iter().map(|receipt| value(&evidence(receipt))).collect())
}

fn evidence(receipt: &Receipt) -> Part {
    let (e, root) = (receipt.record(), receipt.signed_root());
    let mut parts = vec![
        ("EvidenceIdentifier", text(receipt.digest())),
        ("EvidenceVersion", text(VERSION)),
        ("ERDSEventId", Part::Text(format!("{EVENT_URI}{}", e.event.name()))),
    ];
    if let Some(code) = e.reason {
        let mut reason = vec![("Code", text(code)), ("Details", text(code.row().cause))];
        reason.extend(e.remark.as_ref().map(|remark| ("Remark", text(remark))));
        let list = Part::List("EventReason", vec![Part::Parts(reason)]);
        parts.push(("EventReasons", Part::Parts(vec![("", list)])));
    }
    parts.push(("EventTime", text(e.time)));
    if e.event == Event::SubmissionAcceptance {
        parts.push(("SubmissionTime", text(e.time)));
    }
    let issuer = vec![("Identifier", text(&e.node)), ("Epoch", text(e.epoch))];
    parts.push(("EvidenceIssuerDetails", Part::Parts(issuer)));
    let party = |code: &tram_dispatch::AgencyCode| Part::Parts(vec![("Identifier", text(code))]);
    parts.push(("SenderDetails", party(&e.originator)));
    parts.extend(e.recipient.as_ref().map(|recipient| ("RecipientDetails", party(recipient))));
    parts.push(("MessageIdentifier", text(e.dispatch)));
    if let Some(object) = e.object {
        let digest = vec![
            ("DigestMethod", text("http://www.w3.org/2001/04/xmlenc#sha256")),
            ("DigestValue", Part::Text(STANDARD.encode(object.0))),
        ];
        parts.push(("UserContentInfo", Part::Parts(digest)));
    }
    let mut log = vec![
        ("LeafIndex", text(receipt.leaf_index())),
        ("TreeSize", text(root.size)),
        ("CommitTime", text(root.time)),
        ("Network", text(e.network)),
    ];
    log.extend(e.status.map(|status| ("NationalStatus", Part::Text(format!("{status:02}")))));
    log.extend(e.previous.as_ref().map(|node| ("PreviousNode", text(node))));
    log.extend(e.upstream.map(|digest| ("UpstreamReceipt", text(digest))));
    parts.push(("TransactionLogInformation", Part::Parts(log)));
    let receipt = Part::Text(STANDARD.encode(receipt.raw()));
    parts.push(("Extensions", Part::Parts(vec![("Receipt", receipt)])));
    Part::Parts(parts)
}

fn write(out: &mut String, name: &str, part: &Part, depth: usize) {
    let indent = "  ".repeat(depth);
    match part {
        Part::Text(text) => {
            let _ = writeln!(out, "{indent}<{name}>{}</{name}>", escaped(text));
        }
        Part::List(name, parts) => parts.iter().for_each(|part| write(out, name, part, depth)),
        Part::Parts(parts) => {
            let _ = writeln!(out, "{indent}<{name}>");
            parts.iter().for_each(|(name, part)| write(out, name, part, depth + 1));
            let _ = writeln!(out, "{indent}</{name}>");
        }
    }
}

fn value(part: &Part) -> Value {
    match part {
        Part::Text(text) => Value::String(text.clone()),
        Part::List(_, parts) => Value::Array(parts.iter().map(value).collect()),
        Part::Parts(parts) => match parts.as_slice() {
            // A list alone needs no name of its own in JSON.
            [(_, list @ Part::List(..))] => value(list),
            parts => {
                let fields = parts.iter().map(|(name, part)| ((*name).to_owned(), value(part)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        },
    }
}

/// Text in an element; what XML 1.0 has no place for becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_as_xml_and_as_json() {
        let reason = Part::Parts(vec![("Code", text("BUSY")), ("Remark", text("a < b & \u{1}c"))]);
        let list = Part::List("EventReason", vec![reason]);
        let part = Part::Parts(vec![
            ("EventReasons", Part::Parts(vec![("", list)])),
            ("EventTime", text("2026-11-21T08:00:00.000Z")),
        ]);
        let mut out = String::new();
        write(&mut out, "Evidence", &part, 0);
        let want = "<Evidence>\n  <EventReasons>\n    <EventReason>\n      <Code>BUSY</Code>\n      \
            <Remark>a &lt; b &amp; \u{fffd}c</Remark>\n    </EventReason>\n  </EventReasons>\n  \
            <EventTime>2026-11-21T08:00:00.000Z</EventTime>\n</Evidence>\n";
        assert_eq!(out, want);
        assert_eq!(value(&part)["EventReasons"][0]["Code"], "BUSY");
        assert_eq!(value(&part)["EventTime"], "2026-11-21T08:00:00.000Z");
    }
}
