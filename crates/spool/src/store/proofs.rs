//! The receipt log: receipts given again, roots, proofs.

use super::{StoreError, StoreReader};
use crate::index::lookup::Tiles;
use tram_engine::record::{OwnEvidence, Record};
use tram_tlog::{Hash, NodeSource, ProofError, TileNodes};
use tram_wire::receipt::{Receipt, SignedRoot};

impl StoreReader {
    /// The receipt of one of our own leaves, byte for byte as first given: the signed root of its
    /// commit, the path in the tree of that size, salt and record. `None` if there is no such leaf;
    /// the genesis leaf has no receipt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn receipt(&self, leaf: u64) -> Result<Option<Receipt>, StoreError> {
        match self.lookup.leaf(leaf)? {
            Some(Record::Evidence(own)) => {
                Ok(Some(self.receipt_of(&own, &Tiles::new(&self.lookup.kv))?))
            }
            _ => Ok(None),
        }
    }

    /// The receipt of evidence just read; tiles once read serve the next one too.
    pub(super) fn receipt_of(
        &self,
        own: &OwnEvidence,
        tiles: &Tiles<'_>,
    ) -> Result<Receipt, StoreError> {
        let index = own.leaf.index;
        let bad = |detail: String| StoreError::Receipt { leaf: index, detail };
        let root = self.lookup.root_over(index)?;
        let root = root.ok_or_else(|| bad("no signed root covers it".to_owned()))?;
        let path = prove(tiles, |nodes| tram_tlog::inclusion_proof(nodes, index, root.size))?;
        let path: Vec<[u8; 32]> = path.into_iter().map(|hash| hash.0).collect();
        let network = own.evidence.network;
        Receipt::build(network, &root, index, &path, &own.leaf.salt, &own.leaf.record)
            .map_err(|e| bad(e.to_string()))
    }

    /// The inclusion proof of a leaf in the tree of `size` leaves, from the leaf up (RFC 9162
    /// section 2.1.3.1).
    ///
    /// # Errors
    /// [`StoreError::Proof`] where `size` is above the log's or `index` not below it.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<[u8; 32]>, StoreError> {
        self.check_size(size)?;
        let tiles = Tiles::new(&self.lookup.kv);
        plain(prove(&tiles, |nodes| tram_tlog::inclusion_proof(nodes, index, size)))
    }

    /// The proof that the tree of `old` leaves is the beginning of that of `new` (RFC 9162 section
    /// 2.1.4.1).
    ///
    /// # Errors
    /// [`StoreError::Proof`] where `new` is above the log's size or `old` above `new`.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<[u8; 32]>, StoreError> {
        self.check_size(new)?;
        let tiles = Tiles::new(&self.lookup.kv);
        plain(prove(&tiles, |nodes| tram_tlog::consistency_proof(nodes, old, new)))
    }

    /// The root of the log when it had `size` leaves.
    ///
    /// # Errors
    /// [`StoreError::Proof`] where `size` is above the log's.
    pub fn root(&self, size: u64) -> Result<[u8; 32], StoreError> {
        self.check_size(size)?;
        let tiles = Tiles::new(&self.lookup.kv);
        Ok(prove(&tiles, |nodes| tram_tlog::root_at(nodes, size))?.0)
    }

    /// The hash of a leaf; `None` if there is no such leaf.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn leaf_hash(&self, index: u64) -> Result<Option<[u8; 32]>, StoreError> {
        let tiles = Tiles::new(&self.lookup.kv);
        let found = TileNodes(&tiles).node(0, index).map(|hash| hash.0);
        tiles.failed().map_or(Ok(found), |e| Err(e.into()))
    }

    /// The root signed for exactly `size` leaves; only the sizes after commits have one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn signed_root(&self, size: u64) -> Result<Option<SignedRoot>, StoreError> {
        Ok(self.lookup.root(size)?)
    }

    /// The root of the commit that holds this leaf; `None` if there is no such leaf.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn root_over(&self, leaf: u64) -> Result<Option<SignedRoot>, StoreError> {
        Ok(self.lookup.root_over(leaf)?)
    }

    pub(super) fn check_size(&self, size: u64) -> Result<(), StoreError> {
        let head = self.log_head().size;
        if size > head {
            return Err(ProofError::Sizes { old_size: size, new_size: head }.into());
        }
        Ok(())
    }
}

fn prove<T>(
    tiles: &Tiles<'_>,
    make: impl FnOnce(&dyn NodeSource) -> Result<T, ProofError>,
) -> Result<T, StoreError> {
    let made = make(&TileNodes(tiles));
    match tiles.failed() {
        Some(e) => Err(e.into()),
        None => Ok(made?),
    }
}

fn plain(path: Result<Vec<Hash>, StoreError>) -> Result<Vec<[u8; 32]>, StoreError> {
    Ok(path?.into_iter().map(|hash| hash.0).collect())
}
