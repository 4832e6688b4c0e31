//! Certificates, signatures, revocation, authority; the only maker of verified values.
//!
//! ```text
//! bytes ── wire ──▶ SealedDispatch ── Verifier::dispatch ──▶ VerifiedDispatch
//!                   Receipt        ── Verifier::receipt  ──▶ VerifiedReceipt
//!                   RootFile       ── Root::install      ──▶ Root
//!                   DirectoryFile  ── Directory::verify  ──▶ Directory
//! ```
//!
//! The constructors of the right-hand types are private to this crate; the one way around them,
//! [`assertion`], is for bytes that come back from our own store.
//!
//! Pure: no clock (moments are arguments), no file, no socket, no randomness. This crate knows
//! nothing of routing, custody or sessions.

pub mod assertion;
pub mod authority;
mod cache;
pub mod certificate;
mod chain;
pub mod checkpoint;
pub mod cosignature;
pub mod directory;
pub mod epoch;
pub mod evidence;
#[cfg(feature = "fixtures")]
pub mod fixtures;
pub mod group;
pub mod position;
pub mod receipt;
pub mod revocation;
mod root;
pub mod system;
pub mod time_stamp;
mod verdict;
mod verified;
mod verifier;

pub use authority::may_issue;
pub use cosignature::VerifiedCosignature;
pub use directory::{Directory, Resolution, STEPS_MAX, VerifiedSubtreeChange};
pub use epoch::{Standing, VerifiedEpoch};
pub use revocation::{Crls, Revocation};
pub use root::Root;
pub use verdict::{Cause, Refusal, Verdict};
pub use verified::{
    SealAuthority, Signer, Statements, VerifiedCheckpoint, VerifiedDispatch, VerifiedReceipt,
};
pub use verifier::{Options, VerifiedSeal, VerifiedStatement, VerifiedVoid, Verifier};
