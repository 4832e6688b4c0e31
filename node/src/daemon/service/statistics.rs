//! Counts by agency and by tier.

use std::collections::BTreeMap;

use tram_api::model::{
    Durations, StatisticsBy, StatisticsParty, StatisticsQuery, StatisticsRow, StatisticsView,
};
use tram_api::{Problem, Scope};
use tram_dispatch::{AgencyCode, Day};
use tram_spool::store::{Sum, Times};

use super::questions::{PAGE_DEFAULT, calendar};
use super::{NodeService, store_problem};

impl NodeService {
    pub(super) async fn do_statistics(
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
            let sums =
                context.store.statistics(from, to, agency, &calendar).map_err(store_problem)?;
            let mut rows: BTreeMap<(String, StatisticsParty), StatisticsRow> = BTreeMap::new();
            let mut tiers: BTreeMap<(u8, StatisticsParty), Sum> = BTreeMap::new();
            let parties = [StatisticsParty::Originator, StatisticsParty::Recipient];
            let all = parties.into_iter().zip(sums);
            let all =
                all.flat_map(|(party, sums)| sums.into_iter().map(move |(n, s)| (n, party, s)));
            for (name, party, sum) in all {
                let Ok(code) = AgencyCode::parse_canonical(&name) else { continue };
                if !scope.contains(&code) {
                    continue;
                }
                let known = verifier.directory().agency(&code);
                let tier = known.map(|known| known.tier);
                match query.by {
                    StatisticsBy::Agency => {
                        let mut row = row(&sum, party);
                        row.agency = Some(code.into());
                        row.name = known.map(|known| known.name.clone());
                        row.tier = tier;
                        rows.insert((name, party), row);
                    }
                    StatisticsBy::Tier => {
                        tiers.entry((tier.unwrap_or(UNKNOWN), party)).or_default().add(&sum);
                    }
                }
            }
            for ((tier, party), sum) in tiers {
                let mut row = row(&sum, party);
                row.tier = (tier != UNKNOWN).then_some(tier);
                rows.insert((format!("{tier:03}"), party), row);
            }
            let limit = query.limit.unwrap_or(PAGE_DEFAULT) as usize;
            let after = query.after.as_deref().map(place).transpose()?;
            let mut left =
                rows.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|a| key > a));
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

fn row(sum: &Sum, party: StatisticsParty) -> StatisticsRow {
    let t = &sum.tally;
    let in_time = sum.registered_in_time();
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
        waiting: t.came.saturating_sub(t.registered + t.returned + t.dropped),
        registered: t.registered,
        registered_in_time: in_time,
        returned: t.returned,
        lapsed: t.lapsed,
        dropped: t.dropped,
        registered_percent: percent(t.registered, t.came),
        in_time_percent: percent(in_time, t.came),
        to_register: durations(&t.to_register),
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
    let hundredths =
        (u128::from(part) * 10_000 + u128::from(whole) / 2).checked_div(whole.into())?;
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
        for (name, party) in
            [("H41", StatisticsParty::Originator), ("002", StatisticsParty::Recipient)]
        {
            let cursor = format!("{}{name}", letter(party));
            assert_eq!(place(&cursor).unwrap(), (name.to_owned(), party));
        }
        assert!(place("").is_err() && place("x").is_err() && place("é").is_err());
    }
}
