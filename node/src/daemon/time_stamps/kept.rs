//! The tokens kept: one file each in the data directory, named by the checkpoint it is over and by its
//! digest. They lie beside the journal, not in it: they are proofs that must outlive the log, and one
//! that is lost is only asked for again.

use std::path::{Path, PathBuf};

use tram_crypto::sha256;
use tram_dispatch::limits::TIME_STAMP_BYTES_MAX;
use tram_dispatch::{Digest, EpochId};

/// Their folder in the data directory.
pub(crate) const FOLDER: &str = "timestamps";

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kept {
    /// Leaves of the checkpoint.
    pub size: u64,
    path: PathBuf,
}

impl Kept {
    /// The token, if it is still what its name says.
    pub(crate) fn token(&self) -> std::io::Result<Vec<u8>> {
        let bad = |what: &str| std::io::Error::other(format!("{}: {what}", self.path.display()));
        if std::fs::metadata(&self.path)?.len() > TIME_STAMP_BYTES_MAX as u64 {
            return Err(bad("larger than any token"));
        }
        let token = std::fs::read(&self.path)?;
        let named = self.path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        if !named.ends_with(&short(&token)) {
            return Err(bad("its bytes are not those of its name"));
        }
        Ok(token)
    }
}

fn short(token: &[u8]) -> String {
    let digest = Digest(sha256(token)).to_string();
    digest.chars().take(32).collect()
}

fn prefix(epoch: &EpochId) -> String {
    format!("{epoch}-")
}

/// Keeps a token durably: it is on the disk when this returns.
pub(super) fn keep(data: &Path, epoch: &EpochId, size: u64, token: &[u8]) -> std::io::Result<()> {
    let name = format!("{}{size:020}-{}.tst", prefix(epoch), short(token));
    super::super::files::keep(data, FOLDER, &name, token).map(|_| ())
}

/// The tokens of an epoch, ascending by size.
pub(super) fn list(data: &Path, epoch: &EpochId) -> std::io::Result<Vec<Kept>> {
    let entries = match std::fs::read_dir(data.join(FOLDER)) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let size = name
            .strip_prefix(&prefix(epoch))
            .and_then(|rest| rest.strip_suffix(".tst"))
            .and_then(|rest| rest.split_once('-'))
            .and_then(|(size, _)| size.parse().ok());
        if let Some(size) = size {
            found.push(Kept { size, path });
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_by_size_and_altered_ones_do_not() {
        let data = tempfile::tempdir().unwrap();
        let (epoch, other) = (EpochId([1; 32]), EpochId([2; 32]));
        assert!(list(data.path(), &epoch).unwrap().is_empty());
        keep(data.path(), &epoch, 1000, b"later").unwrap();
        keep(data.path(), &epoch, 9, b"first").unwrap();
        keep(data.path(), &other, 5, b"another log").unwrap();
        std::fs::write(data.path().join(FOLDER).join("README"), "x").unwrap();
        let kept = list(data.path(), &epoch).unwrap();
        assert_eq!(kept.iter().map(|k| k.size).collect::<Vec<_>>(), [9, 1000]);
        assert_eq!(kept[1].token().unwrap(), b"later");
        std::fs::write(&kept[0].path, b"First").unwrap();
        assert!(kept[0].token().is_err());
    }
}
