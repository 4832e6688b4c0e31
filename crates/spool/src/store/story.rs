//! Evidence in the order in which this store came to know it, for those who follow along.

use super::listing::{Span, by_time};
use super::{Cursor, StoreError, StoreReader};
use crate::index::keys;
use crate::journal::Position;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use tram_dispatch::id::{hex, unhex};
use tram_dispatch::{AgencyCode, Event, EvidenceRecord, UnixMillis};
use tram_engine::record::Record;

/// Entries of the index looked at in one step.
const STEP: usize = 4_096;

/// A place in the order of commits. To others it is an opaque text; another epoch of the node's log
/// has other places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(Position);

/// A text that is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in the order of commits")]
pub struct BadPlace;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0.to_bytes()))
    }
}

impl FromStr for Place {
    type Err = BadPlace;
    fn from_str(text: &str) -> Result<Self, BadPlace> {
        let bytes = unhex(text).ok_or(BadPlace)?;
        let bytes = bytes.as_slice().try_into().map_err(|_| BadPlace)?;
        Ok(Place(Position::from_bytes(bytes)))
    }
}

/// Evidence with its place.
#[derive(Clone, Debug)]
pub struct Told {
    /// Where it is.
    pub place: Place,
    /// What it says.
    pub evidence: EvidenceRecord,
    /// False where its issuer may not say this.
    pub authorised: bool,
}

/// Which evidence.
#[derive(Clone, Debug, Default)]
pub struct StoryQuery {
    /// Of whose dispatches, or of dispatches to whom; absent: everybody's.
    pub agencies: Option<BTreeSet<AgencyCode>>,
    /// Recorded at this time or later, by the issuing node's clock.
    pub from: UnixMillis,
    /// Recorded before this time.
    pub to: Option<UnixMillis>,
    /// Committed behind this place.
    pub after: Option<Place>,
    /// Most items.
    pub limit: usize,
}

impl StoreReader {
    /// The place behind everything committed until now.
    pub fn place(&self) -> Place {
        let last = self.lookup.journal.segments().pop();
        let (segment, offset) = last.map_or((0, 0), |s| (s.segment, s.used_bytes));
        Place(Position { segment, offset, record: 0 })
    }

    /// Evidence in the order of commits. Goes over the index of the whole span of time each time, so the
    /// span should be as narrow as the asker can make it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn story(&self, query: &StoryQuery) -> Result<Vec<Told>, StoreError> {
        let mut first = BTreeSet::new();
        match &query.agencies {
            Some(agencies) => {
                for agency in agencies {
                    let prefix = |time| keys::agency(agency, keys::CLASS_RECEIPT, time);
                    self.gather(query, agency.as_str().len() + 3, prefix, &mut first)?;
                }
            }
            None => {
                let events: BTreeSet<_> = Event::ALL
                    .into_iter()
                    .chain([Event::Unknown(keys::LATER_EVENT)])
                    .map(keys::listed)
                    .collect();
                for event in events {
                    self.gather(query, 2, |time| keys::event(event, time), &mut first)?;
                }
            }
        }
        let mut told = Vec::new();
        for position in first {
            let (evidence, authorised) = match self.lookup.record(position)? {
                Record::Evidence(own) => (own.evidence, true),
                Record::Earlier(own) => (own.evidence, true),
                Record::Foreign(foreign) => (foreign.evidence, foreign.authorised),
                _ => continue,
            };
            told.push(Told { place: Place(position), evidence, authorised });
        }
        Ok(told)
    }

    /// Adds the positions of one table behind the place asked for; the first `limit` stay.
    fn gather(
        &self,
        query: &StoryQuery,
        prefix_len: usize,
        prefix: impl Fn(UnixMillis) -> Vec<u8>,
        first: &mut BTreeSet<Position>,
    ) -> Result<(), StoreError> {
        let mut after: Option<Cursor> = None;
        loop {
            let span = Span { from: Some(query.from), to: query.to, after };
            let found = by_time(&self.lookup.kv, &span, prefix_len, &prefix, STEP)?;
            let more = found.len() == STEP;
            for (cursor, _) in &found {
                if query.after.is_none_or(|Place(place)| cursor.position > place) {
                    first.insert(cursor.position);
                    if first.len() > query.limit {
                        first.pop_last();
                    }
                }
            }
            match found.last() {
                Some((last, _)) if more => after = Some(*last),
                _ => return Ok(()),
            }
        }
    }
}
