//! Signed notes (C2SP signed-note v1.0.0): text with signature lines under it.
//!
//! A parsed [`Note`] is *not* verified. Its text may be used only after [`Note::verify`] or
//! [`Note::cosigned_at`] succeeded with a key from the caller's own configuration.

mod key;
mod lines;

pub use key::{NoteKey, SignatureType};
pub use lines::{Note, NoteSignature};

/// The longest signed note taken, in bytes.
pub const NOTE_BYTES_MAX: usize = 128 * 1024;

/// Most signature lines in a note (the specification asks for at least 16).
pub const NOTE_SIGNATURES_MAX: usize = 32;

/// The longest key name, in bytes.
pub const KEY_NAME_BYTES_MAX: usize = 256;

/// The longest encoded verifier key, in bytes: name, 8 digits, and a key.
pub const VERIFIER_KEY_BYTES_MAX: usize = KEY_NAME_BYTES_MAX + 128;

/// Why a note or a checkpoint is not taken, or could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More than a limit of this module or of [`crate::checkpoint`] allows.
    #[error("{what}: {found} is above the limit of {limit}")]
    TooLarge {
        /// What is too large, with its unit.
        what: &'static str,
        /// The size found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Not in the format; the part that was being read.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// A name that cannot stand in a signature line.
    #[error(
        "not a key name: it must be non-empty, without spaces, plus signs and control characters"
    )]
    KeyName,
    /// The key is of a kind that this signature type does not use.
    #[error("the key is not an Ed25519 key, or of the other signature type")]
    WrongKey,
    /// No signature line carries the name and id of the key.
    #[error("no signature by {0}")]
    NotSigned(String),
    /// A signature line with the name and id of the key does not verify.
    #[error("the signature by {0} does not verify")]
    BadSignature(String),
    /// The checkpoint is of another log.
    #[error("the checkpoint is of {found}, not of {expected}")]
    Origin {
        /// The origin expected.
        expected: String,
        /// The origin in the text.
        found: String,
    },
    /// The key holder failed.
    #[error(transparent)]
    Sign(#[from] tram_crypto::SignError),
}

/// Refuses `found` above `limit`.
pub(crate) fn within(what: &'static str, found: usize, limit: usize) -> Result<(), NoteError> {
    if found <= limit { Ok(()) } else { Err(NoteError::TooLarge { what, found, limit }) }
}
