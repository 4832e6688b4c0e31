//! The store beside the anchor file.

use super::StoreReader;
use crate::anchor::{Anchor, AnchorFile};
use tram_dispatch::Code;
use tram_engine::{Anchor as Says, Doubt};

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
    /// Neither store nor anchor has anything yet.
    New,
    /// There is none, and the store has leaves.
    Absent,
    /// The store continues what the anchor remembers.
    Agrees,
    /// It does, and another machine wrote the anchor: one of the two was moved, or copied.
    OtherMachine {
        /// Which.
        wrote: String,
    },
    /// The anchor remembers more leaves: the store is an old copy, or lost its tail.
    RolledBack {
        /// Leaves the anchor remembers.
        anchor_size: u64,
        /// The batch the anchor remembers.
        anchor_batch_seq: u64,
    },
    /// The anchor remembers more batches, and as many leaves.
    Ahead {
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
    /// Whether the store may have the anchor at once. If not, the anchor is left as it is until
    /// [`super::Store::replace_anchor`].
    #[must_use]
    pub fn is_safe(&self) -> bool {
        matches!(self, Self::NotKept | Self::New | Self::Agrees)
    }

    /// The code, where it proves that the store went back.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::RolledBack { .. } => Some(Code::LogRollback),
            Self::Forked { .. } => Some(Code::LogFork),
            _ => None,
        }
    }

    /// What an engine is told of it.
    pub(super) fn says(&self) -> Says {
        match self.clone() {
            Self::NotKept | Self::New | Self::Agrees => Says::Agrees,
            Self::Absent => Says::Unclean(Doubt::Missing),
            Self::OtherMachine { wrote } => Says::Unclean(Doubt::OtherMachine { wrote }),
            Self::Ahead { .. } => Says::Unclean(Doubt::Ahead),
            Self::OtherStore => Says::Unclean(Doubt::OtherStore),
            Self::Unreadable { detail } => Says::Unclean(Doubt::Unreadable { detail }),
            Self::RolledBack { anchor_size, .. } => Says::RolledBack { size: anchor_size },
            Self::Forked { size } => Says::Forked { size },
        }
    }
}

/// Compares the store with its anchor.
pub(super) fn compare(
    file: Option<&AnchorFile>,
    reader: &StoreReader,
    machine_id: &str,
) -> AnchorState {
    let Some(file) = file else { return AnchorState::NotKept };
    match file.read() {
        Ok(Some(anchor)) => judge(&anchor, reader, machine_id),
        Ok(None) if reader.log_head().size == 0 => AnchorState::New,
        Ok(None) => AnchorState::Absent,
        Err(e) => AnchorState::Unreadable { detail: super::error::chain(&e) },
    }
}

fn judge(anchor: &Anchor, reader: &StoreReader, machine_id: &str) -> AnchorState {
    let head = reader.log_head();
    if anchor.store_id != reader.store_id() {
        // Neither signed anything: the store before was given up while it was made.
        return match (head.size, anchor.tree_size) {
            (0, 0) => AnchorState::New,
            _ => AnchorState::OtherStore,
        };
    }
    if anchor.tree_size > head.size {
        return AnchorState::RolledBack {
            anchor_size: anchor.tree_size,
            anchor_batch_seq: anchor.batch_seq,
        };
    }
    match reader.root(anchor.tree_size) {
        Ok(root) if root != anchor.root => AnchorState::Forked { size: anchor.tree_size },
        Err(e) => AnchorState::Unreadable { detail: e.explain() },
        Ok(_) if anchor.batch_seq > head.batch_seq => {
            AnchorState::Ahead { anchor_batch_seq: anchor.batch_seq }
        }
        Ok(_) if anchor.machine_id != machine_id => {
            AnchorState::OtherMachine { wrote: anchor.machine_id.clone() }
        }
        Ok(_) => AnchorState::Agrees,
    }
}
