use std::fmt;

/// A day of the calendar as printed on a document: also before 1970, for a document of 1945 may be
/// answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IssueDay {
    year: u16,
    month: u8,
    day: u8,
}

impl IssueDay {
    /// A day that exists, of the years 1900 to 2999.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let length = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        let exists = (1900..3000).contains(&year) && (1..=length).contains(&day);
        exists.then_some(IssueDay { year, month, day })
    }

    /// Reads `yyyy/MM/dd`, and `yyyy-MM-dd`, which cannot be taken for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let separator = if text.contains('/') { '/' } else { '-' };
        let mut parts = text.split(separator);
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let number = |text: &str, digits: usize| -> Option<u16> {
            let plain = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
            if plain { text.parse().ok() } else { None }
        };
        let small = |text: &str| u8::try_from(number(text, 2)?).ok();
        Self::new(number(year, 4)?, small(month)?, small(day)?)
    }

    /// As the envelope has it, `yyyy-MM-dd`.
    pub fn iso(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// Whether an envelope can hold it: from 1970 on.
    pub fn in_envelope(&self) -> bool {
        self.year >= 1970
    }
}

/// `yyyy/MM/dd`.
impl fmt::Display for IssueDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}/{:02}/{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_exist_or_are_refused() {
        for (text, shown) in [
            ("2020/05/18", "2020/05/18"),
            ("2020-02-29", "2020/02/29"),
            ("1945/09/02", "1945/09/02"),
            ("2000/02/29", "2000/02/29"),
        ] {
            assert_eq!(IssueDay::parse(text).unwrap().to_string(), shown);
        }
        for bad in [
            "",
            "2019/02/29",
            "2100/02/29",
            "2020/13/01",
            "2020/00/10",
            "2020/04/31",
            "18/05/2020",
            "2020/5/18",
            "2020/05/18/1",
            "2020/05-18",
            "0000/00/00",
            "99999/01/01",
            "2020/05/１8",
            "+020/05/18",
        ] {
            assert_eq!(IssueDay::parse(bad), None, "{bad}");
        }
        let old = IssueDay::parse("1945/09/02").unwrap();
        assert!(!old.in_envelope() && IssueDay::parse("1970/01/01").unwrap().in_envelope());
    }
}
