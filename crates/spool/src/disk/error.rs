//! What a disk operation can answer instead of doing its work.

use std::fmt;
use std::io;

/// The operation that failed, as a word for operators and as a selector for injected faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiskOp {
    /// Opening or creating a file.
    Open,
    /// Reading bytes at an offset.
    Read,
    /// Writing bytes at an offset.
    Write,
    /// Making a file's bytes durable (fdatasync).
    Sync,
    /// Asking for a file's length.
    Len,
    /// Setting a file's length.
    Truncate,
    /// Reserving space for a file.
    Preallocate,
    /// Renaming a file.
    Rename,
    /// Removing a file.
    Remove,
    /// Listing a directory.
    List,
    /// Creating a directory.
    CreateDir,
    /// Making a directory's names durable.
    SyncDir,
    /// Asking for the free space.
    FreeBytes,
}

impl fmt::Display for DiskOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "fdatasync",
            Self::Len => "stat",
            Self::Truncate => "truncate",
            Self::Preallocate => "preallocate",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::List => "list",
            Self::CreateDir => "create directory",
            Self::SyncDir => "fsync directory",
            Self::FreeBytes => "free space of",
        })
    }
}

/// Why a disk operation failed. Paths are relative to the disk's root.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The file or directory does not exist.
    #[error("{op} {path}: not found")]
    NotFound {
        /// The operation.
        op: DiskOp,
        /// Its path.
        path: String,
    },
    /// A file that must be new exists already.
    #[error("{op} {path}: already exists")]
    AlreadyExists {
        /// The operation.
        op: DiskOp,
        /// Its path.
        path: String,
    },
    /// No space or no quota left (ENOSPC, EDQUOT).
    #[error("{op} {path}: no space left")]
    NoSpace {
        /// The operation.
        op: DiskOp,
        /// Its path.
        path: String,
    },
    /// A path that is absolute, climbs out of the root or holds unexpected characters.
    #[error("{path:?} is not a path inside the store")]
    BadPath {
        /// The path as given.
        path: String,
    },
    /// Everything else the operating system can answer.
    #[error("{op} {path} failed")]
    Io {
        /// The operation.
        op: DiskOp,
        /// Its path.
        path: String,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
}

impl DiskError {
    /// Sorts an operating system error into the variants above.
    #[must_use]
    pub fn from_io(op: DiskOp, path: &str, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { op, path },
            io::ErrorKind::AlreadyExists => Self::AlreadyExists { op, path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { op, path },
            _ => Self::Io { op, path, source },
        }
    }

    /// True for [`DiskError::NotFound`].
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// True if the file system takes no writes at all (EROFS). A sync that answers so is another
    /// matter: what was written before it may be lost.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        let Self::Io { op, source, .. } = self else { return false };
        let in_doubt = matches!(op, DiskOp::Sync | DiskOp::SyncDir);
        !in_doubt && source.kind() == io::ErrorKind::ReadOnlyFilesystem
    }

    /// True for [`DiskError::NoSpace`].
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        matches!(self, Self::NoSpace { .. })
    }
}
