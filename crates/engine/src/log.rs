//! This node's receipt log while it runs: leaves waiting for the next commit, and the signed root
//! that covers them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_crypto::{Entropy, SeededEntropy, Sign};
use tram_dispatch::{Digest, EpochId, EvidenceRecord, NetworkId, NodeId, UnixMillis};
use tram_tlog::{BatchAppend, Frontier, Hash, leaf_hash};
use tram_wire::receipt::{Receipt, SignedRoot};

use crate::record::Leaf;

/// Who this node is, in its log.
#[derive(Clone)]
pub struct Issuer {
    /// The network.
    pub network: NetworkId,
    /// The node.
    pub node: NodeId,
    /// The epoch of the log.
    pub epoch: EpochId,
    /// The receipt key.
    pub key: Arc<dyn Sign>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issuer({} epoch {})", self.node, self.epoch.short())
    }
}

/// The log could not go on. The node stops.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the receipt log cannot go on: {0}")]
pub struct LogError(pub String);

/// The log with the leaves of the commit being filled.
#[derive(Debug)]
pub(crate) struct Log {
    issuer: Issuer,
    frontier: Frontier,
    salts: SeededEntropy,
    waiting: Vec<Leaf>,
    last_time: UnixMillis,
    /// Custody numbers run on over the epochs of a node.
    custody_base: u64,
}

/// What sealing gives: the signed root and the receipt of each new leaf.
#[derive(Debug)]
pub(crate) struct Sealed {
    /// To be stored with the leaves.
    pub root: SignedRoot,
    /// Receipt bytes by leaf index.
    pub receipts: BTreeMap<u64, Arc<[u8]>>,
    /// New complete nodes of the tree: (level, index, hash).
    pub nodes: Vec<(u8, u64, [u8; 32])>,
}

impl Log {
    /// The log as recovered: its frontier, and the newest commit time in it.
    pub(crate) fn new(
        issuer: Issuer,
        frontier: Frontier,
        last_time: UnixMillis,
        salt_seed: [u8; 32],
        custody_base: u64,
    ) -> Self {
        Log {
            issuer,
            frontier,
            salts: SeededEntropy::new(salt_seed),
            waiting: Vec::new(),
            last_time,
            custody_base,
        }
    }

    /// Whether leaves wait to be sealed.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Who issues.
    pub(crate) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The custody number of the next leaf.
    pub(crate) fn next_custody(&self) -> u64 {
        self.custody_base.saturating_add(self.next_index())
    }

    /// The index the next leaf will have.
    fn next_index(&self) -> u64 {
        self.frontier.size() + self.waiting.len() as u64
    }

    /// Size and root of the tree sealed last.
    pub(crate) fn head(&self) -> (u64, [u8; 32]) {
        (self.frontier.size(), self.frontier.root().0)
    }

    /// The time that new evidence would have: the clock's, but never before what the log already says.
    pub(crate) fn next_time(&self, wall: UnixMillis) -> UnixMillis {
        self.last_time.max(wall)
    }

    /// The time for new evidence.
    pub(crate) fn time(&mut self, wall: UnixMillis) -> UnixMillis {
        self.last_time = self.next_time(wall);
        self.last_time
    }

    /// Adds evidence; its receipt exists once [`Log::seal`] ran.
    ///
    /// # Errors
    /// [`LogError`] when no salt can be had.
    pub(crate) fn append(&mut self, evidence: &EvidenceRecord) -> Result<Leaf, LogError> {
        let mut salt = [0u8; 16];
        self.salts.fill(&mut salt).map_err(|e| LogError(e.to_string()))?;
        let record: Arc<[u8]> = tram_wire::evidence::encode(evidence).into();
        let leaf = Leaf { index: self.next_index(), salt, record };
        self.waiting.push(leaf.clone());
        Ok(leaf)
    }

    /// Grows the tree by the waiting leaves and signs its root once. What comes back must not
    /// leave the process before the commit that holds the leaves is durable.
    ///
    /// # Errors
    /// [`LogError`] when signing fails or a proof cannot be made.
    pub(crate) fn seal(&mut self, wall: UnixMillis) -> Result<Option<Sealed>, LogError> {
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let time = self.time(wall);
        let mut batch = BatchAppend::new(self.frontier.clone());
        for leaf in &self.waiting {
            let commitment = tram_wire::evidence::commitment(&leaf.salt, &leaf.record);
            batch.append(leaf_hash(&commitment));
        }
        let grown = batch.finish();
        let unsigned = SignedRoot {
            node: self.issuer.node.clone(),
            epoch: self.issuer.epoch,
            size: grown.frontier().size(),
            time,
            root: grown.root().0,
            key: Digest(self.issuer.key.public_key().key_id()),
            signature: Vec::new(),
        };
        let message = unsigned.to_be_signed(self.issuer.network);
        let signature = self.issuer.key.sign(&message).map_err(|e| LogError(e.to_string()))?;
        let root = SignedRoot { signature, ..unsigned };
        let mut receipts = BTreeMap::new();
        for leaf in self.waiting.drain(..) {
            let path = grown.proof(leaf.index).map_err(|e| LogError(e.to_string()))?;
            let path: Vec<[u8; 32]> = path.into_iter().map(|h: Hash| h.0).collect();
            let raw = Receipt::encode(&root, leaf.index, path, &leaf.salt, &leaf.record);
            debug_assert!(Receipt::parse(&raw).is_ok_and(|r| *r.signed_root() == root));
            receipts.insert(leaf.index, raw.into());
        }
        let nodes = grown.nodes().iter().map(|n| (n.level, n.index, n.hash.0)).collect();
        self.frontier = grown.frontier().clone();
        Ok(Some(Sealed { root, receipts, nodes }))
    }
}

/// The first commit of an epoch: the genesis leaf, and the root over it.
///
/// # Errors
/// [`LogError`] when signing fails.
pub fn genesis_batch(
    issuer: &Issuer,
    genesis: &tram_dispatch::evidence::Genesis,
    wall: UnixMillis,
) -> Result<(crate::record::Batch, Frontier), LogError> {
    let leaf = tram_wire::genesis::leaf(genesis);
    let mut batch = BatchAppend::new(Frontier::new());
    batch.append(leaf_hash(&leaf.commitment));
    let grown = batch.finish();
    let unsigned = SignedRoot {
        node: issuer.node.clone(),
        epoch: issuer.epoch,
        size: 1,
        time: wall.max(genesis.started_at),
        root: grown.root().0,
        key: Digest(issuer.key.public_key().key_id()),
        signature: Vec::new(),
    };
    let message = unsigned.to_be_signed(issuer.network);
    let signature = issuer.key.sign(&message).map_err(|e| LogError(e.to_string()))?;
    let root = SignedRoot { signature, ..unsigned };
    let record = Leaf { index: 0, salt: leaf.salt, record: leaf.bytes.into() };
    let records = vec![crate::record::Record::Genesis(record), crate::record::Record::Root(root)];
    let tree_nodes = grown.nodes().iter().map(|n| (n.level, n.index, n.hash.0)).collect();
    Ok((crate::record::Batch { number: 0, records, tree_nodes }, grown.frontier().clone()))
}
