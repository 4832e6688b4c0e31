//! What auditors ask: document numbers, who wrote to whom, refusals, what is overdue, statistics.

use std::collections::{BTreeMap, HashMap};

use tram_api::model::*;
use tram_api::{Caller, Problem, Questions, Reply, Scope};
use tram_config::working_days;
use tram_dispatch::{AgencyCode, Code, Day, WorkingDays};
use tram_spool::store::{
    ArrivalQuery, BetweenQuery as StoreBetween, NumberQuery, Party, RefusalQuery, Tally, Times,
};
use tram_wire::Receipt;

use super::{NodeService, store_problem};

const PAGE_DEFAULT: u32 = 100;

impl Questions for NodeService {
    fn audit_documents(&self, caller: Caller, query: NumberedQuery) -> Reply<'_, Page<Tracking>> {
        Box::pin(self.do_documents(caller, query))
    }

    fn audit_between(
        &self,
        _caller: Caller,
        query: BetweenQuery,
    ) -> Reply<'_, Page<DispatchSummary>> {
        Box::pin(self.do_between(query))
    }

    fn audit_refusals(
        &self,
        _caller: Caller,
        query: RefusalsQuery,
        scope: Scope,
    ) -> Reply<'_, Page<ReceiptView>> {
        Box::pin(self.do_refusals(query, scope))
    }

    fn audit_overdue(
        &self,
        _caller: Caller,
        query: OverdueQuery,
        scope: Scope,
    ) -> Reply<'_, OverdueView> {
        Box::pin(self.do_overdue(query, scope))
    }

    fn audit_statistics(
        &self,
        _caller: Caller,
        query: StatisticsQuery,
        scope: Scope,
    ) -> Reply<'_, StatisticsView> {
        Box::pin(self.do_statistics(query, scope))
    }
}

impl NodeService {
    async fn do_documents(
        &self,
        caller: Caller,
        query: NumberedQuery,
    ) -> Result<Page<Tracking>, Problem> {
        let store = self.context.store.clone();
        let agency = query.agency.0.clone();
        let named = format!("{} of {agency}", query.number);
        let asked =
            NumberQuery { number: query.number, notation: query.notation, year: query.year };
        let ids = self
            .reading(move || store.numbered(&agency, &asked).map_err(store_problem))
            .await?;
        let mut items = Vec::new();
        for id in ids {
            match self.do_track(caller.clone(), id).await {
                Ok(tracking) => items.push(tracking),
                // Who has nothing to do with one of them is told of the others.
                Err(problem) if problem.code == Code::NotFound => {}
                Err(problem) => return Err(problem),
            }
        }
        if items.is_empty() {
            return Err(Problem::new(Code::NotFound, format!("no document {named}")));
        }
        Ok(Page { items, next: None })
    }

    async fn do_between(&self, query: BetweenQuery) -> Result<Page<DispatchSummary>, Problem> {
        let store = self.context.store.clone();
        let asked = StoreBetween {
            from: query.from.map(|t| t.0),
            to: query.to.map(|t| t.0),
            after: super::cursor(query.after.as_deref())?,
            limit: query.limit.unwrap_or(PAGE_DEFAULT) as usize,
        };
        let (from, to) = (query.originator.0, query.recipient.0);
        let found = self
            .reading(move || store.between(&from, &to, &asked).map_err(store_problem))
            .await?;
        let next = found.next.map(|cursor| cursor.to_string());
        // The two agencies are the question; who may ask it was decided before.
        let items = self.looked_up(found.items, Scope::All).await?;
        Ok(Page { items, next })
    }

    async fn do_refusals(
        &self,
        query: RefusalsQuery,
        scope: Scope,
    ) -> Result<Page<ReceiptView>, Problem> {
        let store = self.context.store.clone();
        let asked = RefusalQuery {
            code: query.code.map(|t| t.0),
            node: query.node.map(|t| t.0),
            agency: query.agency.map(|t| t.0),
            failures: query.failures,
            from: query.from.map(|t| t.0),
            to: query.to.map(|t| t.0),
            after: super::cursor(query.after.as_deref())?,
            limit: query.limit.unwrap_or(PAGE_DEFAULT) as usize,
        };
        self.reading(move || {
            let page = store.refusals(&asked).map_err(store_problem)?;
            let mut items = Vec::new();
            for found in page.items {
                let e = &found.evidence;
                let recipient = e.recipient.as_ref();
                if scope.contains(&e.originator) || recipient.is_some_and(|r| scope.contains(r)) {
                    let receipt = Receipt::parse(&found.raw)
                        .map_err(|e| Problem::new(Code::StoreCorrupt, e.detail))?;
                    items.push(super::audit::view(&receipt, true));
                }
            }
            Ok(Page { items, next: page.next.map(|c| c.to_string()) })
        })
        .await
    }

    async fn do_overdue(
        &self,
        query: OverdueQuery,
        scope: Scope,
    ) -> Result<OverdueView, Problem> {
        let context = self.context.clone();
        let after = super::cursor(query.after.as_deref())?;
        let at = query.at.map_or(context.core.now().wall, |t| t.0);
        self.reading(move || {
            let calendar = calendar(context.config.working_days.as_deref())?;
            // What arrived later is not due yet; of what was registered late all is.
            let border = if query.late { None } else { Some(calendar.overdue_before(at)) };
            let to = query.to.map(|t| t.0).into_iter().chain(border).min();
            let asked = ArrivalQuery {
                late: query.late,
                recipient: query.recipient.map(|t| t.0),
                from: query.from.map(|t| t.0),
                to,
                after,
                limit: query.limit.unwrap_or(PAGE_DEFAULT) as usize,
            };
            let page = context.store.arrivals(&asked).map_err(store_problem)?;
            let mut holidays_known = calendar.knows(Day::of(at));
            let mut items = Vec::new();
            for found in page.items {
                let due = calendar.deadline(found.arrived);
                holidays_known &= calendar.knows(Day::of(found.arrived));
                let late = found.registered.is_none_or(|registered| registered >= due);
                let visible =
                    scope.contains(&found.originator) || scope.contains(&found.recipient);
                if late && visible {
                    items.push(OverdueItem {
                        dispatch: found.dispatch.into(),
                        originator: found.originator.into(),
                        recipient: found.recipient.into(),
                        arrived_at: found.arrived.into(),
                        due_at: due.into(),
                        registered_at: found.registered.map(Into::into),
                    });
                }
            }
            let next = page.next.map(|cursor| cursor.to_string());
            Ok(OverdueView { at: at.into(), holidays_known, items, next })
        })
        .await
    }

    async fn do_statistics(
        &self,
        query: StatisticsQuery,
        scope: Scope,
    ) -> Result<StatisticsView, Problem> {
        let context = self.context.clone();
        let verifier = context.verifier();
        self.reading(move || {
            let calendar = calendar(context.config.working_days.as_deref())?;
            let (from, to) = (query.from.0, query.to.0);
            let agency = query.agency.as_ref().map(|t| &t.0);
            let mut sums = Sums::new(&calendar);
            context
                .store
                .tallies(from, to, agency, |month, party, name, tally| sums.add(month, party, name, tally))
                .map_err(store_problem)?;
            let mut rows: BTreeMap<(String, StatisticsParty), StatisticsRow> = BTreeMap::new();
            let mut tiers: BTreeMap<(u8, StatisticsParty), Sum> = BTreeMap::new();
            let parties = [StatisticsParty::Originator, StatisticsParty::Recipient];
            let all = parties.into_iter().zip(sums.all);
            let all = all.flat_map(|(party, sums)| sums.into_iter().map(move |(n, s)| (n, party, s)));
            for (name, party, sum) in all {
                let Ok(code) = AgencyCode::parse_canonical(&name) else { continue };
                if !scope.contains(&code) {
                    continue;
                }
                let known = verifier.directory().agency(&code);
                let tier = known.map(|known| known.tier);
                match query.by {
                    StatisticsBy::Agency => {
                        let mut row = sum.row(party);
                        row.agency = Some(code.into());
                        row.name = known.map(|known| known.name.clone());
                        row.tier = tier;
                        rows.insert((name, party), row);
                    }
                    StatisticsBy::Tier => {
                        tiers.entry((tier.unwrap_or(UNKNOWN), party)).or_default().merge(&sum);
                    }
                }
            }
            for ((tier, party), sum) in tiers {
                let mut row = sum.row(party);
                row.tier = (tier != UNKNOWN).then_some(tier);
                rows.insert((format!("{tier:03}"), party), row);
            }
            let limit = query.limit.unwrap_or(PAGE_DEFAULT) as usize;
            let after = query.after.as_deref().map(place).transpose()?;
            let mut left = rows.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|a| key > a));
            let page: Vec<_> = left.by_ref().take(limit).collect();
            let more = left.next().is_some();
            let last = page.last().filter(|_| more);
            let next = last.map(|((name, party), _)| format!("{}{name}", letter(*party)));
            let holidays_known = (from.0..=to.0).all(|day| calendar.knows(Day(day)));
            let items = page.into_iter().map(|(_, row)| row).collect();
            let (from, to) = (from.into(), to.into());
            Ok(StatisticsView { from, to, by: query.by, holidays_known, items, next })
        })
        .await
    }
}

/// The tier of agencies that the directory does not list.
const UNKNOWN: u8 = u8::MAX;

/// The list of working days, read anew for each question: replacing the file is enough.
fn calendar(file: Option<&std::path::Path>) -> Result<WorkingDays, Problem> {
    working_days::load(file).map_err(|e| {
        let name = file.map(|file| file.display().to_string()).unwrap_or_default();
        Problem::new(Code::ConfigInvalid, format!("audit.working_days: {name}: {e}"))
    })
}

const fn letter(party: StatisticsParty) -> char {
    match party {
        StatisticsParty::Originator => 'o',
        StatisticsParty::Recipient => 'r',
    }
}

/// A place in the listing of rows.
fn place(cursor: &str) -> Result<(String, StatisticsParty), Problem> {
    let name = |rest: &str| rest.to_owned();
    let found = match cursor.split_at_checked(1) {
        Some(("o", rest)) => Some((name(rest), StatisticsParty::Originator)),
        Some(("r", rest)) => Some((name(rest), StatisticsParty::Recipient)),
        _ => None,
    };
    found.ok_or_else(|| Problem::bad_request("after: not a cursor of this listing"))
}

/// Counts, with what only the list of working days tells.
#[derive(Default)]
struct Sum {
    tally: Tally,
    in_time: u64,
}

struct Sums<'a> {
    calendar: &'a WorkingDays,
    /// The next working day, by day of arrival.
    next: BTreeMap<Day, Day>,
    /// As originator, as recipient; by agency.
    all: [HashMap<String, Sum>; 2],
}

impl<'a> Sums<'a> {
    fn new(calendar: &'a WorkingDays) -> Self {
        Sums { calendar, next: BTreeMap::new(), all: Default::default() }
    }

    fn add(&mut self, month: Day, party: Party, name: &str, tally: &Tally) {
        let (calendar, known) = (self.calendar, &mut self.next);
        let next = |day| *known.entry(day).or_insert_with(|| calendar.next_working(day));
        let in_time = tally.registered_in_time(month, next);
        let all = &mut self.all[party as usize];
        // Most names are known: no copy of them.
        let sum = match all.get_mut(name) {
            Some(sum) => sum,
            None => all.entry(name.to_owned()).or_default(),
        };
        sum.in_time += in_time;
        sum.tally.add(tally);
    }
}

impl Sum {
    fn merge(&mut self, other: &Sum) {
        self.in_time += other.in_time;
        self.tally.add(&other.tally);
    }

    fn row(&self, party: StatisticsParty) -> StatisticsRow {
        let t = &self.tally;
        let ended = t.arrived + t.refused + t.failed + t.expired;
        StatisticsRow {
            agency: None,
            name: None,
            tier: None,
            party,
            rejected: t.rejected,
            sent: t.sent,
            underway: t.sent.saturating_sub(ended),
            arrived: t.arrived,
            refused: t.refused,
            failed: t.failed,
            expired: t.expired,
            arrived_percent: percent(t.arrived, t.sent),
            to_arrive: durations(&t.to_arrive),
            came: t.came,
            waiting: t.came.saturating_sub(t.registered + t.returned),
            registered: t.registered,
            registered_in_time: self.in_time,
            returned: t.returned,
            lapsed: t.lapsed,
            registered_percent: percent(t.registered, t.came),
            in_time_percent: percent(self.in_time, t.came),
            to_register: durations(&t.to_register),
        }
    }
}

fn durations(times: &Times) -> Durations {
    Durations {
        count: times.count(),
        median_ms: times.percentile_ms(50),
        p90_ms: times.percentile_ms(90),
    }
}

/// Per cent with two decimals; none of nothing.
fn percent(part: u64, whole: u64) -> Option<f64> {
    let hundredths = (u128::from(part) * 10_000 + u128::from(whole) / 2).checked_div(whole.into())?;
    u32::try_from(hundredths).ok().map(|h| f64::from(h) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_cent_is_rounded_and_never_of_nothing() {
        assert_eq!(percent(1, 3), Some(33.33));
        assert_eq!(percent(2, 3), Some(66.67));
        assert_eq!(percent(0, 5), Some(0.0));
        assert_eq!(percent(0, 0), None);
    }

    #[test]
    fn places_go_there_and_back() {
        for (name, party) in [("H41", StatisticsParty::Originator), ("002", StatisticsParty::Recipient)] {
            let cursor = format!("{}{name}", letter(party));
            assert_eq!(place(&cursor).unwrap(), (name.to_owned(), party));
        }
        assert!(place("").is_err() && place("x").is_err() && place("é").is_err());
    }
}
