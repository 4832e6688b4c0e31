//! Documents on their way into a node: found by digest, uploaded with a progress bar where large.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use indicatif::{ProgressBar, ProgressStyle};
use tram_api::Client;
use tram_api::limits::SUBMISSION_INLINE_BYTES_MAX;
use tram_dispatch::limits::{DOCUMENT_BYTES_MAX, INLINE_DOCUMENT_BYTES_MAX};
use tram_dispatch::{AgencyCode, Code, Digest};

use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::shell::Shell;

/// A document file that was read once for its digest.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    pub(crate) path: PathBuf,
    pub(crate) sha256: Digest,
    pub(crate) size: u64,
}

/// Reads the files for their digests, in their order.
///
/// # Errors
/// `UNREADABLE`, `TOO_LARGE`.
pub(super) fn local(paths: &[PathBuf]) -> Result<Vec<Local>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let (sha256, size) = files::digest(path)?;
        if size > DOCUMENT_BYTES_MAX {
            let detail = format!("{}: {size} bytes, at most {DOCUMENT_BYTES_MAX}", path.display());
            return Err(Failure::new(Code::TooLarge, detail));
        }
        found.push(Local { path: path.clone(), sha256, size });
    }
    Ok(found)
}

/// Brings the documents, named by digest and size in the envelope's order, to the node: small ones
/// are returned to ride along with the submission, larger ones are uploaded, and one that is not
/// among the files must have been uploaded before.
///
/// # Errors
/// `DOCUMENT_MISSING`; those of the upload.
pub(super) async fn bring(
    shell: &Shell,
    client: &Client,
    agency: &AgencyCode,
    wanted: &[(Digest, u64)],
    files: &[Local],
) -> Result<Vec<Option<Bytes>>, Failure> {
    let by_digest: BTreeMap<Digest, &Local> = files.iter().map(|f| (f.sha256, f)).collect();
    let mut room = SUBMISSION_INLINE_BYTES_MAX;
    let mut riding = Vec::new();
    for (sha256, size) in wanted {
        let Some(file) = by_digest.get(sha256) else {
            uploaded_before(client, agency, sha256).await?;
            riding.push(None);
            continue;
        };
        let small =
            usize::try_from(*size).ok().filter(|s| *s <= INLINE_DOCUMENT_BYTES_MAX.min(room));
        if let Some(small) = small {
            riding.push(Some(Bytes::from(files::read(&file.path, small)?)));
            room -= small;
        } else {
            upload(shell, client, agency, file).await?;
            riding.push(None);
        }
    }
    Ok(riding)
}

/// Uploads every file, small ones too: for a dispatch that the node seals.
///
/// # Errors
/// Those of the upload.
pub(crate) async fn upload_all(
    shell: &Shell,
    client: &Client,
    agency: &AgencyCode,
    files: &[Local],
) -> Result<(), Failure> {
    for file in files {
        upload(shell, client, agency, file).await?;
    }
    Ok(())
}

async fn uploaded_before(
    client: &Client,
    agency: &AgencyCode,
    sha256: &Digest,
) -> Result<(), Failure> {
    match client.upload_state(agency, *sha256).await? {
        Some((_, true)) => Ok(()),
        _ => {
            let detail = format!(
                "document {sha256}: no --document has this digest, and it was not uploaded"
            );
            Err(Failure::new(Code::DocumentMissing, detail))
        }
    }
}

async fn upload(
    shell: &Shell,
    client: &Client,
    agency: &AgencyCode,
    local: &Local,
) -> Result<(), Failure> {
    let file = tokio::fs::File::open(&local.path)
        .await
        .map_err(|e| Failure::unreadable(&local.path, e))?;
    let name = local.path.file_name().unwrap_or_default().to_string_lossy();
    let bar = progress(shell, local.size, &name);
    let heard = bar.clone();
    let result = client
        .upload_resuming(agency, local.sha256, local.size, file, move |done| {
            heard.set_position(done)
        })
        .await;
    bar.finish_and_clear();
    let state = result?;
    if state.complete {
        return Ok(());
    }
    let detail = format!(
        "{}: the node holds {} of {} bytes",
        local.path.display(),
        state.offset,
        local.size
    );
    Err(Failure::new(Code::Busy, detail))
}

/// A progress bar in bytes; invisible where nobody watches.
pub(crate) fn progress(shell: &Shell, size: u64, name: &str) -> ProgressBar {
    if !shell.draws_progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(size).with_message(tram_dispatch::text::escaped(name));
    let template = "{msg} [{bar:30}] {binary_bytes} / {binary_total_bytes} {binary_bytes_per_sec}";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
