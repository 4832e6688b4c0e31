//! Node identifiers: a short label and the agency that runs the node, `n1.H41.12.03`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::agency::{AgencyCode, from_reversed_labels};
use crate::limits::NODE_LABEL_BYTES_MAX;

/// The suffix of a node's name in certificates (RFC 9476 keeps `.alt` out of the DNS).
pub const NODE_SUFFIX: &str = "node.alt";

/// Names one node: `label.AGENCY`, for example `n1.H41.12.03`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(Arc<str>);

/// Why a text is not a node id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a node id is a label of 1 to {NODE_LABEL_BYTES_MAX} characters a-z, 0-9, '-', then a dot and a structured agency code, for example n1.H41.12"
)]
pub struct BadNodeId;

impl NodeId {
    /// Joins a label and a structured agency code.
    pub fn new(label: &str, agency: &AgencyCode) -> Result<Self, BadNodeId> {
        format!("{label}.{agency}").parse()
    }

    /// The canonical spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The agency that runs the node.
    pub fn agency(&self) -> AgencyCode {
        let (_, code) = self.0.split_once('.').unwrap_or(("", &self.0));
        AgencyCode::parse(code).unwrap_or_else(|_| unreachable!("checked when parsed"))
    }

    /// The label, `n1`.
    pub fn label(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }

    /// The dNSName in the node's certificate, `n1.03.12.h41.node.alt`.
    pub fn certificate_name(&self) -> String {
        format!("{}.{}.{NODE_SUFFIX}", self.label(), self.agency().reversed_labels())
    }

    /// Reads a node id back from a certificate's dNSName.
    pub fn from_certificate_name(name: &str) -> Option<Self> {
        let rest = name.strip_suffix(NODE_SUFFIX)?.strip_suffix('.')?;
        let (label, labels) = rest.split_once('.')?;
        NodeId::new(label, &from_reversed_labels(labels)?).ok()
    }
}

impl FromStr for NodeId {
    type Err = BadNodeId;
    fn from_str(text: &str) -> Result<Self, BadNodeId> {
        let (label, code) = text.split_once('.').ok_or(BadNodeId)?;
        let label_ok = (1..=NODE_LABEL_BYTES_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let code = AgencyCode::parse_canonical(code).map_err(|_| BadNodeId)?;
        if label_ok && code.is_structured() { Ok(NodeId(text.into())) } else { Err(BadNodeId) }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        let id: NodeId = "n1.H41.12.03".parse().unwrap();
        assert_eq!((id.label(), id.agency().as_str()), ("n1", "H41.12.03"));
        assert_eq!(id.certificate_name(), "n1.03.12.h41.node.alt");
        assert_eq!(NodeId::from_certificate_name(&id.certificate_name()), Some(id));
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in ["n1", "N1.H41", "-n.H41", "n1.vxp.saas.03", "n1.000.00.12.H41", ".H41"] {
            assert_eq!(bad.parse::<NodeId>(), Err(BadNodeId), "{bad}");
        }
        assert_eq!(NodeId::from_certificate_name("n1.h41.agency.alt"), None);
    }
}
