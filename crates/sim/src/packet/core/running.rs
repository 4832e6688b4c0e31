//! The engine over its store.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;
use tram_dispatch::{Code, Digest, NodeId, Now};
use tram_engine::{Batch, Engine, Input, Output, Reply, Settings, Token, genesis_batch};
use tram_spool::disk::MemDisk;
use tram_spool::documents::{DocumentError, DocumentOptions, Uploads};
use tram_spool::store::{Store, StoreOptions, StoreReader};

use super::{Link, OfferReply, SEGMENT_BYTES, Start, ToPeer, WAIT_MS_MAX};

/// The engine, the store, and who waits for them.
pub(super) struct Running {
    pub(super) engine: Engine,
    pub(super) store: Store,
    pub(super) reader: StoreReader,
    pub(super) disk: MemDisk,
    pub(super) answers_early: bool,
    pub(super) committing: Option<Batch>,
    pub(super) next_token: u64,
    pub(super) replies: BTreeMap<Token, oneshot::Sender<Reply>>,
    pub(super) offers: BTreeMap<Token, oneshot::Sender<OfferReply>>,
    pub(super) links: BTreeMap<NodeId, (u64, Link)>,
    /// Questions whose answer waits for a batch to be durable.
    pub(super) answers: VecDeque<(u64, oneshot::Sender<()>)>,
    pub(super) pins: BTreeMap<Digest, u32>,
    /// Documents taken for a dispatch that is not in custody yet, by who brought them.
    pub(super) uploads: Uploads,
}

/// What the core does next.
pub(super) enum Step {
    Commit,
    Wait(u64),
}

impl Running {
    /// Opens the store and starts the engine from what is in it.
    pub(super) fn open(start: &Start, seed: [u8; 32]) -> Result<Self, String> {
        let options = StoreOptions {
            create_with_store_id: Some([7; 16]),
            segment_bytes: SEGMENT_BYTES,
            documents: DocumentOptions { reserve_bytes: 1 << 20, ..DocumentOptions::default() },
            ..StoreOptions::default()
        };
        let disk = Arc::new(start.disk.clone());
        let (mut store, mut recovered, _) = Store::open(disk, options).map_err(|e| e.explain())?;
        let issuer = start.country.issuer(&start.me);
        if recovered.frontier.size() == 0 {
            let genesis = &start.country.member(&start.me).genesis;
            let (batch, frontier) =
                genesis_batch(&issuer, genesis, start.clock.wall()).map_err(|e| e.to_string())?;
            store.commit(&batch).map_err(|e| e.explain())?;
            recovered.frontier = frontier;
            recovered.last_time = start.clock.wall();
        }
        let directory = start.country.directory.clone();
        let engine = Engine::new(Settings::default(), issuer, directory, recovered, seed)
            .map_err(|e| e.to_string())?;
        Ok(Running {
            engine,
            reader: store.reader(),
            store,
            disk: start.disk.clone(),
            answers_early: start.answers_early,
            committing: None,
            next_token: 0,
            replies: BTreeMap::new(),
            offers: BTreeMap::new(),
            links: BTreeMap::new(),
            answers: VecDeque::new(),
            pins: BTreeMap::new(),
            uploads: Uploads::default(),
        })
    }

    pub(super) fn token(&mut self) -> Token {
        self.next_token += 1;
        Token(self.next_token)
    }

    pub(super) fn handle(&mut self, now: Now, input: Input) -> Result<(), String> {
        self.engine.handle(now, input, &self.reader).map_err(|e| e.to_string())
    }

    pub(super) fn step(&mut self, now: Now) -> Result<Step, String> {
        if self.committing.is_none() {
            self.committing =
                self.engine.take_batch(now, &self.reader).map_err(|e| e.to_string())?;
            if let Some(number) = self.committing.as_ref().map(|b| b.number)
                && self.answers_early
            {
                self.durable(number);
            }
        }
        self.carry_out(now)?;
        if self.committing.is_some() {
            return Ok(Step::Commit);
        }
        // At least a moment: time stands still while anybody works.
        let wait_ms = self.engine.deadline().saturating_sub(now.mono_ms).clamp(1, WAIT_MS_MAX);
        Ok(Step::Wait(wait_ms))
    }

    pub(super) fn commit(&mut self, now: Now) -> Result<(), String> {
        let Some(batch) = self.committing.take() else { return Ok(()) };
        self.store.commit(&batch).map_err(|e| e.explain())?;
        self.durable(batch.number);
        self.carry_out(now)
    }

    pub(super) fn durable(&mut self, batch: u64) {
        self.engine.persisted(batch);
        while self.answers.front().is_some_and(|(n, _)| *n <= batch) {
            if let Some((_, durable)) = self.answers.pop_front() {
                let _ = durable.send(());
            }
        }
    }

    /// A receiver that is gone needs no answer: it asks again.
    pub(super) fn carry_out(&mut self, now: Now) -> Result<(), String> {
        while let Some(output) = self.engine.next_output() {
            match output {
                Output::Reply { token, reply } => {
                    if let Some(tx) = self.replies.remove(&token) {
                        let _ = tx.send(reply);
                    }
                }
                Output::Answer { token, answers } => {
                    if let Some(tx) = self.offers.remove(&token) {
                        let _ = tx.send(OfferReply::Answers(answers));
                    }
                }
                Output::TakeDocuments { token } => {
                    if let Some(tx) = self.offers.remove(&token) {
                        let _ = tx.send(OfferReply::TakeDocuments);
                    }
                }
                Output::Transfer(t) => {
                    let (peer, dispatch) = (t.peer.clone(), t.dispatch.id());
                    if !self.to_peer(&peer, ToPeer::Transfer(t)) {
                        let cause = Code::PeerUnreachable;
                        self.handle(now, Input::TransferFailed { peer, dispatch, cause })?;
                    }
                }
                Output::SendReceipts { peer, batch, receipts, statements } => {
                    self.to_peer(&peer, ToPeer::Receipts { batch, receipts, statements });
                }
                Output::Stored { peer, batch } => {
                    self.to_peer(&peer, ToPeer::Stored(batch));
                }
                Output::Cosign(cosign) => {
                    self.to_peer(&cosign.to().clone(), ToPeer::Cosign(cosign));
                }
                Output::RemoveDocuments(digests) => self.remove(&digests)?,
                Output::Notify(_) => {}
            }
        }
        Ok(())
    }

    pub(super) fn to_peer(&self, peer: &NodeId, said: ToPeer) -> bool {
        self.links.get(peer).is_some_and(|(_, link)| link.send(said).is_ok())
    }

    pub(super) fn remove(&mut self, digests: &[Digest]) -> Result<(), String> {
        for d in digests {
            let wanted =
                self.engine.uses_file(d) || self.pins.contains_key(d) || self.uploads.contains(d);
            if wanted {
                continue;
            }
            match self.reader.documents().remove(d.as_bytes()) {
                Ok(()) | Err(DocumentError::NotStored { .. }) => {}
                Err(e) => return Err(e.to_string()),
            }
        }
        Ok(())
    }
}
