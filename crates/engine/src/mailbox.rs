//! The recipient's side: confirm that its system took a dispatch, register it, refuse it.

use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId, Now};

use crate::engine::{Engine, Fatal};
use crate::input::Token;
use crate::output::Reply;
use crate::quarantine::Here;
use crate::release::Waiting;
use crate::state::leg::{Leg, Stage};
use crate::view::View;

impl Engine {
    /// The recipient's system has the bytes safely and says so.
    pub(crate) fn confirm(
        &mut self,
        now: Now,
        token: Token,
        recipient: AgencyCode,
        id: DispatchId,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        if self.halted_reply(token) {
            return Ok(());
        }
        match self.stage(now, &id, &recipient, view)? {
            None => self.not_here(token, &recipient, &id),
            Some(Stage::Consigned) => {
                self.advance(now, token, recipient, id, Event::ContentHandover, None)?;
            }
            Some(_) => self.again(token, &recipient, id, &[Event::ContentHandover]),
        }
        Ok(())
    }

    /// The clerk decides.
    #[allow(clippy::too_many_arguments)] // one call site; the arguments are the input's own fields
    pub(crate) fn register(
        &mut self,
        now: Now,
        token: Token,
        recipient: AgencyCode,
        id: DispatchId,
        refusal: Option<String>,
        remark: Option<String>,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        if self.halted_reply(token) {
            return Ok(());
        }
        let given = refusal.as_deref().or(remark.as_deref());
        if let Some((code, detail)) = given.and_then(Self::words_objection) {
            self.reply(token, Reply::Refused { code, detail, receipt: None });
            return Ok(());
        }
        let (event, words) = match refusal {
            Some(words) => (Event::ConsignmentRejection, Some(words)),
            None => (Event::ConsignmentAcceptance, remark),
        };
        let decided = match self.stage(now, &id, &recipient, view)? {
            None => {
                self.not_here(token, &recipient, &id);
                return Ok(());
            }
            Some(Stage::Consigned) => {
                let detail = "its system has not confirmed that it took the dispatch".to_owned();
                self.reply(token, Reply::Refused { code: Code::WrongState, detail, receipt: None });
                return Ok(());
            }
            Some(Stage::HandedOver) => None,
            Some(Stage::Registered) => Some(Event::ConsignmentAcceptance),
            Some(Stage::Refused) => Some(Event::ConsignmentRejection),
        };
        match decided {
            None => self.advance(now, token, recipient, id, event, words)?,
            Some(first) if first == event => self.again(token, &recipient, id, &[event]),
            Some(first) => {
                let detail = format!("the clerk already decided: {}", first.name());
                self.reply(token, Reply::Refused { code: Code::WrongState, detail, receipt: None });
            }
        }
        Ok(())
    }

    fn stage(
        &mut self,
        now: Now,
        id: &DispatchId,
        recipient: &AgencyCode,
        view: &dyn View,
    ) -> Result<Option<Stage>, Fatal> {
        if self.take_up(now, id, view)? != Here::Known {
            return Ok(None);
        }
        Ok(match self.state.held.get(id).and_then(|h| h.legs.get(recipient)) {
            Some(Leg::Mailbox { stage, .. }) => Some(*stage),
            _ => None,
        })
    }

    fn advance(
        &mut self,
        now: Now,
        token: Token,
        recipient: AgencyCode,
        id: DispatchId,
        event: Event,
        remark: Option<String>,
    ) -> Result<(), Fatal> {
        let Some(h) = self.state.held.get(&id) else { return Ok(()) };
        let dispatch = h.dispatch.clone();
        let owed_to: Vec<NodeId> = h.upstreams.iter().cloned().collect();
        let mut e = self.evidence(now, event, &dispatch, Some(recipient));
        e.status = match event {
            Event::ConsignmentAcceptance => Some(3),
            Event::ConsignmentRejection => Some(2),
            _ => None,
        };
        e.reason = (event == Event::ConsignmentRejection).then_some(Code::RecipientRefused);
        e.remark = remark;
        let leaf = self.witness(now, e, owed_to)?;
        let owed = vec![crate::record::Owed::Own(leaf)];
        self.wait(Waiting::Done { token, dispatch: id, owed, repeat: false });
        Ok(())
    }

    /// The same call again: the first receipt.
    fn again(&mut self, token: Token, recipient: &AgencyCode, id: DispatchId, events: &[Event]) {
        let me = self.me().clone();
        let owed = self
            .state
            .held
            .get(&id)
            .and_then(|h| h.own(&me, events, Some(recipient)))
            .map(|k| k.owed)
            .into_iter()
            .collect();
        self.wait(Waiting::Done { token, dispatch: id, owed, repeat: true });
    }

    fn not_here(&mut self, token: Token, recipient: &AgencyCode, id: &DispatchId) {
        if self.quarantine_reply(token, id) {
            return;
        }
        let detail = format!("dispatch {id} is not in the mailbox of {recipient}");
        self.reply(token, Reply::Refused { code: Code::NotFound, detail, receipt: None });
    }
}
