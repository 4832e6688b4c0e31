use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text::DigestText;

/// One document, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentView {
    /// Name as the originator wrote it: data, never a path.
    pub name: String,
    /// Media type as the originator wrote it.
    pub media_type: String,
    /// Length in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: DigestText,
    /// A warning: what its first bytes are, where that does not fit the media type. Absent where it does, where
    /// nothing is known of that type, and where the bytes are not at this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins_like: Option<FirstBytes>,
}

/// A document whose first bytes do not fit its media type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TypeRemark {
    /// Which of the documents, counted from 1.
    pub document: u32,
    /// Media type as the originator wrote it.
    pub media_type: String,
    /// What its first bytes are.
    pub begins_like: FirstBytes,
}

/// What a document's first bytes are those of. Nothing beyond them is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FirstBytes {
    /// There are none.
    Empty,
    /// PDF.
    Pdf,
    /// ZIP, and what is built on it: DOCX, XLSX, ODT.
    Zip,
    /// RAR, 7z or gzip.
    Archive,
    /// The compound file of the older office formats: DOC, XLS.
    Compound,
    /// RTF.
    Rtf,
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// TIFF.
    Tiff,
    /// GIF.
    Gif,
    /// XML.
    Xml,
    /// HTML.
    Html,
    /// A tag: XML or HTML.
    Markup,
    /// A program, or a shortcut to one.
    Program,
    /// A script that names its interpreter.
    Script,
    /// None of these.
    Other,
}
