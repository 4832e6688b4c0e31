//! Outputs that wait for their batch, and perhaps for receipts that its commit makes.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, Now};
use tram_wire::SealedStatement;

use crate::engine::{Engine, Fatal};
use crate::input::Token;
use crate::output::{Answer, Output, Reply};
use crate::record::{Owed, Record, Statement};
use crate::view::View;

/// An output that waits for its batch, and perhaps for receipts that do not exist yet.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// Complete.
    Ready(Output),
    /// A reply made of receipts of leaves.
    Done { token: Token, dispatch: DispatchId, owed: Vec<Owed>, repeat: bool },
    /// A refusal with the receipt of a leaf.
    Refused { token: Token, code: Code, detail: String, leaf: u64 },
    /// The answer to an offer.
    Answer { token: Token, dispatch: DispatchId, answers: Vec<(AgencyCode, WaitingAnswer)> },
}

/// One recipient's answer, its receipt perhaps still to be made.
#[derive(Debug)]
pub(crate) enum WaitingAnswer {
    Accepted(Owed),
    Refused(u64),
    Ready(Answer),
}

impl Engine {
    /// Gives the receipts of a commit to the dispatches they are about.
    pub(crate) fn remember_receipts(&mut self, receipts: BTreeMap<u64, Arc<[u8]>>) {
        for record in &self.records {
            let Record::Evidence(own) = record else { continue };
            let (index, id) = (own.leaf.index, own.evidence.dispatch);
            let state = &mut self.state;
            let held = state.held.get_mut(&id).or_else(|| state.closing.get_mut(&id));
            match (receipts.get(&index), held) {
                (Some(raw), Some(h)) => h.remember(Owed::Own(index), raw),
                (Some(raw), None) => state.remember_unread(&id, Owed::Own(index), raw),
                (None, _) => {}
            }
        }
        self.sealed_receipts = receipts;
    }

    /// The output itself, once its receipts exist. Where one cannot be read, the answer is "not
    /// now", and the dispatch is set aside.
    pub(crate) fn resolve(&mut self, waiting: Waiting, view: &dyn View) -> Output {
        let retry_ms = self.settings.busy_retry_ms;
        match waiting {
            Waiting::Ready(output) => output,
            Waiting::Done { token, dispatch, owed, repeat } => {
                let raw = |o: Owed| self.receipt_there(&dispatch, o, view);
                let reply = match owed.into_iter().map(raw).collect() {
                    Ok(receipts) => Reply::Done { dispatch, receipts, repeat },
                    Err(e) => {
                        self.unreadable.push((dispatch, e));
                        Reply::Later { code: Code::Quarantined, retry_ms }
                    }
                };
                Output::Reply { token, reply }
            }
            Waiting::Refused { token, code, detail, leaf } => {
                let receipt = self.sealed_receipts.get(&leaf).cloned();
                Output::Reply { token, reply: Reply::Refused { code, detail, receipt } }
            }
            Waiting::Answer { token, dispatch, answers } => {
                let mut out = Vec::new();
                for (recipient, answer) in answers {
                    let raw = |o| self.receipt_there(&dispatch, o, view);
                    let answer = match answer {
                        WaitingAnswer::Accepted(owed) => raw(owed).map(Answer::Accepted),
                        WaitingAnswer::Refused(leaf) => raw(Owed::Own(leaf)).map(Answer::Refused),
                        WaitingAnswer::Ready(answer) => Ok(answer),
                    };
                    let answer = answer.unwrap_or_else(|e| {
                        self.unreadable.push((dispatch, e));
                        Answer::Later(Code::Quarantined, retry_ms)
                    });
                    out.push((recipient, answer));
                }
                Output::Answer { token, answers: out }
            }
        }
    }

    /// The bytes of a receipt about a dispatch.
    pub(crate) fn receipt(
        &self,
        dispatch: &DispatchId,
        owed: Owed,
        view: &dyn View,
    ) -> Result<Option<Arc<[u8]>>, Fatal> {
        if let Some(raw) = self.state.get(dispatch).and_then(|h| h.raw(owed)) {
            return Ok(Some(raw.clone()));
        }
        let broken = self.state.broken.get(dispatch).and_then(|b| b.aside.as_ref());
        if let Some(raw) = broken.and_then(|aside| aside.raws.get(&owed)) {
            return Ok(Some(raw.clone()));
        }
        match owed {
            Owed::Own(leaf) => match self.sealed_receipts.get(&leaf) {
                Some(raw) => Ok(Some(raw.clone())),
                None => Ok(self.read_noted(dispatch, || view.own_receipt(leaf))?),
            },
            Owed::Foreign(digest) => {
                let history = self.read_noted(dispatch, || view.history(dispatch))?;
                Ok(history.into_iter().find_map(|r| match r {
                    Record::Foreign(f) if f.digest == digest => Some(f.raw),
                    Record::Earlier(own) if own.digest == digest => Some(own.raw),
                    _ => None,
                }))
            }
        }
    }

    /// The bytes of a receipt that must be there.
    pub(crate) fn receipt_there(
        &self,
        dispatch: &DispatchId,
        owed: Owed,
        view: &dyn View,
    ) -> Result<Arc<[u8]>, Fatal> {
        self.receipt(dispatch, owed, view)?
            .ok_or_else(|| Fatal::Stored(format!("receipt {owed:?} of {dispatch} is not there")))
    }

    /// Keeps what an agency sealed, in the commit that holds the evidence which names it.
    pub(crate) fn keep_statement(&mut self, now: Now, sealed: &SealedStatement) {
        let (digest, raw) = (sealed.object(), sealed.raw().clone());
        let dispatch = sealed.statement().dispatch;
        self.fresh_statements.insert(digest, raw.clone());
        self.record(now, Record::Statement(Statement { dispatch, digest, raw }), None, true);
    }

    /// Lets go of what the store has.
    pub(crate) fn forget_statements(&mut self, durable: &[Record]) {
        for record in durable {
            if let Record::Statement(statement) = record {
                self.fresh_statements.remove(&statement.digest);
            }
        }
    }

    /// The bytes of an agency's statement about a dispatch, by digest.
    ///
    /// # Errors
    /// [`Fatal::View`].
    pub fn statement(
        &self,
        dispatch: &DispatchId,
        digest: Digest,
        view: &dyn View,
    ) -> Result<Option<Arc<[u8]>>, Fatal> {
        if let Some(raw) = self.fresh_statements.get(&digest) {
            return Ok(Some(raw.clone()));
        }
        let history = self.read_noted(dispatch, || view.history(dispatch))?;
        Ok(history.into_iter().find_map(|record| match record {
            Record::Statement(kept) if kept.digest == digest => Some(kept.raw),
            _ => None,
        }))
    }
}
