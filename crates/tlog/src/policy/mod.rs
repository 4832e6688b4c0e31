//! Trust policies (C2SP tlog-policy): which logs, which witnesses, and how many of them must have
//! cosigned a checkpoint.
//!
//! A policy is read whole or not at all: every name is defined before it is used, no key stands for
//! two witnesses, no member counts twice, and there is exactly one quorum. [`Policy::judge`] then says
//! of a checkpoint's text and its cosignatures whether the quorum is reached, and if not, who is
//! missing.
//!
//! Narrower than the specification: text is UTF-8; witnesses have keys of type 0x04, logs of type
//! 0x01; and the limits below.

mod build;
mod judge;
mod parse;

pub use build::Draft;
pub use judge::{Cosigned, Judgement, Shortfall};

use crate::note::{NoteError, NoteKey};

/// The longest policy, in bytes.
pub const POLICY_BYTES_MAX: usize = 64 * 1024;
/// Most logs.
pub const POLICY_LOGS_MAX: usize = 1024;
/// Most witnesses.
pub const POLICY_WITNESSES_MAX: usize = 1024;
/// Most groups.
pub const POLICY_GROUPS_MAX: usize = 1024;
/// The longest name of a witness or group, in bytes.
pub const POLICY_NAME_BYTES_MAX: usize = 256;
/// The longest URL, in bytes.
pub const POLICY_URL_BYTES_MAX: usize = 1024;

/// The name that stands for "no cosignature is needed".
const NONE: &str = "none";

/// Why a policy is not taken; the line it was found in, from 1 (0: the policy as a whole).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy line {line}: {fault}")]
pub struct PolicyError {
    /// The line, from 1; 0 for the policy as a whole.
    pub line: usize,
    /// What is wrong.
    pub fault: PolicyFault,
}

/// What can be wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// Above a limit, a key that is none, or a key of another type.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A character that may not stand in a policy.
    #[error("a control character, or not UTF-8")]
    Character,
    /// A line that is none of the four kinds, or has too few or too many words.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A name that is taken, reserved, empty or too long, or has a space in it.
    #[error("the name {0:?} cannot be given here")]
    Name(String),
    /// A name used before it was defined.
    #[error("nothing above is called {0:?}")]
    Undefined(String),
    /// The same key twice.
    #[error("this key stands above already")]
    DuplicateKey,
    /// A member of two groups, or twice of one.
    #[error("{0:?} is a member already")]
    DuplicateMember(String),
    /// A threshold of nobody, or of more than there are members.
    #[error("the threshold must be a number from 1 to {0}, or any or all")]
    Threshold(usize),
    /// A second quorum.
    #[error("there is a quorum already")]
    SecondQuorum,
    /// No quorum.
    #[error("there is no quorum")]
    NoQuorum,
}

/// A log whose checkpoints are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its key; the name is the origin of its checkpoints.
    pub key: NoteKey,
    /// Where it is, if anywhere.
    pub url: Option<String>,
}

/// A witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWitness {
    /// Its name in this policy.
    pub name: String,
    /// The key of its cosignatures.
    pub key: NoteKey,
    /// Where it is, if anywhere.
    pub url: Option<String>,
}

/// A group of witnesses and of groups before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyGroup {
    /// Its name in this policy.
    pub name: String,
    /// So many members must have witnessed; 1 to the number of members.
    pub threshold: usize,
    /// Its members, at least one.
    pub members: Vec<String>,
}

/// A policy that is sound in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<PolicyGroup>,
    /// Absent: no cosignature is needed.
    quorum: Option<String>,
}

impl Policy {
    /// The logs; empty where the log is known otherwise.
    #[must_use]
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses in their order.
    #[must_use]
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// The groups in their order; each names only what is before it.
    #[must_use]
    pub fn groups(&self) -> &[PolicyGroup] {
        &self.groups
    }

    /// The witness or group that decides; `None` where no cosignature is needed.
    #[must_use]
    pub fn quorum(&self) -> Option<&str> {
        self.quorum.as_deref()
    }
}
