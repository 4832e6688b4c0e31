//! The check that has the store for itself.

use super::walk::Walk;
use super::{CheckReport, Context, Progress, Signatures, documents, legs};
use crate::disk::Disk;
use crate::documents::{DocumentOptions, DocumentStore};
use crate::index::IndexError;
use crate::index::kv::{Kv, Place};
use crate::index::lookup::Lookup;
use crate::journal::{Journal, JournalError, JournalReader};
use crate::store::error::{chain, journal_code};
use crate::store::{
    INDEX_FILE, JOURNAL_DIR, Opened, StoreError, StoreOptions, journal_options, lock, open_index,
    replay,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use tram_dispatch::Code;

/// How a check is done.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// How the store is opened; it is never created, and the anchor is not looked at.
    pub store: StoreOptions,
    /// Delete the index first and build it from the journal.
    pub rebuild_index: bool,
}

/// Checks the store on `disk` with nobody else using it. A damaged index is rebuilt on the way.
///
/// # Errors
/// [`StoreError`] when there is no store, it is in use, newer, or its disk fails. Damage is not an
/// error: it is in the report.
pub fn check(
    disk: Arc<dyn Disk>,
    options: &CheckOptions,
    signatures: Option<&dyn Signatures>,
    progress: &mut dyn FnMut(Progress),
) -> Result<CheckReport, StoreError> {
    let store = StoreOptions { create_with_store_id: None, ..options.store.clone() };
    let _lock = lock(&store)?;
    let mut report = CheckReport::default();
    let mut context = Context { signatures, progress, alone: true };
    prepare_index(options, &mut report)?;
    let journal = match Journal::open(Arc::clone(&disk), JOURNAL_DIR, &journal_options(&store)) {
        Ok((journal, recovery)) => {
            if let Some(tail) = recovery.discarded {
                let what = "a batch that was never finished was discarded";
                report.note(Code::StoreCorrupt, format_args!("batch {}", tail.batch_seq), what);
            }
            journal.reader()
        }
        Err(e) => return damaged(report, e),
    };
    let lookup = open_whole(&store, &journal, &mut report)?;
    let mut walk = Walk::new(journal.store_id(), lookup.clone());
    walk.run(&journal, u64::MAX, &mut report, &mut context)?;
    if walk.whole
        && let Err(e) = journal.verify_all()
    {
        report = damaged(report, e)?;
    }
    if let Some(lookup) = &lookup
        && walk.whole
    {
        walk.shadow.finish(&lookup.kv, &mut walk.indexer, &mut report, &mut context)?;
    }
    let keep_uploads = match disk.list("staging") {
        Ok(uploads) => uploads.into_iter().map(|entry| entry.name).collect(),
        Err(_) => Default::default(),
    };
    let documents_store =
        DocumentStore::open(disk, &DocumentOptions { keep_uploads, ..store.documents.clone() })?;
    documents::check(&walk, &documents_store, None, &mut report, &mut context)?;
    if let Some(lookup) = &lookup {
        legs::check(&walk, lookup, &mut report, &mut context)?;
    }
    Ok(report)
}

fn damaged(mut report: CheckReport, e: JournalError) -> Result<CheckReport, StoreError> {
    let code = journal_code(&e);
    if code != Code::StoreCorrupt {
        return Err(e.into());
    }
    report.damage(code, "journal", chain(&e));
    Ok(report)
}

/// Removes an index that is to be rebuilt: because it was asked for, or because a page is damaged.
fn prepare_index(options: &CheckOptions, report: &mut CheckReport) -> Result<(), IndexError> {
    let Some(path) = options.store.directory.as_ref().map(|d| d.join(INDEX_FILE)) else {
        return Ok(());
    };
    if !path.exists() {
        return Ok(());
    }
    let why = if options.rebuild_index {
        "it was asked for".to_owned()
    } else {
        let cache = options.store.index_cache_bytes;
        match catch_unwind(AssertUnwindSafe(|| pages(&path, cache))) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(e @ IndexError::Damaged(_))) => e.to_string(),
            Ok(Err(e)) => return Err(e),
            Err(_) => "reading the index failed".to_owned(),
        }
    };
    if !options.rebuild_index {
        report.index("index", &why);
    }
    report.index_rebuilt = Some(why);
    std::fs::remove_file(&path).map_err(|e| IndexError::Storage(e.to_string()))
}

fn pages(path: &Path, cache_bytes: usize) -> Result<(), IndexError> {
    let mut kv = Kv::open(&Place::File(path.to_owned()), cache_bytes)?;
    if kv.check_integrity()? {
        Ok(())
    } else {
        Err(IndexError::damaged("its pages did not fit together"))
    }
}

/// The index, brought up to the journal's end and written to its file. `None` where the journal
/// does not allow it; the walk then says what is wrong.
fn open_whole(
    store: &StoreOptions,
    journal: &JournalReader,
    report: &mut CheckReport,
) -> Result<Option<Lookup>, StoreError> {
    let caused_by_journal =
        |e: &IndexError| e.code() == Code::StoreCorrupt && !matches!(e, IndexError::Damaged(_));
    let Opened { lookup, mut indexer, behind, rebuilt } = match open_index(store, journal) {
        Ok(opened) => opened,
        Err(e) if caused_by_journal(&e) => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    if let Some(why) = &rebuilt
        && report.index_rebuilt.is_none()
        && store.directory.is_some()
    {
        report.index("index", why);
        report.index_rebuilt = Some(why.clone());
    }
    match replay(&lookup, &mut indexer, behind, |lookup, indexer, _| {
        if lookup.kv.waiting() >= store.flush_entries {
            lookup.kv.flush(&crate::store::freeze(lookup, indexer))?;
        }
        Ok(())
    }) {
        Ok(()) => {}
        Err(e) if caused_by_journal(&e) => return Ok(None),
        Err(e) => return Err(e.into()),
    }
    lookup.kv.flush(&crate::store::freeze(&lookup, &mut indexer))?;
    Ok(Some(lookup))
}
