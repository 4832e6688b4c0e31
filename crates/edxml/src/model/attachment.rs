use tram_dispatch::Digest;

use crate::sniff::Sniffed;

/// What a writer says about an attachment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// `ContentId` without `cid:`.
    pub content_id: Option<String>,
    /// `AttachmentName`: data, never a path.
    pub name: Option<String>,
    /// `Description`.
    pub description: Option<String>,
    /// `ContentType`: often not true.
    pub content_type: Option<String>,
}

/// An attachment that was read: what is said of it, and what its bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// What is said of it; what the attachment itself leaves out is taken from the manifest.
    pub described: Described,
    /// Length of its bytes, decoded from base64.
    pub size: u64,
    /// SHA-256 of those bytes.
    pub sha256: Digest,
    /// What the first bytes say it is.
    pub sniffed: Sniffed,
}
