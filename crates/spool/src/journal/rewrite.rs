//! Replacing what records hold in segments that no longer grow.

use super::batch;
use super::cursor::{Cursor, Found};
use super::error::{JournalError, corrupt};
use super::header::segment_name;
use super::position::{BatchPosition, Position};
use super::reader::JournalReader;
use super::sector::{SECTOR, SECTOR_BYTES};
use super::shared::{Shared, read_header};
use crate::disk::{DiskFile, OpenMode, read_full};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl JournalReader {
    /// Asks for a new segment, so that the one that grows now can be written anew: the writer begins it when
    /// it comes to it ([`Journal::begin_wanted`](super::Journal::begin_wanted)).
    pub fn want_segment(&self) {
        self.shared().segment_wanted.store(true, Ordering::Relaxed);
    }

    /// Writes a segment anew with other bodies for some of its records, each of the same length as before.
    /// Returns after the new file is durable under the old one's name; readers that have the old one open
    /// keep what they see. False, and nothing is done, for the segment that grows or has the newest batch.
    /// One caller at a time.
    ///
    /// # Errors
    /// [`JournalError::NoRecord`] for a position without a record of this length; damage that was there
    /// before: a damaged segment is left as it is; [`JournalError::Disk`].
    pub fn rewrite(
        &self,
        segment: u64,
        bodies: &BTreeMap<Position, Vec<u8>>,
    ) -> Result<bool, JournalError> {
        let shared = self.shared();
        let (span, newest) = {
            let extent = shared.extent();
            // The newest batch tells an index whether it belongs to this journal.
            let begun = extent.spans.iter().rev().find(|(_, s)| s.end > SECTOR_BYTES);
            (extent.spans.get(&segment).copied(), begun.map(|(segment, _)| *segment))
        };
        let offset = 0;
        let span = span.ok_or(JournalError::OutOfRange { segment, offset })?;
        if newest.is_none_or(|newest| segment >= newest) {
            return Ok(false);
        }
        let from = shared.disk.open(&shared.path(segment), OpenMode::Read)?;
        let beside = beside(shared, segment);
        let to = shared.disk.open(&beside, OpenMode::Create)?;
        to.truncate(0)?;
        copy(shared, segment, span.first_batch_seq, span.end, &from, &*to, bodies)?;
        to.sync_data()?;
        shared.disk.rename(&beside, &shared.path(segment))?;
        shared.disk.sync_dir(&shared.dir)?;
        shared.forget_file(segment);
        Ok(true)
    }
}

fn beside(shared: &Shared, segment: u64) -> String {
    let name = segment_name(segment) + ".anew";
    if shared.dir.is_empty() { name } else { format!("{}/{name}", shared.dir) }
}

fn copy(
    shared: &Shared,
    segment: u64,
    first_batch_seq: u64,
    end: u64,
    from: &Arc<dyn DiskFile>,
    to: &dyn DiskFile,
    bodies: &BTreeMap<Position, Vec<u8>>,
) -> Result<(), JournalError> {
    let header = read_header(&**from, segment)?;
    let header = header.ok_or_else(|| corrupt(segment, 0, "the segment header reads as zeros"))?;
    to.write_at(0, &header.encode())?;
    let seal = shared.seal(segment);
    let mut cursor = Cursor::new(Arc::clone(from), segment, seal, end);
    let (mut offset, mut batch_seq, mut chain) =
        (SECTOR_BYTES, first_batch_seq, Some(header.chain));
    let mut wanted = bodies.iter().peekable();
    while offset < end {
        let found = cursor.read_batch(offset, batch_seq, chain.as_ref(), false)?;
        let Found::Whole(whole) = found else {
            return Err(corrupt(segment, offset, "a committed batch has sectors of zeros"));
        };
        let mut sectors = vec![0; (whole.end - offset) as usize];
        if read_full(&**from, offset, &mut sectors)? < sectors.len().max(SECTOR) {
            return Err(corrupt(segment, offset, "the segment file is cut short"));
        }
        let mut here: BTreeMap<u32, (u64, &[u8])> = BTreeMap::new();
        let mut last = None;
        while let Some((position, body)) = wanted.next_if(|(p, _)| p.offset < whole.end) {
            here.insert(position.record, (position.offset, body));
            last = Some(*position);
        }
        if let Some(position) = last {
            let at = BatchPosition { segment, offset, batch_seq };
            if batch::rewrite(&mut sectors, &whole.header, &here, at, seal) < here.len() {
                return Err(JournalError::NoRecord { position });
            }
        }
        to.write_at(offset, &sectors)?;
        (offset, batch_seq, chain) = (whole.end, batch_seq + 1, whole.chain);
    }
    match wanted.next() {
        Some((position, _)) => Err(JournalError::NoRecord { position: *position }),
        None => Ok(()),
    }
}
