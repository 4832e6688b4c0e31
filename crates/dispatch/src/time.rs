//! Time comes as an argument; nothing in the pure core reads a clock.

use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(pub u64);

/// What the shell knows of time when it hands an input to the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Monotonic milliseconds since the process started; timers use only this.
    pub mono_ms: u64,
    /// Wall clock; may jump, and is doubted.
    pub wall: UnixMillis,
}

impl UnixMillis {
    /// Whole seconds since 1970.
    pub const fn secs(self) -> u64 {
        self.0 / 1000
    }

    /// This moment plus `ms` milliseconds, saturating.
    pub const fn plus_ms(self, ms: u64) -> Self {
        UnixMillis(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; zero if `earlier` is later.
    pub const fn since_ms(self, earlier: UnixMillis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Debug for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// RFC 3339 in UTC with milliseconds, for example `2026-11-21T08:00:00.000Z`.
impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, ms) = (self.0 / 1000, self.0 % 1000);
        let (y, m, d) = civil_from_days((secs / 86_400) as i64);
        let s = secs % 86_400;
        write!(f, "{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}.{ms:03}Z", s / 3600, s / 60 % 60, s % 60)
    }
}

impl std::str::FromStr for UnixMillis {
    type Err = BadTime;
    /// Reads `YYYY-MM-DD` (midnight UTC) or `YYYY-MM-DDTHH:MM:SS[.mmm]Z`.
    fn from_str(text: &str) -> Result<Self, BadTime> {
        let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
        let time = time.strip_suffix('Z').ok_or(BadTime)?;
        let (clock, frac) = time.split_once('.').unwrap_or((time, "0"));
        let num = |s: &str, len: usize| -> Result<u64, BadTime> {
            let ok = s.len() == len && s.bytes().all(|b| b.is_ascii_digit());
            if ok { s.parse().map_err(|_| BadTime) } else { Err(BadTime) }
        };
        let d: Vec<&str> = date.split('-').collect();
        let c: Vec<&str> = clock.split(':').collect();
        let ([y, mo, da], [h, mi, s]) = (&d[..], &c[..]) else { return Err(BadTime) };
        let (y, mo, da) = (num(y, 4)?, num(mo, 2)?, num(da, 2)?);
        let (h, mi, s) = (num(h, 2)?, num(mi, 2)?, num(s, 2)?);
        let ms = if frac == "0" { 0 } else { num(frac, 3)? };
        let plausible = y >= 1970 && (1..=12).contains(&mo) && h < 24 && mi < 60 && s < 60;
        let days = days_from_civil(y as i64, mo as u32, da as u32);
        if !plausible || civil_from_days(days) != (y as i64, mo as u32, da as u32) {
            return Err(BadTime);
        }
        Ok(UnixMillis(((days as u64 * 24 + h) * 60 + mi) * 60_000 + s * 1000 + ms))
    }
}

/// Why a text is not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS[.mmm]Z")]
pub struct BadTime;

/// Days since 1970-01-01 to (year, month, day) in the proleptic Gregorian calendar, by counting
/// in eras of 400 years that start on 1 March.
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = (doy - (153 * mp + 2) / 5 + 1) as u32;
    let m = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    (yoe + era * 400 + i64::from(m <= 2), m, d)
}

pub(crate) fn days_from_civil(y: i64, m: u32, d: u32) -> i64 {
    let y = y - i64::from(m <= 2);
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = i64::from((m + 9) % 12);
    let doy = (153 * mp + 2) / 5 + i64::from(d) - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_parses_known_moments() {
        assert_eq!(UnixMillis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(UnixMillis(951_782_400_000).to_string(), "2000-02-29T00:00:00.000Z");
        for ms in [0, 951_782_400_000, 1_795_302_001_234, 4_102_444_800_000] {
            assert_eq!(UnixMillis(ms).to_string().parse(), Ok(UnixMillis(ms)));
        }
        assert_eq!("2026-11-21".parse(), Ok(UnixMillis(1_795_219_200_000)));
        for bad in ["2026-02-30", "2026-1-01", "2026-01-01T00:00:00", "x", ""] {
            assert_eq!(bad.parse::<UnixMillis>(), Err(BadTime), "{bad}");
        }
    }
}
