//! Appending.

use super::batch::{self, Record};
use super::error::{CommitError, JournalError};
use super::header::SegmentHeader;
use super::position::{BatchPosition, Position};
use super::reader::JournalReader;
use super::recovery::{self, JournalOptions, RecoveryReport};
use super::sector::{SECTOR_BYTES, sectors_for};
use super::shared::{SegmentSummary, Shared, Span};
use crate::disk::{Disk, DiskError, DiskFile, OpenMode};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tram_crypto::sha256;

/// Buffer kept between commits; a larger one is given back after its batch.
const BUFFER_KEPT_BYTES: usize = 4 << 20;

/// A commit that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Sequence number of the batch.
    pub batch_seq: u64,
    /// Where the batch begins.
    pub batch: BatchPosition,
    /// Where each record begins, in the order given.
    pub positions: Vec<Position>,
}

/// The journal, open for appending. There is one per directory; see [`crate::lock`].
#[derive(Debug)]
pub struct Journal {
    pub(super) shared: Arc<Shared>,
    pub(super) active: Active,
    segment_bytes: u64,
    buffer: Vec<u8>,
    poisoned: bool,
}

/// The segment that grows.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) segment: u64,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) end: u64,
    pub(super) capacity: u64,
}

impl Journal {
    /// Opens the journal in directory `dir` of `disk`, recovering it first if need be. The report
    /// says what recovery found; a discarded tail was never acknowledged, but its size must be
    /// compared with the anchor and the peers before anything is signed.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &str,
        options: &JournalOptions,
    ) -> Result<(Self, RecoveryReport), JournalError> {
        recovery::open(disk, dir, options)
    }

    pub(super) fn resume(shared: Arc<Shared>, active: Active, segment_bytes: u64) -> Self {
        Self { shared, active, segment_bytes, buffer: Vec::new(), poisoned: false }
    }

    /// Commits `records` as one batch: one write, one sync. When it returns `Ok`, they are
    /// durable. See [`CommitError`] for what its failures mean.
    pub fn append(&mut self, records: &[Record]) -> Result<Appended, CommitError> {
        if self.poisoned {
            return Err(CommitError::Poisoned);
        }
        let stream_bytes = batch::stream_bytes(records)?;
        let len = sectors_for(stream_bytes) * SECTOR_BYTES;
        if len > self.active.capacity.saturating_sub(self.active.end) {
            self.roll(len)?;
        }
        let (last_batch_seq, chain) = {
            let extent = self.shared.extent();
            (extent.last_batch_seq, extent.chain)
        };
        let (segment, offset) = (self.active.segment, self.active.end);
        let batch = BatchPosition { segment, offset, batch_seq: last_batch_seq + 1 };
        let seal = self.shared.seal(segment);
        let positions = batch::encode(&mut self.buffer, records, stream_bytes, batch, &chain, seal);
        let file = &self.active.file;
        match file.write_at(offset, &self.buffer) {
            // Whatever part of it came before the refusal is written again with the same bytes.
            Err(e) if e.is_read_only() => return Err(CommitError::ReadOnly),
            written => written.and_then(|()| file.sync_data()).map_err(|e| self.poison(e))?,
        }

        let chain = sha256(&self.buffer);
        if self.buffer.capacity() > BUFFER_KEPT_BYTES {
            self.buffer = Vec::new();
        }
        self.active.end += len;
        let mut extent = self.shared.extent();
        if let Some(span) = extent.spans.get_mut(&segment) {
            span.end = self.active.end;
        }
        extent.last_batch_seq = batch.batch_seq;
        extent.chain = chain;
        Ok(Appended { batch_seq: batch.batch_seq, batch, positions })
    }

    /// Begins a new segment with room for at least `needed` bytes of batch.
    pub(super) fn roll(&mut self, needed: u64) -> Result<(), CommitError> {
        let header = {
            let extent = self.shared.extent();
            SegmentHeader {
                segment: self.active.segment + 1,
                store_id: self.shared.store_id,
                first_batch_seq: extent.last_batch_seq + 1,
                chain: extent.chain,
                previous_end: self.active.end,
                capacity: self.segment_bytes.max(SECTOR_BYTES + needed),
            }
        };
        let path = self.shared.path(header.segment);
        let file = prepare(&*self.shared.disk, &path, header.capacity).map_err(|e| {
            if e.is_no_space() {
                // The new segment has no header yet, so nothing has happened.
                CommitError::NoSpace { needed_bytes: header.capacity }
            } else if e.is_read_only() {
                CommitError::ReadOnly
            } else {
                self.poison(e)
            }
        })?;
        begin(&*self.shared.disk, &self.shared.dir, &*file, &header)
            .and_then(|()| {
                // The new header is durable and says where the old segment ends: its unused
                // space can go. Unsynced, because nothing depends on it; but recovery takes a
                // trimmed segment for proof that its successor existed.
                self.active.file.truncate(self.active.end)
            })
            .map_err(|e| match e.is_read_only() {
                // Begun again with the same header.
                true => CommitError::ReadOnly,
                false => self.poison(e),
            })?;
        let span = Span { first_batch_seq: header.first_batch_seq, end: SECTOR_BYTES };
        self.shared.extent().spans.insert(header.segment, span);
        let (segment, capacity) = (header.segment, header.capacity);
        self.active = Active { segment, file, end: SECTOR_BYTES, capacity };
        Ok(())
    }

    /// Begins a new segment if somebody asked for one and there is something in the present one.
    ///
    /// # Errors
    /// As [`Journal::append`]; it is asked for no more, except where there was no room.
    pub fn begin_wanted(&mut self) -> Result<(), CommitError> {
        if self.poisoned {
            return Err(CommitError::Poisoned);
        }
        if !self.shared.segment_wanted.load(Ordering::Relaxed) {
            return Ok(());
        }
        let begun = if self.active.end > SECTOR_BYTES { self.roll(0) } else { Ok(()) };
        if !matches!(begun, Err(CommitError::NoSpace { .. } | CommitError::ReadOnly)) {
            self.shared.segment_wanted.store(false, Ordering::Relaxed);
        }
        begun
    }

    /// Removes all segments with numbers below `segment`, the active one excepted, and returns
    /// how many. The caller has moved what is still needed. Oldest first, each durably before the
    /// next, so that a crash leaves no gap.
    pub fn drop_segments_before(&mut self, segment: u64) -> Result<u64, CommitError> {
        if self.poisoned {
            return Err(CommitError::Poisoned);
        }
        let limit = segment.min(self.active.segment);
        let doomed: Vec<u64> =
            self.shared.extent().spans.range(..limit).map(|(segment, _)| *segment).collect();
        for segment in &doomed {
            self.shared.extent().spans.remove(segment);
            self.shared.forget_file(*segment);
            let disk = &self.shared.disk;
            let removed = disk
                .remove(&self.shared.path(*segment))
                .and_then(|()| disk.sync_dir(&self.shared.dir));
            removed.map_err(|e| self.poison(e))?;
        }
        Ok(doomed.len() as u64)
    }

    /// A handle for reading, usable from other threads.
    #[must_use]
    pub fn reader(&self) -> JournalReader {
        JournalReader::new(Arc::clone(&self.shared))
    }

    /// Reads the record at `position`; see [`JournalReader::read`].
    pub fn read(&self, position: Position) -> Result<Record, JournalError> {
        self.reader().read(position)
    }

    /// The segments, oldest first.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentSummary> {
        self.reader().segments()
    }

    /// Sequence number of the last committed batch; 0 if there is none yet.
    #[must_use]
    pub fn last_batch_seq(&self) -> u64 {
        self.shared.extent().last_batch_seq
    }

    /// The hash of the last committed batch, which the next one will name.
    #[must_use]
    pub fn chain_value(&self) -> [u8; 32] {
        self.shared.extent().chain
    }

    /// Bytes that may still be written; see [`Disk::free_bytes`].
    pub fn free_bytes(&self) -> Result<u64, DiskError> {
        self.shared.disk.free_bytes()
    }

    /// True after a commit whose outcome is unknown.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    fn poison(&mut self, error: DiskError) -> CommitError {
        self.poisoned = true;
        tracing::error!(code = "STORAGE_COMMIT_UNKNOWN", %error, "journal commit outcome unknown");
        CommitError::Unknown(Arc::new(error))
    }
}

/// Creates the file of a new segment, or takes up one that a crash left without a header, and
/// reserves its space. Nothing is promised yet.
pub(super) fn prepare(
    disk: &dyn Disk,
    path: &str,
    capacity: u64,
) -> Result<Arc<dyn DiskFile>, DiskError> {
    let file = disk.open(path, OpenMode::Create)?;
    file.preallocate(capacity)?;
    Ok(file)
}

/// Makes a prepared segment part of the journal. Its name is durable before any batch is in it.
pub(super) fn begin(
    disk: &dyn Disk,
    dir: &str,
    file: &dyn DiskFile,
    header: &SegmentHeader,
) -> Result<(), DiskError> {
    file.write_at(0, &header.encode())?;
    file.sync_data()?;
    disk.sync_dir(dir)
}
