//! How a store is opened.

use crate::anchor::AnchorFile;
use crate::documents::DocumentOptions;
use crate::index::{CACHE_BYTES_DEFAULT, FLUSH_ENTRIES_DEFAULT, FLUSH_INTERVAL_MS_DEFAULT};
use crate::journal::SEGMENT_BYTES_DEFAULT;
use std::path::PathBuf;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The directory that the disk given to [`super::Store::open`] stands for. There lie the lock
    /// and the index file, which cannot go through the `Disk` port. `None` (a simulated disk): no
    /// lock, and an index in memory that every opening rebuilds.
    pub directory: Option<PathBuf>,
    /// If there is no store, begin one with this random name; `None` answers an error.
    pub create_with_store_id: Option<[u8; 16]>,
    /// Size of new journal segments in bytes.
    pub segment_bytes: u64,
    /// The documents.
    pub documents: DocumentOptions,
    /// The anchor, outside the data directory; `None` keeps none.
    pub anchor: Option<AnchorFile>,
    /// The machine named in the anchor.
    pub machine_id: String,
    /// Memory for index pages in bytes.
    pub index_cache_bytes: usize,
    /// Index entries in memory after which they go to the file; each takes some 200 bytes. Commits
    /// wait when three times as many wait behind a flush.
    pub flush_entries: usize,
    /// Longest time between two writes of index file and anchor while commits go on.
    pub flush_interval_ms: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            directory: None,
            create_with_store_id: None,
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            documents: DocumentOptions::default(),
            anchor: None,
            machine_id: "unknown".to_owned(),
            index_cache_bytes: CACHE_BYTES_DEFAULT,
            flush_entries: FLUSH_ENTRIES_DEFAULT,
            flush_interval_ms: FLUSH_INTERVAL_MS_DEFAULT,
        }
    }
}
