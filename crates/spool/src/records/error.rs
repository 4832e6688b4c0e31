//! Why a stored record is not one.

use tram_dispatch::Code;

/// A journal record that this program cannot read. The journal's checksums have passed, so it was
/// written so: by a newer version, or by a faulty one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A kind this version does not know.
    #[error("record kind {kind} is not known to this version")]
    UnknownKind {
        /// The kind.
        kind: u16,
    },
    /// A body of a newer version.
    #[error("record kind {kind} has format {found}; this program reads up to {supported}")]
    TooNew {
        /// The kind.
        kind: u16,
        /// Its version.
        found: u8,
        /// The newest version this program reads.
        supported: u8,
    },
    /// A field is not what it should be.
    #[error("record kind {kind}, field {field}: {what}")]
    Field {
        /// The kind.
        kind: u16,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
}

impl RecordError {
    /// `STORE_VERSION` for what a newer program wrote, `STORE_CORRUPT` for the rest.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownKind { .. } | Self::TooNew { .. } => Code::StoreVersion,
            Self::Field { .. } => Code::StoreCorrupt,
        }
    }
}
