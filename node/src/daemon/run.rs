//! Start, run, stop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tram_config::Config;
use tram_crypto::{Entropy as _, SystemEntropy};
use tram_dispatch::Code;
use tram_engine::{Engine, genesis_batch};
use tram_spool::disk::{Disk, RealDisk};
use tram_spool::documents::{DocumentOptions, Uploads};
use tram_spool::store::{Store, StoreOptions};
use tram_transport::{Endpoint, Identity};
use tram_trust::{Options, Verifier};

use super::context::Context;
use super::core::{self, Clock, DurableHead, ToCore};
use super::link;
use super::load::load;
use super::marker::Marker;
use super::pins::Pins;
use super::readers::Readers;
use super::settings::settings;
use super::store::Storage;
use super::{anchor, beside, epochs, hand, proofs, sockets};

/// The genesis leaf, made by `tram init`, in the data directory.
pub(crate) const GENESIS_FILE: &str = "genesis.cbor";

/// Size of a journal segment: each is written once with zeros when it begins, so that a small node
/// starts quickly and a busy one rolls every second or so.
pub(crate) const SEGMENT_BYTES: u64 = 16 << 20;

/// Why a daemon did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct RunError {
    code: Code,
    detail: String,
}

impl RunError {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        RunError { code, detail: detail.into() }
    }

    /// The row of the table.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What happened, in words.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// The trust options that the configuration asks for.
pub(crate) fn trust_options(config: &Config) -> Options {
    let revocation_grace_ms = config.revocation.grace_hours * 3_600_000;
    Options { revocation_grace_ms, ..Options::default() }
}

/// After a failure of storage in this boot: makes sure that memory and disk agree. The index is then
/// built anew, for what of it reached the disk nobody can say.
fn reread(config: &Config, marker: &Marker) -> Result<(), RunError> {
    let unsure = |detail: String| RunError::new(Code::StorageUnsure, detail);
    let Some(note) = marker.found().map_err(|e| unsure(e.to_string()))? else { return Ok(()) };
    tracing::warn!(path = %note.path.display(), note = %note.words, "storage failed before; its disk is read");
    let told = |e: String| format!("{e}; noted in {}: {}", note.path.display(), note.words);
    let bytes = tram_spool::reread::reread_tail(&config.data_dir)
        .map_err(|e| RunError::new(e.code(), told(e.explain())))?;
    match std::fs::remove_file(config.data_dir.join(tram_spool::store::INDEX_FILE)) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(unsure(told(format!("the index cannot be removed: {e}"))));
        }
        _ => {}
    }
    tracing::warn!(bytes, "the journal's tail is on the disk as it is in memory");
    Ok(())
}

/// Runs a node until SIGTERM or SIGINT.
///
/// # Errors
/// [`RunError`]: it did not start, or stopped because storage or the log failed.
pub(crate) fn run(config: Config) -> Result<(), RunError> {
    run_on(config, |disk| disk, None)
}

/// Runs the node of a configuration file until SIGTERM or SIGINT, with its disk behind a wrapper:
/// for benchmarks that count syncs or slow them. The product has no way to ask for one.
///
/// # Errors
/// [`RunError`], also for a configuration that is not valid.
pub fn run_node_on(
    config: &Path,
    wrap: impl FnOnce(Arc<dyn Disk>) -> Arc<dyn Disk>,
) -> Result<(), RunError> {
    let config =
        Config::load(config).map_err(|e| RunError::new(Code::ConfigInvalid, e.to_string()))?;
    run_on(config, wrap, None)
}

/// The same, with somebody who is told of each piece of work on a dispatch after it was noted and before it
/// begins: for tests in which the process dies there. The product has no way to ask for one either.
///
/// # Errors
/// As of [`run_node_on`].
pub fn run_node_dying(config: &Path, at_work: hand::AtWork) -> Result<(), RunError> {
    let config =
        Config::load(config).map_err(|e| RunError::new(Code::ConfigInvalid, e.to_string()))?;
    run_on(config, |disk| disk, Some(at_work))
}

/// What a node holds grows by some kilobytes with each dispatch: a page of 2 MiB, cleared whole before its
/// first byte is used, costs more than it saves. Measured: 5 % of the CPU per dispatch.
fn keep_pages_small() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages stay as the system has them");
    }
}

fn run_on(
    config: Config,
    wrap: impl FnOnce(Arc<dyn Disk>) -> Arc<dyn Disk>,
    at_work: Option<hand::AtWork>,
) -> Result<(), RunError> {
    keep_pages_small();
    let clock = Clock::new();
    if config.data_dir.join(epochs::NEXT).join(epochs::READY).exists() {
        let detail = "a new epoch was begun here and not finished: run tram log new-epoch again";
        return Err(RunError::new(Code::ConfigInvalid, detail));
    }
    let loaded = load(&config, clock.now().wall)?;
    let witness_policy =
        super::witnesses::load(&config).map_err(|(code, detail)| RunError::new(code, detail))?;
    let time_stamps = super::time_stamps::TimeStamps::load(&config)
        .map_err(|(code, detail)| RunError::new(code, detail))?;
    let retention = super::retention::Retention::load(&config)
        .map_err(|(code, detail)| RunError::new(code, detail))?;
    let marker = Marker::of(&config, loaded.issuer.epoch);
    reread(&config, &marker)?;
    let store_error = |e: tram_spool::store::StoreError| {
        if e.code() == Code::StorageFailed {
            marker.set(&e.explain(), clock.now().wall);
        }
        RunError::new(e.code(), e.explain())
    };
    let commit_error = |e: tram_spool::store::CommitError| {
        if e.is_fatal() {
            marker.set(&e.explain(), clock.now().wall);
        }
        RunError::new(e.code(), e.explain())
    };
    let mut store_id = [0u8; 16];
    SystemEntropy::new()
        .fill(&mut store_id)
        .map_err(|e| RunError::new(Code::Internal, e.to_string()))?;
    let disk = RealDisk::open(&config.data_dir)
        .map_err(|e| RunError::new(Code::StorageFailed, e.to_string()))?;
    let options = StoreOptions {
        directory: Some(config.data_dir.clone()),
        create_with_store_id: Some(store_id),
        documents: DocumentOptions {
            reserve_bytes: config.limits.free_space_reserve_bytes,
            ..DocumentOptions::default()
        },
        anchor: Some(anchor::file(&config)?),
        machine_id: anchor::machine_id(),
        segment_bytes: SEGMENT_BYTES,
        ..StoreOptions::default()
    };
    let (mut store, mut recovered, report) =
        Store::open(wrap(Arc::new(disk)), options).map_err(store_error)?;
    // What recovery read is on the disk: it was synced, without an error.
    marker.clear();
    tracing::info!(
        tree_size = report.tree_size,
        open_dispatches = report.open_dispatches,
        batches_replayed = report.index.replayed_batches,
        torn_tail_discarded = report.journal.discarded.is_some(),
        "store open"
    );
    if !report.anchor.is_safe() {
        // Nothing was signed yet: the engine decides when it may be (docs/operations.md).
        tracing::error!(anchor = ?report.anchor, "the anchor outside the store does not vouch for it");
    }
    if recovered.frontier.size() == 0 {
        if report.anchor.is_safe() {
            // Before the first leaf: a store that has leaves and no anchor is never new.
            store.replace_anchor().map_err(store_error)?;
        }
        let (batch, frontier) = genesis_batch(&loaded.issuer, &loaded.genesis, clock.now().wall)
            .map_err(|e| RunError::new(Code::Internal, e.to_string()))?;
        store.commit(&batch).map_err(commit_error)?;
        recovered.frontier = frontier;
        recovered.last_time = clock.now().wall;
    }
    let at = clock.now().wall;
    let hands = hand::take_stock(&config.data_dir, &mut store, &mut recovered, at, at_work)
        .map_err(|e| match e {
            hand::StockError::Commit(e) => commit_error(e),
            hand::StockError::Io(e) => RunError::new(Code::StorageFailed, e.to_string()),
        })?;
    let head = DurableHead {
        size: recovered.frontier.size(),
        root: recovered.frontier.root().0,
        time: recovered.last_time,
    };
    let mut seed = [0u8; 32];
    SystemEntropy::new()
        .fill(&mut seed)
        .map_err(|e| RunError::new(Code::Internal, e.to_string()))?;
    let epoch = loaded.issuer.epoch;
    let directory = loaded.verifier.directory().clone();
    let me = config.node.clone();
    let (issuer, hand) = (loaded.issuer, hands.clone());
    let settings = settings(&config, loaded.root.document());
    let mut engine = Engine::watched(settings, issuer, directory, recovered, seed, hand);
    engine.remember_hosts(super::directories::hosts::load(&config.data_dir));
    let (pins, uploads) = (Pins::default(), Arc::new(Uploads::default()));
    let reader = store.reader();
    let kept = proofs::against(&config.data_dir, &me, &loaded.verifier);
    for (by, checkpoint) in kept {
        engine
            .weigh(clock.now(), &by, checkpoint, &reader)
            .map_err(|e| RunError::new(Code::StoreCorrupt, e.to_string()))?;
    }
    if let Some(code) = engine.halted() {
        tracing::error!(%code, folder = proofs::FOLDER, "the anchor, or a proof kept, says that this log contradicts what it signed: nothing new is signed");
    }
    let documents = reader.documents().clone();
    let keeps_closed = config.retention_policy.is_some();
    let storage = Storage { store, documents: documents.clone(), pins: pins.clone(), keeps_closed };
    let (ended_tx, ended) = oneshot::channel();
    let shared = (pins.clone(), uploads.clone(), hands.clone());
    let at_end = move |result: &Result<(), core::CoreError>| {
        // At once: whoever starts the node again may do so before its doors are closed.
        if let Err(core::CoreError::Storage(why)) = result {
            marker.set(why, clock.now().wall);
        }
        // Nobody waits for it any more when the doors closed first.
        let _ = ended_tx.send(());
    };
    let (core, threads) =
        core::start(engine, Box::new(reader.clone()), Box::new(storage), head, shared, at_end)
            .map_err(|e| RunError::new(Code::Internal, e.to_string()))?;
    let readers = Readers::start().map_err(|e| RunError::new(Code::Internal, e.to_string()))?;
    let first = Arc::new(loaded.verifier);
    let mut context = Context::new(
        config,
        loaded.root,
        first.clone(),
        epoch,
        core.clone(),
        reader,
        documents,
        loaded.seals,
        (pins, uploads, hands.clone()),
        loaded.checkpoint_key,
        loaded.revocation,
        readers,
    );
    context.witness_policy = witness_policy;
    context.time_stamps = time_stamps;
    context.retention = retention;
    let context = Arc::new(context);
    // Before threads have some of their own.
    sockets::allow_descriptors(&context.config);
    beside::start(&context)?;
    let served = serve(&context, &loaded.identity, first, clock, ended);
    let _ = core.send(ToCore::Stop);
    let joined = threads.join();
    if !matches!(joined, Err(core::CoreError::Panicked)) {
        // It ended in order, or for the store: of nothing that it had in hand.
        hands.rest();
    }
    let ended = joined.map_err(|e| {
        let code = match &e {
            core::CoreError::Storage(_) => Code::StorageFailed,
            core::CoreError::Engine(_) | core::CoreError::Panicked => Code::Internal,
        };
        RunError::new(code, e.to_string())
    });
    // Why the core ended is the cause; that its doors then closed is the consequence.
    ended.and(served)
}

/// A runtime of one thread, with few more for what blocks.
pub(super) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    const BLOCKING_THREADS_MAX: usize = 64;
    tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .enable_all()
        .build()
}

/// Blocking work that is still under way when a runtime ends: nothing was promised of it.
const BLOCKING_MS_MAX: u64 = 2_000;

/// Opens the doors and keeps them open until told to stop.
fn serve(
    context: &Arc<Context>,
    identity: &Identity,
    first: Arc<Verifier>,
    clock: Clock,
    ended: oneshot::Receiver<()>,
) -> Result<(), RunError> {
    let internal = |e: std::io::Error| RunError::new(Code::Internal, e.to_string());
    let (stop_tx, stop) = watch::channel(false);
    let (bound_tx, bound) = std::sync::mpsc::sync_channel(1);
    let (gone_tx, gone) = oneshot::channel::<()>();
    // QUIC has a thread and a current-thread runtime of its own: less than half the CPU per request
    // of a multi-thread runtime (docs/adr/0006).
    let quic = {
        let (context, identity, stop) = (context.clone(), identity.clone(), stop.clone());
        std::thread::Builder::new().name("quic".into()).spawn(move || {
            // Dropped when this thread ends for whatever reason.
            let _gone = gone_tx;
            match runtime() {
                Ok(runtime) => {
                    runtime.block_on(quic(context, identity, first, clock, stop, bound_tx));
                    runtime.shutdown_timeout(Duration::from_millis(BLOCKING_MS_MAX));
                }
                Err(e) => drop(bound_tx.send(Err(RunError::new(Code::Internal, e.to_string())))),
            }
        })
    }
    .map_err(internal)?;
    let result = match bound.recv() {
        Ok(Ok(())) => runtime().map_err(internal).and_then(|runtime| {
            let result = runtime.block_on(sockets::run(context.clone(), ended, gone));
            runtime.shutdown_timeout(Duration::from_millis(BLOCKING_MS_MAX));
            result
        }),
        Ok(Err(e)) => Err(e),
        Err(_) => Err(RunError::new(Code::Internal, "the QUIC thread did not start")),
    };
    // A thread that ended already needs no word.
    let _ = stop_tx.send(true);
    match quic.join() {
        Ok(()) => result,
        Err(_) => Err(RunError::new(Code::Internal, "the QUIC thread panicked")),
    }
}

async fn quic(
    context: Arc<Context>,
    identity: Identity,
    first: Arc<Verifier>,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
    bound: std::sync::mpsc::SyncSender<Result<(), RunError>>,
) {
    let slot = std::sync::OnceLock::new();
    let _ = slot.set(context.clone());
    let check = Arc::new(link::Check { context: slot, first, me: context.me.clone(), clock });
    let limits = link::limits(&context.config);
    let opened = match context.config.listen {
        Some(address) => Endpoint::bind(address, &identity, check, limits),
        None => {
            let any = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
            Endpoint::bind_dial_only(any, &identity, check, limits)
        }
    };
    let endpoint = match opened {
        Ok(endpoint) => endpoint,
        Err(e) => {
            let _ = bound.send(Err(RunError::new(Code::ConfigInvalid, e.to_string())));
            return;
        }
    };
    if let Ok(address) = endpoint.local_addr() {
        tracing::info!(%address, node = %context.me, "listening for peers");
    }
    let _ = context.endpoint.set(endpoint.clone());
    let _ = bound.send(Ok(()));
    tokio::select! {
        () = link::run(context, endpoint.clone()) => {}
        _ = stop.changed() => {}
    }
    endpoint.close("the node is stopping").await;
}
