//! Numbers for what this node's key provider seals, and statements that one stays unused.

use tram_dispatch::envelope::{SealedBy, Sequence};
use tram_dispatch::{
    AgencyCode, Code, Digest, DispatchId, Envelope, Event, Now, Reference, UnixMillis,
};
use tram_trust::VerifiedVoid;

use super::rules::Objection;
use crate::engine::{Engine, Fatal};
use crate::input::Token;
use crate::output::Reply;
use crate::record::{Numbered, Owed, Record, Void};
use crate::release::Waiting;
use crate::view::{NumberUse, View};

/// What a number is wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The agency that this node seals for.
    pub originator: AgencyCode,
    /// The series of its sealing key.
    pub series: u64,
    /// The reference of the dispatch.
    pub reference: Reference,
    /// SHA-256 over what it will say, number and time of sealing apart.
    pub content: Digest,
    /// The dispatch that had the reference when whoever asks looked.
    pub known: Option<DispatchId>,
}

impl Engine {
    /// Assigns the next number of a series. What is sealed with it must be submitted in this life of the
    /// process: afterwards the number is to be declared void. Asked again for the same, the number and
    /// the time of sealing are the same.
    pub(crate) fn assign(
        &mut self,
        now: Now,
        token: Token,
        wanted: Wanted,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        if self.halted_reply(token) {
            return Ok(());
        }
        let Wanted { originator, series, reference, content, known } = wanted;
        if self.by_reference(&originator, &reference, view)? != known {
            // Somebody was faster with the same reference: whoever asks looks again.
            self.reply(token, Reply::Later { code: Code::Busy, retry_ms: 0 });
            return Ok(());
        }
        let numbers = &self.state.numbers;
        if let Some((number, at)) = numbers.given(&originator, series, &reference, &content) {
            self.reply(token, Reply::Assigned { number, at });
            return Ok(());
        }
        let Some(number) = numbers.next_in(&originator, series) else {
            let retry_ms = self.settings.busy_retry_ms;
            self.reply(token, Reply::Later { code: Code::Busy, retry_ms });
            return Ok(());
        };
        let at = self.leaf_time(now);
        let sequence = Sequence { series, number };
        let numbered = Numbered { originator, sequence, reference, content, at };
        self.record(now, Record::Numbered(numbered), None, true);
        self.reply(token, Reply::Assigned { number, at });
        Ok(())
    }

    /// Whether the number in an envelope that this node is said to have sealed is the one it assigned to
    /// that reference, and was not declared void meanwhile.
    pub(crate) fn number_objection(&self, envelope: &Envelope) -> Option<Objection> {
        match (&envelope.sealed_by, envelope.sequence) {
            (SealedBy::Node(node), Some(sequence)) if node == self.me() => {
                let assigned = self.state.numbers.open(&envelope.originator, sequence);
                let fits = assigned.is_some_and(|a| a.reference == envelope.reference && !a.stale);
                let detail = || {
                    let Sequence { series, number } = sequence;
                    format!(
                        "number {number} of series {series} is not open for this reference here"
                    )
                };
                (!fits).then(|| (Code::WrongState, detail()))
            }
            _ => None,
        }
    }

    /// Records that a number stays unused.
    pub(crate) fn void(
        &mut self,
        now: Now,
        token: Token,
        void: VerifiedVoid,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        if self.halted_reply(token) {
            return Ok(());
        }
        let sealed = void.sealed().clone();
        let said = sealed.void();
        if let Some((code, detail)) = self.void_objection(&said.agency, said.sequence, view)? {
            self.reply(token, Reply::Refused { code, detail, receipt: None });
            return Ok(());
        }
        let id = sealed.id();
        let statement = Void { statement: id, raw: sealed.raw().clone() };
        self.record(now, Record::Void(statement), None, true);
        let about = (id, sealed.object(), said.agency.clone());
        let revocation = void.revocation_digest();
        let mut e = self.evidence_about(now, Event::SequenceVoid, about, None, revocation);
        e.object = None;
        e.attestation = Some(sealed.object());
        e.sequence = Some(said.sequence);
        e.remark = Some(said.reason.clone());
        let leaf = self.witness(now, e, Vec::new())?;
        let owed = vec![Owed::Own(leaf)];
        self.wait(Waiting::Done { token, dispatch: id, owed, repeat: false });
        Ok(())
    }

    fn void_objection(
        &self,
        agency: &AgencyCode,
        sequence: Sequence,
        view: &dyn View,
    ) -> Result<Option<Objection>, Fatal> {
        if self.directory.hosting(agency) != Some(self.me()) {
            let detail = format!("{agency} is not served here");
            return Ok(Some((Code::OriginatorNotHere, detail)));
        }
        let Sequence { series, number } = sequence;
        let wrong =
            |what: String| (Code::WrongState, format!("number {number} of series {series} {what}"));
        let fresh = |f: &&FreshNumber| f.agency == *agency && f.sequence == sequence;
        let used = match self.fresh_numbers.iter().find(fresh) {
            Some(fresh) => Some((fresh.what, fresh.at)),
            None => view.number_use(agency, sequence)?,
        };
        if let Some((what, at)) = used {
            return Ok(Some(wrong(format!("{} since {at}", what.words()))));
        }
        let numbers = &self.state.numbers;
        let ours = numbers.counts(agency, series);
        let open = numbers.open(agency, sequence).is_some();
        Ok((ours && !open).then(|| wrong("is not open".to_owned())))
    }

    /// Notes what a record of a batch says of a number, until the view knows it.
    pub(crate) fn note_number(&mut self, record: &Record, batch: u64) {
        let Record::Evidence(own) = record else { return };
        let evidence = &own.evidence;
        if let (Some(what), Some(sequence)) = (NumberUse::of(evidence.event), evidence.sequence) {
            let (agency, at) = (evidence.originator.clone(), evidence.time);
            self.fresh_numbers.push(FreshNumber { agency, sequence, what, at, batch });
        }
    }
}

/// What became of a number, in a batch that the view may not show yet.
#[derive(Debug)]
pub(crate) struct FreshNumber {
    agency: AgencyCode,
    sequence: Sequence,
    what: NumberUse,
    at: UnixMillis,
    /// The number of the batch.
    pub(crate) batch: u64,
}
