//! The whole store, verified (`tram store check`).
//!
//! Four walks, each reported as a [`Phase`]:
//!
//! 1. *journal*: every batch's bytes, chain and structure; every record decodes; every leaf of the
//!    receipt log is hashed again and the tree compared with every signed root; every stored dispatch
//!    is what its id says; every document that rides along against its digest; every entry of the
//!    index against what the records say;
//! 2. *index*: what the index has beyond that, and the checksum of each of its pages;
//! 3. *documents*: the file of every open dispatch against its digest; missing and surplus files;
//! 4. *legs*: every dispatch's history folds, and every leg has the evidence of its acceptance.
//!
//! [`check`] needs the store for itself; [`check_at`] looks at what was committed up to a position
//! while the store is being written. Signatures are checked if the caller brings a [`Signatures`].
//! Memory is bounded by the largest batch, the open dispatches, and 40 bytes per document file.

mod documents;
mod index;
mod legs;
mod offline;
mod report;
mod walk;

pub use offline::{CheckOptions, check};
pub use report::{CheckReport, FINDINGS_MAX, Finding, Phase, Progress, Severity};

use crate::journal::BatchPosition;
use crate::store::{StoreError, StoreReader};
use tram_dispatch::NetworkId;
use tram_wire::receipt::SignedRoot;
use walk::Walk;

/// Checks signatures for the walk; keys and time are the caller's business.
pub trait Signatures {
    /// The signature of a root of our own log.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    fn root(&self, network: NetworkId, root: &SignedRoot) -> Result<(), String>;

    /// The signature of another node's receipt, given as its bytes.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    fn receipt(&self, raw: &[u8]) -> Result<(), String>;
}

/// What a walk is given.
pub(crate) struct Context<'a> {
    pub(crate) signatures: Option<&'a dyn Signatures>,
    pub(crate) progress: &'a mut dyn FnMut(Progress),
    /// Nothing changes meanwhile, so also what is *not* there can be judged.
    pub(crate) alone: bool,
}

/// Checks what was committed up to `position` (now, if absent) in a store that is in use. What is
/// surplus is not judged: it may belong to what comes next.
///
/// # Errors
/// [`StoreError`] when the store cannot be read at all; damage is in the report.
pub fn check_at(
    reader: &StoreReader,
    position: Option<BatchPosition>,
    signatures: Option<&dyn Signatures>,
    progress: &mut dyn FnMut(Progress),
) -> Result<CheckReport, StoreError> {
    let mut report = CheckReport::default();
    let mut context = Context { signatures, progress, alone: false };
    let up_to = position.map_or(reader.log_head().batch_seq, |at| at.batch_seq);
    let mut walk = Walk::new(reader.store_id(), Some(reader.lookup().clone()));
    walk.run(reader.journal(), up_to, &mut report, &mut context)?;
    documents::check(&walk, reader.documents(), Some(reader), &mut report, &mut context)?;
    legs::check(&walk, reader.lookup(), &mut report, &mut context)?;
    Ok(report)
}
