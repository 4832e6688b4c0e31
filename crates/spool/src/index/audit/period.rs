//! The periods that are counted together: days, and longer ones that save reading all their days.

use tram_dispatch::{Day, Month};

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Span {
    Day = 0,
    /// The days 1 to 10 of a month, 11 to 20, and the others.
    Third = 1,
    Month = 2,
}

/// One period: the number of a day or a month is that of [`Day`] or [`Month`]; thirds are counted from the
/// first of 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Period {
    pub(crate) span: Span,
    pub(crate) number: u32,
}

impl Span {
    /// The shortest first.
    pub(crate) const ALL: [Span; 3] = [Span::Day, Span::Third, Span::Month];

    /// The span of this number.
    pub(crate) fn read(number: u8) -> Option<Self> {
        Span::ALL.into_iter().find(|span| *span as u8 == number)
    }

    /// The period of this length in which a day lies.
    pub(crate) fn of(self, day: Day) -> Period {
        let (month, day_of_month) = Month::of(day);
        let number = match self {
            Span::Day => day.0,
            Span::Third => month.0.saturating_mul(3) + ((day_of_month - 1) / 10).min(2),
            Span::Month => month.0,
        };
        Period { span: self, number }
    }
}

impl Period {
    /// Its first day.
    pub(crate) fn first(self) -> Day {
        let number = self.number;
        match self.span {
            Span::Day => Day(number),
            Span::Third => Day(Month(number / 3).first().0.saturating_add(number % 3 * 10)),
            Span::Month => Month(number).first(),
        }
    }

    /// Its last day.
    pub(crate) fn last(self) -> Day {
        let next = Period { number: self.number.saturating_add(1), ..self };
        match self.span {
            Span::Day => self.first(),
            _ => Day(next.first().0.saturating_sub(1)),
        }
    }
}

/// The longest periods that make up the days from `from` to `to`, both included, in order.
pub(crate) fn cover(from: Day, to: Day) -> Vec<Period> {
    let mut periods = Vec::new();
    let mut day = from;
    while day <= to {
        let longest = Span::ALL.into_iter().rev().map(|span| span.of(day));
        let fits = |period: &Period| period.first() == day && period.last() <= to;
        let Some(period) = longest.into_iter().find(fits) else { break };
        periods.push(period);
        let next = period.last().next();
        if next <= day {
            break;
        }
        day = next;
    }
    periods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_cover_a_span_once_and_there_are_few() {
        let start: Day = "2023-11-18".parse().unwrap();
        for from in (start.0..start.0 + 120).map(Day) {
            for to in (from.0..from.0 + 800).step_by(3).map(Day) {
                let periods = cover(from, to);
                let days = periods.iter().flat_map(|p| p.first().0..=p.last().0);
                assert!(days.eq(from.0..=to.0), "{from} {to}");
                // Ten days and two thirds at each end, and months.
                let months = (to.0 - from.0) as usize / 28;
                assert!(periods.len() <= 2 * (10 + 2) + months, "{from} {to}");
            }
        }
    }

    #[test]
    fn periods_begin_and_end_where_the_calendar_says() {
        let day: Day = "2024-02-29".parse().unwrap();
        let bounds =
            |span: Span| (span.of(day).first().to_string(), span.of(day).last().to_string());
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(bounds(Span::Day), pair("2024-02-29", "2024-02-29"));
        assert_eq!(bounds(Span::Third), pair("2024-02-21", "2024-02-29"));
        assert_eq!(bounds(Span::Month), pair("2024-02-01", "2024-02-29"));
        assert_eq!(cover(Day(u32::MAX), Day(u32::MAX)).len(), 1);
    }
}
