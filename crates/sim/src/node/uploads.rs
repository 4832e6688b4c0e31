//! Documents that are here before the dispatch that names them, as `node/src/daemon/uploads.rs` and
//! `pins.rs` keep them: each belongs to who brought it.

use std::collections::BTreeMap;

use tram_dispatch::{AgencyCode, Digest, DispatchId, NodeId};

/// Who brought a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bringer {
    Agency(AgencyCode),
    Peer(NodeId, DispatchId),
}

impl Bringer {
    /// The name of its staged file of a document; another bringer's differs.
    pub(super) fn staging_name(&self, document: &Digest) -> String {
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

/// Finished documents by who brought them, and files that must stay for now.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    finished: BTreeMap<Digest, BTreeMap<Bringer, u64>>,
    pinned: BTreeMap<Digest, u32>,
}

impl Uploads {
    pub(super) fn add(&mut self, who: &Bringer, digest: Digest, size: u64) {
        self.finished.entry(digest).or_default().insert(who.clone(), size);
    }

    pub(super) fn size(&self, who: &Bringer, digest: &Digest) -> Option<u64> {
        self.finished.get(digest)?.get(who).copied()
    }

    pub(super) fn forget(&mut self, who: &Bringer, digest: &Digest) {
        if let Some(bringers) = self.finished.get_mut(digest) {
            bringers.remove(who);
            if bringers.is_empty() {
                self.finished.remove(digest);
            }
        }
    }

    pub(super) fn pin(&mut self, digest: Digest) {
        *self.pinned.entry(digest).or_default() += 1;
    }

    pub(super) fn unpin(&mut self, digest: &Digest) {
        if let Some(n) = self.pinned.get_mut(digest) {
            *n -= 1;
            if *n == 0 {
                self.pinned.remove(digest);
            }
        }
    }

    /// Whether somebody still counts on the file of this document.
    pub(super) fn wants(&self, digest: &Digest) -> bool {
        self.finished.contains_key(digest) || self.pinned.contains_key(digest)
    }
}
