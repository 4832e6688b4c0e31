//! Outputs that wait for their batch, and perhaps for receipts that its commit makes.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_dispatch::{AgencyCode, Code, DispatchId};

use crate::engine::{Engine, Fatal};
use crate::input::Token;
use crate::output::{Answer, Output, Reply};
use crate::record::{Owed, Record};
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
            if let (Some(raw), Some(h)) = (receipts.get(&index), held) {
                h.remember(Owed::Own(index), raw);
            }
        }
        self.sealed_receipts = receipts;
    }

    /// The output itself, once its receipts exist.
    pub(crate) fn resolve(&self, waiting: Waiting, view: &dyn View) -> Result<Output, Fatal> {
        Ok(match waiting {
            Waiting::Ready(output) => output,
            Waiting::Done { token, dispatch, owed, repeat } => {
                let mut receipts = Vec::new();
                for o in owed {
                    receipts.push(self.receipt_there(&dispatch, o, view)?);
                }
                Output::Reply { token, reply: Reply::Done { dispatch, receipts, repeat } }
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
                        WaitingAnswer::Accepted(owed) => Answer::Accepted(raw(owed)?),
                        WaitingAnswer::Refused(leaf) => Answer::Refused(raw(Owed::Own(leaf))?),
                        WaitingAnswer::Ready(answer) => answer,
                    };
                    out.push((recipient, answer));
                }
                Output::Answer { token, answers: out }
            }
        })
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
        match owed {
            Owed::Own(leaf) => match self.sealed_receipts.get(&leaf) {
                Some(raw) => Ok(Some(raw.clone())),
                None => Ok(view.own_receipt(leaf)?),
            },
            Owed::Foreign(digest) => {
                Ok(view.history(dispatch)?.into_iter().find_map(|r| match r {
                    Record::Foreign(f) if f.digest == digest => Some(f.raw),
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
}
