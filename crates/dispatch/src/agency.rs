//! Agency codes: the national grammar of Decision 20/2020/QĐ-TTg, the older 13-character form of
//! QCVN 102:2016, and opaque codes that fit neither but exist in real traffic.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::limits::AGENCY_CODE_BYTES_MAX;

/// The suffix of an agency's name in certificates (RFC 9476 keeps `.alt` out of the DNS).
pub const AGENCY_SUFFIX: &str = "agency.alt";

/// Longest code of Decision 20/2020, dots included.
const NATIONAL_CODE_BYTES_MAX: usize = 35;

/// An agency code in its one canonical spelling.
///
/// Structured codes are labels from the top, `H41.12.03`; the older `000.03.12.H41` parses to the
/// same value. Everything else printable is *opaque*: compared byte for byte, routed through the
/// directory only, and never named in a certificate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgencyCode {
    text: Arc<str>,
    structured: bool,
}

/// Why a text is not an agency code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAgencyCode {
    /// Empty, or longer than the limit.
    #[error("an agency code has 1 to {AGENCY_CODE_BYTES_MAX} bytes, this one has {0}")]
    Length(usize),
    /// A character outside printable ASCII without space.
    #[error("an agency code has only printable ASCII characters without spaces")]
    Character,
    /// Differs from a structured code only by letter case, so people would confuse the two.
    #[error("agency codes are written in capitals: did you mean {0}?")]
    Case(String),
    /// A valid code, but not in its canonical spelling, where that is required.
    #[error("not in canonical form: {0} is required here")]
    NotCanonical(String),
}

impl AgencyCode {
    /// Parses any accepted spelling, as people and legacy systems write it.
    pub fn parse(text: &str) -> Result<Self, BadAgencyCode> {
        if text.is_empty() || text.len() > AGENCY_CODE_BYTES_MAX {
            return Err(BadAgencyCode::Length(text.len()));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\' && b != b'/') {
            return Err(BadAgencyCode::Character);
        }
        if let Some(canonical) = structured(text) {
            return Ok(AgencyCode { text: canonical.into(), structured: true });
        }
        if let Some(canonical) = structured(&text.to_ascii_uppercase()) {
            return Err(BadAgencyCode::Case(canonical));
        }
        Ok(AgencyCode { text: text.into(), structured: false })
    }

    /// Parses the canonical spelling only; signed bytes carry nothing else, so that one agency
    /// has one name in evidence.
    pub fn parse_canonical(text: &str) -> Result<Self, BadAgencyCode> {
        let code = Self::parse(text)?;
        if code.as_str() == text {
            Ok(code)
        } else {
            Err(BadAgencyCode::NotCanonical(code.text.to_string()))
        }
    }

    /// The canonical spelling.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the code follows one of the two national grammars.
    pub fn is_structured(&self) -> bool {
        self.structured
    }

    /// The dNSName of a structured code in certificates, `03.12.h41.agency.alt`; an opaque code
    /// has none.
    pub fn certificate_name(&self) -> Option<String> {
        self.structured.then(|| format!("{}.{AGENCY_SUFFIX}", self.reversed_labels()))
    }

    /// Reads an agency back from a certificate's dNSName.
    pub fn from_certificate_name(name: &str) -> Option<Self> {
        let labels = name.strip_suffix(AGENCY_SUFFIX)?.strip_suffix('.')?;
        from_reversed_labels(labels)
    }

    /// The labels from the lowest to the top, in lower case, joined by dots.
    pub(crate) fn reversed_labels(&self) -> String {
        let labels: Vec<&str> = self.text.rsplit('.').collect();
        labels.join(".").to_ascii_lowercase()
    }

    /// Whether this structured code lies in the subtree of `top` (or is `top`).
    pub fn is_within(&self, top: &AgencyCode) -> bool {
        let (Some(rest), true, true) =
            (self.text.strip_prefix(&*top.text), self.structured, top.structured)
        else {
            return false;
        };
        rest.is_empty() || rest.starts_with('.')
    }

    /// The older 13-character spelling, where the code fits it.
    pub fn to_qcvn102(&self) -> Option<String> {
        let labels: Vec<&str> = self.text.split('.').collect();
        let fits = self.structured
            && labels.len() <= 4
            && labels[1..].iter().zip([2, 2, 3]).all(|(l, n)| l.len() == n);
        let group = |i: usize, zero: &'static str| labels.get(i).copied().unwrap_or(zero);
        fits.then(|| {
            format!("{}.{}.{}.{}", group(3, "000"), group(2, "00"), group(1, "00"), labels[0])
        })
    }
}

/// Reads lower-case labels, lowest first, as certificates carry them.
pub(crate) fn from_reversed_labels(labels: &str) -> Option<AgencyCode> {
    if labels.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let upper: Vec<&str> = labels.rsplit('.').collect();
    let code = AgencyCode::parse_canonical(&upper.join(".").to_ascii_uppercase()).ok()?;
    code.structured.then_some(code)
}

/// The canonical spelling of a structured code, or `None` if `text` fits neither grammar.
fn structured(text: &str) -> Option<String> {
    let labels: Vec<&str> = text.split('.').collect();
    if is_top(labels[0]) && text.len() <= NATIONAL_CODE_BYTES_MAX {
        return labels[1..].iter().all(|l| is_lower(l)).then(|| text.to_owned());
    }
    // The older form reads right to left; a zero group is unused and may only stand at the bottom.
    let [v, z, y, top] = labels[..] else { return None };
    let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
    if !(is_top(top) && digits(y, 2) && digits(z, 2) && digits(v, 3)) {
        return None;
    }
    let mut groups = vec![y, z, v];
    while groups.last().is_some_and(|g| g.bytes().all(|b| b == b'0')) {
        groups.pop();
    }
    if groups.iter().any(|g| g.bytes().all(|b| b == b'0')) {
        return None;
    }
    groups.insert(0, top);
    Some(groups.join("."))
}

fn is_top(label: &str) -> bool {
    let b = label.as_bytes();
    b.len() == 3 && b[0].is_ascii_uppercase() && b[1].is_ascii_digit() && b[2].is_ascii_digit()
}

fn is_lower(label: &str) -> bool {
    (2..=3).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

impl fmt::Display for AgencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for AgencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for AgencyCode {
    type Err = BadAgencyCode;
    fn from_str(text: &str) -> Result<Self, BadAgencyCode> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> AgencyCode {
        AgencyCode::parse(text).unwrap()
    }

    #[test]
    fn both_grammars_meet_in_one_value() {
        for (old, new) in [
            ("000.00.00.H41", "H41"),
            ("000.00.12.H41", "H41.12"),
            ("000.03.12.H41", "H41.12.03"),
            ("007.03.12.H41", "H41.12.03.007"),
        ] {
            assert_eq!(code(old), code(new));
            assert_eq!(code(new).to_qcvn102().as_deref(), Some(old));
        }
        assert!(code("H37.DN.001").is_structured());
        assert_eq!(code("H37.DN.001").to_qcvn102(), None);
    }

    #[test]
    fn codes_outside_both_grammars_are_opaque() {
        for text in ["vxp.saas.03", "001.00.20.TT2", "28.22.H17", "000.03.00.H41", "H41..03"] {
            let c = code(text);
            assert!(!c.is_structured(), "{text}");
            assert_eq!((c.as_str(), c.certificate_name()), (text, None));
        }
    }

    #[test]
    fn confusable_and_dirty_spellings_are_refused() {
        assert_eq!(AgencyCode::parse("h41.12"), Err(BadAgencyCode::Case("H41.12".into())));
        assert_eq!(AgencyCode::parse(""), Err(BadAgencyCode::Length(0)));
        assert_eq!(AgencyCode::parse("H41 "), Err(BadAgencyCode::Character));
        assert_eq!(AgencyCode::parse("H41\u{202e}"), Err(BadAgencyCode::Character));
        assert_eq!(
            AgencyCode::parse_canonical("000.03.12.H41"),
            Err(BadAgencyCode::NotCanonical("H41.12.03".into()))
        );
    }

    #[test]
    fn certificate_names_round_trip() {
        let name = code("H41.12.03").certificate_name().unwrap();
        assert_eq!(name, "03.12.h41.agency.alt");
        assert_eq!(AgencyCode::from_certificate_name(&name), Some(code("H41.12.03")));
        for bad in ["03.12.H41.agency.alt", "*.h41.agency.alt", "h41agency.alt", "x.agency.alt"] {
            assert_eq!(AgencyCode::from_certificate_name(bad), None, "{bad}");
        }
    }

    #[test]
    fn subtrees_follow_labels_not_text() {
        assert!(code("H41.12.03").is_within(&code("H41.12")));
        assert!(code("H41").is_within(&code("H41")));
        assert!(!code("H41.123").is_within(&code("H41.12")));
        assert!(!code("H41").is_within(&code("H41.12")));
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_is_idempotent(text in ".{0,70}") {
            if let Ok(c) = AgencyCode::parse(&text) {
                prop_assert_eq!(AgencyCode::parse_canonical(c.as_str()).unwrap(), c);
            }
        }
    }
}
