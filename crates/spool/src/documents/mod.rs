//! Documents too large to ride in the journal: one file each, named by the SHA-256 of its bytes.
//!
//! ```text
//! documents/ab/cd/abcd…   a document, whole and durable
//! staging/<upload>        bytes that are still coming in
//! ```
//!
//! A document is hashed while it is written, synced, and only then renamed to its name, and the
//! directory synced; so what has a name in `documents/` is whole. [`DocumentWriter::finish`]
//! returns after all of it, and only then may a journal batch refer to the document. Memory does
//! not depend on the size of a document.

mod bringer;
mod error;
mod list;
mod reader;
mod staging;
mod store;
mod uploads;

pub use bringer::Bringer;
pub use error::DocumentError;
pub use list::{DocumentList, ListedDocument};
pub use reader::DocumentReader;
pub use staging::DocumentWriter;
pub use store::{DocumentOptions, DocumentStore, Stored};
pub use uploads::{PartialUploads, Uploads};

/// Largest document: 4 GiB.
pub const DOCUMENT_BYTES_MAX: u64 = 4 << 30;
/// Space that documents leave free unless set otherwise.
pub const RESERVE_BYTES_DEFAULT: u64 = 256 << 20;
/// Longest name of an upload.
pub const UPLOAD_NAME_BYTES_MAX: usize = 128;

/// Bytes collected before they are written.
const WRITE_BUFFER_BYTES: usize = 128 << 10;
/// Bytes written between two syncs of an upload, so that the last sync has little left to do.
const SYNC_EVERY_BYTES: u64 = 64 << 20;
/// Bytes read at once when a file is hashed again.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// The directory of whole documents.
const DOCUMENTS_DIR: &str = "documents";
/// The directory of incoming bytes.
const STAGING_DIR: &str = "staging";
