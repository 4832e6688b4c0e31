//! A log as static files in the layout of C2SP tlog-tiles: what to write when it grew.
//!
//! The tree is built from the entries alone, so what is written proves itself: the root over all of it
//! must be that of the checkpoint that is put beside it. Nothing here reads or writes a file.

use crate::batch::BatchAppend;
use crate::frontier::{Frontier, FrontierError};
use crate::hash::{HASH_BYTES, Hash, leaf_hash, node_hash};
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, TileCoord, numbered};

/// Where the checkpoint lies, below the prefix of the log.
pub const CHECKPOINT_PATH: &str = "checkpoint";

/// The longest entry that a bundle can hold, in bytes.
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// Why a file is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishedError {
    /// An entry does not fit.
    #[error("an entry of {0} bytes is too long for a bundle")]
    EntryTooLong(usize),
    /// Not a sequence of entries.
    #[error("the entry bundle is cut short")]
    Bundle,
    /// Not whole hashes.
    #[error("a tile of {0} bytes")]
    Tile(usize),
    /// The right edge of the tree is not there.
    #[error("the tile at level {level}, index {index} is missing or has another width")]
    Edge {
        /// Tile level.
        level: u8,
        /// Its index.
        index: u64,
    },
    /// More entries than the bundle has room for, or other ones than the tree has.
    #[error("entries that do not continue the tree of {size} leaves")]
    NotNext {
        /// Its size.
        size: u64,
    },
    /// The parts do not make a tree.
    #[error(transparent)]
    Tree(#[from] FrontierError),
}

/// The path of the entry bundle with entries from `256 * index` on, `width` of them.
#[must_use]
pub fn entries_path(index: u64, width: usize) -> String {
    format!("tile/entries/{}", numbered(index, width))
}

/// Entries one after the other, each behind its length as 16 bits, most significant byte first.
///
/// # Errors
/// [`PublishedError::EntryTooLong`].
pub fn encode_bundle<T: AsRef<[u8]>>(
    entries: impl IntoIterator<Item = T>,
) -> Result<Vec<u8>, PublishedError> {
    let mut out = Vec::new();
    for entry in entries {
        let entry = entry.as_ref();
        let length = u16::try_from(entry.len());
        let length = length.map_err(|_| PublishedError::EntryTooLong(entry.len()))?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(entry);
    }
    Ok(out)
}

/// The entries of a bundle.
///
/// # Errors
/// [`PublishedError::Bundle`].
pub fn decode_bundle(mut bytes: &[u8]) -> Result<Vec<&[u8]>, PublishedError> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<2>().ok_or(PublishedError::Bundle)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, rest) = rest.split_at_checked(length).ok_or(PublishedError::Bundle)?;
        entries.push(entry);
        bytes = rest;
    }
    Ok(entries)
}

/// The hashes of a tile, one after the other.
///
/// # Errors
/// [`PublishedError::Tile`] for a length that is not that of 1 to 256 hashes.
pub fn decode_tile(bytes: &[u8]) -> Result<Vec<Hash>, PublishedError> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    if !rest.is_empty() || !(1..=TILE_WIDTH).contains(&hashes.len()) {
        return Err(PublishedError::Tile(bytes.len()));
    }
    Ok(hashes.iter().map(|hash| Hash(*hash)).collect())
}

/// One tile to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileFile {
    /// Which tile.
    pub tile: TileCoord,
    /// Its hashes, 1 to 256.
    pub hashes: Vec<Hash>,
}

impl TileFile {
    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> String {
        self.tile.path(self.hashes.len())
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| hash.0).collect()
    }
}

/// A log that is being written out: its tree so far, and the tiles at its right edge.
#[derive(Clone, Debug, Default)]
pub struct Published {
    frontier: Frontier,
    /// Of each tile level the hashes of its last tile, while that is not full.
    edge: Vec<Vec<Hash>>,
}

impl Published {
    /// Nothing is written yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on from a tree of `size` leaves; `tile` reads what was written of its right edge.
    ///
    /// # Errors
    /// [`PublishedError::Edge`], and what `tile` says.
    pub fn resume<E: From<PublishedError>>(
        size: u64,
        mut tile: impl FnMut(TileCoord, usize) -> Result<Vec<Hash>, E>,
    ) -> Result<Self, E> {
        let mut edge = Vec::new();
        let mut nodes = size;
        while nodes > 0 {
            let (level, index) = (edge.len() as u8, nodes / TILE_WIDTH as u64);
            let width = (nodes % TILE_WIDTH as u64) as usize;
            let hashes = match width {
                0 => Vec::new(),
                _ => tile(TileCoord { level, index }, width)?,
            };
            if hashes.len() != width {
                return Err(PublishedError::Edge { level, index }.into());
            }
            edge.push(hashes);
            nodes = index;
        }
        let frontier = Frontier::from_parts(size, peaks(&edge)).map_err(PublishedError::from)?;
        Ok(Self { frontier, edge })
    }

    /// The number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The Merkle tree hash over them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Takes all entries of the bundle that the next leaf falls into: those that were taken before too,
    /// which must be the same. Gives the tiles that became full, the lowest level first.
    ///
    /// # Errors
    /// [`PublishedError::NotNext`]; then nothing was taken.
    pub fn take_bundle<T: AsRef<[u8]>>(
        &mut self,
        entries: &[T],
    ) -> Result<Vec<TileFile>, PublishedError> {
        self.take_leaves(&entries.iter().map(|e| leaf_hash(e.as_ref())).collect::<Vec<_>>())
    }

    /// The same by the hashes of the leaves.
    ///
    /// # Errors
    /// As [`Published::take_bundle`].
    pub fn take_leaves(&mut self, leaves: &[Hash]) -> Result<Vec<TileFile>, PublishedError> {
        let known = self.edge.first().map_or(&[][..], Vec::as_slice);
        let continues = leaves.len() <= TILE_WIDTH && leaves.starts_with(known);
        let Some(new) = leaves.get(known.len()..).filter(|_| continues) else {
            return Err(PublishedError::NotNext { size: self.size() });
        };
        let mut batch = BatchAppend::new(self.frontier.clone());
        new.iter().for_each(|leaf| _ = batch.append(*leaf));
        let grown = batch.finish();
        self.frontier = grown.frontier().clone();
        let mut full = Vec::new();
        for update in grown.tile_updates() {
            let level = usize::from(update.tile.level);
            if self.edge.len() <= level {
                self.edge.resize_with(level + 1, Vec::new);
            }
            // At most 256 leaves fill at most one tile of each level.
            self.edge[level].extend(update.hashes);
            if self.edge[level].len() == TILE_WIDTH {
                let hashes = std::mem::take(&mut self.edge[level]);
                full.push(TileFile { tile: update.tile, hashes });
            }
        }
        Ok(full)
    }

    /// The partial tiles at the right edge.
    #[must_use]
    pub fn partial(&self) -> Vec<TileFile> {
        let mut nodes = self.size();
        let mut files = Vec::new();
        for (level, hashes) in (0_u8..).zip(&self.edge) {
            nodes /= TILE_WIDTH as u64;
            if !hashes.is_empty() {
                let tile = TileCoord { level, index: nodes };
                files.push(TileFile { tile, hashes: hashes.clone() });
            }
        }
        files
    }
}

/// The roots of the complete subtrees that the edge consists of, the largest first.
fn peaks(edge: &[Vec<Hash>]) -> Vec<Hash> {
    let mut peaks = Vec::new();
    for hashes in edge.iter().rev() {
        let mut left = hashes.as_slice();
        for level in (0..TILE_HEIGHT).rev() {
            if let Some((subtree, rest)) =
                left.split_at_checked(1 << level).filter(|_| hashes.len() >> level & 1 == 1)
            {
                peaks.extend(fold(subtree));
                left = rest;
            }
        }
    }
    peaks
}

fn fold(hashes: &[Hash]) -> Option<Hash> {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    row.pop()
}

/// The partial files of smaller trees that a full tile of this path stands for: their folder.
#[must_use]
pub fn partial_folder(path: &str) -> String {
    format!("{path}.p")
}
