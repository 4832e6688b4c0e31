//! Submission: a local program hands in a sealed dispatch.

use tram_dispatch::{AgencyCode, Code, Event, EvidenceRecord, Now};
use tram_trust::{Resolution, VerifiedDispatch};

use super::rules::Objection;
use crate::engine::{Engine, Fatal};
use crate::input::{Documents, Token};
use crate::output::Reply;
use crate::quarantine::Here;
use crate::quota::{Coming, Shortage, Use};
use crate::record::{Held, Owed, Record};
use crate::release::Waiting;
use crate::route::{Route, route};
use crate::state::lanes::Flow;
use crate::view::View;

impl Engine {
    pub(crate) fn submit(
        &mut self,
        now: Now,
        token: Token,
        dispatch: VerifiedDispatch,
        documents: Documents,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        if self.halted_reply(token) {
            return Ok(());
        }
        let envelope = dispatch.envelope();
        let known = self.by_reference(&envelope.originator, &envelope.reference, view)?;
        let first = known.unwrap_or(dispatch.id());
        match known.map(|first| self.take_up(now, &first, view)).transpose()? {
            Some(Here::Known) => {}
            Some(Here::Unknown) => {
                return Err(Fatal::Stored(format!("dispatch {first} has no history")));
            }
            Some(Here::Aside) | None => {
                if self.quarantine_reply(token, &first) {
                    return Ok(());
                }
            }
        }
        if known == Some(dispatch.id()) {
            // Leaves nothing behind, so it is as free as it must be for those who lost the answer.
            self.repeat(token, &dispatch);
            return Ok(());
        }
        if let Some((code, detail)) = self.number_objection(envelope) {
            self.reply(token, Reply::Refused { code, detail, receipt: None });
            return Ok(());
        }
        if let Some(detail) = self.sends_elsewhere(&envelope.originator) {
            let reply = Reply::Refused { code: Code::OriginatorNotHere, detail, receipt: None };
            self.reply(token, reply);
            return Ok(());
        }
        let (raw_bytes, recipients) = (dispatch.raw().len(), envelope.recipients.len());
        let more = Use::to_come(envelope, raw_bytes, recipients, []);
        // From here on a refusal is evidence, which takes room for ever: not faster than allowed.
        if let Some(shortage) = self.agency_too_fast(now, &envelope.originator, 0) {
            self.turn_away(now, token, &dispatch, shortage);
            return Ok(());
        }
        if let Some(objection) = Self::mark_objection(envelope) {
            return self.reject(now, token, &dispatch, objection, None);
        }
        if let Some(first) = known {
            let detail = format!("reference {} names dispatch {first}", envelope.reference);
            let other = self.state.held.get(&first).map(|h| h.dispatch.object());
            return self.reject(now, token, &dispatch, (Code::ReferenceReused, detail), other);
        }
        if now.wall >= envelope.expires_at {
            if !self.clock_certain() {
                let retry_ms = self.settings.busy_retry_ms;
                self.reply(token, Reply::Later { code: Code::ClockUncertain, retry_ms });
                return Ok(());
            }
            let detail = format!("expired at {}", envelope.expires_at);
            return self.reject(now, token, &dispatch, (Code::DispatchExpired, detail), None);
        }
        // Every other node judges the seal at the time of the receipt; a log that a clock running ahead
        // dated into the future would date it after the certificate's end.
        if self.log.next_time(self.steady_time(now)) > dispatch.signer().not_after {
            let retry_ms = self.settings.retry_ms_max;
            self.reply(token, Reply::Later { code: Code::ClockUncertain, retry_ms });
            return Ok(());
        }
        if let Some(objection) = self.times_objection(now, envelope) {
            return self.reject(now, token, &dispatch, objection, None);
        }
        if let Some(objection) = self.act_objection(now, envelope, view)? {
            return self.reject(now, token, &dispatch, objection, None);
        }
        let ways = match self.ways(envelope) {
            Ok(ways) => ways,
            Err(objection) => return self.reject(now, token, &dispatch, objection, None),
        };
        if let Some(missing) = documents.missing.first() {
            let detail = format!("document {missing}");
            let reply = Reply::Refused { code: Code::DocumentMissing, detail, receipt: None };
            self.reply(token, reply);
            return Ok(());
        }
        let (originator, class) = (&envelope.originator, envelope.metadata.urgency.class());
        let shortage = self
            .node_is_full(more, class, 0)
            .or_else(|| self.agency_is_full(originator, more, class))
            .or_else(|| {
                let flow = Flow::Agency(originator.clone());
                self.ways_are_full(&ways, &Coming { originator, flow, more, class })
            })
            .or_else(|| self.agency_too_fast(now, originator, more.stored_bytes));
        if let Some(shortage) = shortage {
            self.turn_away(now, token, &dispatch, shortage);
            return Ok(());
        }
        self.rates.agency_took(originator, more.stored_bytes, &self.settings.quotas, now.mono_ms);
        self.admit_submission(now, token, dispatch, documents, view)
    }

    /// Why this agency does not send here: another node has it, or it is closed, when whoever took over sends
    /// under its own code, here as well.
    fn sends_elsewhere(&self, agency: &AgencyCode) -> Option<String> {
        match self.directory.resolve(agency) {
            Resolution::Open(found) if found.node.as_ref() == Some(self.me()) => None,
            Resolution::Open(found) => Some(match &found.node {
                Some(host) => format!("{agency} is served by node {host}"),
                None => format!("the directory has no node for {agency}"),
            }),
            Resolution::Successor { to, .. } => Some(format!(
                "{agency} is closed; {} took over and sends under its own code",
                to.code
            )),
            Resolution::Closed => Some(format!("{agency} is closed")),
            Resolution::Unknown => Some(format!("the directory has no node for {agency}")),
        }
    }

    fn admit_submission(
        &mut self,
        now: Now,
        token: Token,
        dispatch: VerifiedDispatch,
        documents: Documents,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        let id = dispatch.id();
        let envelope = dispatch.envelope().clone();
        let held = Held {
            dispatch: id,
            raw: dispatch.raw().clone(),
            object: dispatch.object(),
            originator: envelope.originator,
            reference: envelope.reference,
            previous: None,
            recipients: envelope.recipients.clone(),
            receipts: Vec::new(),
            inline: documents.inline,
            files: documents.files,
            removed: Vec::new(),
            at: self.leaf_time(now),
        };
        self.record(now, Record::Held(held), Some(dispatch.clone()), true);
        let accepted = self.decision(now, Event::SubmissionAcceptance, &dispatch);
        let mut owed = vec![Owed::Own(self.witness(now, accepted, Vec::new())?)];
        for recipient in envelope.recipients {
            if route(&self.directory, self.me(), &recipient) == Route::Local {
                let mut e =
                    self.evidence(now, Event::ContentConsignment, &dispatch, Some(recipient));
                e.status = Some(1);
                owed.push(Owed::Own(self.witness(now, e, Vec::new())?));
            }
        }
        self.link(now, &id, view)?;
        self.queue_legs(&id);
        self.state.charge(&id);
        self.wait(Waiting::Done { token, dispatch: id, owed, repeat: false });
        Ok(())
    }

    /// Evidence of what the first node decided: with its own number for it, and the originator's.
    fn decision(&mut self, now: Now, event: Event, dispatch: &VerifiedDispatch) -> EvidenceRecord {
        let mut e = self.evidence(now, event, dispatch, None);
        e.admission = Some(self.state.numbers.next_admission(&e.originator));
        e.sequence = dispatch.envelope().sequence;
        e
    }

    /// There is no room for it now. Nothing is recorded but that somebody was turned away.
    fn turn_away(
        &mut self,
        now: Now,
        token: Token,
        dispatch: &VerifiedDispatch,
        Shortage { code, retry_ms }: Shortage,
    ) {
        let originator = &dispatch.envelope().originator;
        self.rates.agency_turned_away(originator, &self.settings.quotas, now.mono_ms);
        self.reply(token, Reply::Later { code, retry_ms });
    }

    /// The same submission again: the same answer.
    fn repeat(&mut self, token: Token, dispatch: &VerifiedDispatch) {
        let id = dispatch.id();
        let me = self.me().clone();
        let Some(h) = self.state.held.get(&id) else { return };
        let owed = h
            .evidence
            .iter()
            .filter(|k| k.evidence.node == me)
            .filter(|k| {
                matches!(k.evidence.event, Event::SubmissionAcceptance | Event::ContentConsignment)
            })
            .map(|k| k.owed)
            .collect();
        self.wait(Waiting::Done { token, dispatch: id, owed, repeat: true });
    }

    /// Refuses with evidence: the signer is authenticated, so the refusal can be proved to it.
    fn reject(
        &mut self,
        now: Now,
        token: Token,
        dispatch: &VerifiedDispatch,
        (code, detail): Objection,
        other_object: Option<tram_dispatch::Digest>,
    ) -> Result<(), Fatal> {
        let (originator, quotas) = (&dispatch.envelope().originator, &self.settings.quotas);
        self.rates.agency_took(originator, 0, quotas, now.mono_ms);
        let mut e = self.decision(now, Event::SubmissionRejection, dispatch);
        e.reason = Some(code);
        e.other_object = other_object;
        if code == Code::SecretRefused {
            e.object = None;
        }
        let leaf = self.witness(now, e, Vec::new())?;
        self.wait(Waiting::Refused { token, code, detail, leaf });
        Ok(())
    }
}
