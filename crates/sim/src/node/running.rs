//! The running process: engine, store, sessions, and one loop that the caller turns.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tram_crypto::sha256;
use tram_dispatch::envelope::Document;
use tram_dispatch::{Code, Digest, EpochId, NetworkId, NodeId, Now};
use tram_engine::quota::DoorsOf;
use tram_engine::{Answer, Batch, Engine, Fatal, Input, Output, Record, Reply, Token};
use tram_spool::documents::{DocumentStore, Uploads};
use tram_spool::store::Store;
use tram_trust::Verifier;
use tram_wire::frame::Frame;

use super::action::{Action, Session, Stream};
use super::conversation::{Conversation, Flow};
use super::newest::Newest;
use super::pins::Pins;
use super::sight::Sight;
use super::take::{Checked, Kept};
use crate::land::{Life, land};
use crate::plant::Plant;

/// How often the anchor is brought up to date, ms. The index lies in memory and goes by its entries.
const MAINTAIN_MS: u64 = 2_000;

/// Why the process ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The code.
    pub code: Code,
    /// In words.
    pub detail: String,
}

impl From<Fatal> for Stop {
    fn from(e: Fatal) -> Self {
        Stop { code: Code::Internal, detail: e.to_string() }
    }
}

pub(super) struct Running {
    pub(super) me: NodeId,
    pub(super) network: NetworkId,
    pub(super) epoch: EpochId,
    pub(super) engine: Engine,
    pub(super) store: Store,
    pub(super) view: Sight,
    pub(super) documents: DocumentStore,
    pub(super) verifier: Arc<Verifier>,
    pub(super) newest: Newest,
    pub(super) committing: Option<Batch>,
    pub(super) actions: VecDeque<Action>,
    next_token: u64,
    pub(super) next_serial: u64,
    callers: BTreeMap<Token, Token>,
    /// Offers that the engine has, by its token.
    pub(super) offers: BTreeMap<Token, (Session, Stream)>,
    /// Offers that the engine has, whose session is gone.
    pub(super) orphans: BTreeMap<Token, Checked>,
    pub(super) sessions: BTreeMap<Session, Conversation>,
    pub(super) links: BTreeMap<NodeId, Session>,
    pub(super) uploads: Uploads,
    pub(super) pins: Pins,
    /// Peers that were told to come later.
    pub(super) doors: DoorsOf<NodeId>,
    pub(super) plant: Option<Plant>,
    /// What offers were answered with at first (a planted bug).
    pub(super) kept: Kept,
    pub(super) flushed_ms: u64,
    dirty: bool,
    /// The anchor is this store's: nothing spoke against it, or a peer took the doubt away.
    pub(super) anchored: bool,
    /// The store has no room for the batch on its way.
    pub(super) waits: bool,
}

impl Running {
    pub(super) fn new(
        life: &Life,
        engine: Engine,
        store: Store,
        view: Sight,
        verifier: Arc<Verifier>,
        head: (u64, [u8; 32]),
    ) -> Self {
        let origin = tram_trust::checkpoint::origin(land().network(), engine.me(), life.epoch);
        Running {
            me: engine.me().clone(),
            network: land().network(),
            epoch: life.epoch,
            documents: view.reader.documents().clone(),
            engine,
            store,
            view,
            verifier,
            newest: Newest::new(origin, Arc::clone(&life.checkpoint), head),
            committing: None,
            actions: VecDeque::new(),
            next_token: 0,
            next_serial: 0,
            callers: BTreeMap::new(),
            offers: BTreeMap::new(),
            orphans: BTreeMap::new(),
            sessions: BTreeMap::new(),
            links: BTreeMap::new(),
            uploads: Uploads::default(),
            pins: Pins::default(),
            doors: DoorsOf::default(),
            plant: None,
            kept: Kept::new(),
            anchored: true,
            flushed_ms: 0,
            dirty: false,
            waits: false,
        }
    }

    pub(super) fn token(&mut self) -> Token {
        self.next_token += 1;
        Token(self.next_token)
    }

    /// A token for the engine that leads back to a caller's.
    pub(super) fn caller(&mut self, outer: Token) -> Token {
        let inner = self.token();
        self.callers.insert(inner, outer);
        inner
    }

    pub(super) fn handle(&mut self, now: Now, input: Input) -> Result<(), Stop> {
        Ok(self.engine.handle(now, input, &self.view)?)
    }

    /// Starts a commit if one is due and none is on its way, and carries out what may be.
    pub(super) fn turn(&mut self, now: Now) -> Result<(), Stop> {
        if self.committing.is_none()
            && let Some(batch) = self.engine.take_batch(now, &self.view)?
        {
            if self.plant == Some(Plant::AnswerBeforeSync) {
                self.engine.persisted(batch.number);
            }
            self.committing = Some(batch);
            self.actions.push_back(Action::Committing);
        }
        self.carry_out(now)
    }

    pub(super) fn commit_done(&mut self, now: Now) -> Result<(), Stop> {
        let Some(batch) = self.committing.take() else { return Ok(()) };
        match self.store.commit(&batch) {
            Ok(_) => {}
            Err(e) if !e.is_fatal() && e.code() == Code::BusyStorage => {
                self.committing = Some(batch);
                return self.wait_for_room();
            }
            Err(e) => return Err(Stop { code: Code::StorageFailed, detail: e.explain() }),
        }
        self.waits = false;
        self.dirty = true;
        let root = batch.records.iter().rev().find_map(|r| match r {
            Record::Root(root) => Some((root.size, root.root)),
            _ => None,
        });
        if let Some((size, root)) = root {
            self.newest.grew(size, root);
        }
        let number = batch.number;
        self.engine.persisted(number);
        self.engine.recycle(batch);
        self.greet_those_who_waited(now, number)?;
        self.turn(now)
    }

    /// The batch stays as it is and is tried again; who waits for an answer gets none.
    fn wait_for_room(&mut self) -> Result<(), Stop> {
        self.waits = true;
        self.callers.clear();
        for (_, (session, stream)) in std::mem::take(&mut self.offers) {
            self.actions.push_back(Action::Reset { session, stream });
            if let Some(talk) = self.sessions.get_mut(&session)
                && let Some(Flow::Taking(taking)) = talk.streams.insert(stream, Flow::Over)
            {
                self.abandon(*taking)?;
            }
        }
        self.actions.push_back(Action::WaitingForRoom);
        Ok(())
    }

    pub(super) fn log_size(&self) -> u64 {
        self.newest.size()
    }

    pub(super) fn tick(&mut self, now: Now) -> Result<(), Stop> {
        self.hurry(now)?;
        self.handle(now, Input::Tick)?;
        self.read_those_in_doubt(now)?;
        if !self.anchored && self.engine.shut().is_none() {
            self.anchored = true;
            self.store
                .replace_anchor()
                .map_err(|e| Stop { code: Code::StorageFailed, detail: e.explain() })?;
        }
        if self.dirty && now.mono_ms >= self.flushed_ms + MAINTAIN_MS {
            self.dirty = false;
            self.flushed_ms = now.mono_ms;
            self.store
                .write_anchor()
                .map_err(|e| Stop { code: Code::StorageFailed, detail: e.explain() })?;
        }
        self.turn(now)
    }

    /// Reads the documents of what was set aside for what is stored of it, as the daemon does.
    fn read_those_in_doubt(&mut self, now: Now) -> Result<(), Stop> {
        for (dispatch, documents) in self.engine.documents_in_doubt() {
            let sound =
                |d: &Document| self.document(d).is_ok_and(|bytes| sha256(&bytes) == d.sha256.0);
            let input = match documents.iter().find(|d| !sound(d)) {
                None => Input::Sound { dispatch },
                Some(d) => Input::Damaged { dispatch, detail: format!("document {}", d.sha256) },
            };
            self.handle(now, input)?;
        }
        Ok(())
    }

    pub(super) fn deadline(&self) -> u64 {
        let flush = if self.dirty { self.flushed_ms + MAINTAIN_MS } else { u64::MAX };
        let engine = if self.committing.is_some() { u64::MAX } else { self.engine.deadline() };
        engine.min(flush).min(self.patience_ends())
    }

    pub(super) fn set_verifier(&mut self, now: Now, verifier: Arc<Verifier>) -> Result<(), Stop> {
        let directory = verifier.directory().clone();
        self.verifier = verifier;
        self.handle(now, Input::Directory(directory))?;
        self.turn(now)
    }

    /// The newest checkpoint: a signed note over a tree that is durable.
    pub(super) fn checkpoint(&self) -> Vec<u8> {
        self.newest.note()
    }

    fn carry_out(&mut self, now: Now) -> Result<(), Stop> {
        while let Some(output) = self.engine.next_output() {
            match output {
                Output::Reply { token, reply } => {
                    if let Some(token) = self.callers.remove(&token) {
                        self.release_reply(&reply);
                        self.actions.push_back(Action::Reply { token, reply });
                    }
                }
                Output::Answer { token, answers } => self.answer(now, token, answers)?,
                Output::TakeDocuments { token } => self.take_documents(now, token)?,
                Output::Transfer(transfer) => {
                    let (peer, dispatch) = (transfer.peer.clone(), transfer.dispatch.id());
                    if !self.give(now, transfer)? {
                        let cause = Code::PeerUnreachable;
                        self.handle(now, Input::TransferFailed { peer, dispatch, cause })?;
                    }
                }
                Output::SendReceipts { peer, batch, receipts, statements } => {
                    if let Some(session) = self.links.get(&peer).copied() {
                        for raw in &receipts {
                            self.actions.push_back(Action::Released(raw.clone()));
                        }
                        let receipts = receipts.iter().map(|r| r.to_vec()).collect();
                        let statements = statements.iter().map(|s| s.to_vec()).collect();
                        let frame = Frame::Receipts { batch, receipts, statements };
                        self.send(session, Stream::CONTROL, &frame);
                    }
                }
                Output::Stored { peer, batch } => {
                    let session = self.links.get(&peer).copied();
                    let Some(session) = session else { continue };
                    let talk = self.sessions.get_mut(&session);
                    let theirs = talk.and_then(|t| t.batches.remove(&batch));
                    if let Some((batch, true)) = theirs {
                        self.send(session, Stream::CONTROL, &Frame::Stored { batch });
                    }
                }
                Output::Cosign(cosign) => self.cosign(cosign),
                Output::RemoveDocuments(digests) => self.remove_documents(digests),
                Output::Notify(notice) => self.actions.push_back(Action::Notify(notice)),
            }
        }
        Ok(())
    }

    pub(super) fn release(
        &mut self,
        answers: &[(tram_dispatch::AgencyCode, Answer)],
        offered_at: u64,
    ) {
        for (_, answer) in answers {
            match answer {
                Answer::Accepted(raw) => {
                    self.actions.push_back(Action::Released(raw.clone()));
                    self.actions.push_back(Action::Accepted { receipt: raw.clone(), offered_at });
                }
                Answer::Refused(raw) => self.actions.push_back(Action::Released(raw.clone())),
                Answer::RefusedUnsigned(..) | Answer::Later(..) => {}
            }
        }
    }

    fn release_reply(&mut self, reply: &Reply) {
        let receipts: Vec<Arc<[u8]>> = match reply {
            Reply::Done { receipts, .. } => receipts.clone(),
            Reply::Refused { receipt, .. } => receipt.iter().cloned().collect(),
            Reply::Assigned { .. } | Reply::Later { .. } => Vec::new(),
        };
        self.actions.extend(receipts.into_iter().map(Action::Released));
    }

    pub(super) fn send(&mut self, session: Session, stream: Stream, frame: &Frame) {
        let bytes = super::octets::framed(frame);
        self.actions.push_back(Action::Send { session, stream, bytes });
    }

    /// Removes files, except those that somebody needs.
    pub(super) fn remove_documents(&mut self, digests: Vec<Digest>) {
        for digest in digests {
            let brought = self.uploads.contains(&digest) || self.pins.contains(&digest);
            if brought || self.engine.uses_file(&digest) {
                continue;
            }
            // One that stays is found again at the next start.
            let _ = self.documents.remove(digest.as_bytes());
        }
    }

    pub(super) fn waiting(&self) -> (usize, usize, usize) {
        let streams = self.sessions.values().map(|t| t.streams.len()).sum();
        let octets = self.sessions.values().map(Conversation::octets_waiting).sum();
        (self.sessions.len(), streams, octets)
    }
}
