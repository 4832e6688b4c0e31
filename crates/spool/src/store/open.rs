//! Opening: lock, journal, index, replay, anchor.

use super::anchor::compare;
use super::commit::Parts;
use super::error::chain;
use super::readers::read_in_parts;
use super::{
    Hot, INDEX_FILE, IndexRecovery, JOURNAL_DIR, RecoveryReport, Store, StoreError, StoreOptions,
    StoreReader,
};
use crate::disk::{Disk, RealDisk};
use crate::documents::DocumentStore;
use crate::index::IndexError;
use crate::index::flush::Flusher;
use crate::index::growth::grow;
use crate::index::head::tag;
use crate::index::indexer::{Applied, Indexer};
use crate::index::keys;
use crate::index::kv::{Kv, Layer, Place};
use crate::index::lookup::Lookup;
use crate::index::numbers::newest_admissions;
use crate::journal::{self, BatchScan, Journal, JournalOptions, JournalReader};
use crate::lock::StoreLock;
use crate::records;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use tram_dispatch::{Code, DispatchId, UnixMillis};
use tram_engine::record::{Cause, Quarantine, Record};
use tram_engine::state::numbers::Numbers;
use tram_engine::{Anchor as Says, Recovered};

/// So few open dispatches are read by one thread.
const ALONE_MAX: usize = 256;

/// An index that has come as far as its file goes, and the batches it does not know yet.
pub(crate) struct Opened {
    pub(crate) lookup: Lookup,
    pub(crate) indexer: Indexer,
    pub(crate) behind: BatchScan,
    pub(crate) rebuilt: Option<String>,
}

impl Store {
    /// Opens the store in the directory `path` of the file system, which must exist.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_dir(
        path: &Path,
        options: StoreOptions,
    ) -> Result<(Self, Recovered, RecoveryReport), StoreError> {
        let disk = RealDisk::open(path).map_err(journal::JournalError::from)?;
        let options = StoreOptions { directory: Some(path.to_owned()), ..options };
        Self::open(Arc::new(disk), options)
    }

    /// Opens the store on `disk`, recovering it first if need be. A store without any batch is new:
    /// the caller commits the genesis record as its first batch, in the ordinary way.
    ///
    /// What comes back is what an engine starts from, and the report says what was found on the way.
    ///
    /// # Errors
    /// [`StoreError`] with `StoreLocked`, `StoreCorrupt`, `StoreVersion`, `StorageFailed`,
    /// `BusyStorage`, or `Unreadable` where there is no store and none was to be made.
    pub fn open(
        disk: Arc<dyn Disk>,
        options: StoreOptions,
    ) -> Result<(Self, Recovered, RecoveryReport), StoreError> {
        let lock = lock(&options)?;
        let (journal, journal_report) =
            Journal::open(Arc::clone(&disk), JOURNAL_DIR, &journal_options(&options))?;
        let opened = open_index(&options, &journal.reader())?;
        let Opened { lookup, mut indexer, behind, rebuilt } = opened;
        let mut index = IndexRecovery { rebuilt, ..IndexRecovery::default() };
        replay(&lookup, &mut indexer, behind, |lookup, indexer, records| {
            index.replayed_batches += 1;
            index.replayed_records += records as u64;
            if lookup.kv.waiting() >= options.flush_entries {
                let layer = freeze(lookup, indexer);
                lookup.kv.flush(&layer)?;
            }
            Ok(())
        })?;
        let documents = DocumentStore::open(disk, &options.documents)?;
        let hot = Hot::from_head(&indexer.head);
        let active = Arc::clone(&indexer.active);
        let reader =
            StoreReader::new(lookup.clone(), documents, hot, active, indexer.auditor.tallies());
        let mut recovered = recovered(&lookup, &indexer)?;
        let anchor = compare(options.anchor.as_ref(), &reader, &options.machine_id);
        recovered.anchor = anchor.says();
        let report = RecoveryReport {
            journal: journal_report,
            index,
            tree_size: indexer.head.frontier.size(),
            open_dispatches: recovered.open.len() as u64,
            anchor: anchor.clone(),
        };
        let in_place = options.directory.is_none();
        let flusher = Flusher::start(Arc::clone(&lookup.kv), options.anchor.clone(), in_place)?;
        let parts = Parts { journal, indexer, lookup, flusher, reader, options, lock };
        Ok((Store::assemble(parts, anchor.is_safe()), recovered, report))
    }
}

pub(crate) fn lock(options: &StoreOptions) -> Result<Option<StoreLock>, StoreError> {
    Ok(options.directory.as_deref().map(StoreLock::acquire).transpose()?)
}

pub(crate) fn journal_options(options: &StoreOptions) -> JournalOptions {
    JournalOptions {
        create_with_store_id: options.create_with_store_id,
        segment_bytes: options.segment_bytes,
    }
}

/// Freezes the upper layer of the index with what is kept as absolute values: head and counts.
pub(crate) fn freeze(lookup: &Lookup, indexer: &mut Indexer) -> Arc<Layer> {
    let mut last = indexer.auditor.drain();
    last.push((keys::HEAD.to_vec(), Some(indexer.head.encode())));
    let layer = lookup.kv.freeze(last);
    indexer.auditor.trim();
    layer
}

/// Opens the index file, or begins a new one where it cannot be used.
pub(crate) fn open_index(
    options: &StoreOptions,
    journal: &JournalReader,
) -> Result<Opened, IndexError> {
    let path = options.directory.as_ref().map(|d| d.join(INDEX_FILE));
    let place = path.map_or(Place::Memory, Place::File);
    let fresh = match &place {
        Place::File(path) => !path.exists(),
        Place::Memory => true,
    };
    // redb does not promise to stand any damage without a panic; a rebuild mends all of it.
    let tried = catch_unwind(AssertUnwindSafe(|| use_index(&place, options, journal)))
        .unwrap_or_else(|_| Err(IndexError::damaged("reading it failed")));
    let why = match tried {
        Ok(mut opened) => {
            if fresh && journal.last_batch_seq() > 0 {
                opened.rebuilt = Some("there was no index".to_owned());
            }
            return Ok(opened);
        }
        Err(e @ IndexError::Damaged(_)) => e.to_string(),
        Err(e) => return Err(e),
    };
    tracing::warn!(code = "STORE_CORRUPT", %why, "the index is built anew from the journal");
    if let Place::File(path) = &place {
        std::fs::remove_file(path).map_err(|e| IndexError::Storage(e.to_string()))?;
    }
    let mut opened = use_index(&place, options, journal)?;
    opened.rebuilt = Some(why);
    Ok(opened)
}

fn use_index(
    place: &Place,
    options: &StoreOptions,
    journal: &JournalReader,
) -> Result<Opened, IndexError> {
    let kv = Arc::new(Kv::open(place, options.index_cache_bytes)?);
    let lookup = Lookup { kv, journal: journal.clone() };
    let store_id = journal.store_id();
    let indexer = match Indexer::load(&lookup) {
        Ok(None) if lookup.kv.len()? == 0 => Indexer::new(store_id),
        Ok(None) => return Err(IndexError::damaged("it does not say how far it has come")),
        Ok(Some(indexer)) => indexer,
        // A position that leads nowhere is the index's fault until the scan says otherwise.
        Err(IndexError::Journal { detail, .. }) => return Err(IndexError::damaged(detail)),
        Err(IndexError::Record(e)) => return Err(IndexError::damaged(e)),
        Err(e) => return Err(e),
    };
    if indexer.head.store_id != store_id {
        return Err(IndexError::damaged("it belongs to another store"));
    }
    let behind = match indexer.head.reached {
        None => journal.scan_from(None)?,
        Some(reached) if reached.batch_seq > journal.last_batch_seq() => {
            return Err(IndexError::damaged("it is ahead of the journal"));
        }
        Some(reached) => {
            let mut scan = journal.scan_from(Some(reached)).map_err(IndexError::damaged)?;
            match scan.next() {
                Some(Ok(batch)) if tag(&bodies(&batch.records)) == indexer.head.tag => scan,
                // The journal itself is judged by the scan of the rebuild.
                _ => return Err(IndexError::damaged("the journal has another batch there")),
            }
        }
    };
    Ok(Opened { lookup, indexer, behind, rebuilt: None })
}

fn bodies(records: &[(journal::Position, journal::Record)]) -> Vec<journal::Record> {
    records.iter().map(|(_, record)| record.clone()).collect()
}

/// Applies the batches of a scan as normal running would. `after` sees each one done.
pub(crate) fn replay(
    lookup: &Lookup,
    indexer: &mut Indexer,
    scan: BatchScan,
    mut after: impl FnMut(&Lookup, &mut Indexer, usize) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    for batch in scan {
        let batch = batch?;
        let (positions, raw): (Vec<_>, Vec<_>) = batch.records.into_iter().unzip();
        let records: Vec<Record> = raw.iter().map(records::decode).collect::<Result<_, _>>()?;
        let growth = grow(&indexer.head.frontier, &records, &[])?;
        let applied = Applied {
            at: batch.position,
            tag: tag(&raw),
            positions: &positions,
            records: &records,
            growth,
        };
        let puts = indexer.apply(&applied, lookup)?;
        lookup.kv.write(puts);
        after(lookup, indexer, records.len())?;
    }
    Ok(())
}

/// What an engine starts from.
fn recovered(lookup: &Lookup, indexer: &Indexer) -> Result<Recovered, StoreError> {
    let mut peers = Vec::new();
    for latest in indexer.peers.values() {
        peers.extend(latest.epoch.map(|(_, at)| at));
        peers.extend(latest.checkpoints.values());
        peers.extend(latest.cosigned);
    }
    peers.sort();
    let mut open: Vec<_> = {
        let active = indexer.active.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        active.iter().copied().collect()
    };
    // In the order of their ids: the same store gives the same answer.
    open.sort();
    Ok(Recovered {
        numbers: recovered_numbers(lookup, indexer)?,
        anchor: Says::Agrees,
        custody_base: indexer.head.custody_base,
        frontier: indexer.head.frontier.clone(),
        last_time: indexer.head.last_time,
        peers: peers.into_iter().map(|at| lookup.record(at)).collect::<Result<_, _>>()?,
        open: histories(lookup, &open)?,
    })
}

/// How far every count of an originator has come.
fn recovered_numbers(lookup: &Lookup, indexer: &Indexer) -> Result<Numbers, IndexError> {
    let mut numbers = Numbers::default();
    for (originator, newest) in newest_admissions(&lookup.kv)? {
        numbers.admitted(&originator, newest);
    }
    for ((originator, series), known) in &indexer.series {
        numbers.assigned(originator, *series, known.last);
        for at in known.open.values() {
            numbers.apply(&lookup.record(*at)?);
        }
    }
    Ok(numbers)
}

/// The records of all open dispatches, in this order. Where they are many, several threads read them: they lie
/// all over the journal, and a start mostly waits for the disk.
fn histories(lookup: &Lookup, open: &[DispatchId]) -> Result<Vec<Vec<Record>>, IndexError> {
    read_in_parts(open, ALONE_MAX, "reading open dispatches stopped", |ids| {
        ids.iter().map(|id| history(lookup, id)).collect()
    })
}

/// The records of one open dispatch. Where some cannot be read, the rest is given with a cause to
/// set the dispatch aside, so that it does not keep all others from starting. That cause is of this
/// start alone: once the journal is mended, nothing is left of it.
fn history(lookup: &Lookup, id: &DispatchId) -> Result<Vec<Record>, IndexError> {
    let (mut records, mut damage) = (Vec::new(), None);
    for (at, _) in lookup.history(id)? {
        match lookup.record(at) {
            Ok(record) => records.push(record),
            Err(e) if e.code() == Code::StoreVersion => return Err(e),
            Err(e) => _ = damage.get_or_insert(e),
        }
    }
    if let Some(e) = damage {
        let (code, detail) = (e.code(), chain(&e));
        tracing::error!(%code, dispatch = %id, detail, "records of a dispatch cannot be read; it is set aside");
        let cause = Some(Cause { code, detail, unread: true });
        let set_aside = Quarantine { dispatch: *id, cause, at: UnixMillis(0) };
        records.push(Record::Quarantine(set_aside));
    }
    Ok(records)
}
