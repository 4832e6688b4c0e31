//! Directories between this node and its peer: each tells the other of a newer one, and whoever has the
//! older asks for it, piece by piece.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tram_dispatch::limits::DIRECTORY_BYTES_MAX;
use tram_dispatch::{Code, Digest, NodeId};
use tram_peer::directory::{AGAIN_MS, Fetch, Progress};
use tram_transport::Outbox;
use tram_trust::Directory;
use tram_wire::frame::{self, DirectoryPiece, Frame};

use super::super::context::Context;
use super::super::directories::{COMING, FOLDER, piece};
use super::session::Ended;

/// One piece that a peer asks for costs what so many receipts cost: fifty pieces a second at most.
pub(super) const PIECE_COSTS: u64 = 100;

/// What one session says and hears about directories.
pub(super) struct Directories {
    /// The version that the peer knows this node to have.
    told: u64,
    /// What the peer says that it has.
    peer_has: Option<(u64, Digest)>,
    fetch: Option<Coming>,
    adopting: Option<JoinHandle<Result<(), Refused>>>,
    /// Not asked again before, monotonic.
    again_ms: u64,
    /// A difference led nowhere: now the whole.
    whole: bool,
}

/// A directory on its way here.
struct Coming {
    fetch: Fetch,
    path: PathBuf,
    file: Arc<File>,
    /// The only one of this node.
    place: OwnedSemaphorePermit,
}

/// Why what a peer sent is not put in force.
struct Refused {
    code: Code,
    detail: String,
}

impl Refused {
    fn new(code: Code, detail: impl ToString) -> Self {
        Refused { code, detail: detail.to_string() }
    }
}

impl Directories {
    /// `told` is the version in our hello.
    pub(super) fn new(told: u64) -> Self {
        Directories { told, peer_has: None, fetch: None, adopting: None, again_ms: 0, whole: false }
    }

    /// The peer says what it has.
    pub(super) fn heard(&mut self, context: &Context, peer: &NodeId, has: (u64, Digest)) {
        let ours = ours(context);
        let fork = has.0 == ours.0 && has.1 != ours.1;
        if fork {
            let code = Code::DirectoryFork;
            tracing::error!(%peer, %code, version = has.0, theirs = %has.1, ours = %ours.1, "the peer says to have another directory of this version: the one here stays");
        }
        let detail = format!("{peer} says that version {} has digest {}", has.0, has.1);
        context.passing.compared(peer, fork.then_some(detail));
        self.peer_has = Some(has);
    }

    /// Looks whether there is something to tell, to ask, or to give up.
    pub(super) async fn tick(&mut self, context: &Context, peer: &NodeId, out: &Outbox) {
        let now_ms = context.core.now().mono_ms;
        let ours = ours(context);
        if ours.0 > self.told {
            self.told = ours.0;
            let frame = Frame::Directory { version: ours.0, digest: ours.1 };
            out.put(frame::encode(&frame), None);
        }
        if self.adopting.as_ref().is_some_and(JoinHandle::is_finished)
            && let Some(ended) = self.adopting.take()
        {
            match ended.await {
                Ok(Ok(())) => self.whole = false,
                Ok(Err(refused)) => self.failed(peer, now_ms, &refused),
                Err(error) => self.failed(peer, now_ms, &Refused::new(Code::Internal, error)),
            }
        }
        if self.fetch.as_ref().is_some_and(|coming| coming.fetch.is_overdue(now_ms)) {
            let refused = Refused::new(Code::PeerUnreachable, "the next piece does not come");
            self.failed(peer, now_ms, &refused);
        }
        let newer = self.peer_has.is_some_and(|has| has.0 > ours.0);
        let busy = self.fetch.is_some() || self.adopting.is_some();
        if newer && !busy && now_ms >= self.again_ms {
            self.begin(context, peer, ours, out);
        }
    }

    fn begin(&mut self, context: &Context, peer: &NodeId, ours: (u64, Digest), out: &Outbox) {
        // Another session fetches, maybe the very same.
        let Ok(place) = context.passing.place.clone().try_acquire_owned() else { return };
        let now_ms = context.core.now().mono_ms;
        // Nobody keeps a difference from the digest of nothing: what comes is the whole.
        let have = if self.whole { (ours.0, Digest([0; 32])) } else { ours };
        let folder = context.config.data_dir.join(FOLDER);
        let path = folder.join(COMING);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        let file = std::fs::create_dir_all(&folder).and_then(|()| options.open(&path));
        let file = match file {
            Ok(file) => Arc::new(file),
            Err(error) => {
                let refused = Refused::new(Code::StorageFailed, error);
                return self.failed(peer, now_ms, &refused);
            }
        };
        let mut fetch = Fetch::new(have, now_ms);
        out.put(frame::encode(&fetch.request(now_ms)), None);
        self.fetch = Some(Coming { fetch, path, file, place });
    }

    fn failed(&mut self, peer: &NodeId, now_ms: u64, refused: &Refused) {
        let Refused { code, detail } = refused;
        tracing::warn!(%peer, %code, detail, "the peer's directory is not taken");
        if let Some(coming) = self.fetch.take() {
            let _ = std::fs::remove_file(&coming.path);
        }
        self.again_ms = now_ms + AGAIN_MS;
        self.whole = !self.whole;
    }

    /// Takes one frame of the peer.
    ///
    /// # Errors
    /// [`Ended::Stopping`].
    pub(super) async fn take(
        &mut self,
        context: &Arc<Context>,
        peer: &NodeId,
        frame: Frame,
        question: &mut Option<OwnedSemaphorePermit>,
        out: &Outbox,
    ) -> Result<(), Ended> {
        match frame {
            Frame::Directory { version, digest } => self.heard(context, peer, (version, digest)),
            Frame::DirectoryRequest { have, offset } => {
                let shared = context.clone();
                let read = tokio::task::spawn_blocking(move || piece(&shared, &have, offset));
                match read.await.map_err(|_| Ended::Stopping)? {
                    Ok(Some(piece)) => {
                        let frame = Frame::DirectoryPiece(Box::new(piece));
                        out.put(frame::encode(&frame), question.take());
                    }
                    Ok(None) => {}
                    Err(error) => tracing::warn!(%error, %peer, "no piece of the directory"),
                }
            }
            Frame::DirectoryPiece(piece) => self.piece(context, peer, *piece, out).await,
            _ => {}
        }
        Ok(())
    }

    async fn piece(
        &mut self,
        context: &Arc<Context>,
        peer: &NodeId,
        piece: DirectoryPiece,
        out: &Outbox,
    ) {
        let now_ms = context.core.now().mono_ms;
        // Nothing was asked for.
        let Some(mut coming) = self.fetch.take() else { return };
        let first = coming.fetch.is_at_start();
        let taken = coming.fetch.take(&piece);
        let (file, shared) = (coming.file.clone(), context.clone());
        let write = move || -> Result<(), Refused> {
            if first {
                let verifier = shared.verifier();
                let signed = Directory::verify_head(verifier.root(), &piece.bytes)
                    .map_err(|r| Refused::new(r.code, r.detail))?;
                if (signed.head.version, signed.digest()) != (piece.version, piece.digest) {
                    let detail = "another head than the one that the piece names";
                    return Err(Refused::new(Code::DirectoryInvalid, detail));
                }
            }
            (&*file).write_all(&piece.bytes).map_err(|e| Refused::new(Code::StorageFailed, e))
        };
        let progress = match taken {
            Err(misfit) => Err(Refused::new(Code::DirectoryInvalid, misfit)),
            Ok(progress) => match tokio::task::spawn_blocking(write).await {
                Ok(written) => written.map(|()| progress),
                Err(error) => Err(Refused::new(Code::Internal, error)),
            },
        };
        match progress {
            Ok(Progress::More) => {
                out.put(frame::encode(&coming.fetch.request(now_ms)), None);
                self.fetch = Some(coming);
            }
            Ok(Progress::Whole) => {
                let (shared, from) = (context.clone(), peer.clone());
                let adopt = move || adopt(&shared, &from, coming);
                self.adopting = Some(tokio::task::spawn_blocking(adopt));
            }
            Err(refused) => {
                self.fetch = Some(coming);
                self.failed(peer, now_ms, &refused);
            }
        }
    }
}

impl Drop for Directories {
    fn drop(&mut self) {
        if let Some(coming) = &self.fetch {
            let _ = std::fs::remove_file(&coming.path);
        }
    }
}

/// Puts what came in force, by the same door as an installation. Blocks.
fn adopt(context: &Context, peer: &NodeId, coming: Coming) -> Result<(), Refused> {
    let Coming { path, place: _place, .. } = coming;
    let size = std::fs::metadata(&path).map_or(0, |m| m.len());
    let read = if size > DIRECTORY_BYTES_MAX as u64 {
        Err(Refused::new(Code::TooLarge, size))
    } else {
        std::fs::read(&path).map_err(|e| Refused::new(Code::StorageFailed, e))
    };
    let _ = std::fs::remove_file(&path);
    let taken = context.take_directory(&read?, peer.as_str());
    taken.map(|_| ()).map_err(|problem| Refused { code: problem.code, detail: problem.detail })
}

fn ours(context: &Context) -> (u64, Digest) {
    let verifier = context.verifier();
    let directory = verifier.directory();
    (directory.version(), directory.digest())
}
