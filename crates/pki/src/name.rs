//! What a certificate speaks for, and the subtree an authority may certify.

use std::fmt;

use tram_dispatch::agency::AGENCY_SUFFIX;
use tram_dispatch::node::NODE_SUFFIX;
use tram_dispatch::{AgencyCode, NodeId};

use crate::PkiError;

/// What a node or seal certificate speaks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A node, toward its peers (TLS).
    Node(NodeId),
    /// An agency, on its dispatches.
    Seal(AgencyCode),
}

impl Subject {
    /// The one dNSName of the certificate.
    ///
    /// # Errors
    /// [`PkiError::Opaque`] for an agency whose code has no name in certificates.
    pub fn dns_name(&self) -> Result<String, PkiError> {
        match self {
            Subject::Node(id) => Ok(id.certificate_name()),
            Subject::Seal(code) => {
                code.certificate_name().ok_or_else(|| PkiError::Opaque(code.to_string()))
            }
        }
    }

    /// Reads the name back.
    ///
    /// # Errors
    /// [`PkiError::Wildcard`] or [`PkiError::NameForm`].
    pub fn from_dns_name(name: &str) -> Result<Self, PkiError> {
        if name.contains('*') {
            return Err(PkiError::Wildcard(name.to_owned()));
        }
        NodeId::from_certificate_name(name)
            .map(Subject::Node)
            .or_else(|| AgencyCode::from_certificate_name(name).map(Subject::Seal))
            .ok_or_else(|| PkiError::NameForm(tram_dispatch::text::escaped(name)))
    }
}

/// The node id or the agency code.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Node(id) => id.fmt(f),
            Subject::Seal(code) => code.fmt(f),
        }
    }
}

/// What an authority may certify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subtree {
    /// Every agency and node, and nothing else: the centre.
    Whole,
    /// An agency, what is below it, and their nodes.
    Of(AgencyCode),
}

impl Subtree {
    /// The permitted dNSName subtrees of the authority's certificate: `h41.agency.alt` and
    /// `h41.node.alt`.
    ///
    /// # Errors
    /// [`PkiError::Opaque`].
    pub fn permitted(&self) -> Result<[String; 2], PkiError> {
        let Subtree::Of(code) = self else {
            return Ok([AGENCY_SUFFIX.to_owned(), NODE_SUFFIX.to_owned()]);
        };
        let agencies = code.certificate_name().ok_or_else(|| PkiError::Opaque(code.to_string()))?;
        let labels = agencies.strip_suffix(AGENCY_SUFFIX).unwrap_or(&agencies);
        let nodes = format!("{labels}{NODE_SUFFIX}");
        Ok([agencies, nodes])
    }
}

/// Whether a dNSName lies in a dNSName subtree: equal, or with more labels to the left (RFC 5280
/// section 4.2.1.10). A leading dot, which some authorities write, asks for at least one more.
pub(crate) fn within(name: &str, base: &str) -> bool {
    let (name, base) = (name.to_ascii_lowercase(), base.to_ascii_lowercase());
    if let Some(base) = base.strip_prefix('.') {
        return name.strip_suffix(base).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
    }
    name.strip_suffix(&*base)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.') || base.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_wildcards_do_not() {
        for name in ["03.12.h41.agency.alt", "n1.03.12.h41.node.alt"] {
            assert_eq!(Subject::from_dns_name(name).unwrap().dns_name().unwrap(), name);
        }
        for name in ["*.h41.agency.alt", "n*.h41.node.alt"] {
            assert!(matches!(Subject::from_dns_name(name), Err(PkiError::Wildcard(_))), "{name}");
        }
        for name in ["", "h41.example.vn", "n1.node.alt", "H41.agency.alt", "a\u{202e}"] {
            assert!(matches!(Subject::from_dns_name(name), Err(PkiError::NameForm(_))), "{name}");
        }
        let opaque = Subject::Seal(AgencyCode::parse("vxp.saas.03").unwrap());
        assert!(matches!(opaque.dns_name(), Err(PkiError::Opaque(_))));
    }

    #[test]
    fn subtrees_follow_labels() {
        let h41 = Subtree::Of(AgencyCode::parse("H41.12").unwrap());
        assert_eq!(h41.permitted().unwrap(), ["12.h41.agency.alt", "12.h41.node.alt"]);
        assert_eq!(Subtree::Whole.permitted().unwrap(), ["agency.alt", "node.alt"]);
        assert!(within("03.12.h41.agency.alt", "12.h41.agency.alt"));
        assert!(within("12.H41.agency.alt", "12.h41.agency.alt"));
        assert!(!within("x12.h41.agency.alt", "12.h41.agency.alt"));
        assert!(!within("h41.agency.alt", "12.h41.agency.alt"));
        assert!(within("a.alt", ".alt") && !within("alt", ".alt") && !within("xalt", ".alt"));
        assert!(within("anything", ""));
    }
}
