//! The append-only segmented journal: the durable truth of a node.
//!
//! One commit is one batch of records: one write and one sync, whatever it holds. Everything else
//! in the spool but the document files is derived from the journal and can be rebuilt.
//!
//! # Layout
//!
//! A journal is a directory of segments, `00000000000000000001.segment` and so on; numbers are
//! never used twice. A segment is preallocated, and consists of *sectors* of 512 bytes, the unit
//! that a disk writes entirely or not at all. Integers are little-endian.
//!
//! Sector 0 is the segment header: magic, format version, sector size, segment number, store id,
//! sequence number of the first batch to come, chain value before it, where the previous segment
//! ended, capacity, and in its last four bytes a CRC-32C. Magic, version and checksum keep their
//! places in all versions; a newer version is refused by name before anything else is read.
//!
//! A batch starts at a sector boundary and is a stream cut into pieces of 496 bytes, one to a
//! sector behind a sector head of 16 bytes: CRC-32C, block index in the batch, batch sequence.
//! The checksum also covers store id, segment number and file offset, so a sector that ends up in
//! another place is not valid there. The stream: batch header (magic, record count, sequence,
//! stream length, chain value), then the records (kind, zero, index, length, body), then an END
//! record; the rest of the last sector is zeros. The *chain value* is the SHA-256 of the
//! predecessor's sectors as they lie in the file.
//!
//! # The torn-tail rule
//!
//! Preallocated space reads as zeros, and no valid sector is all zeros. So each sector behind the
//! last whole batch is in one of three states: *never written* (zeros), *valid*, or *damaged*.
//! Batches are written one at a time, the next one only after the last was synced. Hence:
//!
//! * All sectors behind the last whole batch never written: the clean end.
//! * Some sectors of the next batch valid, at least one never written, all else behind it never
//!   written: the batch is *torn*. Its sync cannot have returned, so nobody was told of it. It is
//!   discarded whole, and the report says so.
//! * Any damaged sector; a sector of another batch; all sectors of a batch valid but its chain
//!   value, structure or END record wrong; a segment shorter than it was preallocated:
//!   *corruption*. The journal does not open, and the error names segment and offset. This holds
//!   for the last batch as for any other: a flipped bit in it is found, and never taken for a
//!   torn tail.
//!
//! After a torn tail a new segment begins. Its header says where the old one ends, so leftovers
//! can never be taken for data again. A crash during recovery changes nothing: recovery writes
//! only that header, and the newest batch (or, before the first, the header) over itself. Before the
//! journal opens, what was read from it is synced, as it may have come from the cache of a process
//! that died before its sync; and the newest is written again first, as it may have died right after
//! a sync that failed, when a second sync would do nothing.
//!
//! # Bodies that are removed
//!
//! The journal only grows, with one exception: where what a record holds must go, its segment, once another
//! grows, is written anew ([`JournalReader::rewrite`]): everything stays in its place and keeps its length,
//! the bodies of some records are replaced, and their batches say so. The new file takes the old one's name
//! when it is durable, so a crash leaves one or the other. What the successor of such a batch names can no
//! longer be compared: there, and only there, the chain rests on the sectors' checksums and the sequence.
//!
//! # Limits of the rule
//!
//! * A disk that loses a *whole sector* of the last synced batch (it reads as zeros, and the disk
//!   had said it was written) leaves what a torn tail leaves. A last segment that lost
//!   its name or all it held, while its predecessor is not trimmed (or there is none), likewise
//!   looks like one never made. These are caught by the anchor file and by the peers, which remember how
//!   far the log had come.
//! * A disk that writes half a sector makes the journal report corruption, although nothing that
//!   was acknowledged is lost. That is the safe side.
//! * After a failed sync the operating system may show bytes that never reached the disk. The
//!   journal refuses to go on ([`CommitError::Unknown`]); before the
//!   store is opened again in the same boot, [`crate::reread`] compares memory and disk.

mod batch;
mod cursor;
mod error;
mod header;
mod limits;
mod position;
mod reader;
mod recovery;
mod rewrite;
mod scan;
mod sector;
mod shared;
mod verify;
mod writer;

pub use batch::Record;
pub use error::{CommitError, JournalError};
pub use limits::{
    BATCH_BYTES_MAX, BATCH_RECORDS_MAX, KIND_MAX, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MIN,
};
pub use position::{BatchPosition, Position};
pub use reader::JournalReader;
pub use recovery::{DiscardedTail, JournalOptions, RecoveryReport};
pub use scan::{BatchScan, ScannedBatch};
pub use shared::SegmentSummary;
pub use verify::VerifyReport;
pub use writer::{Appended, Journal};

pub(crate) use header::parse_segment_name;
