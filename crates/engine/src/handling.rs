//! What the recipient's system reports of a dispatch that its clerk registered: assigned, processing,
//! completed. Every change is a record of its own; the newest says how far it is. Systems repeat and
//! skip these, and take them back: no order is asked for.

use std::collections::BTreeMap;

use tram_dispatch::envelope::Act;
use tram_dispatch::limits::HANDLING_RECORDS_MAX;
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, Now, Status, UnixMillis};
use tram_trust::VerifiedStatement;

use crate::engine::{Engine, Fatal};
use crate::input::Token;
use crate::mailbox::Decision;
use crate::output::Reply;
use crate::release::Waiting;
use crate::state::held::{HeldDispatch, Known};
use crate::state::leg::Stage;
use crate::view::View;

/// A status of a leg, and where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct StatusAt<'a> {
    /// The status.
    pub status: Status,
    /// When it was given.
    pub at: UnixMillis,
    /// The evidence that says so.
    pub known: &'a Known,
}

impl Decision {
    /// How far a registered dispatch is, or what is answered to one that asks for something.
    pub(crate) fn reported(
        status: Status,
        words: Option<String>,
        statement: Option<VerifiedStatement>,
    ) -> Self {
        let (event, reason) = match status {
            Status::Agreed => (Event::ActAcceptance, None),
            Status::Declined => (Event::ActRejection, Some(Code::RecipientRefused)),
            _ => (Event::HandlingStatus, None),
        };
        Decision { event, status: Some(status), reason, words, statement }
    }
}

impl HeldDispatch {
    /// Every status that counts of one recipient, as it was given, oldest first.
    pub fn statuses(&self, recipient: &AgencyCode) -> Vec<StatusAt<'_>> {
        let given = self.about_leg(Some(recipient)).filter_map(|known| {
            let e = &known.evidence;
            let status = e.status.filter(|_| known.authorised).and_then(Status::from_number)?;
            Some(StatusAt { status, at: e.time, known })
        });
        let mut given: Vec<StatusAt<'_>> = given.collect();
        // Receipts can overtake each other on their way; their log has them in order.
        given.sort_by_key(|s| (s.at, s.known.evidence.custody));
        given
    }

    /// The status that each recipient has now, as far as one was given.
    pub fn newest_statuses(&self) -> BTreeMap<&AgencyCode, StatusAt<'_>> {
        let mut newest: BTreeMap<&AgencyCode, StatusAt<'_>> = BTreeMap::new();
        for known in self.evidence.iter().filter(|k| k.authorised) {
            let (e, place) = (&known.evidence, |s: &StatusAt<'_>| (s.at, s.known.evidence.custody));
            let status = e.status.and_then(Status::from_number);
            let (Some(recipient), Some(status)) = (&e.recipient, status) else { continue };
            let given = StatusAt { status, at: e.time, known };
            let now = newest.entry(recipient).or_insert(given);
            if place(&given) > place(now) {
                *now = given;
            }
        }
        newest
    }
}

impl Engine {
    /// The recipient's system says how far it is.
    pub(crate) fn report(
        &mut self,
        now: Now,
        token: Token,
        recipient: AgencyCode,
        id: DispatchId,
        report: Decision,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        if self.halted_reply(token) {
            return Ok(());
        }
        let answers = matches!(report.event, Event::ActAcceptance | Event::ActRejection);
        if !answers && !report.status.is_some_and(Status::is_handling) {
            return self.refuse_report(token, Code::BadRequest, "status 04, 05, 06, 15 or 16");
        }
        if report.event == Event::ActRejection && report.words.is_none() {
            return self.refuse_report(token, Code::BadRequest, "a refusal says why");
        }
        if let Some((code, detail)) = report.words.as_deref().and_then(Self::words_objection) {
            self.reply(token, Reply::Refused { code, detail, receipt: None });
            return Ok(());
        }
        if answers {
            return self.answer(now, token, recipient, id, report, view);
        }
        match self.stage(now, &id, &recipient, view)? {
            None => {
                self.not_here(token, &recipient, &id);
                return Ok(());
            }
            Some(Stage::Registered) => {}
            Some(stage) => {
                let detail = format!("it is {}, not registered", stage.word());
                return self.refuse_report(token, Code::WrongState, &detail);
            }
        }
        let Some(h) = self.state.held.get(&id) else { return Ok(()) };
        let given = h.statuses(&recipient);
        // The same again is the answer that got lost.
        if let Some(last) = given.last()
            && last.known.evidence.event == Event::HandlingStatus
            && Some(last.status) == report.status
            && last.known.evidence.remark == report.words
        {
            let owed = vec![last.known.owed];
            self.wait(Waiting::Done { token, dispatch: id, owed, repeat: true });
            return Ok(());
        }
        let reported = given.iter().filter(|s| s.status.is_handling()).count();
        if reported >= HANDLING_RECORDS_MAX {
            let detail =
                format!("its handling was reported {reported} times, the most there may be");
            return self.refuse_report(token, Code::WrongState, &detail);
        }
        self.advance(now, token, recipient, id, report)
    }

    /// The recipient answers a recall or an update.
    fn answer(
        &mut self,
        now: Now,
        token: Token,
        recipient: AgencyCode,
        id: DispatchId,
        answer: Decision,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        const ANSWERS: [Event; 2] = [Event::ActAcceptance, Event::ActRejection];
        match self.stage(now, &id, &recipient, view)? {
            None => {
                self.not_here(token, &recipient, &id);
                return Ok(());
            }
            Some(stage @ (Stage::Refused | Stage::Withdrawn)) => {
                let detail = format!("it is {}", stage.word());
                return self.refuse_report(token, Code::WrongState, &detail);
            }
            Some(_) => {}
        }
        let Some(h) = self.state.held.get(&id) else { return Ok(()) };
        if let Some(given) = h.own(self.me(), &ANSWERS, Some(&recipient)) {
            if given.evidence.event == answer.event {
                let owed = vec![given.owed];
                self.wait(Waiting::Done { token, dispatch: id, owed, repeat: true });
                return Ok(());
            }
            let detail = format!("it was answered already: {}", given.evidence.event.name());
            return self.refuse_report(token, Code::WrongState, &detail);
        }
        let dispatch = h.dispatch.clone();
        let (Act::Recall(of) | Act::Update(of)) = &dispatch.envelope().act else {
            return self.refuse_report(token, Code::WrongState, "it asks for nothing");
        };
        if answer.event == Event::ActAcceptance
            && let Some((code, detail)) = self.act_objection(now, dispatch.envelope(), view)?
        {
            return self.refuse_report(token, code, &detail);
        }
        // What it is about must be in memory for what follows from the answer.
        self.link(now, &id, view)?;
        self.advance(now, token, recipient, id, answer)?;
        if let Some(before) = self.by_reference(&of.originator, &of.reference, view)? {
            self.state.touched.insert(before);
        }
        Ok(())
    }

    fn refuse_report(&mut self, token: Token, code: Code, detail: &str) -> Result<(), Fatal> {
        let detail = detail.to_owned();
        self.reply(token, Reply::Refused { code, detail, receipt: None });
        Ok(())
    }
}
