//! Deterministic CBOR: the structural walk that every input passes first, and readers and writers for
//! what it let through.

mod read;
mod walk;
mod write;

pub(crate) use read::{Fields, array, finish, header, null, raw};
pub use walk::{Rules, Tag18, check, check_with};
pub(crate) use write::{Fields as FieldsOut, Writer};

/// Map keys from here on are not critical: a reader that does not know one passes it on unread.
pub const NON_CRITICAL_KEYS_FROM: u64 = 128;
