//! Files: never overwritten, never half written, keys for their owner only.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::PkiError;

/// Reads a file of at most `bytes_max` bytes.
///
/// # Errors
/// [`PkiError::File`], [`PkiError::TooLarge`].
pub fn read_file(path: &Path, bytes_max: usize) -> Result<Vec<u8>, PkiError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|f| f.take(bytes_max as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| PkiError::File { path: path.to_owned(), error })?;
    if bytes.len() > bytes_max {
        return Err(PkiError::TooLarge { what: "file", bytes: bytes.len(), bytes_max });
    }
    Ok(bytes)
}

/// Writes a new file that everybody may read (mode 0644), durably: certificates, requests, lists.
///
/// # Errors
/// [`PkiError::File`], also if the file is there already.
pub fn write_new_file(path: &Path, bytes: &[u8]) -> Result<(), PkiError> {
    write_new(path, bytes, 0o644)
}

pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), PkiError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    made.and_then(|mut file| {
        // Remove what could only be written in part; nobody else knows of it yet.
        fill(&mut file, bytes, mode).inspect_err(|_| drop(fs::remove_file(path)))
    })
    .and_then(|()| sync_folder(path))
    .map_err(|error| PkiError::File { path: path.to_owned(), error })
}

fn fill(file: &mut File, bytes: &[u8], mode: u32) -> io::Result<()> {
    // The umask may have taken bits away at creation; it never added any.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
