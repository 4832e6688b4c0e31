//! `tram inbox fetch`: writes a dispatch and its documents to a folder, durably and compared with
//! their digests, and only then confirms.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;
use tram_api::Client;
use tram_api::model::{DocumentView, InboxEntry, Recorded};
use tram_crypto::{Sha256Stream, sha256};
use tram_dispatch::envelope::Document;
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, UnitCode};
use tram_wire::SealedDispatch;

use super::{Mailbox, open};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, edxml, files, types};

/// Fetch a dispatch with its documents into a folder named by its id.
///
/// Documents are named by their digests (the names the originator gave stand in entry.json), and
/// nothing is overwritten: fetching again after a crash completes what is missing.
#[derive(Args)]
#[command(after_help = "Example:\n  tram inbox fetch ID --out incoming --confirm")]
pub(crate) struct FetchArgs {
    /// The dispatch id.
    #[arg(value_name = "ID")]
    dispatch: DispatchId,
    #[command(flatten)]
    mailbox: Mailbox,
    /// Folder in which the dispatch's own folder is made.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    out: PathBuf,
    /// In which form; as edXML a file dispatch.edxml is made beside the documents.
    #[arg(long = "as", value_enum, default_value_t = Form::Dispatch, value_name = "FORM")]
    form: Form,
    /// Confirm the handover once everything is durable here.
    #[arg(long)]
    confirm: bool,
}

/// What a document system reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The sealed dispatch with its documents.
    Dispatch,
    /// That, and one file of the national XML (QCVN 102:2016).
    Edxml,
}

#[derive(Serialize)]
struct Fetched {
    folder: String,
    sealed: String,
    documents: Vec<DocumentFile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edxml: Option<String>,
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed: Option<Recorded>,
}

#[derive(Serialize)]
struct DocumentFile {
    name: String,
    file: String,
    sha256: String,
    size: u64,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &FetchArgs) -> Done {
    let (client, agency) = open(shell, &args.mailbox)?;
    let fetched = connect::block_on(fetch(shell, &client, &agency, args))?;
    shell.answer(&fetched, || {
        let count = fetched.documents.len().to_string();
        let word =
            if fetched.confirmed.is_some() { Word::FetchedConfirmed } else { Word::FetchedOnly };
        let said = shell.sentence(word, &[&fetched.folder, &count, &fetched.token]);
        match &fetched.edxml {
            Some(path) => format!("{said}\nedXML: {}", tram_dispatch::text::escaped(path)),
            None => said,
        }
    })?;
    Ok(DONE)
}

async fn fetch(
    shell: &Shell,
    client: &Client,
    agency: &AgencyCode,
    args: &FetchArgs,
) -> Result<Fetched, Failure> {
    let entry = client.inbox_entry(agency, args.dispatch).await?;
    let fetched = client.fetch(agency, args.dispatch).await?;
    compare(&entry, args.dispatch, &fetched.sealed)?;
    files::folder(&args.out, true)?;
    let folder = args.out.join(args.dispatch.to_string());
    files::folder(&folder, true)?;
    let sealed = folder.join("sealed.dispatch");
    keep(&sealed, &fetched.sealed, entry.object.0)?;
    let text = serde_json::to_string_pretty(&entry).map_err(|e| Failure::new(Code::Internal, e))?;
    files::replace(&folder.join("entry.json"), text.as_bytes(), 0o600)?;
    let mut documents = Vec::new();
    for document in &entry.documents {
        let path = folder.join(file_name(&document.name, document.sha256.0));
        let from = From { client, agency, unit: None, dispatch: args.dispatch };
        get(shell, from, document, &path).await?;
        documents.push(DocumentFile {
            name: document.name.clone(),
            file: path.display().to_string(),
            sha256: document.sha256.to_string(),
            size: document.size,
        });
    }
    let edxml = match args.form {
        Form::Dispatch => None,
        Form::Edxml => {
            let parsed = SealedDispatch::parse(&fetched.sealed)?;
            let path_of = |d: &Document| folder.join(file_name(&d.name, d.sha256));
            Some(edxml::fetch::compose_in(shell, &folder, parsed.envelope(), path_of)?)
        }
    };
    files::replace(&folder.join("fetch-token"), fetched.token.as_bytes(), 0o600)?;
    // All of it is durable under its name, and the folder's own name is as well.
    files::sync_folder_of(&folder)?;
    let confirmed = match args.confirm {
        true => Some(client.confirm(agency, args.dispatch, &fetched.token).await?),
        false => None,
    };
    types::note_listed(shell, &args.dispatch.to_string(), &entry.documents);
    Ok(Fetched {
        folder: folder.display().to_string(),
        sealed: sealed.display().to_string(),
        documents,
        edxml: edxml.map(|path| path.display().to_string()),
        token: fetched.token,
        confirmed,
    })
}

/// Whether the sealed bytes are those of the entry, and the entry says of the documents what the
/// envelope says.
fn compare(entry: &InboxEntry, id: DispatchId, sealed: &[u8]) -> Result<(), Failure> {
    let parsed = SealedDispatch::parse(sealed)?;
    let listed = entry.documents.iter().map(|d| (d.sha256.0, d.size));
    let documents = &parsed.envelope().documents;
    if parsed.id() != id
        || Digest(sha256(sealed)) != entry.object.0
        || !documents.iter().map(|d| (d.sha256, d.size)).eq(listed)
    {
        let detail = "the node gave other sealed bytes than its entry names";
        return Err(Failure::new(Code::DocumentDigestMismatch, detail));
    }
    Ok(())
}

/// Digest, and the ending of the originator's name where it is plain: never a path.
pub(crate) fn file_name(name: &str, sha256: Digest) -> String {
    let plain =
        |e: &&str| (1..=8).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric());
    match name.rsplit_once('.').map(|(_, ending)| ending).filter(plain) {
        Some(ending) => format!("{sha256}.{}", ending.to_ascii_lowercase()),
        None => sha256.to_string(),
    }
}

/// Whether the file is there with this digest; another content under its name is never touched.
fn have(path: &Path, sha256: Digest) -> Result<bool, Failure> {
    if !path.exists() {
        return Ok(false);
    }
    if files::digest(path)?.0 == sha256 {
        return Ok(true);
    }
    Err(Failure::unreadable(path, "is there already with another content; move it away"))
}

fn keep(path: &Path, bytes: &[u8], sha256: Digest) -> Result<(), Failure> {
    if have(path, sha256)? {
        return Ok(());
    }
    files::write_new(path, bytes, 0o600)
}

/// Where documents come from: the mailbox of an agency, or of one of its units.
#[derive(Clone, Copy)]
pub(crate) struct From<'a> {
    pub(crate) client: &'a Client,
    pub(crate) agency: &'a AgencyCode,
    pub(crate) unit: Option<&'a UnitCode>,
    pub(crate) dispatch: DispatchId,
}

/// Brings one document under its name, unless it is there.
///
/// # Errors
/// `DOCUMENT_DIGEST_MISMATCH`, `UNREADABLE`; those of the download.
pub(crate) async fn get(
    shell: &Shell,
    from: From<'_>,
    document: &DocumentView,
    path: &Path,
) -> Result<(), Failure> {
    let sha256 = document.sha256.0;
    if have(path, sha256)? {
        return Ok(());
    }
    let part = path.with_extension(format!("part-{}", std::process::id()));
    let result = download(shell, from, document, &part).await;
    let result = result.and_then(|()| files::settle(&part, path));
    if result.is_err() {
        let _ = fs::remove_file(&part);
    }
    result
}

async fn download(
    shell: &Shell,
    from: From<'_>,
    document: &DocumentView,
    part: &Path,
) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::unreadable(part, e);
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(part).map_err(failed)?;
    let bar = crate::cli::dispatch::progress(shell, document.size, &document.name);
    let From { client, agency, unit, dispatch } = from;
    let sha256 = document.sha256.0;
    let mut incoming = match unit {
        Some(unit) => client.unit_document(agency, unit, dispatch, sha256, 0).await?,
        None => client.download(agency, dispatch, sha256, 0).await?,
    };
    let (mut hash, mut size) = (Sha256Stream::new(), 0u64);
    while let Some(piece) = incoming.next().await? {
        size += piece.len() as u64;
        if size > document.size {
            break;
        }
        hash.update(&piece);
        file.write_all(&piece).map_err(failed)?;
        bar.set_position(size);
    }
    bar.finish_and_clear();
    if size != document.size || Digest(hash.finish()) != document.sha256.0 {
        let detail = format!("document {} came as other bytes", document.sha256);
        return Err(Failure::new(Code::DocumentDigestMismatch, detail));
    }
    file.sync_all().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> String {
        file_name(name, Digest([0xab; 32]))
    }

    #[test]
    fn names_come_from_digests() {
        let digest = "ab".repeat(32);
        assert_eq!(named("Chỉ thị.PDF"), format!("{digest}.pdf"));
        for name in
            ["", "a", "../../etc/passwd", "x.p/../y", "x.tar.", "x.\u{202e}fdp", "x.123456789"]
        {
            assert_eq!(named(name), digest, "{name}");
        }
    }

    #[test]
    fn other_content_under_a_name_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let digest = Digest(sha256(b"right"));
        keep(&path, b"right", digest).unwrap();
        keep(&path, b"right", digest).unwrap();
        fs::write(&path, b"wrong").unwrap();
        assert!(keep(&path, b"right", digest).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"wrong");
    }
}
