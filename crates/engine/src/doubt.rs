//! Offers that were not answered: who may have taken a leg that the directory leads elsewhere by now.
//!
//! A peer that was offered a leg may have taken it, also where its answer never came. Under the same directory
//! it is simply offered again. When another directory leads the leg elsewhere, it would come to rest twice, at
//! who closed and at who took over, if it just went there. So that peer is asked first, by another offer: it
//! answers with the receipt that it gave, or refuses by its directory, and then the leg goes the way of ours.
//!
//! That an offer was not answered is on record: a start does not forget it. What was under way when the process
//! itself ended nobody knows: every leg held since before may have been, and waits, for less long.

use tram_dispatch::{AgencyCode, DispatchId, NodeId, Now};
use tram_trust::Directory;

use crate::engine::Engine;
use crate::record::{Offered, Record};
use crate::route::{Route, route};
use crate::state::leg::Leg;

impl Engine {
    /// A transfer under way broke off, or the directory that it went by is about to be replaced.
    pub(crate) fn doubt(&mut self, now: Now, peer: &NodeId, id: DispatchId) {
        let Some(h) = self.state.held.get(&id) else { return };
        let here = Route::Hop(peer.clone());
        let given = |r: &AgencyCode| {
            route(&self.directory, self.me(), r) == here && !self.is_under_way_as_before(&id, r)
        };
        let held = h.legs.iter().filter(|(_, leg)| matches!(leg, Leg::Held { .. }));
        let recipients = held.filter(|(r, _)| given(r)).map(|(r, _)| r.clone()).collect();
        let recipients = self.doubts.new_of(&id, peer, recipients);
        if recipients.is_empty() {
            return;
        }
        let dispatch = h.dispatch.clone();
        let at = self.steady_time(now);
        let said = (dispatch.envelope(), at);
        self.doubts.note(now, (&id, peer), recipients.clone(), said);
        let offered = Offered { dispatch: id, peer: peer.clone(), recipients, at };
        self.record(now, Record::Offered(offered), None, false);
    }

    /// The same of everything under way.
    pub(crate) fn doubt_all(&mut self, now: Now) {
        let mut flying = Vec::new();
        for (peer, p) in &self.state.peers {
            flying.extend(p.queue.flying().map(|id| (peer.clone(), *id)));
        }
        for (peer, id) in flying {
            self.housekeeping_on(&id);
            self.doubt(now, &peer, id);
        }
    }

    /// Takes up again what a start finds of a dispatch.
    pub(crate) fn recall_doubts(&mut self, history: &[Record]) {
        let Some(id) = history.iter().find_map(Record::dispatch) else { return };
        let Some(h) = self.state.held.get(&id) else { return };
        if h.legs.values().any(|leg| matches!(leg, Leg::Held { .. })) {
            self.doubts.recall(&id, h.dispatch.envelope(), history);
        }
    }

    /// Another directory came: what has been held since before this life of the process may have been offered
    /// by the one that was in force.
    pub(crate) fn doubt_since_before(&mut self, now: Now, before: &Directory) {
        let ids: Vec<DispatchId> = self.doubts.since_before().copied().collect();
        let at = self.steady_time(now);
        for id in ids {
            let Some(h) = self.state.held.get(&id) else { continue };
            let mut there = Vec::new();
            let mut as_before = false;
            for (r, _) in h.legs.iter().filter(|(_, leg)| matches!(leg, Leg::Held { .. })) {
                let Route::Hop(peer) = route(before, self.me(), r) else { continue };
                if route(&self.directory, self.me(), r) == Route::Hop(peer.clone()) {
                    as_before = true;
                } else {
                    there.push((peer, r.clone()));
                }
            }
            let dispatch = h.dispatch.clone();
            for (peer, r) in there {
                let said = (dispatch.envelope(), at);
                self.doubts.note_possible(now, (&id, &peer), vec![r], said);
            }
            if !as_before {
                self.doubts.looked_at(&id);
            }
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

    /// The node that a leg in our custody goes to, or waits for: the next one, or who is asked first, with
    /// until when at the latest, monotonic ms.
    pub(crate) fn heads_for(
        &self,
        id: &DispatchId,
        r: &AgencyCode,
    ) -> (Option<NodeId>, Option<u64>) {
        if let Some(peer) = self.in_doubt_as_before(id, r) {
            let until = self.doubts.ends_mono_ms(id, &peer);
            return (Some(peer), until);
        }
        match route(&self.directory, self.me(), r) {
            Route::Hop(next) => (Some(next), None),
            Route::Local | Route::None(_) => (None, None),
        }
    }

    /// Who has not answered for so long is waited for no more: legs take the way of the directory.
    pub(crate) fn end_doubts(&mut self, now: Now) {
        let held = &self.state.held;
        for (id, peer) in self.doubts.end(now, |id| held.contains_key(id)) {
            self.housekeeping_on(&id);
            self.ask_no_more(&id, &peer);
            self.queue_elsewhere(&id);
        }
    }

    fn ask_no_more(&mut self, id: &DispatchId, peer: &NodeId) {
        let wanted = self.next_hops(id).contains(peer);
        if let Some(p) = self.state.peers.get_mut(peer)
            && !wanted
            && p.queue.standing(id).is_some_and(|s| !s.in_flight)
        {
            p.queue.remove(id);
        }
    }
}
