//! A transfer of ours: the offer as it goes out, and what its answers prove.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use tram_dispatch::envelope::Document;
use tram_dispatch::{AgencyCode, Code};
use tram_trust::{Refusal, VerifiedReceipt};
use tram_wire::frame::{self, Frame, Outcome};

use super::Objection;
use crate::input::PeerAnswer;
use crate::output::Transfer;

/// The first frame of a transfer. The documents at the indices `riding` ride along; `read` gives the
/// bytes of one.
///
/// # Errors
/// Those of `read`.
pub fn offer<E>(
    transfer: &Transfer,
    riding: &BTreeSet<usize>,
    mut read: impl FnMut(&Document) -> Result<Vec<u8>, E>,
) -> Result<Frame, E> {
    let documents = transfer.dispatch.envelope().documents.iter().enumerate();
    let mut inline = Vec::with_capacity(riding.len());
    for (i, document) in documents.filter(|(i, _)| riding.contains(i)) {
        inline.push((i as u16, read(document)?));
    }
    Ok(Frame::Transfer(Box::new(frame::Transfer {
        dispatch: transfer.dispatch.raw().to_vec(),
        recipients: transfer.recipients.clone(),
        receipts: transfer.receipts.iter().map(|r| r.to_vec()).collect(),
        inline,
    })))
}

/// An answer that proves nothing: custody stays here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unproved {
    /// Refused without evidence.
    Unsigned(Code, String),
    /// Its receipt does not verify.
    Receipt(Code, String),
}

/// The answers to a transfer as they come: one for each recipient, none for anybody else.
#[derive(Debug)]
pub struct Answers<R> {
    awaited: BTreeSet<R>,
    come: Vec<(AgencyCode, PeerAnswer)>,
}

impl<R: Borrow<AgencyCode> + Ord> Answers<R> {
    /// Awaits an answer for each of these.
    pub fn awaited(recipients: impl IntoIterator<Item = R>) -> Self {
        Answers { awaited: recipients.into_iter().collect(), come: Vec::new() }
    }

    /// Whether each recipient has its answer.
    pub fn are_complete(&self) -> bool {
        self.awaited.is_empty()
    }

    /// Takes the answers of one frame, their receipts verified by `receipt`. Gives those that prove
    /// nothing; they count as "later".
    ///
    /// # Errors
    /// `PEER_UNREACHABLE`, which breaks the transfer off, for an answer that is not awaited.
    pub fn take(
        &mut self,
        part: Vec<frame::Answer>,
        receipt: impl Fn(&[u8]) -> Result<VerifiedReceipt, Refusal>,
    ) -> Result<Vec<Unproved>, Objection> {
        let mut unproved = Vec::new();
        for frame::Answer { recipient, outcome } in part {
            if !self.awaited.remove(&recipient) {
                let detail = "an answer for somebody else, or a second one";
                return Err((Code::PeerUnreachable, detail.to_owned()));
            }
            let answer = judged(outcome, &receipt).unwrap_or_else(|nothing| {
                let (Unproved::Unsigned(code, _) | Unproved::Receipt(code, _)) = nothing;
                unproved.push(nothing);
                PeerAnswer::Later { code, retry_ms: 0 }
            });
            self.come.push((recipient, answer));
        }
        Ok(unproved)
    }

    /// All answers, in the order in which they came.
    pub fn into_inner(self) -> Vec<(AgencyCode, PeerAnswer)> {
        self.come
    }
}

fn judged(
    outcome: Outcome,
    receipt: impl Fn(&[u8]) -> Result<VerifiedReceipt, Refusal>,
) -> Result<PeerAnswer, Unproved> {
    let verified = |raw: &[u8]| receipt(raw).map_err(|r| Unproved::Receipt(r.code, r.detail));
    match outcome {
        Outcome::Accepted(raw) => verified(&raw).map(PeerAnswer::Accepted),
        Outcome::Refused(raw) => verified(&raw).map(PeerAnswer::Refused),
        Outcome::RefusedUnsigned { code, detail } => Err(Unproved::Unsigned(code, detail)),
        Outcome::Later { code, retry_ms } => Ok(PeerAnswer::Later { code, retry_ms }),
    }
}
