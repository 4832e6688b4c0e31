use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::ProblemDocument;
use crate::text::TimeText;

/// Query of a store check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct CheckQuery {
    /// Read every document again and compare its digest; true where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<bool>,
}

/// One line of a store check (newline-delimited JSON). The last line is `report` or `problem`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum CheckLine {
    /// How far it is.
    Progress {
        /// What is being read: `journal`, `documents`, `log`, `legs`.
        phase: String,
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
    },
    /// What was found.
    Report(CheckReport),
    /// Why there is no report.
    Problem(ProblemDocument),
}

/// What a store check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckReport {
    /// Whether nothing is damaged.
    pub ok: bool,
    /// The state that was checked.
    pub at: TimeText,
    /// Batches of the journal read.
    pub batches: u64,
    /// Dispatches.
    pub dispatches: u64,
    /// Legs compared with the log.
    pub legs: u64,
    /// Leaves compared with the tree.
    pub leaves: u64,
    /// Documents compared with their digests.
    pub documents: u64,
    /// Bytes of those documents.
    pub documents_bytes: u64,
    /// What is damaged, one sentence each; cut at 1,000.
    pub damages: Vec<String>,
}
