//! What happens because time passed: expiry, legs without a way, dispatches that are finished.

use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId, Now};

use crate::engine::{Engine, Fatal, Waiting};
use crate::output::Output;
use crate::record::Record;
use crate::route::{Route, route};
use crate::state::leg::Leg;

/// How often everything held is looked at, monotonic ms.
const SWEEP_MS: u64 = 10_000;

impl Engine {
    /// Time passed.
    pub(crate) fn tick(&mut self, now: Now) -> Result<(), Fatal> {
        if now.mono_ms >= self.next_sweep_mono_ms {
            self.next_sweep_mono_ms = now.mono_ms + SWEEP_MS;
            let all: Vec<DispatchId> = self.state.held.keys().copied().collect();
            self.state.touched.extend(all);
        }
        self.settle(now)
    }

    /// Looks at every dispatch that changed: gives up legs that cannot go on, closes what is done.
    pub(crate) fn settle(&mut self, now: Now) -> Result<(), Fatal> {
        if self.halted.is_some() {
            return Ok(());
        }
        for id in std::mem::take(&mut self.state.touched) {
            self.give_up_legs(now, &id)?;
            let settings = &self.settings;
            let finished = self.state.held.get(&id).is_some_and(|h| {
                h.is_finished(
                    now.wall,
                    settings.keep_after_consignment_ms,
                    settings.keep_after_registration_ms,
                )
            });
            if finished {
                let files = self.state.held.get(&id).map(|h| h.files.clone()).unwrap_or_default();
                self.record(now, Record::Closed(id), None, false);
                let unused: Vec<_> = files
                    .into_iter()
                    .map(|(d, _)| d)
                    .filter(|d| {
                        !self.state.held.values().any(|h| h.files.iter().any(|(f, _)| f == d))
                    })
                    .collect();
                if !unused.is_empty() {
                    self.wait(Waiting::Ready(Output::RemoveDocuments(unused)));
                }
            }
        }
        // What was just recorded touched them again; they are settled.
        self.state.touched.clear();
        Ok(())
    }

    /// Expires legs whose time is over, and fails or returns those without a way on.
    fn give_up_legs(&mut self, now: Now, id: &DispatchId) -> Result<(), Fatal> {
        let Some(h) = self.state.held.get(id) else { return Ok(()) };
        let expired = now.wall >= h.dispatch.envelope().expires_at;
        let mut give_up: Vec<(AgencyCode, Code, Option<NodeId>)> = Vec::new();
        let mut arrived: Vec<AgencyCode> = Vec::new();
        for (r, leg) in &h.legs {
            let Leg::Held { returned_by } = leg else { continue };
            if expired {
                if self.clock_certain() {
                    give_up.push((r.clone(), Code::DispatchExpired, None));
                }
                continue;
            }
            let upstream = h.upstreams.first();
            match route(&self.directory, self.me(), r) {
                Route::Hop(next) if h.upstreams.contains(&next) => {
                    give_up.push((r.clone(), Code::Returned, Some(next)));
                }
                Route::Hop(next) if returned_by.contains(&next) => match upstream {
                    Some(up) => give_up.push((r.clone(), Code::Returned, Some(up.clone()))),
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
            let mut e = self.evidence(now, Event::RelayFailure, &dispatch, Some(r));
            e.reason = Some(code);
            e.previous = to.clone().or_else(|| upstreams.first().cloned());
            let owed_to = to.map_or_else(|| upstreams.clone(), |p| vec![p]);
            self.witness(now, e, owed_to)?;
        }
        for r in arrived {
            let mut e = self.evidence(now, Event::ContentConsignment, &dispatch, Some(r));
            e.status = Some(1);
            e.previous = upstreams.first().cloned();
            self.witness(now, e, upstreams.clone())?;
        }
        for p in self.state.peers.values_mut() {
            if p.queue.standing(id).is_some_and(|s| !s.in_flight) {
                p.queue.remove(id);
            }
        }
        self.queue_legs(id);
        Ok(())
    }
}
