//! The store as the core sees it.

use tram_dispatch::Digest;
use tram_engine::record::Batch;
use tram_spool::documents::{DocumentError, DocumentStore};
use tram_spool::store::Store;

use super::core::Commit;
use super::pins::Pins;

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
