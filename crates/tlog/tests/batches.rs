//! Batches and tiles must agree with the whole tree in memory.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tram_tlog::tile::{TILE_WIDTH, TileCoord};
use tram_tlog::{
    Appended, BatchAppend, Frontier, Hash, MemoryTree, Node, NodeSource, ProofError, TileNodes,
    TileSource, consistency_proof, inclusion_proof, leaf_hash, root_at, verify_inclusion,
};

fn leaf(index: u64) -> Hash {
    leaf_hash(&index.to_be_bytes())
}

fn tree(size: u64) -> MemoryTree {
    (0..size).map(|i| i.to_be_bytes()).collect()
}

fn frontier(size: u64) -> Frontier {
    let mut frontier = Frontier::new();
    (0..size).for_each(|i| _ = frontier.append(leaf(i)));
    frontier
}

fn append(start: Frontier, count: u64) -> Appended {
    let first = start.size();
    let mut batch = BatchAppend::new(start);
    for i in first..first + count {
        assert_eq!(batch.append(leaf(i)), i);
    }
    assert_eq!(batch.added(), count);
    batch.finish()
}

fn check(appended: &Appended, whole: &MemoryTree) {
    let (old, new) = (appended.old_size(), appended.size());
    assert_eq!(appended.root(), root_at(whole, new).unwrap());
    assert_eq!(appended.frontier(), &frontier(new));
    for index in old..new {
        let path = appended.proof(index).unwrap();
        assert_eq!(path, inclusion_proof(whole, index, new).unwrap(), "leaf {index}, {old}→{new}");
        assert_eq!(path, inclusion_proof(appended, index, new).unwrap());
        verify_inclusion(&leaf(index), index, new, &path, &appended.root()).unwrap();
    }
    for index in [old.wrapping_sub(1), new, u64::MAX] {
        assert_eq!(appended.proof(index), Err(ProofError::Index { index, size: new }));
    }
    // Nodes: exactly those complete at `new` and not at `old`, consecutive on each level, children
    // before their parent.
    let mut next: BTreeMap<u8, u64> = BTreeMap::new();
    for Node { level, index, hash } in appended.nodes().iter().copied() {
        assert_eq!(whole.node(level, index), Some(hash));
        let due = next.entry(level).or_insert(old >> level);
        assert_eq!(index, *due);
        *due += 1;
        if let Some(below) = level.checked_sub(1) {
            assert!(next[&below] == (index + 1) * 2 || index * 2 + 2 == old >> below);
        }
    }
    for level in 0..64 {
        let due = next.get(&level).copied().unwrap_or(old >> level);
        assert_eq!(due, new >> level, "level {level}, {old}→{new}");
    }
}

#[test]
fn batches_exhaustive_to_40() {
    for old in 0..40 {
        for count in 0..=(40 - old) {
            check(&append(frontier(old), count), &tree(old + count));
        }
    }
}

#[test]
fn an_empty_batch_changes_nothing() {
    let appended = append(frontier(21), 0);
    assert_eq!(appended.root(), frontier(21).root());
    assert!(appended.nodes().is_empty() && appended.tile_updates().is_empty());
    assert!(append(Frontier::new(), 0).proof(0).is_err());
}

#[test]
fn batch_far_into_a_large_log() {
    // Peaks that nobody could have computed: proofs must still hold against the new root.
    let size = (1_u64 << 62) + (1 << 40) + 0b1011_0111;
    let peaks: Vec<Hash> = (0..u64::from(size.count_ones())).map(leaf).collect();
    let mut batch = BatchAppend::new(Frontier::from_parts(size, peaks).unwrap());
    (0..300).for_each(|i| _ = batch.append(leaf(i)));
    let appended = batch.finish();
    for i in 0..300 {
        let path = appended.proof(size + i).unwrap();
        verify_inclusion(&leaf(i), size + i, appended.size(), &path, &appended.root()).unwrap();
    }
}

/// Tiles as a store would keep them: hashes appended at the offset announced.
#[derive(Default)]
struct Tiles(BTreeMap<TileCoord, Vec<Hash>>);

impl Tiles {
    fn apply(&mut self, appended: &Appended) {
        for update in appended.tile_updates() {
            let tile = self.0.entry(update.tile).or_default();
            assert_eq!(tile.len(), update.offset, "{:?}", update.tile);
            assert!(!update.hashes.is_empty());
            tile.extend(update.hashes);
            assert!(tile.len() <= TILE_WIDTH);
        }
    }
}

impl TileSource for Tiles {
    fn tile(&self, level: u8, index: u64) -> Option<Vec<Hash>> {
        self.0.get(&TileCoord { level, index }).cloned()
    }
}

#[test]
fn tiles_agree_with_the_tree() {
    let mut tiles = Tiles::default();
    let mut appended = append(Frontier::new(), 0);
    for count in [1, 1, 5, 248, 1, 1, 255, 700, 3, 65_000, 1500] {
        appended = append(appended.frontier().clone(), count);
        tiles.apply(&appended);
        for (coord, hashes) in &tiles.0 {
            assert_eq!(hashes.len(), coord.width_at(appended.size()), "{coord:?}");
        }
    }
    let size = appended.size();
    let whole = tree(size);
    assert_eq!(whole.root(), appended.root());
    let nodes = TileNodes(&tiles);
    for level in 0..20_u8 {
        let count = size >> level;
        let near = (0..6).chain(250..260).chain(count.saturating_sub(4)..count + 4);
        for index in near {
            assert_eq!(nodes.node(level, index), whole.node(level, index), "{level}/{index}");
        }
    }
    assert_eq!(root_at(&nodes, size), Ok(whole.root()));
    for index in [0, 1, 255, 256, 65_535, 65_536, size - 1] {
        assert_eq!(inclusion_proof(&nodes, index, size), whole.inclusion(index));
        assert_eq!(consistency_proof(&nodes, index, size), whole.consistency(index));
    }
    for (level, index) in [(64, 0), (255, 1), (7, u64::MAX), (8, u64::MAX), (63, 2)] {
        assert_eq!(nodes.node(level, index), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_cut_into_batches_gives_the_same_log(counts in prop::collection::vec(0_u64..120, 1..8)) {
        let whole = tree(counts.iter().sum());
        let mut tiles = Tiles::default();
        let mut at = Frontier::new();
        for count in counts {
            let appended = append(at, count);
            check(&appended, &whole);
            tiles.apply(&appended);
            at = appended.frontier().clone();
        }
        prop_assert_eq!(at.root(), whole.root());
        for index in 0..at.size() {
            prop_assert_eq!(inclusion_proof(&TileNodes(&tiles), index, at.size()), whole.inclusion(index));
        }
    }
}
