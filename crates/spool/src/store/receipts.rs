//! Listing receipts, for auditors.

use super::listing::{Cursor, ENTRIES_PER_PAGE_MAX, PAGE_MAX, Page, Span, by_time};
use super::readers::read_in_parts;
use super::{StoreError, StoreReader};
use crate::index::keys;
use crate::index::lookup::Tiles;
use std::sync::Arc;
use tram_dispatch::{AgencyCode, Digest, DispatchId, Event, EvidenceRecord, NodeId, UnixMillis};
use tram_engine::record::Record;

/// So few receipts are read by one thread.
const ALONE_MAX: usize = 32;

/// Which receipts; all conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct ReceiptQuery {
    /// About this dispatch.
    pub dispatch: Option<DispatchId>,
    /// With this agency as originator or recipient.
    pub agency: Option<AgencyCode>,
    /// Of this event.
    pub event: Option<Event>,
    /// Recorded at this time or later, by the issuing node's clock.
    pub from: Option<UnixMillis>,
    /// Recorded before this time.
    pub to: Option<UnixMillis>,
    /// Behind this place: the `next` of the page before.
    pub after: Option<Cursor>,
    /// Most items, 1 to [`PAGE_MAX`].
    pub limit: usize,
}

/// Whose receipt it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A leaf of our own log.
    Own {
        /// The leaf.
        leaf: u64,
    },
    /// Another node's, or our own of an earlier epoch.
    Foreign {
        /// SHA-256 of its bytes.
        digest: Digest,
        /// The peer that gave it.
        from: NodeId,
        /// Whether its issuer may say this; if not, it is a claim without effect.
        authorised: bool,
    },
}

/// One receipt of a listing.
#[derive(Clone, Debug)]
pub struct ReceiptItem {
    /// Its place.
    pub cursor: Cursor,
    /// What it says.
    pub evidence: EvidenceRecord,
    /// Its bytes.
    pub raw: Arc<[u8]>,
    /// Whose it is.
    pub source: Source,
}

impl StoreReader {
    /// Receipts, our own and those of other nodes: of one dispatch in commit order, else by time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn receipts(&self, query: &ReceiptQuery) -> Result<Page<ReceiptItem>, StoreError> {
        let limit = query.limit.clamp(1, PAGE_MAX);
        let (places, more) = match &query.dispatch {
            Some(id) => (self.places_of(id, query)?, false),
            None => self.places_by_time(query, limit)?,
        };
        let mut page = Page { items: Vec::new(), next: None };
        let last = places.last().copied();
        let mut rest = &places[..];
        while !rest.is_empty() {
            if page.items.len() == limit {
                page.next = page.items.last().map(|item: &ReceiptItem| item.cursor);
                return Ok(page);
            }
            let (now, later) = rest.split_at(rest.len().min(limit - page.items.len()));
            page.items.extend(self.receipt_items(now, query)?);
            rest = later;
        }
        page.next = if more { last } else { None };
        Ok(page)
    }

    /// The receipts at these places that are asked for, in their order. Many are read by several threads:
    /// each lies elsewhere on the disk, and so do the parts of its proof.
    pub(super) fn receipt_items(
        &self,
        places: &[Cursor],
        query: &ReceiptQuery,
    ) -> Result<Vec<ReceiptItem>, StoreError> {
        read_in_parts(places, ALONE_MAX, "reading receipts stopped", |places| {
            let (tiles, mut items) =
                (Tiles::new(&self.lookup.kv), Vec::with_capacity(places.len()));
            for cursor in places {
                let record = self.lookup.record(cursor.position)?;
                items.extend(self.receipt_item(*cursor, record, query, &tiles)?);
            }
            Ok(items)
        })
    }

    fn receipt_item(
        &self,
        cursor: Cursor,
        record: Record,
        query: &ReceiptQuery,
        tiles: &Tiles<'_>,
    ) -> Result<Option<ReceiptItem>, StoreError> {
        Ok(match record {
            Record::Evidence(own) if asked_for(&own.evidence, query) => {
                let raw = self.receipt_of(&own, tiles)?.raw().clone();
                let source = Source::Own { leaf: own.leaf.index };
                Some(ReceiptItem { cursor, evidence: own.evidence, raw, source })
            }
            Record::Earlier(own) if asked_for(&own.evidence, query) => {
                let (digest, from) = (own.digest, own.evidence.node.clone());
                let source = Source::Foreign { digest, from, authorised: true };
                Some(ReceiptItem { cursor, evidence: own.evidence, raw: own.raw, source })
            }
            Record::Foreign(f) if asked_for(&f.evidence, query) => {
                let source =
                    Source::Foreign { digest: f.digest, from: f.from, authorised: f.authorised };
                Some(ReceiptItem { cursor, evidence: f.evidence, raw: f.raw, source })
            }
            _ => None,
        })
    }

    /// All receipts of a dispatch, in commit order: their cursors have no time.
    fn places_of(&self, id: &DispatchId, query: &ReceiptQuery) -> Result<Vec<Cursor>, StoreError> {
        let after = query.after.map(|cursor| cursor.position);
        Ok(self
            .lookup
            .history(id)?
            .into_iter()
            .filter(|(at, kind)| {
                use crate::records::kind::{EARLIER, EVIDENCE, FOREIGN};
                [EVIDENCE, FOREIGN, EARLIER].contains(&u16::from(*kind))
                    && after.is_none_or(|after| *at > after)
            })
            .map(|(position, _)| Cursor { time: UnixMillis(0), position })
            .collect())
    }

    /// Candidates by time, and whether there may be more behind them.
    fn places_by_time(
        &self,
        query: &ReceiptQuery,
        limit: usize,
    ) -> Result<(Vec<Cursor>, bool), StoreError> {
        let span = Span { from: query.from, to: query.to, after: query.after };
        let kv = &self.lookup.kv;
        if let Some(agency) = &query.agency {
            // Other events of the agency are passed over by the value, unread.
            let prefix = |time| keys::agency(agency, keys::CLASS_RECEIPT, time);
            let prefix_len = agency.as_str().len() + 3;
            let max = if query.event.is_some() { ENTRIES_PER_PAGE_MAX } else { limit };
            let found = by_time(kv, &span, prefix_len, prefix, max)?;
            let cut = found.len() == max;
            let last = found.last().map(|(cursor, _)| *cursor);
            let wanted = query.event.map(|event| vec![keys::listed(event)]);
            let mut places: Vec<Cursor> = found
                .into_iter()
                .filter(|(_, event)| wanted.as_ref().is_none_or(|w| w == event))
                .map(|(cursor, _)| cursor)
                .collect();
            if cut && places.len() < limit {
                // Where the look ended, so that the next page goes on there.
                places.extend(last.filter(|last| places.last() != Some(last)));
            }
            return Ok((places, cut));
        }
        let all = || Event::ALL.into_iter().chain([Event::Unknown(keys::LATER_EVENT)]).collect();
        let events: Vec<Event> = query.event.map_or_else(all, |event| vec![event]);
        let mut places = Vec::new();
        let mut cut = false;
        for event in events {
            let prefix = |time| keys::event(keys::listed(event), time);
            let found = by_time(kv, &span, 2, prefix, limit)?;
            cut |= found.len() == limit;
            places.extend(found.into_iter().map(|(cursor, _)| cursor));
        }
        places.sort();
        cut |= places.len() > limit;
        places.truncate(limit);
        Ok((places, cut))
    }
}

fn asked_for(e: &EvidenceRecord, query: &ReceiptQuery) -> bool {
    let party =
        |agency: &AgencyCode| e.originator == *agency || e.recipient.as_ref() == Some(agency);
    query.agency.as_ref().is_none_or(party)
        && query.event.is_none_or(|event| keys::listed(e.event) == keys::listed(event))
        && query.from.is_none_or(|from| e.time >= from)
        && query.to.is_none_or(|to| e.time < to)
}
