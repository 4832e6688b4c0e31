//! What this node and its peer hold of each other's logs: claims, newer checkpoints, proofs.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tram_dispatch::text::escaped;
use tram_dispatch::{Code, NodeId};
use tram_engine::Input;
use tram_peer::{Claim, Event, Pace, Session as Machine, TwoHistories};
use tram_transport::Outbox;
use tram_trust::VerifiedCheckpoint;
use tram_wire::frame::{self, Frame};

use super::super::context::Context;
use super::super::core::ToCore;
use super::super::epochs;
use super::super::proofs::{self, Found};
use super::session::Ended;

/// How often a session looks whether there is a newer checkpoint to tell.
const LOOK_MS: u64 = 1_000;

/// Newer checkpoints of one session.
pub(super) struct Checkpoints {
    /// Fires when it may be time to tell.
    pub every: Interval,
    pub pace: Pace,
}

impl Checkpoints {
    /// `told` is the size of the log in our hello.
    pub(super) fn new(told: u64) -> Self {
        let every = Duration::from_millis(LOOK_MS);
        let mut every = interval_at(Instant::now() + every, every);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Checkpoints { every, pace: Pace::new(told) }
    }

    /// Tells the peer of a log that grew.
    pub(super) fn tell(&mut self, context: &Context, out: &Outbox) {
        let Some((size, note)) = context.published() else { return };
        if self.pace.is_behind(size) {
            self.pace.tell(size);
            out.put(frame::encode(&Frame::Checkpoint { note }), None);
        }
    }
}

/// Takes what a peer says that it holds of our log to the engine. What nothing proves has no effect:
/// it is told to the operator, and the session goes on. `ours` is the checkpoint in our hello.
pub(super) fn claimed(
    context: &Arc<Context>,
    peer: &NodeId,
    claim: Claim,
    ours: &Arc<[u8]>,
) -> Result<(), Ended> {
    let held = match claim {
        Claim::Unproved(detail) => {
            let detail = escaped(&detail);
            let count = context.claims.unproved(peer, context.core.now().wall, &detail);
            // A peer that dials again and again must not fill the log: every power of two is told.
            if count.is_power_of_two() {
                let code = Code::ClaimUnproved;
                tracing::warn!(%peer, %code, detail, count, "what it says of our log has no effect");
            }
            return Ok(());
        }
        Claim::Nothing => None,
        Claim::Proved(checkpoint) => Some(checkpoint),
    };
    context.claims.sound(peer);
    let Some(checkpoint) = held else { return Ok(()) };
    if checkpoint.epoch() != context.epoch {
        epochs::shown_of_before(context, &checkpoint);
    }
    let input = Input::Shown { by: peer.clone(), checkpoint: checkpoint.clone() };
    context.core.send(ToCore::Input(input)).map_err(|_| Ended::Stopping)?;
    tokio::spawn(keep_own(context.clone(), checkpoint, ours.clone()));
    Ok(())
}

/// What is left to do when a frame was refused: what the hello said of our log counts all the same,
/// and what the peer signed and contradicts is kept.
pub(super) fn refused(
    context: &Arc<Context>,
    peer: &NodeId,
    machine: &mut Machine,
    ours: &Arc<[u8]>,
) -> Result<(), Ended> {
    while let Some(event) = machine.next_event() {
        if let Event::Claim(claim) = event {
            claimed(context, peer, claim, ours)?;
        }
    }
    if let Some(two) = machine.two_histories() {
        tokio::spawn(keep_of_peer(context.clone(), peer.clone(), two.clone()));
    }
    Ok(())
}

/// Keeps the proof, if what a peer held made the engine stop signing.
async fn keep_own(context: Arc<Context>, held: VerifiedCheckpoint, ours: Arc<[u8]>) {
    // A core that is gone has nothing to say; the peer will show it again.
    let asked = context.core.question(|engine, _| engine.contradiction().cloned()).await;
    let Ok(Some(found)) = asked else { return };
    if found.shown != held {
        return;
    }
    let wrote = tokio::task::spawn_blocking(move || {
        // Where there is no path, the notes are kept without.
        let path = match (found.root, proofs::size_of(&ours)) {
            (Some(_), Some(size)) if size > held.size() => {
                context.store.consistency_proof(held.size(), size).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let proof = Found {
            code: found.code,
            network: context.network,
            node: &context.me,
            held_by: &found.shown_by,
            at: found.at,
            held: held.note(),
            shown: &ours,
            root: found.root,
            path,
        };
        proof.keep(&context.config.data_dir)
    });
    told(wrote.await);
}

/// Keeps what a peer signed and contradicts.
async fn keep_of_peer(context: Arc<Context>, peer: NodeId, two: TwoHistories) {
    let at = context.core.now().wall;
    let wrote = tokio::task::spawn_blocking(move || {
        let proof = Found {
            code: two.code,
            network: context.network,
            node: &peer,
            held_by: &context.me,
            at,
            held: &two.held.note,
            shown: &two.shown,
            root: None,
            path: Vec::new(),
        };
        proof.keep(&context.config.data_dir)
    });
    told(wrote.await);
}

fn told(wrote: Result<std::io::Result<Option<std::path::PathBuf>>, tokio::task::JoinError>) {
    match wrote {
        Ok(Ok(Some(path))) => tracing::warn!(?path, "two checkpoints are kept as a proof"),
        Ok(Ok(None)) => {}
        Ok(Err(error)) => tracing::error!(%error, "a proof cannot be kept"),
        Err(error) => tracing::error!(%error, "a proof was not kept"),
    }
}
