//! Files of the command line: read with a limit, made anew, never overwritten by accident.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tram_crypto::Sha256Stream;
use tram_dispatch::{Code, Digest};

use super::failure::Failure;

/// Reads a file of at most `bytes_max` bytes.
///
/// # Errors
/// `UNREADABLE`, `TOO_LARGE`.
pub(crate) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|f| f.take(bytes_max as u64 + 1).read_to_end(&mut bytes))
        .map_err(|e| Failure::unreadable(path, e))?;
    if bytes.len() > bytes_max {
        let detail = format!("{}: more than {bytes_max} bytes", path.display());
        return Err(Failure::new(Code::TooLarge, detail));
    }
    Ok(bytes)
}

/// Whether the file begins in a way that its first bytes tell.
///
/// # Errors
/// `UNREADABLE`.
pub(crate) fn begins(path: &Path, is_meant: impl Fn(&[u8]) -> bool) -> Result<bool, Failure> {
    let mut first = Vec::new();
    File::open(path)
        .and_then(|f| f.take(64).read_to_end(&mut first))
        .map_err(|e| Failure::unreadable(path, e))?;
    Ok(is_meant(&first))
}

/// As [`read`], as UTF-8.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_text(path: &Path, bytes_max: usize) -> Result<String, Failure> {
    String::from_utf8(read(path, bytes_max)?).map_err(|_| Failure::unreadable(path, "not UTF-8"))
}

/// Makes a folder that only its owner may enter (mode 0700); one that is there must be empty
/// unless `may_exist`.
///
/// # Errors
/// `UNREADABLE`.
pub(crate) fn folder(path: &Path, may_exist: bool) -> Result<(), Failure> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => sync_folder_of(path),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {
            let empty = || fs::read_dir(path).is_ok_and(|mut items| items.next().is_none());
            if may_exist || empty() {
                Ok(())
            } else {
                Err(Failure::unreadable(path, "is there already and not empty"))
            }
        }
        Err(e) => Err(Failure::unreadable(path, e)),
    }
}

/// Writes a new file, durably; one that is there is never touched.
///
/// # Errors
/// `UNREADABLE`.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let made = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    made.and_then(|mut file| {
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.inspect_err(|_| drop(fs::remove_file(path)))
    })
    .map_err(|e| Failure::unreadable(path, e))?;
    sync_folder_of(path)
}

/// Puts new content in the place of a file, whole or not at all.
///
/// # Errors
/// `UNREADABLE`.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let beside = path.with_file_name(name);
    write_new(&beside, bytes, mode)?;
    fs::rename(&beside, path).map_err(|e| {
        let _ = fs::remove_file(&beside);
        Failure::unreadable(path, e)
    })?;
    sync_folder_of(path)
}

/// Gives a finished file its final name, unless that name is taken.
///
/// # Errors
/// `UNREADABLE`.
pub(crate) fn settle(from: &Path, to: &Path) -> Result<(), Failure> {
    // A second link refuses a taken name, which a rename would replace.
    fs::hard_link(from, to).map_err(|e| Failure::unreadable(to, e))?;
    fs::remove_file(from).map_err(|e| Failure::unreadable(from, e))?;
    sync_folder_of(to)
}

/// Makes durable which names a file's folder holds.
///
/// # Errors
/// `UNREADABLE`.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| Failure::unreadable(folder, e))
}

/// Digest and length of a file, read piece by piece.
///
/// # Errors
/// `UNREADABLE`.
pub(crate) fn digest(path: &Path) -> Result<(Digest, u64), Failure> {
    let mut file = File::open(path).map_err(|e| Failure::unreadable(path, e))?;
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(Failure::unreadable(path, "is a folder"));
    }
    let (mut hash, mut size, mut piece) = (Sha256Stream::new(), 0, vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok((Digest(hash.finish()), size)),
            Ok(n) => {
                hash.update(&piece[..n]);
                size += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Failure::unreadable(path, e)),
        }
    }
}

/// A name for a file, made of a text from outside: letters, digits, `.`, `-` and `_` stay, the
/// rest becomes `-`; never empty, hidden or long.
pub(crate) fn safe_name(text: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = text.chars().take(64).map(|c| if keep(c) { c } else { '-' }).collect();
    match name.trim_start_matches('.') {
        "" => "unnamed".to_owned(),
        name => name.to_owned(),
    }
}

/// The absolute form of a path, without asking the disk.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn nothing_is_overwritten_by_accident() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write_new(&path, b"one", 0o600).unwrap();
        assert!(write_new(&path, b"two", 0o600).is_err());
        assert_eq!(read(&path, 3).unwrap(), b"one");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        replace(&path, b"three", 0o600).unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"three");
        assert_eq!(read(&path, 4).unwrap_err().code(), Code::TooLarge);
        let other = dir.path().join("b");
        write_new(&other, b"x", 0o600).unwrap();
        assert!(settle(&other, &path).is_err());
        settle(&other, &dir.path().join("c")).unwrap();
        assert!(!other.exists());
        assert!(folder(dir.path(), false).is_err());
        folder(dir.path(), true).unwrap();
    }

    #[test]
    fn names_from_outside_lead_nowhere() {
        assert_eq!(safe_name("../../etc/passwd"), "-..-etc-passwd");
        assert_eq!(safe_name(".."), "unnamed");
        assert_eq!(safe_name("16/CT-TTg"), "16-CT-TTg");
        assert_eq!(safe_name("Chỉ thị.pdf"), "Ch--th-.pdf");
        assert_eq!(safe_name(&"x".repeat(500)).len(), 64);
    }
}
