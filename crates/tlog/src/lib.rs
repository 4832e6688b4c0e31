//! Merkle arithmetic and proofs (RFC 9162 section 2.1), no storage.
//!
//! The tree is the SHA-256 tree of Certificate Transparency. A *node* is named by `(level, index)`:
//! the root of the complete subtree over leaves `index << level .. (index + 1) << level`; level 0 are
//! the leaf hashes. Only complete subtrees are nodes, so a node never changes once it exists, and
//! what a store keeps is append-only.
//!
//! - [`Frontier`] carries a log's root forward at O(log n) per leaf and is all that must be in memory.
//! - [`BatchAppend`] appends a commit's leaves and proves each of them without reading storage.
//! - [`inclusion_proof`] and [`consistency_proof`] read old nodes through a [`NodeSource`];
//!   [`TileNodes`] is one over tiles, [`MemoryTree`] one in memory.
//! - [`verify_inclusion`], [`root_from_inclusion`] and [`verify_consistency`] are the other side.
//! - [`note`] and [`checkpoint`] are the C2SP text formats in which roots are published,
//!   [`cosignature`] what witnesses say of them, and [`policy`] whose word is needed.
//! - [`published`] writes a log out as static files (C2SP tlog-tiles) that public tools read.

mod batch;
pub mod checkpoint;
pub mod cosignature;
mod frontier;
mod hash;
mod memory;
pub mod note;
pub mod policy;
mod proof;
pub mod published;
mod shape;
pub mod tile;
mod verify;

pub use batch::{Appended, BatchAppend};
pub use frontier::{Frontier, FrontierError};
pub use hash::{HASH_BYTES, Hash, empty_root, leaf_hash, node_hash};
pub use memory::{MemoryTree, merkle_root};
pub use proof::{NodeSource, ProofError, consistency_proof, inclusion_proof, root_at};
pub use shape::{Node, PATH_HASHES_MAX, TREE_SIZE_MAX};
pub use tile::{TileNodes, TileSource};
pub use verify::{root_from_inclusion, verify_consistency, verify_inclusion};
