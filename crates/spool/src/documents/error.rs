//! What can go wrong with a document.

use crate::disk::{DiskError, DiskOp};
use tram_dispatch::Code;

/// Why a document could not be stored, read or checked.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The disk failed. If it failed in a sync, the process must stop.
    #[error("the document store's disk failed")]
    Disk(#[from] DiskError),
    /// The store has no such document.
    #[error("no document {digest}")]
    NotStored {
        /// Its digest in hexadecimal.
        digest: String,
    },
    /// There is no upload of this name to resume.
    #[error("no upload {upload:?}")]
    NoUpload {
        /// The upload.
        upload: String,
    },
    /// The upload is being written already.
    #[error("upload {upload:?} is in use")]
    UploadInUse {
        /// The upload.
        upload: String,
    },
    /// The upload's name is empty, too long or has other characters than letters, digits, `_`, `-`.
    #[error("{upload:?} cannot name an upload")]
    BadUploadName {
        /// The name as given.
        upload: String,
    },
    /// Above [`super::DOCUMENT_BYTES_MAX`].
    #[error("a document of {len_bytes} bytes is too large")]
    TooLarge {
        /// Its length.
        len_bytes: u64,
    },
    /// Accepting it would eat into the reserve of free space.
    #[error("{needed_bytes} bytes are needed and {available_bytes} are available")]
    NoSpace {
        /// Bytes still to be written for this document.
        needed_bytes: u64,
        /// Bytes free beyond the reserve and what running uploads were promised.
        available_bytes: u64,
    },
    /// More bytes came than were declared.
    #[error("more than the declared {declared_bytes} bytes came")]
    Overrun {
        /// The declared length.
        declared_bytes: u64,
    },
    /// What came is not what was declared.
    #[error("{found_bytes} bytes came instead of {expected_bytes}")]
    LengthMismatch {
        /// The length expected.
        expected_bytes: u64,
        /// The length found.
        found_bytes: u64,
    },
    /// The bytes have another digest than expected: damaged, or altered.
    #[error("the document's digest is {found}, not {expected}")]
    DigestMismatch {
        /// The digest expected, in hexadecimal.
        expected: String,
        /// The digest found, in hexadecimal.
        found: String,
    },
    /// An earlier write of this upload failed, so its digest is no longer known.
    #[error("the upload failed earlier")]
    Broken,
}

impl DocumentError {
    /// The code for people and programs.
    #[must_use]
    pub fn code(&self) -> Code {
        crate::store::error::document_code(self)
    }

    /// Whether a sync failed. Then nothing is known of the disk, and a later sync that succeeds proves
    /// nothing: the process must stop and read back what is there.
    #[must_use]
    pub fn is_failed_sync(&self) -> bool {
        use DiskError::{Io, NoSpace, NotFound};
        let DocumentError::Disk(Io { op, .. } | NoSpace { op, .. } | NotFound { op, .. }) = self
        else {
            return false;
        };
        matches!(op, DiskOp::Sync | DiskOp::SyncDir)
    }

    /// The error with every cause behind it, for one line of a log.
    #[must_use]
    pub fn explain(&self) -> String {
        crate::store::error::chain(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failed_sync_stops_the_node() {
        let failed = |op| DocumentError::Disk(DiskError::NoSpace { op, path: "p".into() });
        assert!(failed(DiskOp::Sync).is_failed_sync() && failed(DiskOp::SyncDir).is_failed_sync());
        assert!(!failed(DiskOp::Write).is_failed_sync());
        assert!(!DocumentError::Broken.is_failed_sync());
    }
}
