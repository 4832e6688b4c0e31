//! The store beside the anchor file.

use super::StoreReader;
use crate::anchor::{Anchor, AnchorFile};
use tram_dispatch::Code;

/// What the anchor file says of the store that was opened.
///
/// The anchor is written behind the commits, at most [`flush_interval_ms`] late and when the store
/// is closed, so it is never ahead of the store that wrote it. If it is, this is an older copy.
///
/// [`flush_interval_ms`]: super::StoreOptions::flush_interval_ms
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnchorState {
    /// No anchor is configured.
    NotKept,
    /// There is none yet.
    Absent,
    /// The store continues what the anchor remembers.
    Agrees,
    /// The anchor remembers more: the store is an old copy, or lost its tail.
    RolledBack {
        /// Leaves the anchor remembers.
        anchor_size: u64,
        /// The batch the anchor remembers.
        anchor_batch_seq: u64,
    },
    /// The anchor remembers another root for a size this store has passed.
    Forked {
        /// That size.
        size: u64,
    },
    /// The anchor is about another store.
    OtherStore,
    /// The anchor cannot be read.
    Unreadable {
        /// Why.
        detail: String,
    },
}

impl AnchorState {
    /// Whether this node may sign as far as the anchor goes. If not, the anchor is left as it is
    /// until [`super::Store::replace_anchor`].
    #[must_use]
    pub fn is_safe(&self) -> bool {
        matches!(self, Self::NotKept | Self::Absent | Self::Agrees)
    }

    /// The code, where it is not safe.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::NotKept | Self::Absent | Self::Agrees => None,
            Self::RolledBack { .. } | Self::OtherStore => Some(Code::LogRollback),
            Self::Forked { .. } => Some(Code::LogFork),
            Self::Unreadable { .. } => Some(Code::StoreCorrupt),
        }
    }
}

/// Compares the store with its anchor; also gives the machine that wrote it.
pub(super) fn compare(
    file: Option<&AnchorFile>,
    reader: &StoreReader,
    machine_id: &str,
) -> (AnchorState, Option<String>) {
    let Some(file) = file else { return (AnchorState::NotKept, None) };
    let anchor = match file.read() {
        Ok(Some(anchor)) => anchor,
        Ok(None) => return (AnchorState::Absent, None),
        Err(e) => return (AnchorState::Unreadable { detail: super::error::chain(&e) }, None),
    };
    let moved = (anchor.machine_id != machine_id).then(|| anchor.machine_id.clone());
    (judge(&anchor, reader), moved)
}

fn judge(anchor: &Anchor, reader: &StoreReader) -> AnchorState {
    if anchor.store_id != reader.store_id() {
        return AnchorState::OtherStore;
    }
    let head = reader.log_head();
    if anchor.tree_size > head.size || anchor.batch_seq > head.batch_seq {
        return AnchorState::RolledBack {
            anchor_size: anchor.tree_size,
            anchor_batch_seq: anchor.batch_seq,
        };
    }
    match reader.root(anchor.tree_size) {
        Ok(root) if root == anchor.root => AnchorState::Agrees,
        Ok(_) => AnchorState::Forked { size: anchor.tree_size },
        Err(e) => AnchorState::Unreadable { detail: e.explain() },
    }
}
