//! Sessions coming and going, and what is sent over them.

use std::collections::BTreeSet;
use std::sync::Arc;

use tram_dispatch::limits::{FRAME_BYTES_MAX, INLINE_TOTAL_BYTES_MAX, RECEIPT_BYTES_MAX};
use tram_dispatch::{AgencyCode, DispatchId, EpochId, Event, NodeId, Now, UnixMillis};
use tram_trust::VerifiedCheckpoint;

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
/// Bytes of statements after which no more receipts go into a batch.
const STATEMENTS_PER_BATCH_BYTES_MAX: usize = FRAME_BYTES_MAX / 4;
/// Of a transfer's frame, what the documents that ride along may take, and the heads of its fields.
const BESIDE_BYTES: usize = INLINE_TOTAL_BYTES_MAX + (64 << 10);
/// Longest head of a byte string or text in CBOR that is shorter than 4 GiB.
const HEAD_BYTES: usize = 5;

impl Engine {
    /// Hello was exchanged.
    pub(crate) fn peer_up(&mut self, now: Now, up: PeerUp) {
        let certain = self.clock_certain();
        let peer = self.state.peers.entry(up.peer.clone()).or_default();
        let ms = |wall: UnixMillis| i64::try_from(wall.0).unwrap_or(i64::MAX);
        let offset = ms(up.wall).saturating_sub(ms(now.wall));
        peer.clock_offset_ms = Some(offset);
        let old_epoch = peer.epoch;
        if old_epoch != Some(up.epoch) {
            let new = PeerEpoch { peer: up.peer.clone(), epoch: up.epoch };
            self.record(now, Record::PeerEpoch(new), None, true);
            if old_epoch.is_some() {
                self.take_back(now, &up.peer);
            }
        }
        if let Some((size, root, note)) = up.checkpoint {
            let (peer, epoch) = (up.peer.clone(), up.epoch);
            let shown = PeerCheckpoint { peer, epoch, size, root, note };
            self.shown_by_peer(now, shown, up.extends);
        }
        let peer = self.state.peers.entry(up.peer).or_default();
        peer.connected = true;
        peer.queue.reset(true);
        peer.outbox.resend(u64::MAX);
        // Its clock may be what decisions waited for.
        self.look_at_all |= !certain && self.clock_certain();
        self.next_sweep_mono_ms = now.mono_ms;
    }

    /// A newer checkpoint of a peer's log, while its session lasts; the session proved that it
    /// extends the one it held.
    pub(crate) fn peer_checkpoint(
        &mut self,
        now: Now,
        shown: &VerifiedCheckpoint,
        extends: Option<(u64, [u8; 32])>,
    ) {
        let Some(peer) = self.state.peers.get(shown.node()) else { return };
        if peer.epoch != Some(shown.epoch()) {
            return;
        }
        let newest = PeerCheckpoint {
            peer: shown.node().clone(),
            epoch: shown.epoch(),
            size: shown.size(),
            root: *shown.root(),
            note: shown.note().into(),
        };
        self.shown_by_peer(now, newest, extends);
    }

    /// The peer lost its disk: every leg given to it without a final receipt is offered again, and what it
    /// consigned as its recipient's node without handing it over.
    fn take_back(&mut self, now: Now, peer: &NodeId) {
        let given = |leg: &Leg| {
            matches!(leg, Leg::Transferred { peer: p, .. } if p == peer)
                || leg.is_consigned_only(peer)
        };
        let ids: Vec<DispatchId> = self
            .state
            .held
            .iter()
            .filter(|(_, h)| h.legs.values().any(given))
            .map(|(id, _)| *id)
            .collect();
        for dispatch in ids {
            self.housekeeping_on(&dispatch);
            let back = Reoffer { dispatch, peer: peer.clone() };
            self.record(now, Record::Reoffer(back), None, true);
            self.queue_legs(&dispatch);
        }
    }

    /// The same for one dispatch that was set aside, and cannot have been taken back, when peers that have
    /// it lost their disks.
    pub(crate) fn take_back_one(&mut self, now: Now, id: &DispatchId) {
        let Some(h) = self.state.held.get(id) else { return };
        let epoch = |peer: &NodeId| self.state.peers.get(peer).and_then(|p| p.epoch);
        let lost = |(peer, of): (NodeId, EpochId)| {
            epoch(&peer).is_some_and(|now| now != of).then_some(peer)
        };
        let peers: BTreeSet<NodeId> = h.given().filter_map(lost).collect();
        for peer in peers {
            let back = Reoffer { dispatch: *id, peer };
            self.record(now, Record::Reoffer(back), None, true);
        }
    }

    /// What was given to nodes that are no more, and did not come to its end, is offered again, the way
    /// that the directory leads now: they may have gone down with it.
    pub(crate) fn take_back_from_closed(&mut self, now: Now) {
        let open = |peer: &NodeId| self.directory.node(peer).is_some_and(|node| node.open);
        let legs = self.state.held.values().flat_map(|h| h.legs.values());
        let gone: BTreeSet<NodeId> = legs
            .filter_map(|leg| match leg {
                Leg::Transferred { peer, .. } if !open(peer) => Some(peer.clone()),
                _ => None,
            })
            .collect();
        for peer in gone {
            self.take_back(now, &peer);
        }
    }

    /// The session ended.
    pub(crate) fn peer_down(&mut self, now: Now, peer: &NodeId) {
        let Some(p) = self.state.peers.get_mut(peer) else { return };
        let flying: Vec<DispatchId> = p.queue.flying().copied().collect();
        p.connected = false;
        p.queue.reset(false);
        p.outbox.resend(u64::MAX);
        for id in &flying {
            self.housekeeping_on(id);
            self.doubt(now, peer, *id);
        }
        // The directory may lead them elsewhere by now.
        for id in flying {
            self.housekeeping_on(&id);
            self.queue_elsewhere(&id);
        }
    }

    /// Whether a connected peer could be given something now.
    pub(crate) fn has_work(&self, now: Now) -> bool {
        let window = self.settings.transfers_per_peer_max;
        let resend_ms = self.settings.outbox_resend_ms;
        self.state.peers.values().filter(|p| p.connected).any(|p| {
            let late = |sent: u64| sent.saturating_add(resend_ms) <= now.mono_ms;
            p.queue.is_due(now.mono_ms, window)
                || p.outbox.has_waiting()
                || p.outbox.oldest_sent_mono_ms().is_some_and(late)
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
                self.decide_on(&id);
                let made = self.transfer(&name, &id, view).unwrap_or_else(|e| {
                    self.unreadable.push((id, e));
                    None
                });
                match made {
                    Some((transfer, complete)) => {
                        out.push(Output::Transfer(transfer));
                        if let (false, Some(p)) = (complete, self.state.peers.get_mut(&name)) {
                            p.queue.again(&id);
                        }
                    }
                    None => {
                        if let Some(p) = self.state.peers.get_mut(&name) {
                            p.queue.remove(&id);
                        }
                    }
                }
            }
            self.decided();
            if let Some(sent_until) = now.mono_ms.checked_sub(self.settings.outbox_resend_ms)
                && let Some(p) = self.state.peers.get_mut(&name)
            {
                p.outbox.resend(sent_until);
            }
            while let Some((batch, entries)) = self
                .state
                .peers
                .get_mut(&name)
                .and_then(|p| p.outbox.take(now.mono_ms, RECEIPTS_PER_BATCH_MAX))
            {
                let (mut receipts, mut statements) = (Vec::new(), Vec::new());
                let mut bytes = 0;
                for (dispatch, owed) in entries {
                    // What does not fit any more waits for the next batch.
                    if bytes > STATEMENTS_PER_BATCH_BYTES_MAX {
                        if let Some(p) = self.state.peers.get_mut(&name) {
                            p.outbox.put_back(batch, (dispatch, owed));
                        }
                        continue;
                    }
                    match self.receipt_there(&dispatch, owed, view) {
                        Ok(raw) => {
                            let statement = self.statement_behind(&dispatch, owed, view);
                            bytes += statement.as_ref().map_or(0, |raw| raw.len());
                            statements.extend(statement);
                            receipts.push(raw);
                        }
                        Err(e) => {
                            self.unreadable.push((dispatch, e));
                            if let Some(p) = self.state.peers.get_mut(&name) {
                                p.outbox.withhold(batch, &(dispatch, owed));
                            }
                        }
                    }
                }
                if !receipts.is_empty() {
                    let peer = name.clone();
                    out.push(Output::SendReceipts { peer, batch, receipts, statements });
                } else if let Some(p) = self.state.peers.get_mut(&name) {
                    p.outbox.stored(batch);
                }
            }
        }
        Ok(())
    }

    /// The agency's own statement that a receipt of ours to send names, as far as it is here: without it
    /// the receipt says as much as its node's word is worth.
    fn statement_behind(
        &self,
        dispatch: &DispatchId,
        owed: Owed,
        view: &dyn View,
    ) -> Option<Arc<[u8]>> {
        let digest = self.state.get(dispatch)?.known(owed)?.evidence.attestation?;
        self.statement(dispatch, digest, view).ok().flatten()
    }

    /// What to give to a peer of this dispatch: the recipients whose way leads there, and the
    /// receipts that show our custody. False when more remains than fits one transfer.
    fn transfer(
        &self,
        peer: &NodeId,
        id: &DispatchId,
        view: &dyn View,
    ) -> Result<Option<(Transfer, bool)>, Fatal> {
        let Some(h) = self.state.held.get(id) else { return Ok(None) };
        if self.state.is_quarantined(id) {
            return Ok(None);
        }
        let upstream = h.upstream_by_recipient();
        let given = |r: Option<&AgencyCode>| -> Vec<Arc<[u8]>> {
            upstream.get(&r).into_iter().flatten().map(|raw| (*raw).clone()).collect()
        };
        let mut receipts = given(None);
        if let Some(first) = h.own(self.me(), &[Event::SubmissionAcceptance], None) {
            receipts.push(self.receipt_there(id, first.owed, view)?);
        }
        let mut bytes: usize = receipts.iter().map(framed).sum();
        let room = (FRAME_BYTES_MAX - BESIDE_BYTES)
            .saturating_sub(h.dispatch.raw().len())
            .min(self.settings.transfer_receipts_bytes_max);
        let (mut recipients, mut complete) = (Vec::new(), true);
        let leads_there = |r: &AgencyCode, leg: &Leg| {
            let wanted = match leg {
                Leg::Held { returned_by } => !returned_by.contains_key(peer) && !h.came_by(r, peer),
                ended => h.offered_after_the_end(r, ended) == Some(peer),
            };
            let leads_here = || match self.in_doubt_as_before(id, r) {
                Some(asked) => asked == *peer,
                None => {
                    route(&self.directory, self.me(), r) == Route::Hop(peer.clone())
                        && !self.is_under_way_as_before(id, r)
                }
            };
            wanted && leads_here()
        };
        for (r, _) in h.legs.iter().filter(|(r, leg)| leads_there(r, leg)) {
            let mut more = given(Some(r));
            if let Some(accepted) = h.accepted(r) {
                more.push(self.receipt_there(id, accepted.owed, view)?);
            }
            bytes += HEAD_BYTES + r.as_str().len() + more.iter().map(framed).sum::<usize>();
            // What one recipient needs fits always.
            if bytes > room && !recipients.is_empty() {
                complete = false;
                break;
            }
            receipts.extend(more);
            recipients.push(r.clone());
        }
        if recipients.is_empty() {
            return Ok(None);
        }
        let (peer, dispatch) = (peer.clone(), h.dispatch.clone());
        let given = |leg: &Leg| matches!(leg, Leg::Transferred { peer: p, .. } if *p == peer);
        let documents = !h.legs.values().any(given);
        let class = h.class();
        let transfer = Transfer { peer, dispatch, recipients, receipts, class, documents };
        Ok(Some((transfer, complete)))
    }
}

/// What a receipt takes in a frame.
fn framed(raw: &Arc<[u8]>) -> usize {
    HEAD_BYTES + raw.len()
}
