//! A whole tree in memory, for directories and for tests.

use crate::frontier::Frontier;
use crate::hash::{Hash, empty_root, leaf_hash, node_hash};
use crate::proof::{NodeSource, ProofError, consistency_proof, inclusion_proof, root_at};

/// Every node of a tree: 64 bytes per leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryTree {
    levels: Vec<Vec<Hash>>,
}

impl MemoryTree {
    /// The empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a leaf with this content; gives its index.
    pub fn push(&mut self, content: &[u8]) -> u64 {
        self.push_hash(leaf_hash(content))
    }

    /// Appends a leaf by its leaf hash; gives its index.
    pub fn push_hash(&mut self, leaf: Hash) -> u64 {
        let index = self.size();
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(hash);
            match nodes.as_slice() {
                [.., left, right] if nodes.len().is_multiple_of(2) => {
                    hash = node_hash(left, right);
                }
                _ => break,
            }
        }
        index
    }

    /// The number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// The Merkle tree hash of all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        // Every node of our own size is there, so there is always a root.
        root_at(self, self.size()).unwrap_or_else(|_| empty_root())
    }

    /// The inclusion proof of leaf `index` in the whole tree.
    ///
    /// # Errors
    /// [`ProofError::Index`] when there is no such leaf.
    pub fn inclusion(&self, index: u64) -> Result<Vec<Hash>, ProofError> {
        inclusion_proof(self, index, self.size())
    }

    /// The consistency proof from `old_size` leaves to the whole tree.
    ///
    /// # Errors
    /// [`ProofError::Sizes`] when the tree never was that large.
    pub fn consistency(&self, old_size: u64) -> Result<Vec<Hash>, ProofError> {
        consistency_proof(self, old_size, self.size())
    }
}

impl NodeSource for MemoryTree {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        self.levels.get(usize::from(level))?.get(usize::try_from(index).ok()?).copied()
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for MemoryTree {
    /// The tree over these leaf contents.
    fn from_iter<I: IntoIterator<Item = T>>(contents: I) -> Self {
        let mut tree = Self::new();
        for content in contents {
            tree.push(content.as_ref());
        }
        tree
    }
}

/// The Merkle tree hash over leaf contents, in constant memory.
#[must_use]
pub fn merkle_root<T: AsRef<[u8]>>(contents: impl IntoIterator<Item = T>) -> Hash {
    let mut frontier = Frontier::new();
    for content in contents {
        frontier.append(leaf_hash(content.as_ref()));
    }
    frontier.root()
}
