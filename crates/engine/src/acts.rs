//! Acts on earlier dispatches: recall, update, replacement, answer. Each is a dispatch of its own that
//! names the earlier one. Here: who may, what is linked with what, and what a recall does.
//!
//! A recall stops the earlier dispatch wherever it is still on its way, as far as this node has custody
//! of it. Where it has arrived, the recall is a request: the recipient agrees, and the earlier one is
//! withdrawn, or does not. It may overtake what it recalls.
//!
//! Once nobody has a dispatch any more for its recall, there is nothing left to update. A new one may still
//! take its place.

use tram_dispatch::envelope::{Act, Envelope, Related};
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId, Now, Status};
use tram_trust::{Directory, Resolution};

use crate::admit::Objection;
use crate::engine::{Engine, Fatal};
use crate::quarantine::Here;
use crate::record::{Bearing, Linked, Record};
use crate::route::{Route, route};
use crate::state::leg::{Leg, Stage};
use crate::view::View;

/// The earlier dispatches that an envelope names, and how it bears on each.
pub fn earlier(envelope: &Envelope) -> impl Iterator<Item = (Bearing, &Related)> {
    let acts: Vec<(Bearing, &Related)> = match &envelope.act {
        Act::New => Vec::new(),
        Act::Recall(of) => vec![(Bearing::Recall, of)],
        Act::Update(of) => vec![(Bearing::Update, of)],
        Act::Replace(of) => of.iter().map(|of| (Bearing::Replace, of)).collect(),
    };
    acts.into_iter().chain(envelope.metadata.answers_to.iter().map(|of| (Bearing::Answer, of)))
}

/// Whether `agency` is `earlier`, or took over from it.
fn stands_for(directory: &Directory, earlier: &AgencyCode, agency: &AgencyCode) -> bool {
    let now = |code| match directory.resolve(code) {
        Resolution::Open(found) | Resolution::Successor { to: found, .. } => Some(&found.code),
        Resolution::Closed | Resolution::Unknown => None,
    };
    earlier == agency || now(earlier).is_some_and(|code| now(agency) == Some(code))
}

/// Whether an act of this agency on a dispatch counts: of the one that sealed it, or its successor; an
/// answer of one that it was addressed to.
fn may(directory: &Directory, bearing: Bearing, earlier: &Envelope, agency: &AgencyCode) -> bool {
    let stands_for = |code| stands_for(directory, code, agency);
    stands_for(&earlier.originator)
        || (bearing == Bearing::Answer && earlier.recipients.iter().any(stands_for))
}

impl Engine {
    /// Whether the first node must refuse a dispatch for what it says of earlier ones. What is not known
    /// here is judged where it is.
    pub(crate) fn act_objection(
        &mut self,
        now: Now,
        envelope: &Envelope,
        view: &dyn View,
    ) -> Result<Option<Objection>, Fatal> {
        let agency = &envelope.originator;
        for (bearing, of) in earlier(envelope) {
            let refuse = |detail: String| Ok(Some((Code::ActNotAllowed, detail)));
            let what = format!("{} {} of {}", bearing.word(), of.reference, of.originator);
            if bearing != Bearing::Answer && !stands_for(&self.directory, &of.originator, agency) {
                return refuse(format!("{what}: {agency} neither sealed it nor took over"));
            }
            if (&of.originator, &of.reference) == (agency, &envelope.reference) {
                return refuse(format!("{what}: it names itself"));
            }
            let Some(id) = self.by_reference(&of.originator, &of.reference, view)? else {
                continue;
            };
            if of.dispatch.is_some_and(|named| named != id) {
                return refuse(format!("{what}: under this reference is dispatch {id}"));
            }
            if self.take_up(now, &id, view)? != Here::Known {
                continue;
            }
            let Some(h) = self.state.held.get(&id) else { continue };
            let found = h.dispatch.envelope();
            if !may(&self.directory, bearing, found, agency) {
                return refuse(format!("{what}: it was not addressed to {agency}"));
            }
            if bearing == Bearing::Recall && matches!(found.act, Act::Recall(_)) {
                return refuse(format!("{what}: a recall is not taken back"));
            }
            if bearing == Bearing::Update && h.recalled_everywhere() {
                let way = "replace it by a new one, or send a new one";
                return refuse(format!("{what}: it was recalled, and nobody has it: {way}"));
            }
        }
        Ok(None)
    }

    /// Links a dispatch that came to be held here with those that it names, and with those that name it.
    pub(crate) fn link(&mut self, now: Now, id: &DispatchId, view: &dyn View) -> Result<(), Fatal> {
        let Some(dispatch) = self.state.held.get(id).map(|h| h.dispatch.clone()) else {
            return Ok(());
        };
        let envelope = dispatch.envelope();
        for (bearing, of) in earlier(envelope) {
            let Some(before) = self.by_reference(&of.originator, &of.reference, view)? else {
                continue;
            };
            if before != *id && self.take_up(now, &before, view)? == Here::Known {
                self.note_link(now, &before, *id, (bearing, of));
            }
        }
        let key = (envelope.originator.clone(), envelope.reference.clone());
        let later: Vec<DispatchId> =
            self.state.acts.get(&key).into_iter().flatten().copied().collect();
        for by in later.into_iter().filter(|by| by != id) {
            let Some(act) = self.state.get(&by).map(|h| h.dispatch.clone()) else { continue };
            for (bearing, of) in earlier(act.envelope()) {
                if (&of.originator, &of.reference) == (&key.0, &key.1) {
                    self.note_link(now, id, by, (bearing, of));
                }
            }
        }
        Ok(())
    }

    fn note_link(
        &mut self,
        now: Now,
        id: &DispatchId,
        by: DispatchId,
        (bearing, of): (Bearing, &Related),
    ) {
        let (Some(h), Some(act)) = (self.state.held.get(id), self.state.get(&by)) else { return };
        let (found, act) = (h.dispatch.envelope(), act.dispatch.envelope());
        if of.dispatch.is_some_and(|named| named != *id)
            || !may(&self.directory, bearing, found, &act.originator)
        {
            return;
        }
        let same = |l: &&Linked| (l.by, l.bearing) == (by, bearing);
        let stopped = |r: &AgencyCode| h.links.iter().filter(same).any(|l| l.stops(r));
        let stops = |(r, leg): &(&AgencyCode, &Leg)| {
            leg.in_custody() && act.recipients.binary_search(r).is_ok() && !stopped(r)
        };
        let recipients: Vec<AgencyCode> = match bearing {
            Bearing::Recall => h.legs.iter().filter(stops).map(|(r, _)| r.clone()).collect(),
            _ => Vec::new(),
        };
        if recipients.is_empty() && h.links.iter().any(|l| same(&l)) {
            return;
        }
        let linked = Linked { dispatch: *id, by, bearing, recipients, at: self.leaf_time(now) };
        self.record(now, Record::Linked(linked), None, true);
    }

    /// What follows from the acts on a dispatch: legs that were recalled are given up unless they are
    /// under way, and what its recipient agreed to give back is withdrawn.
    pub(crate) fn follow_acts(&mut self, now: Now, id: &DispatchId) -> Result<(), Fatal> {
        let Some(h) = self.state.held.get(id).filter(|h| !h.links.is_empty()) else {
            return Ok(());
        };
        let recall = |r: &AgencyCode| h.links.iter().find(|l| l.stops(r)).map(|l| l.by);
        let elsewhere = |r: &AgencyCode| {
            self.is_under_way_as_before(id, r) || self.in_doubt_as_before(id, r).is_some()
        };
        let under_way = |r: &AgencyCode| match route(&self.directory, self.me(), r) {
            Route::Hop(next) => {
                let standing = self.state.peers.get(&next).and_then(|p| p.queue.standing(id));
                standing.is_some_and(|s| s.in_flight)
            }
            Route::Local | Route::None(_) => false,
        };
        let stopped: Vec<(AgencyCode, DispatchId)> = h
            .legs
            .iter()
            .filter(|(r, leg)| leg.in_custody() && !under_way(r) && !elsewhere(r))
            .filter_map(|(r, _)| Some((r.clone(), recall(r)?)))
            .collect();
        let me = self.me();
        let agreed = |r: &AgencyCode| {
            let recalls = h.links.iter().filter(|l| l.bearing == Bearing::Recall);
            let mut recalls = recalls.filter_map(|l| Some((l.by, self.state.get(&l.by)?)));
            recalls
                .find(|(_, act)| act.own(me, &[Event::ActAcceptance], Some(r)).is_some())
                .map(|(by, _)| by)
        };
        let open = |leg: &Leg| {
            matches!(leg, Leg::Mailbox { stage, .. }
                if !matches!(stage, Stage::Refused | Stage::Withdrawn))
        };
        let withdrawn: Vec<(AgencyCode, DispatchId)> = h
            .legs
            .iter()
            .filter(|(_, leg)| open(leg))
            .filter_map(|(r, _)| Some((r.clone(), agreed(r)?)))
            .collect();
        if stopped.is_empty() && withdrawn.is_empty() {
            return Ok(());
        }
        let dispatch = h.dispatch.clone();
        let upstreams: Vec<NodeId> = h.upstreams.iter().cloned().collect();
        for (r, by) in stopped {
            let from = self.state.held.get(id).and_then(|h| h.upstream_of(&r));
            let mut e = self.evidence(now, Event::RelayFailure, &dispatch, Some(r));
            (e.reason, e.previous, e.related) = (Some(Code::Recalled), from, Some(by));
            self.witness(now, e, upstreams.clone())?;
        }
        for (r, by) in withdrawn {
            let mut e = self.evidence(now, Event::Withdrawal, &dispatch, Some(r));
            (e.status, e.related) = (Some(Status::Agreed.number()), Some(by));
            self.witness(now, e, upstreams.clone())?;
        }
        self.requeue(id);
        Ok(())
    }
}
