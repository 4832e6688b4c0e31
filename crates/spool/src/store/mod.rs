//! The store: journal, index and documents as one thing.
//!
//! [`Store`] is the single writer; [`StoreReader`]s look at what is committed from any thread.
//!
//! ```text
//! commit:  check the batch against the log → one journal append + one fdatasync → index in memory
//! behind:  index file (one durable transaction every two seconds) → anchor file
//! open:    lock → journal recovery → index, or a new one → replay → compare with the anchor
//! ```

mod anchor;
mod audit;
mod carry;
mod commit;
mod cosignatures;
mod dispatches;
mod documents;
mod entries;
pub(crate) mod error;
mod listing;
mod numbers;
mod open;
mod options;
mod proofs;
mod reader;
mod readers;
mod receipts;
mod report;
mod retention;
mod statistics;
mod story;
mod touched;

pub use crate::index::{Party, Tally, Times};
pub use anchor::AnchorState;
pub use audit::{Arrival, ArrivalQuery, BetweenQuery, NumberQuery, RefusalQuery};
pub use carry::{Carried, CarryError};
pub use commit::{Committed, Store};
pub use cosignatures::{CosignedCheckpoint, LOOKED_AT_MAX};
pub use dispatches::{DispatchItem, DispatchQuery};
pub use documents::{Document, DocumentUse};
pub use error::{CommitError, StoreError};
pub use listing::{Cursor, PAGE_MAX, Page};
pub use numbers::NumberEntry;
pub use options::StoreOptions;
pub use reader::{LogHead, StoreReader};
pub use receipts::{ReceiptItem, ReceiptQuery, Source};
pub use report::{IndexRecovery, RecoveryReport};
pub use retention::{ClosedItem, Erased, RemovalItem};
pub use statistics::{Sum, Sums};
pub use story::{BadPlace, Place, StoryQuery, Told};
pub use touched::{Touched, TouchedBy, TouchedQuery, What};
pub use tram_engine::NumberUse;

pub(crate) use open::{Opened, freeze, journal_options, lock, open_index, replay};
pub(crate) use reader::Hot;

/// Directory of the journal in a store.
pub const JOURNAL_DIR: &str = "journal";
/// Name of the index file in a store's directory.
pub const INDEX_FILE: &str = "index.redb";
