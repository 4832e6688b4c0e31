//! Taking one dispatch from a peer, as `node/src/daemon/link/take.rs` does: parse, verify, ask the
//! engine, take the documents, answer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tram_dispatch::envelope::Document;
use tram_dispatch::limits::{FRAME_BYTES_MAX, RECEIPT_BYTES_MAX, UPSTREAM_RECEIPTS_MAX};
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, NodeId, Now};
use tram_engine::{Answer, Documents, Input, Token};
use tram_peer::taker::Awaited;
use tram_spool::documents::DocumentWriter;
use tram_trust::{Verdict, VerifiedDispatch, VerifiedReceipt};
use tram_wire::frame::{self, Frame};
use tram_wire::{Receipt, SealedDispatch};

use super::action::{Action, Session, Stream};
use super::conversation::Flow;
use super::octets::Octets;
use super::running::{Running, Stop};
use crate::plant::Plant;

/// Answers in one frame: as many as fit whatever their receipts' size.
const ANSWERS_PER_FRAME_MAX: usize = FRAME_BYTES_MAX / 2 / RECEIPT_BYTES_MAX;
/// What "later" says when nothing better is known.
const LATER_MS: u64 = 5_000;
/// An offer must be here in full so long after it began.
const OFFER_MS_MAX: u64 = 45_000;
/// After this without the document that comes next, the giver is given up.
const DATA_MS_MAX: u64 = 120_000;

pub(super) type Objection = (Code, String);

/// What offers were answered with at first (a planted bug).
pub(super) type Kept = BTreeMap<(DispatchId, AgencyCode), Arc<[u8]>>;

/// An offer whose signatures hold.
#[derive(Clone)]
pub(super) struct Checked {
    pub(super) peer: NodeId,
    pub(super) dispatch: VerifiedDispatch,
    pub(super) recipients: Vec<AgencyCode>,
    pub(super) receipts: Vec<VerifiedReceipt>,
    pub(super) documents: Documents,
    /// Files that stay until the engine has decided.
    pub(super) pinned: Vec<Digest>,
    /// The size of our log when it was offered.
    offered_at: u64,
}

/// A refusal before the engine saw anything.
#[derive(Debug)]
pub(super) enum Refusal {
    Unsigned(Objection),
    Later(Code),
}

/// A transfer as its taker sees it.
pub(super) struct Taking {
    pub(super) octets: Octets,
    pub(super) until_ms: Option<u64>,
    pub(super) stage: Stage,
}

pub(super) enum Stage {
    /// The offer is awaited.
    Offer,
    /// The engine decides; the second time, all documents are here.
    Deciding { checked: Box<Checked>, token: Token, again: bool },
    /// The documents are on their way.
    Documents { checked: Box<Checked>, parts: Box<Parts> },
}

/// Documents on their way, by index in the envelope.
pub(super) struct Parts {
    pub(super) awaited: Awaited,
    pub(super) writers: BTreeMap<u16, DocumentWriter>,
    pub(super) current: Option<Part>,
}

/// The document whose octets come now.
pub(super) struct Part {
    pub(super) document: Document,
    pub(super) left: u64,
    pub(super) writer: Option<DocumentWriter>,
    pub(super) bytes: Vec<u8>,
}

impl Taking {
    pub(super) fn new(now: Now) -> Self {
        let until_ms = Some(now.mono_ms + OFFER_MS_MAX);
        Taking { octets: Octets::default(), until_ms, stage: Stage::Offer }
    }
}

impl Running {
    /// Goes on with a transfer as its taker.
    pub(super) fn taking(
        &mut self,
        now: Now,
        session: Session,
        stream: Stream,
        peer: &NodeId,
        mut taking: Taking,
    ) -> Result<(), Stop> {
        match taking.stage {
            Stage::Deciding { .. } => {
                self.keep_flow(session, stream, Flow::Taking(Box::new(taking)));
                Ok(())
            }
            Stage::Offer => {
                let bytes = match taking.octets.frame() {
                    Err(_) => return self.break_off(session, stream),
                    Ok(Some(bytes)) => bytes,
                    Ok(None) => {
                        self.keep_flow(session, stream, Flow::Taking(Box::new(taking)));
                        return Ok(());
                    }
                };
                let Ok(Frame::Transfer(offer)) = frame::decode(&bytes) else {
                    return self.break_off(session, stream);
                };
                let recipients = offer.recipients.clone();
                match self.check(peer, *offer) {
                    Err(refusal) => {
                        self.answer_with(session, stream, refusal.for_all(&recipients));
                        Ok(())
                    }
                    Ok(_) if !self.has_room() => {
                        let later = Refusal::Later(Code::BusyStorage).for_all(&recipients);
                        self.answer_with(session, stream, later);
                        Ok(())
                    }
                    // The store waits for room: nobody decides.
                    Ok(_) if self.waits => self.break_off(session, stream),
                    Ok(checked) => {
                        if let Some(answers) = self.answers_kept(&checked) {
                            self.answer_offer(session, stream, answers, checked.offered_at);
                            return Ok(());
                        }
                        let checked = Box::new(checked);
                        self.decide(now, session, stream, taking.octets, checked, false)
                    }
                }
            }
            Stage::Documents { checked, parts } => {
                self.documents_come(now, session, stream, taking.octets, checked, parts)
            }
        }
    }

    fn break_off(&mut self, session: Session, stream: Stream) -> Result<(), Stop> {
        self.actions.push_back(Action::Reset { session, stream });
        Ok(())
    }

    /// Hands an offer to the engine.
    pub(super) fn decide(
        &mut self,
        now: Now,
        session: Session,
        stream: Stream,
        octets: Octets,
        checked: Box<Checked>,
        again: bool,
    ) -> Result<(), Stop> {
        let token = self.token();
        let input = Input::Offer {
            token,
            peer: checked.peer.clone(),
            dispatch: checked.dispatch.clone(),
            recipients: checked.recipients.clone(),
            receipts: checked.receipts.clone(),
            documents: checked.documents.clone(),
        };
        let stage = Stage::Deciding { checked, token, again };
        let taking = Taking { octets, until_ms: None, stage };
        self.keep_flow(session, stream, Flow::Taking(Box::new(taking)));
        self.offers.insert(token, (session, stream));
        self.handle(now, input)
    }

    fn undecided(&mut self, token: Token) -> Option<(Session, Stream, Octets, Box<Checked>, bool)> {
        let (session, stream) = self.offers.remove(&token)?;
        let talk = self.sessions.get_mut(&session)?;
        let flow = talk.streams.insert(stream, Flow::Over)?;
        match flow {
            Flow::Taking(taking) => match *taking {
                Taking { octets, stage: Stage::Deciding { checked, again, .. }, .. } => {
                    Some((session, stream, octets, checked, again))
                }
                _ => None,
            },
            Flow::Giving(_) | Flow::Over => None,
        }
    }

    /// The engine wants the documents.
    pub(super) fn take_documents(&mut self, now: Now, token: Token) -> Result<(), Stop> {
        if let Some(checked) = self.orphans.remove(&token) {
            self.unpin(&checked.pinned);
            return Ok(());
        }
        let Some((session, stream, octets, checked, again)) = self.undecided(token) else {
            return Ok(());
        };
        if again {
            // Documents asked for twice: the daemon breaks the stream off as well.
            self.unpin(&checked.pinned);
            return self.break_off(session, stream);
        }
        self.begin_documents(now, session, stream, octets, checked)
    }

    /// The engine decided.
    pub(super) fn answer(
        &mut self,
        now: Now,
        token: Token,
        answers: Vec<(AgencyCode, Answer)>,
    ) -> Result<(), Stop> {
        let _ = now;
        let decided = match self.orphans.remove(&token) {
            Some(checked) => Some(Box::new(checked)),
            None => match self.undecided(token) {
                Some((session, stream, _, checked, _)) => {
                    let at = checked.offered_at;
                    self.answer_offer(session, stream, answers.clone(), at);
                    Some(checked)
                }
                None => None,
            },
        };
        let Some(checked) = decided else { return Ok(()) };
        self.keep_answers(&checked, &answers);
        self.unpin(&checked.pinned);
        let again = answers.iter().any(|(_, a)| matches!(a, Answer::Later(..)));
        if !again && !checked.documents.files.is_empty() {
            let who = checked.bringer();
            let files: Vec<Digest> = checked.documents.files.iter().map(|(d, _)| *d).collect();
            for digest in &files {
                self.uploads.forget(&who, digest);
            }
            self.remove_documents(files);
        }
        Ok(())
    }

    /// The stream of a transfer we take is gone.
    pub(super) fn abandon(&mut self, taking: Taking) -> Result<(), Stop> {
        match taking.stage {
            Stage::Offer => Ok(()),
            Stage::Deciding { checked, token, .. } => {
                self.offers.remove(&token);
                self.orphans.insert(token, *checked);
                Ok(())
            }
            Stage::Documents { checked, parts } => {
                self.unpin(&checked.pinned);
                self.suspend(*parts)
            }
        }
    }

    pub(super) fn answer_with(
        &mut self,
        session: Session,
        stream: Stream,
        answers: Vec<(AgencyCode, Answer)>,
    ) {
        self.answer_offer(session, stream, answers, u64::MAX);
    }

    fn answer_offer(
        &mut self,
        session: Session,
        stream: Stream,
        answers: Vec<(AgencyCode, Answer)>,
        offered_at: u64,
    ) {
        self.release(&answers, offered_at);
        let answers: Vec<frame::Answer> = answers
            .into_iter()
            .map(|(recipient, answer)| frame::Answer { recipient, outcome: answer.into() })
            .collect();
        for part in answers.chunks(ANSWERS_PER_FRAME_MAX) {
            self.send(session, stream, &Frame::Answer(part.to_vec()));
        }
        self.actions.push_back(Action::Finish { session, stream });
    }

    /// Answers from what was kept, where a bug is planted.
    fn answers_kept(&self, checked: &Checked) -> Option<Vec<(AgencyCode, Answer)>> {
        if self.plant != Some(Plant::OldReceiptForReturned) {
            return None;
        }
        let id = checked.dispatch.id();
        let old = |r: &AgencyCode| {
            let raw = self.kept.get(&(id, r.clone()))?;
            Some((r.clone(), Answer::Accepted(raw.clone())))
        };
        checked.recipients.iter().map(old).collect()
    }

    fn keep_answers(&mut self, checked: &Checked, answers: &[(AgencyCode, Answer)]) {
        if self.plant != Some(Plant::OldReceiptForReturned) {
            return;
        }
        for (recipient, answer) in answers {
            if let Answer::Accepted(raw) = answer {
                let key = (checked.dispatch.id(), recipient.clone());
                self.kept.entry(key).or_insert_with(|| raw.clone());
            }
        }
    }

    /// Parses and verifies everything an offer carries.
    fn check(&self, peer: &NodeId, offer: frame::Transfer) -> Result<Checked, Refusal> {
        let refuse = Refusal::Unsigned;
        if offer.receipts.len() > 1 + UPSTREAM_RECEIPTS_MAX * offer.recipients.len().max(1) {
            return Err(refuse((Code::TooLarge, "too many upstream receipts".into())));
        }
        let mut receipts = Vec::with_capacity(offer.receipts.len());
        for raw in &offer.receipts {
            receipts.push(self.verify_receipt(raw).map_err(refuse)?);
        }
        let first = receipts.first().ok_or_else(|| {
            refuse((Code::ReceiptInvalid, "the first node's receipt is missing".into()))
        })?;
        let judged_at = first.record().time;
        let sealed =
            SealedDispatch::parse(&offer.dispatch).map_err(|e| refuse((e.code, e.detail)))?;
        let verifier = &self.verifier;
        let last =
            offer.recipients.iter().any(|r| verifier.directory().hosting(r) == Some(&self.me));
        let verdict = match last {
            true => verifier.dispatch(sealed, judged_at),
            false => verifier.dispatch_for_relay(sealed, judged_at),
        };
        let dispatch = match verdict {
            Verdict::Verified(dispatch) => dispatch,
            Verdict::Refused(r) => return Err(refuse((r.code, r.detail))),
            Verdict::Undetermined(cause) => return Err(Refusal::Later(cause.code)),
        };
        let listed = &dispatch.envelope().documents;
        let documents = Documents::of_offer(listed, offer.inline).map_err(refuse)?;
        let (peer, recipients) = (peer.clone(), offer.recipients);
        let (pinned, offered_at) = (Vec::new(), self.engine.log_head().0);
        Ok(Checked { peer, dispatch, recipients, receipts, documents, pinned, offered_at })
    }

    /// Parses and verifies one receipt.
    pub(super) fn verify_receipt(&self, raw: &[u8]) -> Result<VerifiedReceipt, Objection> {
        let receipt = Receipt::parse(raw).map_err(|e| (Code::ReceiptInvalid, e.detail))?;
        if self.plant == Some(Plant::NoProofCheck) {
            let checked = self.verifier.receipt(receipt.clone());
            return Ok(
                checked.unwrap_or_else(|_| tram_trust::assertion::receipt_from_store(receipt))
            );
        }
        self.verifier.receipt(receipt).map_err(|r| (r.code, r.detail))
    }
}

impl Refusal {
    pub(super) fn for_all(self, recipients: &[AgencyCode]) -> Vec<(AgencyCode, Answer)> {
        let answer = match self {
            Refusal::Unsigned((code, detail)) => Answer::RefusedUnsigned(code, detail),
            Refusal::Later(code) => Answer::Later(code, LATER_MS),
        };
        recipients.iter().map(|r| (r.clone(), answer.clone())).collect()
    }
}

/// Until when the next octets of a document must have come.
pub(super) fn data_until(now: Now) -> Option<u64> {
    Some(now.mono_ms + DATA_MS_MAX)
}

/// Documents of an offer that are asked for, by index, each once.
pub(super) fn wanted(checked: &Checked) -> VecDeque<(u16, Document)> {
    let listed = &checked.dispatch.envelope().documents;
    listed
        .iter()
        .enumerate()
        .filter(|(i, d)| listed.iter().position(|o| o.sha256 == d.sha256) == Some(*i))
        .filter(|(_, d)| checked.documents.missing.contains(&d.sha256))
        .map(|(i, d)| (i as u16, d.clone()))
        .collect()
}
