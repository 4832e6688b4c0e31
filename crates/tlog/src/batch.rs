//! Appending a commit's leaves at once, with proofs that need no storage.

use crate::frontier::Frontier;
use crate::hash::{Hash, node_hash};
use crate::proof::{NodeSource, ProofError};
use crate::shape::{Node, peaks};
use crate::tile::{TileUpdate, tile_updates};

/// Leaves being appended to a known frontier. Memory: about 100 bytes per leaf.
#[derive(Clone, Debug)]
pub struct BatchAppend {
    old: Frontier,
    new: Frontier,
    grown: Grown,
    created: Vec<Node>,
}

/// The nodes that came into being since `old_size`, by level; all that lies left of them on a level
/// and is still of use is the old peak there.
#[derive(Clone, Debug)]
struct Grown {
    old_size: u64,
    levels: Vec<Vec<Hash>>,
}

impl BatchAppend {
    /// Starts a batch after the leaves of `frontier`.
    #[must_use]
    pub fn new(frontier: Frontier) -> Self {
        let grown = Grown { old_size: frontier.size(), levels: Vec::new() };
        Self { old: frontier.clone(), new: frontier, grown, created: Vec::new() }
    }

    /// Appends one leaf by its leaf hash; gives its index. One hash on average.
    pub fn append(&mut self, leaf: Hash) -> u64 {
        let (grown, created) = (&mut self.grown, &mut self.created);
        self.new.append_each(leaf, |node| {
            grown.push(node.level, node.hash);
            created.push(node);
        })
    }

    /// The number of leaves appended so far.
    #[must_use]
    pub fn added(&self) -> u64 {
        self.new.size() - self.old.size()
    }

    /// Ends the batch.
    #[must_use]
    pub fn finish(self) -> Appended {
        let peaks = self.new.peaks();
        // joined[i] is the root over peaks i.. : what a leaf left of them has as its right neighbour.
        let mut joined = peaks.to_vec();
        for i in (1..joined.len()).rev() {
            joined[i - 1] = node_hash(&peaks[i - 1], &joined[i]);
        }
        let root = self.new.root();
        Appended {
            old: self.old,
            new: self.new,
            root,
            joined,
            grown: self.grown,
            created: self.created,
        }
    }
}

impl Grown {
    fn first_index(&self, level: u8) -> u64 {
        self.old_size.checked_shr(u32::from(level)).unwrap_or(0)
    }

    fn push(&mut self, level: u8, hash: Hash) {
        let level = usize::from(level);
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Vec::new);
        }
        self.levels[level].push(hash);
    }

    fn get(&self, level: u8, index: u64) -> Option<Hash> {
        let offset = usize::try_from(index.checked_sub(self.first_index(level))?).ok()?;
        self.levels.get(usize::from(level))?.get(offset).copied()
    }
}

/// A finished batch: the new root, the nodes to store, and proofs for its own leaves.
#[derive(Clone, Debug)]
pub struct Appended {
    old: Frontier,
    new: Frontier,
    root: Hash,
    joined: Vec<Hash>,
    grown: Grown,
    created: Vec<Node>,
}

impl Appended {
    /// The frontier to continue from.
    #[must_use]
    pub fn frontier(&self) -> &Frontier {
        &self.new
    }

    /// The tree size before the batch, which is the index of its first leaf.
    #[must_use]
    pub fn old_size(&self) -> u64 {
        self.old.size()
    }

    /// The tree size after the batch.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.new.size()
    }

    /// The Merkle tree hash after the batch.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.root
    }

    /// The nodes that became complete, in the order of their creation: each leaf, then the parents it
    /// completed from the lowest up. On each level the indices are consecutive.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.created
    }

    /// What to append to which tile (see [`tile_updates`]).
    #[must_use]
    pub fn tile_updates(&self) -> Vec<TileUpdate> {
        tile_updates(&self.created)
    }

    /// The inclusion proof of a leaf of this batch in the tree after it, from the leaf upwards. Equal
    /// to what [`crate::inclusion_proof`] makes from storage; O(log n) copies, no hashing.
    ///
    /// # Errors
    /// [`ProofError::Index`] when the leaf is not of this batch.
    pub fn proof(&self, leaf_index: u64) -> Result<Vec<Hash>, ProofError> {
        let size = self.new.size();
        let outside = ProofError::Index { index: leaf_index, size };
        if !(self.old.size()..size).contains(&leaf_index) {
            return Err(outside);
        }
        for (nth, (level, peak)) in peaks(size).enumerate() {
            if leaf_index >> level != peak {
                continue;
            }
            let mut path = Vec::with_capacity(usize::from(level) + nth + 1);
            for below in 0..level {
                let index = (leaf_index >> below) ^ 1;
                let missing = ProofError::MissingNode { level: below, index };
                path.push(self.node(below, index).ok_or(missing)?);
            }
            path.extend(self.joined.get(nth + 1));
            path.extend(self.new.peaks()[..nth].iter().rev());
            return Ok(path);
        }
        Err(outside) // not reached: the peaks cover every index below size
    }
}

/// The nodes of the batch and the old peaks beside them; enough to prove the batch's own leaves.
impl NodeSource for Appended {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        self.grown.get(level, index).or_else(|| {
            // The old peak is the last old node of its level.
            let last_old = self.grown.first_index(level).checked_sub(1)?;
            if index == last_old { self.old.peak_at(level) } else { None }
        })
    }
}
