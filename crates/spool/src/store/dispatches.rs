//! Listing dispatches.

use super::listing::{Cursor, PAGE_MAX, Page, Span, by_time};
use super::{StoreError, StoreReader};
use crate::index::{IndexError, keys};
use tram_dispatch::{AgencyCode, DispatchId, NodeId, Reference, UnixMillis};
use tram_engine::record::Record;

/// Which dispatches; all conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct DispatchQuery {
    /// With this agency as originator, or as a recipient this node took at first.
    pub agency: Option<AgencyCode>,
    /// Custody began at this time or later.
    pub from: Option<UnixMillis>,
    /// Custody began before this time.
    pub to: Option<UnixMillis>,
    /// Behind this place: the `next` of the page before.
    pub after: Option<Cursor>,
    /// Most items, 1 to [`PAGE_MAX`].
    pub limit: usize,
}

/// One dispatch of a listing.
#[derive(Clone, Debug)]
pub struct DispatchItem {
    /// Its place.
    pub cursor: Cursor,
    /// The dispatch.
    pub dispatch: DispatchId,
    /// Its originator.
    pub originator: AgencyCode,
    /// The originator's reference.
    pub reference: Reference,
    /// The recipients this node took at first.
    pub recipients: Vec<AgencyCode>,
    /// The peer it came from; absent at the first node.
    pub previous: Option<NodeId>,
    /// When custody began.
    pub at: UnixMillis,
    /// Whether something is left to do for it.
    pub open: bool,
}

impl StoreReader {
    /// Dispatches by the time custody began, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn dispatches(&self, query: &DispatchQuery) -> Result<Page<DispatchItem>, StoreError> {
        let limit = query.limit.clamp(1, PAGE_MAX);
        let span = Span { from: query.from, to: query.to, after: query.after };
        let kv = &self.lookup.kv;
        let found = match &query.agency {
            Some(agency) => {
                let prefix = |time| keys::agency(agency, keys::CLASS_DISPATCH, time);
                by_time(kv, &span, agency.as_str().len() + 3, prefix, limit)?
            }
            None => by_time(kv, &span, 2, |time| keys::event(keys::HELD_EVENT, time), limit)?,
        };
        let mut items = Vec::with_capacity(found.len());
        for (cursor, _) in &found {
            let Record::Held(held) = self.lookup.record(cursor.position)? else {
                return Err(IndexError::damaged("a listed dispatch leads elsewhere").into());
            };
            items.push(DispatchItem {
                cursor: *cursor,
                dispatch: held.dispatch,
                originator: held.originator,
                reference: held.reference,
                recipients: held.recipients,
                previous: held.previous,
                at: held.at,
                open: self.is_open(&held.dispatch),
            });
        }
        let next = if found.len() == limit { found.last().map(|(c, _)| *c) } else { None };
        Ok(Page { items, next })
    }
}
