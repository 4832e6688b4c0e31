//! The answers of this crate: yes, no, and "could not tell", which is neither.

use std::fmt;

use tram_dispatch::Code;
use tram_dispatch::text::escaped;
use tram_wire::WireError;

/// What verification found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<T> {
    /// Everything holds.
    Verified(T),
    /// Something does not hold, and asking again changes nothing.
    Refused(Refusal),
    /// It cannot be decided now; never evidence, never a signed refusal.
    Undetermined(Cause),
}

impl<T> Verdict<T> {
    /// The verified value, or `None` for the other two arms.
    pub fn verified(self) -> Option<T> {
        match self {
            Verdict::Verified(value) => Some(value),
            Verdict::Refused(_) | Verdict::Undetermined(_) => None,
        }
    }
}

/// Why something does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Refusal {
    /// The row of the table of codes.
    pub code: Code,
    /// What exactly, in English, safe to show: names from certificates are escaped.
    pub detail: String,
}

/// Why something cannot be decided now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Cause {
    /// The row of the table of codes.
    pub code: Code,
    /// What exactly, in English, safe to show.
    pub detail: String,
}

impl Refusal {
    /// Makes a refusal; the detail is escaped here, once, for every caller.
    pub(crate) fn new(code: Code, detail: impl fmt::Display) -> Self {
        Refusal { code, detail: escaped(&detail.to_string()) }
    }
}

/// The code and the words, for whoever passes them on.
impl From<Refusal> for (Code, String) {
    fn from(refusal: Refusal) -> Self {
        (refusal.code, refusal.detail)
    }
}

impl From<WireError> for Refusal {
    fn from(error: WireError) -> Self {
        Refusal::new(error.code, error.detail)
    }
}
