//! `tram edxml inspect`: what a file is and says, without a node.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use tram_crypto::sha256;
use tram_dispatch::{Code, Digest};
use tram_edxml::model::{SignatureForm, SignatureReport};
use tram_edxml::{Content, Edoc, Note, StatusNotice};

use super::unpack;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::table::{self, Align, Table};
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, show};
use crate::edxml::{Unpacked, outline_of};

/// Look into an edXML file: what it says, its attachments, its signature (which is not verified), what is
/// odd about it, and what a dispatch would say of it.
///
/// A file that cannot be read is refused with the element named; one with a secrecy mark is refused too.
#[derive(Args)]
#[command(after_help = "Example:\n  tram edxml inspect cong-van.edxml --json")]
pub(crate) struct InspectArgs {
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &InspectArgs) -> Done {
    let unpacked = unpack(&args.file)?;
    if let Some(marked) = unpacked.reading.marks.first() {
        let detail = format!("{}: {}: carries a secrecy mark", args.file.display(), marked.place);
        return Err(Failure::new(Code::SecretRefused, detail));
    }
    let mut notes: Vec<Note> = unpacked.reading.notes.iter().cloned().collect();
    let outline = outline_of(&unpacked, &mut notes);
    let reference = outline.as_ref().map(|o| o.reference.to_string()).ok();
    let value = json!({
        "file": args.file.display().to_string(),
        "size": unpacked.reading.size,
        "sha256": unpacked.reading.sha256.to_string(),
        "content": content(&unpacked.reading.content),
        "reference": reference,
        "not_carried": outline.as_ref().err().map(ToString::to_string),
        "attachments": attachments(&unpacked),
        "signature": unpacked.reading.signature.as_ref().map(signature),
        "notes": notes.iter().map(|n| json!({ "place": n.place, "odd": n.odd.to_string() })).collect::<Vec<_>>(),
        "notes_left_out": unpacked.reading.notes.more(),
    });
    shell.answer(&value, || people(shell, &unpacked, &notes, reference.as_deref()))?;
    Ok(DONE)
}

fn content(content: &Content) -> Value {
    match content {
        Content::Document(e) => document(e),
        Content::Status(n) => status(n),
    }
}

fn document(e: &Edoc) -> Value {
    let answers = e
        .answers_to
        .iter()
        .map(|r| json!({ "originator": r.code, "number": r.number, "document_id": r.document_id }));
    json!({
        "is": "document",
        "operation": e.task.operation.number(),
        "of": e.task.document_id,
        "replaces": e.task.replaced.iter().map(|r| &r.document_id).collect::<Vec<_>>(),
        "from": { "code": e.from.code, "name": e.from.name },
        "to": e.to.iter().map(|p| json!({ "code": p.code, "name": p.name })).collect::<Vec<_>>(),
        "number": e.number,
        "notation": e.notation,
        "kind": e.kind.name,
        "subject": e.subject,
        "issued_on": e.issued_on.map(|d| d.iso()),
        "place": e.place,
        "signer": e.signer.name,
        "office": e.signer.position,
        "priority": e.priority.number(),
        "due_on": e.due_on.map(|d| d.iso()),
        "answers_to": answers.collect::<Vec<_>>(),
        "document_id": e.document_id,
        "hops": e.trace.iter().map(|h| json!({ "code": h.code, "at": h.at.map(|t| t.to_string()) })).collect::<Vec<_>>(),
    })
}

fn status(n: &StatusNotice) -> Value {
    json!({
        "is": "status",
        "status": n.status.to_string(),
        "from": { "code": n.from.code, "name": n.from.name },
        "to": n.about.code,
        "number": n.about.number,
        "document_id": n.about.document_id,
        "description": n.description,
        "at": n.at.map(|t| t.to_string()),
    })
}

fn attachments(unpacked: &Unpacked) -> Vec<Value> {
    let both = unpacked.reading.attachments.iter().zip(&unpacked.documents);
    both.map(|(said, is)| {
        json!({
            "name": is.name,
            "description": said.described.description,
            "content_id": said.described.content_id,
            "declared": said.described.content_type,
            "found": said.sniffed.name(),
            "media_type": is.media_type,
            "size": is.size,
            "sha256": is.sha256.to_string(),
            "hidden_zip": is.unfolded.as_ref().map(|u| &u.name),
        })
    })
    .collect()
}

const fn form(form: SignatureForm) -> &'static str {
    match form {
        SignatureForm::XmlSignature => "Signature, XML Signature",
        SignatureForm::Edxml => "Signature, QCVN 102",
        SignatureForm::DigitalSignature => "DigitalSignature",
    }
}

fn signature(report: &SignatureReport) -> Value {
    let digest = |der: &Vec<u8>| Digest(sha256(der)).to_string();
    json!({
        "verified": false,
        "form": form(report.form),
        "method": report.method,
        "subject": report.subject,
        "certificates_sha256": report.certificates.iter().map(digest).collect::<Vec<_>>(),
        "references": report.references.iter().map(|r| json!({ "uri": r.uri, "fits": r.fits })).collect::<Vec<_>>(),
    })
}

fn people(shell: &Shell, unpacked: &Unpacked, notes: &[Note], reference: Option<&str>) -> String {
    let mut items: Vec<(&str, String)> = Vec::new();
    let mut put = |word: Word, value: String| {
        if !value.is_empty() {
            items.push((shell.word(word), value));
        }
    };
    let named = |code: &str, name: Option<&str>| match name {
        Some(name) => format!("{code} {name}"),
        None => code.to_owned(),
    };
    match &unpacked.reading.content {
        Content::Document(e) => {
            put(Word::What, e.task.operation.vietnamese().to_owned());
            put(Word::From, named(&e.from.code, e.from.name.as_deref()));
            let to: Vec<String> = e.to.iter().map(|p| named(&p.code, p.name.as_deref())).collect();
            put(Word::To, to.join("\n"));
            let number = [e.number.as_deref(), e.notation.as_deref()];
            put(Word::Number, number.into_iter().flatten().collect::<Vec<_>>().join("/"));
            put(Word::EdxmlKind, e.kind.name.clone().unwrap_or_default());
            put(Word::Subject, e.subject.clone());
            put(Word::EdxmlIssued, e.issued_on.map(|d| d.iso()).unwrap_or_default());
            put(Word::Due, e.due_on.map(|d| d.iso()).unwrap_or_default());
        }
        Content::Status(n) => {
            put(Word::Status, show::status(shell, n.status));
            put(Word::From, named(&n.from.code, n.from.name.as_deref()));
            put(Word::To, n.about.code.clone().unwrap_or_default());
            put(Word::Number, n.about.number.clone().unwrap_or_default());
            put(Word::Remark, n.description.clone().unwrap_or_default());
            put(Word::Time, n.at.map(|t| t.to_string()).unwrap_or_default());
        }
    }
    put(Word::Reference, reference.unwrap_or_default().to_owned());
    let signed = match &unpacked.reading.signature {
        Some(report) => shell.sentence(Word::EdxmlSigned, &[form(report.form)]),
        None => shell.word(Word::Nothing).to_owned(),
    };
    put(Word::EdxmlSignature, signed);
    let odd: Vec<String> = notes.iter().map(|n| format!("{}: {}", n.place, n.odd)).collect();
    put(Word::EdxmlOdd, odd.join("\n"));
    let mut out = table::pairs(&items);
    if !unpacked.documents.is_empty() {
        out.push('\n');
        out.push_str(&files(shell, unpacked));
    }
    out
}

fn files(shell: &Shell, unpacked: &Unpacked) -> String {
    let mut table = Table::new(&[
        (shell.word(Word::Document), Align::Left),
        (shell.word(Word::MediaType), Align::Left),
        (shell.word(Word::Size), Align::Right),
        ("SHA-256", Align::Left),
        (shell.word(Word::Remark), Align::Left),
    ]);
    for d in &unpacked.documents {
        let zip = d.unfolded.as_ref().map(|_| shell.word(Word::EdxmlUnfolded));
        let row = [
            d.name.clone(),
            d.media_type.clone(),
            table::bytes(d.size),
            d.sha256.to_string(),
            zip.unwrap_or_default().to_owned(),
        ];
        table.row(row);
    }
    table.lines()
}
