//! Taking one dispatch from a peer, as `node/src/daemon/link/take.rs` does around
//! [`tram_engine::transfer::take`]: ask the engine, take the documents, answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_dispatch::envelope::Document;
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, NodeId, Now};
use tram_engine::transfer::take::{NotTaken, ParsedOffer, SoundOffer, answer_frames};
use tram_engine::{Answer, Token};
use tram_peer::limits::{DATA_MS_MAX, OFFER_MS_MAX};
use tram_peer::taker::Awaited;
use tram_spool::documents::DocumentWriter;
use tram_trust::{Refusal, VerifiedReceipt};
use tram_wire::Receipt;
use tram_wire::frame::{self, Frame};

use super::action::{Action, Session, Stream};
use super::conversation::Flow;
use super::octets::Octets;
use super::running::{Running, Stop};
use crate::plant::Plant;

/// What offers were answered with at first (a planted bug).
pub(super) type Kept = BTreeMap<(DispatchId, AgencyCode), Arc<[u8]>>;

/// An offer whose signatures hold.
#[derive(Clone)]
pub(super) struct Checked {
    pub(super) offer: SoundOffer,
    /// Files that stay until the engine has decided.
    pub(super) pinned: Vec<Digest>,
    /// The size of our log when it was offered.
    offered_at: u64,
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
                match self.check(now, peer, *offer) {
                    Err(not_taken) => {
                        self.answer_with(session, stream, not_taken.for_all(&recipients));
                        Ok(())
                    }
                    Ok(_) if !self.has_room() => {
                        let later = NotTaken::later(Code::BusyStorage).for_all(&recipients);
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
        let input = checked.offer.clone().into_input(token);
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
        let decided = match self.orphans.remove(&token) {
            Some(checked) => Some(Box::new(checked)),
            None => match self.undecided(token) {
                Some((session, stream, _, checked, again)) => {
                    if !again {
                        checked.offer.close_door(&self.doors, &answers, now.mono_ms);
                    }
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
        let settled = checked.offer.settled(&answers);
        if !settled.is_empty() {
            let who = checked.bringer();
            for digest in &settled {
                self.uploads.forget(&who, digest);
            }
            self.remove_documents(settled);
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
        for frame in answer_frames(answers) {
            self.send(session, stream, &frame);
        }
        self.actions.push_back(Action::Finish { session, stream });
    }

    /// Answers from what was kept, where a bug is planted.
    fn answers_kept(&self, checked: &Checked) -> Option<Vec<(AgencyCode, Answer)>> {
        if self.plant != Some(Plant::OldReceiptForReturned) {
            return None;
        }
        let id = checked.offer.dispatch().id();
        let old = |r: &AgencyCode| {
            let raw = self.kept.get(&(id, r.clone()))?;
            Some((r.clone(), Answer::Accepted(raw.clone())))
        };
        checked.offer.recipients().iter().map(old).collect()
    }

    fn keep_answers(&mut self, checked: &Checked, answers: &[(AgencyCode, Answer)]) {
        if self.plant != Some(Plant::OldReceiptForReturned) {
            return;
        }
        for (recipient, answer) in answers {
            if let Answer::Accepted(raw) = answer {
                let key = (checked.offer.dispatch().id(), recipient.clone());
                self.kept.entry(key).or_insert_with(|| raw.clone());
            }
        }
    }

    fn check(&self, now: Now, peer: &NodeId, offer: frame::Transfer) -> Result<Checked, NotTaken> {
        let offer = ParsedOffer::parse(peer, offer)?.afford(&self.doors, now.mono_ms)?.verify_by(
            &self.verifier,
            &self.me,
            |raw| self.verify_receipt(raw),
        )?;
        Ok(Checked { offer, pinned: Vec::new(), offered_at: self.engine.log_head().0 })
    }

    /// Parses and verifies one receipt, unless a bug is planted.
    pub(super) fn verify_receipt(&self, raw: &[u8]) -> Result<VerifiedReceipt, Refusal> {
        let verified = self.verifier.receipt_bytes(raw);
        if self.plant != Some(Plant::NoProofCheck) {
            return verified;
        }
        verified.or_else(|refusal| match Receipt::parse(raw) {
            Ok(receipt) => Ok(tram_trust::assertion::receipt_from_store(receipt)),
            Err(_) => Err(refusal),
        })
    }
}

/// Until when the next octets of a document must have come.
pub(super) fn data_until(now: Now) -> Option<u64> {
    Some(now.mono_ms + DATA_MS_MAX)
}
