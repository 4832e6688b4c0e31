//! What is written of a log must be what C2SP tlog-tiles says, however it grew.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tram_tlog::published::{
    Published, PublishedError, decode_bundle, decode_tile, encode_bundle, entries_path,
    partial_folder,
};
use tram_tlog::tile::{TILE_WIDTH, TileCoord};
use tram_tlog::{Hash, MemoryTree, NodeSource, TileNodes, TileSource, root_at};

fn entry(index: u64) -> [u8; 32] {
    let mut entry = [7; 32];
    entry[..8].copy_from_slice(&index.to_be_bytes());
    entry
}

fn tree(size: u64) -> MemoryTree {
    (0..size).map(entry).collect()
}

/// Files by path, as a folder would hold them.
#[derive(Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Brings what is written up to `size` leaves.
    fn grow(&mut self, written: &mut Published, size: u64) {
        while written.size() < size {
            let index = written.size() / TILE_WIDTH as u64;
            let first = index * TILE_WIDTH as u64;
            let entries: Vec<_> = (first..size).take(TILE_WIDTH).map(entry).collect();
            let path = entries_path(index, entries.len());
            self.0.insert(path, encode_bundle(&entries).unwrap());
            for full in written.take_bundle(&entries).unwrap() {
                assert_eq!(full.hashes.len(), TILE_WIDTH);
                self.0.insert(full.path(), full.to_bytes());
            }
        }
        for partial in written.partial() {
            self.0.insert(partial.path(), partial.to_bytes());
        }
    }

    fn resume(&self, size: u64) -> Result<Published, PublishedError> {
        Published::resume(size, |tile, width| {
            let edge = PublishedError::Edge { level: tile.level, index: tile.index };
            decode_tile(self.0.get(&tile.path(width)).ok_or(edge)?)
        })
    }
}

/// Reads the tiles of a tree of this size.
struct At<'a>(&'a Files, u64);

impl TileSource for At<'_> {
    fn tile(&self, level: u8, index: u64) -> Option<Vec<Hash>> {
        let tile = TileCoord { level, index };
        decode_tile(self.0.0.get(&tile.path(tile.width_at(self.1)))?).ok()
    }
}

fn check(files: &Files, size: u64) {
    let whole = tree(size);
    assert_eq!(root_at(&TileNodes(At(files, size)), size).unwrap(), whole.root());
    for index in 0..size {
        let (bundle, place) = (index / TILE_WIDTH as u64, (index % TILE_WIDTH as u64) as usize);
        let width = TileCoord { level: 0, index: bundle }.width_at(size);
        let bytes = &files.0[&entries_path(bundle, width)];
        assert_eq!(decode_bundle(bytes).unwrap()[place], entry(index));
        assert_eq!(TileNodes(At(files, size)).node(0, index), whole.node(0, index));
    }
}

#[test]
fn the_example_of_the_specification() {
    let (mut files, mut written) = (Files::default(), Published::new());
    files.grow(&mut written, 70_000);
    let tiles = |level: &str| {
        let prefix = format!("tile/{level}/");
        files.0.keys().filter(|path| path.starts_with(&prefix)).cloned().collect::<Vec<_>>()
    };
    assert_eq!(tiles("0").len(), 274);
    assert!(tiles("0").contains(&"tile/0/273.p/112".to_owned()));
    assert_eq!(tiles("1"), ["tile/1/000", "tile/1/001.p/17"]);
    assert_eq!(tiles("2"), ["tile/2/000.p/1"]);
    assert_eq!(tiles("entries").len(), 274);
    assert_eq!(files.0["tile/0/000"].len(), 8_192);
    assert_eq!(files.0["tile/entries/000"].len(), 256 * 34);
    assert_eq!(written.root(), tree(70_000).root());
}

#[test]
fn a_tree_of_256_leaves_has_no_partial_tile_of_leaves() {
    let (mut files, mut written) = (Files::default(), Published::new());
    files.grow(&mut written, 256);
    assert_eq!(
        files.0.keys().collect::<Vec<_>>(),
        ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]
    );
    assert_eq!(files.resume(256).unwrap().root(), written.root(), "and none is asked for");
    let partial = TileCoord { level: 1, index: 0 };
    assert_eq!(
        partial.path(1),
        format!("{}/1", partial_folder(&partial.path(TILE_WIDTH))),
        "what a full tile makes superfluous lies in one folder"
    );
}

#[test]
fn entries_that_are_not_the_next_ones_are_not_taken() {
    let (mut files, mut written) = (Files::default(), Published::new());
    files.grow(&mut written, 300);
    let again: Vec<_> = (256..310).map(entry).collect();
    let root = written.root();
    let mut other = again.clone();
    other[3][31] ^= 1;
    let refused = Err(PublishedError::NotNext { size: 300 });
    assert_eq!(written.take_bundle(&other), refused, "an entry that is written was another");
    assert_eq!(written.take_bundle(&again[..10]), refused, "fewer than are written");
    let many: Vec<_> = (256..513).map(entry).collect();
    assert_eq!(written.take_bundle(&many), refused, "more than a bundle holds");
    assert_eq!(written.root(), root);
    assert_eq!(written.take_bundle(&again), Ok(Vec::new()));
    assert_eq!(written.root(), tree(310).root());
}

#[test]
fn an_edge_that_is_not_there_is_no_tree() {
    let (mut files, mut written) = (Files::default(), Published::new());
    files.grow(&mut written, 70_000);
    assert_eq!(files.resume(70_000).unwrap().root(), written.root());
    let short = Published::resume(70_000, |_, width| {
        Ok::<_, PublishedError>(vec![Hash([0; 32]); width - 1])
    });
    assert_eq!(short.unwrap_err(), PublishedError::Edge { level: 0, index: 273 });
    files.0.remove("tile/1/001.p/17");
    assert_eq!(files.resume(70_000).unwrap_err(), PublishedError::Edge { level: 1, index: 1 });
}

#[test]
fn bundles_and_tiles_are_read_to_the_last_byte() {
    let bytes = encode_bundle([b"".as_slice(), b"ab"]).unwrap();
    assert_eq!(bytes, [0, 0, 0, 2, b'a', b'b']);
    assert_eq!(decode_bundle(&bytes).unwrap(), [b"".as_slice(), b"ab"]);
    for cut in [1, 3, 5] {
        assert_eq!(decode_bundle(&bytes[..cut]), Err(PublishedError::Bundle));
    }
    let long = vec![0; 1 << 16];
    assert_eq!(encode_bundle([&long]), Err(PublishedError::EntryTooLong(1 << 16)));
    assert!(decode_tile(&[0; 31]).is_err() && decode_tile(&[]).is_err());
    assert!(decode_tile(&[0; 257 * 32]).is_err());
    assert_eq!(decode_tile(&[0; 256 * 32]).unwrap().len(), 256);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Written in steps of any size, each begun anew from the files, a log is what it is written at once.
    #[test]
    fn growth_in_steps(steps in prop::collection::vec(1_u64..700, 1..6)) {
        let mut files = Files::default();
        let mut size = 0;
        for step in steps {
            let mut written = files.resume(size).unwrap();
            prop_assert_eq!(written.size(), size);
            size += step;
            files.grow(&mut written, size);
            prop_assert_eq!(written.root(), tree(size).root());
        }
        check(&files, size);
    }
}
