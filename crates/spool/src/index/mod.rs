//! The index over the journal: rebuildable, deletable at any time, never the truth.
//!
//! One ordered map of bytes to bytes (`keys` gives the layout of every table in it), in two
//! layers: what the newest batches put lies in memory, what is older in one redb file. A commit
//! only touches memory. Every two seconds or 65,536 entries the upper layer is frozen and written
//! behind the commits' back, sorted, as *one durable* redb transaction, together with the journal
//! position it reaches (`head`). On this kind of machine that costs half the CPU of one non-durable
//! redb transaction per batch, and no commit ever waits for redb's fsync.
//!
//! After a crash the batches behind that position are read from the journal again and applied by
//! the same code (`indexer`) as in normal running.
//!
//! A file of a newer format is refused; one that is damaged, of another store, or ahead of the
//! journal is deleted and rebuilt, and the recovery report says why.

pub(crate) mod audit;
pub(crate) mod error;
pub(crate) mod flush;
pub(crate) mod growth;
pub(crate) mod head;
pub(crate) mod indexer;
pub(crate) mod keys;
pub(crate) mod kv;
pub(crate) mod lookup;
mod merge;
pub(crate) mod numbers;
pub(crate) mod ordered;

pub use audit::Party;
pub use audit::tally::{Tally, Times};
pub use error::IndexError;

/// Format of the index file that this program writes. An older one is rebuilt.
pub const INDEX_FORMAT: u64 = 5;
/// Entries in memory after which they are written to the index file.
pub const FLUSH_ENTRIES_DEFAULT: usize = 1 << 16;
/// Longest time after which entries in memory are written to the index file, if commits go on.
pub const FLUSH_INTERVAL_MS_DEFAULT: u64 = 2_000;
/// When so many times the entries of one flush wait while a flush is running, commits wait for it.
pub(crate) const FLUSH_BACKLOG_MAX: usize = 3;
/// Memory that redb may use for pages.
pub const CACHE_BYTES_DEFAULT: usize = 32 << 20;
