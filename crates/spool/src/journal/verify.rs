//! The whole journal, byte by byte.

use super::error::{JournalError, corrupt};
use super::scan::BatchScan;
use super::shared::Shared;
use std::sync::Arc;

/// What a full check went over without finding anything wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Segments.
    pub segments: u64,
    /// Batches.
    pub batches: u64,
    /// Records.
    pub records: u64,
    /// Bytes of segments in use.
    pub bytes: u64,
    /// The last batch that belonged to the check.
    pub last_batch_seq: u64,
    /// The chain value after it.
    pub chain_value: [u8; 32],
}

pub(super) fn verify_all(shared: &Arc<Shared>) -> Result<VerifyReport, JournalError> {
    let mut scan = BatchScan::new(Arc::clone(shared), None, false)?;
    let (mut batches, mut records) = (0, 0);
    let mut last = (0, 0);
    while let Some(whole) = scan.next_whole()? {
        batches += 1;
        records += u64::from(whole.header.records);
        last = (whole.position.segment, whole.position.offset);
    }
    let extent = scan.extent();
    if scan.chain_value() != Some(extent.chain) {
        return Err(corrupt(last.0, last.1, "the last batch is not the one that was committed"));
    }
    Ok(VerifyReport {
        segments: extent.spans.len() as u64,
        batches,
        records,
        bytes: extent.spans.values().map(|span| span.end).sum(),
        last_batch_seq: extent.last_batch_seq,
        chain_value: extent.chain,
    })
}
