//! Giving one dispatch to a peer, as `node/src/daemon/link/give.rs` does.

use std::collections::BTreeSet;

use tram_dispatch::envelope::Document;
use tram_dispatch::limits::{INLINE_DOCUMENT_BYTES_MAX, INLINE_TOTAL_BYTES_MAX};
use tram_dispatch::{AgencyCode, Code, Digest, Event, EvidenceRecord, NodeId, Now};
use tram_engine::{Input, PeerAnswer, Transfer};
use tram_peer::giver::{Giver, Next};
use tram_tlog::{MemoryTree, inclusion_proof};
use tram_wire::frame::{self, Frame, Outcome, Range};
use tram_wire::{Receipt, SignedRoot};

use super::action::{Action, Session, Stream};
use super::conversation::Flow;
use super::octets::Octets;
use super::running::{Running, Stop};
use crate::land::land;
use crate::plant::Plant;

/// Octets of a document sent at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// Longest wait for the next thing a peer says of a transfer.
const ANSWER_MS_MAX: u64 = 600_000;

/// A transfer as its giver sees it.
pub(super) struct Giving {
    pub(super) octets: Octets,
    pub(super) until_ms: u64,
    transfer: Transfer,
    giver: Giver,
    awaited: BTreeSet<AgencyCode>,
    answers: Vec<(AgencyCode, PeerAnswer)>,
}

type Broken = (Code, String);

/// Which documents ride along, by index.
fn riding(documents: &[Document]) -> BTreeSet<usize> {
    let mut total = 0;
    let mut rides = BTreeSet::new();
    for (i, d) in documents.iter().enumerate() {
        let size = usize::try_from(d.size).unwrap_or(usize::MAX);
        if size <= INLINE_DOCUMENT_BYTES_MAX && total + size <= INLINE_TOTAL_BYTES_MAX {
            total += size;
            rides.insert(i);
        }
    }
    rides
}

impl Running {
    /// Begins a transfer; false if there is no session with that peer.
    pub(super) fn give(&mut self, now: Now, transfer: Transfer) -> Result<bool, Stop> {
        let Some(session) = self.links.get(&transfer.peer).copied() else { return Ok(false) };
        let documents = transfer.dispatch.envelope().documents.clone();
        let giving = Giving {
            octets: Octets::default(),
            until_ms: now.mono_ms + ANSWER_MS_MAX,
            giver: Giver::new(&documents),
            awaited: transfer.recipients.iter().cloned().collect(),
            answers: Vec::new(),
            transfer,
        };
        let offer = match self.offer_frame(&giving.transfer, &documents) {
            Ok(offer) => offer,
            Err((cause, _)) => {
                self.broke_off(now, giving, cause)?;
                return Ok(true);
            }
        };
        let Some(talk) = self.sessions.get_mut(&session) else { return Ok(false) };
        let stream = talk.next_stream();
        for raw in &giving.transfer.receipts {
            self.actions.push_back(Action::Released(raw.clone()));
        }
        self.send(session, stream, &offer);
        if self.plant == Some(Plant::CustodyOnTransport) {
            self.count_as_accepted(now, &giving.transfer)?;
        }
        self.keep_flow(session, stream, Flow::Giving(Box::new(giving)));
        Ok(true)
    }

    fn offer_frame(&self, transfer: &Transfer, documents: &[Document]) -> Result<Frame, Broken> {
        let mut inline = Vec::new();
        for i in riding(documents) {
            inline.push((i as u16, self.document(&documents[i])?));
        }
        Ok(Frame::Transfer(Box::new(frame::Transfer {
            dispatch: transfer.dispatch.raw().to_vec(),
            recipients: transfer.recipients.clone(),
            receipts: transfer.receipts.iter().map(|r| r.to_vec()).collect(),
            inline,
        })))
    }

    /// Goes on with a transfer as its giver.
    pub(super) fn giving(
        &mut self,
        now: Now,
        session: Session,
        stream: Stream,
        peer: &NodeId,
        mut giving: Giving,
    ) -> Result<(), Stop> {
        match self.next_frames(session, stream, &mut giving) {
            Ok(false) => {
                giving.until_ms = now.mono_ms + ANSWER_MS_MAX;
                self.keep_flow(session, stream, Flow::Giving(Box::new(giving)));
                Ok(())
            }
            Ok(true) => {
                self.actions.push_back(Action::Finish { session, stream });
                let dispatch = giving.transfer.dispatch.id();
                let (peer, answers) = (peer.clone(), giving.answers);
                self.handle(now, Input::Answered { peer, dispatch, answers })
            }
            Err((cause, _)) => {
                self.actions.push_back(Action::Reset { session, stream });
                self.broke_off(now, giving, cause)
            }
        }
    }

    /// Works off what the taker said; true when everything is answered.
    fn next_frames(
        &mut self,
        session: Session,
        stream: Stream,
        giving: &mut Giving,
    ) -> Result<bool, Broken> {
        let broken = |detail: &str| (Code::PeerUnreachable, detail.to_owned());
        while !giving.awaited.is_empty() {
            let next = giving.octets.frame().map_err(|_| broken("a frame is too long"))?;
            let Some(bytes) = next else { return Ok(false) };
            let frame = frame::decode(&bytes).map_err(|e| (e.code, e.detail))?;
            match giving.giver.handle(frame).map_err(|r| (r.code, r.detail))? {
                Next::Give(ranges) => {
                    for range in ranges {
                        self.give_range(session, stream, giving, range)?;
                    }
                }
                Next::Answered(part) => {
                    for a in part {
                        if !giving.awaited.remove(&a.recipient) {
                            return Err(broken("an answer for somebody else, or a second one"));
                        }
                        let judged = self.judged(a.outcome);
                        giving.answers.push((a.recipient, judged));
                    }
                }
            }
        }
        Ok(true)
    }

    fn give_range(
        &mut self,
        session: Session,
        stream: Stream,
        giving: &Giving,
        range: Range,
    ) -> Result<(), Broken> {
        let documents = &giving.transfer.dispatch.envelope().documents;
        let bytes = self.document(&documents[usize::from(range.document)])?;
        let length = giving.giver.remaining(&range);
        let Range { document, offset } = range;
        self.send(session, stream, &Frame::Data { document, offset, length });
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        for chunk in bytes[from..].chunks(CHUNK_BYTES) {
            self.actions.push_back(Action::Send { session, stream, bytes: chunk.to_vec() });
        }
        Ok(())
    }

    fn judged(&self, outcome: Outcome) -> PeerAnswer {
        let later = |code| PeerAnswer::Later { code, retry_ms: 0 };
        match outcome {
            Outcome::Accepted(raw) => match self.verify_receipt(&raw) {
                Ok(receipt) => PeerAnswer::Accepted(receipt),
                Err((code, _)) => later(code),
            },
            Outcome::Refused(raw) => match self.verify_receipt(&raw) {
                Ok(receipt) => PeerAnswer::Refused(receipt),
                Err((code, _)) => later(code),
            },
            Outcome::RefusedUnsigned { code, .. } => later(code),
            Outcome::Later { code, retry_ms } => PeerAnswer::Later { code, retry_ms },
        }
    }

    pub(super) fn broke_off(&mut self, now: Now, giving: Giving, cause: Code) -> Result<(), Stop> {
        let (peer, dispatch) = (giving.transfer.peer, giving.transfer.dispatch.id());
        self.handle(now, Input::TransferFailed { peer, dispatch, cause })
    }

    /// Takes a transfer for accepted because its octets are with the transport (a planted bug): the
    /// acceptance that the peer would give is made up.
    fn count_as_accepted(&mut self, now: Now, transfer: &Transfer) -> Result<(), Stop> {
        let Some(place) = land().place_of(&transfer.peer) else { return Ok(()) };
        let Some(epoch) = self.engine.held_of(&transfer.peer).map(|held| held.epoch) else {
            return Ok(());
        };
        let lives = &land().places[place].lives;
        let Some(life) = lives.iter().find(|l| l.epoch == epoch) else { return Ok(()) };
        let mut answers = Vec::new();
        for recipient in &transfer.recipients {
            let record = EvidenceRecord {
                event: Event::RelayAcceptance,
                network: self.network,
                node: transfer.peer.clone(),
                epoch,
                dispatch: transfer.dispatch.id(),
                object: Some(transfer.dispatch.object()),
                originator: transfer.dispatch.envelope().originator.clone(),
                recipient: Some(recipient.clone()),
                custody: 1,
                admission: None,
                time: now.wall,
                reason: None,
                remark: None,
                status: None,
                previous: Some(self.me.clone()),
                upstream: None,
                directory: None,
                revocation: None,
                attestation: None,
                other_object: None,
            };
            let bytes = tram_wire::evidence::encode(&record);
            let (salt, mut tree) = ([7; 16], MemoryTree::new());
            tree.push(&tram_wire::evidence::commitment(&salt, &bytes));
            let mut root = SignedRoot {
                key: Digest(life.receipt.public_key().key_id()),
                node: transfer.peer.clone(),
                epoch,
                size: 1,
                time: now.wall,
                root: tree.root().0,
                signature: Vec::new(),
            };
            let Ok(signature) = life.receipt.sign(&root.to_be_signed(self.network)) else {
                continue;
            };
            root.signature = signature;
            let path = inclusion_proof(&tree, 0, 1).unwrap_or_default();
            let path: Vec<[u8; 32]> = path.iter().map(|h| h.0).collect();
            let made = Receipt::build(self.network, &root, 0, &path, &salt, &bytes);
            if let Ok(Ok(receipt)) = made.map(|r| self.verifier.receipt(r)) {
                answers.push((recipient.clone(), PeerAnswer::Accepted(receipt)));
            }
        }
        let (peer, dispatch) = (transfer.peer.clone(), transfer.dispatch.id());
        self.handle(now, Input::Answered { peer, dispatch, answers })
    }
}
