//! Which complete subtrees a tree of a given size consists of.

use crate::hash::{Hash, node_hash};

/// The largest tree size anything here works with.
pub const TREE_SIZE_MAX: u64 = (1 << 63) - 1;

/// No proof is longer than this many hashes (a consistency proof has at most two hashes more than
/// the tree has levels). Decoders may refuse longer paths before allocating.
pub const PATH_HASHES_MAX: usize = 65;

/// A complete subtree that came into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Height above the leaves; leaves are level 0.
    pub level: u8,
    /// Position among the nodes of the level, from the left, from 0.
    pub index: u64,
    /// Root of the subtree over leaves `index << level .. (index + 1) << level`.
    pub hash: Hash,
}

/// The peaks of a tree, from the left: `(level, index)` of the maximal complete subtrees, whose levels
/// are the one bits of `size` from the highest down.
pub(crate) fn peaks(size: u64) -> impl DoubleEndedIterator<Item = (u8, u64)> {
    peaks_of_range(0, size)
}

/// The same for the leaves `low..high`, where `low` is a multiple of a power of two not smaller than
/// `high - low`, as in every split that RFC 9162 makes.
pub(crate) fn peaks_of_range(low: u64, high: u64) -> impl DoubleEndedIterator<Item = (u8, u64)> {
    let width = high - low;
    (0..64_u8).rev().filter(move |level| width >> level & 1 == 1).map(move |level| {
        // Clearing the bits below `level` leaves what lies left of this peak, and the peak itself.
        (level, ((low + (width >> level << level)) >> level) - 1)
    })
}

/// The root over consecutive peaks, given from the left: the lowest two join first. `None` without
/// peaks.
pub(crate) fn fold_peaks<'a>(peaks: impl DoubleEndedIterator<Item = &'a Hash>) -> Option<Hash> {
    peaks.rev().copied().reduce(|right, left| node_hash(&left, &right))
}

/// The largest power of two smaller than `width`, which must be at least 2 (RFC 9162 calls it k).
pub(crate) fn split(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_tile_the_leaves() {
        for size in [0, 1, 2, 3, 7, 8, 9, 70, 1 << 40, (1 << 40) + 5, TREE_SIZE_MAX] {
            let mut end = 0;
            for (level, index) in peaks(size) {
                assert_eq!(index << level, end, "size {size}");
                end = (index + 1) << level;
            }
            assert_eq!(end, size);
        }
        assert_eq!(peaks_of_range(8, 15).collect::<Vec<_>>(), [(2, 2), (1, 6), (0, 14)]);
    }

    #[test]
    fn split_is_below_the_width() {
        let cases = [(2, 1), (3, 2), (4, 2), (5, 4), (8, 4), (9, 8)];
        assert!(cases.into_iter().all(|(width, k)| split(width) == k));
        assert_eq!(split(TREE_SIZE_MAX), 1 << 62);
    }
}
