//! The store as the core sees it, and its thread.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use tram_dispatch::Digest;
use tram_engine::record::Batch;
use tram_spool::documents::{DocumentError, DocumentStore};
use tram_spool::store::Store;

use super::core::ToCore;
use super::pins::Pins;

/// Makes batches durable; runs on the store's thread.
pub(crate) trait Commit: Send {
    /// One append, one fsync, then the index.
    fn commit(&mut self, batch: &Batch) -> Result<(), String>;
    /// Housekeeping when nothing waits: make the index durable, write the anchor.
    fn idle(&mut self);
    /// Files nobody needs any more.
    fn remove_documents(&mut self, digests: &[Digest]);
}

/// What the store's thread is told.
pub(crate) enum ToStore {
    Commit(Batch),
    Remove(Vec<Digest>),
    Stop,
}

/// Makes batches durable and removes what nobody needs.
pub(crate) struct Storage {
    pub store: Store,
    pub documents: DocumentStore,
    pub pins: Pins,
}

impl Commit for Storage {
    fn commit(&mut self, batch: &Batch) -> Result<(), String> {
        self.store.commit(batch).map(|_| ()).map_err(|e| e.to_string())
    }

    fn idle(&mut self) {
        if let Err(e) = self.store.maintain() {
            tracing::warn!(error = %e, "housekeeping of the store failed; it is tried again");
        }
    }

    fn remove_documents(&mut self, digests: &[Digest]) {
        for digest in digests {
            match self.documents.remove(digest.as_bytes()) {
                Ok(()) | Err(DocumentError::NotStored { .. }) => {}
                Err(e) => tracing::warn!(%digest, error = %e, "a document file was not removed"),
            }
            self.pins.left(digest);
        }
    }
}

/// Tells the engine's thread when the store's thread ends, also by a panic: otherwise it would wait
/// for a commit for ever, and everybody with it.
struct Farewell<'a>(&'a Sender<ToCore>);

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        // An engine that is gone ended first; that is how the store's thread ends in order.
        let _ = self.0.send(ToCore::Fatal("the store's thread ended".into()));
    }
}

/// Makes batches durable one after the other, until told to stop or one fails.
pub(crate) fn store_loop(
    mut store: Box<dyn Commit>,
    rx: &Receiver<ToStore>,
    back: &Sender<ToCore>,
) {
    const IDLE: Duration = Duration::from_secs(1);
    let _farewell = Farewell(back);
    loop {
        match rx.recv_timeout(IDLE) {
            Ok(ToStore::Commit(batch)) => {
                let result = store.commit(&batch);
                let failed = result.is_err();
                let gone = back.send(ToCore::Persisted(batch, result)).is_err();
                if failed || gone {
                    return;
                }
            }
            Ok(ToStore::Remove(digests)) => store.remove_documents(&digests),
            Err(RecvTimeoutError::Timeout) => store.idle(),
            Ok(ToStore::Stop) | Err(RecvTimeoutError::Disconnected) => {
                store.idle();
                return;
            }
        }
    }
}
