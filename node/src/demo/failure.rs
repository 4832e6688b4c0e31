//! Why the demo could not go on. What it *shows* as refused is not a failure.

use std::io;
use std::path::{Path, PathBuf};

use tram_api::{ClientError, Problem};
use tram_pki::PkiError;
use tram_trust::Refusal;
use tram_wire::WireError;

use crate::demo::setup::SetupError;

/// Why the demo stopped.
#[derive(Debug, thiserror::Error)]
pub(super) enum DemoError {
    /// A file or folder.
    #[error("{path}: {error}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The system.
    #[error("{0}: {1}")]
    System(&'static str, io::Error),
    /// A certificate or key.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A node's folder.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// What was made does not verify.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// What was made does not parse.
    #[error("{}: {}", .0.code, .0.detail)]
    Wire(#[from] WireError),
    /// A dispatch could not be sealed.
    #[error("{0}")]
    Seal(#[from] Problem),
    /// A node answered otherwise than it must.
    #[error("{node}, {doing}: {error}")]
    Call {
        /// Which.
        node: String,
        /// What was asked.
        doing: &'static str,
        /// What came.
        error: ClientError,
    },
    /// A node process ended, or never was ready.
    #[error("{node} {what}; the end of its log {log}:\n{tail}", log = .log.display())]
    Node {
        /// Which.
        node: String,
        /// What happened.
        what: String,
        /// Where its log is.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// Something did not happen in time.
    #[error("{0}: not within {1} s")]
    TooSlow(String, u64),
    /// Something is not as it must be.
    #[error("{0}")]
    Wrong(String),
}

impl DemoError {
    /// A failure of a file.
    pub(super) fn file(path: &Path, error: io::Error) -> Self {
        DemoError::File { path: path.to_owned(), error }
    }
}
