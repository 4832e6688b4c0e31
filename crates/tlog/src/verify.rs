//! Checking proofs. Nothing here trusts the length or the content of what it is given.

use crate::hash::{Hash, empty_root, node_hash};
use crate::proof::ProofError;
use crate::shape::TREE_SIZE_MAX;

/// The root to which an inclusion proof leads (RFC 9162 section 2.1.3.2), with the path length that
/// this index and size must have.
///
/// # Errors
/// [`ProofError::Index`], [`ProofError::PathLength`]; [`ProofError::Sizes`] above [`TREE_SIZE_MAX`].
pub fn root_from_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
) -> Result<Hash, ProofError> {
    if size > TREE_SIZE_MAX {
        return Err(ProofError::Sizes { old_size: size, new_size: size });
    }
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    let (inner, border) = path_shape(index, size);
    check_length(path, inner + border)?;
    let (inner_path, border_path) = path.split_at(inner);
    let hash = climb(*leaf, index, inner_path);
    Ok(climb_border(hash, border_path))
}

/// Checks that `leaf` is at `index` in the tree of `size` leaves with this root.
///
/// # Errors
/// As [`root_from_inclusion`], and [`ProofError::RootMismatch`].
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    matches(&root_from_inclusion(leaf, index, size, path)?, root)
}

/// Checks that the tree (`old_size`, `old_root`) is the beginning of (`new_size`, `new_root`), RFC
/// 9162 section 2.1.4.2. An empty old tree is the beginning of every tree, with an empty proof.
///
/// # Errors
/// [`ProofError::Sizes`], [`ProofError::PathLength`], [`ProofError::RootMismatch`].
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    path: &[Hash],
) -> Result<(), ProofError> {
    if old_size > new_size || new_size > TREE_SIZE_MAX {
        return Err(ProofError::Sizes { old_size, new_size });
    }
    if old_size == new_size || old_size == 0 {
        check_length(path, 0)?;
        if old_size == 0 {
            matches(old_root, &empty_root())?;
        }
        // Of a larger tree nothing can be said: every root continues the empty one.
        return if new_size == old_size { matches(old_root, new_root) } else { Ok(()) };
    }
    // The proof starts at the lowest peak of the old tree, `skip` levels above its last leaf.
    let skip = old_size.trailing_zeros() as usize;
    let (inner, border) = path_shape(old_size - 1, new_size);
    let inner = inner - skip; // never below 0: the two last leaves part above the old peak
    // A single peak is the old root itself and is left out of the proof.
    let seed_given = !old_size.is_power_of_two();
    check_length(path, usize::from(seed_given) + inner + border)?;
    let (seed, path) = match path {
        [seed, path @ ..] if seed_given => (*seed, path),
        path => (*old_root, path),
    };
    let position = (old_size - 1) >> skip;
    let (inner_path, border_path) = path.split_at(inner);
    let old = inner_path
        .iter()
        .enumerate()
        .filter(|(level, _)| position >> level & 1 == 1)
        .fold(seed, |hash, (_, left)| node_hash(left, &hash));
    matches(&climb_border(old, border_path), old_root)?;
    let new = climb(seed, position, inner_path);
    matches(&climb_border(new, border_path), new_root)
}

/// Hashes in the inclusion path of `index`: below the point where it parts from the last leaf, and
/// above (where only left siblings are left). `index < size`.
fn path_shape(index: u64, size: u64) -> (usize, usize) {
    let inner = 64 - (index ^ (size - 1)).leading_zeros();
    let border = (index.checked_shr(inner).unwrap_or(0)).count_ones();
    (inner as usize, border as usize)
}

fn check_length(path: &[Hash], expected: usize) -> Result<(), ProofError> {
    if path.len() == expected {
        Ok(())
    } else {
        Err(ProofError::PathLength { expected, found: path.len() })
    }
}

fn climb(start: Hash, position: u64, siblings: &[Hash]) -> Hash {
    siblings.iter().enumerate().fold(start, |hash, (level, sibling)| {
        if position >> level & 1 == 0 {
            node_hash(&hash, sibling)
        } else {
            node_hash(sibling, &hash)
        }
    })
}

fn climb_border(start: Hash, left_siblings: &[Hash]) -> Hash {
    left_siblings.iter().fold(start, |hash, left| node_hash(left, &hash))
}

fn matches(found: &Hash, expected: &Hash) -> Result<(), ProofError> {
    if found == expected { Ok(()) } else { Err(ProofError::RootMismatch) }
}
