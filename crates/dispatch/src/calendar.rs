//! Days and working days of Viet Nam: UTC+7 all year, weekends, and what the yearly notices of public
//! holidays change. The holidays are data; no rule here computes a lunar date.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::UnixMillis;
use crate::envelope::Urgency;
use crate::time::{civil_from_days, days_from_civil};

/// Viet Nam's time is seven hours before UTC, without summer time.
pub const VIETNAM_MS: u64 = 7 * 3_600_000;
/// One day, milliseconds.
pub const DAY_MS: u64 = 86_400_000;
/// Most days looked at for the next working day; a calendar that is closed for longer has none.
const LOOK_AHEAD_DAYS_MAX: u32 = 60;

/// A day by the clocks of Viet Nam, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(pub u32);

impl Day {
    /// The day on which a moment falls.
    pub fn of(at: UnixMillis) -> Self {
        Day(u32::try_from(at.plus_ms(VIETNAM_MS).0 / DAY_MS).unwrap_or(u32::MAX))
    }

    /// Its first moment. The day 1970-01-01 began before UnixMillis does.
    pub fn start(self) -> UnixMillis {
        UnixMillis((u64::from(self.0) * DAY_MS).saturating_sub(VIETNAM_MS))
    }

    /// The day after.
    pub const fn next(self) -> Self {
        Day(self.0.saturating_add(1))
    }

    /// Days from `earlier` to this day; zero if `earlier` is later.
    pub const fn since(self, earlier: Day) -> u32 {
        self.0.saturating_sub(earlier.0)
    }

    /// Its year.
    pub fn year(self) -> i64 {
        civil_from_days(i64::from(self.0)).0
    }

    /// Whether it is a Saturday or a Sunday.
    pub const fn is_weekend(self) -> bool {
        // 1970-01-01 was a Thursday.
        matches!(self.0 % 7, 2 | 3)
    }
}

/// A month of the calendar, counted from January 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Month(pub u32);

impl Month {
    /// The month of a day, and which day of it, from 1.
    pub fn of(day: Day) -> (Self, u32) {
        let (y, m, d) = civil_from_days(i64::from(day.0));
        let years = u32::try_from(y - 1970).unwrap_or_default();
        (Month(years * 12 + m - 1), d)
    }

    /// Its first day.
    pub fn first(self) -> Day {
        let days = days_from_civil(1970 + i64::from(self.0 / 12), self.0 % 12 + 1, 1);
        Day(u32::try_from(days).unwrap_or(u32::MAX))
    }

    /// The month after.
    pub const fn next(self) -> Self {
        Month(self.0.saturating_add(1))
    }
}

/// `2026-11-21`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (y, m, d) = civil_from_days(i64::from(self.0));
        write!(f, "{y:04}-{m:02}-{d:02}")
    }
}

/// Why a text is not a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a day as YYYY-MM-DD")]
pub struct BadDay;

impl FromStr for Day {
    type Err = BadDay;

    fn from_str(text: &str) -> Result<Self, BadDay> {
        let mut parts = text.split('-').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse::<u32>().ok()).flatten()
        });
        let (Some(Some(y)), Some(Some(m)), Some(Some(d)), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(BadDay);
        };
        if text.len() != 10 || y < 1970 || !(1..=12).contains(&m) {
            return Err(BadDay);
        }
        let days = days_from_civil(i64::from(y), m, d);
        if civil_from_days(days) != (i64::from(y), m, d) {
            return Err(BadDay);
        }
        u32::try_from(days).map(Day).map_err(|_| BadDay)
    }
}

/// Which days are worked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkingDays {
    years: BTreeSet<i64>,
    closed: BTreeSet<Day>,
    open: BTreeSet<Day>,
}

/// What is wrong with a list of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCalendar {
    /// A day is given as a day off and as a working day.
    #[error("{0} is given as a day off and as a working day")]
    Both(Day),
    /// A day lies in a year that is not said to be complete.
    #[error("{0} lies in a year that is not listed")]
    Year(Day),
}

impl WorkingDays {
    /// From the days off that are no weekends (or are, which changes nothing), the weekend days that
    /// are worked instead, and the years for which this is all.
    ///
    /// # Errors
    /// [`BadCalendar`].
    pub fn new(
        years: impl IntoIterator<Item = i64>,
        closed: impl IntoIterator<Item = Day>,
        open: impl IntoIterator<Item = Day>,
    ) -> Result<Self, BadCalendar> {
        let this = WorkingDays {
            years: years.into_iter().collect(),
            closed: closed.into_iter().collect(),
            open: open.into_iter().collect(),
        };
        if let Some(day) = this.closed.intersection(&this.open).next() {
            return Err(BadCalendar::Both(*day));
        }
        let mut all = this.closed.iter().chain(&this.open);
        match all.find(|day| !this.years.contains(&day.year())) {
            Some(day) => Err(BadCalendar::Year(*day)),
            None => Ok(this),
        }
    }

    /// Whether the holidays of its year are known; otherwise only weekends are.
    pub fn knows(&self, day: Day) -> bool {
        self.years.contains(&day.year())
    }

    /// Whether offices work on that day.
    pub fn is_working(&self, day: Day) -> bool {
        self.open.contains(&day) || !(day.is_weekend() || self.closed.contains(&day))
    }

    /// The first working day after `day`. Where there is none within 60 days, the 60th.
    pub fn next_working(&self, day: Day) -> Day {
        let mut next = day.next();
        for _ in 1..LOOK_AHEAD_DAYS_MAX {
            if self.is_working(next) {
                break;
            }
            next = next.next();
        }
        next
    }

    /// The first moment that is too late for what arrived at `at`: the end of the next working day.
    pub fn deadline(&self, at: UnixMillis) -> UnixMillis {
        self.next_working(Day::of(at)).next().start()
    }

    /// The first moment that is too late to register what arrived at `at`: as [`WorkingDays::deadline`];
    /// of what is urgent the end of the day of arrival, and of what is to arrive by an hour that hour, if
    /// it had not passed then.
    pub fn register_by(&self, at: UnixMillis, urgency: Urgency) -> UnixMillis {
        match urgency {
            Urgency::Normal => self.deadline(at),
            urgent => Self::acknowledge_by(at, urgent),
        }
    }

    /// The first moment that is too late for the receipt of arrival of what was sent at `at`: the end of that
    /// day, working day or not; of what is to arrive by an hour that hour, if it had not passed then. The
    /// recipient's node gives that receipt by itself.
    pub fn acknowledge_by(at: UnixMillis, urgency: Urgency) -> UnixMillis {
        let midnight = Day::of(at).next().start();
        match urgency {
            Urgency::FlashAt(hour) if hour > at => hour.min(midnight),
            _ => midnight,
        }
    }

    /// The first moment that is too late to send what was signed at `at`: noon of the next working day.
    /// What is urgent is to go at once, and late from the next moment on.
    pub fn send_by(&self, at: UnixMillis, urgency: Urgency) -> UnixMillis {
        match urgency {
            Urgency::Normal => self.next_working(Day::of(at)).start().plus_ms(DAY_MS / 2),
            Urgency::FlashAt(hour) if hour > at => hour,
            _ => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn at(text: &str) -> UnixMillis {
        text.parse().unwrap()
    }

    /// Lunar new year 2026, and the Saturday worked for the second of January.
    fn calendar() -> WorkingDays {
        let closed = ["2026-01-01", "2026-01-02", "2026-02-16", "2026-02-17", "2026-02-18"];
        let more = ["2026-02-19", "2026-02-20"];
        let closed = closed.iter().chain(&more).map(|t| day(t));
        WorkingDays::new([2026], closed, [day("2026-01-10")]).unwrap()
    }

    #[test]
    fn a_day_begins_at_seventeen_hours_utc() {
        assert_eq!(Day::of(at("2026-11-21T16:59:59.999Z")), day("2026-11-21"));
        assert_eq!(Day::of(at("2026-11-21T17:00:00Z")), day("2026-11-22"));
        assert_eq!(day("2026-11-22").start(), at("2026-11-21T17:00:00Z"));
        assert_eq!(day("2026-11-21").to_string(), "2026-11-21");
        assert!(day("2026-11-21").is_weekend() && day("2026-11-22").is_weekend());
        assert!(!day("2026-11-20").is_weekend() && !day("2026-11-23").is_weekend());
        for bad in
            ["2026-02-29", "2026-2-01", "26-01-01", "2026-13-01", "2026-01-01T", "+026-01-01"]
        {
            assert_eq!(bad.parse::<Day>(), Err(BadDay), "{bad}");
        }
    }

    #[test]
    fn months_begin_where_the_one_before_ends() {
        assert_eq!(Month::of(day("1970-01-01")), (Month(0), 1));
        assert_eq!(Month::of(day("2026-12-31")), (Month(683), 31));
        for n in 0..3_000 {
            let month = Month(n);
            assert_eq!(Month::of(month.first()), (month, 1));
            let last = Day(month.next().first().0 - 1);
            assert_eq!(Month::of(last), (month, last.since(month.first()) + 1));
        }
    }

    #[test]
    fn the_next_working_day_passes_weekends_and_holidays() {
        let c = calendar();
        for (from, to) in [
            ("2026-11-19", "2026-11-20"),
            ("2026-11-20", "2026-11-23"),
            ("2026-11-21", "2026-11-23"),
            ("2026-11-22", "2026-11-23"),
            ("2025-12-31", "2026-01-05"),
            ("2026-01-09", "2026-01-10"),
            ("2026-01-10", "2026-01-12"),
            ("2026-02-13", "2026-02-23"),
            ("2026-02-17", "2026-02-23"),
        ] {
            assert_eq!(c.next_working(day(from)), day(to), "{from}");
        }
        assert!(c.knows(day("2026-06-01")) && !c.knows(day("2027-01-01")));
    }

    #[test]
    fn what_is_urgent_is_registered_the_same_day_and_what_has_an_hour_by_that_hour() {
        let c = calendar();
        let (friday, midnight) = (at("2026-11-20T03:00:00Z"), day("2026-11-21").start());
        assert_eq!(c.register_by(friday, Urgency::Normal), day("2026-11-24").start());
        for urgency in [Urgency::Urgent, Urgency::VeryUrgent, Urgency::Flash] {
            assert_eq!(c.register_by(friday, urgency), midnight);
            assert_eq!(c.send_by(friday, urgency), friday);
            assert_eq!(WorkingDays::acknowledge_by(friday, urgency), midnight);
        }
        let hour = at("2026-11-20T08:00:00Z");
        assert_eq!(c.register_by(friday, Urgency::FlashAt(hour)), hour);
        assert_eq!(c.send_by(friday, Urgency::FlashAt(hour)), hour);
        assert_eq!(WorkingDays::acknowledge_by(friday, Urgency::FlashAt(hour)), hour);
        assert_eq!(WorkingDays::acknowledge_by(hour, Urgency::FlashAt(friday)), midnight);
        assert_eq!(WorkingDays::acknowledge_by(friday, Urgency::Normal), midnight);
        // A Saturday ends as every day does.
        assert_eq!(
            WorkingDays::acknowledge_by(midnight, Urgency::Normal),
            midnight.plus_ms(DAY_MS)
        );
        // It came too late for its hour, or its hour is far off.
        assert_eq!(c.register_by(hour, Urgency::FlashAt(friday)), midnight);
        let far = Urgency::FlashAt(at("2026-12-20T08:00:00Z"));
        assert_eq!(c.register_by(friday, far), midnight);
        // Sent by noon of Monday in Viet Nam.
        assert_eq!(c.send_by(friday, Urgency::Normal), at("2026-11-23T05:00:00Z"));
        assert_eq!(
            c.send_by(at("2026-11-20T18:00:00Z"), Urgency::Normal),
            at("2026-11-23T05:00:00Z")
        );
    }

    #[test]
    fn what_arrives_on_a_friday_may_be_registered_until_monday_midnight() {
        let c = calendar();
        assert_eq!(c.deadline(at("2026-11-20T16:30:00Z")), day("2026-11-24").start());
        assert_eq!(c.deadline(at("2026-11-20T17:30:00Z")), day("2026-11-24").start());
    }

    #[test]
    fn a_calendar_that_contradicts_itself_is_refused() {
        let d = day("2026-01-01");
        assert_eq!(WorkingDays::new([2026], [d], [d]), Err(BadCalendar::Both(d)));
        assert_eq!(WorkingDays::new([2025], [d], []), Err(BadCalendar::Year(d)));
        // Closed for ever: bounded all the same.
        let all: Vec<Day> = (d.0..d.0 + 300).map(Day).collect();
        let closed = WorkingDays::new([2026], all, []).unwrap();
        assert_eq!(closed.next_working(d).since(d), LOOK_AHEAD_DAYS_MAX);
    }
}
