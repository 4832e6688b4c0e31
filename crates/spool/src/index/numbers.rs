//! Numbers: what this node decided about each submission of an originator, and what became of each number
//! of an originator's series.

use super::indexer::put;
use super::kv::{Kv, Put};
use super::ordered::{position, put_uint, take_position, take_uint};
use super::{IndexError, keys};
use crate::journal::Position;
use std::collections::BTreeMap;
use tram_dispatch::envelope::Sequence;
use tram_dispatch::{AgencyCode, Event, EvidenceRecord};
use tram_engine::record::{Numbered, OwnEvidence};

/// The key provider of this node assigned it.
pub(crate) const ASSIGNED: u8 = 1;
/// The first node took custody.
pub(crate) const ACCEPTED: u8 = 2;
/// The first node refused, with evidence.
pub(crate) const REFUSED: u8 = 3;
/// A statement says that it stays unused.
pub(crate) const VOID: u8 = 4;

/// All series that this node's key provider counts.
pub(crate) type AllSeries = BTreeMap<(AgencyCode, u64), SeriesLatest>;

/// How far a series of this node's key provider has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeriesLatest {
    pub(crate) last: u64,
    /// Numbers neither used nor void, with the records that assigned them.
    pub(crate) open: BTreeMap<u64, Position>,
}

/// What stands for a leaf where the receipt is of an earlier epoch of the log.
pub(crate) const NO_LEAF: u64 = u64::MAX;

/// Evidence of an earlier epoch: admissions are numbered anew, the originators' series run on.
pub(super) fn put_earlier(
    out: &mut Vec<Put>,
    series: &mut AllSeries,
    at: Position,
    e: &EvidenceRecord,
) {
    put_sequence(out, series, at, e, NO_LEAF);
}

pub(super) fn put_evidence(
    out: &mut Vec<Put>,
    series: &mut AllSeries,
    at: Position,
    own: &OwnEvidence,
) {
    let e = &own.evidence;
    if let Some(number) = e.admission {
        let key = keys::numbers(keys::ADMISSIONS, &e.originator, &[number]);
        let mut leaf = Vec::with_capacity(9);
        put_uint(&mut leaf, own.leaf.index);
        put(out, key, leaf);
    }
    put_sequence(out, series, at, e, own.leaf.index);
}

fn put_sequence(
    out: &mut Vec<Put>,
    series: &mut AllSeries,
    at: Position,
    e: &EvidenceRecord,
    leaf: u64,
) {
    let what = match e.event {
        Event::SubmissionAcceptance => ACCEPTED,
        Event::SubmissionRejection => REFUSED,
        Event::SequenceVoid => VOID,
        _ => return,
    };
    let Some(Sequence { series: of, number }) = e.sequence else { return };
    let mut key = keys::numbers(keys::SEQUENCES, &e.originator, &[of, number]);
    key.push(what);
    let mut value = Vec::with_capacity(18);
    put_uint(&mut value, e.time.0);
    put_uint(&mut value, leaf);
    put(out, keys::at(key, at), value);
    if let Some(known) = series.get_mut(&(e.originator.clone(), of))
        && known.open.remove(&number).is_some()
    {
        out.push((keys::numbers(keys::OPEN_NUMBERS, &e.originator, &[of, number]), None));
    }
}

pub(super) fn put_numbered(
    out: &mut Vec<Put>,
    series: &mut AllSeries,
    at: Position,
    numbered: &Numbered,
) {
    let (agency, Sequence { series: of, number }) = (&numbered.originator, numbered.sequence);
    let mut key = keys::numbers(keys::SEQUENCES, agency, &[of, number]);
    key.push(ASSIGNED);
    let mut value = Vec::with_capacity(18);
    put_uint(&mut value, numbered.at.0);
    put_uint(&mut value, 0);
    put(out, keys::at(key, at), value);
    let known = series.entry((agency.clone(), of)).or_default();
    known.last = known.last.max(number);
    known.open.insert(number, at);
    let mut last = Vec::with_capacity(9);
    put_uint(&mut last, known.last);
    put(out, keys::numbers(keys::SERIES, agency, &[of]), last);
    put(out, keys::numbers(keys::OPEN_NUMBERS, agency, &[of, number]), position(at));
}

/// Reads back how far every series has come.
pub(crate) fn load(kv: &Kv) -> Result<AllSeries, IndexError> {
    let bad = || IndexError::damaged("an entry of a series cannot be read");
    let mut all = AllSeries::new();
    for (key, value) in kv.all(&[keys::SERIES])? {
        let (agency, of) = agency_and_numbers::<1>(&key).ok_or_else(bad)?;
        let last = take_uint(&mut value.as_slice()).ok_or_else(bad)?;
        all.insert((agency, of[0]), SeriesLatest { last, open: BTreeMap::new() });
    }
    for (key, value) in kv.all(&[keys::OPEN_NUMBERS])? {
        let (agency, of) = agency_and_numbers::<2>(&key).ok_or_else(bad)?;
        let at = take_position(&mut value.as_slice()).ok_or_else(bad)?;
        all.get_mut(&(agency, of[0])).ok_or_else(bad)?.open.insert(of[1], at);
    }
    Ok(all)
}

/// The keys of what changes in these tables, for the check.
pub(crate) fn changing_keys(all: &AllSeries) -> impl Iterator<Item = Vec<u8>> {
    all.iter().flat_map(|((agency, of), known)| {
        let open = known.open.keys();
        let open = open.map(|number| keys::numbers(keys::OPEN_NUMBERS, agency, &[*of, *number]));
        open.chain([keys::numbers(keys::SERIES, agency, &[*of])])
    })
}

/// Of each originator the newest admission: found by halving, for the table may be long.
pub(crate) fn newest_admissions(kv: &Kv) -> Result<Vec<(AgencyCode, u64)>, IndexError> {
    let bad = || IndexError::damaged("an entry of an admission cannot be read");
    let mut found = Vec::new();
    let (mut from, end) = (vec![keys::ADMISSIONS], keys::behind(&[keys::ADMISSIONS]));
    while let Some((key, _)) = kv.page(&from, &end, 1)?.first() {
        let (agency, [first]) = agency_and_numbers::<1>(key).ok_or_else(bad)?;
        let behind = keys::behind(&keys::numbers(keys::ADMISSIONS, &agency, &[]));
        let last = newest(kv, first, &behind, |number| {
            keys::numbers(keys::ADMISSIONS, &agency, &[number])
        })?;
        found.push((agency, last));
        from = behind;
    }
    Ok(found)
}

/// The largest number in a table of which `there` is in it; `behind` is the end of its keys.
pub(crate) fn newest(
    kv: &Kv,
    there: u64,
    behind: &[u8],
    key: impl Fn(u64) -> Vec<u8>,
) -> Result<u64, IndexError> {
    let (mut low, mut high) = (there, u64::MAX);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        match kv.page(&key(middle), behind, 1)?.is_empty() {
            true => high = middle - 1,
            false => low = middle,
        }
    }
    Ok(low)
}

/// The agency of a key and the first integers behind it.
pub(crate) fn agency_and_numbers<const N: usize>(key: &[u8]) -> Option<(AgencyCode, [u64; N])> {
    let rest = key.get(1..)?;
    let zero = rest.iter().position(|byte| *byte == 0)?;
    let agency = std::str::from_utf8(&rest[..zero]).ok()?;
    let agency = AgencyCode::parse_canonical(agency).ok()?;
    let mut rest = rest.get(zero + 1..)?;
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = take_uint(&mut rest)?;
    }
    Some((agency, numbers))
}
