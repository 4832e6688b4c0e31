//! Who brought a document that is here before the dispatch that names it.

use tram_dispatch::{AgencyCode, Digest, DispatchId, NodeId};

/// Who brought a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bringer {
    /// Uploaded through the local socket, for any dispatch of this agency.
    Agency(AgencyCode),
    /// Given by a peer, for this dispatch alone.
    Peer(NodeId, DispatchId),
}

impl Bringer {
    /// The name of its staged file of a document; another bringer's differs.
    pub fn staging_name(&self, document: &Digest) -> String {
        let digest = match self {
            Bringer::Agency(agency) => tram_crypto::sha256_parts(&[
                b"agency",
                agency.as_str().as_bytes(),
                &[0],
                document.as_bytes(),
            ]),
            Bringer::Peer(peer, dispatch) => tram_crypto::sha256_parts(&[
                b"peer",
                peer.as_str().as_bytes(),
                &[0],
                dispatch.as_bytes(),
                document.as_bytes(),
            ]),
        };
        tram_dispatch::id::hex(&digest)
    }
}

/// Whose quota a document counts for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Agency(AgencyCode),
    Peer(NodeId),
}

impl Bringer {
    pub(super) fn owner(&self) -> Owner {
        match self {
            Bringer::Agency(agency) => Owner::Agency(agency.clone()),
            Bringer::Peer(peer, _) => Owner::Peer(peer.clone()),
        }
    }

    /// The first of all bringers with the same owner.
    pub(super) fn first_of_owner(&self) -> Bringer {
        match self {
            Bringer::Agency(_) => self.clone(),
            Bringer::Peer(peer, _) => Bringer::Peer(peer.clone(), DispatchId([0; 32])),
        }
    }
}
