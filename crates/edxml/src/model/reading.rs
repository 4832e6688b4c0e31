use tram_dispatch::Digest;

use super::{Attachment, Edoc, SignatureReport, StatusNotice};
use crate::notes::Notes;
use crate::secrecy::Marked;

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A document: new, recall, update or replacement.
    Document(Box<Edoc>),
    /// A status of one sent before.
    Status(Box<StatusNotice>),
}

/// A file that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it says.
    pub content: Content,
    /// Its attachments, in their order.
    pub attachments: Vec<Attachment>,
    /// Its XML signature, where it has one: not verified.
    pub signature: Option<SignatureReport>,
    /// Secrecy marks. A file with any must not travel.
    pub marks: Vec<Marked>,
    /// What was odd.
    pub notes: Notes,
    /// Length of the file.
    pub size: u64,
    /// SHA-256 of the file, byte for byte.
    pub sha256: Digest,
}
