//! Walking the journal batch by batch.

use super::batch::Record;
use super::cursor::{Cursor, Found, WholeBatch};
use super::error::{JournalError, corrupt};
use super::position::{BatchPosition, Position};
use super::sector::SECTOR_BYTES;
use super::shared::{Extent, Shared, read_header};
use std::sync::Arc;

/// One batch of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedBatch {
    /// Its sequence number.
    pub batch_seq: u64,
    /// Where it begins.
    pub position: BatchPosition,
    /// Its records in order, with their positions.
    pub records: Vec<(Position, Record)>,
}

/// An iterator over batches, up to what was committed when it was made. It holds one batch in
/// memory at a time and ends after the first error.
#[derive(Debug)]
pub struct BatchScan {
    shared: Arc<Shared>,
    extent: Extent,
    /// The next batch to read.
    next: BatchPosition,
    /// The chain value it must name, unless the scan began in the middle of a segment.
    chain: Option<[u8; 32]>,
    cursor: Option<Cursor>,
    keep_records: bool,
    done: bool,
}

impl BatchScan {
    pub(super) fn new(
        shared: Arc<Shared>,
        start: Option<BatchPosition>,
        keep_records: bool,
    ) -> Result<Self, JournalError> {
        let extent = shared.extent().clone();
        let next = match start {
            Some(at) => at,
            None => match extent.spans.iter().next() {
                Some((segment, span)) => BatchPosition {
                    segment: *segment,
                    offset: SECTOR_BYTES,
                    batch_seq: span.first_batch_seq,
                },
                None => return Err(JournalError::Missing { dir: shared.dir.clone() }),
            },
        };
        let BatchPosition { segment, offset, .. } = next;
        let fits = extent.spans.get(&segment).is_some_and(|span| {
            (SECTOR_BYTES..=span.end).contains(&offset) && offset.is_multiple_of(SECTOR_BYTES)
        });
        if !fits {
            return Err(JournalError::OutOfRange { segment, offset });
        }
        Ok(Self { shared, extent, next, chain: None, cursor: None, keep_records, done: false })
    }

    /// The chain value after the batches read so far, if it is known.
    pub(super) fn chain_value(&self) -> Option<[u8; 32]> {
        self.chain
    }

    pub(super) fn extent(&self) -> &Extent {
        &self.extent
    }

    pub(super) fn next_whole(&mut self) -> Result<Option<WholeBatch>, JournalError> {
        loop {
            let BatchPosition { segment, offset, batch_seq } = self.next;
            let Some(end) = self.extent.spans.get(&segment).map(|span| span.end) else {
                return Ok(None);
            };
            let mut cursor = match self.cursor.take() {
                Some(cursor) => cursor,
                None => self.enter(segment, end)?,
            };
            if offset >= end {
                // The next segment's header is checked against what was read up to here.
                self.next = BatchPosition { segment: segment + 1, offset: SECTOR_BYTES, batch_seq };
                continue;
            }
            let found =
                cursor.read_batch(offset, batch_seq, self.chain.as_ref(), self.keep_records)?;
            return match found {
                Found::Whole(whole) => {
                    self.chain = whole.chain;
                    self.next.offset = whole.end;
                    self.next.batch_seq += 1;
                    self.cursor = Some(cursor);
                    Ok(Some(whole))
                }
                Found::Incomplete { .. } => {
                    Err(corrupt(segment, offset, "a committed batch has sectors of zeros"))
                }
            };
        }
    }

    fn enter(&mut self, segment: u64, end: u64) -> Result<Cursor, JournalError> {
        let file = match self.shared.file(segment) {
            Err(JournalError::Disk(e)) if e.is_not_found() => {
                // Dropped by retention since this scan began, or lost.
                return Err(JournalError::SegmentMissing { segment });
            }
            other => other?,
        };
        let header = read_header(&*file, segment)?.ok_or(corrupt(
            segment,
            0,
            "the segment header reads as zeros",
        ))?;
        let at_start = self.next.offset == SECTOR_BYTES;
        let previous = segment.checked_sub(1).and_then(|s| self.extent.spans.get(&s));
        let what = if header.store_id != self.shared.store_id {
            "the segment belongs to another store"
        } else if at_start && header.first_batch_seq != self.next.batch_seq {
            "the segment begins with another batch"
        } else if at_start && self.chain.is_some_and(|chain| chain != header.chain) {
            "the segment does not continue its predecessor"
        } else if previous.is_some_and(|span| span.end != header.previous_end) {
            "the segment disagrees about where its predecessor ended"
        } else {
            if at_start {
                self.chain = Some(header.chain);
            }
            return Ok(Cursor::new(file, segment, self.shared.seal(segment), end));
        };
        Err(corrupt(segment, 0, what))
    }
}

impl Iterator for BatchScan {
    type Item = Result<ScannedBatch, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.next_whole();
        self.done = !matches!(next, Ok(Some(_)));
        next.transpose().map(|found| {
            found.map(|whole| ScannedBatch {
                batch_seq: whole.position.batch_seq,
                position: whole.position,
                records: whole.records,
            })
        })
    }
}
