//! Walking the batches of one segment, with read-ahead, and judging what lies behind the last.

use super::batch::{self, BatchHeader, Record};
use super::error::{JournalError, corrupt};
use super::limits::READ_AHEAD_BYTES;
use super::position::{BatchPosition, Position};
use super::sector::{SECTOR, SECTOR_BYTES, SectorState, SegmentSeal, sectors_for};
use crate::disk::{DiskFile, read_full};
use std::sync::Arc;
use tram_crypto::sha256;

/// A window over one segment file. What lies behind the file's end reads as never written.
#[derive(Debug)]
pub(super) struct Cursor {
    file: Arc<dyn DiskFile>,
    segment: u64,
    seal: SegmentSeal,
    /// Nothing at or behind this offset is looked at.
    limit: u64,
    window: Vec<u8>,
    window_at: u64,
}

/// What was found where a batch was expected.
#[derive(Debug)]
pub(super) enum Found {
    /// A whole batch, checked to the last byte.
    Whole(WholeBatch),
    /// The first sector, or a later one, was never written.
    Incomplete {
        /// Sectors the batch has, if its first one is there.
        sectors: Option<u64>,
    },
}

#[derive(Debug)]
pub(super) struct WholeBatch {
    pub(super) position: BatchPosition,
    pub(super) header: BatchHeader,
    /// Offset behind the batch.
    pub(super) end: u64,
    /// Chain value that the next batch must name; of a batch that was written anew nobody can tell.
    pub(super) chain: Option<[u8; 32]>,
    /// Empty unless asked for.
    pub(super) records: Vec<(Position, Record)>,
}

impl Cursor {
    pub(super) fn new(
        file: Arc<dyn DiskFile>,
        segment: u64,
        seal: SegmentSeal,
        limit: u64,
    ) -> Self {
        Self { file, segment, seal, limit, window: Vec::new(), window_at: 0 }
    }

    /// Reads the batch `batch_seq` at `offset`. `chain` is what it must name as its
    /// predecessor's hash, if that is known. Corruption is an error; a missing sector is not.
    pub(super) fn read_batch(
        &mut self,
        offset: u64,
        batch_seq: u64,
        chain: Option<&[u8; 32]>,
        keep_records: bool,
    ) -> Result<Found, JournalError> {
        let segment = self.segment;
        if offset + SECTOR_BYTES > self.limit {
            return Ok(Found::Incomplete { sectors: None });
        }
        let seal = self.seal;
        let first = self.bytes(offset, SECTOR_BYTES)?;
        match seal.judge(first, offset) {
            SectorState::Unwritten => return Ok(Found::Incomplete { sectors: None }),
            state => belongs(state, batch_seq, 0, segment, offset)?,
        }
        let header = batch::decode_header(first).map_err(|what| corrupt(segment, offset, what))?;
        if header.batch_seq != batch_seq {
            return Err(corrupt(segment, offset, "the batch header has another sequence number"));
        }
        let sectors = sectors_for(header.stream_bytes);
        let len = sectors * SECTOR_BYTES;
        if len > self.limit - offset {
            return Err(corrupt(segment, offset, "the batch reaches beyond the segment's end"));
        }
        let bytes = self.bytes(offset, len)?;
        let mut missing = 0;
        let mut at = offset;
        for (block, sector) in (0_u32..).zip(bytes.chunks_exact(SECTOR)) {
            match seal.judge(sector, at) {
                SectorState::Unwritten => missing += 1,
                state => belongs(state, batch_seq, block, segment, at)?,
            }
            at += SECTOR_BYTES;
        }
        if missing > 0 {
            return Ok(Found::Incomplete { sectors: Some(sectors) });
        }
        if chain.is_some_and(|chain| *chain != header.chain) {
            return Err(corrupt(segment, offset, "the batch names another predecessor"));
        }
        let position = BatchPosition { segment, offset, batch_seq };
        let records = batch::decode_records(bytes, &header, position, keep_records)?;
        let chain = (!header.rewritten).then(|| sha256(bytes));
        Ok(Found::Whole(WholeBatch { position, header, end: offset + len, chain, records }))
    }

    /// Judges everything from `offset` to the limit, after [`Found::Incomplete`] there: only
    /// sectors of that one batch, or none, may be there. Returns how many are.
    pub(super) fn judge_tail(
        &mut self,
        offset: u64,
        batch_seq: u64,
        sectors: Option<u64>,
    ) -> Result<u64, JournalError> {
        let (segment, seal, limit) = (self.segment, self.seal, self.limit);
        let last = sectors.map_or(limit, |n| offset + n * SECTOR_BYTES);
        let mut present = 0;
        let mut at = offset;
        while at < limit {
            let len = (limit - at).min(READ_AHEAD_BYTES as u64);
            for sector in self.bytes(at, len)?.chunks_exact(SECTOR) {
                match seal.judge(sector, at) {
                    SectorState::Unwritten => {}
                    state => {
                        let block = u32::try_from((at - offset) / SECTOR_BYTES).unwrap_or(u32::MAX);
                        belongs(state, batch_seq, block, segment, at)?;
                        if at >= last {
                            return Err(corrupt(segment, at, "a sector lies behind its batch"));
                        }
                        present += 1;
                    }
                }
                at += SECTOR_BYTES;
            }
        }
        Ok(present)
    }

    /// Bytes of the file, zeros where it has ended. The caller stays below the limit.
    fn bytes(&mut self, offset: u64, len: u64) -> Result<&[u8], JournalError> {
        let window_end = self.window_at + self.window.len() as u64;
        if offset < self.window_at || offset + len > window_end {
            let ahead = (self.limit - offset).min(READ_AHEAD_BYTES as u64);
            self.window.clear();
            self.window.resize(len.max(ahead) as usize, 0);
            self.window_at = offset;
            // Never-read bytes stay the zeros of the resize.
            let read = read_full(&*self.file, offset, &mut self.window);
            if let Err(e) = read {
                self.window.clear();
                return Err(e.into());
            }
        }
        let from = (offset - self.window_at) as usize;
        Ok(&self.window[from..from + len as usize])
    }
}

/// Requires a written sector to be the one expected here.
pub(super) fn belongs(
    state: SectorState,
    batch_seq: u64,
    block: u32,
    segment: u64,
    offset: u64,
) -> Result<(), JournalError> {
    let what = match state {
        SectorState::Valid { batch_seq: s, block: b } if s == batch_seq && b == block => {
            return Ok(());
        }
        SectorState::Valid { batch_seq: s, .. } if s == batch_seq => {
            "a sector of the batch lies out of place"
        }
        SectorState::Valid { .. } => "a sector of another batch lies here",
        SectorState::Unwritten => "a sector that was written reads as zeros",
        SectorState::Damaged => "a sector's checksum is wrong",
    };
    Err(corrupt(segment, offset, what))
}
