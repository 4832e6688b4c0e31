//! The port itself: two object-safe traits.

use super::DiskError;
use std::fmt;
use std::sync::Arc;

/// How a file is opened. Files are always opened for reading as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, for reading only.
    Read,
    /// An existing file, for reading and writing.
    Write,
    /// Reading and writing; an empty file is created if there is none.
    Create,
    /// Reading and writing; the file must not exist.
    CreateNew,
}

/// What a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// Anything else (links, sockets); the spool makes none and follows none.
    Other,
}

/// One entry of a listed directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedEntry {
    /// The name inside its directory.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// An open file. All methods may be called from several threads at once.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Reads up to `buf.len()` bytes at `offset`; 0 means end of file. May read short.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, DiskError>;
    /// Writes all of `bytes` at `offset`, growing the file if needed. After an error any part of
    /// it may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;
    /// Makes everything written so far durable (fdatasync: bytes and length).
    fn sync_data(&self) -> Result<(), DiskError>;
    /// The present length in bytes.
    fn len_bytes(&self) -> Result<u64, DiskError>;
    /// Sets the length; new bytes read as zeros.
    fn truncate(&self, len_bytes: u64) -> Result<(), DiskError>;
    /// Grows the file to at least `len_bytes`, with space reserved where the file system can do
    /// so; new bytes read as zeros. Never shrinks.
    fn preallocate(&self, len_bytes: u64) -> Result<(), DiskError>;
}

/// A tree of files under one root. Paths are relative, `/`-separated, made of ASCII letters,
/// digits, `.`, `_` and `-`; the empty path is the root directory.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens a file; files are created with mode 0600.
    fn open(&self, path: &str, mode: OpenMode) -> Result<Arc<dyn DiskFile>, DiskError>;
    /// Renames a file, replacing an existing target atomically.
    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError>;
    /// Removes a file.
    fn remove(&self, path: &str) -> Result<(), DiskError>;
    /// Lists a directory, sorted by name.
    fn list(&self, dir: &str) -> Result<Vec<ListedEntry>, DiskError>;
    /// Creates a directory and its missing parents with mode 0700; existing ones are left alone.
    fn create_dir_all(&self, dir: &str) -> Result<(), DiskError>;
    /// Makes the names created, renamed and removed in `dir` durable.
    fn sync_dir(&self, dir: &str) -> Result<(), DiskError>;
    /// Bytes that may still be written by this user; an error where the file system is mounted
    /// read-only.
    fn free_bytes(&self) -> Result<u64, DiskError>;
}

impl<T: Disk + ?Sized> Disk for Arc<T> {
    fn open(&self, path: &str, mode: OpenMode) -> Result<Arc<dyn DiskFile>, DiskError> {
        (**self).open(path, mode)
    }
    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        (**self).rename(from, to)
    }
    fn remove(&self, path: &str) -> Result<(), DiskError> {
        (**self).remove(path)
    }
    fn list(&self, dir: &str) -> Result<Vec<ListedEntry>, DiskError> {
        (**self).list(dir)
    }
    fn create_dir_all(&self, dir: &str) -> Result<(), DiskError> {
        (**self).create_dir_all(dir)
    }
    fn sync_dir(&self, dir: &str) -> Result<(), DiskError> {
        (**self).sync_dir(dir)
    }
    fn free_bytes(&self) -> Result<u64, DiskError> {
        (**self).free_bytes()
    }
}

/// Creates `dir` and its parents, and makes each of their names durable. Parents are synced even
/// when the directory exists: it may have been created by a process that died before its sync.
pub fn create_dir_durable(disk: &dyn Disk, dir: &str) -> Result<(), DiskError> {
    disk.create_dir_all(dir)?;
    let mut child = dir;
    while !child.is_empty() {
        let parent = parent_of(child);
        disk.sync_dir(parent)?;
        child = parent;
    }
    Ok(())
}

/// Reads until `buf` is full or the file ends; returns the bytes read.
pub fn read_full(file: &dyn DiskFile, offset: u64, buf: &mut [u8]) -> Result<usize, DiskError> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(offset + done as u64, &mut buf[done..])? {
            0 => break,
            n => done += n,
        }
    }
    Ok(done)
}

/// The directory part of a path; the root is the empty path.
pub(crate) fn parent_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Refuses paths that could leave the root.
pub(crate) fn check_path(path: &str) -> Result<(), DiskError> {
    let plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    if path.is_empty() || path.split('/').all(plain) {
        Ok(())
    } else {
        Err(DiskError::BadPath { path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_root_are_refused() {
        for bad in ["/etc", "a//b", "a/../b", "..", ".", "a/", "a b", "a\0b", "đ"] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
        for good in ["", "a", "a/b-c_d.e", "journal/00000000000000000001.seg"] {
            assert!(check_path(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn parents() {
        assert_eq!(parent_of("a/b/c"), "a/b");
        assert_eq!(parent_of("a"), "");
    }
}
