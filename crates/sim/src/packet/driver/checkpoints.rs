//! What this node and its peer hold of each other's logs: claims, and newer checkpoints.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tram_dispatch::NodeId;
use tram_engine::{Cosign, Cosigning, Input};
use tram_peer::limits::CHECKPOINT_MS;
use tram_peer::{Claim, Event, HeldCheckpoint, Pace, Session as Machine};
use tram_transport::Outbox;
use tram_wire::frame::{self, Frame};

use super::Process;
use super::session::Ended;

/// Newer checkpoints of one session.
pub(super) struct Checkpoints {
    /// Fires when it may be time to tell.
    pub(super) every: Interval,
    pub(super) pace: Pace,
}

impl Checkpoints {
    /// `told` is the size of the log in our hello.
    pub(super) fn new(told: u64) -> Self {
        let every = Duration::from_millis(CHECKPOINT_MS);
        let mut every = interval_at(Instant::now() + every, every);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Checkpoints { every, pace: Pace::new(told) }
    }

    /// Tells the peer of a log that grew.
    pub(super) fn tell(&mut self, process: &Process, out: &Outbox) -> Result<(), Ended> {
        let size = process.core.reader()?.log_head().size;
        let behind = self.pace.is_behind(size);
        let note = if behind { process.checkpoint()? } else { Vec::new() };
        if !note.is_empty() {
            self.pace.tell(size);
            out.put(frame::encode(&Frame::Checkpoint { note }), None);
        }
        Ok(())
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

/// Cosigns what the engine made durable, or goes on from what is held.
pub(super) fn cosign(
    process: &Process,
    machine: &mut Machine,
    cosign: Cosign,
    out: &Outbox,
) -> Result<(), Ended> {
    match cosign {
        Cosign::Sign { log, epoch, size, root, time, .. } => {
            if let Some(made) = process.cosign((&log, epoch), (size, root), time) {
                let line = made.to_line();
                let frame = Frame::Cosignature { log, epoch, size, line };
                out.put(frame::encode(&frame), None);
            }
        }
        Cosign::Holds { held, .. } => machine.go_on_from(HeldCheckpoint {
            epoch: held.epoch,
            size: held.size,
            root: held.root,
            note: held.note,
        }),
    }
    Ok(())
}

/// Takes a cosignature on the own log. Nobody here asks a witness that is no neighbour.
pub(super) fn cosigning(process: &Process, frame: Frame) -> Result<(), Ended> {
    let Frame::Cosignature { log, epoch, size, line } = frame else { return Ok(()) };
    let Ok(root) = process.core.reader()?.root(size) else { return Ok(()) };
    let directory = process.verifier().directory().clone();
    let tree = (size, root);
    match tram_trust::cosignature::verify(&directory, (&log, epoch), tree, &line) {
        Ok(given) => process.core.input(Input::Cosigning(Cosigning::Given(given)))?,
        Err(refusal) => process.note(|| format!("a cosignature does not verify: {refusal}")),
    }
    Ok(())
}
