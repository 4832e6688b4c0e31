//! The recipient's side: confirm that its system took a dispatch, register it, refuse it.

use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId, Now, Status};
use tram_trust::VerifiedStatement;

use crate::engine::{Engine, Fatal};
use crate::input::Token;
use crate::output::Reply;
use crate::quarantine::Here;
use crate::release::Waiting;
use crate::state::leg::{Leg, Stage};
use crate::view::View;

/// What the clerk decided.
pub(crate) struct Decision {
    pub(crate) event: Event,
    pub(crate) status: Option<Status>,
    pub(crate) reason: Option<Code>,
    pub(crate) words: Option<String>,
    pub(crate) statement: Option<VerifiedStatement>,
}

impl Decision {
    /// The recipient's system has the bytes.
    fn handover() -> Self {
        let event = Event::ContentHandover;
        Decision { event, status: None, reason: None, words: None, statement: None }
    }

    /// Registered with a remark, or refused.
    pub(crate) fn of(
        refusal: Option<String>,
        cause: Option<Code>,
        remark: Option<String>,
        statement: Option<VerifiedStatement>,
    ) -> Self {
        let (event, status, words) = match refusal {
            Some(words) => (Event::ConsignmentRejection, Status::Refused, Some(words)),
            None => (Event::ConsignmentAcceptance, Status::Accepted, remark),
        };
        let returned = cause.filter(|c| matches!(c, Code::WrongAddressee | Code::DocumentUnsound));
        let reason = returned.unwrap_or(Code::RecipientRefused);
        let reason = (status == Status::Refused).then_some(reason);
        Decision { event, status: Some(status), reason, words, statement }
    }
}

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
                self.advance(now, token, recipient, id, Decision::handover())?;
            }
            // A request can be answered before its bytes are fetched.
            Some(Stage::Registered) if !self.was_said(&id, &recipient, Event::ContentHandover) => {
                self.advance(now, token, recipient, id, Decision::handover())?;
            }
            Some(_) => self.again(token, &recipient, id, &[Event::ContentHandover]),
        }
        Ok(())
    }

    /// The clerk decides.
    pub(crate) fn register(
        &mut self,
        now: Now,
        token: Token,
        recipient: AgencyCode,
        id: DispatchId,
        decision: Decision,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        if self.halted_reply(token) {
            return Ok(());
        }
        if let Some((code, detail)) = decision.words.as_deref().and_then(Self::words_objection) {
            self.reply(token, Reply::Refused { code, detail, receipt: None });
            return Ok(());
        }
        let event = decision.event;
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
            Some(Stage::Withdrawn) => {
                let detail = "it was given back to its originator".to_owned();
                self.reply(token, Reply::Refused { code: Code::WrongState, detail, receipt: None });
                return Ok(());
            }
        };
        match decided {
            None => self.advance(now, token, recipient, id, decision)?,
            Some(first) if first == event => self.again(token, &recipient, id, &[event]),
            Some(first) => {
                let detail = format!("the clerk already decided: {}", first.name());
                self.reply(token, Reply::Refused { code: Code::WrongState, detail, receipt: None });
            }
        }
        Ok(())
    }

    pub(crate) fn stage(
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

    pub(crate) fn advance(
        &mut self,
        now: Now,
        token: Token,
        recipient: AgencyCode,
        id: DispatchId,
        decision: Decision,
    ) -> Result<(), Fatal> {
        let Decision { event, status, reason, words, statement } = decision;
        let Some(h) = self.state.held.get(&id) else { return Ok(()) };
        let dispatch = h.dispatch.clone();
        let owed_to: Vec<NodeId> = h.upstreams.iter().cloned().collect();
        let mut e = self.evidence(now, event, &dispatch, Some(recipient));
        e.status = status.map(Status::number);
        e.reason = reason;
        e.remark = words;
        if let Some(statement) = statement {
            let (sealed, said) = (statement.sealed(), statement.sealed().statement());
            if !said.is_said_by(&e) || said.remark != e.remark {
                let detail =
                    "the statement is about something else than what is recorded".to_owned();
                self.reply(token, Reply::Refused { code: Code::BadRequest, detail, receipt: None });
                return Ok(());
            }
            e.attestation = Some(sealed.object());
            self.keep_statement(now, sealed);
        }
        let leaf = self.witness(now, e, owed_to)?;
        let owed = vec![crate::record::Owed::Own(leaf)];
        self.wait(Waiting::Done { token, dispatch: id, owed, repeat: false });
        Ok(())
    }

    /// Whether this node said so of a leg.
    fn was_said(&self, id: &DispatchId, recipient: &AgencyCode, event: Event) -> bool {
        let held = self.state.held.get(id);
        held.is_some_and(|h| h.own(self.me(), &[event], Some(recipient)).is_some())
    }

    /// The same call again: the first receipt.
    fn again(&mut self, token: Token, recipient: &AgencyCode, id: DispatchId, events: &[Event]) {
        if !events.iter().any(|event| self.was_said(&id, recipient, *event)) {
            let detail = "it is past that".to_owned();
            self.reply(token, Reply::Refused { code: Code::WrongState, detail, receipt: None });
            return;
        }
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

    pub(crate) fn not_here(&mut self, token: Token, recipient: &AgencyCode, id: &DispatchId) {
        if self.quarantine_reply(token, id) {
            return;
        }
        let detail = format!("dispatch {id} is not in the mailbox of {recipient}");
        self.reply(token, Reply::Refused { code: Code::NotFound, detail, receipt: None });
    }
}
