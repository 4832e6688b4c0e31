//! What a check found.

use crate::journal::BatchPosition;
use std::fmt::Display;
use tram_dispatch::Code;

/// Most findings that are kept with their words; more are only counted.
pub const FINDINGS_MAX: usize = 1_000;

/// What is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The journal and the receipt log in it.
    Journal,
    /// The index.
    Index,
    /// Document files.
    Documents,
    /// Legs.
    Legs,
}

impl Phase {
    /// The word for people and programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Index => "index",
            Self::Documents => "documents",
            Self::Legs => "legs",
        }
    }
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being read.
    pub phase: Phase,
    /// Units done: batches, documents, dispatches.
    pub done: u64,
    /// Units in all.
    pub total: u64,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is lost.
    Note,
    /// Only the index, which can be rebuilt from the journal.
    Index,
    /// Stored bytes are damaged or missing.
    Damage,
}

/// One thing a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The code of what is wrong.
    pub code: Code,
    /// What it is about: a batch, a leaf, a document, a dispatch.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The last batch that was checked.
    pub at: Option<BatchPosition>,
    /// Batches read.
    pub batches: u64,
    /// Records read.
    pub records: u64,
    /// Dispatches held.
    pub dispatches: u64,
    /// Legs compared with the log.
    pub legs: u64,
    /// Leaves hashed and compared with the tree.
    pub leaves: u64,
    /// Signed roots compared with the tree.
    pub roots: u64,
    /// Receipts of other nodes.
    pub foreign: u64,
    /// Signatures checked; 0 without [`super::Signatures`].
    pub signatures: u64,
    /// Documents compared with their digests, inline and files.
    pub documents: u64,
    /// Bytes of those documents.
    pub documents_bytes: u64,
    /// Entries of the index compared with the journal.
    pub index_entries: u64,
    /// Why the index was rebuilt on the way, if it was.
    pub index_rebuilt: Option<String>,
    /// What was found, in the order it was found; cut at [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub findings_more: u64,
}

impl CheckReport {
    /// Whether nothing is damaged. Notes do not count; an index that was damaged and could be
    /// rebuilt does.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.findings_more == 0 && self.findings.iter().all(|f| f.severity == Severity::Note)
    }

    pub(crate) fn damage(&mut self, code: Code, place: impl Display, what: impl Display) {
        self.find(Severity::Damage, code, place, what);
    }

    pub(crate) fn index(&mut self, place: impl Display, what: impl Display) {
        self.find(Severity::Index, Code::StoreCorrupt, place, what);
    }

    pub(crate) fn note(&mut self, code: Code, place: impl Display, what: impl Display) {
        self.find(Severity::Note, code, place, what);
    }

    fn find(&mut self, severity: Severity, code: Code, place: impl Display, what: impl Display) {
        if self.findings.len() < FINDINGS_MAX {
            let (place, what) = (place.to_string(), what.to_string());
            self.findings.push(Finding { severity, code, place, what });
        } else if severity > Severity::Note {
            self.findings_more += 1;
        }
    }
}
