//! The wall clock, as the command line reads it.

use std::time::{SystemTime, UNIX_EPOCH};

use tram_dispatch::UnixMillis;

/// One day, milliseconds.
pub(crate) const DAY_MS: u64 = 86_400_000;

/// This moment by the machine's clock; a clock before 1970 counts as 1970.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A moment for tables, UTC with seconds: `2026-11-21 08:00:00Z`.
pub(crate) fn shown(at: UnixMillis) -> String {
    let text = at.to_string();
    let cut = text.split('.').next().unwrap_or(&text);
    format!("{}Z", cut.replace('T', " "))
}

/// Vietnam's time is seven hours before UTC, without summer time.
const VIETNAM_MS: u64 = 7 * 3_600_000;

/// The same moment by the clocks of Vietnam: `2026-11-21 15:00:00+07`.
pub(crate) fn shown_in_vietnam(at: UnixMillis) -> String {
    let text = exact_in_vietnam(at);
    let cut = text.split('.').next().unwrap_or(&text);
    format!("{cut}+07")
}

/// As [`shown_in_vietnam`], with milliseconds.
pub(crate) fn exact_in_vietnam(at: UnixMillis) -> String {
    let text = at.plus_ms(VIETNAM_MS).to_string().replace('T', " ");
    format!("{}+07", text.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_short_and_sort_as_text() {
        assert_eq!(shown(UnixMillis(1_795_219_200_123)), "2026-11-21 00:00:00Z");
        assert_eq!(shown_in_vietnam(UnixMillis(1_795_219_200_123)), "2026-11-21 07:00:00+07");
        assert_eq!(exact_in_vietnam(UnixMillis(1_795_219_200_123)), "2026-11-21 07:00:00.123+07");
        let evening = UnixMillis(1_795_219_200_000 + 17 * 3_600_000);
        assert_eq!(shown_in_vietnam(evening), "2026-11-22 00:00:00+07");
        assert!(now() > UnixMillis(1_700_000_000_000));
    }
}
