use std::fmt;

use tram_dispatch::UnixMillis;
use tram_dispatch::calendar::VIETNAM_MS;

use super::IssueDay;

/// A moment by the clocks of Viet Nam (UTC+7), to the second: edXML writes no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalTime {
    day: IssueDay,
    seconds: u32,
}

impl LocalTime {
    /// Reads `yyyy/MM/dd HH:mm:ss`; also with `-` in the day, `T` before the hour, a fraction of a
    /// second (left out), and a day alone (its first second).
    pub fn parse(text: &str) -> Option<Self> {
        let (day, clock) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
        let day = IssueDay::parse(day)?;
        let clock = match clock.trim_start().split_once('.') {
            Some((clock, fraction)) => {
                let plain = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
                plain.then_some(clock)?
            }
            None => clock.trim_start(),
        };
        let mut parts = clock.split(':').map(|part| {
            let plain = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            if plain { part.parse::<u32>().ok() } else { None }
        });
        let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
        let exists = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
        exists.then_some(LocalTime { day, seconds: (hour * 60 + minute) * 60 + second })
    }

    /// The moment as Viet Nam's clocks show it, without its milliseconds. `None` beyond the year 2999.
    pub fn of(at: UnixMillis) -> Option<Self> {
        let text = at.plus_ms(VIETNAM_MS).to_string();
        Self::parse(text.strip_suffix('Z')?)
    }

    /// The moment itself. `None` before 1970.
    pub fn at(&self) -> Option<UnixMillis> {
        let midnight: UnixMillis = self.day.iso().parse().ok()?;
        let local = midnight.plus_ms(u64::from(self.seconds) * 1000);
        local.0.checked_sub(VIETNAM_MS).map(UnixMillis)
    }

    /// Its day.
    pub fn day(&self) -> IssueDay {
        self.day
    }
}

/// `yyyy/MM/dd HH:mm:ss`.
impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.seconds;
        write!(f, "{} {:02}:{:02}:{:02}", self.day, s / 3600, s / 60 % 60, s % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_vietnam() {
        let at = LocalTime::parse("2020/05/18 09:41:07").unwrap();
        assert_eq!(at.at().unwrap().to_string(), "2020-05-18T02:41:07.000Z");
        assert_eq!(LocalTime::of(at.at().unwrap()), Some(at));
        assert_eq!(at.to_string(), "2020/05/18 09:41:07");
        for same in ["2020-05-18 09:41:07", "2020-05-18T09:41:07", "2020/05/18 09:41:07.123"] {
            assert_eq!(LocalTime::parse(same), Some(at), "{same}");
        }
        assert_eq!(LocalTime::parse("2020/05/18").unwrap().to_string(), "2020/05/18 00:00:00");
        for bad in [
            "",
            "2020/05/18 24:00:00",
            "2020/05/18 09:60:00",
            "2020/05/18 9:41:07",
            "null",
            "2020/02/30 09:41:07",
            "2020/05/18 09:41:07.",
            "2020/05/18 09:41:07:00",
            "2020/05/18 09:41",
        ] {
            assert_eq!(LocalTime::parse(bad), None, "{bad}");
        }
        assert_eq!(LocalTime::parse("1945/09/02 14:00:00").unwrap().at(), None);
        assert_eq!(LocalTime::of(UnixMillis(u64::MAX)), None);
    }
}
