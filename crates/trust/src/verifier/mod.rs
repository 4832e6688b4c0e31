//! The verifier: what every thread that checks something shares.

mod chains;
mod dispatch;
mod peer;
mod statements;

use std::sync::{Arc, Mutex, PoisonError};

use tram_crypto::sha256_parts;
use tram_dispatch::{Code, NodeId};
use tram_wire::Receipt;

use crate::cache::Cache;
use crate::directory::Directory;
use crate::receipt;
use crate::revocation::Crls;
use crate::root::Root;
use crate::verdict::Refusal;
use crate::verified::{VerifiedCheckpoint, VerifiedReceipt};
use chains::{ChainKey, Checked};

pub use statements::{VerifiedSeal, VerifiedStatement, VerifiedVoid};

/// What may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long after its nextUpdate the last good revocation list still decides.
    pub revocation_grace_ms: u64,
    /// Most verified certificate chains remembered; about 4 KB each.
    pub chains_cached_max: usize,
    /// Most verified signed roots remembered; about 100 bytes each.
    pub roots_cached_max: usize,
    /// Most verified checkpoints remembered; about 500 bytes each, at most
    /// [`NOTE_BYTES_MAX`](tram_dispatch::limits::NOTE_BYTES_MAX).
    pub notes_cached_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            revocation_grace_ms: 72 * 3_600_000,
            chains_cached_max: 4_096,
            roots_cached_max: 16_384,
            notes_cached_max: 512,
        }
    }
}

/// Verifies dispatches, receipts, peers and checkpoints against one root document, one directory and
/// one set of revocation lists. When one of these changes, make a new verifier: what an old one
/// remembers is of no use to it. `Send + Sync`; share it in an `Arc`.
#[derive(Debug)]
pub struct Verifier {
    root: Arc<Root>,
    directory: Arc<Directory>,
    crls: Crls,
    options: Options,
    chains: Mutex<Cache<ChainKey, Arc<Checked>>>,
    roots: Mutex<Cache<[u8; 32], ()>>,
    /// By node and octets of the note: after an outage all peers show a node the same few of its own.
    notes: Mutex<Cache<[u8; 32], VerifiedCheckpoint>>,
}

impl Verifier {
    /// A verifier that remembers nothing yet. Root and directory must be of one network: a directory
    /// of another one verifies nothing.
    pub fn new(root: Arc<Root>, directory: Arc<Directory>, crls: Crls, options: Options) -> Self {
        Verifier {
            chains: Mutex::new(Cache::new(options.chains_cached_max)),
            roots: Mutex::new(Cache::new(options.roots_cached_max)),
            notes: Mutex::new(Cache::new(options.notes_cached_max)),
            root,
            directory,
            crls,
            options,
        }
    }

    /// The root document in use.
    pub fn root(&self) -> &Arc<Root> {
        &self.root
    }

    /// The directory in use.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// What was set.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The revocation lists in use.
    pub fn crls(&self) -> &Crls {
        &self.crls
    }

    /// Verifies a receipt. One signature stands for every receipt of a commit and is checked once.
    ///
    /// # Errors
    /// `WRONG_NETWORK`, or `RECEIPT_INVALID` naming the step that failed.
    pub fn receipt(&self, receipt: Receipt) -> Result<VerifiedReceipt, Refusal> {
        let signed = receipt::issued_by(self.root.network(), &self.directory, &receipt)?;
        let name = signed.name(&receipt);
        if lock(&self.roots).get(&name).is_none() {
            signed.check(&receipt)?;
            lock(&self.roots).insert(name, ());
        }
        Ok(receipt::authorised(&self.directory, receipt))
    }

    /// Parses and verifies a receipt.
    ///
    /// # Errors
    /// `RECEIPT_INVALID` where it does not parse; else as [`Verifier::receipt`].
    pub fn receipt_bytes(&self, raw: &[u8]) -> Result<VerifiedReceipt, Refusal> {
        let receipt = Receipt::parse(raw)
            .map_err(|e| Refusal { code: Code::ReceiptInvalid, detail: e.detail })?;
        self.receipt(receipt)
    }

    /// Verifies a signed note as a checkpoint of one of this node's epochs. The signature of the same
    /// octets is checked once.
    ///
    /// # Errors
    /// `TOO_LARGE`; `RECEIPT_INVALID` naming the step that failed.
    pub fn checkpoint(&self, node: &NodeId, note: &[u8]) -> Result<VerifiedCheckpoint, Refusal> {
        // No id has a line break in it, so that no two pairs share a name.
        let name = sha256_parts(&[node.as_str().as_bytes(), b"\n", note]);
        let known = lock(&self.notes).get(&name);
        if let Some(known) = known {
            return Ok(known);
        }
        let verified = crate::checkpoint::verify(&self.directory, node, note)?;
        lock(&self.notes).insert(name, verified.clone());
        Ok(verified)
    }

    /// How many chains and signed roots are remembered now, for status.
    pub fn cached(&self) -> (usize, usize) {
        (lock(&self.chains).len(), lock(&self.roots).len())
    }
}

/// A poisoned lock means a panic elsewhere; the caches are only memories of pure results, so what
/// they hold is still right.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
