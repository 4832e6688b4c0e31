//! A letter as the edXML file that a document system would write.

use std::collections::BTreeMap;

use tram_dispatch::{AgencyCode, Status};
use tram_edxml::map::{Outline, Setting, edoc};
use tram_edxml::{Part, write_document};

use crate::desk::{DOCUMENT, Deed, Got, Paper, name};
use crate::edxml::{status, with_subject};
use crate::support::{Network, agency};

/// How a system asks for a document back; edXML has two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// A status 13 of the document.
    Status,
    /// A document of its own, with `BussinessDocType` 1.
    Document,
}

/// The file of a letter, and the type of message that the national axis calls it.
pub(crate) fn file(
    network: &Network,
    from: &AgencyCode,
    letter: &Paper,
    asking: Asking,
) -> (&'static str, Vec<u8>) {
    match (&letter.deed, letter.secret) {
        (Deed::Recall(of), _) if asking == Asking::Status => {
            let to = letter.to[0].as_str();
            let words = "Văn bản có sai sót";
            ("status", status(from.as_str(), to, name(*of).as_str(), "13", words))
        }
        (_, true) => {
            let to: Vec<&str> = letter.to.iter().map(AgencyCode::as_str).collect();
            let subject = "[MẬT] Kế hoạch";
            ("edoc", with_subject(letter.number, from.as_str(), &to, DOCUMENT, subject))
        }
        _ => ("edoc", composed(network, letter)),
    }
}

/// What a recipient says of a letter of the centre.
pub(crate) fn said(from: &AgencyCode, got: &Got, what: Status, words: &str) -> Vec<u8> {
    let code = format!("{:02}", what.number());
    status(from.as_str(), agency(0).as_str(), name(got.number).as_str(), &code, words)
}

fn composed(network: &Network, letter: &Paper) -> Vec<u8> {
    let envelope = letter.envelope(network);
    let outline = Outline::from(&envelope);
    let names = BTreeMap::new();
    let setting = Setting { issued_at: envelope.issued_at, kept: None, names: &names };
    let made = edoc(&outline, &setting, &mut Vec::new()).expect("edXML can say it");
    let part = |d: &tram_dispatch::envelope::Document| Part {
        name: d.name.clone(),
        media_type: d.media_type.clone(),
        description: None,
        sha256: d.sha256,
    };
    let parts: Vec<Part> = envelope.documents.iter().map(part).collect();
    let mut file = Vec::new();
    write_document(&mut file, &made, &parts, |_| Ok(DOCUMENT)).expect("a file");
    file
}
