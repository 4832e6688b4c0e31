//! The clerk's time: what was neither registered nor refused by its deadline, with evidence. Whoever waits
//! is told; the clerk may still answer.

use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId, Now, UnixMillis};

use crate::engine::{Engine, Fatal};
use crate::state::leg::{Leg, Stage};

impl Engine {
    /// Records that the time of legs in mailboxes here ran out; when the next one's does.
    pub(crate) fn lapse(&mut self, now: Now, id: &DispatchId) -> Result<Option<UnixMillis>, Fatal> {
        let (Some(days), Some(h)) = (&self.settings.registration_days, self.state.held.get(id))
        else {
            return Ok(None);
        };
        let me = self.me();
        let urgency = h.dispatch.envelope().metadata.urgency;
        let said = |r: &AgencyCode, event| h.own(me, &[event], Some(r));
        let mut next: Option<UnixMillis> = None;
        let mut lapsed: Vec<AgencyCode> = Vec::new();
        for (r, leg) in &h.legs {
            let waits = matches!(leg, Leg::Mailbox { stage, .. } if *stage < Stage::Refused);
            if !waits || said(r, Event::AcceptanceRejectionExpiry).is_some() {
                continue;
            }
            let Some(arrived) = said(r, Event::ContentConsignment) else { continue };
            let due = days.register_by(arrived.evidence.time, urgency);
            if due > now.wall {
                next = Some(next.map_or(due, |n| n.min(due)));
            } else if self.clock_certain() {
                lapsed.push(r.clone());
            }
        }
        if lapsed.is_empty() {
            return Ok(next);
        }
        let dispatch = h.dispatch.clone();
        let upstreams: Vec<NodeId> = h.upstreams.iter().cloned().collect();
        for r in lapsed {
            let event = Event::AcceptanceRejectionExpiry;
            let mut e = self.evidence(now, event, &dispatch, Some(r));
            e.reason = Some(Code::RegistrationOverdue);
            self.witness(now, e, upstreams.clone())?;
        }
        Ok(next)
    }
}
