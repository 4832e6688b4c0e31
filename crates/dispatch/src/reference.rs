//! The reference: the originator's own name for a dispatch, unique per originator.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::limits::REFERENCE_BYTES_MAX;
use crate::text;

/// 1 to 64 bytes of UTF-8 without control characters. With the originator it forms the
/// submission key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(Arc<str>);

/// Why a text is not a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a reference has 1 to {REFERENCE_BYTES_MAX} bytes, without control characters")]
pub struct BadReference;

impl Reference {
    /// The text as signed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reference {
    type Err = BadReference;
    fn from_str(s: &str) -> Result<Self, BadReference> {
        let ok = (1..=REFERENCE_BYTES_MAX).contains(&s.len()) && text::is_plain(s);
        if ok { Ok(Reference(s.into())) } else { Err(BadReference) }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold() {
        assert!("12/CT-TTg/2026".parse::<Reference>().is_ok());
        assert!("x".repeat(64).parse::<Reference>().is_ok());
        for bad in ["", "a\nb", "a\u{202e}b", &"x".repeat(65)] {
            assert_eq!(bad.parse::<Reference>(), Err(BadReference));
        }
    }
}
