//! Counts over many days: of each agency, or of one.

use super::{StoreError, StoreReader};
use crate::index::IndexError;
use crate::index::audit::period::cover;
use crate::index::audit::tally::next_weekday;
use crate::index::audit::{Party, Period, Span, Tally, tables};
use crate::index::keys;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use tram_dispatch::{AgencyCode, Day, WorkingDays};

/// So many threads read where every agency is counted. They mostly wait for the disk.
const COUNTERS: usize = 8;
/// Into so many parts the sums are divided, so that these threads seldom wait for each other.
const SHARDS: usize = 16;

/// The counts of one agency as one party, over all days asked for.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// The counts.
    pub tally: Tally,
    in_time: i64,
}

/// By party (as its number), then by agency.
pub type Sums = [HashMap<String, Sum>; 2];

/// What is read of a period.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// All of it.
    Whole,
    /// All of it, a single day; what was registered within so many midnights is in time.
    Day { within: u32 },
    /// Of a day that lies in a longer period, how many more or fewer were registered in time than by the end
    /// of the next weekday.
    Exception { within: u32 },
}

impl Sum {
    /// Of those registered: by the end of the next working day; of what is urgent, by its own deadline.
    #[must_use]
    pub fn registered_in_time(&self) -> u64 {
        u64::try_from(self.in_time).unwrap_or_default()
    }

    /// Adds the counts of another agency.
    pub fn add(&mut self, other: &Sum) {
        self.in_time += other.in_time;
        self.tally.add(&other.tally);
    }

    fn learn(&mut self, part: Part, tally: &Tally) {
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let promptly = signed(tally.registered_promptly);
        match part {
            Part::Whole => self.in_time += promptly,
            Part::Day { within } => self.in_time += signed(tally.registered_within(within)),
            Part::Exception { within } => {
                self.in_time += signed(tally.registered_within(within)) - promptly;
                return;
            }
        }
        self.tally.add(tally);
    }
}

impl StoreReader {
    /// Counts of the days from `from` to `to`, both included, of every agency and party, or of one agency; what
    /// is committed now is in it. What is registered in time, `calendar` says. Whole months and thirds of them are
    /// counted beforehand, so that a year takes reading at most some thirty entries for each agency, and one for
    /// each day on which a holiday moves the end of the next working day.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn statistics(
        &self,
        from: Day,
        to: Day,
        agency: Option<&AgencyCode>,
        calendar: &WorkingDays,
    ) -> Result<Sums, StoreError> {
        let parts = self.parts(from, to, calendar)?;
        // First those in memory: what leaves it meanwhile is found in the index.
        let newest = self.newest(&parts, agency);
        let mut sums = match agency {
            Some(agency) => self.sums_of(&parts, agency, &newest)?,
            None => self.sums_of_all(&parts, &newest)?,
        };
        for ((period, party), agencies) in &newest {
            let Some(part) = parts.get(period) else { continue };
            for (name, tally) in agencies {
                learn(&mut sums[*party as usize], name, *part, tally);
            }
        }
        Ok(sums)
    }

    /// What has to be read.
    fn parts(
        &self,
        from: Day,
        to: Day,
        calendar: &WorkingDays,
    ) -> Result<BTreeMap<Period, Part>, StoreError> {
        let mut parts = BTreeMap::new();
        for month in self.months(from, to)? {
            for period in cover(from.max(month.first()), to.min(month.last())) {
                let within = |day: Day| calendar.next_working(day).since(day);
                if period.span == Span::Day {
                    parts.insert(period, Part::Day { within: within(period.first()) });
                    continue;
                }
                parts.insert(period, Part::Whole);
                for day in (period.first().0..=period.last().0).map(Day) {
                    let within = within(day);
                    if day.0.saturating_add(within) != next_weekday(day).0 {
                        parts.insert(Span::Day.of(day), Part::Exception { within });
                    }
                }
            }
        }
        Ok(parts)
    }

    /// The months in which anything is counted.
    fn months(&self, from: Day, to: Day) -> Result<BTreeSet<Period>, StoreError> {
        let (first, last) = (Span::Month.of(from), Span::Month.of(to));
        let mut months: BTreeSet<Period> = {
            let live = self.tallies.0.read().unwrap_or_else(PoisonError::into_inner);
            let periods = live.values().flatten().flatten().map(|(period, _)| *period);
            periods.filter(|period| (first..=last).contains(period)).collect()
        };
        let end = keys::behind(&tables::tallies(last));
        let mut start = tables::tallies(first);
        loop {
            let mut found = None;
            self.lookup.kv.walk(&start, &end, |key, _| {
                let (month, ..) = tables::tally_key(key).ok_or_else(bad)?;
                found = Some(month);
                Ok(false)
            })?;
            let Some(month) = found else { return Ok(months) };
            months.insert(month);
            start = keys::behind(&tables::tallies(month));
        }
    }

    fn newest(&self, parts: &BTreeMap<Period, Part>, agency: Option<&AgencyCode>) -> Newest {
        let mut newest = Newest::new();
        let live = self.tallies.0.read().unwrap_or_else(PoisonError::into_inner);
        for (name, parties) in live.iter().filter(|(a, _)| agency.is_none_or(|asked| asked == *a)) {
            for (party, periods) in [Party::Originator, Party::Recipient].into_iter().zip(parties) {
                for (period, counted) in periods.iter().filter(|(p, _)| parts.contains_key(p)) {
                    let mine = newest.entry((*period, party)).or_default();
                    mine.insert(name.as_str().to_owned(), counted.tally.clone());
                }
            }
        }
        newest
    }

    fn sums_of(
        &self,
        parts: &BTreeMap<Period, Part>,
        agency: &AgencyCode,
        newest: &Newest,
    ) -> Result<Sums, StoreError> {
        let (mut sums, mut tally) = (Sums::default(), Tally::default());
        for (period, part) in parts {
            for party in [Party::Originator, Party::Recipient] {
                let key = tables::tally(*period, party, agency.as_str());
                if let Some(value) = self.lookup.kv.get(&key)?
                    && newer_than(newest, &key)?.is_some()
                {
                    tally.set(&value)?;
                    learn(&mut sums[party as usize], agency.as_str(), *part, &tally);
                }
            }
        }
        Ok(sums)
    }

    fn sums_of_all(
        &self,
        parts: &BTreeMap<Period, Part>,
        newest: &Newest,
    ) -> Result<Sums, StoreError> {
        let parts: Vec<_> = parts.iter().collect();
        let next = AtomicUsize::new(0);
        let shards = Shards::default();
        let read = || -> Result<(), IndexError> {
            let mut tally = Tally::default();
            while let Some((period, part)) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                let start = tables::tallies(**period);
                self.lookup.kv.walk(&start, &keys::behind(&start), |key, value| {
                    if let Some((party, name)) = newer_than(newest, key)? {
                        tally.set(value)?;
                        shards.learn(party, name, **part, &tally);
                    }
                    Ok(true)
                })?;
            }
            Ok(())
        };
        let others = COUNTERS.min(parts.len()).saturating_sub(1);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..others).map(|_| scope.spawn(read)).collect();
            read()?;
            threads.into_iter().try_for_each(|t| t.join().unwrap_or_else(|_| Err(bad())))
        })?;
        Ok(shards.into_sums())
    }
}

/// Sums that several threads add to, each agency's in one place.
#[derive(Default)]
struct Shards([[Mutex<HashMap<String, Sum>>; SHARDS]; 2]);

impl Shards {
    fn learn(&self, party: Party, name: &str, part: Part, tally: &Tally) {
        let sum = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31) + usize::from(byte));
        let shard = &self.0[party as usize][sum % SHARDS];
        learn(&mut shard.lock().unwrap_or_else(PoisonError::into_inner), name, part, tally);
    }

    fn into_sums(self) -> Sums {
        let sums = |shard: Mutex<HashMap<_, _>>| {
            shard.into_inner().unwrap_or_else(PoisonError::into_inner)
        };
        self.0.map(|shards| shards.into_iter().flat_map(sums).collect())
    }
}

/// Counts that are newer than what the index says.
type Newest = BTreeMap<(Period, Party), HashMap<String, Tally>>;

/// Whose counts an entry of the index has, unless newer ones are known.
fn newer_than<'a>(newest: &Newest, key: &'a [u8]) -> Result<Option<(Party, &'a str)>, IndexError> {
    let (period, party, name) = tables::tally_key(key).ok_or_else(bad)?;
    let known = newest.get(&(period, party)).is_some_and(|known| known.contains_key(name));
    Ok((!known).then_some((party, name)))
}

fn learn(sums: &mut HashMap<String, Sum>, name: &str, part: Part, tally: &Tally) {
    // Most names are known: no copy of them.
    match sums.get_mut(name) {
        Some(sum) => sum.learn(part, tally),
        None => sums.entry(name.to_owned()).or_default().learn(part, tally),
    }
}

fn bad() -> IndexError {
    IndexError::damaged("an entry of counts cannot be read")
}
