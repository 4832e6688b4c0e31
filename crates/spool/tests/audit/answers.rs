//! The store's answers beside those that follow from what the generator remembers.

use crate::country::{BEGIN, Country, DAY_MS, End, Leg};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tram_crypto::Sign;
use tram_dispatch::{AgencyCode, Code, Day, DispatchId, Event, UnixMillis};
use tram_engine::Record;
use tram_spool::check::CheckOptions;
use tram_spool::disk::RealDisk;
use tram_spool::store::{
    ArrivalQuery, BetweenQuery, Cursor, NumberQuery, Page, Party, RefusalQuery, Store,
    StoreOptions, StoreReader, Tally,
};
use tram_wire::Receipt;

/// Counts by party and agency.
type Sums = [HashMap<String, Tally>; 2];

pub(crate) struct Answers<'a> {
    pub(crate) reader: &'a StoreReader,
    pub(crate) country: &'a Country,
    /// Registered on the day of arrival or the next one, summed up by the last question.
    pub(crate) in_time: RefCell<[HashMap<String, u64>; 2]>,
}

/// How long it takes, in microseconds, and what it gives.
pub(crate) fn timed<T>(answer: &dyn Fn() -> T) -> (u128, T) {
    let begun = Instant::now();
    let found = answer();
    (begun.elapsed().as_micros(), found)
}

/// The check of a whole store finds nothing.
pub(crate) fn check(directory: &Path, options: StoreOptions) {
    let store = StoreOptions { directory: Some(directory.to_owned()), ..options };
    let options = CheckOptions { store, rebuild_index: false };
    let disk = Arc::new(RealDisk::open(directory).unwrap());
    let report = tram_spool::check::check(disk, &options, None, &mut |_| {}).unwrap();
    assert!(report.is_ok() && report.findings.is_empty(), "{report:?}");
}

fn pages<T>(mut page: impl FnMut(Option<Cursor>) -> Page<T>) -> Vec<T> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let Page { items, next } = page(after);
        all.extend(items);
        match next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

impl Answers<'_> {
    /// With a store opened for it.
    pub(crate) fn of(
        directory: &Path,
        country: &Country,
        options: StoreOptions,
        ask: impl FnOnce(&Answers<'_>),
    ) {
        let (store, ..) = Store::open_dir(directory, options).unwrap();
        let reader = store.reader();
        ask(&Answers { reader: &reader, country, in_time: RefCell::default() });
    }

    fn middle(&self) -> &Leg {
        let legs = &self.country.legs;
        let arrived = legs[legs.len() / 2..].iter().find(|leg| leg.arrived.is_some());
        arrived.unwrap()
    }

    fn agency(&self, index: u16) -> &AgencyCode {
        &self.country.agencies[usize::from(index)]
    }

    pub(crate) fn one_dispatch(&self) -> u64 {
        let id = self.country.dispatches[self.middle().dispatch as usize];
        let records = self.reader.records_of(&id).unwrap();
        assert!(matches!(&records[0], Record::Held(held) if held.dispatch == id));
        records.len() as u64
    }

    pub(crate) fn one_number(&self) -> u64 {
        let leg = self.middle();
        let id = self.country.dispatches[leg.dispatch as usize];
        let Record::Held(held) = self.reader.records_of(&id).unwrap().remove(0) else { panic!() };
        let number = held.reference.as_str().trim_end_matches("/CV").to_owned();
        let agency = self.agency(leg.originator);
        let ask = |number: String, notation: Option<&str>, year| {
            let notation = notation.map(str::to_owned);
            self.reader.numbered(agency, &NumberQuery { number, notation, year }).unwrap()
        };
        assert_eq!(ask(number.clone(), None, None), [id]);
        assert_eq!(ask(format!("{number}/cv-ubnd"), None, Some(2026)), [id]);
        assert_eq!(ask(number.clone(), Some("CV-UBND"), Some(2026)), [id]);
        for (notation, year) in [(Some("BC-UBND"), None), (None, Some(2025))] {
            assert!(ask(number.clone(), notation, year).is_empty());
        }
        assert!(ask(format!("{number}0000000"), None, None).is_empty());
        1
    }

    pub(crate) fn between(&self) -> u64 {
        let leg = self.middle();
        let (from, to) = (leg.sent - 20 * DAY_MS, leg.sent + 10 * DAY_MS);
        let query = BetweenQuery {
            from: Some(UnixMillis(from)),
            to: Some(UnixMillis(to)),
            after: None,
            limit: 500,
        };
        let (a, b) = (self.agency(leg.originator), self.agency(leg.recipient));
        self.reader.between(a, b, &query).unwrap().items.len() as u64
    }

    pub(crate) fn every_leg_between(&self) {
        let mut want: BTreeMap<(u16, u16), BTreeSet<DispatchId>> = BTreeMap::new();
        for leg in &self.country.legs {
            let id = self.country.dispatches[leg.dispatch as usize];
            want.entry((leg.originator, leg.recipient)).or_default().insert(id);
        }
        for ((a, b), want) in want.into_iter().take(200) {
            let found = pages(|after| {
                let query = BetweenQuery { after, limit: 3, ..BetweenQuery::default() };
                self.reader.between(self.agency(a), self.agency(b), &query).unwrap()
            });
            assert_eq!(found.len(), want.len());
            assert_eq!(BTreeSet::from_iter(found), want);
            // Two dates: those in the middle of it.
            let held = |id: &DispatchId| match &self.reader.records_of(id).unwrap()[0] {
                Record::Held(held) => held.at,
                _ => panic!("{id}"),
            };
            let mut times: Vec<UnixMillis> = want.iter().map(held).collect();
            times.sort_unstable();
            let (from, to) = (times[times.len() / 4], times[times.len() * 3 / 4]);
            let query = BetweenQuery { from: Some(from), to: Some(to), after: None, limit: 500 };
            let found = self.reader.between(self.agency(a), self.agency(b), &query).unwrap();
            let within = want.iter().filter(|id| (from..to).contains(&held(id)));
            assert_eq!(BTreeSet::from_iter(&found.items), BTreeSet::from_iter(within));
        }
    }

    fn month(&self) -> (UnixMillis, UnixMillis) {
        let end = self.country.now;
        (UnixMillis(end.saturating_sub(40 * DAY_MS)), UnixMillis(end - 5 * DAY_MS))
    }

    fn refusals(&self, query: &RefusalQuery) -> Vec<(u64, Event, Code)> {
        let found =
            pages(|after| self.reader.refusals(&RefusalQuery { after, ..query.clone() }).unwrap());
        let mut found: Vec<_> = found
            .into_iter()
            .map(|item| (item.evidence.time.0, item.evidence.event, item.evidence.reason.unwrap()))
            .collect();
        found.sort();
        found
    }

    fn remembered(&self, keep: impl Fn(u64, Event, Code) -> bool) -> Vec<(u64, Event, Code)> {
        let all = self.country.refusals.iter().map(|r| (r.time, r.event, r.code));
        let mut all: Vec<_> = all.filter(|(t, e, c)| keep(*t, *e, *c)).collect();
        all.sort();
        all
    }

    pub(crate) fn every_page_of_refusals(&self) {
        let refused = |e| {
            matches!(
                e,
                Event::SubmissionRejection | Event::RelayRejection | Event::ConsignmentRejection
            )
        };
        let query = RefusalQuery { limit: 7, ..RefusalQuery::default() };
        assert_eq!(self.refusals(&query), self.remembered(|_, e, _| refused(e)));
        let all = RefusalQuery { failures: true, limit: 400, ..RefusalQuery::default() };
        assert_eq!(self.refusals(&all), self.remembered(|_, _, _| true));
        let code = Some(Code::RecipientUnknown);
        let unknown = RefusalQuery { code, limit: 500, ..RefusalQuery::default() };
        assert_eq!(
            self.refusals(&unknown),
            self.remembered(|_, e, c| refused(e) && c == Code::RecipientUnknown)
        );
        let (from, to) = self.month();
        let node = Some(self.country.node.clone());
        let mine = RefusalQuery { node, from: Some(from), to: Some(to), code, ..unknown.clone() };
        assert_eq!(
            self.refusals(&mine),
            self.remembered(|t, e, c| {
                refused(e) && c == Code::RecipientUnknown && (from.0..to.0).contains(&t)
            })
        );
        let other = RefusalQuery { node: Some("n1.H99".parse().unwrap()), ..unknown };
        assert!(self.refusals(&other).is_empty());
    }

    pub(crate) fn refusals_of_a_month(&self) -> u64 {
        let (from, to) = self.month();
        let query =
            RefusalQuery { from: Some(from), to: Some(to), limit: 500, ..RefusalQuery::default() };
        self.reader.refusals(&query).unwrap().items.len() as u64
    }

    pub(crate) fn refusals_by_code(&self) -> u64 {
        let code = Some(Code::SecretRefused);
        let query = RefusalQuery { code, limit: 500, ..RefusalQuery::default() };
        self.reader.refusals(&query).unwrap().items.len() as u64
    }

    pub(crate) fn refusals_by_node(&self) -> u64 {
        let node = Some(self.country.node.clone());
        let query = RefusalQuery { node, limit: 500, ..RefusalQuery::default() };
        self.reader.refusals(&query).unwrap().items.len() as u64
    }

    fn border(&self) -> UnixMillis {
        // Two days ago at midnight: what a calendar of working days would say.
        Day(Day::of(UnixMillis(self.country.now)).0 - 2).start()
    }

    fn waiting(&self, leg: &Leg) -> bool {
        let open = matches!(leg.end, End::None);
        open && leg.arrived.is_some_and(|at| at < self.border().0)
    }

    pub(crate) fn overdue(&self) -> u64 {
        let query = ArrivalQuery { to: Some(self.border()), limit: 500, ..ArrivalQuery::default() };
        self.reader.arrivals(&query).unwrap().items.len() as u64
    }

    pub(crate) fn overdue_of_one(&self) -> u64 {
        let leg = self.country.legs.iter().find(|leg| self.waiting(leg)).unwrap();
        let recipient = Some(self.agency(leg.recipient).clone());
        let query = ArrivalQuery {
            to: Some(self.border()),
            recipient,
            limit: 500,
            ..ArrivalQuery::default()
        };
        let found = self.reader.arrivals(&query).unwrap();
        assert!(!found.items.is_empty() || found.next.is_some());
        found.items.len() as u64
    }

    pub(crate) fn every_page_of_overdue(&self) {
        let key = |leg: &Leg| {
            let (from, to) = (self.agency(leg.originator), self.agency(leg.recipient));
            let id = self.country.dispatches[leg.dispatch as usize];
            (UnixMillis(leg.arrived.unwrap_or(0)), id, from.clone(), to.clone())
        };
        for late in [false, true] {
            let to = if late { None } else { Some(self.border()) };
            let found = pages(|after| {
                let query = ArrivalQuery { late, to, after, limit: 13, ..ArrivalQuery::default() };
                self.reader.arrivals(&query).unwrap()
            });
            let mut found: Vec<_> = found
                .into_iter()
                .map(|a| (a.arrived, a.dispatch, a.originator, a.recipient))
                .collect();
            let wanted = |leg: &&Leg| match (late, leg.arrived, leg.end) {
                (true, Some(came), End::Registered(at)) => {
                    Day::of(UnixMillis(at)) > Day::of(UnixMillis(came))
                }
                (true, ..) => false,
                (false, ..) => self.waiting(leg),
            };
            let mut want: Vec<_> = self.country.legs.iter().filter(wanted).map(key).collect();
            found.sort();
            want.sort();
            assert_eq!(found, want, "late: {late}");
            assert!(!found.is_empty());
        }
    }

    pub(crate) fn late(&self) -> u64 {
        let (from, to) = self.month();
        let query = ArrivalQuery {
            late: true,
            from: Some(from),
            to: Some(to),
            limit: 500,
            ..ArrivalQuery::default()
        };
        self.reader.arrivals(&query).unwrap().items.len() as u64
    }

    fn days(&self, days: u32) -> (Day, Day) {
        let last = Day::of(UnixMillis(self.country.now));
        (Day::of(BEGIN).max(Day((last.0 + 1).saturating_sub(days))), last)
    }

    fn sums(&self, days: u32, agency: Option<&AgencyCode>) -> (u64, Sums) {
        let (first, last) = self.days(days);
        let (mut entries, mut sums) = (0, Sums::default());
        let mut in_times = [HashMap::new(), HashMap::new()];
        self.reader
            .tallies(first, last, agency, |month, party, agency, tally| {
                entries += 1;
                // By the end of the next day, whatever day that is; a week of nothing.
                let in_time = tally.registered_in_time(month, |day| day.next());
                let mine = &mut in_times[party as usize];
                match mine.get_mut(agency) {
                    Some(sum) => *sum += in_time,
                    None => _ = mine.insert(agency.to_owned(), in_time),
                }
                match sums[party as usize].get_mut(agency) {
                    Some(sum) => sum.add(tally),
                    None => _ = sums[party as usize].insert(agency.to_owned(), tally.clone()),
                }
            })
            .unwrap();
        self.in_time.replace(in_times);
        (entries, sums)
    }

    /// The counts of the last days, for each agency and party.
    pub(crate) fn statistics(&self, days: u32) -> u64 {
        self.sums(days, None).0
    }

    pub(crate) fn statistics_of_one(&self) -> u64 {
        self.sums(u32::MAX, Some(self.agency(self.middle().recipient))).0
    }

    /// The same, and every number compared with those of the legs.
    pub(crate) fn every_count(&self) {
        for days in [u32::MAX, 45, 9, 1] {
            let (first, last) = self.days(days);
            let all = self.sums(days, None).1;
            self.compare(&all, first, last);
            let agency = self.agency(self.middle().recipient);
            let one = self.sums(days, Some(agency)).1;
            for party in [Party::Originator, Party::Recipient] {
                let mine = one[party as usize].get(agency.as_str());
                assert_eq!(mine, all[party as usize].get(agency.as_str()));
                assert!(one[party as usize].len() <= 1);
            }
        }
    }

    fn compare(&self, found: &Sums, first: Day, last: Day) {
        let within = |ms: u64| (first..=last).contains(&Day::of(UnixMillis(ms)));
        type Counts = [u64; 8];
        let mut want: BTreeMap<(u16, Party), (Counts, Vec<u64>)> = BTreeMap::new();
        let mut in_time: BTreeMap<(u16, Party), u64> = BTreeMap::new();
        for leg in &self.country.legs {
            let parties = [(leg.originator, Party::Originator), (leg.recipient, Party::Recipient)];
            for key in parties {
                let (counts, lags) = want.entry(key).or_default();
                if within(leg.sent) {
                    counts[0] += 1;
                    counts[1] += u64::from(leg.arrived.is_some());
                    counts[2] += u64::from(leg.end == End::Refused);
                    counts[3] += u64::from(leg.end == End::Failed);
                    counts[4] += u64::from(leg.end == End::Expired);
                }
                if let Some(came) = leg.arrived.filter(|ms| within(*ms)) {
                    counts[5] += 1;
                    counts[6] += u64::from(matches!(leg.end, End::Returned(_)));
                    if let End::Registered(at) = leg.end {
                        counts[7] += 1;
                        lags.push(at - came);
                        let [came, at] = [came, at].map(|ms| Day::of(UnixMillis(ms)));
                        *in_time.entry(key).or_default() += u64::from(at <= came.next());
                    }
                }
            }
        }
        let mut compared = 0;
        for ((index, party), (counts, mut lags)) in want {
            let agency = self.agency(index);
            let none = Tally::default();
            let t = found[party as usize].get(agency.as_str()).unwrap_or(&none);
            let got = [
                t.sent,
                t.arrived,
                t.refused,
                t.failed,
                t.expired,
                t.came,
                t.returned,
                t.registered,
            ];
            assert_eq!(got, counts, "{agency} {party:?}");
            lags.sort_unstable();
            if let Some(median) = lags.get(lags.len().div_ceil(2).saturating_sub(1)) {
                let found = t.to_register.percentile_ms(50).unwrap();
                assert!(found.abs_diff(*median) * 16 <= *median, "{found} {median}");
            }
            assert_eq!(t.to_arrive.count(), t.arrived);
            let found = self.in_time.borrow()[party as usize].get(agency.as_str()).copied();
            assert_eq!(found.unwrap_or(0), in_time.get(&(index, party)).copied().unwrap_or(0));
            compared += 1;
        }
        assert!(compared > 0);
    }

    /// Receipts of leaves here and there: each proof leads to a root that is really signed.
    pub(crate) fn receipts_verify(&self, count: u64) {
        let size = self.reader.log_head().size;
        let key = self.country.key.public_key();
        for n in 0..count {
            let leaf = 1 + (n * 2_654_435_761) % (size - 1);
            let receipt = self.reader.receipt(leaf).unwrap().unwrap();
            let receipt = Receipt::parse(receipt.raw()).unwrap();
            assert_eq!(receipt.leaf_index(), leaf);
            let signature = &receipt.signed_root().signature;
            key.verify(self.country.key.algorithm(), &receipt.to_be_signed(), signature).unwrap();
        }
    }
}
