//! The units inside an agency that an arrived dispatch is forwarded to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::limits::UNIT_CODE_BYTES_MAX;

/// What an agency calls one of its units, for example `VP` or `P.TC-KH`. It means nothing outside the agency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitCode(Arc<str>);

/// Why a text is not the code of a unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the code of a unit has 1 to {UNIT_CODE_BYTES_MAX} letters without accents, digits, dots, hyphens"
)]
pub struct BadUnitCode;

impl UnitCode {
    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UnitCode {
    type Err = BadUnitCode;

    fn from_str(text: &str) -> Result<Self, BadUnitCode> {
        let fits = (1..=UNIT_CODE_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
            // Neither `.` nor `..`: it stands in paths.
            && text.bytes().any(|b| b.is_ascii_alphanumeric());
        fits.then(|| UnitCode(text.into())).ok_or(BadUnitCode)
    }
}

impl fmt::Display for UnitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How far a unit is with a dispatch that was forwarded to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitMark {
    /// The clerk forwarded it.
    Forwarded = 1,
    /// The unit read it.
    Read = 2,
    /// The unit is done with it.
    Handled = 3,
}

impl UnitMark {
    /// Every mark, in numeric order.
    pub const ALL: [UnitMark; 3] = [UnitMark::Forwarded, UnitMark::Read, UnitMark::Handled];

    /// The number in the journal.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Reads the number in the journal.
    pub fn from_number(n: u8) -> Option<Self> {
        Self::ALL.get(usize::from(n).checked_sub(1)?).copied()
    }

    /// The word for tables and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            UnitMark::Forwarded => "forwarded",
            UnitMark::Read => "read",
            UnitMark::Handled => "handled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_short_and_plain() {
        for text in ["VP", "P.TC-KH", "1", "phong-noi-vu"] {
            assert_eq!(text.parse::<UnitCode>().unwrap().as_str(), text);
        }
        let long = "x".repeat(UNIT_CODE_BYTES_MAX + 1);
        for text in ["", ".", "..", "-", "Văn phòng", "a b", "a/b", "a,b", &long] {
            assert!(text.parse::<UnitCode>().is_err(), "{text}");
        }
        for mark in UnitMark::ALL {
            assert_eq!(UnitMark::from_number(mark.number()), Some(mark));
        }
    }
}
