//! Two families: opening and reading, and committing.

use super::Position;
use crate::disk::DiskError;
use std::sync::Arc;

/// Why a journal could not be opened, read or checked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk failed.
    #[error("the journal's disk failed")]
    Disk(#[from] DiskError),
    /// There is no journal here, and none was to be made.
    #[error("no journal in {dir:?}")]
    Missing {
        /// The directory.
        dir: String,
    },
    /// Written by a newer version of this program. Nothing was touched.
    #[error("segment {segment} has journal format {found}; this program reads up to {supported}")]
    FormatTooNew {
        /// The segment.
        segment: u64,
        /// Its format version.
        found: u32,
        /// The newest version this program reads.
        supported: u32,
    },
    /// Bytes that were written and are damaged. Nothing behind them is believed.
    #[error("journal segment {segment} is damaged at byte {offset}: {what}")]
    Corrupt {
        /// The segment.
        segment: u64,
        /// Offset in its file, in bytes.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// A segment in the middle is missing.
    #[error("journal segment {segment} is missing")]
    SegmentMissing {
        /// The missing segment.
        segment: u64,
    },
    /// The position lies in a segment that retention has dropped, or beyond the end.
    #[error("the journal holds nothing at segment {segment}, byte {offset}")]
    OutOfRange {
        /// The segment.
        segment: u64,
        /// Offset in its file, in bytes.
        offset: u64,
    },
    /// The position does not lead to a record: it is from another journal, or damaged itself.
    #[error("no record begins at {position:?}")]
    NoRecord {
        /// The position.
        position: Position,
    },
    /// The segment size is below the minimum or no multiple of 512.
    #[error("{segment_bytes} is not a usable segment size")]
    BadSegmentSize {
        /// The size as given.
        segment_bytes: u64,
    },
}

/// Why a batch was not committed.
///
/// After [`CommitError::Unknown`] the batch may be on disk or not, and the process must stop and
/// recover; every later call answers [`CommitError::Poisoned`]. All other variants mean that
/// nothing was written and the journal can go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// The batch holds no record.
    #[error("a batch needs at least one record")]
    Empty,
    /// The batch is above [`super::BATCH_BYTES_MAX`] or [`super::BATCH_RECORDS_MAX`].
    #[error("a batch of {records} records and {bytes} bytes is too large")]
    TooLarge {
        /// Its records.
        records: usize,
        /// Its bytes as a stream.
        bytes: u64,
    },
    /// A record uses the kind that marks the END record.
    #[error("record kind {kind} is reserved")]
    ReservedKind {
        /// The kind.
        kind: u16,
    },
    /// There is no space for another segment. Nothing was written; the caller may try again.
    #[error("no space for a new journal segment of {needed_bytes} bytes")]
    NoSpace {
        /// Bytes a new segment needs.
        needed_bytes: u64,
    },
    /// The file system takes no writes. Nothing that counts was written; the caller may try again.
    #[error("the file system of the journal takes no writes")]
    ReadOnly,
    /// The disk failed during the commit: the outcome is unknown. Stop and recover from disk.
    #[error("the commit's outcome is unknown; the process must stop")]
    Unknown(#[source] Arc<DiskError>),
    /// An earlier commit ended with an unknown outcome.
    #[error("the journal takes no more commits after an unknown outcome")]
    Poisoned,
}

pub(super) fn corrupt(segment: u64, offset: u64, what: &'static str) -> JournalError {
    JournalError::Corrupt { segment, offset, what }
}
