//! Offers that were not answered: who may have taken a leg that the directory leads elsewhere by now.
//!
//! A peer that was offered a leg may have taken it, also where its answer never came. Under the same directory
//! it is simply offered again. When another directory leads the leg elsewhere, it would come to rest twice, at
//! who closed and at who took over, if it just went there. So that peer is asked first, by another offer: it
//! answers with the receipt that it gave, or refuses by its directory, and then the leg goes the way of ours.

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::{AgencyCode, DispatchId, NodeId, Now};

use crate::engine::Engine;
use crate::route::{Route, route};
use crate::state::leg::Leg;

/// So long a leg waits for the peer that may have taken it, monotonic ms.
const DOUBT_MS: u64 = 600_000;

/// What one peer may have taken of one dispatch.
#[derive(Debug)]
struct Doubt {
    recipients: BTreeSet<AgencyCode>,
    since_mono_ms: u64,
    /// It was waited for long enough: its legs take the way of the directory, whatever it does.
    over: bool,
}

/// What was offered and not answered, by dispatch and peer.
#[derive(Debug, Default)]
pub(crate) struct Doubts(BTreeMap<DispatchId, BTreeMap<NodeId, Doubt>>);

impl Doubts {
    /// A peer answered for one recipient.
    pub(crate) fn answered(&mut self, id: &DispatchId, peer: &NodeId, recipient: &AgencyCode) {
        let Some(of_dispatch) = self.0.get_mut(id) else { return };
        if let Some(doubt) = of_dispatch.get_mut(peer) {
            doubt.recipients.remove(recipient);
            if doubt.recipients.is_empty() {
                of_dispatch.remove(peer);
            }
        }
        if of_dispatch.is_empty() {
            self.0.remove(id);
        }
    }

    /// The peers that may have taken a leg.
    fn of<'d>(
        &'d self,
        id: &DispatchId,
        recipient: &'d AgencyCode,
    ) -> impl Iterator<Item = &'d NodeId> {
        let all = self.0.get(id).into_iter().flatten();
        all.filter(|(_, d)| !d.over && d.recipients.contains(recipient)).map(|(peer, _)| peer)
    }
}

impl Engine {
    /// A transfer under way broke off, or the directory that it went by is about to be replaced.
    pub(crate) fn doubt(&mut self, now: Now, peer: &NodeId, id: DispatchId) {
        let Some(h) = self.state.held.get(&id) else { return };
        let here = Route::Hop(peer.clone());
        let given = |r: &AgencyCode| {
            route(&self.directory, self.me(), r) == here && !self.is_under_way_as_before(&id, r)
        };
        let held = h.legs.iter().filter(|(_, leg)| matches!(leg, Leg::Held { .. }));
        let recipients: BTreeSet<AgencyCode> =
            held.filter(|(r, _)| given(r)).map(|(r, _)| r.clone()).collect();
        if recipients.is_empty() {
            return;
        }
        let since_mono_ms = now.mono_ms;
        let fresh = || Doubt { recipients: BTreeSet::new(), since_mono_ms, over: false };
        let of_dispatch = self.doubts.0.entry(id).or_default();
        of_dispatch.entry(peer.clone()).or_insert_with(fresh).recipients.extend(recipients);
    }

    /// The same of everything under way.
    pub(crate) fn doubt_all(&mut self, now: Now) {
        let mut flying = Vec::new();
        for (peer, p) in &self.state.peers {
            flying.extend(p.queue.flying().map(|id| (peer.clone(), *id)));
        }
        for (peer, id) in flying {
            self.doubt(now, &peer, id);
        }
    }

    /// Whether a leg is under way to a peer to which this directory does not lead. That peer may take it:
    /// until it has answered, the leg takes no other way.
    pub(crate) fn is_under_way_as_before(&self, id: &DispatchId, r: &AgencyCode) -> bool {
        let flies = |peer: &NodeId| {
            let queue = self.state.peers.get(peer).map(|p| &p.queue);
            queue.and_then(|q| q.standing(id)).is_some_and(|s| s.in_flight)
        };
        self.elsewhere(id, r).any(flies)
    }

    /// The neighbour to which this directory does not lead and that is to be asked about a leg.
    pub(crate) fn in_doubt_as_before(&self, id: &DispatchId, r: &AgencyCode) -> Option<NodeId> {
        let h = self.state.held.get(id)?;
        let Some(Leg::Held { returned_by }) = h.legs.get(r) else { return None };
        // Who gave it back, or gave it to us, has it no more.
        let may_have =
            |peer: &&NodeId| !returned_by.contains_key(*peer) && !h.upstreams.contains(*peer);
        self.elsewhere(id, r)
            .filter(may_have)
            .find(|peer| self.directory.adjacent(self.me(), peer))
            .cloned()
    }

    fn elsewhere<'e>(
        &'e self,
        id: &DispatchId,
        r: &'e AgencyCode,
    ) -> impl Iterator<Item = &'e NodeId> {
        let mut way = None;
        self.doubts.of(id, r).filter(move |peer| {
            let way = way.get_or_insert_with(|| route(&self.directory, self.me(), r));
            !matches!(way, Route::Hop(next) if next == *peer)
        })
    }

    /// Who has not answered for so long is waited for no more: legs take the way of the directory.
    pub(crate) fn end_doubts(&mut self, now: Now) {
        let held = &self.state.held;
        self.doubts.0.retain(|id, _| held.contains_key(id));
        let mut over = Vec::new();
        for (id, of_dispatch) in &mut self.doubts.0 {
            for (peer, doubt) in of_dispatch {
                let ends = doubt.since_mono_ms.saturating_add(DOUBT_MS) <= now.mono_ms;
                if ends && !doubt.over {
                    doubt.over = true;
                    over.push((*id, peer.clone()));
                }
            }
        }
        for (id, peer) in over {
            let wanted = self.next_hops(&id).contains(&peer);
            if let Some(p) = self.state.peers.get_mut(&peer)
                && !wanted
                && p.queue.standing(&id).is_some_and(|s| !s.in_flight)
            {
                p.queue.remove(&id);
            }
            self.queue_elsewhere(&id);
        }
    }
}
