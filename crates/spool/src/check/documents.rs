//! The files of documents.

use super::walk::Walk;
use super::{CheckReport, Context, Phase, Progress};
use crate::documents::{DocumentError, DocumentStore, ListedDocument};
use crate::store::error::chain;
use crate::store::{StoreError, StoreReader};
use tram_dispatch::{Code, Digest, DispatchId};

/// Compares every file with its digest, if an open dispatch needs it; names missing and surplus ones.
pub(super) fn check(
    walk: &Walk,
    store: &DocumentStore,
    running: Option<&StoreReader>,
    report: &mut CheckReport,
    context: &mut Context<'_>,
) -> Result<(), StoreError> {
    let total = walk.files.len() as u64;
    let open_now = |id: &DispatchId| running.is_none_or(|reader| reader.is_open(id));
    for (done, (digest, file)) in (1..).zip(&walk.files) {
        let open = || file.dispatches.iter().any(|id| walk.indexer.is_active(id) && open_now(id));
        if open() {
            let place = format_args!("document {digest}");
            match store.verify(digest.as_bytes()) {
                Ok(len) if len == file.size => {
                    report.documents += 1;
                    report.documents_bytes += len;
                }
                // Removed meanwhile, because its last dispatch was closed.
                Err(DocumentError::NotStored { .. }) if !open() => {}
                Ok(len) => {
                    let what = format_args!("the file has {len} bytes instead of {}", file.size);
                    report.damage(Code::StoreCorrupt, place, what);
                }
                Err(DocumentError::NotStored { .. }) => {
                    report.damage(Code::StoreCorrupt, place, "the file is missing");
                }
                Err(e @ (DocumentError::DigestMismatch { .. } | DocumentError::Disk(_))) => {
                    report.damage(Code::StoreCorrupt, place, chain(&e));
                }
                Err(e) => return Err(e.into()),
            }
        }
        (context.progress)(Progress { phase: Phase::Documents, done, total });
    }
    if context.alone {
        surplus(walk, store, report)?;
    }
    Ok(())
}

fn surplus(walk: &Walk, store: &DocumentStore, report: &mut CheckReport) -> Result<(), StoreError> {
    for listed in store.list() {
        match listed? {
            ListedDocument::Document(digest) => {
                let digest = Digest(digest);
                let used = walk.files.get(&digest).is_some_and(|file| {
                    file.dispatches.iter().any(|id| walk.indexer.is_active(id))
                });
                // Where the walk ended early, what came behind may use it.
                if !used && walk.whole {
                    let what = "no open dispatch uses the file";
                    report.note(Code::NotFound, format_args!("document {digest}"), what);
                }
            }
            ListedDocument::Stray(path) => {
                report.note(Code::Unreadable, path, "not a file of this store");
            }
        }
    }
    Ok(())
}
