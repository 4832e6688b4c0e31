//! Receipt logs that make real receipts.

use crate::world::{NETWORK, node};
use std::collections::BTreeMap;
use std::sync::Arc;
use tram_crypto::{Ed25519Signer, Sign};
use tram_dispatch::evidence::Genesis;
use tram_dispatch::{Digest, EpochId, NodeId, UnixMillis};
use tram_engine::record::Leaf;
use tram_tlog::{BatchAppend, Frontier, leaf_hash};
use tram_wire::evidence::commitment;
use tram_wire::receipt::{Receipt, SignedRoot};

/// Receipt bytes by leaf index.
pub(crate) type Receipts = BTreeMap<u64, Arc<[u8]>>;

/// A new node of the tree, as the engine hands it over.
pub(crate) type Node = (u8, u64, [u8; 32]);

/// A receipt log being written, ours or another node's.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) node: NodeId,
    pub(crate) epoch: EpochId,
    pub(crate) key: Arc<Ed25519Signer>,
    pub(crate) frontier: Frontier,
}

impl Log {
    pub(crate) fn new(name: &str, seed: u8) -> (Self, Leaf) {
        let key = Arc::new(Ed25519Signer::from_seed(&[seed; 32]).unwrap());
        let spki = key.public_key().spki_der().to_vec();
        let genesis = Genesis {
            network: NETWORK,
            node: node(name),
            receipt_key: spki.clone(),
            checkpoint_key: spki,
            started_at: UnixMillis(1_000),
            previous: None,
        };
        let leaf = tram_wire::genesis::leaf(&genesis);
        let epoch = tram_wire::genesis::epoch_id(&genesis);
        let leaf = Leaf { index: 0, salt: leaf.salt, record: leaf.bytes.into() };
        (Log { node: node(name), epoch, key, frontier: Frontier::new() }, leaf)
    }

    /// Adds leaves; gives the root, the receipt of each, and the new nodes.
    pub(crate) fn commit(
        &mut self,
        leaves: &[Leaf],
        time: UnixMillis,
    ) -> (SignedRoot, Receipts, Vec<Node>) {
        let mut append = BatchAppend::new(self.frontier.clone());
        for leaf in leaves {
            append.append(leaf_hash(&commitment(&leaf.salt, &leaf.record)));
        }
        let grown = append.finish();
        let mut root = SignedRoot {
            key: Digest(self.key.public_key().key_id()),
            node: self.node.clone(),
            epoch: self.epoch,
            size: grown.size(),
            time,
            root: grown.root().0,
            signature: Vec::new(),
        };
        root.signature = self.key.sign(&root.to_be_signed(NETWORK)).unwrap();
        let receipts = leaves
            .iter()
            .filter(|leaf| leaf.index > 0)
            .map(|leaf| {
                let path: Vec<[u8; 32]> =
                    grown.proof(leaf.index).unwrap().iter().map(|hash| hash.0).collect();
                let receipt =
                    Receipt::build(NETWORK, &root, leaf.index, &path, &leaf.salt, &leaf.record);
                (leaf.index, receipt.unwrap().raw().clone())
            })
            .collect();
        let nodes = grown.nodes().iter().map(|n| (n.level, n.index, n.hash.0)).collect();
        self.frontier = grown.frontier().clone();
        (root, receipts, nodes)
    }
}
