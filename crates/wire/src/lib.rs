//! Bytes to types and back: deterministic CBOR and COSE, with every limit stated.
//!
//! What comes out of here is *parsed*, never trusted: signatures are carried, not checked. Bytes that
//! were signed are kept as received and handed back unchanged; nothing is ever re-serialised to be
//! verified. Every input first passes [`cbor::check`], which is independent of the types, so one value
//! has exactly one encoding. `docs/protocol.md` is the normative text of every format in this crate.
//!
//! This crate knows no clock, no disk, no network, no certificates and no policy.

pub mod bundle;
pub mod cbor;
pub mod cose;
pub mod directory;
pub mod envelope;
pub mod epoch;
mod error;
pub mod evidence;
pub mod evidence_file;
mod fields;
pub mod frame;
pub mod genesis;
pub mod receipt;
pub mod root;
pub mod sealed;
pub mod statement;
pub mod void;

pub use bundle::Bundle;
pub use error::WireError;
pub use evidence_file::EvidenceFile;
pub use frame::Frame;
pub use receipt::{Receipt, SignedRoot};
pub use sealed::{SealError, Sealable, Sealed, SealedDispatch};
pub use statement::SealedStatement;
pub use void::SealedVoid;
