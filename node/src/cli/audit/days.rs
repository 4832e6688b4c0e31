//! Spans of days, as auditors name them: by the clocks of Viet Nam, both ends included.

use clap::Args;
use tram_api::text::TimeText;
use tram_dispatch::Day;

/// From when to when.
#[derive(Args, Clone, Copy)]
pub(super) struct Span {
    /// First day, YYYY-MM-DD by the clocks of Viet Nam.
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,
    /// Last day, included.
    #[arg(long, value_name = "DAY")]
    to: Option<Day>,
}

impl Span {
    /// The first moment.
    pub(super) fn begin(&self) -> Option<TimeText> {
        self.from.map(|day| day.start().into())
    }

    /// The first moment behind it.
    pub(super) fn end(&self) -> Option<TimeText> {
        self.to.map(|day| day.next().start().into())
    }

    /// Its days; where none are named, the `days` up to `today`.
    pub(super) fn days(&self, today: Day, days: u32) -> (Day, Day) {
        let to = self.to.unwrap_or(today);
        (self.from.unwrap_or(Day(to.0.saturating_sub(days.saturating_sub(1)))), to)
    }
}
