//! The node as a value.
//!
//! Four kinds of methods: [`Engine::handle`] takes what happened; [`Engine::take_batch`] gives what
//! must be made durable together; [`Engine::persisted`] says that it is; [`Engine::next_output`]
//! gives what may now be done. [`Engine::deadline`] says when to come back without news. Nothing an
//! outsider can see leaves before every record it rests on is durable: outputs wait for their batch.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tram_crypto::{Entropy, SeededEntropy};
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, EvidenceRecord, NodeId, Now, Reference};
use tram_tlog::Frontier;
use tram_trust::{Directory, VerifiedDispatch};
use tram_wire::sealed::SealedDispatch;

use crate::input::{Input, Token};
use crate::log::{Issuer, Log, LogError};
use crate::output::{Answer, Notice, Output, Reply};
use crate::record::{Batch, Owed, OwnEvidence, Record};
use crate::settings::Settings;
use crate::state::held::HeldDispatch;
use crate::state::{State, revive};
use crate::view::{View, ViewError};

/// Why the node must stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// The past could not be read.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The log could not go on.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A stored dispatch does not parse any more.
    #[error("a stored dispatch cannot be read back: {0}")]
    Stored(String),
}

/// What recovery found in the store.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The receipt log's frontier.
    pub frontier: Frontier,
    /// Commit time of its newest root.
    pub last_time: tram_dispatch::UnixMillis,
    /// Records about peers, oldest first.
    pub peers: Vec<Record>,
    /// The history of every dispatch that was not closed.
    pub open: Vec<Vec<Record>>,
}

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

/// One node.
pub struct Engine {
    pub(crate) settings: Settings,
    pub(crate) directory: Arc<Directory>,
    pub(crate) state: State,
    pub(crate) log: Log,
    pub(crate) jitter: SeededEntropy,
    pub(crate) halted: Option<Code>,
    records: Vec<Record>,
    waiting: Vec<Waiting>,
    urgent: bool,
    first_record_mono_ms: Option<u64>,
    batches: u64,
    in_flight: VecDeque<(u64, Vec<Output>)>,
    ready: VecDeque<Output>,
    sealed_receipts: BTreeMap<u64, Arc<[u8]>>,
    pub(crate) next_sweep_mono_ms: u64,
}

impl Engine {
    /// Starts from what recovery found. `seed` must be fresh entropy: salts come from it.
    ///
    /// # Errors
    /// [`Fatal::Stored`] when a stored dispatch does not parse.
    pub fn new(
        settings: Settings,
        issuer: Issuer,
        directory: Arc<Directory>,
        recovered: Recovered,
        seed: [u8; 32],
    ) -> Result<Self, Fatal> {
        let salt_seed = tram_crypto::sha256_parts(&[b"tram salts", &seed]);
        let jitter = SeededEntropy::new(tram_crypto::sha256_parts(&[b"tram jitter", &seed]));
        let log = Log::new(issuer, recovered.frontier, recovered.last_time, salt_seed);
        let mut state = State::default();
        for record in &recovered.peers {
            state.apply(record, None);
        }
        for history in &recovered.open {
            if let Some(held) = fold(history)? {
                state.insert(held);
            }
        }
        let mut engine = Engine {
            settings,
            directory,
            state,
            log,
            jitter,
            halted: None,
            records: Vec::new(),
            waiting: Vec::new(),
            urgent: false,
            first_record_mono_ms: None,
            batches: 0,
            in_flight: VecDeque::new(),
            ready: VecDeque::new(),
            sealed_receipts: BTreeMap::new(),
            next_sweep_mono_ms: 0,
        };
        engine.requeue_all();
        Ok(engine)
    }

    /// Takes one thing that happened.
    ///
    /// # Errors
    /// [`Fatal`]: the node must stop; nothing of this input was answered.
    pub fn handle(&mut self, now: Now, input: Input, view: &dyn View) -> Result<(), Fatal> {
        match input {
            Input::Submit { token, dispatch, documents } => {
                self.submit(now, token, dispatch, documents, view)
            }
            Input::Offer { token, peer, dispatch, recipients, receipts, documents } => {
                let offer = crate::admit::offer::Offer {
                    token,
                    peer,
                    dispatch,
                    recipients,
                    receipts,
                    documents,
                };
                self.offer(now, offer, view)
            }
            Input::Answered { peer, dispatch, answers } => {
                self.answered(now, &peer, dispatch, answers)
            }
            Input::TransferFailed { peer, dispatch, cause } => {
                self.defer(now, &peer, dispatch, cause, 0);
                Ok(())
            }
            Input::Receipts { peer, batch, receipts } => {
                self.receipts(now, &peer, batch, receipts, view)
            }
            Input::Stored { peer, batch } => {
                self.stored(now, &peer, batch);
                Ok(())
            }
            Input::PeerUp(up) => self.peer_up(now, up, view),
            Input::PeerDown { peer } => {
                self.peer_down(&peer);
                Ok(())
            }
            Input::Confirm { token, recipient, dispatch } => {
                self.confirm(now, token, recipient, dispatch, view)
            }
            Input::Register { token, recipient, dispatch, refusal, remark } => {
                self.register(now, token, recipient, dispatch, refusal, remark, view)
            }
            Input::Operate { token, dispatch, recipient, action } => {
                self.operate(now, token, dispatch, recipient, action, view)
            }
            Input::Directory(directory) => {
                self.directory = directory;
                self.requeue_all();
                Ok(())
            }
            Input::Tick => self.tick(now),
        }
    }

    /// What must become durable together, if it is time for a commit; call it when the batch
    /// before is durable or at least on its way, then drain [`Engine::next_output`].
    ///
    /// # Errors
    /// [`Fatal`]: the node must stop.
    pub fn take_batch(&mut self, now: Now, view: &dyn View) -> Result<Option<Batch>, Fatal> {
        self.settle(now)?;
        let due = self.urgent
            || !self.waiting.is_empty()
            || self
                .first_record_mono_ms
                .is_some_and(|t| now.mono_ms >= t + self.settings.linger_ms);
        if !due && !self.has_work(now) {
            return Ok(None);
        }
        let mut tree_nodes = Vec::new();
        if let Some(sealed) = self.log.seal(now.wall)? {
            tree_nodes = sealed.nodes;
            self.remember_receipts(sealed.receipts);
            self.records.push(Record::Root(sealed.root));
        }
        let mut outputs = Vec::new();
        for waiting in std::mem::take(&mut self.waiting) {
            outputs.push(self.resolve(waiting, view)?);
        }
        self.pump(now, view, &mut outputs)?;
        self.sealed_receipts.clear();
        self.urgent = false;
        self.first_record_mono_ms = None;
        let records = std::mem::take(&mut self.records);
        if records.is_empty() {
            match self.in_flight.back_mut() {
                Some((_, waiting)) => waiting.extend(outputs),
                None => self.ready.extend(outputs),
            }
            return Ok(None);
        }
        self.batches += 1;
        self.in_flight.push_back((self.batches, outputs));
        Ok(Some(Batch { number: self.batches, records, tree_nodes }))
    }

    /// A batch is durable: what waited for it may go.
    pub fn persisted(&mut self, batch: u64) {
        while self.in_flight.front().is_some_and(|(n, _)| *n <= batch) {
            if let Some((_, outputs)) = self.in_flight.pop_front() {
                self.ready.extend(outputs);
            }
        }
    }

    /// The next thing to do.
    pub fn next_output(&mut self) -> Option<Output> {
        self.ready.pop_front()
    }

    /// When to call [`Engine::take_batch`] or `handle(Tick)` at the latest, monotonic ms.
    pub fn deadline(&self) -> u64 {
        let mut at = self.next_sweep_mono_ms;
        if let Some(t) = self.first_record_mono_ms {
            at = at.min(t + self.settings.linger_ms);
        }
        for p in self.state.peers.values().filter(|p| p.connected) {
            at = at.min(p.queue.next_due().unwrap_or(u64::MAX));
            if let Some(sent) = p.outbox.oldest_sent_mono_ms() {
                at = at.min(sent + self.settings.outbox_resend_ms);
            }
        }
        at
    }

    /// Why the node takes nothing new, if it does not.
    pub fn halted(&self) -> Option<Code> {
        self.halted
    }

    /// Size and root of the receipt log as sealed last.
    pub fn log_head(&self) -> (u64, [u8; 32]) {
        self.log.head()
    }

    /// This node.
    pub fn me(&self) -> &NodeId {
        &self.log.issuer().node
    }

    // What the parts of the engine share.

    /// Notes a record and applies it; `urgent` ones do not linger.
    pub(crate) fn record(
        &mut self,
        now: Now,
        record: Record,
        dispatch: Option<VerifiedDispatch>,
        urgent: bool,
    ) {
        self.state.apply(&record, dispatch);
        if let Some(h) = record.dispatch().and_then(|id| self.state.held.get_mut(&id)) {
            h.batch = self.batches + 1;
        }
        self.records.push(record);
        self.urgent |= urgent;
        self.first_record_mono_ms.get_or_insert(now.mono_ms);
    }

    /// Records evidence of our own; gives the leaf's index.
    pub(crate) fn witness(
        &mut self,
        now: Now,
        evidence: EvidenceRecord,
        owed_to: Vec<NodeId>,
    ) -> Result<u64, Fatal> {
        let leaf = self.log.append(&evidence)?;
        let index = leaf.index;
        let notice = Notice {
            event: evidence.event,
            dispatch: evidence.dispatch,
            originator: evidence.originator.clone(),
            recipient: evidence.recipient.clone(),
            node: evidence.node.clone(),
            time: evidence.time,
        };
        self.record(now, Record::Evidence(OwnEvidence { leaf, evidence, owed_to }), None, true);
        self.waiting.push(Waiting::Ready(Output::Notify(notice)));
        Ok(index)
    }

    /// An evidence record with everything this node fills in by itself.
    pub(crate) fn evidence(
        &mut self,
        now: Now,
        event: Event,
        dispatch: &VerifiedDispatch,
        recipient: Option<AgencyCode>,
    ) -> EvidenceRecord {
        let time = self.log.time(now.wall);
        let issuer = self.log.issuer();
        EvidenceRecord {
            event,
            network: issuer.network,
            node: issuer.node.clone(),
            epoch: issuer.epoch,
            dispatch: dispatch.id(),
            object: Some(dispatch.object()),
            originator: dispatch.envelope().originator.clone(),
            recipient,
            custody: self.log.next_index(),
            admission: None,
            time,
            reason: None,
            remark: None,
            status: None,
            previous: None,
            upstream: None,
            directory: Some(self.directory.digest()),
            revocation: dispatch.revocation_digest(),
            attestation: None,
            other_object: None,
        }
    }

    /// Lets an output wait for the batch being filled.
    pub(crate) fn wait(&mut self, waiting: Waiting) {
        self.waiting.push(waiting);
    }

    /// Lets a reply wait.
    pub(crate) fn reply(&mut self, token: Token, reply: Reply) {
        self.wait(Waiting::Ready(Output::Reply { token, reply }));
    }

    /// Brings a dispatch into memory if the store knows it; false if it is unknown.
    pub(crate) fn load(&mut self, id: &DispatchId, view: &dyn View) -> Result<bool, Fatal> {
        if self.state.held.contains_key(id) {
            return Ok(true);
        }
        match fold(&view.history(id)?)? {
            Some(held) => {
                self.state.insert(held);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// The dispatch that used a submission key.
    pub(crate) fn by_reference(
        &self,
        originator: &AgencyCode,
        reference: &Reference,
        view: &dyn View,
    ) -> Result<Option<DispatchId>, Fatal> {
        let key = (originator.clone(), reference.clone());
        match self.state.references.get(&key) {
            Some(id) => Ok(Some(*id)),
            None => Ok(view.by_reference(originator, reference)?),
        }
    }

    /// The bytes of a receipt about a dispatch.
    pub(crate) fn receipt(
        &self,
        dispatch: &DispatchId,
        owed: Owed,
        view: &dyn View,
    ) -> Result<Option<Arc<[u8]>>, Fatal> {
        if let Some(raw) = self.state.held.get(dispatch).and_then(|h| h.raw(owed)) {
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

    /// A number in `0..bound` for jitter.
    pub(crate) fn random_below(&mut self, bound: u64) -> u64 {
        let mut bytes = [0u8; 8];
        let filled = self.jitter.fill(&mut bytes).is_ok();
        if filled && bound > 0 { u64::from_be_bytes(bytes) % bound } else { 0 }
    }

    fn remember_receipts(&mut self, receipts: BTreeMap<u64, Arc<[u8]>>) {
        for record in &self.records {
            let Record::Evidence(own) = record else { continue };
            let (Some(raw), Some(h)) =
                (receipts.get(&own.leaf.index), self.state.held.get_mut(&own.evidence.dispatch))
            else {
                continue;
            };
            let owed = Owed::Own(own.leaf.index);
            if let Some(known) = h.evidence.iter_mut().rev().find(|k| k.owed == owed) {
                known.raw = Some(raw.clone());
            }
        }
        self.sealed_receipts = receipts;
    }

    fn resolve(&self, waiting: Waiting, view: &dyn View) -> Result<Output, Fatal> {
        let missing = |id: &DispatchId| Fatal::Stored(format!("receipt of {id} is not there"));
        Ok(match waiting {
            Waiting::Ready(output) => output,
            Waiting::Done { token, dispatch, owed, repeat } => {
                let mut receipts = Vec::new();
                for o in owed {
                    receipts
                        .push(self.receipt(&dispatch, o, view)?.ok_or_else(|| missing(&dispatch))?);
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
                    let raw = |o| -> Result<Arc<[u8]>, Fatal> {
                        self.receipt(&dispatch, o, view)?.ok_or_else(|| missing(&dispatch))
                    };
                    out.push((
                        recipient,
                        match answer {
                            WaitingAnswer::Accepted(owed) => Answer::Accepted(raw(owed)?),
                            WaitingAnswer::Refused(leaf) => Answer::Refused(raw(Owed::Own(leaf))?),
                            WaitingAnswer::Ready(answer) => answer,
                        },
                    ));
                }
                Output::Answer { token, answers: out }
            }
        })
    }
}

/// Reads a dispatch's history, as our own store gives it, back into memory.
pub(crate) fn fold(history: &[Record]) -> Result<Option<HeldDispatch>, Fatal> {
    let Some(raw) = history.iter().find_map(|r| match r {
        Record::Held(h) => Some(&h.raw),
        _ => None,
    }) else {
        return Ok(None);
    };
    let sealed = SealedDispatch::parse(raw).map_err(|e| Fatal::Stored(e.to_string()))?;
    Ok(revive(history, tram_trust::assertion::dispatch_from_store(sealed)))
}
