//! The engine's thread and the store's thread, and how the rest of the daemon talks to them.
//!
//! One thread owns the engine and consumes whatever has arrived; another makes batches durable. One
//! batch is on its way to disk while the next fills, so load itself makes the batches larger.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{broadcast, mpsc, oneshot};
use tram_dispatch::{AgencyCode, Code, Digest, NodeId, Now, UnixMillis};
use tram_engine::record::Batch;
use tram_engine::{
    Answer, Documents, Engine, Fatal, Input, Notice, Output, PeerUp, Reply, Token, Transfer, View,
};
use tram_trust::{VerifiedDispatch, VerifiedReceipt};

use super::pins::{Pin, Pins};
use super::store::{Commit, ToStore, store_loop};
use super::uploads::Uploads;

/// Most messages handled before the next commit is considered.
const DRAIN_MAX: usize = 1024;
/// A batch of at least this many records shows load; then the engine's thread gathers before it looks
/// again, so that one fsync, one signature and one waking of each thread pay for many dispatches.
const LOAD_RECORDS: usize = 32;
/// For how long it gathers. Only under load, where it costs less time than it saves.
const GATHER: Duration = Duration::from_millis(6);
/// Most notices kept for a listener that is slow.
const NOTICES_MAX: usize = 4096;

/// A question that only the engine's thread can answer. What it gives delivers the answer, once all
/// that was seen is durable.
type Question = Box<dyn FnOnce(&Engine, &dyn View) -> Deliver + Send>;
type Deliver = Box<dyn FnOnce() + Send>;

/// What the engine's thread is told.
pub(crate) enum ToCore {
    Input(Input),
    Submit {
        dispatch: VerifiedDispatch,
        documents: Documents,
        /// Held until the engine counts on the files itself, whether or not the caller still waits.
        pins: Vec<Pin>,
        reply: oneshot::Sender<Reply>,
    },
    /// An input that is answered with a `Reply`; the token is put in here.
    Ask {
        input: Box<dyn FnOnce(Token) -> Input + Send>,
        reply: oneshot::Sender<Reply>,
    },
    Offer {
        offer: Offer,
        reply: oneshot::Sender<OfferReply>,
    },
    PeerUp {
        up: PeerUp,
        session: u64,
        link: mpsc::UnboundedSender<ToPeer>,
    },
    PeerDown {
        peer: NodeId,
        session: u64,
    },
    Question(Question),
    /// Document files that nobody counts on any more, unless a held dispatch does.
    Unneeded(Vec<Digest>),
    Persisted(Batch, Result<(), String>),
    /// The disk cannot be relied on any more, or the store's thread is gone.
    Fatal(String),
    Stop,
}

/// A peer's offer on its way to the engine.
pub(crate) struct Offer {
    pub peer: NodeId,
    pub dispatch: VerifiedDispatch,
    pub recipients: Vec<AgencyCode>,
    pub receipts: Vec<VerifiedReceipt>,
    pub documents: Documents,
}

/// What the engine says to an offer.
#[derive(Debug)]
pub(crate) enum OfferReply {
    TakeDocuments,
    Answers(Vec<(AgencyCode, Answer)>),
}

/// What a session is told to send.
#[derive(Debug)]
pub(crate) enum ToPeer {
    Transfer(Transfer),
    Receipts {
        batch: u64,
        receipts: Vec<Arc<[u8]>>,
    },
    Stored(u64),
    /// Another session with the same peer took over.
    Replaced,
}

/// Size, root and time of the newest durable tree.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DurableHead {
    pub size: u64,
    pub root: [u8; 32],
    pub time: UnixMillis,
}

/// The way to the engine, for every other part of the daemon.
#[derive(Clone)]
pub(crate) struct Core {
    tx: Sender<ToCore>,
    clock: Clock,
    head: Arc<Mutex<DurableHead>>,
    notices: broadcast::Sender<Arc<Notice>>,
}

/// The two clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Clock { start: Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            mono_ms: self.start.elapsed().as_millis() as u64,
            wall: UnixMillis(wall.as_millis() as u64),
        }
    }
}

/// The engine stopped; the daemon is on its way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node is stopping")]
pub(crate) struct Stopping;

impl Core {
    /// Hands an input over.
    pub(crate) fn send(&self, message: ToCore) -> Result<(), Stopping> {
        self.tx.send(message).map_err(|_| Stopping)
    }

    /// Submits a dispatch and waits for the durable answer.
    pub(crate) async fn submit(
        &self,
        dispatch: VerifiedDispatch,
        documents: Documents,
        pins: Vec<Pin>,
    ) -> Result<Reply, Stopping> {
        let (reply, answer) = oneshot::channel();
        self.send(ToCore::Submit { dispatch, documents, pins, reply })?;
        answer.await.map_err(|_| Stopping)
    }

    /// Asks for anything else that is answered with a [`Reply`].
    pub(crate) async fn ask(
        &self,
        input: impl FnOnce(Token) -> Input + Send + 'static,
    ) -> Result<Reply, Stopping> {
        let (reply, answer) = oneshot::channel();
        self.send(ToCore::Ask { input: Box::new(input), reply })?;
        answer.await.map_err(|_| Stopping)
    }

    /// Offers what a peer offered.
    pub(crate) async fn offer(&self, offer: Offer) -> Result<OfferReply, Stopping> {
        let (reply, answer) = oneshot::channel();
        self.send(ToCore::Offer { offer, reply })?;
        answer.await.map_err(|_| Stopping)
    }

    /// Reads the engine's state.
    pub(crate) async fn question<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Engine, &dyn View) -> T + Send + 'static,
    ) -> Result<T, Stopping> {
        let (tx, rx) = oneshot::channel();
        let question: Question = Box::new(move |engine, view| {
            let answer = ask(engine, view);
            Box::new(move || {
                // The asker may have gone away; nothing is lost then.
                let _ = tx.send(answer);
            })
        });
        self.send(ToCore::Question(question))?;
        rx.await.map_err(|_| Stopping)
    }

    /// The newest durable tree.
    pub(crate) fn head(&self) -> DurableHead {
        self.head.lock().map(|h| *h).unwrap_or_default()
    }

    /// Listens to evidence as it becomes durable.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Arc<Notice>> {
        self.notices.subscribe()
    }

    /// The clocks.
    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }
}

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

/// Starts the two threads. `ended` is told when the engine's thread ends for whatever reason.
pub(crate) fn start(
    engine: Engine,
    view: Box<dyn View + Send>,
    store: Box<dyn Commit>,
    head: DurableHead,
    (pins, uploads): (Pins, Arc<Uploads>),
    ended: oneshot::Sender<()>,
) -> std::io::Result<(Core, Threads)> {
    let ((tx, rx), (store_tx, store_rx)) = (queue(), queue());
    let clock = Clock::new();
    let (notices, _) = broadcast::channel(NOTICES_MAX);
    let core =
        Core { tx: tx.clone(), clock, head: Arc::new(Mutex::new(head)), notices: notices.clone() };
    let back = tx;
    let store = std::thread::Builder::new()
        .name("store".into())
        .spawn(move || store_loop(store, &store_rx, &back))?;
    let shared = core.clone();
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
        };
        let result = running.run(&rx);
        let _ = running.store.send(ToStore::Stop);
        let _ = ended.send(());
        result
    })?;
    Ok((core, Threads { engine, store }))
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
}

impl Running {
    fn run(&mut self, rx: &Receiver<ToCore>) -> Result<(), CoreError> {
        let mut stopping = false;
        let mut gather_until: Option<Instant> = None;
        loop {
            if let Some(until) = gather_until.take() {
                std::thread::sleep(until.saturating_duration_since(Instant::now()));
            }
            let now = self.core.now();
            let wait = self.engine.deadline().saturating_sub(now.mono_ms).clamp(0, 1000);
            let first = match rx.recv_timeout(Duration::from_millis(wait)) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            match first {
                Some(message) => {
                    stopping |= self.take(message)?;
                    for message in rx.try_iter().take(DRAIN_MAX) {
                        stopping |= self.take(message)?;
                    }
                }
                None => self.engine.handle(self.core.now(), Input::Tick, &*self.view)?,
            }
            if !self.committing
                && let Some(batch) = self.engine.take_batch(self.core.now(), &*self.view)?
            {
                self.committing = true;
                if batch.records.len() >= LOAD_RECORDS {
                    gather_until = Some(Instant::now() + GATHER);
                }
                let _ = self.store.send(ToStore::Commit(batch));
            }
            self.carry_out()?;
            if stopping && !self.committing {
                return Ok(());
            }
        }
    }

    /// Takes one message; true if it asks to stop.
    fn take(&mut self, message: ToCore) -> Result<bool, CoreError> {
        let now = self.core.now();
        match message {
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
                let Offer { peer, dispatch, recipients, receipts, documents } = offer;
                let input = Input::Offer { token, peer, dispatch, recipients, receipts, documents };
                self.engine.handle(now, input, &*self.view)?;
            }
            ToCore::PeerUp { up, session, link } => {
                let peer = up.peer.clone();
                if let Some((_, old)) = self.links.insert(peer.clone(), (session, link)) {
                    let _ = old.send(ToPeer::Replaced);
                    self.engine.handle(now, Input::PeerDown { peer }, &*self.view)?;
                }
                self.engine.handle(now, Input::PeerUp(up), &*self.view)?;
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
                    Some(batch) => self.answers.push_back((batch, deliver)),
                    None => deliver(),
                }
            }
            ToCore::Persisted(batch, result) => {
                result.map_err(CoreError::Storage)?;
                self.committing = false;
                self.note_head(&batch);
                self.engine.persisted(batch.number);
                while self.answers.front().is_some_and(|(n, _)| *n <= batch.number) {
                    if let Some((_, deliver)) = self.answers.pop_front() {
                        deliver();
                    }
                }
            }
            ToCore::Unneeded(digests) => self.remove(digests),
            ToCore::Fatal(why) => return Err(CoreError::Storage(why)),
            ToCore::Stop => return Ok(true),
        }
        Ok(false)
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
                Output::SendReceipts { peer, batch, receipts } => {
                    self.to_peer(&peer, ToPeer::Receipts { batch, receipts });
                }
                Output::Stored { peer, batch } => {
                    self.to_peer(&peer, ToPeer::Stored(batch));
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
