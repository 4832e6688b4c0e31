//! What was released of each receipt log: it must never be contradicted.

use std::collections::BTreeMap;

use tram_dispatch::NodeId;
use tram_spool::store::StoreReader;
use tram_tlog::leaf_hash;
use tram_wire::Receipt;

/// One log as outsiders know it.
#[derive(Clone, Debug)]
pub struct LogWatch {
    node: NodeId,
    /// Leaf hashes by index.
    leaves: BTreeMap<u64, [u8; 32]>,
    /// Roots by size.
    roots: BTreeMap<u64, [u8; 32]>,
}

impl LogWatch {
    pub(super) fn new(node: &NodeId) -> Self {
        LogWatch { node: node.clone(), leaves: BTreeMap::new(), roots: BTreeMap::new() }
    }

    /// Takes what a receipt says of the log.
    pub(super) fn note(&mut self, receipt: &Receipt) -> Result<(), String> {
        let commitment = tram_wire::evidence::commitment(receipt.salt(), receipt.record_bytes());
        let (index, leaf) = (receipt.leaf_index(), leaf_hash(&commitment).0);
        let signed = receipt.signed_root();
        let known = *self.leaves.entry(index).or_insert(leaf);
        if known != leaf {
            return Err(format!("the log of {} has two leaves {index}", self.node));
        }
        let known = *self.roots.entry(signed.size).or_insert(signed.root);
        if known != signed.root {
            return Err(format!("the log of {} has two roots of size {}", self.node, signed.size));
        }
        Ok(())
    }

    /// The largest size whose root was released.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.roots.keys().next_back().copied().unwrap_or(0)
    }

    /// Compares with the log as its node has it now.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn compare(&self, reader: &StoreReader) -> Result<(), String> {
        let size = reader.log_head().size;
        if size < self.size() {
            return Err(format!(
                "the log of {} has {size} leaves; {} had been released",
                self.node,
                self.size()
            ));
        }
        for (index, leaf) in &self.leaves {
            let found = reader.leaf_hash(*index).map_err(|e| e.explain())?;
            if found != Some(*leaf) {
                return Err(format!("leaf {index} of {} is another one now", self.node));
            }
        }
        for (size, root) in &self.roots {
            let found = reader.root(*size).map_err(|e| e.explain())?;
            if found != *root {
                return Err(format!("the root of {} at size {size} is another one now", self.node));
            }
        }
        Ok(())
    }
}
