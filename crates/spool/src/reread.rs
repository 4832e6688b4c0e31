//! Reading the journal's tail past the page cache.
//!
//! After a failed write or sync the system marks the pages clean that it could not write: they read
//! as if they were on the disk, and a second sync reports success. What was appended after the last
//! good sync lies in the last segment, or, where the failure met the beginning of a new one, in the
//! last two. These are read with `O_DIRECT`, dropped from the cache, read again through the cache, and
//! compared: what recovery will read is then what the disk really holds.
//!
//! Names and lengths of files come from the file system's own journal; one that cannot write that turns
//! read-only by itself.

use crate::journal::parse_segment_name;
use crate::lock::{LockError, StoreLock};
use crate::store::JOURNAL_DIR;
use rustix::fs::{Advice, OFlags, fadvise};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tram_crypto::sha256;
use tram_dispatch::Code;

/// Segments that a failed commit may have touched.
const SEGMENTS: usize = 2;
/// Read at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// Direct reads go to memory, offsets and lengths that are multiples of the disk's block.
const ALIGNMENT_BYTES: usize = 4096;

/// Why it is not known what the disk holds.
#[derive(Debug, thiserror::Error)]
pub enum RereadError {
    /// The store is in use, or its lock cannot be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file system has no direct reads.
    #[error("{path}: this file system cannot be read past the page cache")]
    NotOffered {
        /// The file.
        path: PathBuf,
    },
    /// Reading failed.
    #[error("{path} cannot be read")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
    /// The page cache still says something else than the disk.
    #[error("{path}: memory and disk differ in the mebibyte at byte {offset}")]
    Differs {
        /// The file.
        path: PathBuf,
        /// Where the first mebibyte that differs begins.
        offset: u64,
    },
}

impl RereadError {
    /// The code for people and programs.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Lock(LockError::StoreLocked { .. }) => Code::StoreLocked,
            Self::Lock(LockError::Io { .. }) => Code::StorageFailed,
            Self::NotOffered { .. } | Self::Io { .. } | Self::Differs { .. } => Code::StorageUnsure,
        }
    }

    /// The error with every cause behind it, for one line of a log.
    #[must_use]
    pub fn explain(&self) -> String {
        crate::store::error::chain(self)
    }
}

/// Makes sure that what the journal in the store at `dir` reads as is what its disk holds. Gives the
/// bytes compared; 0 where there is no journal yet.
///
/// # Errors
/// See [`RereadError`]; then the store must not be opened.
pub fn reread_tail(dir: &Path) -> Result<u64, RereadError> {
    let _lock = StoreLock::acquire(dir)?;
    let journal = dir.join(JOURNAL_DIR);
    let fail = |source| RereadError::Io { path: journal.clone(), source };
    let listed = match std::fs::read_dir(&journal) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(0),
        other => other.map_err(fail)?,
    };
    let mut segments = Vec::new();
    for entry in listed {
        let name = entry.map_err(fail)?.file_name();
        segments.extend(name.to_str().and_then(parse_segment_name).map(|n| (n, name.clone())));
    }
    segments.sort();
    let tail = segments.iter().rev().take(SEGMENTS);
    tail.map(|(_, name)| reread(&journal.join(name))).sum()
}

fn reread(path: &Path) -> Result<u64, RereadError> {
    let fail = |source| RereadError::Io { path: path.to_owned(), source };
    let mut direct = OpenOptions::new();
    direct.read(true).custom_flags(OFlags::DIRECT.bits().cast_signed());
    let direct = match direct.open(path) {
        Err(e) if e.kind() == ErrorKind::InvalidInput => {
            return Err(RereadError::NotOffered { path: path.to_owned() });
        }
        other => other.map_err(fail)?,
    };
    let cached = File::open(path).map_err(fail)?;
    // First past the cache, which also makes the system write what it had not tried to write yet; then
    // the cache is dropped, and what comes back through it is what recovery will see.
    let on_disk = digests(&direct).map_err(fail)?;
    fadvise(&cached, 0, None, Advice::DontNeed).map_err(|e| fail(e.into()))?;
    let seen = digests(&cached).map_err(fail)?;
    if on_disk != seen {
        let same = on_disk.iter().zip(&seen).take_while(|(a, b)| a == b).count();
        let offset = (same * CHUNK_BYTES) as u64;
        return Err(RereadError::Differs { path: path.to_owned(), offset });
    }
    cached.metadata().map(|m| m.len()).map_err(fail)
}

/// The digests of a file's chunks, the last of which may be shorter.
fn digests(file: &File) -> io::Result<Vec<[u8; 32]>> {
    let (mut chunk, mut found) = (Aligned::new(), Vec::new());
    loop {
        let bytes = chunk.fill(file, (found.len() * CHUNK_BYTES) as u64)?;
        found.push(sha256(bytes));
        if bytes.len() < CHUNK_BYTES {
            return Ok(found);
        }
    }
}

/// Memory of [`CHUNK_BYTES`] that begins where a direct read may go.
struct Aligned {
    bytes: Vec<u8>,
    from: usize,
}

impl Aligned {
    fn new() -> Self {
        let bytes = vec![0; CHUNK_BYTES + ALIGNMENT_BYTES];
        let from = bytes.as_ptr().align_offset(ALIGNMENT_BYTES);
        Aligned { bytes, from }
    }

    /// Reads until it is full or the file ends.
    fn fill(&mut self, file: &File, at: u64) -> io::Result<&[u8]> {
        let chunk = &mut self.bytes[self.from..self.from + CHUNK_BYTES];
        let mut done = 0;
        while done < CHUNK_BYTES {
            match file.read_at(&mut chunk[done..], at + done as u64) {
                Ok(0) => break,
                Ok(n) => {
                    done += n;
                    // Behind a direct read that ended between blocks there is nothing more.
                    if !done.is_multiple_of(ALIGNMENT_BYTES) {
                        break;
                    }
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(&chunk[..done])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_two_segments_are_read_to_their_ends() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(reread_tail(dir.path()).unwrap(), 0, "a store without a journal");
        let journal = dir.path().join(JOURNAL_DIR);
        std::fs::create_dir(&journal).unwrap();
        let lengths = [(1, 7_u64), (2, 3 * 512 + (1 << 20)), (3, 2 << 20)];
        for (segment, len) in lengths {
            let name = format!("{segment:020}.segment");
            std::fs::write(journal.join(name), vec![segment as u8; len as usize]).unwrap();
        }
        std::fs::write(journal.join("other"), b"not a segment").unwrap();
        match reread_tail(dir.path()) {
            Ok(bytes) => assert_eq!(bytes, lengths[1].1 + lengths[2].1),
            // A file system without direct reads says so, and nothing is taken for granted.
            Err(e) => assert!(matches!(e, RereadError::NotOffered { .. }), "{e:?}"),
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_past_the_cache_is_no_proof() {
        let e = reread(Path::new("/proc/self/status")).unwrap_err();
        assert!(matches!(e, RereadError::NotOffered { .. } | RereadError::Io { .. }), "{e:?}");
        assert_eq!(e.code(), Code::StorageUnsure);
    }

    #[test]
    fn a_store_in_use_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let _lock = StoreLock::acquire(dir.path()).unwrap();
        assert_eq!(reread_tail(dir.path()).unwrap_err().code(), Code::StoreLocked);
    }
}
