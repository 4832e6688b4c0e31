//! What can go wrong on the caller's side of the socket.

use std::io;

use tram_dispatch::Code;

use crate::Problem;
use crate::problem::{Language, ProblemDocument};

/// Why a call gave no answer, or a negative one.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The node answered with a problem.
    #[error("{}: {}", .0.code, .0.detail)]
    Problem(Box<ProblemDocument>),
    /// Nobody answers there.
    #[error("no node answers on {place}: {source}")]
    Unreachable {
        /// The socket, or the URL.
        place: String,
        /// What the system said.
        source: io::Error,
    },
    /// The connection broke, or the node took too long; whether the call had effect is unknown.
    /// Every call may be repeated: a repeat gets the first result.
    #[error("the connection to the node broke: {0}")]
    Broken(String),
    /// The answer is not as the API describes.
    #[error("the node's answer is not understood: {0}")]
    Unexpected(String),
    /// The caller's own input could not be read.
    #[error("cannot read what is to be sent: {0}")]
    Input(io::Error),
}

impl ClientError {
    /// The code of the table. A code that this version does not know counts as `INTERNAL`.
    pub fn code(&self) -> Code {
        match self {
            ClientError::Problem(document) => document.code.parse().unwrap_or(Code::Internal),
            ClientError::Unreachable { .. } | ClientError::Broken(_) => Code::NodeUnreachable,
            ClientError::Unexpected(_) => Code::Internal,
            ClientError::Input(_) => Code::Unreadable,
        }
    }

    /// The problem in words: the node's own, or one made here in the language asked for.
    pub fn document(&self, language: Language) -> ProblemDocument {
        match self {
            ClientError::Problem(document) => (**document).clone(),
            other => Problem::new(other.code(), other.to_string()).document(language),
        }
    }
}

impl From<ProblemDocument> for ClientError {
    fn from(document: ProblemDocument) -> Self {
        ClientError::Problem(Box::new(document))
    }
}
