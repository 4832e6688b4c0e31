//! Every limit of the journal, in one place.

/// Largest batch, as a stream: batch header, record headers, bodies and END record.
pub const BATCH_BYTES_MAX: u64 = 64 << 20;
/// Most records in one batch.
pub const BATCH_RECORDS_MAX: usize = 1 << 20;
/// Largest record kind a caller may use; the one above it marks the END record.
pub const KIND_MAX: u16 = u16::MAX - 1;
/// Size of a segment unless set otherwise.
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 << 20;
/// Smallest segment: its header and one sector.
pub const SEGMENT_BYTES_MIN: u64 = 1024;

/// Newest format this code writes and reads.
pub(super) const FORMAT_VERSION: u32 = 1;
/// Files kept open for reading.
pub(super) const OPEN_FILES_MAX: usize = 32;
/// Bytes read at once while walking.
pub(super) const READ_AHEAD_BYTES: usize = 1 << 20;
/// Bytes read at once for a single record; longer records take a second read.
pub(super) const RECORD_READ_BYTES: usize = 4096;
