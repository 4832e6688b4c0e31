//! Nodes grouped into tiles of height 8, the shape of C2SP tlog-tiles.
//!
//! Tile `(L, N)` holds the nodes of level `8·L` with indices `256·N .. 256·(N + 1)`; the levels between
//! are hashed when needed. Tiles only grow, and a full one never changes.

use std::collections::BTreeMap;

use crate::hash::{Hash, node_hash};
use crate::proof::NodeSource;
use crate::shape::Node;

/// Levels of the tree that one tile spans.
pub const TILE_HEIGHT: u8 = 8;

/// Hashes in a full tile.
pub const TILE_WIDTH: usize = 1 << TILE_HEIGHT;

/// The name of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileCoord {
    /// Tile level: the tile holds nodes of tree level `8 * level`.
    pub level: u8,
    /// Position among the tiles of its level, from 0.
    pub index: u64,
}

impl TileCoord {
    /// How many hashes the tile holds when the tree has `size` leaves, 0..=256.
    #[must_use]
    pub fn width_at(self, size: u64) -> usize {
        let nodes = size.checked_shr(u32::from(self.level) * u32::from(TILE_HEIGHT)).unwrap_or(0);
        let before = self.index.saturating_mul(TILE_WIDTH as u64);
        nodes.saturating_sub(before).min(TILE_WIDTH as u64) as usize
    }

    /// The path of the tile in a static log: `tile/<L>/<N>`, and `.p/<W>` after it for a partial tile
    /// of `width` hashes. `N` is cut into groups of three digits, all but the last behind an `x`.
    #[must_use]
    pub fn path(self, width: usize) -> String {
        format!("tile/{}/{}", self.level, numbered(self.index, width))
    }
}

/// The name of a tile or bundle within its level.
pub(crate) fn numbered(index: u64, width: usize) -> String {
    let mut number = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        number = format!("x{:03}/{number}", rest % 1000);
        rest /= 1000;
    }
    let partial = if width < TILE_WIDTH { format!(".p/{width}") } else { String::new() };
    format!("{number}{partial}")
}

/// Hashes to append to one tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileUpdate {
    /// Which tile.
    pub tile: TileCoord,
    /// How many hashes the tile holds before: the position of the first one here, 0..=255.
    pub offset: usize,
    /// The new hashes in order, 1..=256.
    pub hashes: Vec<Hash>,
}

/// What new nodes append to which tiles, ordered by tile level and index. `nodes` are those of
/// consecutive appends in creation order, as [`crate::Appended::nodes`] gives them; nodes between tile
/// levels are left out.
#[must_use]
pub fn tile_updates(nodes: &[Node]) -> Vec<TileUpdate> {
    let mut updates: BTreeMap<TileCoord, TileUpdate> = BTreeMap::new();
    for node in nodes.iter().filter(|node| node.level.is_multiple_of(TILE_HEIGHT)) {
        let (tile, offset) = place(node.level / TILE_HEIGHT, node.index);
        updates
            .entry(tile)
            .or_insert_with(|| TileUpdate { tile, offset, hashes: Vec::new() })
            .hashes
            .push(node.hash);
    }
    updates.into_values().collect()
}

/// Read access to stored tiles.
pub trait TileSource {
    /// The hashes of a tile, as many as are stored (at most [`TILE_WIDTH`]); `None` without any.
    fn tile(&self, tile_level: u8, tile_index: u64) -> Option<Vec<Hash>>;
}

impl<S: TileSource + ?Sized> TileSource for &S {
    fn tile(&self, tile_level: u8, tile_index: u64) -> Option<Vec<Hash>> {
        (**self).tile(tile_level, tile_index)
    }
}

/// The nodes of a tree kept in tiles. A node costs one tile read and up to 127 hashes; whoever asks
/// for many nodes puts a cache into the [`TileSource`].
#[derive(Clone, Copy, Debug)]
pub struct TileNodes<T>(pub T);

impl<T: TileSource> NodeSource for TileNodes<T> {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        if u32::from(level) >= u64::BITS || index > u64::MAX >> level {
            return None; // names no leaf, and the shifts below would lose bits
        }
        let above = level % TILE_HEIGHT;
        let (tile, offset) = place(level / TILE_HEIGHT, index << above);
        let hashes = self.0.tile(tile.level, tile.index)?;
        let mut row = hashes.get(offset..offset + (1 << above))?.to_vec();
        while row.len() > 1 {
            row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        row.pop()
    }
}

/// The tile of a node of a tile level, and its place inside.
fn place(tile_level: u8, node_index: u64) -> (TileCoord, usize) {
    let width = TILE_WIDTH as u64;
    (TileCoord { level: tile_level, index: node_index / width }, (node_index % width) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_widths() {
        let tile = |level, index| TileCoord { level, index };
        assert_eq!(tile(0, 1_234_067).path(256), "tile/0/x001/x234/067");
        assert_eq!(tile(1, 0).path(3), "tile/1/000.p/3");
        assert_eq!(tile(0, 1000).path(256), "tile/0/x001/000");
        assert_eq!(tile(0, 0).width_at(70_000), 256);
        assert_eq!(tile(0, 273).width_at(70_000), 112);
        assert_eq!(tile(1, 1).width_at(70_000), 17);
        assert_eq!(tile(2, 0).width_at(70_000), 1);
        assert_eq!(tile(3, 0).width_at(70_000), 0);
        assert_eq!(tile(200, u64::MAX).width_at(u64::MAX), 0);
    }
}
