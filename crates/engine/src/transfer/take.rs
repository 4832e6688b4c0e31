//! A peer's offer, from its frame to what the engine decides on, cheapest refusals first.
//!
//! Each step is a type that only the step before it gives, so none can be left out or overtake another:
//!
//! ```text
//! frame ──parse──▶ ParsedOffer ──afford──▶ AffordedOffer ──verify──▶ SoundOffer ──into_input──▶ engine
//!        syntax                 quota                    signatures
//! ```
//!
//! What a peer may not have just now is told it before any signature is checked.

use tram_dispatch::envelope::Document;
use tram_dispatch::limits::{
    FRAME_BYTES_MAX, INLINE_DOCUMENT_BYTES_MAX, JOURNAL_INLINE_BYTES_MAX, RECEIPT_BYTES_MAX,
    UPSTREAM_RECEIPTS_MAX,
};
use tram_dispatch::{AgencyCode, Code, Digest, NodeId};
use tram_trust::{Refusal, Verdict, VerifiedDispatch, VerifiedReceipt, Verifier};
use tram_wire::SealedDispatch;
use tram_wire::frame::{self, Frame};

use super::Objection;
use crate::input::{Documents, Input, Token};
use crate::output::Answer;
use crate::quota::DoorsOf;

/// Answers in one frame: as many as fit whatever their receipts' size.
pub const ANSWERS_PER_FRAME_MAX: usize = FRAME_BYTES_MAX / 2 / RECEIPT_BYTES_MAX;
/// What "later" says when nothing better is known, milliseconds.
pub const LATER_MS: u64 = 5_000;

/// Why an offer is not taken before the engine saw it. Nothing is recorded of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Something that it carries does not hold.
    Refused(Code, String),
    /// Not now: after so many milliseconds.
    Later(Code, u64),
}

impl NotTaken {
    /// Not now, and nobody knows when.
    pub fn later(code: Code) -> Self {
        NotTaken::Later(code, LATER_MS)
    }

    /// The same answer for every recipient of the offer.
    pub fn for_all(self, recipients: &[AgencyCode]) -> Vec<(AgencyCode, Answer)> {
        let answer = match self {
            NotTaken::Refused(code, detail) => Answer::RefusedUnsigned(code, detail),
            NotTaken::Later(code, retry_ms) => Answer::Later(code, retry_ms),
        };
        recipients.iter().map(|r| (r.clone(), answer.clone())).collect()
    }
}

impl<E: Into<Objection>> From<E> for NotTaken {
    fn from(objection: E) -> Self {
        let (code, detail) = objection.into();
        NotTaken::Refused(code, detail)
    }
}

/// An offer whose sealed dispatch holds in syntax. Nothing of it is verified.
#[derive(Debug)]
pub struct ParsedOffer<'a> {
    peer: &'a NodeId,
    sealed: SealedDispatch,
    recipients: Vec<AgencyCode>,
    receipts: Vec<Vec<u8>>,
    riding: Vec<(u16, Vec<u8>)>,
}

impl<'a> ParsedOffer<'a> {
    /// Parses what `peer` offers.
    ///
    /// # Errors
    /// Refused with `TOO_LARGE` for more receipts than hops can have left, else as
    /// [`SealedDispatch::parse`].
    pub fn parse(peer: &'a NodeId, offer: frame::Transfer) -> Result<Self, NotTaken> {
        let frame::Transfer { dispatch, recipients, receipts, inline: riding } = offer;
        if receipts.len() > 1 + UPSTREAM_RECEIPTS_MAX * recipients.len().max(1) {
            return Err(NotTaken::Refused(Code::TooLarge, "too many upstream receipts".into()));
        }
        let sealed = SealedDispatch::parse(&dispatch)?;
        Ok(ParsedOffer { peer, sealed, recipients, receipts, riding })
    }

    /// Goes on unless the peer's door is closed: then it is told so again. `now_ms` is monotonic.
    ///
    /// # Errors
    /// Later, with `QUOTA`.
    pub fn afford(
        self,
        doors: &DoorsOf<NodeId>,
        now_ms: u64,
    ) -> Result<AffordedOffer<'a>, NotTaken> {
        let class = self.sealed.envelope().metadata.urgency.class();
        match doors.turn_away(self.peer, class, now_ms) {
            Some(retry_ms) => Err(NotTaken::Later(Code::Quota, retry_ms)),
            None => Ok(AffordedOffer(self)),
        }
    }
}

/// An offer on which signature checks may be spent.
#[derive(Debug)]
pub struct AffordedOffer<'a>(ParsedOffer<'a>);

impl AffordedOffer<'_> {
    /// Verifies everything the offer carries; `me` is this node. This is the costly step: a few
    /// signatures, and a digest of every document that rides along.
    ///
    /// # Errors
    /// Refused with `RECEIPT_INVALID` where the first node's receipt is missing, and with the codes of
    /// [`Verifier::receipt_bytes`], [`Verifier::dispatch`] and [`Documents::of_offer`]; later where the
    /// verdict is undetermined.
    pub fn verify(self, verifier: &Verifier, me: &NodeId) -> Result<SoundOffer, NotTaken> {
        self.verify_by(verifier, me, |raw| verifier.receipt_bytes(raw))
    }

    /// As [`AffordedOffer::verify`], with receipts verified by `receipt`.
    ///
    /// # Errors
    /// As [`AffordedOffer::verify`].
    pub fn verify_by(
        self,
        verifier: &Verifier,
        me: &NodeId,
        receipt: impl Fn(&[u8]) -> Result<VerifiedReceipt, Refusal>,
    ) -> Result<SoundOffer, NotTaken> {
        let ParsedOffer { peer, sealed, recipients, receipts: raw, riding } = self.0;
        let mut receipts = Vec::with_capacity(raw.len());
        for raw in &raw {
            receipts.push(receipt(raw)?);
        }
        let first = receipts.first().ok_or_else(|| {
            NotTaken::Refused(Code::ReceiptInvalid, "the first node's receipt is missing".into())
        })?;
        // One moment judges the certificate, here and everywhere: first custody.
        let judged_at = first.record().time;
        let last = recipients.iter().any(|r| verifier.directory().hosting(r) == Some(me));
        let verdict = match last {
            true => verifier.dispatch(sealed, judged_at),
            false => verifier.dispatch_for_relay(sealed, judged_at),
        };
        let dispatch = match verdict {
            Verdict::Verified(dispatch) => dispatch,
            Verdict::Refused(refusal) => return Err(refusal.into()),
            Verdict::Undetermined(cause) => return Err(NotTaken::later(cause.code)),
        };
        let documents = Documents::of_offer(&dispatch.envelope().documents, riding)?;
        Ok(SoundOffer { peer: peer.clone(), dispatch, recipients, receipts, documents })
    }
}

/// An offer of which everything that came is verified. Documents may still be missing.
#[derive(Clone, Debug)]
pub struct SoundOffer {
    peer: NodeId,
    dispatch: VerifiedDispatch,
    recipients: Vec<AgencyCode>,
    receipts: Vec<VerifiedReceipt>,
    documents: Documents,
}

impl SoundOffer {
    /// Who offers.
    pub fn peer(&self) -> &NodeId {
        &self.peer
    }

    /// What is offered.
    pub fn dispatch(&self) -> &VerifiedDispatch {
        &self.dispatch
    }

    /// For whom.
    pub fn recipients(&self) -> &[AgencyCode] {
        &self.recipients
    }

    /// Its documents, as far as they are here.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// The documents that are missing, each once, by their index in the envelope, ascending.
    pub fn wanted(&self) -> Vec<u16> {
        let listed = &self.dispatch.envelope().documents;
        listed
            .iter()
            .enumerate()
            .filter(|(_, d)| self.documents.missing.contains(&d.sha256))
            .filter(|(i, d)| listed.iter().position(|o| o.sha256 == d.sha256) == Some(*i))
            .map(|(i, _)| i as u16)
            .collect()
    }

    /// Of the documents that are missing, those that are to come into memory and into the journal: small
    /// ones, in order, as long as there is room. The others become files.
    pub fn inline(&self) -> Vec<u16> {
        let listed = &self.dispatch.envelope().documents;
        let mut room = JOURNAL_INLINE_BYTES_MAX as u64;
        let here = self.documents.inline.iter().map(|(_, bytes)| bytes.len() as u64);
        room = room.saturating_sub(here.sum());
        let mut inline = self.wanted();
        inline.retain(|i| {
            let size = listed[usize::from(*i)].size;
            let fits = size <= (INLINE_DOCUMENT_BYTES_MAX as u64).min(room);
            room -= if fits { size } else { 0 };
            fits
        });
        inline
    }

    /// A missing document is here, whole and durable, as a file.
    pub fn take_file(&mut self, document: &Document) {
        self.documents.files.push((document.sha256, document.size));
        self.documents.missing.retain(|digest| *digest != document.sha256);
    }

    /// The bytes of a missing document came.
    ///
    /// # Errors
    /// As [`Documents::take_inline`].
    pub fn take_inline(&mut self, document: &Document, bytes: Vec<u8>) -> Result<(), NotTaken> {
        self.documents.take_inline(document, bytes)?;
        self.documents.missing.retain(|digest| *digest != document.sha256);
        Ok(())
    }

    /// What the engine decides on.
    pub fn into_input(self, token: Token) -> Input {
        let SoundOffer { peer, dispatch, recipients, receipts, documents } = self;
        Input::Offer { token, peer, dispatch, recipients, receipts, documents }
    }

    /// Where the engine says that the peer is over its quota, its next offers need not ask: closes its
    /// door. `now_ms` is monotonic.
    pub fn close_door(
        &self,
        doors: &DoorsOf<NodeId>,
        answers: &[(AgencyCode, Answer)],
        now_ms: u64,
    ) {
        let over = answers.iter().find_map(|(_, answer)| match answer {
            Answer::Later(Code::Quota, retry_ms) => Some(*retry_ms),
            _ => None,
        });
        if let Some(retry_ms) = over {
            let class = self.dispatch.envelope().metadata.urgency.class();
            doors.close(&self.peer, class, retry_ms, now_ms);
        }
    }

    /// The files that nobody but the engine counts on once it has decided: none while the offer is to
    /// come again, for then they need not be given again.
    pub fn settled(&self, answers: &[(AgencyCode, Answer)]) -> Vec<Digest> {
        if answers.iter().any(|(_, answer)| matches!(answer, Answer::Later(..))) {
            return Vec::new();
        }
        self.documents.files.iter().map(|(digest, _)| *digest).collect()
    }
}

/// The frames that carry the answers to an offer.
pub fn answer_frames(answers: Vec<(AgencyCode, Answer)>) -> impl Iterator<Item = Frame> {
    let mut answers = answers
        .into_iter()
        .map(|(recipient, answer)| frame::Answer { recipient, outcome: answer.into() });
    std::iter::from_fn(move || {
        let part: Vec<frame::Answer> = answers.by_ref().take(ANSWERS_PER_FRAME_MAX).collect();
        (!part.is_empty()).then_some(Frame::Answer(part))
    })
}
