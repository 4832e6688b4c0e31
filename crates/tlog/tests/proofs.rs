//! Proofs: exhaustive on small trees, random on larger ones, and everything that must not verify.

use proptest::prelude::*;
use tram_tlog::{
    Hash, MemoryTree, NodeSource, PATH_HASHES_MAX, ProofError, TREE_SIZE_MAX, consistency_proof,
    empty_root, inclusion_proof, leaf_hash, node_hash, root_at, root_from_inclusion,
    verify_consistency, verify_inclusion,
};

fn tree(size: u64) -> MemoryTree {
    (0..size).map(|i| i.to_be_bytes()).collect()
}

fn leaf(index: u64) -> Hash {
    leaf_hash(&index.to_be_bytes())
}

/// The definitions of RFC 9162 section 2.1, word for word, as something to compare with.
mod rfc {
    use super::{Hash, empty_root, node_hash};

    fn k(n: usize) -> usize {
        n.next_power_of_two() / 2
    }

    pub(super) fn mth(d: &[Hash]) -> Hash {
        match d {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = d.split_at(k(d.len()));
                node_hash(&mth(left), &mth(right))
            }
        }
    }

    pub(super) fn path(m: usize, d: &[Hash]) -> Vec<Hash> {
        if d.len() == 1 {
            return Vec::new();
        }
        let k = k(d.len());
        let (left, right) = d.split_at(k);
        let (mut below, other) =
            if m < k { (path(m, left), mth(right)) } else { (path(m - k, right), mth(left)) };
        below.push(other);
        below
    }

    pub(super) fn subproof(m: usize, d: &[Hash], whole: bool) -> Vec<Hash> {
        if m == d.len() {
            return if whole { Vec::new() } else { vec![mth(d)] };
        }
        let k = k(d.len());
        let (left, right) = d.split_at(k);
        let (mut below, other) = if m <= k {
            (subproof(m, left, whole), mth(right))
        } else {
            (subproof(m - k, right, false), mth(left))
        };
        below.push(other);
        below
    }
}

#[test]
fn inclusion_exhaustive_to_70() {
    let source = tree(70);
    for size in 0..=70_u64 {
        let leaves: Vec<Hash> = (0..size).map(leaf).collect();
        let root = root_at(&source, size).unwrap();
        assert_eq!(root, rfc::mth(&leaves));
        for index in 0..size {
            let path = inclusion_proof(&source, index, size).unwrap();
            assert_eq!(path, rfc::path(index as usize, &leaves), "leaf {index} of {size}");
            verify_inclusion(&leaf(index), index, size, &path, &root).unwrap();
            refuse_mutations(&path, |bad| {
                verify_inclusion(&leaf(index), index, size, bad, &root).is_ok()
            });
            for other in (0..size).filter(|other| *other != index) {
                let wrong_place = verify_inclusion(&leaf(index), other, size, &path, &root);
                assert!(wrong_place.is_err(), "leaf {index} shown at {other} of {size}");
            }
            assert!(verify_inclusion(&leaf(index + 1), index, size, &path, &root).is_err());
        }
        assert_eq!(
            inclusion_proof(&source, size, size),
            Err(ProofError::Index { index: size, size })
        );
        assert_eq!(
            root_from_inclusion(&leaf(0), size, size, &[]),
            Err(ProofError::Index { index: size, size })
        );
    }
}

#[test]
fn consistency_exhaustive_to_40() {
    let source = tree(40);
    for new_size in 0..=40_u64 {
        let leaves: Vec<Hash> = (0..new_size).map(leaf).collect();
        let new_root = root_at(&source, new_size).unwrap();
        for old_size in 0..=new_size {
            let old_root = root_at(&source, old_size).unwrap();
            let path = consistency_proof(&source, old_size, new_size).unwrap();
            if old_size > 0 {
                let expected = rfc::subproof(old_size as usize, &leaves, true);
                assert_eq!(path, expected, "{old_size} to {new_size}");
            }
            verify_consistency(old_size, &old_root, new_size, &new_root, &path).unwrap();
            refuse_mutations(&path, |bad| {
                verify_consistency(old_size, &old_root, new_size, &new_root, bad).is_ok()
            });
            let other = leaf(1000);
            assert!(verify_consistency(old_size, &other, new_size, &new_root, &path).is_err());
            if old_size > 0 || new_size == 0 {
                assert!(verify_consistency(old_size, &old_root, new_size, &other, &path).is_err());
            }
            for wrong in (1..=new_size).filter(|wrong| *wrong != old_size) {
                let verified = verify_consistency(wrong, &old_root, new_size, &new_root, &path);
                assert!(verified.is_err(), "{old_size} shown as {wrong} of {new_size}");
            }
        }
        assert!(consistency_proof(&source, new_size + 1, new_size).is_err());
        let swapped = verify_consistency(new_size + 1, &new_root, new_size, &new_root, &[]);
        assert!(matches!(swapped, Err(ProofError::Sizes { .. })));
    }
}

/// A proof that is shorter, longer, reordered or changed in any hash must fail.
fn refuse_mutations(path: &[Hash], verifies: impl Fn(&[Hash]) -> bool) {
    for at in 0..path.len() {
        let mut bad = path.to_vec();
        bad[at].0[at % 32] ^= 1;
        assert!(!verifies(&bad), "hash {at} changed");
        bad.clone_from_slice(path);
        bad.remove(at);
        assert!(!verifies(&bad), "hash {at} left out");
        if at > 0 {
            bad = path.to_vec();
            bad.swap(at, at - 1);
            assert!(!verifies(&bad), "hashes {at} and {} exchanged", at - 1);
        }
    }
    assert!(!verifies(&[path, &[empty_root()]].concat()), "one hash more");
    assert!(!verifies(&[&[empty_root()], path].concat()), "one hash more in front");
}

/// Every node at a level has the same hash: a source that can be of any size.
struct Uniform;

impl NodeSource for Uniform {
    fn node(&self, level: u8, _: u64) -> Option<Hash> {
        Some((0..level).fold(leaf(0), |hash, _| node_hash(&hash, &hash)))
    }
}

#[test]
fn largest_sizes_stay_within_the_path_limit() {
    for size in [TREE_SIZE_MAX, TREE_SIZE_MAX - 1, 1 << 62, (1 << 62) + 1] {
        let root = root_at(&Uniform, size).unwrap();
        for index in [0, 1, size / 2, size / 3, size - 2, size - 1] {
            let path = inclusion_proof(&Uniform, index, size).unwrap();
            assert!(path.len() <= PATH_HASHES_MAX);
            verify_inclusion(&leaf(0), index, size, &path, &root).unwrap();
        }
        for old in [1, 2, 3, size / 2, size / 3, size - 2, size - 1, size] {
            let path = consistency_proof(&Uniform, old, size).unwrap();
            assert!(path.len() <= PATH_HASHES_MAX);
            let old_root = root_at(&Uniform, old).unwrap();
            verify_consistency(old, &old_root, size, &root, &path).unwrap();
        }
    }
    for size in [TREE_SIZE_MAX + 1, u64::MAX] {
        assert!(root_at(&Uniform, size).is_err());
        assert!(inclusion_proof(&Uniform, 0, size).is_err());
        assert!(consistency_proof(&Uniform, 1, size).is_err());
        assert!(root_from_inclusion(&leaf(0), 0, size, &[leaf(0); 64]).is_err());
        assert!(verify_consistency(1, &leaf(0), size, &leaf(0), &[leaf(0); 64]).is_err());
    }
}

#[test]
fn a_missing_node_is_named() {
    let source = tree(5);
    let missing = inclusion_proof(&source, 0, 8);
    assert_eq!(missing, Err(ProofError::MissingNode { level: 2, index: 1 }));
    assert!(matches!(root_at(&source, 8), Err(ProofError::MissingNode { level: 3, index: 0 })));
    assert!(consistency_proof(&source, 3, 8).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_trees((size, index, old) in (1_u64..3000).prop_flat_map(|size| (Just(size), 0..size, 0..=size)),
                    flip in any::<(prop::sample::Index, u8, u8)>()) {
        let source = tree(size);
        let root = source.root();
        let path = source.inclusion(index).unwrap();
        verify_inclusion(&leaf(index), index, size, &path, &root).unwrap();
        let old_root = root_at(&source, old).unwrap();
        let consistency = source.consistency(old).unwrap();
        verify_consistency(old, &old_root, size, &root, &consistency).unwrap();
        let (at, byte, bit) = flip;
        if !path.is_empty() {
            let mut bad = path.clone();
            bad[at.index(path.len())].0[usize::from(byte % 32)] ^= 1 << (bit % 8);
            prop_assert!(verify_inclusion(&leaf(index), index, size, &bad, &root).is_err());
        }
        if !consistency.is_empty() {
            let mut bad = consistency.clone();
            bad[at.index(consistency.len())].0[usize::from(byte % 32)] ^= 1 << (bit % 8);
            prop_assert!(verify_consistency(old, &old_root, size, &root, &bad).is_err());
        }
    }

    #[test]
    fn hostile_input_never_panics(index in any::<u64>(), size in any::<u64>(), old in any::<u64>(), hashes in 0_usize..70) {
        let path = vec![leaf(0); hashes];
        let _ = root_from_inclusion(&leaf(0), index, size, &path);
        let _ = verify_consistency(old, &leaf(0), size, &leaf(0), &path);
    }
}
