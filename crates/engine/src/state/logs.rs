//! What is known of logs: others' by their newest checkpoint, the own by who cosigned it.

use std::collections::BTreeMap;

use tram_dispatch::{EpochId, NodeId};

use crate::record::{Cosigned, PeerCheckpoint};

/// Checkpoints held of other nodes' logs, and cosignatures held of the own.
#[derive(Debug, Default)]
pub struct Logs {
    /// The newest of each epoch. Epochs that ended stay: one that came back could show another
    /// history. They are as many as the directory lists.
    held: BTreeMap<(NodeId, EpochId), PeerCheckpoint>,
    /// The newest cosignature of each witness.
    cosigned: BTreeMap<NodeId, Cosigned>,
}

impl Logs {
    /// The newest checkpoint of this epoch of a node's log.
    pub fn held(&self, node: &NodeId, epoch: &EpochId) -> Option<&PeerCheckpoint> {
        self.held.get(&(node.clone(), *epoch))
    }

    /// The newest cosignature of each witness, by witness.
    pub fn cosigned(&self) -> impl Iterator<Item = &Cosigned> {
        self.cosigned.values()
    }

    /// The size of the newest checkpoint that this witness cosigned; 0 for none.
    pub fn cosigned_size(&self, witness: &NodeId) -> u64 {
        self.cosigned.get(witness).map_or(0, |cosigned| cosigned.size)
    }

    pub(super) fn hold(&mut self, checkpoint: &PeerCheckpoint) {
        let name = (checkpoint.peer.clone(), checkpoint.epoch);
        self.held.insert(name, checkpoint.clone());
    }

    pub(super) fn cosign(&mut self, cosigned: &Cosigned) {
        self.cosigned.insert(cosigned.witness.clone(), cosigned.clone());
    }
}
