//! What a key touched, for the day on which it turns out to be in foreign hands.

use super::listing::{Cursor, PAGE_MAX, Page, Span, by_time};
use super::{StoreError, StoreReader};
use crate::index::IndexError;
use crate::index::audit::touched::{self, Part};
use crate::index::keys;
use tram_dispatch::{AgencyCode, Digest, DispatchId, EpochId, EvidenceRecord, NodeId, UnixMillis};
use tram_engine::record::Record;
use tram_wire::Receipt;

/// Most index entries looked at for one page where a condition is no part of the key.
const ENTRIES_LOOKED_AT_MAX: usize = 5_000;

/// Whose key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TouchedBy {
    /// That of a seal, by SHA-256 of its SubjectPublicKeyInfo: whatever certificate it was used under.
    Key(Digest),
    /// That of a seal, by SHA-256 of one of its certificates.
    Certificate(Digest),
    /// That of a seal, by serial number (without leading zeros) and issuer of one of its certificates.
    Serial(Vec<u8>, String),
    /// That of a node: what it handed over, and what its receipts say; of one epoch of its log, or of all.
    Node(NodeId, Option<EpochId>),
}

/// Which of it.
#[derive(Clone, Debug)]
pub struct TouchedQuery {
    /// Whose key.
    pub by: TouchedBy,
    /// At this time or later; [`Touched::at`] says whose clock.
    pub from: Option<UnixMillis>,
    /// Before this time.
    pub to: Option<UnixMillis>,
    /// Behind this place: the `next` of the page before.
    pub after: Option<Cursor>,
    /// Most items, 1 to [`PAGE_MAX`]; what one record holds of a node stays together, and may be some more.
    pub limit: usize,
}

/// What it was.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A dispatch in custody here was sealed with it.
    Dispatch,
    /// A statement about a dispatch was sealed with it, by this agency.
    Statement(AgencyCode),
    /// A statement that a number stays unused was sealed with it, by this agency.
    Void(AgencyCode),
    /// The node handed the dispatch over.
    Transfer,
    /// The node said so.
    Receipt(Box<EvidenceRecord>),
}

/// One thing that a key touched.
#[derive(Clone, Debug, PartialEq)]
pub struct Touched {
    /// Of a dispatch and a transfer, when custody began here; of statements and receipts what the node that took
    /// or gave them says.
    pub at: UnixMillis,
    /// The dispatch; of a void statement what stands for one in its evidence.
    pub dispatch: DispatchId,
    /// What it was.
    pub what: What,
    /// SHA-256 of the certificate under which it was sealed.
    pub certificate: Option<Digest>,
}

impl StoreReader {
    /// What a key touched, by time; `None` where no certificate here has that name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn touched(&self, query: &TouchedQuery) -> Result<Option<Page<Touched>>, StoreError> {
        let (key, node, epoch) = match &query.by {
            TouchedBy::Node(node, epoch) => (None, Some(node), *epoch),
            TouchedBy::Key(key) => (Some(*key), None, None),
            by => match self.key_of(by)? {
                Some(key) => (Some(key), None, None),
                None => return Ok(None),
            },
        };
        let prefix = |time| match (&key, node) {
            (Some(key), _) => touched::by_key(key, time),
            (None, Some(node)) => touched::by_node(node, time),
            // One of the two is there.
            (None, None) => Vec::new(),
        };
        let prefix_len = prefix(UnixMillis(0)).len() - 1;
        let limit = query.limit.clamp(1, PAGE_MAX);
        let mut span = Span { from: query.from, to: query.to, after: query.after };
        let mut page = Page { items: Vec::new(), next: None };
        let mut looked = 0;
        loop {
            let found = by_time(&self.lookup.kv, &span, prefix_len, prefix, limit)?;
            let count = found.len();
            for (cursor, value) in found {
                span.after = Some(cursor);
                let record = self.lookup.record(cursor.position)?;
                if node.is_some() {
                    of_node(&mut page.items, cursor, &value, &record, epoch.as_ref())?;
                } else {
                    page.items.extend(self.sealed(cursor, &record)?);
                }
                if page.items.len() >= limit {
                    page.next = span.after;
                    return Ok(Some(page));
                }
            }
            looked += count;
            if count < limit {
                return Ok(Some(page));
            }
            if looked >= ENTRIES_LOOKED_AT_MAX {
                page.next = span.after;
                return Ok(Some(page));
            }
        }
    }

    /// The key of a certificate that something here was sealed under.
    fn key_of(&self, by: &TouchedBy) -> Result<Option<Digest>, StoreError> {
        let bad = || bad("of certificates");
        if let TouchedBy::Certificate(digest) = by {
            let Some(value) = self.lookup.kv.get(&touched::certificate(digest))? else {
                return Ok(None);
            };
            return Ok(Some(touched::certificate_value(&value).ok_or_else(bad)?.0));
        }
        let TouchedBy::Serial(serial, issuer) = by else { return Ok(None) };
        let table = [touched::CERTIFICATES];
        let mut found = None;
        self.lookup.kv.walk(&table, &keys::behind(&table), |_, value| {
            let (key, its, issued_by) = touched::certificate_value(value).ok_or_else(bad)?;
            // In DER a number with its top bit set has a zero byte before it.
            let its = &its[its.iter().take_while(|byte| **byte == 0).count()..];
            if its == serial.as_slice() && issued_by == issuer {
                found = Some(key);
            }
            Ok(found.is_none())
        })?;
        Ok(found)
    }

    fn sealed(&self, cursor: Cursor, record: &Record) -> Result<Option<Touched>, StoreError> {
        let sealer = || touched::sealer_of(record).ok_or_else(|| bad("of keys"));
        let (dispatch, what) = match record {
            Record::Held(held) => {
                // Custody that began again is told once.
                if self.lookup.held_at(&held.dispatch)? != Some(cursor.position) {
                    return Ok(None);
                }
                (held.dispatch, What::Dispatch)
            }
            Record::Statement(statement) => (statement.dispatch, What::Statement(sealer()?)),
            Record::Void(void) => (void.statement, What::Void(sealer()?)),
            _ => return Err(bad("of keys").into()),
        };
        let certificate = touched::certificate_of(record);
        Ok(Some(Touched { at: cursor.time, dispatch, what, certificate }))
    }
}

/// What a record holds of a node.
fn of_node(
    items: &mut Vec<Touched>,
    cursor: Cursor,
    value: &[u8],
    record: &Record,
    epoch: Option<&EpochId>,
) -> Result<(), StoreError> {
    let dispatch = record.dispatch().ok_or_else(|| bad("of nodes"))?;
    for part in touched::parts(value) {
        let what = match (part, record) {
            // Which key opened the session, nobody wrote down; it belongs to no epoch.
            (Part::Transfer, _) if epoch.is_some() => continue,
            (Part::Transfer, _) => What::Transfer,
            (Part::Receipt, Record::Evidence(own)) => said(&own.evidence),
            (Part::Receipt, Record::Earlier(own)) => said(&own.evidence),
            (Part::Receipt, Record::Foreign(foreign)) => said(&foreign.evidence),
            (Part::Upstream(n), Record::Held(held)) => upstream(held.receipts.get(n))?,
            (Part::Upstream(n), Record::Legs(legs)) => upstream(legs.receipts.get(n))?,
            _ => return Err(bad("of nodes").into()),
        };
        let other = matches!((&what, epoch), (What::Receipt(e), Some(asked)) if e.epoch != *asked);
        if !other {
            items.push(Touched { at: cursor.time, dispatch, what, certificate: None });
        }
    }
    Ok(())
}

fn upstream(raw: Option<&std::sync::Arc<[u8]>>) -> Result<What, IndexError> {
    let receipt = raw.and_then(|raw| Receipt::parse(raw).ok()).ok_or_else(|| bad("of receipts"))?;
    Ok(said(receipt.record()))
}

fn said(e: &EvidenceRecord) -> What {
    What::Receipt(Box::new(e.clone()))
}

fn bad(what: &str) -> IndexError {
    IndexError::damaged(format_args!("an entry {what} leads elsewhere"))
}
