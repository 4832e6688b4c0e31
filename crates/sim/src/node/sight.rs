//! What the engine sees of the store. Honest unless a bug is planted.

use std::collections::BTreeSet;
use std::sync::Arc;

use tram_dispatch::envelope::Sequence;
use tram_dispatch::{AgencyCode, DispatchId, Event, Reference, UnixMillis};
use tram_engine::{NumberUse, Record, Recovered, View, ViewError};
use tram_spool::store::StoreReader;

/// The view over a store.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) reader: StoreReader,
    /// Dispatches that are kept from the engine (a planted bug).
    hidden: BTreeSet<DispatchId>,
}

impl Sight {
    pub(super) fn new(reader: StoreReader) -> Self {
        Sight { reader, hidden: BTreeSet::new() }
    }

    /// Takes from what was recovered the dispatches that peers brought into a mailbox here.
    pub(super) fn hide_delivered(&mut self, recovered: &mut Recovered) {
        recovered.open.retain(|history| {
            let brought = history.iter().any(|r| matches!(r, Record::Held(h) if h.previous.is_some()));
            let delivered = history.iter().any(
                |r| matches!(r, Record::Evidence(e) if e.evidence.event == Event::ContentConsignment),
            );
            let hide = brought && delivered;
            if hide && let Some(id) = history.iter().find_map(Record::dispatch) {
                self.hidden.insert(id);
            }
            !hide
        });
    }
}

impl View for Sight {
    fn by_reference(
        &self,
        originator: &AgencyCode,
        reference: &Reference,
    ) -> Result<Option<DispatchId>, ViewError> {
        self.reader.by_reference(originator, reference)
    }

    fn history(&self, dispatch: &DispatchId) -> Result<Vec<Record>, ViewError> {
        if self.hidden.contains(dispatch) {
            return Ok(Vec::new());
        }
        self.reader.history(dispatch)
    }

    fn own_receipt(&self, leaf: u64) -> Result<Option<Arc<[u8]>>, ViewError> {
        self.reader.own_receipt(leaf)
    }

    fn number_use(
        &self,
        originator: &AgencyCode,
        sequence: Sequence,
    ) -> Result<Option<(NumberUse, UnixMillis)>, ViewError> {
        View::number_use(&self.reader, originator, sequence)
    }

    fn root_at(&self, size: u64) -> Result<Option<[u8; 32]>, ViewError> {
        self.reader.root_at(size)
    }
}
