//! `tram evidence`: one file that proves what became of a dispatch.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use tram_config::Role;
use tram_dispatch::DispatchId;
use tram_dispatch::limits::EVIDENCE_FILE_BYTES_MAX;
use tram_wire::{EvidenceFile, Receipt, SealedDispatch};

use super::failure::Failure;
use super::shell::Shell;
use super::texts::Word;
use super::{DONE, Done, connect, files, show, table};

#[derive(Subcommand)]
pub(crate) enum Command {
    Export(ExportArgs),
    Show(ShowArgs),
}

/// Take the evidence of one dispatch out of the node into one file.
///
/// The file and the network's root document are all that `tram verify` needs. It holds the envelope
/// with its whole recipient list; documents only with --with-documents, otherwise their digests.
#[derive(Args)]
#[command(after_help = "Example:\n  tram evidence export ID -o directive.evidence")]
pub(crate) struct ExportArgs {
    /// The dispatch.
    #[arg(value_name = "ID")]
    dispatch: DispatchId,
    /// Put the documents in as well.
    #[arg(long)]
    with_documents: bool,
    /// The file to make; otherwise the first characters of the id, with the ending .evidence.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Show what an evidence file holds. Nothing is verified: `tram verify` does that.
#[derive(Args)]
#[command(after_help = "Example:\n  tram evidence show directive.evidence")]
pub(crate) struct ShowArgs {
    /// An evidence file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Serialize)]
struct Exported {
    dispatch: String,
    file: String,
    bytes: usize,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::Export(args) => export(shell, &args),
        Command::Show(args) => show_file(shell, &args),
    }
}

fn export(shell: &Shell, args: &ExportArgs) -> Done {
    let client = connect::client(shell, &[Role::Audit])?;
    let bytes = connect::block_on(async {
        Ok::<_, Failure>(client.evidence(args.dispatch, args.with_documents).await?)
    })?;
    let name = || PathBuf::from(format!("{}.evidence", &args.dispatch.to_string()[..16]));
    let path = args.out.clone().unwrap_or_else(name);
    files::write_new(&path, &bytes, 0o644)?;
    let exported = Exported {
        dispatch: args.dispatch.to_string(),
        file: path.display().to_string(),
        bytes: bytes.len(),
    };
    shell.answer(&exported, || {
        let size = exported.bytes.to_string();
        shell.sentence(Word::FileWritten, &[&exported.dispatch, &exported.file, &size])
    })?;
    Ok(DONE)
}

#[derive(Serialize)]
struct Shown {
    network: String,
    root_document: String,
    dispatch: String,
    directory_version: u64,
    directory_entries: usize,
    originator: Option<String>,
    reference: Option<String>,
    recipients: Vec<String>,
    receipts: Vec<String>,
    revocation_lists: usize,
    checkpoints: Vec<String>,
    statements: usize,
    time_stamps: usize,
    documents: Vec<String>,
    policy: bool,
}

fn show_file(shell: &Shell, args: &ShowArgs) -> Done {
    let bytes = files::read(&args.file, EVIDENCE_FILE_BYTES_MAX)?;
    let unreadable = |e: tram_wire::WireError| Failure::unreadable(&args.file, e.detail);
    let file = EvidenceFile::decode(&bytes).map_err(unreadable)?;
    let shown = view(shell, &file).map_err(unreadable)?;
    shell.answer(&shown, || table::pairs(&lines(&shown)))?;
    Ok(DONE)
}

fn view(shell: &Shell, file: &EvidenceFile) -> Result<Shown, tram_wire::WireError> {
    let sealed = file.sealed.as_deref().map(SealedDispatch::parse).transpose()?;
    let envelope = sealed.as_ref().map(SealedDispatch::envelope);
    let mut receipts = Vec::new();
    for raw in &file.receipts {
        receipts.push(Receipt::parse(raw)?);
    }
    receipts.sort_by_key(|r| (r.record().time, r.record().event));
    let receipt = |r: &Receipt| {
        let e = r.record();
        let to = e.recipient.as_ref().map(|r| format!(" → {r}")).unwrap_or_default();
        format!("{} {} {}{to}", shell.time(e.time), show::event(shell, e.event), e.node)
    };
    let note = |note: &[u8]| {
        let text = String::from_utf8_lossy(note).into_owned();
        let size = text.lines().nth(1).unwrap_or_default().to_owned();
        let log = text.lines().next().unwrap_or_default();
        let lines = text.lines().filter(|line| line.starts_with("\u{2014} ")).count();
        format!("{} / {size} ({})", tram_dispatch::text::escaped(log), lines.saturating_sub(1))
    };
    let names = envelope.map(|e| &e.documents[..]).unwrap_or_default();
    let document = |(index, bytes): &(u8, Vec<u8>)| {
        let name = names.get(usize::from(*index)).map(|d| d.name.clone());
        format!("{} ({} B)", name.unwrap_or_default(), bytes.len())
    };
    Ok(Shown {
        network: file.network.to_string(),
        root_document: file.root.to_string(),
        dispatch: file.dispatch.to_string(),
        directory_version: file.directory.head.version,
        directory_entries: file.directory.entries.len(),
        originator: envelope.map(|e| e.originator.to_string()),
        reference: envelope.map(|e| e.reference.to_string()),
        recipients: envelope
            .map(|e| e.recipients.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        receipts: receipts.iter().map(receipt).collect(),
        revocation_lists: file.revocation.len(),
        checkpoints: file.checkpoints.iter().map(|c| note(&c.note)).collect(),
        statements: file.statements.len(),
        time_stamps: file.checkpoints.iter().map(|c| c.stamps.len()).sum(),
        documents: file.documents.iter().map(document).collect(),
        policy: file.policy.is_some(),
    })
}

fn lines(s: &Shown) -> Vec<(&'static str, String)> {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let mut lines = vec![
        ("dispatch", s.dispatch.clone()),
        ("originator", text(&s.originator)),
        ("reference", text(&s.reference)),
        ("recipients", s.recipients.join(", ")),
        ("network", s.network.clone()),
        ("root document", s.root_document.clone()),
        ("directory", format!("version {}, {} entries", s.directory_version, s.directory_entries)),
    ];
    let several = [("receipt", &s.receipts), ("checkpoint", &s.checkpoints)];
    for (name, items) in several.into_iter().chain([("document", &s.documents)]) {
        lines.extend(items.iter().map(|item| (name, item.clone())));
    }
    for (name, count) in [
        ("revocation lists", s.revocation_lists),
        ("statements", s.statements),
        ("time-stamps", s.time_stamps),
        ("policy", usize::from(s.policy)),
    ] {
        if count > 0 {
            lines.push((name, count.to_string()));
        }
    }
    lines.retain(|(_, value)| !value.is_empty());
    lines
}
