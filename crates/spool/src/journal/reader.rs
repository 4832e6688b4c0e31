//! Reading single records while the journal grows.

use super::batch::{self, RECORD_HEADER, Record, Stream};
use super::cursor::belongs;
use super::error::{JournalError, corrupt};
use super::limits::{KIND_MAX, RECORD_READ_BYTES};
use super::position::{BatchPosition, Position};
use super::scan::BatchScan;
use super::sector::{HEAD, PAYLOAD, SECTOR, SECTOR_BYTES, SectorState, SegmentSeal};
use super::shared::{SegmentSummary, Shared};
use super::verify::{self, VerifyReport};
use crate::disk::read_full;
use std::sync::Arc;

/// A handle for reading. Clones are cheap and may be used from any thread, while the journal is
/// appended to in another; they see what is committed, and nothing else.
#[derive(Clone, Debug)]
pub struct JournalReader {
    shared: Arc<Shared>,
}

impl JournalReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Reads the record at `position`; the checksum of every sector it touches is verified.
    pub fn read(&self, position: Position) -> Result<Record, JournalError> {
        let Position { segment, offset, record } = position;
        let no_record = || JournalError::NoRecord { position };
        let span = self.shared.extent().spans.get(&segment).copied();
        let first = offset / SECTOR_BYTES * SECTOR_BYTES;
        let within = (offset % SECTOR_BYTES) as usize;
        let end = match span {
            Some(span) if (SECTOR_BYTES..span.end).contains(&offset) => span.end,
            _ => return Err(JournalError::OutOfRange { segment, offset }),
        };
        if within < HEAD {
            return Err(no_record());
        }
        let available = (end - first) as usize;
        let file = self.shared.file(segment)?;
        let mut raw = vec![0; available.min(RECORD_READ_BYTES)];
        read_full(&*file, first, &mut raw)?;

        let mut checker = Checker::start(self.shared.seal(segment), segment, first, &raw)?;
        let skip = within - HEAD;
        let head_sectors = (skip + RECORD_HEADER).div_ceil(PAYLOAD);
        if head_sectors * SECTOR > available {
            return Err(no_record());
        }
        checker.check_to(&raw, head_sectors)?;
        let mut head = [0; RECORD_HEADER];
        Stream { sectors: &raw }.copy(skip as u64, &mut head);
        let (kind, len) = match batch::decode_record_header(&head) {
            Some((kind, index, len)) if index == record && kind <= KIND_MAX => (kind, len as usize),
            _ => return Err(no_record()),
        };
        let sectors = (skip + RECORD_HEADER + len).div_ceil(PAYLOAD);
        if sectors * SECTOR > available {
            return Err(no_record());
        }
        let have = raw.len();
        if sectors * SECTOR > have {
            raw.resize(sectors * SECTOR, 0);
            read_full(&*file, first + have as u64, &mut raw[have..])?;
        }
        checker.check_to(&raw, sectors)?;
        let mut body = vec![0; len];
        Stream { sectors: &raw }.copy((skip + RECORD_HEADER) as u64, &mut body);
        Ok(Record { kind, body })
    }

    /// Walks all batches from the oldest, or from the batch at `start` on, to the last one
    /// committed now. Everything is verified as by [`JournalReader::verify_all`].
    pub fn scan_from(&self, start: Option<BatchPosition>) -> Result<BatchScan, JournalError> {
        BatchScan::new(Arc::clone(&self.shared), start, true)
    }

    /// As [`JournalReader::scan_from`], without the batch at `start` itself: what came after.
    pub fn scan_after(&self, start: BatchPosition) -> Result<BatchScan, JournalError> {
        let mut scan = self.scan_from(Some(start))?;
        match scan.next() {
            Some(first) => first.map(|_| scan),
            None => Err(JournalError::OutOfRange { segment: start.segment, offset: start.offset }),
        }
    }

    /// Checks every byte of every batch committed now: checksums, chain, structure, headers.
    /// Memory is bounded by the largest batch.
    pub fn verify_all(&self) -> Result<VerifyReport, JournalError> {
        verify::verify_all(&self.shared)
    }

    /// The segments, oldest first.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentSummary> {
        let extent = self.shared.extent();
        let last = extent.spans.keys().next_back().copied();
        extent
            .spans
            .iter()
            .map(|(segment, span)| SegmentSummary {
                segment: *segment,
                first_batch_seq: span.first_batch_seq,
                used_bytes: span.end,
                active: Some(*segment) == last,
            })
            .collect()
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

    /// The random name of this store, from its segment headers.
    #[must_use]
    pub fn store_id(&self) -> [u8; 16] {
        self.shared.store_id
    }
}

/// Judges consecutive sectors of one batch, each once.
struct Checker {
    seal: SegmentSeal,
    segment: u64,
    first: u64,
    batch_seq: u64,
    block: u32,
    checked: usize,
}

impl Checker {
    fn start(
        seal: SegmentSeal,
        segment: u64,
        first: u64,
        raw: &[u8],
    ) -> Result<Self, JournalError> {
        match seal.judge(&raw[..SECTOR], first) {
            SectorState::Valid { batch_seq, block } => {
                Ok(Self { seal, segment, first, batch_seq, block, checked: 1 })
            }
            SectorState::Unwritten => {
                Err(corrupt(segment, first, "a sector that was written reads as zeros"))
            }
            SectorState::Damaged => Err(corrupt(segment, first, "a sector's checksum is wrong")),
        }
    }

    fn check_to(&mut self, raw: &[u8], sectors: usize) -> Result<(), JournalError> {
        while self.checked < sectors {
            let at = self.first + self.checked as u64 * SECTOR_BYTES;
            let sector = &raw[self.checked * SECTOR..][..SECTOR];
            let block = self.block.saturating_add(self.checked as u32);
            belongs(self.seal.judge(sector, at), self.batch_seq, block, self.segment, at)?;
            self.checked += 1;
        }
        Ok(())
    }
}
