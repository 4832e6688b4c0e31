//! One node: an engine that can be dropped, over a store that stays.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tram_dispatch::{DispatchId, NodeId, Now};
use tram_engine::record::Stage;
use tram_engine::{
    Anchor, Batch, Engine, Fatal, Hand, HostsBefore, Input, Issuer, Output, Recovered, Settings,
    unfinished,
};
use tram_trust::Directory;

use super::net::{lives_of, net};
use super::store::MemStore;

pub(crate) struct TestNode {
    pub(crate) id: NodeId,
    pub(crate) engine: Option<Engine>,
    pub(crate) store: MemStore,
    /// Batches on their way to disk.
    pub(crate) pending: VecDeque<Batch>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) settings: Settings,
    pub(crate) life: usize,
    /// What the anchor says at the next start.
    pub(crate) anchor: Anchor,
    /// What it had in hand outlives the process.
    pub(crate) hand: Arc<NotedHand>,
    /// Who had which agencies before, as kept beside the store.
    pub(crate) hosts_before: HostsBefore,
    starts: u8,
}

/// A hand whose note outlives the engine, and that dies of one dispatch.
#[derive(Default)]
pub(crate) struct NotedHand {
    note: Mutex<Option<(DispatchId, Stage)>>,
    deadly: Mutex<Option<(DispatchId, Stage)>>,
    /// Notes that differ from the one before.
    pub(crate) written: AtomicUsize,
}

impl NotedHand {
    /// From now on this kills whoever does it.
    pub(crate) fn deadly(&self, dispatch: DispatchId, stage: Stage) {
        *self.deadly.lock().unwrap() = Some((dispatch, stage));
    }
}

impl Hand for NotedHand {
    fn take(&self, dispatch: &DispatchId, stage: Stage) {
        let before = self.note.lock().unwrap().replace((*dispatch, stage));
        if before != Some((*dispatch, stage)) {
            self.written.fetch_add(1, Ordering::Relaxed);
        }
        let deadly = *self.deadly.lock().unwrap();
        assert!(deadly != Some((*dispatch, stage)), "dies of {dispatch}, on purpose");
    }

    fn lay_down(&self) {
        *self.note.lock().unwrap() = None;
    }
}

impl TestNode {
    pub(crate) fn new(id: NodeId) -> Self {
        Self::knowing(id, net().directory.clone())
    }

    /// One that begins with this directory.
    pub(crate) fn knowing(id: NodeId, directory: Arc<Directory>) -> Self {
        let mut node = TestNode {
            store: MemStore::new(&lives_of(&id)[0]),
            id,
            engine: None,
            pending: VecDeque::new(),
            directory,
            settings: Settings::default(),
            life: 0,
            anchor: Anchor::Agrees,
            hand: Arc::default(),
            hosts_before: HostsBefore::default(),
            starts: 0,
        };
        node.start();
        node
    }

    /// The process ends; what was not durable is gone.
    pub(crate) fn crash(&mut self) {
        if let Some(engine) = self.engine.take() {
            self.hosts_before = engine.hosts_before().clone();
        }
        self.pending.clear();
    }

    /// The disk is gone too: a new life.
    pub(crate) fn lose_disk(&mut self) {
        self.crash();
        self.hosts_before = HostsBefore::default();
        self.life += 1;
        self.store = MemStore::new(&lives_of(&self.id)[self.life]);
    }

    pub(crate) fn start(&mut self) {
        self.starts += 1;
        let note = self.hand.note.lock().unwrap().take();
        let at = tram_trust::fixtures::NOW;
        let counted = unfinished(&mut self.store.recover(), note.as_slice(), at);
        if !counted.is_empty() {
            self.store.commit(Batch { number: 0, records: counted, tree_nodes: Vec::new() });
        }
        self.engine = Some(self.rebuilt());
    }

    /// An engine as a start would make it from what is durable.
    pub(crate) fn rebuilt(&self) -> Engine {
        let life = &lives_of(&self.id)[self.life];
        let issuer = Issuer {
            network: net().base.id(),
            node: self.id.clone(),
            epoch: life.epoch,
            key: life.receipt.clone(),
        };
        let mut seed = tram_crypto::sha256(self.id.as_str().as_bytes());
        seed[0] = self.starts;
        let (settings, directory) = (self.settings.clone(), self.directory.clone());
        let hand = self.hand.clone();
        let recovered = Recovered { anchor: self.anchor.clone(), ..self.store.recover() };
        let mut engine = Engine::watched(settings, issuer, directory, recovered, seed, hand);
        engine.remember_hosts(self.hosts_before.clone());
        engine
    }

    pub(crate) fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().expect("the node runs")
    }

    pub(crate) fn runs(&self) -> bool {
        self.engine.is_some()
    }

    pub(crate) fn handle(&mut self, now: Now, input: Input) {
        self.try_handle(now, input).unwrap();
    }

    pub(crate) fn try_handle(&mut self, now: Now, input: Input) -> Result<(), Fatal> {
        self.engine.as_mut().expect("the node runs").handle(now, input, &self.store)
    }

    /// Starts a commit if there is something to commit.
    pub(crate) fn begin_commit(&mut self, now: Now) -> bool {
        let engine = self.engine.as_mut().expect("the node runs");
        let batch = engine.take_batch(now, &self.store).unwrap();
        let some = batch.is_some();
        self.pending.extend(batch);
        some
    }

    /// The oldest commit reaches the disk.
    pub(crate) fn end_commit(&mut self) -> bool {
        let Some(batch) = self.pending.pop_front() else { return false };
        let number = batch.number;
        self.store.commit(batch);
        self.engine().persisted(number);
        true
    }

    pub(crate) fn outputs(&mut self) -> Vec<Output> {
        let engine = self.engine();
        std::iter::from_fn(|| engine.next_output()).collect()
    }
}
