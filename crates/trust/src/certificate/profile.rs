//! The certificate profiles of `certs/`, beyond what path validation checks: key usage, extended
//! key usage required on the leaf, exactly one name and of the right kind.

use tram_dispatch::agency::AGENCY_SUFFIX;
use tram_dispatch::node::NODE_SUFFIX;
use tram_dispatch::{AgencyCode, Code, NodeId};

use super::{Certificate, Name};
use crate::verdict::Refusal;

/// id-kp-serverAuth (RFC 5280 section 4.2.1.12).
pub(crate) const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
/// id-kp-clientAuth (RFC 5280 section 4.2.1.12).
pub(crate) const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
/// id-kp-emailProtection (RFC 5280 section 4.2.1.12).
pub(crate) const EMAIL_PROTECTION: &str = "1.3.6.1.5.5.7.3.4";
/// id-kp-timeStamping (RFC 3161 section 2.3).
pub(crate) const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
/// id-kp-documentSigning (RFC 9336).
pub(crate) const DOCUMENT_SIGNING: &str = "1.3.6.1.5.5.7.3.36";
/// anyExtendedKeyUsage (RFC 5280 section 4.2.1.12).
pub(crate) const ANY_PURPOSE: &str = "2.5.29.37.0";
/// Document signing as issued before RFC 9336 (Microsoft's identifier).
pub(crate) const DOCUMENT_SIGNING_MS: &str = "1.3.6.1.4.1.311.10.3.12";

/// What a certificate is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// Sealing, by a certificate of this network's own profile, which names its agency.
    Seal,
    /// Sealing, by a certificate that the directory binds to an agency by digest.
    BoundSeal,
    /// Node-to-node TLS, both as client and as server.
    Node,
    /// Signing time-stamp tokens.
    TimeStamp,
    /// A document system, as a client of TLS.
    System,
}

impl Purpose {
    /// The extended key usages of which a certificate that has the extension must hold all
    /// (`Node`) or one (seals).
    pub(crate) const fn purposes(self) -> &'static [&'static str] {
        match self {
            Purpose::Seal => &[DOCUMENT_SIGNING],
            Purpose::BoundSeal => &[DOCUMENT_SIGNING, DOCUMENT_SIGNING_MS, EMAIL_PROTECTION],
            Purpose::Node => &[SERVER_AUTH, CLIENT_AUTH],
            Purpose::TimeStamp => &[TIME_STAMPING],
            Purpose::System => &[CLIENT_AUTH, ANY_PURPOSE],
        }
    }

    /// Whether a list of extended key usages allows this purpose.
    pub(crate) fn allows(self, listed: &[String]) -> bool {
        let has = |oid: &&str| listed.iter().any(|l| l == oid);
        match self {
            Purpose::Node => self.purposes().iter().all(has),
            Purpose::Seal | Purpose::BoundSeal | Purpose::TimeStamp | Purpose::System => {
                self.purposes().iter().any(has)
            }
        }
    }

    /// Uses that a leaf for this purpose must not also have: no key does another's work.
    const fn forbidden(self) -> &'static [&'static str] {
        match self {
            Purpose::Seal => &[SERVER_AUTH, CLIENT_AUTH, ANY_PURPOSE],
            Purpose::BoundSeal => &[SERVER_AUTH],
            Purpose::Node => &[DOCUMENT_SIGNING, ANY_PURPOSE],
            // It must have one use alone: `time_stamp` looks.
            Purpose::TimeStamp => &[],
            // What its authority gives it besides is the agency's affair.
            Purpose::System => &[],
        }
    }
}

/// Checks everything about a leaf but its names.
///
/// # Errors
/// `CERTIFICATE_INVALID` naming the rule; `ALGORITHM_REFUSED` for the key.
pub(crate) fn check_leaf(leaf: &Certificate, purpose: Purpose) -> Result<(), Refusal> {
    leaf.key()?;
    if leaf.is_ca() {
        return Err(invalid(leaf, "it is a CA certificate"));
    }
    let Some(usages) = leaf.usages() else {
        return Err(invalid(leaf, "it has no key usage extension"));
    };
    if !usages.digital_signature {
        return Err(invalid(leaf, "its key usage lacks digitalSignature"));
    }
    if usages.certificate_sign || usages.crl_sign {
        return Err(invalid(leaf, "its key usage also allows signing certificates or CRLs"));
    }
    match leaf.purposes() {
        // Certificates of the existing public key infrastructures may have none; the directory
        // names the one certificate it means.
        None if purpose == Purpose::BoundSeal => Ok(()),
        None => Err(invalid(leaf, "it has no extended key usage extension")),
        Some(listed) if !purpose.allows(listed) => {
            let need = purpose.purposes().join(", ");
            Err(invalid(leaf, &format!("its extended key usage lacks what is needed ({need})")))
        }
        Some(listed) => {
            match purpose.forbidden().iter().find(|oid| listed.iter().any(|l| l == *oid)) {
                Some(oid) => Err(invalid(leaf, &format!("it is also meant for {oid}"))),
                None => Ok(()),
            }
        }
    }
}

/// The agency that a seal certificate names, or `None` if it names nothing in this network (then
/// only a directory binding can make it a seal).
///
/// # Errors
/// `CERTIFICATE_INVALID` if it names something here, but not exactly one agency and nothing else.
pub(crate) fn agency_of(leaf: &Certificate) -> Result<Option<AgencyCode>, Refusal> {
    match single_name(leaf)? {
        None => Ok(None),
        Some(name) => AgencyCode::from_certificate_name(name).map(Some).ok_or_else(|| {
            invalid(leaf, &format!("\"{name}\" does not name an agency under {AGENCY_SUFFIX}"))
        }),
    }
}

/// The node that a node certificate names.
///
/// # Errors
/// `CERTIFICATE_INVALID` if it does not name exactly one node and nothing else.
pub(crate) fn node_of(leaf: &Certificate) -> Result<NodeId, Refusal> {
    let name = single_name(leaf)?
        .ok_or_else(|| invalid(leaf, &format!("it carries no name under {NODE_SUFFIX}")))?;
    NodeId::from_certificate_name(name).ok_or_else(|| {
        invalid(leaf, &format!("\"{name}\" does not name a node under {NODE_SUFFIX}"))
    })
}

/// The only name, if any name of the leaf lies in this network.
fn single_name(leaf: &Certificate) -> Result<Option<&str>, Refusal> {
    let ours = |name: &Name| matches!(name, Name::Dns(name) if in_network(name));
    if !leaf.names().iter().any(ours) {
        return Ok(None);
    }
    match leaf.names() {
        [Name::Dns(name)] if name.contains('*') => {
            Err(invalid(leaf, &format!("\"{name}\" is a wildcard")))
        }
        [Name::Dns(name)] => Ok(Some(name)),
        names => Err(invalid(leaf, &format!("it carries {} names, not one", names.len()))),
    }
}

/// Whether a dNSName lies under one of the two suffixes, in any letter case.
fn in_network(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    [AGENCY_SUFFIX, NODE_SUFFIX].iter().any(|suffix| {
        name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

fn invalid(leaf: &Certificate, what: &str) -> Refusal {
    let detail = format!("certificate of \"{}\": {what}", leaf.subject());
    Refusal::new(Code::CertificateInvalid, detail)
}
