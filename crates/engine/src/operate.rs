//! What an operator can do to a leg; each act is a record.

use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId, Now};

use crate::engine::{Engine, Fatal};
use crate::input::{Action, Token};
use crate::output::Reply;
use crate::quarantine::Here;
use crate::record::{Hold, Owed, Record};
use crate::release::Waiting;
use crate::state::leg::Leg;
use crate::view::View;

impl Engine {
    pub(crate) fn operate(
        &mut self,
        now: Now,
        token: Token,
        id: DispatchId,
        recipient: AgencyCode,
        action: Action,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        if self.halted_reply(token) {
            return Ok(());
        }
        if let Action::Drop(words) = &action
            && let Some((code, detail)) = Self::words_objection(words)
        {
            self.reply(token, Reply::Refused { code, detail, receipt: None });
            return Ok(());
        }
        let known = self.take_up(now, &id, view)? == Here::Known;
        if self.operate_aside(now, token, id, &recipient, &action, view)? {
            return Ok(());
        }
        let leg = self.state.held.get(&id).and_then(|h| h.legs.get(&recipient)).cloned();
        let Some(leg) = leg.filter(|_| known) else {
            let detail = format!("no leg of {id} toward {recipient}");
            self.reply(token, Reply::Refused { code: Code::NotFound, detail, receipt: None });
            return Ok(());
        };
        if let (Action::Drop(words), true) = (&action, self.waits_set_aside(&id, &leg)) {
            return self.drop_waiting(now, token, id, recipient, words);
        }
        if !leg.in_custody() {
            let detail = format!("the leg is {}", leg.word());
            self.reply(token, Reply::Refused { code: Code::WrongState, detail, receipt: None });
            return Ok(());
        }
        let mut owed = Vec::new();
        match action {
            Action::Hold | Action::Release => {
                let held = action == Action::Hold;
                // Released, it waits for nobody's answer either, but one that is on its way.
                let asked = !held
                    && self.in_doubt_as_before(&id, &recipient).is_some()
                    && !self.is_under_way_as_before(&id, &recipient);
                if asked {
                    self.doubts.release(&id, &recipient);
                }
                if asked || held != (leg == Leg::OnHold) {
                    let hold = Hold { dispatch: id, recipient, held };
                    self.record(now, Record::Hold(hold), None, true);
                }
                self.requeue(&id);
            }
            Action::Retry => self.requeue(&id),
            Action::Drop(words) => {
                if let Some(h) = self.state.held.get(&id) {
                    let dispatch = h.dispatch.clone();
                    let upstreams: Vec<NodeId> = h.upstreams.iter().cloned().collect();
                    let from = h.upstream_of(&recipient);
                    let mut e = self.evidence(now, Event::RelayFailure, &dispatch, Some(recipient));
                    e.reason = Some(Code::Dropped);
                    e.remark = Some(words);
                    e.previous = from;
                    owed.push(Owed::Own(self.witness(now, e, upstreams)?));
                }
                self.requeue(&id);
            }
        }
        self.wait(Waiting::Done { token, dispatch: id, owed, repeat: false });
        Ok(())
    }

    /// Makes a dispatch due now wherever its legs lead, and nowhere else.
    pub(crate) fn requeue(&mut self, id: &DispatchId) {
        for p in self.state.peers.values_mut() {
            if p.queue.standing(id).is_some_and(|s| !s.in_flight) {
                p.queue.remove(id);
            }
        }
        self.queue_legs(id);
    }
}
