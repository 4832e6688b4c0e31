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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_short_and_sort_as_text() {
        assert_eq!(shown(UnixMillis(1_795_219_200_123)), "2026-11-21 00:00:00Z");
        assert!(now() > UnixMillis(1_700_000_000_000));
    }
}
