//! The list of working days: public holidays as data that the operator may replace.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use toml::{Table, Value};
use tram_dispatch::{Day, WorkingDays};

/// Largest file: centuries of holidays.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// The list that is used where the configuration names none.
const BUILT_IN: &str = include_str!("../../../config/working-days.toml");

/// Why a list of working days cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkingDaysError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// Larger than a list of days can be.
    #[error("larger than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// Not TOML.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// A key that means nothing here, or has another type.
    #[error("{0}: expected years = [2026], closed = [\"2026-01-01\"] or open = [\"2026-01-10\"]")]
    Key(String),
    /// A text that is no day.
    #[error("{0:?}: {1}")]
    Day(String, tram_dispatch::calendar::BadDay),
    /// Days that contradict each other.
    #[error(transparent)]
    Calendar(#[from] tram_dispatch::calendar::BadCalendar),
}

/// Reads a list: TOML with `years` (whose holidays are all named), `closed` and `open` (days as
/// `YYYY-MM-DD`).
///
/// # Errors
/// [`WorkingDaysError`].
pub fn parse(text: &str) -> Result<WorkingDays, WorkingDaysError> {
    let (mut years, mut closed, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for (key, value) in text.parse::<Table>()? {
        let unfit = || WorkingDaysError::Key(key.clone());
        let items = value.as_array().ok_or_else(unfit)?;
        match key.as_str() {
            "years" => {
                let year = |item: &Value| item.as_integer().ok_or_else(unfit);
                years = items.iter().map(year).collect::<Result<_, _>>()?;
            }
            "closed" => closed = days(items, unfit)?,
            "open" => open = days(items, unfit)?,
            _ => return Err(unfit()),
        }
    }
    Ok(WorkingDays::new(years, closed, open)?)
}

fn days(
    items: &[Value],
    unfit: impl Fn() -> WorkingDaysError,
) -> Result<Vec<Day>, WorkingDaysError> {
    let read = |item: &Value| {
        let text = item.as_str().ok_or_else(&unfit)?;
        text.parse().map_err(|e| WorkingDaysError::Day(text.to_owned(), e))
    };
    items.iter().map(read).collect()
}

/// The list in `file`, or the one this program came with.
///
/// # Errors
/// [`WorkingDaysError`].
pub fn load(file: Option<&Path>) -> Result<WorkingDays, WorkingDaysError> {
    let Some(path) = file else { return parse(BUILT_IN) };
    let mut text = String::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(WorkingDaysError::TooLarge);
    }
    parse(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn the_list_that_comes_along_knows_the_new_year() {
        let days = load(None).unwrap();
        for (from, to) in [
            ("2025-01-24", "2025-02-03"),
            ("2025-04-25", "2025-04-26"),
            ("2025-08-29", "2025-09-03"),
            ("2025-12-31", "2026-01-05"),
            ("2026-02-13", "2026-02-23"),
            ("2026-04-24", "2026-04-28"),
            ("2026-08-28", "2026-09-03"),
            ("2026-11-20", "2026-11-23"),
        ] {
            assert_eq!(days.next_working(day(from)), day(to), "{from}");
        }
        assert!(days.knows(day("2026-12-31")) && !days.knows(day("2027-01-01")));
    }

    #[test]
    fn a_list_with_a_fault_is_refused_with_its_name() {
        for (text, what) in [
            ("years = 2026", "years"),
            ("years = [2026]\nclosed = [\"2026-02-30\"]", "2026-02-30"),
            ("years = [2026]\nclosed = [\"2025-02-03\"]", "2025-02-03 lies in a year"),
            ("years = [2026]\nclosed = [\"2026-02-03\"]\nopen = [\"2026-02-03\"]", "2026-02-03"),
            ("years = [2026]\nshut = []", "shut"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
        assert!(load(Some(Path::new("/nowhere/days.toml"))).is_err());
    }
}
