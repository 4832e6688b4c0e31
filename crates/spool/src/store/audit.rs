//! The questions auditors ask, each answered from one table of the index.

use super::listing::{Cursor, PAGE_MAX, Page, Span, by_time};
use super::receipts::ReceiptItem;
use super::{ReceiptQuery, StoreError, StoreReader};
use crate::index::audit::{Party, Period, Tally, tables};
use crate::index::lookup::Tiles;
use crate::index::{IndexError, keys};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::PoisonError;
use tram_dispatch::{AgencyCode, Code, Day, DispatchId, Event, Month, NodeId, UnixMillis};

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
    /// Registered on a later day than it arrived; otherwise: waiting for the clerk now.
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
        let prefix = |time| match (&query.node, query.code) {
            (Some(node), _) => tables::refusal_by_node(node, time),
            (None, Some(code)) => tables::refusal_by_code(code, time),
            (None, None) => tables::refusal(time),
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
        // Which agency is only known from the record: those are few at a time.
        let looked_max = if query.agency.is_some() { 10 * PAGE_MAX } else { ENTRIES_LOOKED_AT_MAX };
        let tiles = Tiles::new(&self.lookup.kv);
        let asked = ReceiptQuery { agency: query.agency.clone(), ..ReceiptQuery::default() };
        let mut page = Page { items: Vec::new(), next: None };
        let mut span = span;
        let mut looked = 0;
        while page.items.len() < limit {
            let found = by_time(&self.lookup.kv, &span, prefix_len, prefix, PAGE_MAX)?;
            let (count, last) = (found.len(), found.last().map(|(cursor, _)| *cursor));
            for (cursor, value) in found {
                looked += 1;
                if wanted(&value) {
                    let record = self.lookup.record(cursor.position)?;
                    page.items.extend(self.receipt_item(cursor, record, &asked, &tiles)?);
                }
                if page.items.len() == limit {
                    page.next = Some(cursor);
                    return Ok(page);
                }
            }
            if count < PAGE_MAX {
                break;
            }
            span.after = last;
            if looked >= looked_max {
                page.next = last;
                break;
            }
        }
        Ok(page)
    }

    /// Legs that wait for a clerk, or were registered on a later day, by arrival.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn arrivals(&self, query: &ArrivalQuery) -> Result<Page<Arrival>, StoreError> {
        let limit = query.limit.clamp(1, PAGE_MAX);
        let from = query.from.unwrap_or_default();
        let start = match query.after {
            Some(after) if after.time >= from => {
                let mut key = keys::at(tables::arrivals(query.late, after.time), after.position);
                key.push(0);
                key
            }
            _ => tables::arrivals(query.late, from),
        };
        let end = match query.to {
            Some(to) => tables::arrivals(query.late, to),
            None => keys::behind(&start[..1]),
        };
        let mut page = Page { items: Vec::new(), next: None };
        let mut looked = 0;
        self.lookup.kv.walk(&start, &end, |key, value| {
            looked += 1;
            let (arrived, position) =
                tables::arrival_place(key).ok_or_else(|| bad("of arrivals"))?;
            let (dispatch, registered, originator, recipient) =
                tables::arrival(value).ok_or_else(|| bad("of arrivals"))?;
            if query.recipient.as_ref().is_none_or(|asked| *asked == recipient) {
                page.items.push(Arrival { dispatch, originator, recipient, arrived, registered });
            }
            let more = page.items.len() < limit && looked < ENTRIES_LOOKED_AT_MAX;
            if !more {
                page.next = Some(Cursor { time: arrived, position });
            }
            Ok(more)
        })?;
        Ok(page)
    }

    /// The days asked for, and those of the first and the last month beside them on which nothing is counted: a
    /// whole month is one entry where its days are thirty. What is counted first on one of those days while
    /// the question is answered may be in the answer.
    fn widened(&self, from: Day, to: Day) -> Result<(Day, Day), StoreError> {
        let start = Month::of(from).0.first();
        let behind = Month::of(to).0.next().first();
        let from = if self.is_uncounted(start, from)? { start } else { from };
        let to = if self.is_uncounted(to.next(), behind)? { Day(behind.0 - 1) } else { to };
        Ok((from, to))
    }

    /// Whether nothing is counted from the day `first` until before the day `behind`.
    fn is_uncounted(&self, first: Day, behind: Day) -> Result<bool, StoreError> {
        if first >= behind {
            return Ok(true);
        }
        {
            let live = self.tallies.0.read().unwrap_or_else(PoisonError::into_inner);
            let days = Period::Day(first)..Period::Day(behind);
            if live.keys().any(|(period, _)| days.contains(period)) {
                return Ok(false);
            }
        }
        let (start, end) = (Period::Day(first), Period::Day(behind));
        let (start, end) = (tables::tallies_from(start), tables::tallies_from(end));
        let mut empty = true;
        self.lookup.kv.walk(&start, &end, &mut |_: &[u8], _: &[u8]| {
            empty = false;
            Ok(false)
        })?;
        Ok(empty)
    }

    /// Shows the counts of the days from `from` to `to`, both included, of every agency and party, or
    /// of one agency: those of whole months together, the rest day by day. With each comes the first
    /// day of its month. In no order; what is committed now is in it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn tallies(
        &self,
        from: Day,
        to: Day,
        agency: Option<&AgencyCode>,
        mut each: impl FnMut(Day, Party, &str, &Tally),
    ) -> Result<(), StoreError> {
        let (from, to) = self.widened(from, to)?;
        let runs = runs(from, to);
        // First those in memory: what leaves it meanwhile is found in the index.
        let mut newest: BTreeMap<(Period, Party), BTreeMap<String, Tally>> = BTreeMap::new();
        {
            let live = self.tallies.0.read().unwrap_or_else(PoisonError::into_inner);
            for ((period, party), agencies) in live.iter() {
                if runs.iter().any(|run| run.contains(period)) {
                    let mine =
                        agencies.iter().filter(|(a, _)| agency.is_none_or(|asked| asked == *a));
                    let mine =
                        mine.map(|(a, counted)| (a.as_str().to_owned(), counted.tally.clone()));
                    newest.entry((*period, *party)).or_default().extend(mine);
                }
            }
        }
        let kv = &self.lookup.kv;
        let mut tally = Tally::default();
        let mut show = |key: &[u8], value: &[u8]| {
            let (period, party, name) = tables::tally_key(key).ok_or_else(|| bad("of counts"))?;
            if newest.get(&(period, party)).is_none_or(|known| !known.contains_key(name)) {
                tally.set(value)?;
                each(period.first(), party, name, &tally);
            }
            Ok(true)
        };
        for run in &runs {
            let Some(agency) = agency else {
                let (start, end) =
                    (tables::tallies_from(*run.start()), tables::tallies_from(*run.end()));
                kv.walk(&start, &keys::behind(&end), &mut show)?;
                continue;
            };
            for period in each_of(run) {
                for party in [Party::Originator, Party::Recipient] {
                    let key = tables::tally(period, party, agency.as_str());
                    if let Some(value) = kv.get(&key)? {
                        show(&key, &value)?;
                    }
                }
            }
        }
        for ((period, party), agencies) in &newest {
            for (name, tally) in agencies {
                each(period.first(), *party, name, tally);
            }
        }
        Ok(())
    }
}

/// Days before the first whole month, whole months, days behind them; only what there is of each.
fn runs(from: Day, to: Day) -> Vec<RangeInclusive<Period>> {
    let (first, day) = Month::of(from);
    let begin = if day == 1 { first } else { first.next() };
    // The first month that is not whole.
    let end = Month::of(to.next()).0;
    if begin >= end {
        return vec![Period::Day(from)..=Period::Day(to)];
    }
    let before = |day: Day| Day(day.0 - 1);
    let mut runs = vec![Period::Month(begin)..=Period::Month(Month(end.0 - 1))];
    if from < begin.first() {
        runs.push(Period::Day(from)..=Period::Day(before(begin.first())));
    }
    if end.first() <= to {
        runs.push(Period::Day(end.first())..=Period::Day(to));
    }
    runs
}

fn each_of(run: &RangeInclusive<Period>) -> Vec<Period> {
    match (run.start(), run.end()) {
        (Period::Day(a), Period::Day(b)) => (a.0..=b.0).map(|n| Period::Day(Day(n))).collect(),
        (Period::Month(a), Period::Month(b)) => {
            (a.0..=b.0).map(|n| Period::Month(Month(n))).collect()
        }
        _ => Vec::new(),
    }
}

fn bad(what: &str) -> IndexError {
    IndexError::damaged(format_args!("an entry {what} cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_whole_months_cover_a_span_once() {
        let start: Day = "2024-01-28".parse().unwrap();
        for from in (start.0..start.0 + 70).map(Day) {
            for to in (from.0..from.0 + 120).map(Day) {
                let mut covered = Vec::new();
                for period in runs(from, to).iter().flat_map(each_of) {
                    match period {
                        Period::Day(day) => covered.push(day),
                        Period::Month(m) => {
                            covered.extend((m.first().0..m.next().first().0).map(Day))
                        }
                    }
                }
                covered.sort_unstable();
                assert!(covered.into_iter().eq((from.0..=to.0).map(Day)), "{from} {to}");
            }
        }
    }
}
