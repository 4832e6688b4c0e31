//! Who we are, and what a peer is called.

use std::fmt;

/// The name a [`crate::PeerCheck`] gave a peer: the node id, for example `n1.H41.12`.
///
/// This crate compares it and prints it, and never parses it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerName(String);

impl PeerName {
    /// Wraps a node id.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// A node's own certificate chain and private key.
#[derive(Clone)]
pub struct Identity {
    /// DER certificates, the node's own first, then the intermediates towards (not including) the
    /// trust anchor.
    pub chain_der: Vec<Vec<u8>>,
    /// PKCS #8 private key (RFC 5958) of the first certificate: Ed25519, P-256, P-384 or RSA.
    pub key_pkcs8_der: Vec<u8>,
}

impl fmt::Debug for Identity {
    // The key must never reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificates", &self.chain_der.len())
            .finish_non_exhaustive()
    }
}
