//! Sessions coming and going, and what is sent over them.

use std::sync::Arc;

use tram_dispatch::limits::{FRAME_BYTES_MAX, RECEIPT_BYTES_MAX};
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId, Now};

use crate::engine::{Engine, Fatal};
use crate::input::PeerUp;
use crate::output::{Output, Transfer};
use crate::record::{Owed, PeerCheckpoint, PeerEpoch, Record, Reoffer};
use crate::route::{Route, route};
use crate::state::leg::Leg;
use crate::view::View;

/// Receipts given to a peer at once: as many as fit one frame whatever their size, since "stored"
/// answers a whole batch.
const RECEIPTS_PER_BATCH_MAX: usize = FRAME_BYTES_MAX / 2 / RECEIPT_BYTES_MAX;

impl Engine {
    /// Hello was exchanged.
    pub(crate) fn peer_up(&mut self, now: Now, up: PeerUp, view: &dyn View) -> Result<(), Fatal> {
        self.compare_with_what_peer_holds(&up, view)?;
        let peer = self.state.peers.entry(up.peer.clone()).or_default();
        let offset = up.wall.0 as i64 - now.wall.0 as i64;
        peer.clock_offset_ms = Some(offset);
        let (old_epoch, old_checkpoint) = (peer.epoch, peer.checkpoint);
        if old_epoch != Some(up.epoch) {
            let new = PeerEpoch { peer: up.peer.clone(), epoch: up.epoch };
            self.record(now, Record::PeerEpoch(new), None, true);
            if old_epoch.is_some() {
                self.take_back(now, &up.peer);
            }
        }
        if let Some((size, root, note)) = up.checkpoint
            && old_checkpoint != Some((size, root))
        {
            let (peer, epoch) = (up.peer.clone(), up.epoch);
            let newest = PeerCheckpoint { peer, epoch, size, root, note };
            self.record(now, Record::PeerCheckpoint(newest), None, false);
        }
        let peer = self.state.peers.entry(up.peer).or_default();
        peer.connected = true;
        peer.queue.reset(true);
        peer.outbox.resend(u64::MAX);
        Ok(())
    }

    /// A peer that holds more of our log than we do, or something else, proves that this store is
    /// an old copy or a fork: nothing is signed any more.
    fn compare_with_what_peer_holds(&mut self, up: &PeerUp, view: &dyn View) -> Result<(), Fatal> {
        let Some((epoch, size, root)) = up.held else { return Ok(()) };
        if epoch != self.log.issuer().epoch || size == 0 {
            return Ok(());
        }
        let (mine, my_root) = self.log.head();
        if size > mine {
            self.halted = Some(Code::LogRollback);
        } else {
            let then = if size == mine { Some(my_root) } else { view.root_at(size)? };
            if then.is_some_and(|r| r != root) {
                self.halted = Some(Code::LogFork);
            }
        }
        Ok(())
    }

    /// The peer lost its disk: every leg given to it without a final receipt is offered again.
    fn take_back(&mut self, now: Now, peer: &NodeId) {
        let given = |leg: &Leg| matches!(leg, Leg::Transferred { peer: p, .. } if p == peer);
        let ids: Vec<DispatchId> = self
            .state
            .held
            .iter()
            .filter(|(_, h)| h.legs.values().any(given))
            .map(|(id, _)| *id)
            .collect();
        for dispatch in ids {
            let back = Reoffer { dispatch, peer: peer.clone() };
            self.record(now, Record::Reoffer(back), None, true);
            self.queue_legs(&dispatch);
        }
    }

    /// The session ended.
    pub(crate) fn peer_down(&mut self, peer: &NodeId) {
        if let Some(p) = self.state.peers.get_mut(peer) {
            p.connected = false;
            p.queue.reset(false);
            p.outbox.resend(u64::MAX);
        }
    }

    /// Whether a connected peer could be given something now.
    pub(crate) fn has_work(&self, now: Now) -> bool {
        let window = self.settings.transfers_per_peer_max;
        self.state.peers.values().any(|p| {
            let waiting = p.queue.len() > p.queue.in_flight()
                && p.queue.in_flight() < window
                && (p.queue.next_due().is_none_or(|due| due <= now.mono_ms) || p.queue.has_ready());
            p.connected && (waiting || p.outbox.has_waiting())
        })
    }

    /// Starts the transfers and receipt batches that are due.
    pub(crate) fn pump(
        &mut self,
        now: Now,
        view: &dyn View,
        out: &mut Vec<Output>,
    ) -> Result<(), Fatal> {
        let connected: Vec<NodeId> =
            self.state.peers.iter().filter(|(_, p)| p.connected).map(|(n, _)| n.clone()).collect();
        let window = self.settings.transfers_per_peer_max;
        for name in connected {
            while let Some(id) =
                self.state.peers.get_mut(&name).and_then(|p| p.queue.pop(now.mono_ms, window))
            {
                match self.transfer(&name, &id, view)? {
                    Some(transfer) => out.push(Output::Transfer(transfer)),
                    None => {
                        if let Some(p) = self.state.peers.get_mut(&name) {
                            p.queue.remove(&id);
                        }
                    }
                }
            }
            let resend_before = now.mono_ms.saturating_sub(self.settings.outbox_resend_ms);
            if let Some(p) = self.state.peers.get_mut(&name) {
                p.outbox.resend(resend_before);
            }
            while let Some((batch, entries)) = self
                .state
                .peers
                .get_mut(&name)
                .and_then(|p| p.outbox.take(now.mono_ms, RECEIPTS_PER_BATCH_MAX))
            {
                let mut receipts = Vec::new();
                for (dispatch, owed) in entries {
                    receipts.extend(self.receipt(&dispatch, owed, view)?);
                }
                out.push(Output::SendReceipts { peer: name.clone(), batch, receipts });
            }
        }
        Ok(())
    }

    /// What to give to a peer of this dispatch: the recipients whose way leads there, and the
    /// receipts that show our custody.
    fn transfer(
        &self,
        peer: &NodeId,
        id: &DispatchId,
        view: &dyn View,
    ) -> Result<Option<Transfer>, Fatal> {
        let Some(h) = self.state.held.get(id) else { return Ok(None) };
        let recipients: Vec<AgencyCode> = h
            .legs
            .iter()
            .filter(|(r, leg)| {
                matches!(leg, Leg::Held { returned_by } if !returned_by.contains(peer))
                    && route(&self.directory, self.me(), r) == Route::Hop(peer.clone())
            })
            .map(|(r, _)| r.clone())
            .collect();
        if recipients.is_empty() {
            return Ok(None);
        }
        let mut receipts: Vec<Arc<[u8]>> = h.upstream_receipts.clone();
        let own: Vec<Owed> = h
            .evidence
            .iter()
            .filter(|k| k.evidence.node == *self.me())
            .filter(|k| match k.evidence.event {
                Event::SubmissionAcceptance => true,
                Event::RelayAcceptance => {
                    k.evidence.recipient.as_ref().is_some_and(|r| recipients.contains(r))
                }
                _ => false,
            })
            .map(|k| k.owed)
            .collect();
        for owed in own {
            let raw = self.receipt(id, owed, view)?;
            receipts
                .push(raw.ok_or_else(|| Fatal::Stored(format!("receipt of {id} is not there")))?);
        }
        Ok(Some(Transfer {
            peer: peer.clone(),
            dispatch: h.dispatch.clone(),
            recipients,
            receipts,
            class: h.class(),
        }))
    }
}
