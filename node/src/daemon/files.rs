//! Small files that must be whole or not there at all.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Keeps bytes as a file of this name in a folder of the data directory, which it makes where it is not
/// there. When this returns, folder, name and bytes survive a power cut.
///
/// # Errors
/// What the disk says.
pub(crate) fn keep(
    data: &Path,
    folder: &str,
    name: &str,
    bytes: &[u8],
) -> std::io::Result<PathBuf> {
    let folder = data.join(folder);
    if !folder.is_dir() {
        std::fs::create_dir_all(&folder)?;
        File::open(data)?.sync_all()?;
    }
    let path = folder.join(name);
    replace(&path, bytes)?;
    Ok(path)
}

/// Replaces a file: temporary file, fsync, rename, fsync of the folder.
///
/// # Errors
/// What the disk says.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = folder.join(name);
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}
