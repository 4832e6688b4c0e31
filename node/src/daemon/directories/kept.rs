//! Differences between the directories that were in force here one after the other, and pieces of them
//! and of the whole for neighbours.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use tram_dispatch::Digest;
use tram_peer::directory::piece_length;
use tram_wire::directory::SignedHead;
use tram_wire::frame::DirectoryPiece;

use crate::daemon::context::Context;

/// Their folder in the data directory.
pub(crate) const FOLDER: &str = "directories";
/// Most differences that are kept: a neighbour that is farther behind is given the whole.
const KEPT_MAX: usize = 64;
/// Most bytes of them together.
const KEPT_BYTES_MAX: u64 = 64 << 20;
/// How their names end.
const SUFFIX: &str = ".difference";

/// Keeps the difference that led from the directory of this digest to this version; the oldest go where
/// there are too many.
///
/// # Errors
/// What the disk says.
pub(super) fn keep(data: &Path, version: u64, base: &Digest, bytes: &[u8]) -> io::Result<()> {
    // Names sort by version.
    let name = format!("{version:020}-{base}{SUFFIX}");
    crate::daemon::files::keep(data, FOLDER, &name, bytes)?;
    let (mut count, mut size) = (0, 0);
    for path in kept(data).into_iter().rev() {
        count += 1;
        size += std::fs::metadata(&path).map_or(0, |m| m.len());
        if count > KEPT_MAX || size > KEPT_BYTES_MAX {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// The kept ones, the oldest first.
fn kept(data: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(data.join(FOLDER)) else { return Vec::new() };
    let named = |path: &PathBuf| path.to_str().is_some_and(|p| p.ends_with(SUFFIX));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(named).collect();
    paths.sort();
    paths
}

/// The piece at `offset` of what makes a newer directory of the one that the peer has; none where there is
/// no such piece. Blocks.
///
/// # Errors
/// What the disk says.
pub(crate) fn piece(
    context: &Context,
    have: &Digest,
    offset: u64,
) -> io::Result<Option<DirectoryPiece>> {
    if context.verifier().directory().digest() == *have {
        return Ok(None);
    }
    let suffix = format!("-{have}{SUFFIX}");
    let wanted = |path: &PathBuf| path.to_str().is_some_and(|p| p.ends_with(&suffix));
    match kept(&context.config.data_dir).into_iter().rev().find(wanted) {
        Some(path) => read(&path, Some(*have), offset),
        None => read(&context.config.directory, None, offset),
    }
}

fn read(path: &Path, base: Option<Digest>, offset: u64) -> io::Result<Option<DirectoryPiece>> {
    let mut file = File::open(path)?;
    let total = file.metadata()?.len();
    let Some(length) = piece_length(total, offset) else { return Ok(None) };
    let mut beginning = Vec::new();
    file.by_ref().take(SignedHead::BYTES_MAX as u64).read_to_end(&mut beginning)?;
    let Ok(signed) = SignedHead::peek(&beginning) else { return Ok(None) };
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut bytes)?;
    let (version, digest) = (signed.head.version, signed.digest());
    Ok(Some(DirectoryPiece { version, digest, base, total, offset, bytes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_differences_are_kept_within_their_bounds() {
        let folder = tempfile::tempdir().unwrap();
        for version in 2..(KEPT_MAX as u64 + 7) {
            keep(folder.path(), version, &Digest([version as u8; 32]), b"x").unwrap();
        }
        let names = kept(folder.path());
        assert_eq!(names.len(), KEPT_MAX);
        let last = names.last().unwrap().to_str().unwrap();
        assert!(last.contains(&format!("{:020}-", KEPT_MAX as u64 + 6)), "{last}");
        let large = vec![0; KEPT_BYTES_MAX as usize];
        keep(folder.path(), 1_000, &Digest([1; 32]), &large).unwrap();
        assert_eq!(kept(folder.path()).len(), 1, "the others are over the bytes");
    }
}
