//! What can go wrong with the index.

use crate::journal::JournalError;
use crate::records::RecordError;
use tram_dispatch::Code;

/// Why the index could not be opened, read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IndexError {
    /// Written by a newer version of this program. Nothing was touched.
    #[error("the index has format {found}; this program reads up to {supported}")]
    FormatTooNew {
        /// Its format.
        found: u64,
        /// The newest format this program reads.
        supported: u64,
    },
    /// The index file is open elsewhere.
    #[error("the index file is in use")]
    InUse,
    /// redb or its file failed.
    #[error("the index file failed: {0}")]
    Storage(String),
    /// The index does not say what the journal says; it can be rebuilt.
    #[error("the index is damaged: {0}")]
    Damaged(String),
    /// A batch contradicts the receipt log: its leaves do not lead to its root. Never the index's
    /// own fault.
    #[error("the receipt log does not hold together: {0}")]
    Log(String),
    /// A record of the journal cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The journal cannot be read.
    #[error("the journal cannot be read: {detail}")]
    Journal {
        /// What the journal said.
        detail: String,
        /// Its code.
        code: Code,
    },
}

impl IndexError {
    /// The code for people and programs.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::FormatTooNew { .. } => Code::StoreVersion,
            Self::InUse => Code::StoreLocked,
            Self::Storage(_) => Code::StorageFailed,
            Self::Damaged(_) | Self::Log(_) => Code::StoreCorrupt,
            Self::Record(e) => e.code(),
            Self::Journal { code, .. } => *code,
        }
    }

    pub(crate) fn damaged(what: impl std::fmt::Display) -> Self {
        Self::Damaged(what.to_string())
    }
}

impl From<JournalError> for IndexError {
    fn from(e: JournalError) -> Self {
        let code = crate::store::error::journal_code(&e);
        Self::Journal { detail: crate::store::error::chain(&e), code }
    }
}

/// What a rebuild mends, and what it does not.
fn classify(e: redb::Error) -> IndexError {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    match e {
        redb::Error::Corrupted(what) => IndexError::Damaged(what),
        redb::Error::Io(e) if matches!(e.kind(), InvalidData | UnexpectedEof) => {
            IndexError::Damaged(e.to_string())
        }
        e @ (redb::Error::UpgradeRequired(_)
        | redb::Error::RepairAborted
        | redb::Error::TableDoesNotExist(_)
        | redb::Error::TableTypeMismatch { .. }) => IndexError::Damaged(e.to_string()),
        redb::Error::DatabaseAlreadyOpen => IndexError::InUse,
        other => IndexError::Storage(other.to_string()),
    }
}

macro_rules! storage {
    ($($source:ty),+) => {
        $(impl From<$source> for IndexError {
            fn from(e: $source) -> Self {
                classify(redb::Error::from(e))
            }
        })+
    };
}
storage!(
    redb::DatabaseError,
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::SetDurabilityError
);
