//! What the suites share: a seeded generator, records, and opening a journal.

use std::sync::Arc;
use tram_spool::disk::{Disk, MemDisk};
use tram_spool::journal::{
    Journal, JournalError, JournalOptions, JournalReader, Record, RecoveryReport,
};

pub(crate) const DIR: &str = "journal";
pub(crate) const STORE_ID: [u8; 16] = *b"store-under-test";

pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x5bd1_e995)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    /// A batch of one to four records of up to `len_max` bytes, zeros among them: bodies that
    /// look like unwritten space must not be taken for it.
    pub(crate) fn batch(&mut self, len_max: u64) -> Vec<Record> {
        (0..1 + self.below(4))
            .map(|_| {
                let len = self.below(len_max + 1) as usize;
                let fill = [0, 0xff, self.below(256) as u8][self.below(3) as usize];
                Record { kind: self.below(9) as u16, body: vec![fill; len] }
            })
            .collect()
    }
}

pub(crate) fn options(segment_bytes: u64) -> JournalOptions {
    JournalOptions { create_with_store_id: Some(STORE_ID), segment_bytes }
}

pub(crate) fn open(
    disk: &MemDisk,
    segment_bytes: u64,
) -> Result<(Journal, RecoveryReport), JournalError> {
    open_on(Arc::new(disk.clone()), segment_bytes)
}

pub(crate) fn open_on(
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
) -> Result<(Journal, RecoveryReport), JournalError> {
    Journal::open(disk, DIR, &options(segment_bytes))
}

/// All batches of a journal; checks on the way that sequence numbers have no gap and that every
/// record reads the same by its position.
pub(crate) fn contents(reader: &JournalReader) -> Result<Vec<(u64, Vec<Record>)>, JournalError> {
    let mut out: Vec<(u64, Vec<Record>)> = Vec::new();
    for batch in reader.scan_from(None)? {
        let batch = batch?;
        if let Some((last, _)) = out.last() {
            assert_eq!(batch.batch_seq, last + 1);
        }
        let mut records = Vec::new();
        for (position, record) in batch.records {
            assert_eq!(reader.read(position)?, record);
            records.push(record);
        }
        out.push((batch.batch_seq, records));
    }
    Ok(out)
}

pub(crate) fn path(segment: u64) -> String {
    format!("{DIR}/{segment:020}.segment")
}
