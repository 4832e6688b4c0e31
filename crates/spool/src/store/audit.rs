//! The questions auditors ask, each answered from one table of the index.

use super::listing::{Cursor, PAGE_MAX, Page, Span, by_time};
use super::receipts::ReceiptItem;
use super::{ReceiptQuery, StoreError, StoreReader};
use crate::index::audit::tables;
use crate::index::{IndexError, keys};
use std::collections::{BTreeMap, BTreeSet};
use tram_dispatch::envelope::Urgency;
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId, UnixMillis};

/// Most index entries looked at for one page where a condition is no part of the key. A page that
/// ends so may have few items or none, and still says where to go on.
const ENTRIES_LOOKED_AT_MAX: usize = 100_000;
/// Most dispatches that one document number leads to.
const NUMBERED_MAX: usize = 100;

/// A document by its number.
#[derive(Clone, Debug, Default)]
pub struct NumberQuery {
    /// Number, with or without the notation behind a slash.
    pub number: String,
    /// Notation.
    pub notation: Option<String>,
    /// Year of its date of issue, or of custody where the envelope has no such date.
    pub year: Option<u64>,
}

/// What one agency sent to another.
#[derive(Clone, Debug, Default)]
pub struct BetweenQuery {
    /// Custody began at this time or later.
    pub from: Option<UnixMillis>,
    /// Custody began before this time.
    pub to: Option<UnixMillis>,
    /// Behind this place: the `next` of the page before.
    pub after: Option<Cursor>,
    /// Most items, 1 to [`PAGE_MAX`].
    pub limit: usize,
}

/// Which refusals; all conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct RefusalQuery {
    /// With this reason.
    pub code: Option<Code>,
    /// Said by this node, or about what this node handed over.
    pub node: Option<NodeId>,
    /// With this agency as originator or recipient.
    pub agency: Option<AgencyCode>,
    /// Failures and expiry as well.
    pub failures: bool,
    /// At this time or later.
    pub from: Option<UnixMillis>,
    /// Before this time.
    pub to: Option<UnixMillis>,
    /// Behind this place: the `next` of the page before.
    pub after: Option<Cursor>,
    /// Most items, 1 to [`PAGE_MAX`].
    pub limit: usize,
}

/// Which legs that arrived.
#[derive(Clone, Debug, Default)]
pub struct ArrivalQuery {
    /// Registered on a later day than it arrived, or what is urgent after its deadline; otherwise:
    /// waiting for the clerk now.
    pub late: bool,
    /// To this agency.
    pub recipient: Option<AgencyCode>,
    /// Arrived at this time or later.
    pub from: Option<UnixMillis>,
    /// Arrived before this time.
    pub to: Option<UnixMillis>,
    /// Behind this place: the `next` of the page before.
    pub after: Option<Cursor>,
    /// Most items, 1 to [`PAGE_MAX`].
    pub limit: usize,
}

/// A leg that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The dispatch.
    pub dispatch: DispatchId,
    /// Who sent it.
    pub originator: AgencyCode,
    /// To whom.
    pub recipient: AgencyCode,
    /// How urgent it is.
    pub urgency: Urgency,
    /// When the recipient's node held it.
    pub arrived: UnixMillis,
    /// When the clerk registered it.
    pub registered: Option<UnixMillis>,
}

impl StoreReader {
    /// The dispatches under which an agency sent a document with this number, oldest first; at most
    /// 100.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn numbered(
        &self,
        agency: &AgencyCode,
        query: &NumberQuery,
    ) -> Result<Vec<DispatchId>, StoreError> {
        let (number, notation) = tables::folded(Some(&query.number), query.notation.as_deref());
        let notation = (!notation.is_empty()).then_some(notation.as_str());
        let from = tables::number(agency, &number, notation);
        let mut found = BTreeMap::new();
        let mut looked = 0;
        self.lookup.kv.walk(&from, &keys::behind(&from), |key, value| {
            looked += 1;
            let (year, at) = tables::number_place(key).ok_or_else(|| bad("of numbers"))?;
            if query.year.is_none_or(|asked| asked == year) {
                let id = value.try_into().map_err(|_| bad("of numbers"))?;
                found.insert(at, DispatchId(id));
            }
            Ok(found.len() < NUMBERED_MAX && looked < ENTRIES_LOOKED_AT_MAX)
        })?;
        let mut seen = BTreeSet::new();
        Ok(found.into_values().filter(|id| seen.insert(*id)).collect())
    }

    /// What one agency sent to another, as far as this node had custody of it, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn between(
        &self,
        originator: &AgencyCode,
        recipient: &AgencyCode,
        query: &BetweenQuery,
    ) -> Result<Page<DispatchId>, StoreError> {
        let limit = query.limit.clamp(1, PAGE_MAX);
        let span = Span { from: query.from, to: query.to, after: query.after };
        let prefix = |time| tables::between(originator, recipient, time);
        let prefix_len = originator.as_str().len() + recipient.as_str().len() + 3;
        let found = by_time(&self.lookup.kv, &span, prefix_len, prefix, limit)?;
        let next = if found.len() == limit { found.last().map(|(c, _)| *c) } else { None };
        let id =
            |value: Vec<u8>| Ok(DispatchId(value.try_into().map_err(|_| bad("of dispatches"))?));
        let items: Result<Vec<_>, IndexError> =
            found.into_iter().map(|(_, value)| id(value)).collect();
        Ok(Page { items: items?, next })
    }

    /// Refusals, and failures where asked for, by time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refusals(&self, query: &RefusalQuery) -> Result<Page<ReceiptItem>, StoreError> {
        let limit = query.limit.clamp(1, PAGE_MAX);
        let span = Span { from: query.from, to: query.to, after: query.after };
        let prefix = |time| match (&query.node, &query.agency, query.code) {
            (Some(node), ..) => tables::refusal_by_node(node, time),
            (None, Some(agency), _) => tables::refusal_by_agency(agency, time),
            (None, None, Some(code)) => tables::refusal_by_code(code, time),
            (None, None, None) => tables::refusal(time),
        };
        // What the time, written with its length, takes at the end.
        let prefix_len = prefix(UnixMillis(0)).len() - 1;
        let wanted = |value: &[u8]| {
            tables::refusal_value(value).is_some_and(|(event, code)| {
                let event = Event::read(event);
                query.code.is_none_or(|asked| asked.number() == code)
                    && (query.failures || event.is_some_and(tables::is_refusal))
            })
        };
        // Of one node *and* one agency: which agency is then only known from the record.
        let unread = query.node.is_some() && query.agency.is_some();
        let looked_max = if unread { PAGE_MAX } else { ENTRIES_LOOKED_AT_MAX };
        let asked = ReceiptQuery { agency: query.agency.clone(), ..ReceiptQuery::default() };
        let mut page = Page { items: Vec::new(), next: None };
        let mut span = span;
        let mut looked = 0;
        loop {
            let found = by_time(&self.lookup.kv, &span, prefix_len, prefix, PAGE_MAX)?;
            let (count, last) = (found.len(), found.last().map(|(cursor, _)| *cursor));
            let places = found.into_iter().filter(|(_, value)| wanted(value));
            let places: Vec<Cursor> = places.map(|(cursor, _)| cursor).collect();
            let mut rest = &places[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(limit - page.items.len()));
                page.items.extend(self.receipt_items(now, &asked)?);
                rest = later;
                if page.items.len() == limit {
                    page.next = now.last().copied();
                    return Ok(page);
                }
            }
            looked += count;
            if count < PAGE_MAX {
                return Ok(page);
            }
            span.after = last;
            if looked >= looked_max {
                page.next = last;
                return Ok(page);
            }
        }
    }

    /// Legs that wait for a clerk, or were registered late, by arrival; those that are to be kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn arrivals(
        &self,
        query: &ArrivalQuery,
        keep: impl Fn(&Arrival) -> bool,
    ) -> Result<Page<Arrival>, StoreError> {
        let limit = query.limit.clamp(1, PAGE_MAX);
        let prefix = |time| tables::arrivals(query.late, query.recipient.as_ref(), time);
        let prefix_len = prefix(UnixMillis(0)).len() - 1;
        let mut span = Span { from: query.from, to: query.to, after: query.after };
        let mut page = Page { items: Vec::new(), next: None };
        let mut looked = 0;
        loop {
            let found = by_time(&self.lookup.kv, &span, prefix_len, prefix, PAGE_MAX)?;
            let count = found.len();
            for (cursor, value) in found {
                let (dispatch, registered, urgency, originator, recipient) =
                    tables::arrival(&value).ok_or_else(|| bad("of arrivals"))?;
                let arrived = cursor.time;
                let arrival =
                    Arrival { dispatch, originator, recipient, urgency, arrived, registered };
                span.after = Some(cursor);
                if keep(&arrival) {
                    page.items.push(arrival);
                    if page.items.len() == limit {
                        page.next = span.after;
                        return Ok(page);
                    }
                }
            }
            looked += count;
            if count < PAGE_MAX {
                return Ok(page);
            }
            if looked >= ENTRIES_LOOKED_AT_MAX {
                page.next = span.after;
                return Ok(page);
            }
        }
    }
}

fn bad(what: &str) -> IndexError {
    IndexError::damaged(format_args!("an entry {what} cannot be read"))
}
