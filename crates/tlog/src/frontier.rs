//! The right edge of a tree: enough to append and to know the root.

use crate::hash::{Hash, empty_root, node_hash};
use crate::shape::{Node, TREE_SIZE_MAX, fold_peaks};

/// Stored parts do not make a frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// A tree of this size has another number of peaks.
    #[error("a tree of {size} leaves has {expected} peaks, not {found}")]
    PeakCount {
        /// The tree size given, in leaves.
        size: u64,
        /// The number of one bits in it.
        expected: u32,
        /// The number of peaks given.
        found: usize,
    },
    /// The size is above [`TREE_SIZE_MAX`].
    #[error("the tree size {0} is not possible")]
    Size(u64),
}

/// A compact range from the first leaf: the tree size and its peaks, at most 63 hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// From the left, so the lowest peak is last.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A frontier from what [`Frontier::size`] and [`Frontier::peaks`] gave. That the hashes are the
    /// right ones only a comparison of [`Frontier::root`] with a known root can tell.
    ///
    /// # Errors
    /// [`FrontierError`] when size and number of peaks do not fit.
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Result<Self, FrontierError> {
        if size > TREE_SIZE_MAX {
            return Err(FrontierError::Size(size));
        }
        let expected = size.count_ones();
        if peaks.len() != expected as usize {
            return Err(FrontierError::PeakCount { size, expected, found: peaks.len() });
        }
        Ok(Self { size, peaks })
    }

    /// The number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the maximal complete subtrees, from the left; as many as `size` has one bits.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// The peak at `level`, if the tree has one there.
    pub(crate) fn peak_at(&self, level: u8) -> Option<Hash> {
        if level >= 64 || self.size >> level & 1 == 0 {
            return None;
        }
        let above = (self.size >> level).count_ones() as usize;
        self.peaks.get(above - 1).copied()
    }

    /// Appends one leaf by its leaf hash; gives its index. O(log n) hashes at worst, one on average.
    pub fn append(&mut self, leaf: Hash) -> u64 {
        self.append_each(leaf, |_| ())
    }

    /// Appends one leaf and shows each node that this completes: the leaf, then its parents upwards.
    pub(crate) fn append_each(&mut self, leaf: Hash, mut created: impl FnMut(Node)) -> u64 {
        let leaf_index = self.size;
        let mut node = Node { level: 0, index: leaf_index, hash: leaf };
        created(node);
        // A right child completes its parent; its left sibling is the last peak.
        while node.index % 2 == 1 {
            let Some(left) = self.peaks.pop() else { break }; // never empty: one peak per one bit
            let hash = node_hash(&left, &node.hash);
            node = Node { level: node.level + 1, index: node.index / 2, hash };
            created(node);
        }
        self.peaks.push(node.hash);
        self.size += 1;
        leaf_index
    }

    /// The Merkle tree hash at the present size. O(log n).
    #[must_use]
    pub fn root(&self) -> Hash {
        fold_peaks(self.peaks.iter()).unwrap_or_else(empty_root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;

    #[test]
    fn parts_make_the_same_frontier() {
        let mut frontier = Frontier::new();
        for i in 0..100_u32 {
            assert_eq!(frontier.append(leaf_hash(&i.to_be_bytes())), u64::from(i));
            let parts = Frontier::from_parts(frontier.size(), frontier.peaks().to_vec());
            assert_eq!(parts.as_ref(), Ok(&frontier));
        }
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let peak = leaf_hash(b"");
        assert_eq!(
            Frontier::from_parts(3, vec![peak]),
            Err(FrontierError::PeakCount { size: 3, expected: 2, found: 1 })
        );
        assert!(Frontier::from_parts(0, vec![peak]).is_err());
        assert_eq!(Frontier::from_parts(1 << 63, vec![peak]), Err(FrontierError::Size(1 << 63)));
        assert!(Frontier::from_parts(TREE_SIZE_MAX, vec![peak; 63]).is_ok());
    }

    #[test]
    fn peak_at_follows_the_bits() {
        let frontier =
            Frontier::from_parts(0b101, vec![leaf_hash(b"left"), leaf_hash(b"right")]).unwrap();
        assert_eq!(frontier.peak_at(2), Some(leaf_hash(b"left")));
        assert_eq!(frontier.peak_at(1), None);
        assert_eq!(frontier.peak_at(0), Some(leaf_hash(b"right")));
        assert_eq!(frontier.peak_at(64), None);
    }
}
