//! The directory: a signed head and the entries it commits to; what changes from one version to a later one.

mod difference;
mod entry;
mod file;
mod head;
mod part;
mod subtree;

pub use difference::DirectoryDifference;
pub use entry::{decode_entry, encode_entry, sort_key};
pub use file::{DirectoryFile, entries_root};
pub use head::{SignedHead, decode_head, encode_head, to_be_signed};
pub use part::{DirectoryPart, ProvedEntry};
pub use subtree::{SubtreeChange, SubtreeFile, change_to_be_signed, decode_change, encode_change};

pub use crate::root::KeySignature;
