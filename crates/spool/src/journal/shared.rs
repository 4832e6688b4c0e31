//! What the journal and its readers share: the committed extent, and open files.

use super::error::JournalError;
use super::header::{SegmentHeader, segment_name};
use super::limits::OPEN_FILES_MAX;
use super::sector::{SECTOR, SegmentSeal};
use crate::disk::{Disk, DiskFile, OpenMode, read_full};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One segment, as callers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentSummary {
    /// Segment number.
    pub segment: u64,
    /// Sequence number of its first batch (of the first to come, if it is empty).
    pub first_batch_seq: u64,
    /// Bytes in use, its header included.
    pub used_bytes: u64,
    /// True for the one that grows.
    pub active: bool,
}

/// The committed part of one segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) first_batch_seq: u64,
    /// Offset behind the last committed batch.
    pub(super) end: u64,
}

/// The committed part of the journal.
#[derive(Clone, Debug)]
pub(super) struct Extent {
    pub(super) spans: BTreeMap<u64, Span>,
    pub(super) last_batch_seq: u64,
    pub(super) chain: [u8; 32],
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: String,
    pub(super) store_id: [u8; 16],
    extent: Mutex<Extent>,
    /// Somebody waits for the segment that grows to be one that does not.
    pub(super) segment_wanted: AtomicBool,
    files: Mutex<OpenFiles>,
}

#[derive(Debug, Default)]
struct OpenFiles {
    files: BTreeMap<u64, (u64, Arc<dyn DiskFile>)>,
    clock: u64,
}

impl Shared {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        dir: String,
        store_id: [u8; 16],
        extent: Extent,
    ) -> Self {
        let files = Mutex::new(OpenFiles::default());
        let segment_wanted = AtomicBool::new(false);
        Self { disk, dir, store_id, extent: Mutex::new(extent), segment_wanted, files }
    }

    pub(super) fn extent(&self) -> MutexGuard<'_, Extent> {
        // Every change under this lock is a few assignments; a poisoned lock is still whole.
        self.extent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn seal(&self, segment: u64) -> SegmentSeal {
        SegmentSeal::new(&self.store_id, segment)
    }

    pub(super) fn path(&self, segment: u64) -> String {
        segment_path(&self.dir, segment)
    }

    /// The file of a segment, for reading; the least recently used of too many is closed.
    pub(super) fn file(&self, segment: u64) -> Result<Arc<dyn DiskFile>, JournalError> {
        let mut open = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        open.clock += 1;
        let clock = open.clock;
        if let Some((used, file)) = open.files.get_mut(&segment) {
            *used = clock;
            return Ok(Arc::clone(file));
        }
        let file = self.disk.open(&self.path(segment), OpenMode::Read)?;
        if open.files.len() >= OPEN_FILES_MAX {
            let oldest = open.files.iter().min_by_key(|(_, (used, _))| *used).map(|(s, _)| *s);
            oldest.map(|s| open.files.remove(&s));
        }
        open.files.insert(segment, (clock, Arc::clone(&file)));
        Ok(file)
    }

    pub(super) fn forget_file(&self, segment: u64) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).files.remove(&segment);
    }
}

/// Path of a segment file.
pub(super) fn segment_path(dir: &str, segment: u64) -> String {
    if dir.is_empty() { segment_name(segment) } else { format!("{dir}/{}", segment_name(segment)) }
}

/// Reads a segment's header; `None` if it was never written.
pub(super) fn read_header(
    file: &dyn DiskFile,
    segment: u64,
) -> Result<Option<SegmentHeader>, JournalError> {
    let mut bytes = [0; SECTOR];
    read_full(file, 0, &mut bytes)?;
    SegmentHeader::decode(&bytes, segment)
}
