//! The single writer.

use super::open::freeze;
use super::{CommitError, Hot, INDEX_FILE, StoreError, StoreOptions, StoreReader};
use crate::anchor::Anchor;
use crate::index::IndexError;
use crate::index::flush::{Flusher, Job};
use crate::index::growth::grow;
use crate::index::head::tag;
use crate::index::indexer::{Applied, Indexer};
use crate::index::lookup::Lookup;
use crate::journal::{self, BatchPosition, Journal};
use crate::lock::StoreLock;
use crate::records;
use std::time::{Duration, Instant};
use tram_engine::Batch;

/// Free space that a flush of the index wants, and per entry: pages, and copies of them.
const FLUSH_ROOM_BYTES: u64 = 4 << 20;
const FLUSH_ENTRY_BYTES: u64 = 1 << 10;

/// A batch that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Where it lies in the journal.
    pub batch: BatchPosition,
    /// Leaves of the receipt log after it.
    pub tree_size: u64,
}

/// The store, open for writing. There is one per directory. When it is dropped, the index and the
/// anchor are brought up to date; not doing so costs only a longer replay.
#[derive(Debug)]
pub struct Store {
    journal: Journal,
    indexer: Indexer,
    lookup: Lookup,
    flusher: Flusher,
    reader: StoreReader,
    options: StoreOptions,
    flushed: Instant,
    anchor_wanted: bool,
    stopped: bool,
    /// Given back last.
    lock: Option<StoreLock>,
}

/// What opening puts together.
pub(super) struct Parts {
    pub(super) journal: Journal,
    pub(super) indexer: Indexer,
    pub(super) lookup: Lookup,
    pub(super) flusher: Flusher,
    pub(super) reader: StoreReader,
    pub(super) options: StoreOptions,
    pub(super) lock: Option<StoreLock>,
}

impl Store {
    pub(super) fn assemble(parts: Parts, anchor_wanted: bool) -> Self {
        let Parts { journal, indexer, lookup, flusher, reader, options, lock } = parts;
        let anchor_wanted = anchor_wanted && options.anchor.is_some();
        Self {
            journal,
            indexer,
            lookup,
            flusher,
            reader,
            options,
            flushed: Instant::now(),
            anchor_wanted,
            stopped: false,
            lock,
        }
    }

    /// Makes one batch durable: one append to the journal with one fdatasync, then the index in
    /// memory. When it returns `Ok`, every record is durable and every reader sees it.
    ///
    /// # Errors
    /// See [`CommitError`] for what was written and whether the process must stop.
    pub fn commit(&mut self, batch: &Batch) -> Result<Committed, CommitError> {
        if self.stopped {
            return Err(CommitError::Stopped);
        }
        let growth = grow(&self.indexer.head.frontier, &batch.records, &batch.tree_nodes)
            .map_err(|e| self.stop(CommitError::Log(e)))?;
        let raw: Vec<journal::Record> = batch.records.iter().map(records::encode).collect();
        let appended = match self.journal.append(&raw) {
            Ok(appended) => appended,
            Err(e) => return Err(self.stop(CommitError::Journal(e))),
        };
        let applied = Applied {
            at: appended.batch,
            tag: tag(&raw),
            positions: &appended.positions,
            records: &batch.records,
            growth,
        };
        let lookup = &self.lookup;
        let indexed = self.indexer.apply(&applied, lookup);
        indexed
            .map(|puts| self.lookup.kv.write(puts))
            .and_then(|()| {
                self.reader.set_hot(Hot::from_head(&self.indexer.head));
                self.flush_if_due()
            })
            .map_err(|e| self.stop(CommitError::Index(e)))?;
        Ok(Committed { batch: appended.batch, tree_size: self.indexer.head.frontier.size() })
    }

    /// Does what is due by time: call it now and then when there are no commits, so that the index
    /// file and the anchor do not stay behind, and the journal begins a segment that somebody waits for.
    ///
    /// # Errors
    /// [`CommitError::Index`] and [`CommitError::Journal`], fatal.
    pub fn maintain(&mut self) -> Result<(), CommitError> {
        if self.stopped {
            return Err(CommitError::Stopped);
        }
        match self.journal.begin_wanted().map_err(CommitError::Journal) {
            Err(e) if e.is_fatal() => return Err(self.stop(e)),
            // No room: asked for again the next time.
            _ => {}
        }
        self.flush_if_due().map_err(|e| self.stop(CommitError::Index(e)))
    }

    /// Brings the index file and the anchor up to the last commit and waits for it.
    ///
    /// # Errors
    /// [`CommitError::Index`], fatal.
    pub fn flush(&mut self) -> Result<(), CommitError> {
        if self.stopped {
            return Err(CommitError::Stopped);
        }
        self.flush_now().map_err(|e| self.stop(CommitError::Index(e)))
    }

    /// Writes the anchor of the last commit and leaves the index as it is. For an index in memory,
    /// which no later start finds: bringing that up to date would be work for nothing.
    ///
    /// # Errors
    /// [`CommitError::Stopped`]. An anchor that cannot be written is told to the operator and is no
    /// error: an old one only notices less.
    pub fn write_anchor(&mut self) -> Result<(), CommitError> {
        if self.stopped {
            return Err(CommitError::Stopped);
        }
        self.remember();
        Ok(())
    }

    /// A handle for reading.
    #[must_use]
    pub fn reader(&self) -> StoreReader {
        self.reader.clone()
    }

    /// Lets this store have the anchor although the one there contradicts it: the operator's word,
    /// or a peer's.
    ///
    /// # Errors
    /// [`StoreError::Anchor`] when it cannot be written.
    pub fn replace_anchor(&mut self) -> Result<(), StoreError> {
        self.anchor_wanted = self.options.anchor.is_some();
        if let (Some(file), Some(anchor)) = (&self.options.anchor, self.anchor()) {
            file.write(&anchor)?;
        }
        Ok(())
    }

    fn remember(&self) {
        if let (Some(file), Some(anchor)) = (&self.options.anchor, self.anchor())
            && let Err(error) = file.write(&anchor)
        {
            tracing::error!(%error, "the anchor file could not be written");
        }
    }

    fn anchor(&self) -> Option<Anchor> {
        let head = &self.indexer.head;
        self.anchor_wanted.then(|| Anchor {
            store_id: head.store_id,
            tree_size: head.frontier.size(),
            root: head.frontier.root().0,
            batch_seq: head.reached.map_or(0, |at| at.batch_seq),
            machine_id: self.options.machine_id.clone(),
        })
    }

    fn flush_if_due(&mut self) -> Result<(), IndexError> {
        let waiting = self.lookup.kv.waiting();
        let full = waiting >= self.options.flush_entries;
        // In memory there is nothing to catch up with, and no clock is looked at.
        let late = self.options.directory.is_some()
            && waiting > 0
            && self.flushed.elapsed() >= Duration::from_millis(self.options.flush_interval_ms);
        if !(full || late) {
            return Ok(());
        }
        if !self.index_can_grow(waiting) {
            // Asked again when the interval is over. Memory stays bounded: no batch comes either.
            self.flushed = Instant::now();
            return Ok(());
        }
        if self.flusher.ready(waiting, self.options.flush_entries)? {
            self.begin_flush()?;
        }
        Ok(())
    }

    /// Whether the index file can be written. After a write that failed it would have to be opened
    /// anew, so on a full or read-only file system none is tried; the journal has everything.
    fn index_can_grow(&self, waiting: usize) -> bool {
        let Some(lock) = &self.lock else { return true };
        let needed = FLUSH_ROOM_BYTES + FLUSH_ENTRY_BYTES * waiting as u64;
        self.journal.free_bytes().is_ok_and(|free| free >= needed) && lock.touch().is_ok()
    }

    fn begin_flush(&mut self) -> Result<(), IndexError> {
        let layer = freeze(&self.lookup, &mut self.indexer);
        self.flushed = Instant::now();
        self.flusher.begin(Job { layer, anchor: self.anchor() })
    }

    fn flush_now(&mut self) -> Result<(), IndexError> {
        self.flusher.idle()?;
        if self.lookup.kv.waiting() > 0 {
            self.begin_flush()?;
            self.flusher.idle()?;
        }
        Ok(())
    }

    fn stop(&mut self, e: CommitError) -> CommitError {
        if e.is_fatal() {
            self.stopped = true;
            tracing::error!(code = %e.code(), error = %e.explain(), "the store stopped");
        }
        e
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.stopped || !self.index_can_grow(self.lookup.kv.waiting()) {
            return;
        }
        if self.options.directory.is_none() {
            // An index in memory goes with the process.
            self.remember();
            return;
        }
        if let Err(error) = self.flush_now() {
            tracing::warn!(%error, "the index was not brought up to date; the next start builds it anew");
            // What of it reached the disk is not known, and a later start in the same boot could not tell.
            if let Some(directory) = &self.options.directory {
                let _ = std::fs::remove_file(directory.join(INDEX_FILE));
            }
        }
    }
}
