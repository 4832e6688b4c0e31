//! The node as a value.
//!
//! Four kinds of methods: [`Engine::handle`] takes what happened; [`Engine::take_batch`] gives what
//! must be made durable together; [`Engine::persisted`] says that it is; [`Engine::next_output`]
//! gives what may now be done. [`Engine::deadline`] says when to come back without news. Nothing an
//! outsider can see leaves before every record it rests on is durable: outputs wait for their batch.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tram_crypto::{Entropy, SeededEntropy};
use tram_dispatch::{Code, Digest, DispatchId, NodeId, Now, UnixMillis};
use tram_trust::Directory;

use crate::admit::number::FreshNumber;
use crate::again::Looks;
use crate::anchor::Gate;
use crate::before::HostsBefore;
use crate::contradiction::Contradiction;
use crate::hand::{Hand, Unwatched};
use crate::input::{Input, Token};
use crate::log::{Issuer, Log, LogError};
use crate::mailbox::Decision;
use crate::output::{Output, Reply};
use crate::quota::Rates;
use crate::record::{Batch, Record};
pub use crate::recovered::Recovered;
use crate::release::Waiting;
use crate::settings::Settings;
use crate::state::State;
use crate::unanswered::Doubts;
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

/// One node.
pub struct Engine {
    pub(crate) settings: Settings,
    pub(crate) directory: Arc<Directory>,
    /// The directory before, by which what is still on its way may have been routed.
    pub(crate) directory_before: Option<Arc<Directory>>,
    /// Which nodes had which agencies before.
    pub(crate) hosts_before: HostsBefore,
    /// Offers that were not answered.
    pub(crate) doubts: Doubts,
    pub(crate) state: State,
    pub(crate) log: Log,
    pub(crate) jitter: SeededEntropy,
    pub(crate) rates: Rates,
    pub(crate) halted: Option<Code>,
    pub(crate) gate: Gate,
    pub(crate) contradiction: Option<Contradiction>,
    pub(crate) records: Vec<Record>,
    /// What these take in the journal, bytes, about.
    pub(crate) filling_bytes: usize,
    /// Emptied vectors of earlier batches, for their room: a new one under load is hundreds of
    /// kilobytes that the system would have to clear each time.
    pub(crate) spare_records: Vec<Record>,
    spare_outputs: Vec<Output>,
    waiting: Vec<Waiting>,
    pub(crate) urgent: bool,
    pub(crate) first_record_mono_ms: Option<u64>,
    pub(crate) batches: u64,
    in_flight: VecDeque<(u64, Vec<Output>)>,
    ready: VecDeque<Output>,
    pub(crate) sealed_receipts: BTreeMap<u64, Arc<[u8]>>,
    /// Statements that the store may not know yet, by digest.
    pub(crate) fresh_statements: BTreeMap<Digest, Arc<[u8]>>,
    /// What became of numbers in batches that are not durable yet.
    pub(crate) fresh_numbers: Vec<FreshNumber>,
    /// The newest batch that is durable.
    pub(crate) durable: u64,
    /// Wall clock minus monotonic clock, milliseconds, when a jump was last looked for.
    clock_base_ms: Option<i64>,
    /// The same when the clock was certain last.
    certain_base_ms: Option<i64>,
    pub(crate) next_sweep_mono_ms: u64,
    /// Whether the clock was set back, or has just become certain: what was put off by a clock that
    /// ran ahead is looked at again.
    pub(crate) look_at_all: bool,
    /// Whether claims are still to be looked at under the directory in force.
    pub(crate) claims_left: bool,
    /// Is told what is being worked on.
    pub(crate) hand: Arc<dyn Hand>,
    /// What is being decided about.
    pub(crate) deciding: Option<DispatchId>,
    /// Dispatches found damaged in this life of the process.
    pub(crate) damaged: u32,
    /// Those found while a batch was made: set aside in the next.
    pub(crate) unreadable: Vec<(DispatchId, Fatal)>,
    /// Those set aside that are looked at again.
    pub(crate) looks: Looks,
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
        Ok(Self::watched(settings, issuer, directory, recovered, seed, Arc::new(Unwatched)))
    }

    /// As [`Engine::new`]; `hand` is told of each dispatch before work on it begins. A dispatch that
    /// cannot be read back is set aside, and all others start.
    pub fn watched(
        settings: Settings,
        issuer: Issuer,
        directory: Arc<Directory>,
        recovered: Recovered,
        seed: [u8; 32],
        hand: Arc<dyn Hand>,
    ) -> Self {
        let salt_seed = tram_crypto::sha256_parts(&[b"tram salts", &seed]);
        let jitter = SeededEntropy::new(tram_crypto::sha256_parts(&[b"tram jitter", &seed]));
        let log = Log::new(
            issuer,
            recovered.frontier,
            recovered.last_time,
            salt_seed,
            recovered.custody_base,
        );
        let mut state = State::default();
        state.numbers = recovered.numbers;
        state.numbers.begin_anew();
        for record in &recovered.peers {
            state.apply(record, None);
        }
        let (gate, halted) = Gate::new(recovered.anchor);
        let mut engine = Engine {
            settings,
            directory,
            directory_before: None,
            hosts_before: HostsBefore::default(),
            doubts: Doubts::default(),
            state,
            log,
            jitter,
            rates: Rates::default(),
            halted,
            gate,
            contradiction: None,
            records: Vec::new(),
            filling_bytes: 0,
            spare_records: Vec::new(),
            spare_outputs: Vec::new(),
            waiting: Vec::new(),
            urgent: false,
            first_record_mono_ms: None,
            batches: 0,
            in_flight: VecDeque::new(),
            ready: VecDeque::new(),
            sealed_receipts: BTreeMap::new(),
            fresh_statements: BTreeMap::new(),
            fresh_numbers: Vec::new(),
            durable: 0,
            clock_base_ms: None,
            certain_base_ms: None,
            next_sweep_mono_ms: 0,
            look_at_all: false,
            claims_left: false,
            hand,
            deciding: None,
            damaged: 0,
            unreadable: Vec::new(),
            looks: Looks::default(),
        };
        for history in &recovered.open {
            engine.recover(history);
            engine.recall_doubts(history);
        }
        engine.requeue_all();
        engine.decided();
        engine.state.charge_all();
        engine
    }

    /// Takes one thing that happened.
    ///
    /// # Errors
    /// [`Fatal`]: the node must stop; nothing of this input was answered.
    pub fn handle(&mut self, now: Now, input: Input, view: &dyn View) -> Result<(), Fatal> {
        self.watch_clock(now);
        if let Some(id) = input.about().filter(|id| !self.state.is_quarantined(id)) {
            self.decide_on(&id);
        }
        self.handle_one(now, input, view)?;
        self.decided();
        Ok(())
    }

    fn handle_one(&mut self, now: Now, input: Input, view: &dyn View) -> Result<(), Fatal> {
        match input {
            Input::Submit { token, dispatch, documents } => {
                self.submit(now, token, dispatch, documents, view)
            }
            Input::Assign { token, wanted } => self.assign(now, token, wanted, view),
            Input::Void { token, void } => self.void(now, token, void, view),
            Input::Remove { token, overdue } => self.remove(now, token, overdue, view),
            Input::Offer { token, peer, dispatch, recipients, receipts, documents } => {
                let shown = crate::admit::chain::Shown::by(&peer, self.me(), &receipts);
                let offer = crate::admit::offer::Offer {
                    token,
                    peer,
                    dispatch,
                    recipients,
                    receipts,
                    documents,
                    shown,
                };
                self.offer(now, offer, view)
            }
            Input::Answered { peer, dispatch, answers } => {
                self.answered(now, &peer, dispatch, answers, view)
            }
            Input::TransferFailed { peer, dispatch, cause } => {
                self.doubt(now, &peer, dispatch);
                self.defer(now, &peer, dispatch, cause, 0);
                Ok(())
            }
            Input::Broke { dispatch, stage, peer, detail } => {
                self.broke(now, dispatch, stage, peer, detail);
                Ok(())
            }
            Input::Damaged { dispatch, detail } => self.damaged(now, dispatch, detail, view),
            Input::Sound { dispatch } => {
                self.sound(now, &dispatch);
                Ok(())
            }
            Input::Receipts { peer, batch, receipts } => {
                self.receipts(now, &peer, batch, receipts, view)
            }
            Input::Stored { peer, batch } => {
                self.stored(now, &peer, batch);
                Ok(())
            }
            Input::PeerUp(up) => {
                self.peer_up(now, up);
                Ok(())
            }
            Input::PeerCheckpoint { shown, extends } => {
                self.peer_checkpoint(now, &shown, extends);
                Ok(())
            }
            Input::Cosigning(happened) => {
                self.cosigning(now, happened);
                Ok(())
            }
            Input::Shown { by, checkpoint } => self.compare(now, &by, checkpoint, view),
            Input::AnchorAnyway { token, words } => self.anchor_anyway(now, token, words),
            Input::PeerDown { peer } => {
                self.peer_down(now, &peer);
                Ok(())
            }
            Input::Confirm { token, recipient, dispatch } => {
                self.confirm(now, token, recipient, dispatch, view)
            }
            Input::Register { token, recipient, dispatch, refusal, cause, remark, statement } => {
                let decision = Decision::of(refusal, cause, remark, statement);
                self.register(now, token, recipient, dispatch, decision, view)
            }
            Input::Report { token, recipient, dispatch, status, remark, statement } => {
                let report = Decision::reported(status, remark, statement);
                self.report(now, token, recipient, dispatch, report, view)
            }
            Input::Units { token, said } => self.for_units(now, token, said, view),
            Input::Operate { token, dispatch, recipient, action } => {
                self.operate(now, token, dispatch, recipient, action, view)
            }
            Input::Directory(directory) => {
                self.new_directory(now, directory);
                Ok(())
            }
            Input::Tick => self.tick(now, view),
        }
    }

    /// What must become durable together, if it is time for a commit; call it when the batch
    /// before is durable or at least on its way, then drain [`Engine::next_output`].
    ///
    /// # Errors
    /// [`Fatal`]: the node must stop.
    pub fn take_batch(&mut self, now: Now, view: &dyn View) -> Result<Option<Batch>, Fatal> {
        self.watch_clock(now);
        self.tick(now, view)?;
        let due = self.urgent
            || self.is_full()
            || !self.waiting.is_empty()
            || self.lingering_until().is_some_and(|until| now.mono_ms >= until);
        if !due && !self.has_work(now) {
            return Ok(None);
        }
        if let Some(code) = self.halted
            && self.log.has_waiting()
        {
            // These leaves were noted before the node learned that it must not sign any more.
            return Err(LogError(format!("nothing is signed any more: {code}")).into());
        }
        let mut tree_nodes = Vec::new();
        let at = self.steady_time(now);
        if let Some(sealed) = self.log.seal(at)? {
            tree_nodes = sealed.nodes;
            self.remember_receipts(sealed.receipts);
            self.records.push(Record::Root(sealed.root));
        }
        let mut outputs = std::mem::take(&mut self.spare_outputs);
        let mut waiting = std::mem::take(&mut self.waiting);
        for one in waiting.drain(..) {
            outputs.push(self.resolve(one, view));
        }
        if self.waiting.is_empty() {
            self.waiting = waiting;
        }
        self.pump(now, view, &mut outputs)?;
        self.decided();
        self.sealed_receipts.clear();
        self.urgent = false;
        self.first_record_mono_ms = None;
        if self.records.is_empty() {
            match self.in_flight.back_mut() {
                Some((_, waiting)) => waiting.extend(outputs),
                None => self.ready.extend(outputs),
            }
            self.set_aside_unreadable(now)?;
            return Ok(None);
        }
        let room = std::mem::take(&mut self.spare_records);
        let records = std::mem::replace(&mut self.records, room);
        self.filling_bytes = 0;
        self.batches += 1;
        self.in_flight.push_back((self.batches, outputs));
        // Recorded for the batch after this one.
        self.set_aside_unreadable(now)?;
        Ok(Some(Batch { number: self.batches, records, tree_nodes }))
    }

    /// A batch is durable: what waited for it may go.
    pub fn persisted(&mut self, batch: u64) {
        while self.in_flight.front().is_some_and(|(n, _)| *n <= batch) {
            if let Some((_, mut outputs)) = self.in_flight.pop_front() {
                self.ready.extend(outputs.drain(..));
                self.spare_outputs = outputs;
            }
        }
        self.durable = self.durable.max(batch);
        self.state.evict(self.durable);
        self.fresh_numbers.retain(|fresh| fresh.batch > batch);
    }

    /// Number of the newest batch that holds something nobody may see yet.
    pub(crate) fn newest_unsafe_batch(&self) -> Option<u64> {
        if (self.urgent || !self.waiting.is_empty()) && !self.records.is_empty() {
            return Some(self.batches + 1);
        }
        self.in_flight.back().map(|(number, _)| *number)
    }

    /// The next thing to do.
    pub fn next_output(&mut self) -> Option<Output> {
        match self.ready.pop_front()? {
            Output::RemoveDocuments(mut digests) => {
                // Another dispatch may have come to need one of them meanwhile.
                digests.retain(|d| !self.uses_file(d));
                Some(Output::RemoveDocuments(digests))
            }
            output => Some(output),
        }
    }

    /// When to call [`Engine::take_batch`] at the latest, monotonic ms; while a batch is on its way
    /// to disk only when housekeeping is due, for [`Engine::persisted`] comes first anyway.
    pub fn deadline(&self) -> u64 {
        let mut at = self.next_sweep_mono_ms;
        if !self.in_flight.is_empty() {
            return at;
        }
        at = at.min(self.lingering_until().unwrap_or(u64::MAX));
        if self.shut().is_none() {
            at = at.min(self.looks.next_due().unwrap_or(u64::MAX));
        }
        let window = self.settings.transfers_per_peer_max;
        for p in self.state.peers.values().filter(|p| p.connected) {
            if p.queue.in_flight() < window {
                at = at.min(p.queue.next_due().unwrap_or(u64::MAX));
            }
            if let Some(sent) = p.outbox.oldest_sent_mono_ms() {
                at = at.min(sent.saturating_add(self.settings.outbox_resend_ms));
            }
        }
        at
    }

    fn lingering_until(&self) -> Option<u64> {
        Some(self.first_record_mono_ms?.saturating_add(self.settings.linger_ms))
    }

    /// Read access to everything in memory.
    pub fn state(&self) -> &State {
        &self.state
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

    /// Lets an output wait for the batch being filled.
    pub(crate) fn wait(&mut self, waiting: Waiting) {
        self.waiting.push(waiting);
    }

    /// Lets a reply wait.
    pub(crate) fn reply(&mut self, token: Token, reply: Reply) {
        self.wait(Waiting::Ready(Output::Reply { token, reply }));
    }

    /// Answers a caller that nothing is signed any more, or not now, if that is so.
    pub(crate) fn halted_reply(&mut self, token: Token) -> bool {
        let Some(code) = self.shut() else { return false };
        let retry_ms = self.settings.busy_retry_ms;
        self.reply(token, Reply::Later { code, retry_ms });
        true
    }

    /// Whether the wall clock jumped: what peers' clocks said of it then holds no more as it was.
    fn watch_clock(&mut self, now: Now) {
        const JUMP_MS: i64 = 1_000;
        let base = (now.wall.0 as i64).saturating_sub(now.mono_ms as i64);
        let jump = base.saturating_sub(*self.clock_base_ms.get_or_insert(base));
        if jump.saturating_abs() > JUMP_MS {
            self.clock_base_ms = Some(base);
            self.look_at_all |= jump < 0;
            for p in self.state.peers.values_mut() {
                p.clock_offset_ms = p.clock_offset_ms.map(|o| o.saturating_sub(jump));
            }
        }
        if self.clock_certain() {
            self.certain_base_ms = Some(base);
        }
    }

    /// The clock's time while it is certain, else as long after it was certain last as time passed
    /// since: what is dated once into the future dates all that comes after it.
    pub(crate) fn steady_time(&self, now: Now) -> UnixMillis {
        let steady = self
            .certain_base_ms
            .filter(|_| !self.clock_certain())
            .and_then(|base| i64::try_from(now.mono_ms).ok()?.checked_add(base)?.try_into().ok());
        steady.map_or(now.wall, UnixMillis)
    }

    /// The time for new evidence, never before what the log already says.
    pub(crate) fn leaf_time(&mut self, now: Now) -> UnixMillis {
        let steady = self.steady_time(now);
        self.log.time(steady)
    }

    /// A number in `0..bound` for jitter.
    pub(crate) fn random_below(&mut self, bound: u64) -> u64 {
        let mut bytes = [0u8; 8];
        let filled = self.jitter.fill(&mut bytes).is_ok();
        if filled && bound > 0 { u64::from_be_bytes(bytes) % bound } else { 0 }
    }
}
