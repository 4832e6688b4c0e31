//! A node's engine over its store on a simulated disk, in one task. Does what the daemon's core does
//! with its two threads: one batch is on its way to the disk while the next fills.

mod running;
mod said;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tram_dispatch::{Digest, NodeId, Now};
use tram_engine::transfer::take::SoundOffer;
use tram_engine::{Documents, Engine, Input, PeerUp, Reply, Token};
use tram_spool::disk::MemDisk;
use tram_spool::documents::{Bringer, DocumentStore};
use tram_spool::store::StoreReader;
use tram_trust::VerifiedDispatch;

use super::country::Country;
use crate::dice::Dice;

use running::{Running, Step};
pub(crate) use said::{Clock, Link, OfferReply, Stopping, ToPeer};

/// Journal segments of the simulation: small, so that runs cross from one to the next.
const SEGMENT_BYTES: u64 = 256 << 10;
/// The longest the core sleeps.
const WAIT_MS_MAX: u64 = 1000;

/// What a node is started with.
pub(crate) struct Start {
    pub(crate) country: &'static Country,
    pub(crate) me: NodeId,
    pub(crate) disk: MemDisk,
    pub(crate) clock: Clock,
    /// Seeds the engine's jitter and salts, and the disk's delays.
    pub(crate) seed: u64,
    /// A planted bug: batches count as durable before the disk has them.
    pub(crate) answers_early: bool,
}

/// The core of one process.
pub(crate) struct Core {
    running: Mutex<Option<Running>>,
    wake: Notify,
    clock: Clock,
    pace: Mutex<Pace>,
    /// Why it stopped by itself, which it never should here.
    failure: Mutex<Option<String>>,
}

/// How slow the disk is.
struct Pace {
    dice: Dice,
    sync_ms_max: u64,
}

impl Core {
    /// Opens the store and starts the engine from what is in it.
    pub(crate) fn open(start: &Start) -> Result<Arc<Self>, String> {
        let mut dice = Dice::of(start.seed, "packet core", 0);
        let running = Running::open(start, dice.bytes32())?;
        Ok(Arc::new(Core {
            running: Mutex::new(Some(running)),
            wake: Notify::new(),
            clock: start.clock,
            pace: Mutex::new(Pace { dice, sync_ms_max: 4 }),
            failure: Mutex::default(),
        }))
    }

    /// Commits, ticks and answers until the process ends.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let Ok(step) = self.with(|r, now| r.step(now)) else { return };
            match step {
                Step::Commit => {
                    self.sync_pause().await;
                    if self.with(|r, now| r.commit(now)).is_err() {
                        return;
                    }
                }
                Step::Wait(ms) => {
                    let tick = tokio::time::sleep(Duration::from_millis(ms));
                    tokio::select! {
                        biased;
                        () = self.wake.notified() => {}
                        () = tick => {
                            if self.input(Input::Tick).is_err() {
                                return;
                            }
                        }
                    }
                }
            }
        }
    }

    /// As long as a sync takes here.
    pub(crate) async fn sync_pause(&self) {
        let ms = {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            let max = pace.sync_ms_max;
            pace.dice.between(max / 2, max)
        };
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// Lets each sync take between half of this and this.
    pub(crate) fn set_sync_ms_max(&self, ms: u64) {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).sync_ms_max = ms;
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// Hands an input over.
    pub(crate) fn input(&self, input: Input) -> Result<(), Stopping> {
        self.act(|r, now| r.handle(now, input))
    }

    pub(crate) async fn submit(
        &self,
        dispatch: VerifiedDispatch,
        documents: Documents,
    ) -> Result<Reply, Stopping> {
        self.ask(move |token| Input::Submit { token, dispatch, documents }).await
    }

    /// Hands in what is answered with a [`Reply`], and waits for it.
    pub(crate) async fn ask(&self, input: impl FnOnce(Token) -> Input) -> Result<Reply, Stopping> {
        let (reply, answer) = oneshot::channel();
        self.act(|r, now| {
            let token = r.token();
            r.replies.insert(token, reply);
            r.handle(now, input(token))
        })?;
        answer.await.map_err(|_| Stopping)
    }

    /// Hands in what a peer offers, and waits for what the engine says.
    pub(crate) async fn offer(&self, offer: SoundOffer) -> Result<OfferReply, Stopping> {
        let (reply, answer) = oneshot::channel();
        self.act(|r, now| {
            let token = r.token();
            r.offers.insert(token, reply);
            r.handle(now, offer.into_input(token))
        })?;
        answer.await.map_err(|_| Stopping)
    }

    /// A session is up; it takes the place of an older one with the same peer.
    pub(crate) fn peer_up(&self, up: PeerUp, session: u64, link: Link) -> Result<(), Stopping> {
        self.act(|r, now| {
            let peer = up.peer.clone();
            if let Some((_, old)) = r.links.insert(peer.clone(), (session, link)) {
                let _ = old.send(ToPeer::Replaced);
                r.handle(now, Input::PeerDown { peer })?;
            }
            r.handle(now, Input::PeerUp(up))
        })
    }

    /// A session ended.
    pub(crate) fn peer_down(&self, peer: NodeId, session: u64) -> Result<(), Stopping> {
        self.act(|r, now| {
            if r.links.get(&peer).is_some_and(|(s, _)| *s == session) {
                r.links.remove(&peer);
                r.handle(now, Input::PeerDown { peer })?;
            }
            Ok(())
        })
    }

    /// Reads the engine's state; the answer comes once everything seen is durable.
    pub(crate) async fn question<T>(
        &self,
        ask: impl FnOnce(&Engine, &StoreReader) -> T,
    ) -> Result<T, Stopping> {
        let (said, waits) = self.with(|r, _| {
            let said = ask(&r.engine, &r.reader);
            let waits = r.engine.awaits_batch().map(|batch| {
                let (tx, rx) = oneshot::channel();
                r.answers.push_back((batch, tx));
                rx
            });
            Ok((said, waits))
        })?;
        if let Some(durable) = waits {
            durable.await.map_err(|_| Stopping)?;
        }
        Ok(said)
    }

    /// Looks at the engine's state as it is, durable or not: for those outside of the model.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Engine, &StoreReader) -> T) -> Option<T> {
        self.with(|r, _| Ok(look(&r.engine, &r.reader))).ok()
    }

    pub(crate) fn reader(&self) -> Result<StoreReader, Stopping> {
        self.with(|r, _| Ok(r.reader.clone()))
    }

    pub(crate) fn documents(&self) -> Result<DocumentStore, Stopping> {
        Ok(self.reader()?.documents().clone())
    }

    /// Keeps document files from being removed.
    pub(crate) fn pin(self: &Arc<Self>, digests: Vec<Digest>) -> Result<Pins, Stopping> {
        self.with(|r, _| {
            digests.iter().for_each(|d| *r.pins.entry(*d).or_default() += 1);
            Ok(())
        })?;
        Ok(Pins { core: self.clone(), digests })
    }

    /// Notes that a document was brought whole, for a dispatch not in custody yet.
    pub(crate) fn brought(&self, who: &Bringer, digest: Digest, size: u64) -> Result<(), Stopping> {
        self.with(|r, now| {
            r.uploads.add(who, digest, size, now.mono_ms);
            Ok(())
        })
    }

    /// The size of a document that was brought whole.
    pub(crate) fn size_brought(&self, who: &Bringer, digest: &Digest) -> Option<u64> {
        self.with(|r, _| Ok(r.uploads.size(who, digest))).ok().flatten()
    }

    /// Forgets who brought these; files that nobody needs are removed.
    pub(crate) fn settled(&self, who: &Bringer, digests: &[Digest]) {
        let forget = |r: &mut Running, _| {
            for d in digests {
                r.uploads.forget(who, d);
            }
            r.remove(digests)
        };
        // A process that is gone removes nothing; the next start has forgotten all of it.
        let _ = self.with(forget);
    }

    /// The process ends now; gives the disk as a power cut leaves it. With `torn` and a batch on its
    /// way to the disk, the cut falls into the middle of writing it.
    pub(crate) fn crash(&self, dice: &mut Dice, torn: bool) -> Option<MemDisk> {
        let mut running = self.lock().take()?;
        if torn && let Some(batch) = &running.committing {
            running.disk.power_off_after(dice.below(4));
            // It fails, or the power went off behind it: both are a crash.
            let _ = running.store.commit(batch);
        }
        Some(running.disk.crash(dice.number()))
    }

    /// Why the core stopped by itself.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs with the engine; an error stops the node.
    fn with<T>(
        &self,
        act: impl FnOnce(&mut Running, Now) -> Result<T, String>,
    ) -> Result<T, Stopping> {
        let mut running = self.lock();
        let Some(r) = running.as_mut() else { return Err(Stopping) };
        act(r, self.clock.now()).map_err(|why| {
            *running = None;
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            Stopping
        })
    }

    fn act(
        &self,
        act: impl FnOnce(&mut Running, Now) -> Result<(), String>,
    ) -> Result<(), Stopping> {
        self.with(act)?;
        self.wake.notify_one();
        Ok(())
    }
}

/// Document files that stay while this lives.
pub(crate) struct Pins {
    core: Arc<Core>,
    digests: Vec<Digest>,
}

impl Drop for Pins {
    fn drop(&mut self) {
        let unpin = |r: &mut Running, _| {
            for d in &self.digests {
                if let Some(n) = r.pins.get_mut(d) {
                    *n -= 1;
                }
            }
            r.pins.retain(|_, n| *n > 0);
            Ok(())
        };
        // A process that is gone has no pins.
        let _ = self.core.with(unpin);
    }
}
