//! The engine's thread before a slow disk: what comes meanwhile waits, and nothing is lost.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;
use tram_crypto::Ed25519Signer;
use tram_dispatch::limits::{DOCUMENTS_MAX, INLINE_DOCUMENT_BYTES_MAX};
use tram_dispatch::{Code, Digest};
use tram_engine::{Documents, Issuer, Record, Settings, genesis_batch};
use tram_spool::journal::BATCH_BYTES_MAX;
use tram_spool::store::{Store, StoreOptions};
use tram_trust::fixtures::Network;

use super::super::store::{NotCommitted, Storage};
use super::*;

const AGENCY: &str = "G22";
const PATIENCE: Duration = Duration::from_secs(60);

/// A store whose every commit begins by saying so, and waits for what is to come of it.
struct Slow {
    storage: Storage,
    begins: SyncSender<usize>,
    outcome: Receiver<Result<(), Code>>,
}

impl Commit for Slow {
    fn commit(&mut self, batch: &Batch) -> Result<(), NotCommitted> {
        let inline = |r: &Record| match r {
            Record::Held(held) => held.inline.iter().map(|(_, bytes)| bytes.len()).sum(),
            _ => 0,
        };
        self.begins.send(batch.records.iter().map(inline).sum()).unwrap();
        match self.outcome.recv().unwrap() {
            Ok(()) => self.storage.commit(batch),
            Err(code) => Err(NotCommitted::Waits(code, "no room".to_owned())),
        }
    }
    fn idle(&mut self) -> Result<(), String> {
        self.storage.idle()
    }
    fn anchor(&mut self) {}
    fn remove_documents(&mut self, _: &[Digest]) {}
}

/// A core over a real store, its commits one by one in the hands of the test.
struct Place {
    core: Core,
    threads: Threads,
    begins: Receiver<usize>,
    outcome: Sender<Result<(), Code>>,
    network: Network,
}

#[expect(clippy::disallowed_methods, reason = "a test sends a few words")]
fn place(folder: &Path) -> Place {
    let network = Network::new("core tests");
    let keys = network.node(AGENCY);
    let options = StoreOptions { create_with_store_id: Some([7; 16]), ..StoreOptions::default() };
    let (mut store, mut recovered, _) = Store::open_dir(folder, options).unwrap();
    let issuer = Issuer {
        network: network.id(),
        node: keys.id.clone(),
        epoch: keys.epoch,
        key: Arc::new(Ed25519Signer::from_pkcs8_der(&keys.receipt_pkcs8).unwrap()),
    };
    let wall = Clock::new().now().wall;
    let (first, frontier) = genesis_batch(&issuer, &keys.genesis, wall).unwrap();
    store.commit(&first).unwrap();
    (recovered.frontier, recovered.last_time) = (frontier, wall);
    let hands = Arc::new(Hands::open(folder).unwrap().0);
    let directory = network.directory.clone();
    let settings = Settings { clock_trusted: true, ..Settings::default() };
    let engine = Engine::watched(settings, issuer, directory, recovered, [9; 32], hands.clone());
    let (pins, view) = (Pins::default(), Box::new(store.reader()));
    let documents = store.reader().documents().clone();
    let storage = Storage { store, documents, pins: pins.clone(), keeps_closed: false };
    let (begins_tx, begins) = sync_channel(64);
    let (outcome, outcome_rx) = channel();
    let slow = Slow { storage, begins: begins_tx, outcome: outcome_rx };
    let shared = (pins, Arc::default(), hands);
    let (core, threads) =
        start(engine, view, Box::new(slow), DurableHead::default(), shared, |_| {}).unwrap();
    Place { core, threads, begins, outcome, network }
}

impl Place {
    /// Hands in a dispatch with so many small documents, each as large as may be.
    fn submit(&self, reference: &str, documents: usize) -> oneshot::Receiver<Reply> {
        let mut envelope = self.network.envelope(AGENCY, &[AGENCY], reference);
        envelope.issued_at = self.core.now().wall;
        envelope.expires_at = envelope.issued_at.plus_ms(3_600_000);
        let sealed = self.network.seal(&envelope);
        let dispatch = tram_trust::assertion::dispatch_from_store(sealed);
        let bytes: Arc<[u8]> = vec![1; INLINE_DOCUMENT_BYTES_MAX].into();
        let digest = |n: usize| Digest(tram_crypto::sha256(&n.to_be_bytes()));
        let inline = (0..documents).map(|n| (digest(n), bytes.clone())).collect();
        let documents = Documents { inline, ..Documents::default() };
        let (reply, answer) = oneshot::channel();
        let pins = Vec::new();
        self.core.send(ToCore::Submit { dispatch, documents, pins, reply }).unwrap();
        answer
    }

    /// Waits until a commit has begun; bytes of documents in it.
    fn begun(&self) -> usize {
        self.begins.recv_timeout(PATIENCE).expect("a commit")
    }

    /// Waits until the engine's thread took everything that was sent before this.
    fn taken(&self) {
        let (tx, rx) = sync_channel(1);
        let seen =
            move |_: &Engine, _: &dyn View| -> Deliver { Box::new(move || tx.send(()).unwrap()) };
        self.core.send(ToCore::Glance(Box::new(seen))).unwrap();
        rx.recv_timeout(PATIENCE).expect("a glance is answered whatever is to commit");
    }
}

#[test]
fn what_comes_while_a_commit_is_slow_never_makes_a_batch_that_the_journal_cannot_take() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let first = place.submit("slow/0", 0);
    place.begun();
    let answers: Vec<_> =
        (1..=5).map(|n| place.submit(&format!("slow/{n}"), DOCUMENTS_MAX)).collect();
    place.taken();
    place.outcome.send(Ok(())).unwrap();
    assert!(matches!(first.blocking_recv(), Ok(Reply::Done { .. })));
    let (mut bytes, mut largest) = (0, 0);
    let all = 5 * DOCUMENTS_MAX * INLINE_DOCUMENT_BYTES_MAX;
    assert!(all as u64 > BATCH_BYTES_MAX, "together they are more than one batch");
    while bytes < all {
        let batch = place.begun();
        place.outcome.send(Ok(())).unwrap();
        (bytes, largest) = (bytes + batch, largest.max(batch));
    }
    for answer in answers {
        assert!(matches!(answer.blocking_recv(), Ok(Reply::Done { .. })));
    }
    assert!(largest as u64 <= BATCH_BYTES_MAX / 2, "{largest}");
    // Whatever it commits at its end may.
    for _ in 0..8 {
        let _ = place.outcome.send(Ok(()));
    }
    place.core.send(ToCore::Stop).unwrap();
    assert!(place.threads.join().is_ok());
}

#[test]
fn who_waits_behind_a_full_batch_is_told_when_the_disk_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let first = place.submit("full/0", 0);
    place.begun();
    let waiting: Vec<_> =
        (1..=3).map(|n| place.submit(&format!("full/{n}"), DOCUMENTS_MAX)).collect();
    place.taken();
    place.outcome.send(Err(Code::BusyStorage)).unwrap();
    // Nothing was promised to any of them; they come again.
    assert!(first.blocking_recv().is_err());
    assert!(waiting.into_iter().all(|answer| answer.blocking_recv().is_err()));
    assert_eq!(place.core.waits(), Some(Code::BusyStorage));
    (0..8).for_each(|_| place.outcome.send(Ok(())).unwrap());
    let since = Instant::now();
    while place.core.waits().is_some() {
        assert!(since.elapsed() < PATIENCE, "it is tried again");
        std::thread::sleep(Duration::from_millis(20));
    }
    let again = place.submit("full/again", 0);
    assert!(matches!(again.blocking_recv(), Ok(Reply::Done { repeat, .. }) if !repeat));
    place.core.send(ToCore::Stop).unwrap();
    assert!(place.threads.join().is_ok());
}
