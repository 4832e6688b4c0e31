//! Cosignatures on their way: asked of the parent's parent, given to neighbours, passed on for those
//! below.
//!
//! A neighbour's word comes back for each checkpoint that it is told of. The parent's parent is no
//! neighbour: this node asks its parent to pass a request on, with the proof from what was cosigned
//! last; the answer comes the same way. The node between can withhold both and can forge neither.

use std::sync::{Arc, PoisonError};

use tram_dispatch::{Code, NodeId};
use tram_engine::quota::{Bucket, Rate};
use tram_engine::{Cosign, Cosigning as Happened, Input};
use tram_peer::{HeldCheckpoint, Session as Machine};
use tram_transport::Outbox;
use tram_wire::frame::{self, Frame};

use super::super::context::Context;
use super::super::core::ToCore;
use super::super::epochs;
use super::super::proving;
use super::session::Ended;

/// Frames about cosignatures taken from one peer at once; what is over is passed over, and asked
/// again by whoever needs it. A parent passes on those of all its children.
const FRAMES_MAX: u64 = 256;
/// So many more each second.
const FRAMES: Rate = Rate { amount: 16, period_ms: 1_000, burst: FRAMES_MAX };
/// A request without an answer is made again after this.
const AGAIN_MS: u64 = 30_000;

/// What the parent's parent was asked.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    /// Size of the newest tree that it cosigned or said that it holds; absent: not looked up yet.
    old_size: Option<u64>,
    /// When it was asked last, monotonic milliseconds.
    at_ms: Option<u64>,
    answered: bool,
}

/// What one session may still say about cosignatures.
#[derive(Debug)]
pub(super) struct Cosigning {
    frames: Bucket,
}

impl Default for Cosigning {
    fn default() -> Self {
        Cosigning { frames: Bucket::full(&FRAMES, 0) }
    }
}

impl Cosigning {
    /// Takes one frame of a peer.
    pub(super) fn take(
        &mut self,
        context: &Arc<Context>,
        peer: &NodeId,
        frame: Frame,
    ) -> Result<(), Ended> {
        if !self.may(context.core.now().mono_ms) {
            return Ok(());
        }
        if let Frame::ProofRequest { .. } | Frame::Proof { .. } = &frame {
            return proving::take(context, peer, frame).map_err(|_| Ended::Stopping);
        }
        let verifier = context.verifier();
        let directory = verifier.directory();
        let above = |node: &NodeId| directory.parent(node);
        let from_parent = above(&context.me) == Some(peer);
        let (Frame::Cosignature { log, .. }
        | Frame::CosignatureRequest { log, .. }
        | Frame::CosignatureHeld { log, .. }) = &frame
        else {
            return Ok(());
        };
        match &frame {
            // A child's request goes to this node's parent, if there is one.
            Frame::CosignatureRequest { .. } if log == peer && above(log) == Some(&context.me) => {
                match above(&context.me).cloned() {
                    Some(to) => pass(context, to, frame),
                    None => Ok(()),
                }
            }
            Frame::CosignatureRequest { log, note, old_size, path } => {
                // Whether the peer stands between, the engine looks; here only the signature counts.
                let Ok(shown) = verifier.checkpoint(log, note) else { return Ok(()) };
                let (via, old_size, path) = (peer.clone(), *old_size, path.clone());
                send(context, Happened::Asked { via, shown, old_size, path })
            }
            // What the parent's parent says of a child's log.
            _ if *log != context.me && from_parent && above(log) == Some(&context.me) => {
                let to = log.clone();
                pass(context, to, frame)
            }
            Frame::Cosignature { log, epoch, size, line }
                if *log == context.me && *epoch == context.epoch =>
            {
                tokio::spawn(given(context.clone(), peer.clone(), *size, line.clone()));
                Ok(())
            }
            Frame::CosignatureHeld { note, .. } if *log == context.me && from_parent => {
                let by = above(peer).cloned();
                held(context, by, note)
            }
            _ => Ok(()),
        }
    }

    /// Whether one more frame is taken now.
    pub(super) fn may(&mut self, now_ms: u64) -> bool {
        let may = self.frames.wait_ms(&FRAMES, 1, now_ms) == 0;
        if may {
            self.frames.take(&FRAMES, 1, now_ms);
        }
        may
    }
}

/// Cosigns what the engine made durable, or says what is held instead.
pub(super) fn say(context: &Context, machine: &mut Machine, cosign: Cosign, out: &Outbox) {
    match cosign {
        Cosign::Sign { log, epoch, size, root, time, .. } => {
            match context.cosign((&log, epoch), (size, root), time) {
                Ok(made) => {
                    let line = made.to_line();
                    let frame = Frame::Cosignature { log, epoch, size, line };
                    out.put(frame::encode(&frame), None);
                }
                Err(error) => tracing::error!(%log, size, %error, "a checkpoint is not cosigned"),
            }
        }
        Cosign::Holds { to, held } if to == held.peer => machine.go_on_from(HeldCheckpoint {
            epoch: held.epoch,
            size: held.size,
            root: held.root,
            note: held.note,
        }),
        Cosign::Holds { held, .. } => {
            let frame = Frame::CosignatureHeld { log: held.peer, note: held.note.to_vec() };
            out.put(frame::encode(&frame), None);
        }
    }
}

/// Asks the parent's parent, over the session with the parent, when it is time.
pub(super) fn ask(context: &Arc<Context>, peer: &NodeId, out: &Outbox) {
    let verifier = context.verifier();
    let directory = verifier.directory();
    if directory.parent(&context.me) != Some(peer) {
        return;
    }
    let Some(above) = directory.parent(peer) else { return };
    let Some((size, note)) = context.published() else { return };
    let now_ms = context.core.now().mono_ms;
    let old_size = {
        let mut asking = context.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let wait_ms = match asking.answered {
            true => context.config.witness.grandparent_s * 1_000,
            false => AGAIN_MS,
        };
        if asking.at_ms.is_some_and(|at| now_ms.saturating_sub(at) < wait_ms) {
            return;
        }
        let old_size = *asking.old_size.get_or_insert_with(|| newest(context, above));
        if size <= old_size {
            return;
        }
        (asking.at_ms, asking.answered) = (Some(now_ms), false);
        old_size
    };
    let (context, out) = (context.clone(), out.clone());
    tokio::task::spawn_blocking(move || {
        let path = match old_size {
            0 => Ok(Vec::new()),
            old => context.store.consistency_proof(old, size),
        };
        match path {
            Ok(path) => {
                let log = context.me.clone();
                let frame = Frame::CosignatureRequest { log, note, old_size, path };
                out.put(frame::encode(&frame), None);
            }
            Err(error) => tracing::error!(%error, old_size, size, "no proof for a witness"),
        }
    });
}

/// The size that a witness cosigned last, as the store knows it.
fn newest(context: &Context, witness: &NodeId) -> u64 {
    let known = context.store.cosigned_by();
    known.ok().and_then(|by| by.get(witness).map(|cosigned| cosigned.size)).unwrap_or(0)
}

/// Verifies a cosignature on this node's log and gives it to the engine.
async fn given(context: Arc<Context>, peer: NodeId, size: u64, line: String) {
    let log = context.clone();
    // It reads from disk; other sessions go on meanwhile.
    let verified = tokio::task::spawn_blocking(move || {
        let root = log.store.root(size).map_err(|e| e.to_string())?;
        let verifier = log.verifier();
        let of = (&log.me, log.epoch);
        tram_trust::cosignature::verify(verifier.directory(), of, (size, root), &line)
            .map_err(|refusal| refusal.detail)
    });
    let verified = match verified.await {
        Ok(Ok(verified)) => verified,
        Ok(Err(detail)) => {
            let code = Code::ReceiptInvalid;
            let detail = tram_dispatch::text::escaped(&detail);
            tracing::warn!(%peer, %code, detail, "a cosignature is passed over");
            return;
        }
        Err(_) => return,
    };
    answered(&context, verified.witness(), size);
    if size == 1 {
        let (shared, line) = (context.clone(), verified.cosignature().clone());
        // Whether it was kept is in the service log; the parent gives it again.
        let _ = tokio::task::spawn_blocking(move || epochs::cosigned(&shared, &line)).await;
    }
    // A core that is gone records nothing; the witness says it again.
    let _ = send(&context, Happened::Given(verified));
}

/// What the parent's parent holds of this node's log: its own note, or nothing.
fn held(context: &Arc<Context>, by: Option<NodeId>, note: &[u8]) -> Result<(), Ended> {
    let Some(by) = by else { return Ok(()) };
    let Ok(checkpoint) = context.verifier().checkpoint(&context.me, note) else { return Ok(()) };
    if checkpoint.epoch() == context.epoch && checkpoint.size() <= context.core.head().size {
        let mut asking = context.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if asking.old_size != Some(checkpoint.size()) {
            // Asked again at once, with the right proof.
            *asking = Asking { old_size: Some(checkpoint.size()), at_ms: None, answered: false };
        }
    }
    let input = Input::Shown { by, checkpoint };
    context.core.send(ToCore::Input(input)).map_err(|_| Ended::Stopping)
}

/// Notes that the parent's parent answered.
fn answered(context: &Context, witness: &NodeId, size: u64) {
    let verifier = context.verifier();
    let directory = verifier.directory();
    let above = directory.parent(&context.me).and_then(|parent| directory.parent(parent));
    if above == Some(witness) {
        let mut asking = context.asking.lock().unwrap_or_else(PoisonError::into_inner);
        asking.old_size = asking.old_size.max(Some(size));
        asking.answered = true;
    }
}

fn pass(context: &Context, to: NodeId, frame: Frame) -> Result<(), Ended> {
    context.core.send(ToCore::Pass { to, frame }).map_err(|_| Ended::Stopping)
}

fn send(context: &Context, happened: Happened) -> Result<(), Ended> {
    let input = Input::Cosigning(happened);
    context.core.send(ToCore::Input(input)).map_err(|_| Ended::Stopping)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_says_too_much_is_passed_over_and_heard_again_later() {
        let mut session = Cosigning::default();
        let said = (0..1_000).filter(|_| session.may(5)).count();
        assert_eq!(said as u64, FRAMES_MAX);
        assert!(!session.may(50));
        let later = (0..1_000).filter(|_| session.may(3_005)).count();
        assert_eq!(later as u64, 3 * FRAMES.amount);
        let much_later = (0..1_000).filter(|_| session.may(3_600_000)).count();
        assert_eq!(much_later as u64, FRAMES_MAX);
    }
}
