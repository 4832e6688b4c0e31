//! The question a handshake asks about the other side's certificates.

use crate::PeerName;

/// Codes this crate itself knows the meaning of; a [`PeerCheck`] may use any others besides.
///
/// They decide which [`crate::HandshakeError`] a denial becomes.
pub mod code {
    /// The certificate's validity has ended, by the checker's clock.
    pub const CERTIFICATE_EXPIRED: &str = "CERTIFICATE_EXPIRED";
    /// The certificate's validity has not begun, by the checker's clock.
    pub const CERTIFICATE_NOT_YET_VALID: &str = "CERTIFICATE_NOT_YET_VALID";
    /// The certificate is good, but names another node than the one that was dialled.
    pub const PEER_NAME_MISMATCH: &str = "PEER_NAME_MISMATCH";
    /// The dialler sent no certificate.
    pub const CERTIFICATE_REQUIRED: &str = "CERTIFICATE_REQUIRED";
}

/// On which side of the handshake the checked peer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role<'a> {
    /// We dialled it and expect this name.
    Dialled {
        /// The node we meant to reach.
        expected: &'a PeerName,
    },
    /// It dialled us; any admissible name will do.
    Accepted,
}

/// Why a peer was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Denied {
    /// Stable code (`A`–`Z`, `0`–`9`, `_`; at most 64 octets). The peer is told this code.
    pub code: &'static str,
    /// For our operator only; never sent to the peer.
    pub detail: String,
}

/// Decides everything about a peer's certificates except possession of the private key: path,
/// validity, revocation, purposes, name, directory entry, adjacency.
///
/// The transport has verified nothing of the chain when it asks; it verifies the TLS 1.3
/// CertificateVerify signature with the first certificate's key right after.
///
/// Called on the I/O thread, once per handshake: it must not block. Its `Ok` is the only way a
/// session gets a name.
pub trait PeerCheck: Send + Sync + 'static {
    /// Judges `chain_der` (the peer's own certificate first, then intermediates in the order sent)
    /// and names the peer.
    ///
    /// # Errors
    /// [`Denied`] ends the handshake; its code reaches both operators.
    fn check(&self, chain_der: &[Vec<u8>], role: Role<'_>) -> Result<PeerName, Denied>;
}
