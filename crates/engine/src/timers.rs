//! What happens because time passed: expiry, legs without a way, dispatches that are finished.

use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId, Now, UnixMillis};

use crate::engine::{Engine, Fatal};
use crate::output::Output;
use crate::record::Record;
use crate::release::Waiting;
use crate::route::{Route, route};
use crate::state::leg::Leg;
use crate::view::View;

/// How often everything held is looked at, monotonic ms.
const SWEEP_MS: u64 = 10_000;

impl Engine {
    /// Time passed.
    pub(crate) fn tick(&mut self, now: Now, view: &dyn View) -> Result<(), Fatal> {
        if now.mono_ms >= self.next_sweep_mono_ms {
            self.next_sweep_mono_ms = now.mono_ms.saturating_add(SWEEP_MS);
            let all = std::mem::take(&mut self.look_at_all);
            self.end_doubts(now);
            self.state.touch_due(if all { UnixMillis(u64::MAX) } else { now.wall });
        }
        self.look_again(now, view)?;
        if self.claims_left {
            self.count_claims(now);
        }
        let settled = self.settle(now);
        self.decided();
        settled
    }

    /// Looks at every dispatch that changed, as far as there is room: gives up legs that cannot go on, closes what is done.
    pub(crate) fn settle(&mut self, now: Now) -> Result<(), Fatal> {
        if self.shut().is_some() {
            return Ok(());
        }
        let mut touched = std::mem::take(&mut self.state.touched);
        // What has no room in this batch is looked at for the next.
        while !self.is_full()
            && let Some(id) = touched.pop_first()
        {
            if !self.state.held.contains_key(&id) {
                continue;
            }
            self.decide_on(&id);
            self.give_up_legs(now, &id)?;
            self.follow_acts(now, &id)?;
            let lapses_at = self.lapse(now, &id)?;
            let settings = &self.settings;
            let (keep, keep_mailbox) =
                (settings.keep_after_consignment_ms, settings.keep_after_registration_ms);
            let certain = self.clock_certain();
            let Some(h) = self.state.held.get_mut(&id) else { continue };
            if certain {
                h.date_back(now.wall);
                h.expire_copies(now.wall);
            }
            let finished_at = h.finished_at(keep, keep_mailbox);
            if finished_at.is_some_and(|at| at <= now.wall) {
                self.close(now, &id);
                continue;
            }
            let has_to_go = h.legs.values().any(Leg::in_custody) || h.offers_copies();
            let expires_at = has_to_go.then(|| h.dispatch.envelope().expires_at);
            let agrees_at = h.next_agreement(now.wall);
            let moments = expires_at.or(finished_at).into_iter().chain(lapses_at).chain(agrees_at);
            self.state.look_at(&id, moments.min());
            self.state.charge(&id);
        }
        // What was just recorded touched them again; they are settled.
        self.state.touched = touched;
        self.decided();
        self.state.evict(self.durable);
        Ok(())
    }

    /// Nothing is left to do for a dispatch.
    fn close(&mut self, now: Now, id: &DispatchId) {
        let Some(h) = self.state.held.get(id) else { return };
        if h.closed {
            // It was only read again.
            self.state.forget(id);
            return;
        }
        // Where a policy of retention decides, they stay until it says so.
        let files = match h.documents && !self.settings.keep_closed_documents {
            true => h.files.clone(),
            false => Vec::new(),
        };
        self.record(now, Record::Closed(*id), None, false);
        let unused: Vec<_> = files
            .into_iter()
            .map(|(d, _)| d)
            .filter(|d| !self.state.files.contains_key(d))
            .collect();
        if !unused.is_empty() {
            self.wait(Waiting::Ready(Output::RemoveDocuments(unused)));
        }
    }

    /// Expires legs whose time is over, and fails or returns those without a way on.
    fn give_up_legs(&mut self, now: Now, id: &DispatchId) -> Result<(), Fatal> {
        let Some(h) = self.state.held.get(id) else { return Ok(()) };
        let set_aside = self.state.is_quarantined(id);
        // A clock that may be wrong ends no leg, and keeps none from going back either.
        let expired = now.wall >= h.dispatch.envelope().expires_at && self.clock_certain();
        let mut give_up: Vec<(AgencyCode, Code, Option<NodeId>)> = Vec::new();
        let mut arrived: Vec<AgencyCode> = Vec::new();
        let ours = Some(self.directory.digest());
        for (r, leg) in &h.legs {
            if expired {
                // On hold or not: the originator learns the end of it.
                if leg.in_custody() && !h.has_arrived(r) {
                    give_up.push((r.clone(), Code::DispatchExpired, None));
                }
                continue;
            }
            let Leg::Held { returned_by } = leg else { continue };
            if set_aside {
                continue;
            }
            if self.is_under_way_as_before(id, r) || self.in_doubt_as_before(id, r).is_some() {
                continue;
            }
            let upstream = h.upstream_of(r);
            match route(&self.directory, self.me(), r) {
                Route::Hop(next) if h.came_by(r, &next) => {
                    let to = upstream.unwrap_or(next);
                    give_up.push((r.clone(), Code::Returned, Some(to)));
                }
                // By another directory than ours: one of the two is old. Nothing ends by that; the leg waits
                // until they agree, but not for ever: the directory that it was may never come here.
                Route::Hop(next)
                    if !h.has_arrived(r)
                        && returned_by.get(&next).is_some_and(|by| *by != ours)
                        && h.agrees_at(r, &next).is_some_and(|at| now.wall < at) => {}
                Route::Hop(next) if returned_by.contains_key(&next) => match upstream {
                    Some(up) => give_up.push((r.clone(), Code::Returned, Some(up))),
                    None => give_up.push((r.clone(), Code::NoRoute, None)),
                },
                Route::Hop(_) => {}
                // The mailbox moved here (a merger, say) while the dispatch was on its way.
                Route::Local => arrived.push(r.clone()),
                Route::None(code) => give_up.push((r.clone(), code, None)),
            }
        }
        if give_up.is_empty() && arrived.is_empty() {
            return Ok(());
        }
        let dispatch = h.dispatch.clone();
        let upstreams: Vec<NodeId> = h.upstreams.iter().cloned().collect();
        for (r, code, to) in give_up {
            let from = self.state.held.get(id).and_then(|h| h.upstream_of(&r));
            let mut e = self.evidence(now, Event::RelayFailure, &dispatch, Some(r));
            e.reason = Some(code);
            e.previous = to.or(from);
            // Every peer that gave us this leg must know; those that did not let it pass.
            self.witness(now, e, upstreams.clone())?;
        }
        for r in arrived {
            let from = self.state.held.get(id).and_then(|h| h.upstream_of(&r));
            let mut e = self.evidence(now, Event::ContentConsignment, &dispatch, Some(r));
            e.status = Some(1);
            e.previous = from;
            self.witness(now, e, upstreams.clone())?;
        }
        self.requeue(id);
        Ok(())
    }
}
