//! The engine's thread and the store's thread; [`Core`] is how the rest of the daemon talks to them.
//!
//! One thread owns the engine and consumes whatever has arrived; another makes batches durable. One
//! batch is on its way to disk while the next fills, so load itself makes the batches larger.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, mpsc, oneshot};
use tram_dispatch::{Code, Digest, NodeId};
use tram_engine::record::Batch;
use tram_engine::{Engine, Fatal, Input, Output, Reply, Token, View};
use tram_spool::documents::Uploads;

pub(crate) use super::clock::Clock;
use super::hand::Hands;
pub(crate) use super::handle::{Core, DurableHead, Stopping};
use super::messages::Deliver;
pub(crate) use super::messages::{OfferReply, ToCore, ToPeer};
use super::pins::Pins;
use super::store::{Commit, ToStore, store_loop};

/// Most messages handled before the next commit is considered.
const DRAIN_MAX: usize = 1024;
/// A batch of at least this many records shows load; then the engine's thread gathers before it looks
/// again, so that one fsync, one signature and one waking of each thread pay for many dispatches.
const LOAD_RECORDS: usize = 32;
/// For how long it gathers. Only under load, where it costs less time than it saves.
const GATHER: Duration = Duration::from_millis(6);
/// Most notices kept for a listener that is slow.
const NOTICES_MAX: usize = 4096;

/// The running threads; joined at the end.
pub(crate) struct Threads {
    engine: std::thread::JoinHandle<Result<(), CoreError>>,
    store: std::thread::JoinHandle<()>,
}

/// Why the core ended by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CoreError {
    /// The engine cannot go on.
    #[error(transparent)]
    Engine(#[from] Fatal),
    /// The store reported an error; what it left undone is read back at the next start.
    #[error("storage failed: {0}")]
    Storage(String),
    /// A thread panicked.
    #[error("a thread of the node panicked")]
    Panicked,
}

impl Threads {
    /// Waits until both threads ended.
    pub(crate) fn join(self) -> Result<(), CoreError> {
        let result = self.engine.join().map_err(|_| CoreError::Panicked)?;
        self.store.join().map_err(|_| CoreError::Panicked)?;
        result
    }
}

/// What waits here is bounded by those who put it in: local callers by the socket's request cap,
/// peers by their stream limit, each waiting for its answer before it sends more. A bound of its own
/// could only make the two threads wait for each other.
#[expect(clippy::disallowed_methods, reason = "bounded by the number of callers, see above")]
fn queue<T>() -> (Sender<T>, Receiver<T>) {
    channel()
}

/// Starts the two threads. `at_end` is told when the engine's thread ends, and why.
pub(crate) fn start(
    engine: Engine,
    view: Box<dyn View + Send>,
    store: Box<dyn Commit>,
    head: DurableHead,
    (pins, uploads, hands): (Pins, Arc<Uploads>, Arc<Hands>),
    at_end: impl FnOnce(&Result<(), CoreError>) + Send + 'static,
) -> std::io::Result<(Core, Threads)> {
    let ((tx, rx), (store_tx, store_rx)) = (queue(), queue());
    let clock = Clock::new();
    let (notices, _) = broadcast::channel(NOTICES_MAX);
    let head = Arc::new(Mutex::new(head));
    let waits = Arc::default();
    let core = Core { tx: tx.clone(), clock, head, notices: notices.clone(), waits };
    let back = tx;
    let store = std::thread::Builder::new()
        .name("store".into())
        .spawn(move || store_loop(store, &store_rx, &back))?;
    let shared = core.clone();
    // Before anybody asks to take something.
    let set_aside_changes = engine.state().set_aside_changes;
    hands.set_aside(engine.quarantined().map(|(id, ..)| id).collect());
    let anchoring = match engine.shut() {
        Some(_) => Anchoring::No,
        None => Anchoring::Done,
    };
    let engine = std::thread::Builder::new().name("engine".into()).spawn(move || {
        let mut running = Running {
            engine,
            view,
            store: store_tx,
            core: shared,
            committing: false,
            next_token: 0,
            replies: BTreeMap::new(),
            offers: BTreeMap::new(),
            links: BTreeMap::new(),
            pins,
            uploads,
            answers: VecDeque::new(),
            readings: VecDeque::new(),
            hands,
            persisted: 0,
            anchoring,
            set_aside_changes,
            backlog: VecDeque::new(),
        };
        let result = catch_unwind(AssertUnwindSafe(|| running.run(&rx))).unwrap_or_else(|_| {
            // Its state may be half changed: the next start reads what is durable.
            running.hands.leave_note();
            Err(CoreError::Panicked)
        });
        let _ = running.store.send(ToStore::Stop);
        at_end(&result);
        result
    })?;
    Ok((core, Threads { engine, store }))
}

/// How far the anchor is this store's own.
#[derive(Clone, Copy, Debug)]
enum Anchoring {
    /// Something speaks against it.
    No,
    /// Nothing does any more, and this batch must be durable first.
    After(u64),
    Done,
}

/// The engine's thread.
struct Running {
    engine: Engine,
    view: Box<dyn View + Send>,
    store: Sender<ToStore>,
    core: Core,
    committing: bool,
    next_token: u64,
    replies: BTreeMap<Token, oneshot::Sender<Reply>>,
    offers: BTreeMap<Token, oneshot::Sender<OfferReply>>,
    links: BTreeMap<NodeId, (u64, mpsc::UnboundedSender<ToPeer>)>,
    pins: Pins,
    uploads: Arc<Uploads>,
    /// Answers to questions, each waiting for the batch that makes what was seen durable.
    answers: VecDeque<(u64, Deliver)>,
    /// The same, for readings, which do not wait for a store that waits.
    readings: VecDeque<(u64, Deliver)>,
    hands: Arc<Hands>,
    /// The newest batch that is durable.
    persisted: u64,
    anchoring: Anchoring,
    /// The engine's count when `hands` was told last what is in quarantine.
    set_aside_changes: u64,
    /// What is to be handed in once the batch before is durable, in order: the one being filled is full.
    /// Bounded as what waits in the queue.
    backlog: VecDeque<ToCore>,
}

impl Running {
    fn run(&mut self, rx: &Receiver<ToCore>) -> Result<(), CoreError> {
        let mut stopping = false;
        let mut gather_until: Option<Instant> = None;
        loop {
            if let Some(until) = gather_until.take() {
                std::thread::sleep(until.saturating_duration_since(Instant::now()));
            }
            self.hands.engine_rests();
            let now = self.core.now();
            let wait = self.engine.deadline().saturating_sub(now.mono_ms).clamp(0, 1000);
            let first = match rx.recv_timeout(Duration::from_millis(wait)) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            match first {
                Some(message) => {
                    for message in std::iter::once(message).chain(rx.try_iter().take(DRAIN_MAX)) {
                        stopping |= self.take_in_turn(message)?;
                    }
                }
                None => self.engine.handle(self.core.now(), Input::Tick, &*self.view)?,
            }
            self.catch_up()?;
            if !self.committing
                && let Some(batch) = self.engine.take_batch(self.core.now(), &*self.view)?
            {
                self.committing = true;
                if batch.records.len() >= LOAD_RECORDS {
                    gather_until = Some(Instant::now() + GATHER);
                }
                let _ = self.store.send(ToStore::Commit(batch));
                self.catch_up()?;
            }
            self.carry_out()?;
            self.tell_set_aside();
            self.anchor();
            if stopping && (!self.committing || self.core.waits().is_some()) {
                return Ok(());
            }
        }
    }

    /// Takes one message, or keeps it until there is room: while one batch is on its way to a slow disk,
    /// the next must not grow beyond what the journal takes at once. What gives the engine nothing to
    /// record never waits. True if it asks to stop.
    fn take_in_turn(&mut self, message: ToCore) -> Result<bool, CoreError> {
        let asks = asks(&message);
        let feeds = asks
            || matches!(
                message,
                ToCore::Input(_) | ToCore::PeerUp { .. } | ToCore::PeerDown { .. }
            );
        let no_room = self.engine.is_full() || !self.backlog.is_empty();
        // Who asks while the store waits is told so at once.
        if !feeds || !no_room || (asks && self.core.waits().is_some()) {
            return self.take(message);
        }
        self.backlog.push_back(message);
        Ok(false)
    }

    /// Hands in what was kept, as far as there is room.
    fn catch_up(&mut self) -> Result<(), CoreError> {
        while !self.engine.is_full()
            && let Some(message) = self.backlog.pop_front()
        {
            self.take(message)?;
        }
        Ok(())
    }

    /// Takes one message; true if it asks to stop.
    fn take(&mut self, message: ToCore) -> Result<bool, CoreError> {
        let now = self.core.now();
        let waits = self.core.waits().is_some();
        if !is_of_dispatches(&message) {
            self.hands.engine_rests();
        }
        match message {
            // Whoever asks learns why by its reply being dropped, and asks again later.
            message if waits && asks(&message) => {}
            ToCore::Input(input) => self.engine.handle(now, input, &*self.view)?,
            ToCore::Submit { dispatch, documents, pins, reply } => {
                let token = self.token();
                self.replies.insert(token, reply);
                self.engine.handle(
                    now,
                    Input::Submit { token, dispatch, documents },
                    &*self.view,
                )?;
                drop(pins);
            }
            ToCore::Ask { input, reply } => {
                let token = self.token();
                self.replies.insert(token, reply);
                self.engine.handle(now, input(token), &*self.view)?;
            }
            ToCore::Offer { offer, reply } => {
                let token = self.token();
                self.offers.insert(token, reply);
                self.engine.handle(now, offer.into_input(token), &*self.view)?;
            }
            ToCore::PeerUp { up, session, link } => {
                let peer = up.peer.clone();
                if let Some((_, old)) = self.links.insert(peer.clone(), (session, link)) {
                    let _ = old.send(ToPeer::Replaced);
                    self.engine.handle(now, Input::PeerDown { peer }, &*self.view)?;
                }
                self.engine.handle(now, Input::PeerUp(up), &*self.view)?;
            }
            ToCore::Pass { to, frame } => {
                self.to_peer(&to, ToPeer::Pass(frame));
            }
            ToCore::PeerDown { peer, session } => {
                if self.links.get(&peer).is_some_and(|(s, _)| *s == session) {
                    self.links.remove(&peer);
                    self.engine.handle(now, Input::PeerDown { peer }, &*self.view)?;
                }
            }
            ToCore::Question(question) => {
                let deliver = question(&self.engine, &*self.view);
                match self.engine.awaits_batch() {
                    Some(_) if waits => drop(deliver),
                    Some(batch) => self.answers.push_back((batch, deliver)),
                    None => deliver(),
                }
            }
            ToCore::Reading(question) => {
                let deliver = question(&self.engine, &*self.view);
                match self.engine.awaits_batch() {
                    Some(batch) if !waits => self.readings.push_back((batch, deliver)),
                    _ => deliver(),
                }
            }
            ToCore::Glance(question) => question(&self.engine, &*self.view)(),
            ToCore::StoreWaits(code) => {
                self.set_waits(Some(code));
                self.replies.clear();
                self.offers.clear();
                self.backlog.retain(|kept| !asks(kept));
                self.answers.clear();
                self.readings.drain(..).for_each(|(_, deliver)| deliver());
            }
            ToCore::Persisted(batch, result) => {
                result.map_err(CoreError::Storage)?;
                self.committing = false;
                self.set_waits(None);
                self.note_head(&batch);
                self.engine.persisted(batch.number);
                let number = batch.number;
                self.persisted = number;
                self.engine.recycle(batch);
                for waiting in [&mut self.answers, &mut self.readings] {
                    while waiting.front().is_some_and(|(n, _)| *n <= number) {
                        if let Some((_, deliver)) = waiting.pop_front() {
                            deliver();
                        }
                    }
                }
            }
            ToCore::Unneeded(digests) => self.remove(digests),
            ToCore::Fatal(why) => return Err(CoreError::Storage(why)),
            ToCore::Stop => return Ok(true),
        }
        Ok(false)
    }

    fn tell_set_aside(&mut self) {
        let changes = self.engine.state().set_aside_changes;
        if std::mem::replace(&mut self.set_aside_changes, changes) != changes {
            self.hands.set_aside(self.engine.quarantined().map(|(id, ..)| id).collect());
        }
    }

    /// Has the anchor written once the log is known to be whole, and whoever took the doubt away left
    /// his evidence durably.
    fn anchor(&mut self) {
        match self.anchoring {
            Anchoring::No if self.engine.shut().is_none() => {
                tracing::info!(by = ?self.engine.anchored_by(), "the receipt log is anchored: receipts are signed");
                self.anchoring = Anchoring::After(self.engine.awaits_batch().unwrap_or(0));
            }
            Anchoring::After(batch) if batch <= self.persisted => {
                let _ = self.store.send(ToStore::Anchor);
                self.anchoring = Anchoring::Done;
            }
            _ => {}
        }
    }

    fn set_waits(&self, code: Option<Code>) {
        if let Ok(mut waits) = self.core.waits.lock() {
            *waits = code;
        }
    }

    fn note_head(&self, batch: &Batch) {
        let root = batch.records.iter().rev().find_map(|r| match r {
            tram_engine::Record::Root(root) => Some(root),
            _ => None,
        });
        if let (Some(root), Ok(mut head)) = (root, self.core.head.lock()) {
            *head = DurableHead { size: root.size, root: root.root, time: root.time };
        }
    }

    fn token(&mut self) -> Token {
        self.next_token += 1;
        Token(self.next_token)
    }

    /// Carries out everything that may now be done. A receiver that is gone needs no answer: what
    /// was promised to it is durable and will be answered again when it asks again.
    fn carry_out(&mut self) -> Result<(), CoreError> {
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
                        let input = Input::TransferFailed { peer, dispatch, cause };
                        self.engine.handle(self.core.now(), input, &*self.view)?;
                    }
                }
                Output::SendReceipts { peer, batch, receipts, statements } => {
                    self.to_peer(&peer, ToPeer::Receipts { batch, receipts, statements });
                }
                Output::Stored { peer, batch } => {
                    self.to_peer(&peer, ToPeer::Stored(batch));
                }
                Output::Cosign(cosign) => {
                    // Without a session there is nobody to tell; the next hello asks anew.
                    self.to_peer(&cosign.to().clone(), ToPeer::Cosign(cosign));
                }
                Output::RemoveDocuments(digests) => self.remove(digests),
                Output::Notify(notice) => {
                    let _ = self.core.notices.send(Arc::new(notice));
                }
            }
        }
        Ok(())
    }

    /// Removes files, except those that another dispatch came to need meanwhile.
    fn remove(&self, mut digests: Vec<Digest>) {
        digests.retain(|d| {
            !self.engine.uses_file(d) && !self.uploads.contains(d) && self.pins.leave(*d)
        });
        let _ = self.store.send(ToStore::Remove(digests));
    }

    fn to_peer(&self, peer: &NodeId, message: ToPeer) -> bool {
        self.links.get(peer).is_some_and(|(_, link)| link.send(message).is_ok())
    }
}

/// Whether this is about dispatches, each of which is noted when its turn comes.
fn is_of_dispatches(message: &ToCore) -> bool {
    match message {
        ToCore::Input(input) => {
            input.about().is_some()
                || matches!(input, Input::Receipts { .. } | Input::Stored { .. })
        }
        other => asks(other),
    }
}

/// Whether somebody waits for the answer to this, and may be told to come again.
fn asks(message: &ToCore) -> bool {
    matches!(message, ToCore::Submit { .. } | ToCore::Ask { .. } | ToCore::Offer { .. })
}

#[cfg(test)]
mod tests;
