//! Reading what is committed.

use super::StoreError;
use crate::documents::DocumentStore;
use crate::index::audit::live::Tallies;
use crate::index::head::{Counts, Head};
use crate::index::indexer::Active;
use crate::index::keys;
use crate::index::lookup::Lookup;
use crate::journal::{JournalReader, Position};
use std::sync::{Arc, PoisonError, RwLock};
use tram_dispatch::envelope::Sequence;
use tram_dispatch::evidence::Genesis;
use tram_dispatch::{AgencyCode, DispatchId, Reference, UnixMillis};
use tram_engine::record::Record;
use tram_engine::{NumberUse, View, ViewError};

/// The newest committed state of the receipt log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// Leaves.
    pub size: u64,
    /// Their root.
    pub root: [u8; 32],
    /// Commit time of the newest signed root.
    pub time: UnixMillis,
    /// Sequence number of the newest batch; 0 if there is none.
    pub batch_seq: u64,
}

/// What readers ask for often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hot {
    log: LogHead,
    counts: Counts,
    genesis: Option<Position>,
}

impl Hot {
    pub(crate) fn from_head(head: &Head) -> Self {
        let log = LogHead {
            size: head.frontier.size(),
            root: head.frontier.root().0,
            time: head.last_time,
            batch_seq: head.reached.map_or(0, |at| at.batch_seq),
        };
        Self { log, counts: head.counts, genesis: head.genesis }
    }
}

/// A handle for reading a store, for any thread. It sees what is committed and nothing else. The
/// index file stays open until the last handle is gone.
#[derive(Clone, Debug)]
pub struct StoreReader {
    pub(super) lookup: Lookup,
    documents: DocumentStore,
    hot: Arc<RwLock<Hot>>,
    active: Active,
    pub(super) tallies: Tallies,
}

impl StoreReader {
    pub(crate) fn new(
        lookup: Lookup,
        documents: DocumentStore,
        hot: Hot,
        active: Active,
        tallies: Tallies,
    ) -> Self {
        Self { lookup, documents, hot: Arc::new(RwLock::new(hot)), active, tallies }
    }

    pub(super) fn set_hot(&self, hot: Hot) {
        *self.hot.write().unwrap_or_else(PoisonError::into_inner) = hot;
    }

    fn hot(&self) -> Hot {
        *self.hot.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    /// The newest committed state of the receipt log.
    #[must_use]
    pub fn log_head(&self) -> LogHead {
        self.hot().log
    }

    /// How much the store holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.hot().counts
    }

    /// Dispatches with something left to do.
    #[must_use]
    pub fn open_dispatches(&self) -> u64 {
        self.active.read().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    /// Whether something is left to do for a dispatch.
    #[must_use]
    pub fn is_open(&self, dispatch: &DispatchId) -> bool {
        self.active.read().unwrap_or_else(PoisonError::into_inner).contains(dispatch)
    }

    /// The random name of this store.
    #[must_use]
    pub fn store_id(&self) -> [u8; 16] {
        self.lookup.journal.store_id()
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> &JournalReader {
        &self.lookup.journal
    }

    /// The document files: taking in, reading, removing.
    #[must_use]
    pub fn documents(&self) -> &DocumentStore {
        &self.documents
    }

    /// The genesis of this node's receipt log; `None` in a store without any batch.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn genesis(&self) -> Result<Option<Genesis>, StoreError> {
        let Some(at) = self.hot().genesis else { return Ok(None) };
        let Record::Genesis(leaf) = self.lookup.record(at)? else { return Ok(None) };
        let genesis = tram_wire::genesis::decode(&leaf.record)
            .map_err(|e| StoreError::Receipt { leaf: leaf.index, detail: e.to_string() })?;
        Ok(Some(genesis))
    }

    /// The sealed object of a dispatch, as received; `None` if custody of it never began here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn dispatch_raw(&self, dispatch: &DispatchId) -> Result<Option<Arc<[u8]>>, StoreError> {
        let Some(at) = self.lookup.held_at(dispatch)? else { return Ok(None) };
        Ok(match self.lookup.record(at)? {
            Record::Held(held) => Some(held.raw),
            _ => None,
        })
    }

    /// Every record of one dispatch, in commit order; empty if it is unknown.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn records_of(&self, dispatch: &DispatchId) -> Result<Vec<Record>, StoreError> {
        Ok(self.lookup.records_of(dispatch)?)
    }

    /// The dispatch that first used a submission key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn dispatch_of(
        &self,
        originator: &AgencyCode,
        reference: &Reference,
    ) -> Result<Option<DispatchId>, StoreError> {
        let from = keys::reference(originator, reference);
        let found = self.lookup.kv.page(&from, &keys::behind(&from), 1)?;
        let id = found.first().and_then(|(_, id)| id.as_slice().try_into().ok());
        Ok(id.map(DispatchId))
    }
}

fn view<T>(result: Result<T, StoreError>) -> Result<T, ViewError> {
    result.map_err(|e| ViewError(e.explain()))
}

impl View for StoreReader {
    fn by_reference(
        &self,
        originator: &AgencyCode,
        reference: &Reference,
    ) -> Result<Option<DispatchId>, ViewError> {
        view(self.dispatch_of(originator, reference))
    }

    fn history(&self, dispatch: &DispatchId) -> Result<Vec<Record>, ViewError> {
        view(self.records_of(dispatch))
    }

    fn own_receipt(&self, leaf: u64) -> Result<Option<Arc<[u8]>>, ViewError> {
        view(self.receipt(leaf).map(|found| found.map(|receipt| receipt.raw().clone())))
    }

    fn number_use(
        &self,
        originator: &AgencyCode,
        sequence: Sequence,
    ) -> Result<Option<(NumberUse, UnixMillis)>, ViewError> {
        view(StoreReader::number_use(self, originator, sequence))
    }

    fn root_at(&self, size: u64) -> Result<Option<[u8; 32]>, ViewError> {
        if size > self.log_head().size {
            return Ok(None);
        }
        view(self.root(size).map(Some))
    }
}
