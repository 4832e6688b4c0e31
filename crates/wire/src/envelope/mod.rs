//! The envelope: the signed payload of a dispatch (`docs/protocol.md`, section 5).

mod check;
mod decode;
mod encode;
mod glance;

pub use check::validate;
pub use decode::decode;
pub use encode::{encode, encode_checked};
pub use glance::{Numbered, numbered, urgency};

/// The format version this program writes and reads (field 0).
pub const VERSION: u64 = 1;

/// Field numbers of the envelope map.
mod key {
    pub(super) const VERSION: u64 = 0;
    pub(super) const NETWORK: u64 = 1;
    pub(super) const ORIGINATOR: u64 = 2;
    pub(super) const REFERENCE: u64 = 3;
    pub(super) const SEQUENCE: u64 = 4;
    pub(super) const RECIPIENTS: u64 = 5;
    pub(super) const GROUP: u64 = 6;
    pub(super) const SECRECY: u64 = 7;
    pub(super) const METADATA: u64 = 8;
    pub(super) const ACT: u64 = 9;
    pub(super) const DOCUMENTS: u64 = 10;
    pub(super) const SEALED_BY: u64 = 11;
    pub(super) const ISSUED_AT: u64 = 12;
    pub(super) const EXPIRES_AT: u64 = 13;
    pub(super) const MAX_HOPS: u64 = 14;
    pub(super) const ENCRYPTION: u64 = 15;
}

/// Field numbers of the metadata map.
mod meta {
    pub(super) const NUMBER: u64 = 1;
    pub(super) const NOTATION: u64 = 2;
    pub(super) const KIND: u64 = 3;
    pub(super) const SUBJECT: u64 = 4;
    pub(super) const ISSUED_ON: u64 = 5;
    pub(super) const PLACE: u64 = 6;
    pub(super) const SIGNER: u64 = 7;
    pub(super) const URGENCY: u64 = 8;
    pub(super) const DUE_ON: u64 = 9;
    pub(super) const ANSWERS_TO: u64 = 10;
}

/// First element of the act.
mod act {
    pub(super) const NEW: u64 = 0;
    pub(super) const RECALL: u64 = 1;
    pub(super) const UPDATE: u64 = 2;
    pub(super) const REPLACE: u64 = 3;
}
