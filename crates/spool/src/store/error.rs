//! Two families: opening and reading, and committing. Each maps to a code of the one table.

use crate::anchor::AnchorError;
use crate::disk::{DiskError, DiskOp};
use crate::documents::DocumentError;
use crate::index::IndexError;
use crate::journal::{self, JournalError};
use crate::lock::LockError;
use crate::records::RecordError;
use std::error::Error;
use std::io::ErrorKind;
use tram_dispatch::Code;
use tram_tlog::ProofError;

/// Why a store could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The lock could not be taken; `StoreLocked` when another daemon has it.
    #[error("the store's lock could not be taken")]
    Lock(#[from] LockError),
    /// The journal.
    #[error("the journal could not be read")]
    Journal(#[from] JournalError),
    /// The index, or what was read through it.
    #[error("the store could not be read")]
    Index(#[from] IndexError),
    /// The documents.
    #[error("the documents could not be read")]
    Documents(#[from] DocumentError),
    /// The anchor file.
    #[error("the anchor file could not be written")]
    Anchor(#[from] AnchorError),
    /// A proof cannot be made for these sizes.
    #[error("no such proof")]
    Proof(#[from] ProofError),
    /// A stored receipt cannot be put together again.
    #[error("the receipt of leaf {leaf} cannot be rebuilt: {detail}")]
    Receipt {
        /// The leaf.
        leaf: u64,
        /// Why.
        detail: String,
    },
}

impl StoreError {
    /// The code for people and programs.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Lock(LockError::StoreLocked { .. }) => Code::StoreLocked,
            Self::Lock(LockError::Io { source, .. }) => match source.kind() {
                ErrorKind::ReadOnlyFilesystem => Code::StorageReadOnly,
                ErrorKind::StorageFull => Code::BusyStorage,
                _ => Code::StorageFailed,
            },
            Self::Journal(e) => journal_code(e),
            Self::Index(e) => e.code(),
            Self::Documents(e) => document_code(e),
            Self::Anchor(_) => Code::StorageFailed,
            Self::Proof(ProofError::MissingNode { .. }) | Self::Receipt { .. } => {
                Code::StoreCorrupt
            }
            Self::Proof(_) => Code::NotFound,
        }
    }

    /// The error with every cause behind it, for one line of a log.
    #[must_use]
    pub fn explain(&self) -> String {
        chain(self)
    }
}

impl From<RecordError> for StoreError {
    fn from(e: RecordError) -> Self {
        Self::Index(e.into())
    }
}

/// Why a batch was not committed. After a fatal one the process stops and recovers from disk.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The journal did not take the batch. Fatal when its outcome is unknown; nothing was written
    /// otherwise.
    #[error("the batch was not committed")]
    Journal(#[from] journal::CommitError),
    /// The batch does not continue the receipt log. Nothing was written, and nothing must be
    /// answered: the engine and the store do not agree about the past. Fatal.
    #[error("the batch does not continue the receipt log")]
    Log(#[source] IndexError),
    /// The batch is durable, but the index failed. Fatal: nothing is lost, opening the store again
    /// reads it from the journal.
    #[error("the batch is durable, but the index failed")]
    Index(#[source] IndexError),
    /// An earlier commit failed for good.
    #[error("the store takes no more commits after a failure")]
    Stopped,
}

impl CommitError {
    /// Whether the process must stop. If not, nothing was written and the same batch may be tried
    /// again later (space, a file system that is read-only). One that is too large never fits: the
    /// engine keeps its batches far below, and whoever sees one all the same stops, for nothing of
    /// it was promised to anybody.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        use journal::CommitError as J;
        match self {
            Self::Journal(J::NoSpace { .. } | J::ReadOnly | J::TooLarge { .. } | J::Empty) => false,
            Self::Journal(_) | Self::Log(_) | Self::Index(_) | Self::Stopped => true,
        }
    }

    /// The code for people and programs.
    #[must_use]
    pub fn code(&self) -> Code {
        use journal::CommitError as J;
        match self {
            Self::Journal(J::NoSpace { .. }) => Code::BusyStorage,
            Self::Journal(J::ReadOnly) => Code::StorageReadOnly,
            Self::Journal(J::TooLarge { .. }) => Code::TooLarge,
            Self::Journal(J::Empty | J::ReservedKind { .. }) => Code::Internal,
            Self::Journal(_) | Self::Stopped => Code::StorageFailed,
            Self::Log(_) => Code::StoreCorrupt,
            Self::Index(e) => e.code(),
        }
    }

    /// The error with every cause behind it, for one line of a log.
    #[must_use]
    pub fn explain(&self) -> String {
        chain(self)
    }
}

pub(crate) fn disk_code(e: &DiskError) -> Code {
    match e {
        // What a failed sync leaves on the disk is not known, whatever its reason was.
        DiskError::NoSpace { op: DiskOp::Sync | DiskOp::SyncDir, .. } => Code::StorageFailed,
        DiskError::NoSpace { .. } => Code::BusyStorage,
        e if e.is_read_only() => Code::StorageReadOnly,
        _ => Code::StorageFailed,
    }
}

pub(crate) fn journal_code(e: &JournalError) -> Code {
    match e {
        JournalError::Disk(e) => disk_code(e),
        JournalError::FormatTooNew { .. } => Code::StoreVersion,
        JournalError::Missing { .. } => Code::Unreadable,
        JournalError::BadSegmentSize { .. } => Code::ConfigInvalid,
        JournalError::Corrupt { .. }
        | JournalError::SegmentMissing { .. }
        | JournalError::OutOfRange { .. }
        | JournalError::NoRecord { .. } => Code::StoreCorrupt,
    }
}

pub(crate) fn document_code(e: &DocumentError) -> Code {
    match e {
        DocumentError::Disk(e) => disk_code(e),
        DocumentError::NoSpace { .. } => Code::BusyStorage,
        DocumentError::DigestMismatch { .. } | DocumentError::LengthMismatch { .. } => {
            Code::StoreCorrupt
        }
        DocumentError::NotStored { .. } | DocumentError::NoUpload { .. } => Code::NotFound,
        DocumentError::TooLarge { .. } => Code::TooLarge,
        DocumentError::UploadInUse { .. }
        | DocumentError::BadUploadName { .. }
        | DocumentError::Overrun { .. }
        | DocumentError::Broken => Code::WrongState,
    }
}

/// An error with its causes, from the outermost in.
pub(crate) fn chain(e: &dyn Error) -> String {
    let mut out = e.to_string();
    let mut cause = e.source();
    while let Some(e) = cause {
        let text = e.to_string();
        if !out.ends_with(&text) {
            out.push_str(": ");
            out.push_str(&text);
        }
        cause = e.source();
    }
    out
}
