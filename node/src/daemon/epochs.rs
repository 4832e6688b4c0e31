//! Epochs of receipt logs that the directory does not list: kept beside the journal, taken from peers,
//! passed on.
//!
//! They lie in files of their own since a start needs them before anything else can be verified.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use tram_dispatch::{Code, EpochId, NodeId, UnixMillis};
use tram_engine::Input;
use tram_tlog::cosignature::Cosignature;
use tram_tlog::note::Note;
use tram_trust::{Refusal, Standing, VerifiedCheckpoint, VerifiedEpoch, Verifier};
use tram_wire::epoch::{EPOCH_BYTES_MAX, EpochFile};
use tram_wire::frame::Frame;

use super::context::Context;
use super::core::{Stopping, ToCore};

/// Their folder in the data directory.
pub(crate) const FOLDER: &str = "epochs";
/// A newer checkpoint of the epoch before than the one the genesis names, as a peer showed it.
pub(crate) const LAST_NOTE: &str = "last.note";
/// Where a new epoch is made ready, in the data directory.
pub(crate) const NEXT: &str = "next";
/// In it, once it is whole: the switch to it was begun, and must be finished.
pub(crate) const READY: &str = "ready";
/// Most files that are read at a start.
const FILES_MAX: usize = 1_024;

/// Where the file of an epoch lies.
pub(crate) fn path(data: &Path, node: &NodeId, epoch: &EpochId) -> PathBuf {
    data.join(FOLDER).join(format!("{node}-{epoch}.epoch"))
}

/// Keeps an epoch file, durably.
pub(crate) fn keep(data: &Path, epoch: &VerifiedEpoch) -> std::io::Result<()> {
    std::fs::create_dir_all(data.join(FOLDER))?;
    super::files::replace(&path(data, epoch.node(), &epoch.id()), epoch.file())
}

/// The verifier with every kept epoch that its directory does not list and nothing speaks against.
pub(crate) fn with_kept(mut verifier: Verifier, data: &Path, now: UnixMillis) -> Verifier {
    let Ok(entries) = std::fs::read_dir(data.join(FOLDER)) else { return verifier };
    let named = |path: &PathBuf| path.extension().is_some_and(|e| e == "epoch");
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(named).take(FILES_MAX).collect();
    paths.sort();
    // One may rest on another: the cosignature of a parent that is in a new epoch as well.
    let mut changed = true;
    while std::mem::take(&mut changed) {
        paths.retain(|path| {
            let length = std::fs::metadata(path).map_or(u64::MAX, |m| m.len());
            if length > EPOCH_BYTES_MAX as u64 {
                return false;
            }
            let Ok(bytes) = std::fs::read(path) else { return false };
            let adopted = verifier.epoch(&bytes, now).map(|e| verifier.directory().adopt(&e));
            match adopted {
                Ok(Some(directory)) => {
                    verifier = with(&verifier, directory);
                    changed = true;
                    false
                }
                Ok(None) => false,
                Err(refusal) => {
                    tracing::debug!(?path, %refusal, "a kept epoch is passed over");
                    true
                }
            }
        });
    }
    verifier
}

fn with(old: &Verifier, directory: tram_trust::Directory) -> Verifier {
    let (root, crls) = (old.root().clone(), old.crls().clone());
    Verifier::new(root, Arc::new(directory), crls, *old.options())
}

/// The epoch file of this node, where its directory does not list its epoch: peers need it before the
/// hello.
pub(crate) fn own(context: &Context) -> Option<Frame> {
    let verifier = context.verifier();
    let own = verifier.directory().adopted();
    let mut own = own.filter(|e| *e.node() == context.me && e.id() == context.epoch);
    own.next().map(|e| Frame::Epoch { file: e.file().to_vec() })
}

/// The epochs of other nodes that a peer may need, to verify what they signed.
pub(crate) fn of_others(context: &Context, peer: &NodeId) -> Vec<Frame> {
    let verifier = context.verifier();
    let others = verifier.directory().adopted();
    let wanted = |e: &&VerifiedEpoch| e.is_cosigned() && e.node() != peer;
    others.filter(wanted).map(|e| Frame::Epoch { file: e.file().to_vec() }).collect()
}

/// Takes an epoch file of a peer. Its own counts without its parent's cosignature only at that parent, and
/// only where the genesis names no older checkpoint than this node holds.
///
/// # Errors
/// [`Refusal`]: what the peer says of its own epoch does not hold.
pub(crate) async fn take(
    context: &Arc<Context>,
    peer: &NodeId,
    file: Vec<u8>,
) -> Result<(), Refusal> {
    let (shared, now) = (context.clone(), context.core.now().wall);
    let verified = tokio::task::spawn_blocking(move || shared.verifier().epoch(&file, now));
    let Ok(verified) = verified.await else { return Ok(()) };
    let epoch = match verified {
        Ok(epoch) => epoch,
        Err(refusal) => {
            // It may be listed here already, or be superseded: then the hello says what counts.
            tracing::info!(%peer, %refusal, "an epoch is passed over");
            return Ok(());
        }
    };
    let verifier = context.verifier();
    let mine = epoch.node() == peer && verifier.directory().parent(peer) == Some(&context.me);
    if !epoch.is_cosigned() && !mine {
        return Ok(());
    }
    if !epoch.is_cosigned() {
        names_the_last(context, &epoch).await?;
    }
    let (shared, known) = (context.clone(), epoch.clone());
    let adopted = tokio::task::spawn_blocking(move || shared.adopt(&known));
    if let Ok(Ok(true)) = adopted.await
        && epoch.is_cosigned()
    {
        spread(context, &epoch);
    }
    Ok(())
}

/// Whether the genesis names the newest checkpoint of the epoch before that this node holds, or a newer
/// one.
async fn names_the_last(context: &Context, epoch: &VerifiedEpoch) -> Result<(), Refusal> {
    let (node, named) = (epoch.node().clone(), epoch.previous().clone());
    let before = named.epoch();
    let held = context
        .core
        .question(move |engine, _| engine.state().logs.held(&node, &before).cloned())
        .await;
    let Ok(Some(held)) = held else { return Ok(()) };
    if named.size() < held.size {
        let detail = format!(
            "the new epoch names a checkpoint of {} leaves as the last good one; {} are held here",
            named.size(),
            held.size
        );
        return Err(Refusal { code: Code::LogRollback, detail });
    }
    if named.size() == held.size && *named.root() != held.root {
        let detail = format!("the new epoch names another tree of {} leaves", held.size);
        return Err(Refusal { code: Code::LogFork, detail });
    }
    Ok(())
}

/// This node's parent cosigned the first checkpoint of its own new epoch: from now on it is provisional.
pub(crate) fn cosigned(context: &Arc<Context>, line: &Cosignature) {
    let verifier = context.verifier();
    let standing = verifier.directory().standing(&context.me, &context.epoch);
    if standing != Some(Standing::Announced) {
        return;
    }
    match with_line(context, &verifier, line) {
        Ok(epoch) if epoch.is_cosigned() => match context.adopt(&epoch) {
            Ok(true) => {
                tracing::info!(epoch = %context.epoch, "the new epoch is provisional: the parent cosigned it");
                spread(context, &epoch);
            }
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the new epoch's file cannot be kept"),
        },
        Ok(_) => {}
        Err(error) => tracing::error!(error, "the new epoch's file cannot be made"),
    }
}

fn with_line(
    context: &Context,
    verifier: &Verifier,
    line: &Cosignature,
) -> Result<VerifiedEpoch, String> {
    let own = verifier.directory().adopted();
    let mut own = own.filter(|e| *e.node() == context.me && e.id() == context.epoch);
    let own = own.next().ok_or("it is not known")?;
    let mut file = EpochFile::decode(own.file()).map_err(|e| e.to_string())?;
    let mut note = Note::parse(&file.note).map_err(|e| e.to_string())?;
    note.add(line.to_signature()).map_err(|e| e.to_string())?;
    file.note = note.to_bytes().map_err(|e| e.to_string())?;
    verifier.epoch(&file.encode(), context.core.now().wall).map_err(|refusal| refusal.to_string())
}

/// Tells every peer but the node itself.
fn spread(context: &Context, epoch: &VerifiedEpoch) {
    for to in context.sessions.connected().into_iter().filter(|peer| peer != epoch.node()) {
        let frame = Frame::Epoch { file: epoch.file().to_vec() };
        // A core that is gone has no sessions.
        let _ = context.core.send(ToCore::Pass { to, frame });
    }
}

/// A peer showed a checkpoint of the epoch before: kept where it is newer than what the genesis of an
/// epoch that nobody takes yet names, so that the operator can begin again from it.
pub(crate) fn shown_of_before(context: &Context, shown: &VerifiedCheckpoint) {
    let verifier = context.verifier();
    let directory = verifier.directory();
    if directory.standing(&context.me, &context.epoch) != Some(Standing::Announced) {
        return;
    }
    let mut own = directory.adopted();
    let Some(own) = own.find(|e| *e.node() == context.me && e.id() == context.epoch) else {
        return;
    };
    let path = context.config.data_dir.join(FOLDER).join(LAST_NOTE);
    let newer = shown.epoch() == own.previous().epoch() && shown.size() > own.previous().size();
    if newer && std::fs::read(&path).map_or(true, |kept| kept != shown.note()) {
        match super::files::replace(&path, shown.note()) {
            Ok(()) => tracing::error!(
                size = shown.size(),
                ?path,
                "a peer holds more of the epoch before than the new one names: begin it again with tram log new-epoch"
            ),
            Err(error) => tracing::error!(%error, ?path, "a checkpoint cannot be kept"),
        }
    }
}

impl Context {
    /// Adopts an epoch: keeps its file and puts it in force. False where that changes nothing. Blocks.
    ///
    /// # Errors
    /// What the disk says.
    fn adopt(&self, epoch: &VerifiedEpoch) -> std::io::Result<bool> {
        let _alone = self.budgets.installing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.verifier();
        let Some(directory) = old.directory().adopt(epoch) else { return Ok(false) };
        keep(&self.config.data_dir, epoch)?;
        let verifier = with(&old, directory);
        let directory = verifier.directory().clone();
        self.set_verifier(verifier);
        tracing::info!(target: "audit", node = %epoch.node(), epoch = %epoch.id(), cosigned = epoch.is_cosigned(), "an epoch that the directory does not list is taken");
        let told: Result<(), Stopping> = self.core.send(ToCore::Input(Input::Directory(directory)));
        // A core that is gone needs no directory.
        Ok(told.is_ok())
    }
}
