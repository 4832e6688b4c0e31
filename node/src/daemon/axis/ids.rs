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
    /// Up to this place of a mailbox the id of everything in it is among the places.
    looked: BTreeMap<AgencyCode, u64>,
    /// Of which changes to what is set aside both hold.
    begins_of: u64,
}

impl Ids {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of an item, remembered.
    pub(super) fn of(&self, dispatch: DispatchId, recipient: &AgencyCode) -> DocId {
        let id = DocId::received(dispatch, recipient);
        let mut inner = self.inner();
        inner.insert(id, (dispatch, recipient.clone()));
        id
    }

    /// Where to begin looking for an id that is not known: what is before this place is known.
    pub(super) fn looked(&self, agency: &AgencyCode, changes: u64) -> Option<u64> {
        let mut inner = self.inner();
        inner.hold_of(changes);
        inner.looked.get(agency).copied()
    }

    /// Remembers what a mailbox has after a place, up to another one: an id that there is not is not looked for
    /// there again.
    pub(super) fn learn(
        &self,
        agency: &AgencyCode,
        (after, up_to): (Option<u64>, u64),
        found: impl Iterator<Item = DispatchId>,
        changes: u64,
    ) {
        let found: Vec<_> = found.map(|id| (DocId::received(id, agency), id)).collect();
        let mut inner = self.inner();
        if inner.begins_of != changes {
            return;
        }
        for (id, dispatch) in found {
            inner.insert(id, (dispatch, agency.clone()));
        }
        // Unless some of what is before was forgotten meanwhile.
        if inner.looked.get(agency).copied() == after {
            inner.looked.insert(agency.clone(), up_to);
        }
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

    /// Where to begin looking for what waits in a mailbox: after this place. What comes back from being set
    /// aside has its old place: nothing holds any more of what was known before that change.
    pub(super) fn begin(&self, agency: &AgencyCode, changes: u64) -> Option<u64> {
        let mut inner = self.inner();
        inner.hold_of(changes);
        inner.begins.get(agency).copied()
    }

    /// Up to this place nothing waits, and nothing will: who confirmed, confirmed. Known by somebody who
    /// began to look after so many changes.
    pub(super) fn set_begin(&self, agency: &AgencyCode, place: u64, changes: u64) {
        let mut inner = self.inner();
        if inner.begins_of == changes {
            inner.begins.insert(agency.clone(), place);
        }
    }
}

impl Inner {
    /// Forgets what does not hold any more after so many changes to what is set aside.
    fn hold_of(&mut self, changes: u64) {
        if self.begins_of < changes {
            self.begins_of = changes;
            self.begins.clear();
            self.looked.clear();
        }
    }

    fn insert(&mut self, id: DocId, place: Place) {
        if self.places.len() >= IDS_MAX {
            self.places.clear();
            self.looked.clear();
        }
        self.places.insert(id, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dispatch(n: u64) -> DispatchId {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.to_be_bytes());
        DispatchId(id)
    }

    #[test]
    fn a_mailbox_is_looked_through_once_for_ids_that_there_are_not() {
        let (ids, agency) = (Ids::default(), AgencyCode::parse("H41").unwrap());
        let learn = |after: Option<u64>, up_to: u64, changes| {
            let found = (after.map_or(0, |n| n + 1)..=up_to).map(dispatch);
            ids.learn(&agency, (after, up_to), found, changes);
        };
        assert_eq!(ids.looked(&agency, 0), None);
        learn(None, 255, 0);
        learn(Some(255), 300, 0);
        assert_eq!(ids.looked(&agency, 0), Some(300));
        let place = ids.place(&DocId::received(dispatch(299), &agency));
        assert_eq!(place, Some((dispatch(299), agency.clone())));
        // Not what somebody skipped.
        learn(Some(400), 500, 0);
        assert_eq!(ids.looked(&agency, 0), Some(300));
        // What was set aside and came back has its old place.
        assert_eq!(ids.looked(&agency, 1), None);
        learn(None, 300, 0);
        assert_eq!(ids.looked(&agency, 1), None, "seen before that");
        learn(None, 300, 1);
        assert_eq!(ids.looked(&agency, 1), Some(300));
        // More than is remembered: forgotten with its place, also in the midst of it.
        learn(Some(300), IDS_MAX as u64 + 300, 1);
        assert_eq!(ids.looked(&agency, 1), None);
        assert!(ids.inner().places.len() <= IDS_MAX);
    }

    #[test]
    fn after_a_change_to_what_is_set_aside_mailboxes_are_looked_through_again() {
        let (ids, agency) = (Ids::default(), AgencyCode::parse("H41").unwrap());
        assert_eq!(ids.begin(&agency, 0), None);
        ids.set_begin(&agency, 7, 0);
        assert_eq!(ids.begin(&agency, 0), Some(7));
        assert_eq!(ids.begin(&agency, 1), None);
        // Somebody who began to look before says what does not hold any more.
        ids.set_begin(&agency, 9, 0);
        assert_eq!(ids.begin(&agency, 1), None);
        ids.set_begin(&agency, 3, 1);
        assert_eq!(ids.begin(&agency, 1), Some(3));
    }
}
