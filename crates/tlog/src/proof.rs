//! Making proofs from stored nodes.

use crate::hash::{Hash, empty_root};
use crate::shape::{TREE_SIZE_MAX, fold_peaks, peaks, peaks_of_range, split};

/// Why a proof cannot be made, or does not prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf index is not below the tree size.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    Index {
        /// The leaf index asked for.
        index: u64,
        /// The tree size, in leaves.
        size: u64,
    },
    /// The old size is above the new one, or a size is above [`TREE_SIZE_MAX`].
    #[error("there is no proof between {old_size} and {new_size} leaves")]
    Sizes {
        /// The smaller tree, in leaves.
        old_size: u64,
        /// The larger tree, in leaves.
        new_size: u64,
    },
    /// The source lacks a node that a tree of this size must have.
    #[error("the node at level {level}, index {index} is missing")]
    MissingNode {
        /// Height above the leaves.
        level: u8,
        /// Position on the level.
        index: u64,
    },
    /// A proof of this kind has another number of hashes.
    #[error("the proof has {found} hashes; {expected} were expected")]
    PathLength {
        /// Hashes in a proof for this place and size.
        expected: usize,
        /// Hashes given.
        found: usize,
    },
    /// The proof leads to another root.
    #[error("the proof leads to another root")]
    RootMismatch,
}

/// Read access to the nodes of a tree that exist for good.
pub trait NodeSource {
    /// The root of the complete subtree over leaves `index << level .. (index + 1) << level`; level 0
    /// are leaf hashes. `None` when it is not there (not complete yet, or erased).
    fn node(&self, level: u8, index: u64) -> Option<Hash>;
}

impl<S: NodeSource + ?Sized> NodeSource for &S {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        (**self).node(level, index)
    }
}

/// The Merkle tree hash at `size`, from at most 63 nodes.
///
/// # Errors
/// [`ProofError::MissingNode`]; [`ProofError::Sizes`] above [`TREE_SIZE_MAX`].
pub fn root_at(source: &dyn NodeSource, size: u64) -> Result<Hash, ProofError> {
    check_sizes(size, size)?;
    if size == 0 { Ok(empty_root()) } else { range_root(source, 0, size) }
}

/// The inclusion proof of leaf `index` in the tree of `size` leaves, from the leaf upwards (RFC 9162
/// section 2.1.3.1).
///
/// # Errors
/// [`ProofError::Index`] when there is no such leaf, [`ProofError::MissingNode`],
/// [`ProofError::Sizes`] above [`TREE_SIZE_MAX`].
pub fn inclusion_proof(
    source: &dyn NodeSource,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, ProofError> {
    check_sizes(size, size)?;
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    let mut left = Vec::new();
    for (level, peak) in peaks(size) {
        if index >> level != peak {
            left.push((level, peak));
            continue;
        }
        let mut path = Vec::new();
        for below in 0..level {
            path.push(node(source, below, (index >> below) ^ 1)?);
        }
        let end = (peak + 1) << level;
        if end < size {
            path.push(range_root(source, end, size)?);
        }
        for (level, peak) in left.into_iter().rev() {
            path.push(node(source, level, peak)?);
        }
        return Ok(path);
    }
    Err(ProofError::Index { index, size }) // not reached: the peaks cover every index below size
}

/// The proof that the tree of `old_size` leaves is the beginning of the tree of `new_size` leaves
/// (RFC 9162 section 2.1.4.1). Empty when the sizes are equal or the old tree is empty.
///
/// # Errors
/// [`ProofError::Sizes`] when `old_size` is above `new_size` or a size above [`TREE_SIZE_MAX`];
/// [`ProofError::MissingNode`].
pub fn consistency_proof(
    source: &dyn NodeSource,
    old_size: u64,
    new_size: u64,
) -> Result<Vec<Hash>, ProofError> {
    check_sizes(old_size, new_size)?;
    if old_size == 0 {
        return Ok(Vec::new());
    }
    // SUBPROOF of the RFC as a loop: narrow `low..high` to the range that ends at `old_size`, noting
    // the other half of each split; the proof lists them from the narrowest.
    let (mut low, mut high) = (0, new_size);
    let mut halves = Vec::new();
    while old_size != high {
        let middle = low + split(high - low);
        if old_size <= middle {
            halves.push((middle, high));
            high = middle;
        } else {
            halves.push((low, middle));
            low = middle;
        }
    }
    if low != 0 {
        halves.push((low, high)); // else the verifier has it: it is the old root
    }
    halves.into_iter().rev().map(|(low, high)| range_root(source, low, high)).collect()
}

fn check_sizes(old_size: u64, new_size: u64) -> Result<(), ProofError> {
    if old_size > new_size || new_size > TREE_SIZE_MAX {
        return Err(ProofError::Sizes { old_size, new_size });
    }
    Ok(())
}

fn node(source: &dyn NodeSource, level: u8, index: u64) -> Result<Hash, ProofError> {
    source.node(level, index).ok_or(ProofError::MissingNode { level, index })
}

/// The Merkle tree hash of the leaves `low..high`, not empty, aligned as RFC 9162 splits.
fn range_root(source: &dyn NodeSource, low: u64, high: u64) -> Result<Hash, ProofError> {
    let hashes = peaks_of_range(low, high)
        .map(|(level, index)| node(source, level, index))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(fold_peaks(hashes.iter()).unwrap_or_else(empty_root))
}
