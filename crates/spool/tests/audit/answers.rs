//! The store's answers beside those that follow from what the generator remembers.

use crate::country::{BEGIN, Country, DAY_MS, End, Leg};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tram_dispatch::envelope::Urgency;
use tram_dispatch::{AgencyCode, Code, Day, DispatchId, Event, UnixMillis, WorkingDays};
use tram_engine::Record;
use tram_spool::check::CheckOptions;
use tram_spool::disk::RealDisk;
use tram_spool::store::{
    ArrivalQuery, BetweenQuery, Cursor, Page, Party, RefusalQuery, Store, StoreOptions,
    StoreReader, Sum, Sums,
};

pub(crate) struct Answers<'a> {
    pub(crate) reader: &'a StoreReader,
    pub(crate) country: &'a Country,
}

/// The holidays of 2026, with two Saturdays worked instead.
pub(crate) fn calendar() -> WorkingDays {
    let days = |texts: &[&str]| texts.iter().map(|t| t.parse::<Day>().unwrap()).collect::<Vec<_>>();
    let closed = days(&[
        "2026-01-01",
        "2026-01-02",
        "2026-02-16",
        "2026-02-17",
        "2026-02-18",
        "2026-02-19",
        "2026-02-20",
        "2026-04-27",
        "2026-04-30",
        "2026-05-01",
        "2026-08-31",
        "2026-09-01",
        "2026-09-02",
    ]);
    WorkingDays::new([2026], closed, days(&["2026-01-10", "2026-08-22"])).unwrap()
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
        ask(&Answers { reader: &reader, country });
    }

    pub(crate) fn middle(&self) -> &Leg {
        let legs = &self.country.legs;
        let arrived = legs[legs.len() / 2..].iter().find(|leg| leg.arrived.is_some());
        arrived.unwrap()
    }

    pub(crate) fn agency(&self, index: u16) -> &AgencyCode {
        &self.country.agencies[usize::from(index)]
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
        // Of one agency, whatever it was to the dispatch; with a node, which the record alone tells.
        let leg = self.middle();
        for (agency, node) in [
            (leg.originator, None),
            (leg.recipient, None),
            (leg.originator, Some(self.country.node.clone())),
        ] {
            let name = self.agency(agency);
            let query = RefusalQuery {
                agency: Some(name.clone()),
                node,
                failures: true,
                limit: 3,
                ..RefusalQuery::default()
            };
            let mut want: Vec<_> = self.country.refusals.iter().collect();
            want.retain(|r| r.parties.contains(&Some(agency)));
            let mut want: Vec<_> = want.iter().map(|r| (r.time, r.event, r.code)).collect();
            want.sort();
            assert!(!want.is_empty());
            assert_eq!(self.refusals(&query), want, "{name}");
        }
        let other = RefusalQuery { node: Some("n1.H99".parse().unwrap()), ..unknown };
        assert!(self.refusals(&other).is_empty());
    }

    pub(crate) fn border(&self) -> UnixMillis {
        // Two days ago at midnight: what a calendar of working days would say.
        Day(Day::of(UnixMillis(self.country.now)).0 - 2).start()
    }

    pub(crate) fn waiting(&self, leg: &Leg) -> bool {
        let open = matches!(leg.end, End::None);
        open && leg.arrived.is_some_and(|at| at < self.border().0)
    }

    pub(crate) fn every_page_of_overdue(&self) {
        for recipient in [None, Some(self.middle().recipient)] {
            self.overdue_of(recipient);
        }
    }

    fn overdue_of(&self, recipient: Option<u16>) {
        let key = |leg: &Leg| {
            let (from, to) = (self.agency(leg.originator), self.agency(leg.recipient));
            let id = self.country.dispatches[leg.dispatch as usize];
            (UnixMillis(leg.arrived.unwrap_or(0)), id, from.clone(), to.clone())
        };
        for late in [false, true] {
            let to = if late { None } else { Some(self.border()) };
            let found = pages(|after| {
                let recipient = recipient.map(|index| self.agency(index).clone());
                let query = ArrivalQuery { late, to, after, recipient, limit: 13, from: None };
                self.reader.arrivals(&query, |_| true).unwrap()
            });
            let mut found: Vec<_> = found
                .into_iter()
                .map(|a| (a.arrived, a.dispatch, a.originator, a.recipient))
                .collect();
            let wanted = |leg: &&Leg| match (late, leg.arrived, leg.end) {
                (true, Some(came), End::Registered(at)) => match leg.urgency {
                    Urgency::Normal => Day::of(UnixMillis(at)) > Day::of(UnixMillis(came)),
                    urgent => UnixMillis(at) >= calendar().register_by(UnixMillis(came), urgent),
                },
                (true, ..) => false,
                (false, ..) => self.waiting(leg),
            };
            let legs = self.country.legs.iter();
            let legs = legs.filter(|leg| recipient.is_none_or(|asked| leg.recipient == asked));
            let mut want: Vec<_> = legs.filter(wanted).map(key).collect();
            assert!(found.is_sorted_by_key(|(arrived, ..)| *arrived));
            found.sort();
            want.sort();
            assert_eq!(found, want, "late: {late}");
            assert!(!found.is_empty());
        }
    }

    /// What waits too long by its own urgency, asked on several days: neither more nor less.
    pub(crate) fn every_page_of_overdue_by_urgency(&self) {
        let (calendar, mut urgent) = (calendar(), 0);
        for days_ago in 0..8 {
            let now = UnixMillis(self.country.now - days_ago * DAY_MS);
            let due = |arrived, urgency| calendar.register_by(arrived, urgency) <= now;
            let found = pages(|after| {
                let query =
                    ArrivalQuery { to: Some(now), after, limit: 7, ..ArrivalQuery::default() };
                self.reader.arrivals(&query, |a| due(a.arrived, a.urgency)).unwrap()
            });
            let mut found: Vec<_> = found
                .into_iter()
                .map(|a| (a.arrived, a.dispatch, a.recipient, a.urgency))
                .collect();
            let is_due = |leg: &&Leg| {
                let arrived = leg.arrived.map(UnixMillis).filter(|at| *at < now);
                leg.end == End::None && arrived.is_some_and(|at| due(at, leg.urgency))
            };
            let key = |leg: &Leg| {
                let id = self.country.dispatches[leg.dispatch as usize];
                let arrived = UnixMillis(leg.arrived.unwrap_or(0));
                (arrived, id, self.agency(leg.recipient).clone(), leg.urgency)
            };
            let mut want: Vec<_> = self.country.legs.iter().filter(is_due).map(key).collect();
            let early = |leg: &&(UnixMillis, DispatchId, AgencyCode, Urgency)| {
                calendar.deadline(leg.0) > now
            };
            urgent += want.iter().filter(early).count();
            found.sort_by_key(|leg| (leg.0, leg.1, leg.2.clone()));
            want.sort_by_key(|leg| (leg.0, leg.1, leg.2.clone()));
            assert_eq!(found, want, "{now}");
        }
        assert!(urgent > 0, "some are overdue for their urgency alone");
    }

    fn days(&self, days: u32) -> (Day, Day) {
        let last = Day::of(UnixMillis(self.country.now));
        (Day::of(BEGIN).max(Day((last.0 + 1).saturating_sub(days))), last)
    }

    /// Every number compared with those of the legs: all there is, whole months, days at both ends.
    pub(crate) fn every_count(&self) {
        let (first, last) = self.days(u32::MAX);
        let inside = (Day(first.0 + 3), Day(last.0 - 2));
        let calendar = calendar();
        for (first, last) in
            [self.days(u32::MAX), inside, self.days(45), self.days(9), self.days(1)]
        {
            let all = self.reader.statistics(first, last, None, &calendar).unwrap();
            self.compare(&all, first, last, &calendar);
            let agency = self.agency(self.middle().recipient);
            let one = self.reader.statistics(first, last, Some(agency), &calendar).unwrap();
            for party in [Party::Originator, Party::Recipient] {
                let mine = one[party as usize].get(agency.as_str());
                let among_all = all[party as usize].get(agency.as_str());
                assert_eq!(mine.map(|s| &s.tally), among_all.map(|s| &s.tally));
                let in_time = |sum: Option<&Sum>| sum.map(Sum::registered_in_time);
                assert_eq!(in_time(mine), in_time(among_all));
                assert!(one[party as usize].len() <= 1);
            }
        }
    }

    fn compare(&self, found: &Sums, first: Day, last: Day, calendar: &WorkingDays) {
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
                        let by = calendar.register_by(UnixMillis(came), leg.urgency);
                        *in_time.entry(key).or_default() += u64::from(UnixMillis(at) < by);
                    }
                }
            }
        }
        let mut compared = 0;
        for ((index, party), (counts, mut lags)) in want {
            let agency = self.agency(index);
            let none = Sum::default();
            let sum = found[party as usize].get(agency.as_str()).unwrap_or(&none);
            let t = &sum.tally;
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
            let wanted = in_time.get(&(index, party)).copied().unwrap_or(0);
            assert_eq!(sum.registered_in_time(), wanted, "{agency} {party:?}");
            compared += 1;
        }
        assert!(compared > 0);
    }
}
