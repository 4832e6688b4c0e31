//! Times as the clients write and read them: by the clocks of Viet Nam, without a zone.

use tram_dispatch::UnixMillis;
use tram_dispatch::calendar::VIETNAM_MS;

/// A moment as `dd/MM/yyyy HH:mm:ss`, the form in which clients write dates themselves.
pub fn shown(at: UnixMillis) -> String {
    // 2026-11-21T14:25:03.999Z
    let text = at.plus_ms(VIETNAM_MS).to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    format!("{}/{}/{} {}", part(8, 10), part(5, 7), part(0, 4), part(11, 19))
}

/// Reads `dd/MM/yyyy HH:mm:ss`, or a day alone, which is its first second.
pub(crate) fn asked(text: &str) -> Option<UnixMillis> {
    let (day, clock) = text.trim().split_once(' ').unwrap_or((text.trim(), "00:00:00"));
    let mut parts = day.split('/');
    let (d, m, y) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || y.len() != 4 {
        return None;
    }
    local(&format!("{y}-{m:0>2}-{d:0>2}T{clock}Z"))
}

/// When a client object was made, by its `timestamp`: `ddMMyyyy'T'HHmmss+SSSS`, where the last four
/// digits are milliseconds and no zone.
pub fn stamped_at(text: &str) -> Option<UnixMillis> {
    if !text.is_ascii() || text.len() != 20 || &text[8..9] != "T" || &text[15..16] != "+" {
        return None;
    }
    let [d, m, y] = [&text[0..2], &text[2..4], &text[4..8]];
    let [hour, minute, second] = [&text[9..11], &text[11..13], &text[13..15]];
    let ms: u64 = text[16..].parse().ok().filter(|ms| *ms < 1000)?;
    Some(local(&format!("{y}-{m}-{d}T{hour}:{minute}:{second}Z"))?.plus_ms(ms))
}

fn local(text: &str) -> Option<UnixMillis> {
    let at: UnixMillis = text.parse().ok()?;
    at.0.checked_sub(VIETNAM_MS).map(UnixMillis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_viet_nam() {
        let at = stamped_at("21112026T212503+0999").unwrap();
        assert_eq!(at.to_string(), "2026-11-21T14:25:03.999Z");
        assert_eq!(shown(at), "21/11/2026 21:25:03");
        assert_eq!(asked("21/11/2026 21:25:03").unwrap().plus_ms(999), at);
        assert_eq!(shown(asked("1/2/2026").unwrap()), "01/02/2026 00:00:00");
        for bad in ["", "21112026T212503+1999", "31022026T212503+0999", "21112026 212503+0999"] {
            assert_eq!(stamped_at(bad), None, "{bad}");
        }
        for bad in ["", "2026/11/21", "1/2/26", "31/02/2026", "1/2/2026 25:00:00", "null"] {
            assert_eq!(asked(bad), None, "{bad}");
        }
    }
}
