//! `tram inbox fetch --as edxml`: a dispatch that was fetched, as the file that a document system reads.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use tram_dispatch::envelope::Document;
use tram_dispatch::{Code, Envelope};
use tram_edxml::WriteError;

use super::submit::remark;
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::shell::Shell;
use crate::edxml::{Composed, compose};

/// The name of the file in the dispatch's folder.
const NAME: &str = "dispatch.edxml";

/// Composes the file beside the documents, durably; one that is there is left as it is.
///
/// # Errors
/// `UNREADABLE`; what edXML cannot hold.
pub(in crate::cli) fn compose_in(
    shell: &Shell,
    folder: &Path,
    envelope: &Envelope,
    path_of: impl Fn(&Document) -> PathBuf,
) -> Result<PathBuf, Failure> {
    let path = folder.join(NAME);
    if path.exists() {
        return Ok(path);
    }
    let part = folder.join(format!("{NAME}.part-{}", std::process::id()));
    let result =
        written(shell, envelope, path_of, &part).and_then(|()| files::settle(&part, &path));
    if result.is_err() {
        let _ = fs::remove_file(&part);
    }
    result.map(|()| path)
}

fn written(
    shell: &Shell,
    envelope: &Envelope,
    path_of: impl Fn(&Document) -> PathBuf,
    part: &Path,
) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::unreadable(part, e);
    let file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(part).map_err(failed)?;
    let mut out = BufWriter::new(file);
    let Composed { notes, .. } =
        compose(envelope, &BTreeMap::new(), path_of, &mut out).map_err(|e| match e {
            WriteError::Value(e) => Failure::from(e),
            WriteError::Io(e) => failed(e),
            WriteError::Digest(_) => Failure::new(Code::DocumentDigestMismatch, e),
        })?;
    remark(shell, &notes);
    out.flush().map_err(failed)?;
    out.get_ref().sync_all().map_err(failed)
}
