//! One daemon per store.
//!
//! The lock is taken on the file itself (`flock`), so it holds through any other path that leads
//! to the same file: links, bind mounts, other mount namespaces. The system releases it when the
//! process ends, however it ends.

use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Name of the lock file in the store's directory.
const LOCK_NAME: &str = "lock";

/// The exclusive right to a store, for as long as it lives.
#[derive(Debug)]
pub struct StoreLock {
    file: File,
}

/// Why a store could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process uses the store (`STORE_LOCKED`).
    #[error("the store at {path} is in use{}", by_whom(.pid))]
    StoreLocked {
        /// The store's directory.
        path: PathBuf,
        /// The process that wrote itself into the lock file, if it did.
        pid: Option<u32>,
    },
    /// The lock file could not be opened or written.
    #[error("the lock file {path} cannot be used")]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
}

impl StoreLock {
    /// Locks the store in `dir`, which must exist. Does not wait.
    pub fn acquire(dir: &Path) -> Result<Self, LockError> {
        let path = dir.join(LOCK_NAME);
        let fail = |source| LockError::Io { path: path.clone(), source };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(fail)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(LockError::StoreLocked { path: dir.to_owned(), pid: owner(&file) });
            }
            Err(e) => return Err(fail(e.into())),
        }
        let lock = Self { file };
        lock.touch().map_err(fail)?;
        Ok(lock)
    }

    /// Writes into the lock file, which shows whether its file system takes writes. What is written,
    /// the number of the process, is a hint for people; the lock does not depend on it.
    pub fn touch(&self) -> io::Result<()> {
        // Always of one length: a second process needs no new space for it.
        self.file.write_all_at(format!("{:<15}\n", std::process::id()).as_bytes(), 0)
    }
}

fn by_whom(pid: &Option<u32>) -> String {
    pid.map(|pid| format!(" by process {pid}")).unwrap_or_default()
}

fn owner(file: &File) -> Option<u32> {
    let mut text = [0; 16];
    let len = file.read_at(&mut text, 0).ok()?;
    std::str::from_utf8(&text[..len]).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_also_through_another_path_and_the_first_can_be_given_back() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        let store = dir.path().join("store");
        std::fs::create_dir(&store).unwrap();
        std::os::unix::fs::symlink(&store, &link).unwrap();
        let first = StoreLock::acquire(&store).unwrap();
        for path in [&store, &link] {
            match StoreLock::acquire(path) {
                Err(LockError::StoreLocked { pid, .. }) => {
                    assert_eq!(pid, Some(std::process::id()))
                }
                other => panic!("{other:?}"),
            }
        }
        drop(first);
        StoreLock::acquire(&store).unwrap();
    }

    #[test]
    fn a_missing_directory_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(StoreLock::acquire(&dir.path().join("none")), Err(LockError::Io { .. })));
    }
}
