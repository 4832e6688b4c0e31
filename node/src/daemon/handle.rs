//! How the rest of the daemon talks to the engine's thread.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use tokio::sync::{broadcast, oneshot};
use tram_dispatch::{Code, Now, UnixMillis};
use tram_engine::transfer::take::SoundOffer;
use tram_engine::{Documents, Engine, Input, Notice, Reply, Token, View};
use tram_trust::VerifiedDispatch;

use super::clock::Clock;
use super::messages::{OfferReply, Question, ToCore};
use super::pins::Pin;

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
    pub(super) tx: Sender<ToCore>,
    pub(super) clock: Clock,
    pub(super) head: Arc<Mutex<DurableHead>>,
    pub(super) notices: broadcast::Sender<Arc<Notice>>,
    pub(super) waits: Arc<Mutex<Option<Code>>>,
}

/// There is no answer: the daemon is on its way down, or its store waits for room (with the code that
/// says why). What was asked for may or may not be done; asked again, it gets the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node is stopping, or its store waits")]
pub(crate) struct Stopping(pub Option<Code>);

impl Core {
    /// Hands an input over.
    pub(crate) fn send(&self, message: ToCore) -> Result<(), Stopping> {
        self.tx.send(message).map_err(|_| self.no_answer())
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
        answer.await.map_err(|_| self.no_answer())
    }

    /// Asks for anything else that is answered with a [`Reply`].
    pub(crate) async fn ask(
        &self,
        input: impl FnOnce(Token) -> Input + Send + 'static,
    ) -> Result<Reply, Stopping> {
        let (reply, answer) = oneshot::channel();
        self.send(ToCore::Ask { input: Box::new(input), reply })?;
        answer.await.map_err(|_| self.no_answer())
    }

    /// Offers what a peer offered.
    pub(crate) async fn offer(&self, offer: SoundOffer) -> Result<OfferReply, Stopping> {
        let (reply, answer) = oneshot::channel();
        self.send(ToCore::Offer { offer, reply })?;
        answer.await.map_err(|_| self.no_answer())
    }

    /// Reads the engine's state.
    pub(crate) async fn question<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Engine, &dyn View) -> T + Send + 'static,
    ) -> Result<T, Stopping> {
        self.put(ask, ToCore::Question).await
    }

    /// Reads what a recipient may read, also while the store waits.
    pub(crate) async fn reading<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Engine, &dyn View) -> T + Send + 'static,
    ) -> Result<T, Stopping> {
        self.put(ask, ToCore::Reading).await
    }

    /// Reads what of the engine's state is promised to nobody, also while the store waits.
    pub(crate) async fn glance<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Engine, &dyn View) -> T + Send + 'static,
    ) -> Result<T, Stopping> {
        self.put(ask, ToCore::Glance).await
    }

    async fn put<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Engine, &dyn View) -> T + Send + 'static,
        how: fn(Question) -> ToCore,
    ) -> Result<T, Stopping> {
        let (tx, rx) = oneshot::channel();
        self.send(how(Box::new(move |engine, view| {
            let answer = ask(engine, view);
            Box::new(move || {
                // The asker may have gone away; nothing is lost then.
                let _ = tx.send(answer);
            })
        })))?;
        rx.await.map_err(|_| self.no_answer())
    }

    /// Why the store takes no batch at present, if it does not.
    pub(crate) fn waits(&self) -> Option<Code> {
        self.waits.lock().map_or(None, |waits| *waits)
    }

    fn no_answer(&self) -> Stopping {
        Stopping(self.waits())
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
