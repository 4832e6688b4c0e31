//! The directory: a signed head and the entries it commits to.

mod entry;
mod file;
mod head;
mod part;

pub use entry::{decode_entry, encode_entry, sort_key};
pub use file::{DirectoryFile, entries_root};
pub use head::{decode_head, encode_head, to_be_signed};
pub use part::{DirectoryPart, ProvedEntry};

pub use crate::root::KeySignature;
