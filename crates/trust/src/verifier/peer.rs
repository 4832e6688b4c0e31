//! Who is at the other end of a session.

use tram_crypto::PublicKey;
use tram_dispatch::{Code, NodeId, UnixMillis};

use super::Verifier;
use super::chains::Kind;
use crate::certificate::profile;
use crate::revocation::Revocation;
use crate::verdict::Refusal;

impl Verifier {
    /// Which node a TLS peer is, by the chain it presented and proved to hold the key of: a path to an
    /// anchor for nodes, meant for both client and server, exactly one name under `node.alt`, and that
    /// node open in the directory. Whether it is *adjacent* is [`crate::Directory::adjacent`].
    ///
    /// For new sessions: beyond the grace of a revocation list they are refused.
    ///
    /// # Errors
    /// The codes of the certificate checks; `PEER_NOT_IN_DIRECTORY`; `REVOCATION_UNKNOWN`.
    pub fn peer(
        &self,
        chain: &[Vec<u8>],
        expected: Option<&NodeId>,
        now: UnixMillis,
    ) -> Result<NodeId, Refusal> {
        self.peer_within(chain, expected, now, self.options.revocation_grace_ms)
    }

    /// As [`Verifier::peer`], and that the directory puts that node next to `me`.
    ///
    /// # Errors
    /// As [`Verifier::peer`].
    pub fn neighbour(
        &self,
        chain: &[Vec<u8>],
        expected: Option<&NodeId>,
        me: &NodeId,
        now: UnixMillis,
    ) -> Result<NodeId, Refusal> {
        let node = self.peer(chain, expected, now)?;
        if !self.directory.adjacent(me, &node) {
            let detail = format!("the directory does not put {node} next to {me}");
            return Err(Refusal::new(Code::PeerNotInDirectory, detail));
        }
        Ok(node)
    }

    /// As [`Verifier::peer`] for a session that exists and is checked again: it outlives new ones by
    /// one more grace.
    ///
    /// # Errors
    /// As [`Verifier::peer`].
    pub fn peer_again(
        &self,
        chain: &[Vec<u8>],
        node: &NodeId,
        now: UnixMillis,
    ) -> Result<NodeId, Refusal> {
        let grace_ms = self.options.revocation_grace_ms.saturating_mul(2);
        self.peer_within(chain, Some(node), now, grace_ms)
    }

    /// Which node a chain names, and the key of its certificate, judged at a moment. Whether the directory
    /// lists it is not asked.
    pub(crate) fn node_key(
        &self,
        chain: &[Vec<u8>],
        at: UnixMillis,
    ) -> Result<(NodeId, PublicKey), Refusal> {
        let checked = self.checked(Kind::Node, chain, at)?;
        let node = profile::node_of(&checked.leaf)?;
        let grace_ms = self.options.revocation_grace_ms;
        if let Revocation::Unknown { as_of } = checked.path.status.status(at, grace_ms) {
            let detail = format!("a revocation list for the certificate of {node} is of {as_of}");
            return Err(Refusal::new(Code::RevocationUnknown, detail));
        }
        Ok((node, checked.leaf.key()?.clone()))
    }

    fn peer_within(
        &self,
        chain: &[Vec<u8>],
        expected: Option<&NodeId>,
        now: UnixMillis,
        grace_ms: u64,
    ) -> Result<NodeId, Refusal> {
        let checked = self.checked(Kind::Node, chain, now)?;
        let node = profile::node_of(&checked.leaf)?;
        if let Revocation::Unknown { as_of } = checked.path.status.status(now, grace_ms) {
            let detail = format!(
                "a revocation list for the certificate of {node} is of {as_of}, and the grace after \
                 its end has run out"
            );
            return Err(Refusal::new(Code::RevocationUnknown, detail));
        }
        if let Some(expected) = expected.filter(|expected| **expected != node) {
            let detail = format!("the peer's certificate names {node}; {expected} was expected");
            return Err(Refusal::new(Code::PeerNotInDirectory, detail));
        }
        if !self.directory.node(&node).is_some_and(|listed| listed.open) {
            let version = self.directory.version();
            let detail = format!("{node} is no open node in version {version} of the directory");
            return Err(Refusal::new(Code::PeerNotInDirectory, detail));
        }
        Ok(node)
    }
}
