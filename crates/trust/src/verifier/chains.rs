//! Chains, verified once and remembered for as long as nothing on them changes.

use std::sync::Arc;

use tram_crypto::sha256_parts;
use tram_dispatch::UnixMillis;

use super::{Verifier, lock};
use crate::certificate::Certificate;
use crate::certificate::profile::{self, Purpose};
use crate::chain::{self, Path};
use crate::verdict::Refusal;

/// What a chain is for, and SHA-256 of its certificates. Anchors and revocation lists are those of
/// the verifier.
pub(super) type ChainKey = (Kind, [u8; 32]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Seal,
    Node,
}

/// A leaf that fits its purpose, on a path to an anchor.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) leaf: Certificate,
    pub(super) path: Path,
}

impl Verifier {
    /// Checks path and profile, but not yet whose certificate it is. The result holds at `at`:
    /// nothing on the path is expired or revoked then.
    pub(super) fn checked(
        &self,
        kind: Kind,
        ders: &[Vec<u8>],
        at: UnixMillis,
    ) -> Result<Arc<Checked>, Refusal> {
        let key = (kind, name(ders));
        let known = lock(&self.chains).get(&key);
        if let Some(known) = known.filter(|known| holds(&known.path, at)) {
            return Ok(known);
        }
        let certificates = chain::read(ders)?;
        let Some(leaf) = certificates.first() else {
            return Err(chain::no_certificate());
        };
        // What the leaf's names are is told after what its path is.
        let (anchors, purpose, named) = match kind {
            Kind::Node => (self.root.nodes(), Purpose::Node, profile::node_of(leaf).map(|_| ())),
            Kind::Seal => match profile::agency_of(leaf) {
                Ok(None) => (self.root.seals(), Purpose::BoundSeal, Ok(())),
                named => (self.root.seals(), Purpose::Seal, named.map(|_| ())),
            },
        };
        let path = chain::build(anchors, &certificates, purpose, at, &self.crls)?;
        profile::check_leaf(leaf, purpose)?;
        named?;
        let checked = Arc::new(Checked { leaf: leaf.clone(), path });
        lock(&self.chains).insert(key, checked.clone());
        Ok(checked)
    }
}

fn holds(path: &Path, at: UnixMillis) -> bool {
    let (from, until) = path.window;
    from <= at && at <= until && path.status.revoked(at).is_none()
}

/// SHA-256 over the certificates with their lengths, so that no two chains share a name.
fn name(ders: &[Vec<u8>]) -> [u8; 32] {
    let lengths: Vec<[u8; 8]> = ders.iter().map(|der| (der.len() as u64).to_be_bytes()).collect();
    let mut parts: Vec<&[u8]> = Vec::with_capacity(2 * ders.len());
    for (length, der) in lengths.iter().zip(ders) {
        parts.push(length);
        parts.push(der);
    }
    sha256_parts(&parts)
}
