//! Directories: a newer one put in force, whoever brings it, and kept so that it can be passed on.

pub(crate) mod hosts;
mod kept;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tram_api::Problem;
use tram_dispatch::{Code, NodeId};
use tram_engine::Input;
use tram_trust::{Directory, Verifier};
use tram_wire::directory::{DirectoryDifference, DirectoryFile};

pub(crate) use self::kept::{FOLDER, piece};

use super::context::Context;
use super::core::ToCore;

/// Where a directory that comes from a peer is gathered, in [`FOLDER`].
pub(crate) const COMING: &str = "coming";

/// What all sessions share about directories.
pub(crate) struct Passing {
    /// One directory is fetched at a time, from one peer.
    pub(crate) place: Arc<Semaphore>,
    /// Peers that say to have the version in force with another content.
    forks: Mutex<BTreeMap<NodeId, String>>,
}

impl Default for Passing {
    fn default() -> Self {
        Passing { place: Arc::new(Semaphore::new(1)), forks: Mutex::default() }
    }
}

impl Passing {
    /// Notes what a peer says of its version, which is ours: whether it is the same.
    pub(crate) fn compared(&self, peer: &NodeId, fork: Option<String>) {
        let mut forks = self.forks.lock().unwrap_or_else(PoisonError::into_inner);
        match fork {
            Some(detail) => _ = forks.insert(peer.clone(), detail),
            None => _ = forks.remove(peer),
        }
    }

    /// The peers that say so still, with what they say.
    pub(crate) fn forks(&self) -> Vec<(NodeId, String)> {
        let forks = self.forks.lock().unwrap_or_else(PoisonError::into_inner);
        forks.iter().map(|(peer, detail)| (peer.clone(), detail.clone())).collect()
    }
}

impl Context {
    /// Puts a directory in force: a whole file, or a difference from the one that is. Gives the one in
    /// force, and whether it is another than before. It is verified, durable and kept for those who have
    /// the one before, in this order. Blocks.
    ///
    /// # Errors
    /// What [`Directory::verify`] and [`Directory::with_difference`] refuse; `STORAGE_FAILED`.
    pub(crate) fn take_directory(
        &self,
        bytes: &[u8],
        from: &str,
    ) -> Result<(Arc<Directory>, bool), Problem> {
        let refused = |r: tram_trust::Refusal| Problem::new(r.code, r.detail);
        let failed = |e: std::io::Error| Problem::new(Code::StorageFailed, e.to_string());
        let now = self.core.now().wall;
        // One after the other, and in the order in which the engine is told: of two that come at once,
        // the older must not be what is left on disk.
        let _alone = self.budgets.installing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.verifier();
        let previous = old.directory();
        let before = std::fs::read(&self.config.directory);
        let made;
        let (file, difference) = if DirectoryDifference::is_one(bytes) {
            let before =
                before.as_ref().map_err(|e| failed(std::io::Error::other(e.to_string())))?;
            made = Directory::with_difference(old.root(), before, bytes).map_err(refused)?;
            (made.as_slice(), Some(bytes.to_vec()))
        } else {
            (bytes, None)
        };
        let directory =
            Directory::verify(old.root(), file, Some(previous), now).map_err(refused)?;
        if directory.digest() == previous.digest() {
            return Ok((previous.clone(), false));
        }
        // Before the file is replaced: without it nothing can be said of what changed.
        let difference = difference.or_else(|| between(&before.ok()?, file));
        let kept = difference.map(|bytes| {
            kept::keep(&self.config.data_dir, directory.version(), &previous.digest(), &bytes)
        });
        if let Some(Err(error)) = kept {
            tracing::warn!(%error, "what changed in the directory cannot be kept: neighbours are given the whole");
        }
        // As long as the one before is still known here.
        if let Err(error) = hosts::learn(&self.config.data_dir, previous, &directory, now) {
            tracing::warn!(%error, "who moved cannot be kept: what moved agencies had sent from their old nodes is refused after the next start");
        }
        super::files::replace(&self.config.directory, file).map_err(failed)?;
        let directory = Arc::new(directory);
        self.set_verifier(Verifier::new(
            old.root().clone(),
            directory.clone(),
            old.crls().clone(),
            super::run::trust_options(&self.config),
        ));
        let told = self.core.send(ToCore::Input(Input::Directory(directory.clone())));
        told.map_err(|_| Problem::new(Code::Busy, "the node is stopping"))?;
        tracing::info!(target: "audit", version = directory.version(), from, "directory installed");
        Ok((directory, true))
    }
}

/// The difference between two directory files.
fn between(before: &[u8], after: &[u8]) -> Option<Vec<u8>> {
    let before = DirectoryFile::decode(before).ok()?;
    let after = DirectoryFile::decode(after).ok()?;
    Some(DirectoryDifference::between(&before, &after).encode())
}
