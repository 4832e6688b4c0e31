//! A log as static files, read back by the node that goes on writing it and by monitors.

use tram_tlog::published::{Published, PublishedError, decode_bundle, decode_tile, encode_bundle};
use tram_tlog::tile::TILE_WIDTH;
use tram_tlog::{HASH_BYTES, Hash, MemoryTree, TREE_SIZE_MAX, leaf_hash};

/// A bundle of entries, a tile of hashes, and the right edge of a log behind its size in eight bytes.
pub fn tiles(data: &[u8]) {
    bundle(data);
    if let Ok(hashes) = decode_tile(data) {
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
        assert_eq!(bytes, data);
    }
    if let Some((size, tiles)) = data.split_first_chunk::<8>() {
        edge(u64::from_be_bytes(*size), tiles);
    }
}

/// Entries are read whole or not at all, and a log that takes them has the root of any other tree over them.
fn bundle(data: &[u8]) {
    let Ok(entries) = decode_bundle(data) else { return };
    assert_eq!(encode_bundle(&entries).as_deref(), Ok(data));
    let mut log = Published::new();
    match log.take_bundle(&entries) {
        Ok(full) => {
            assert_eq!(
                (log.size(), full.len()),
                (entries.len() as u64, entries.len() / TILE_WIDTH)
            );
            let mut tree = MemoryTree::new();
            entries.iter().for_each(|entry| _ = tree.push(entry));
            assert_eq!(log.root(), tree.root());
        }
        Err(_) => assert!(entries.len() > TILE_WIDTH && log.size() == 0),
    }
}

/// A log is gone on with from exactly the tiles that it wrote, and from no fewer.
fn edge(size: u64, tiles: &[u8]) {
    let mut left = tiles;
    let resumed = Published::resume(size, |_, width| -> Result<Vec<Hash>, PublishedError> {
        let (tile, rest) = left.split_at((width * HASH_BYTES).min(left.len()));
        left = rest;
        decode_tile(tile)
    });
    let Ok(mut log) = resumed else { return };
    assert_eq!(log.size(), size);
    let partial = log.partial();
    let bytes: Vec<u8> = partial.iter().flat_map(|file| file.to_bytes()).collect();
    assert_eq!(bytes, tiles[..tiles.len() - left.len()]);
    let again = Published::resume(size, |tile, width| -> Result<Vec<Hash>, PublishedError> {
        let missing = PublishedError::Edge { level: tile.level, index: tile.index };
        let file = partial.iter().find(|file| file.tile == tile && file.hashes.len() == width);
        file.map(|file| file.hashes.clone()).ok_or(missing)
    });
    assert_eq!(again.map(|again| again.root()), Ok(log.root()));
    // One leaf more, behind those of the last tile.
    let known = partial.first().filter(|file| file.tile.level == 0);
    let mut leaves = known.map(|file| file.hashes.clone()).unwrap_or_default();
    leaves.push(leaf_hash(b"one more"));
    if size < TREE_SIZE_MAX {
        log.take_leaves(&leaves).expect("they go on");
        assert_eq!(log.size(), size + 1);
    }
}

/// A bundle, and the edge of the log over it.
pub(crate) fn samples() -> [(&'static str, Vec<u8>); 3] {
    let mut log = Published::new();
    let whole = |n: u32| n.to_be_bytes();
    let first: Vec<_> = (0..TILE_WIDTH as u32).map(whole).collect();
    log.take_bundle(&first).expect("a whole bundle");
    let second: Vec<_> = (0..3).map(whole).collect();
    log.take_bundle(&second).expect("a few more");
    let edge: Vec<u8> = log.partial().iter().flat_map(|file| file.to_bytes()).collect();
    [
        ("bundle", encode_bundle(&second).expect("short entries")),
        ("tile", log.partial()[0].to_bytes()),
        ("edge", [&log.size().to_be_bytes()[..], &edge].concat()),
    ]
}
