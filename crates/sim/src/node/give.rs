//! Giving one dispatch to a peer, as `node/src/daemon/link/give.rs` does.

use tram_dispatch::{AgencyCode, Code, Digest, Event, EvidenceRecord, NodeId, Now};
use tram_engine::transfer::give::{self, Answers};
use tram_engine::{Input, PeerAnswer, Transfer};
use tram_peer::giver::{Giver, Next, riding};
use tram_peer::limits::{ANSWER_MS_MAX, CHUNK_BYTES};
use tram_tlog::{MemoryTree, inclusion_proof};
use tram_wire::frame::{self, Frame, Range};
use tram_wire::{Receipt, SignedRoot};

use super::action::{Action, Session, Stream};
use super::conversation::Flow;
use super::octets::Octets;
use super::running::{Running, Stop};
use crate::land::land;
use crate::plant::Plant;

/// A transfer as its giver sees it.
pub(super) struct Giving {
    pub(super) octets: Octets,
    pub(super) until_ms: u64,
    transfer: Transfer,
    giver: Giver,
    answers: Answers<AgencyCode>,
}

type Broken = (Code, String);

impl Running {
    /// Begins a transfer; false if there is no session with that peer.
    pub(super) fn give(&mut self, now: Now, transfer: Transfer) -> Result<bool, Stop> {
        let Some(session) = self.links.get(&transfer.peer).copied() else { return Ok(false) };
        let giving = Giving {
            octets: Octets::default(),
            until_ms: now.mono_ms + ANSWER_MS_MAX,
            giver: Giver::new(&transfer.dispatch.envelope().documents),
            answers: Answers::awaited(transfer.recipients.iter().cloned()),
            transfer,
        };
        let offer = match self.offer_frame(&giving.transfer) {
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

    fn offer_frame(&self, transfer: &Transfer) -> Result<Frame, Broken> {
        let riding = match transfer.documents {
            true => riding(&transfer.dispatch.envelope().documents),
            false => Default::default(),
        };
        give::offer(transfer, &riding, |document| self.document(document))
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
                let (peer, answers) = (peer.clone(), giving.answers.into_inner());
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
        while !giving.answers.are_complete() {
            let next = giving.octets.frame().map_err(|_| broken("a frame is too long"))?;
            let Some(bytes) = next else { return Ok(false) };
            match giving.giver.handle(frame::decode(&bytes)?)? {
                Next::Give(ranges) => {
                    for range in ranges {
                        self.give_range(session, stream, giving, range)?;
                    }
                }
                Next::Answered(part) => {
                    giving.answers.take(part, |raw| self.verify_receipt(raw))?;
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
                sequence: None,
                related: None,
                removal: None,
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
