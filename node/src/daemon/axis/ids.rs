//! From the ids of the axis back to dispatches, and what clients say in passing. All of it can be found
//! again: it is in memory alone.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tram_axis::DocId;
use tram_dispatch::{AgencyCode, DispatchId, UnixMillis};

/// Most ids kept; beyond, they are looked for in the mailboxes again.
const IDS_MAX: usize = 100_000;
/// Most states kept that are neither new nor done.
const STATES_MAX: usize = 20_000;

/// A dispatch with the recipient whose item it is.
pub(super) type Place = (DispatchId, AgencyCode);

/// What the system said of an item that it has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// `processing` or `fail`.
    pub(super) word: &'static str,
    pub(super) description: Option<String>,
    pub(super) at: UnixMillis,
}

#[derive(Default)]
pub(super) struct Ids(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    places: BTreeMap<DocId, Place>,
    states: BTreeMap<DocId, State>,
    /// Before this place of a mailbox nothing waits any more.
    begins: BTreeMap<AgencyCode, u64>,
}

impl Ids {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of an item, remembered.
    pub(super) fn of(&self, dispatch: DispatchId, recipient: &AgencyCode) -> DocId {
        let id = DocId::received(dispatch, recipient);
        let mut inner = self.inner();
        if inner.places.len() >= IDS_MAX {
            inner.places.clear();
        }
        inner.places.insert(id, (dispatch, recipient.clone()));
        id
    }

    pub(super) fn place(&self, id: &DocId) -> Option<Place> {
        self.inner().places.get(id).cloned()
    }

    pub(super) fn state(&self, id: &DocId) -> Option<State> {
        self.inner().states.get(id).cloned()
    }

    pub(super) fn set_state(&self, id: DocId, state: Option<State>) {
        let mut inner = self.inner();
        match state {
            Some(state) => {
                if inner.states.len() >= STATES_MAX {
                    inner.states.clear();
                }
                inner.states.insert(id, state);
            }
            None => {
                inner.states.remove(&id);
            }
        }
    }

    /// Where to begin looking for what waits in a mailbox: after this place.
    pub(super) fn begin(&self, agency: &AgencyCode) -> Option<u64> {
        self.inner().begins.get(agency).copied()
    }

    /// Up to this place nothing waits, and nothing ever will: who confirmed, confirmed.
    pub(super) fn set_begin(&self, agency: &AgencyCode, place: u64) {
        self.inner().begins.insert(agency.clone(), place);
    }
}
