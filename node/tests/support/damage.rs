//! Dispatches with a document of its own file, and damage to that file.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use tram_api::model::{LegState, QueueItem, QueueQuery};
use tram_crypto::sha256;
use tram_dispatch::{Digest, DispatchId};
use tram_wire::SealedDispatch;

use super::sealing::{document, small_document};
use super::{Network, Node, agency};

/// Large enough for a file of its own.
const SIZE: usize = 700 << 10;

/// A dispatch and the digest of its document.
pub struct Large {
    pub sealed: SealedDispatch,
    pub digest: Digest,
}

impl Large {
    pub fn id(&self) -> DispatchId {
        self.sealed.id()
    }

    /// Its document at a node.
    pub fn path(&self, node: &Node) -> PathBuf {
        let hex = self.digest.to_string();
        node.files.data().join("documents").join(&hex[..2]).join(&hex[2..4]).join(&hex)
    }

    /// Changes one byte of it, and changes it back the second time.
    pub fn flip(&self, node: &Node) {
        let path = self.path(node);
        let file = OpenOptions::new().read(true).write(true).open(path).expect("a document");
        let (at, mut byte) = (SIZE as u64 / 2, [0]);
        file.read_exact_at(&mut byte, at).expect("a byte");
        file.write_all_at(&[byte[0] ^ 4], at).expect("a byte");
    }

    /// Whether the document is there and is what was sealed.
    pub fn is_sound(&self, node: &Node) -> bool {
        fs::read(self.path(node)).is_ok_and(|bytes| sha256(&bytes) == self.digest.0)
    }
}

impl Network {
    /// Hands in a dispatch with a large document at the top, for the agency of a tier.
    pub async fn submit_large(&self, nodes: &[Node], to: usize, reference: &str) -> Large {
        let mut bytes: Vec<u8> = (0..SIZE).map(|i| (i * 7 + i / 253) as u8).collect();
        bytes[..reference.len()].copy_from_slice(reference.as_bytes());
        let digest = Digest(sha256(&bytes));
        let centre = nodes[0].client();
        let size = bytes.len() as u64;
        let reader = std::io::Cursor::new(bytes);
        let state = centre.upload(&agency(0), digest, size, 0, reader, |_| {}).await;
        assert!(state.expect("an upload").complete);
        let documents = vec![document("lon.bin", size, digest)];
        let sealed = self.seal(&self.envelope(0, &[to], reference, documents));
        centre.submit(sealed.raw(), &[]).await.expect("accepted");
        Large { sealed, digest }
    }

    /// Hands in some small dispatches at the top.
    pub async fn submit_small(&self, nodes: &[Node], to: usize, count: usize) -> Vec<DispatchId> {
        let mut ids = Vec::new();
        for n in 0..count {
            let bytes = format!("văn bản {n}").into_bytes();
            let documents = vec![small_document(&bytes)];
            let sealed = self.seal(&self.envelope(0, &[to], &format!("nho/{n}"), documents));
            let along = [Some(bytes.into())];
            nodes[0].client().submit(sealed.raw(), &along).await.expect("accepted");
            ids.push(sealed.id());
        }
        ids
    }
}

/// What a node has in quarantine.
pub async fn quarantined(node: &Node) -> Vec<QueueItem> {
    let query = QueueQuery { state: Some(LegState::Quarantined), ..QueueQuery::default() };
    node.client().queue(&query).await.expect("a queue").items
}
