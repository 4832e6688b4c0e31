//! Why bytes are not taken.

use std::fmt::Display;

use tram_dispatch::Code;

/// The bytes are not of this format, not in their one canonical form, or over a limit.
///
/// The detail says where and what, in words of ours and numbers: it never repeats text from the input,
/// so it is safe in a log line or on a terminal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct WireError {
    /// `Malformed`, `NotCanonical`, `TooLarge` or `WrongNetwork`.
    pub code: Code,
    /// What exactly, for the person who has to mend it.
    pub detail: String,
}

impl WireError {
    /// Not of this format.
    pub fn malformed(detail: impl Display) -> Self {
        WireError { code: Code::Malformed, detail: detail.to_string() }
    }

    /// Another encoding of something that has only one.
    pub fn not_canonical(detail: impl Display) -> Self {
        WireError { code: Code::NotCanonical, detail: detail.to_string() }
    }

    /// Over a limit of `tram_dispatch::limits`.
    pub fn too_large(detail: impl Display) -> Self {
        WireError { code: Code::TooLarge, detail: detail.to_string() }
    }

    /// Made for another network.
    pub fn wrong_network(detail: impl Display) -> Self {
        WireError { code: Code::WrongNetwork, detail: detail.to_string() }
    }

    /// The same error, with the place it happened in before it.
    pub fn within(self, place: &str) -> Self {
        WireError { code: self.code, detail: format!("{place}: {}", self.detail) }
    }
}

/// A type that does not fit, after the structural walk has passed.
impl From<minicbor::decode::Error> for WireError {
    fn from(error: minicbor::decode::Error) -> Self {
        WireError::malformed(error)
    }
}

/// The code and the words, for whoever passes them on.
impl From<WireError> for (Code, String) {
    fn from(error: WireError) -> Self {
        (error.code, error.detail)
    }
}
