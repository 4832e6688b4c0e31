//! Cosignatures of neighbours: given for what is durable, taken for the own log.

use tram_dispatch::Now;
use tram_engine::{Cosign, Cosigning, Input};
use tram_peer::HeldCheckpoint;
use tram_wire::frame::Frame;

use super::action::Stream;
use super::running::{Running, Stop};

impl Running {
    /// Cosigns what the engine made durable, or goes on from what is held.
    pub(super) fn cosign(&mut self, cosign: Cosign) {
        let Some(session) = self.links.get(cosign.to()).copied() else { return };
        match cosign {
            Cosign::Sign { log, epoch, size, root, time, .. } => {
                let me = (&self.me, self.epoch);
                let key = self.newest.key();
                let of = (&log, epoch);
                let tree = (size, root);
                let made = tram_trust::cosignature::sign(self.network, me, of, tree, time, key);
                if let Ok(made) = made {
                    let line = made.to_line();
                    let frame = Frame::Cosignature { log, epoch, size, line };
                    self.send(session, Stream::CONTROL, &frame);
                }
            }
            Cosign::Holds { held, .. } => {
                let held = HeldCheckpoint {
                    epoch: held.epoch,
                    size: held.size,
                    root: held.root,
                    note: held.note,
                };
                if let Some(talk) = self.sessions.get_mut(&session) {
                    talk.go_on_from(held);
                }
            }
        }
    }

    /// Takes a cosignature on the own log. Nobody here asks a witness that is no neighbour.
    pub(super) fn cosigning(&mut self, now: Now, frame: Frame) -> Result<(), Stop> {
        let Frame::Cosignature { log, epoch, size, line } = frame else { return Ok(()) };
        if log != self.me || epoch != self.epoch {
            return Ok(());
        }
        let Ok(root) = self.view.reader.root(size) else { return Ok(()) };
        let directory = self.verifier.directory().clone();
        let of = (&log, epoch);
        match tram_trust::cosignature::verify(&directory, of, (size, root), &line) {
            Ok(given) => self.handle(now, Input::Cosigning(Cosigning::Given(given))),
            Err(_) => Ok(()),
        }
    }
}
