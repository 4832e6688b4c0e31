//! What became of the numbers of an originator, for whoever looks for gaps.

use super::{StoreError, StoreReader};
use crate::index::numbers::{self, ACCEPTED, ASSIGNED, NO_LEAF, REFUSED, VOID};
use crate::index::ordered::take_uint;
use crate::index::{IndexError, keys};
use crate::journal::Position;
use std::sync::Arc;
use tram_dispatch::envelope::Sequence;
use tram_dispatch::{AgencyCode, DispatchId, UnixMillis};
use tram_engine::NumberUse;
use tram_engine::record::{Numbered, Record};

/// So many things are known of one number at most, unless somebody numbers twice.
const USES: usize = 8;

/// One thing known of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberEntry {
    /// The number.
    pub number: u64,
    /// What.
    pub what: NumberUse,
    /// When, by this node's clock.
    pub at: UnixMillis,
    /// The leaf that says so; `None` for an assignment, and where an earlier epoch said so.
    pub leaf: Option<u64>,
    at_record: Position,
}

impl StoreReader {
    /// The newest admission of an originator; 0 where there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn newest_admission(&self, originator: &AgencyCode) -> Result<u64, StoreError> {
        let all = keys::numbers(keys::ADMISSIONS, originator, &[]);
        let behind = keys::behind(&all);
        let kv = &self.lookup.kv;
        let Some((first, _)) = kv.page(&all, &behind, 1)?.into_iter().next() else {
            return Ok(0);
        };
        let Some((_, [first])) = numbers::agency_and_numbers::<1>(&first) else {
            return Err(bad().into());
        };
        let key = |number| keys::numbers(keys::ADMISSIONS, originator, &[number]);
        Ok(numbers::newest(kv, first, &behind, key)?)
    }

    /// The last admission of an originator below a number: (number, leaf).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn admission_before(
        &self,
        originator: &AgencyCode,
        number: u64,
    ) -> Result<Option<(u64, u64)>, StoreError> {
        let key = |numbers: &[u64]| keys::numbers(keys::ADMISSIONS, originator, numbers);
        let (all, behind) = (key(&[]), key(&[number]));
        let kv = &self.lookup.kv;
        let Some((first, _)) = kv.page(&all, &behind, 1)?.into_iter().next() else {
            return Ok(None);
        };
        let (_, [first]) = numbers::agency_and_numbers::<1>(&first).ok_or_else(bad)?;
        let last = numbers::newest(kv, first, &behind, |number| key(&[number]))?;
        Ok(self.admissions(originator, last, 1)?.first().copied())
    }

    /// Admissions of an originator from a number on, at most so many: (number, leaf), ascending.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn admissions(
        &self,
        originator: &AgencyCode,
        from: u64,
        max: usize,
    ) -> Result<Vec<(u64, u64)>, StoreError> {
        let start = keys::numbers(keys::ADMISSIONS, originator, &[from]);
        let end = keys::behind(&keys::numbers(keys::ADMISSIONS, originator, &[]));
        let mut found = Vec::new();
        for (key, value) in self.lookup.kv.page(&start, &end, max)? {
            let (_, [number]) = numbers::agency_and_numbers::<1>(&key).ok_or_else(bad)?;
            found.push((number, take_uint(&mut value.as_slice()).ok_or_else(bad)?));
        }
        Ok(found)
    }

    /// The series of an originator that something is known of, ascending; at most so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn series_of(&self, originator: &AgencyCode, max: usize) -> Result<Vec<u64>, StoreError> {
        let all = keys::numbers(keys::SEQUENCES, originator, &[]);
        let (mut from, end) = (all.clone(), keys::behind(&all));
        let mut found = Vec::new();
        while found.len() < max
            && let Some((key, _)) = self.lookup.kv.page(&from, &end, 1)?.first()
        {
            let (_, [series]) = numbers::agency_and_numbers::<1>(key).ok_or_else(bad)?;
            found.push(series);
            from = keys::behind(&keys::numbers(keys::SEQUENCES, originator, &[series]));
        }
        Ok(found)
    }

    /// What is known of the numbers of a series from one on, at most so many entries, by number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn numbers(
        &self,
        originator: &AgencyCode,
        series: u64,
        from: u64,
        max: usize,
    ) -> Result<Vec<NumberEntry>, StoreError> {
        let start = keys::numbers(keys::SEQUENCES, originator, &[series, from]);
        let end = keys::behind(&keys::numbers(keys::SEQUENCES, originator, &[series]));
        let page = self.lookup.kv.page(&start, &end, max)?;
        let entries = page.iter().map(|(key, value)| entry(originator, key, value));
        Ok(entries.collect::<Option<Vec<_>>>().ok_or_else(bad)?)
    }

    /// What became of a number, and when; an assignment is no use yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn number_use(
        &self,
        originator: &AgencyCode,
        sequence: Sequence,
    ) -> Result<Option<(NumberUse, UnixMillis)>, StoreError> {
        let Sequence { series, number } = sequence;
        let known = self.numbers(originator, series, number, USES)?;
        let used = |e: &&NumberEntry| e.number == number && e.what != NumberUse::Assigned;
        Ok(known.iter().find(used).map(|entry| (entry.what, entry.at)))
    }

    /// The record that assigned a number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn assignment(&self, entry: &NumberEntry) -> Result<Option<Numbered>, StoreError> {
        Ok(match self.lookup.record(entry.at_record)? {
            Record::Numbered(numbered) => Some(numbered),
            _ => None,
        })
    }

    /// The bytes of a void statement, by what stands for a dispatch id in its evidence.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn void_statement(&self, statement: &DispatchId) -> Result<Option<Arc<[u8]>>, StoreError> {
        let records = self.lookup.records_of(statement)?;
        Ok(records.into_iter().find_map(|record| match record {
            Record::Void(void) => Some(void.raw),
            _ => None,
        }))
    }
}

fn entry(originator: &AgencyCode, key: &[u8], value: &[u8]) -> Option<NumberEntry> {
    let (_, [series, number]) = numbers::agency_and_numbers::<2>(key)?;
    let prefix = keys::numbers(keys::SEQUENCES, originator, &[series, number]);
    let what = match *key.get(prefix.len())? {
        ASSIGNED => NumberUse::Assigned,
        ACCEPTED => NumberUse::Accepted,
        REFUSED => NumberUse::Refused,
        VOID => NumberUse::Void,
        _ => return None,
    };
    let at_record = keys::position_of(key, prefix.len() + 1)?;
    let mut value = value;
    let at = UnixMillis(take_uint(&mut value)?);
    let leaf = take_uint(&mut value)?;
    let leaf = (what != NumberUse::Assigned && leaf != NO_LEAF).then_some(leaf);
    Some(NumberEntry { number, what, at, leaf, at_record })
}

fn bad() -> IndexError {
    IndexError::damaged("an entry of a number cannot be read")
}
