//! Opening a journal: what a crash may have left, and nothing else, is put right.

use super::cursor::{Cursor, Found};
use super::error::{CommitError, JournalError, corrupt};
use super::header::{SegmentHeader, parse_segment_name};
use super::limits::{SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MIN};
use super::sector::{SECTOR_BYTES, SegmentSeal, is_zero};
use super::shared::{Extent, Shared, Span, read_header, segment_path};
use super::writer::{Active, Journal, begin, prepare};
use crate::disk::{Disk, DiskError, DiskFile, EntryKind, OpenMode, create_dir_durable, read_full};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use tram_crypto::{sha256, sha256_parts};

/// First part of what the chain of a store begins with; the second is the store id.
const CHAIN_DOMAIN: &[u8] = b"tram journal chain v1\0";

/// How a journal is opened.
#[derive(Clone, Copy, Debug)]
pub struct JournalOptions {
    /// If there is no journal, begin one with this random name; `None` answers
    /// [`JournalError::Missing`]. An existing journal keeps its own.
    pub create_with_store_id: Option<[u8; 16]>,
    /// Size of new segments in bytes, a multiple of 512. A batch that is larger gets a segment
    /// of its own size.
    pub segment_bytes: u64,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self { create_with_store_id: None, segment_bytes: SEGMENT_BYTES_DEFAULT }
    }
}

/// What opening found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryReport {
    /// A new journal was begun.
    pub created: bool,
    /// The store's name.
    pub store_id: [u8; 16],
    /// Sequence number of the last whole batch; 0 if there is none.
    pub last_batch_seq: u64,
    /// Its hash.
    pub chain_value: [u8; 32],
    /// Segments now.
    pub segments: u64,
    /// Batches walked and verified while opening (those of the last segment).
    pub batches_verified: u64,
    /// The torn batch that was discarded, if there was one.
    pub discarded: Option<DiscardedTail>,
}

/// A batch whose commit was cut short. Nobody was told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscardedTail {
    /// The sequence number it had; the next commit gets it anew.
    pub batch_seq: u64,
    /// Its segment.
    pub segment: u64,
    /// Where it began, in bytes.
    pub offset: u64,
    /// Its sectors that had reached the disk.
    pub sectors_present: u64,
    /// Its sectors in all, if the first was there to say so.
    pub sectors_total: Option<u64>,
}

/// A segment that has a header.
struct Begun {
    header: SegmentHeader,
    len: u64,
}

/// What the directory holds.
struct Inventory {
    begun: BTreeMap<u64, Begun>,
    /// A file behind them that never got its header.
    unbegun: Option<u64>,
}

pub(super) fn open(
    disk: Arc<dyn Disk>,
    dir: &str,
    options: &JournalOptions,
) -> Result<(Journal, RecoveryReport), JournalError> {
    let segment_bytes = options.segment_bytes;
    if segment_bytes < SEGMENT_BYTES_MIN || !segment_bytes.is_multiple_of(SECTOR_BYTES) {
        return Err(JournalError::BadSegmentSize { segment_bytes });
    }
    if options.create_with_store_id.is_some() {
        create_dir_durable(&*disk, dir)?;
    }
    let mut inventory = take_inventory(&*disk, dir)?;
    let created = inventory.begun.is_empty();
    if created {
        let missing = || JournalError::Missing { dir: dir.to_owned() };
        let store_id = options.create_with_store_id.ok_or_else(missing)?;
        let begun = create(&*disk, dir, store_id, segment_bytes)?;
        inventory = Inventory { begun: BTreeMap::from([(1, begun)]), unbegun: None };
    }
    check_links(&inventory)?;
    let (mut journal, mut report) = recover_last(disk, dir, &inventory, segment_bytes)?;
    report.created = created;
    if report.discarded.is_some() || inventory.unbegun.is_some() {
        journal
            .roll(0)
            .map_err(|e| roll_failed(e, segment_path(dir, journal.active.segment + 1)))?;
    }
    report.segments = journal.segments().len() as u64;
    Ok((journal, report))
}

/// Reads all headers. Only the last segment may lack one, and then must be zeros throughout.
fn take_inventory(disk: &dyn Disk, dir: &str) -> Result<Inventory, JournalError> {
    let listed = match disk.list(dir) {
        Err(e) if e.is_not_found() => return Err(JournalError::Missing { dir: dir.to_owned() }),
        other => other?,
    };
    let numbers: Vec<u64> = listed
        .iter()
        .filter(|entry| entry.kind == EntryKind::File)
        .filter_map(|entry| parse_segment_name(&entry.name))
        .collect();
    let mut inventory = Inventory { begun: BTreeMap::new(), unbegun: None };
    for (index, segment) in numbers.iter().copied().enumerate() {
        if let Some(before) = index.checked_sub(1).map(|i| numbers[i])
            && segment != before + 1
        {
            return Err(JournalError::SegmentMissing { segment: before + 1 });
        }
        let file = disk.open(&segment_path(dir, segment), OpenMode::Read)?;
        let len = file.len_bytes()?;
        match read_header(&*file, segment)? {
            Some(header) => {
                inventory.begun.insert(segment, Begun { header, len });
            }
            None if index + 1 == numbers.len() && all_zero(&*file, 0, len)? => {
                if segment > 1 && inventory.begun.is_empty() {
                    return Err(JournalError::SegmentMissing { segment: segment - 1 });
                }
                inventory.unbegun = Some(segment);
            }
            None => return Err(corrupt(segment, 0, "the segment header reads as zeros")),
        }
    }
    Ok(inventory)
}

/// Checks that each segment continues the one before.
fn check_links(inventory: &Inventory) -> Result<(), JournalError> {
    let mut previous: Option<&Begun> = None;
    for (segment, begun) in &inventory.begun {
        let (segment, header) = (*segment, &begun.header);
        if let Some(before) = previous {
            let end = header.previous_end;
            let what = if header.store_id != before.header.store_id {
                "the segment belongs to another store"
            } else if !(SECTOR_BYTES..=before.header.capacity).contains(&end) {
                "the segment says its predecessor ended outside of itself"
            } else if header.first_batch_seq < before.header.first_batch_seq {
                "the segment begins before its predecessor"
            } else if before.len < end {
                return Err(corrupt(segment - 1, before.len, "the segment file is cut short"));
            } else {
                previous = Some(begun);
                continue;
            };
            return Err(corrupt(segment, 0, what));
        }
        previous = Some(begun);
    }
    // A segment is trimmed only after its successor was durable. So behind a trimmed one there
    // must be a successor with its header, of its full length.
    let lost = |segment| Err(corrupt(segment, 0, "the segment lost what it held"));
    let mut newest = inventory.begun.values().rev();
    match (newest.next(), inventory.unbegun) {
        (Some(last), Some(segment)) if last.len < last.header.capacity => lost(segment),
        (Some(last), None) if last.len < last.header.capacity => match newest.next() {
            Some(before) if before.len < before.header.capacity => lost(last.header.segment),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Walks the last segment that has a header, and makes durable what was read.
fn recover_last(
    disk: Arc<dyn Disk>,
    dir: &str,
    inventory: &Inventory,
    segment_bytes: u64,
) -> Result<(Journal, RecoveryReport), JournalError> {
    let missing = || JournalError::Missing { dir: dir.to_owned() };
    let Begun { header, len } = inventory.begun.values().next_back().ok_or_else(missing)?;
    let SegmentHeader { segment, store_id, capacity, .. } = *header;
    let file = disk.open(&segment_path(dir, segment), OpenMode::Write)?;
    if *len < capacity {
        // Its space is reserved and synced before its first batch. A shorter file with anything
        // in it was cut by somebody; one with nothing in it was caught in the making.
        if !all_zero(&*file, SECTOR_BYTES, *len)? {
            return Err(corrupt(segment, *len, "the segment file is cut short"));
        }
        file.preallocate(capacity)?;
    }
    let mut cursor =
        Cursor::new(Arc::clone(&file), segment, SegmentSeal::new(&store_id, segment), capacity);
    let mut end = SECTOR_BYTES;
    let mut next_seq = header.first_batch_seq;
    let mut chain = header.chain;
    let mut last = None;
    let sectors_total = loop {
        match cursor.read_batch(end, next_seq, Some(&chain), false)? {
            Found::Whole(whole) => {
                let what = "a batch that was written anew lies in the newest segment";
                chain = whole.chain.ok_or_else(|| corrupt(segment, end, what))?;
                last = Some(end..whole.end);
                end = whole.end;
                next_seq += 1;
            }
            Found::Incomplete { sectors } => break sectors,
        }
    };
    let sectors_present = cursor.judge_tail(end, next_seq, sectors_total)?;
    let discarded = (sectors_present > 0).then_some(DiscardedTail {
        batch_seq: next_seq,
        segment,
        offset: end,
        sectors_present,
        sectors_total,
    });
    match last {
        Some(batch) => write_again(&*file, segment, batch, &chain)?,
        None => file.write_at(0, &header.encode())?,
    }
    file.sync_data()?;
    disk.sync_dir(dir)?;
    trim_sealed(&*disk, dir, inventory)?;

    let mut spans: BTreeMap<u64, Span> = BTreeMap::new();
    for (segment, Begun { header, .. }) in &inventory.begun {
        if let Some(before) = spans.get_mut(&(segment - 1)) {
            before.end = header.previous_end;
        }
        spans.insert(*segment, Span { first_batch_seq: header.first_batch_seq, end });
    }
    let report = RecoveryReport {
        created: false,
        store_id,
        last_batch_seq: next_seq - 1,
        chain_value: chain,
        segments: spans.len() as u64,
        batches_verified: next_seq - header.first_batch_seq,
        discarded,
    };
    let extent = Extent { spans, last_batch_seq: next_seq - 1, chain };
    let shared = Arc::new(Shared::new(disk, dir.to_owned(), store_id, extent));
    let active = Active { segment, file, end, capacity };
    Ok((Journal::resume(shared, active, segment_bytes), report))
}

/// Writes the newest batch over itself. Its sync may have failed and the process been killed before it
/// could leave its marker: the pages then read as written and count as clean, so that a sync alone
/// would not send them to the disk. Only the newest can be such a one, as nothing is written after a
/// failed sync.
fn write_again(
    file: &dyn DiskFile,
    segment: u64,
    batch: Range<u64>,
    chain: &[u8; 32],
) -> Result<(), JournalError> {
    let mut bytes = vec![0; (batch.end - batch.start) as usize];
    read_full(file, batch.start, &mut bytes)?;
    if sha256(&bytes) != *chain {
        return Err(corrupt(segment, batch.start, "the batch reads differently the second time"));
    }
    Ok(file.write_at(batch.start, &bytes)?)
}

/// Gives back unused space of segments whose successor is durable, if a crash came in between.
fn trim_sealed(disk: &dyn Disk, dir: &str, inventory: &Inventory) -> Result<(), JournalError> {
    for (segment, begun) in &inventory.begun {
        let next = inventory.begun.get(&(segment + 1));
        if let Some(end) = next.map(|next| next.header.previous_end).filter(|e| *e < begun.len) {
            disk.open(&segment_path(dir, *segment), OpenMode::Write)?.truncate(end)?;
        }
    }
    Ok(())
}

fn create(
    disk: &dyn Disk,
    dir: &str,
    store_id: [u8; 16],
    segment_bytes: u64,
) -> Result<Begun, JournalError> {
    let header = SegmentHeader {
        segment: 1,
        store_id,
        first_batch_seq: 1,
        chain: sha256_parts(&[CHAIN_DOMAIN, &store_id]),
        previous_end: 0,
        capacity: segment_bytes,
    };
    let file = prepare(disk, &segment_path(dir, 1), header.capacity)?;
    begin(disk, dir, &*file, &header)?;
    Ok(Begun { header, len: file.len_bytes()? })
}

fn all_zero(file: &dyn DiskFile, from: u64, to: u64) -> Result<bool, JournalError> {
    let mut buf = vec![0; 1 << 16];
    let mut at = from;
    while at < to {
        let n = read_full(file, at, &mut buf)?;
        if n == 0 {
            break;
        }
        if !is_zero(&buf[..n]) {
            return Ok(false);
        }
        at += n as u64;
    }
    Ok(true)
}

fn roll_failed(error: CommitError, path: String) -> JournalError {
    let source = match error {
        CommitError::NoSpace { .. } => {
            DiskError::NoSpace { op: crate::disk::DiskOp::Preallocate, path }
        }
        CommitError::ReadOnly => DiskError::Io {
            op: crate::disk::DiskOp::Open,
            path,
            source: std::io::ErrorKind::ReadOnlyFilesystem.into(),
        },
        other => DiskError::Io {
            op: crate::disk::DiskOp::Write,
            path,
            source: std::io::Error::other(other),
        },
    };
    JournalError::Disk(source)
}
