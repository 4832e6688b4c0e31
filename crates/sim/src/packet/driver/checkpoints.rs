//! What this node and its peer hold of each other's logs: claims, and newer checkpoints.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tram_dispatch::NodeId;
use tram_engine::Input;
use tram_peer::{Claim, Event, Session as Machine};
use tram_wire::frame::Frame;

use super::Process;
use super::session::{Ended, Outgoing, queue_frame};

/// While a session lasts, each side tells the other at most this often that its log grew.
const CHECKPOINT_MS: u64 = 10_000;

/// Newer checkpoints of one session.
pub(super) struct Checkpoints {
    /// Fires when it may be time to tell.
    pub(super) every: Interval,
    told: u64,
    taken: Option<Instant>,
}

impl Checkpoints {
    /// `told` is the size of the log in our hello.
    pub(super) fn new(told: u64) -> Self {
        let every = Duration::from_millis(CHECKPOINT_MS);
        let mut every = interval_at(Instant::now() + every, every);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Checkpoints { every, told, taken: None }
    }

    /// Tells the peer of a log that grew.
    pub(super) fn tell(
        &mut self,
        process: &Process,
        out: &mpsc::UnboundedSender<Outgoing>,
    ) -> Result<(), Ended> {
        let size = process.core.reader()?.log_head().size;
        let note = if size > self.told { process.checkpoint()? } else { Vec::new() };
        if !note.is_empty() {
            self.told = size;
            queue_frame(out, &Frame::Checkpoint { note }, None);
        }
        Ok(())
    }

    /// Whether a frame of the peer is one more checkpoint before its time: it is passed over.
    pub(super) fn too_soon(&mut self, frame: &Frame, machine: &Machine) -> bool {
        if !matches!(frame, Frame::Checkpoint { .. }) || !machine.is_up() {
            return false;
        }
        let least = Duration::from_millis(CHECKPOINT_MS / 2);
        let soon = self.taken.is_some_and(|at| at.elapsed() < least);
        if !soon {
            self.taken = Some(Instant::now());
        }
        soon
    }
}

/// Takes what a peer says that it holds of our log to the engine. What nothing proves has no effect;
/// here, where every node is honest, it never comes.
pub(super) fn claimed(process: &Process, peer: &NodeId, claim: Claim) -> Result<(), Ended> {
    match claim {
        Claim::Nothing => {}
        Claim::Unproved(detail) => process.note(|| format!("{peer} claims: {detail}")),
        Claim::Proved(checkpoint) => {
            process.core.input(Input::Shown { by: peer.clone(), checkpoint })?;
        }
    }
    Ok(())
}

/// What is left to do when a frame was refused: what the hello said of our log counts all the same.
pub(super) fn refused(
    process: &Process,
    peer: &NodeId,
    machine: &mut Machine,
) -> Result<(), Ended> {
    while let Some(event) = machine.next_event() {
        if let Event::Claim(claim) = event {
            claimed(process, peer, claim)?;
        }
    }
    Ok(())
}
