//! Receipts: a record, its place in a receipt log, and the signed root of that log (RFC 9942 with the
//! RFC 9162 tree).

mod parse;
mod signed_root;

pub use parse::Receipt;
pub use signed_root::SignedRoot;

/// Private header labels (below -65536, RFC 9052 section 11.2): the node that issued the receipt.
pub const LABEL_NODE: i64 = -70001;
/// The epoch of its log.
pub const LABEL_EPOCH: i64 = -70002;
/// The size of the tree whose root is signed.
pub const LABEL_TREE_SIZE: i64 = -70003;
/// The commit time, milliseconds since 1970.
pub const LABEL_COMMIT_TIME: i64 = -70004;

/// Value of `vds` for the RFC 9162 tree with SHA-256 (RFC 9942).
const VDS_RFC9162_SHA256: u64 = 1;
/// Label of inclusion proofs inside `vdp` (RFC 9942).
const VDP_INCLUSION: i64 = -1;
