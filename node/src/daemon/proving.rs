//! Proofs over other nodes' logs: asked for where an evidence file is made, given for this node's own log,
//! and passed on for others. A request goes from node to node as a transfer would, its answer the same way
//! back; whoever asked verifies what comes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tram_dispatch::{EpochId, NodeId};
use tram_engine::route::toward;
use tram_wire::evidence_file::ProvedCheckpoint;
use tram_wire::frame::{Frame, PROOF_SIZES_MAX};

use super::context::Context;
use super::core::{Stopping, ToCore};
use super::service::checkpoints;

/// So long the answers of all are waited for.
const WAIT: Duration = Duration::from_secs(3);
/// Questions that wait for one log at a time.
const WAITING_MAX: usize = 32;

/// A log: whose, and which life of it.
pub(crate) type Log = (NodeId, EpochId);

type Answers = oneshot::Sender<Vec<ProvedCheckpoint>>;

/// Who waits for proofs over which log.
#[derive(Default)]
pub(crate) struct Proving(Mutex<BTreeMap<Log, Vec<Answers>>>);

impl Proving {
    fn waiting(&self) -> std::sync::MutexGuard<'_, BTreeMap<Log, Vec<Answers>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, log: &Log) -> Option<oneshot::Receiver<Vec<ProvedCheckpoint>>> {
        let mut waiting = self.waiting();
        let of_log = waiting.entry(log.clone()).or_default();
        of_log.retain(|answers| !answers.is_closed());
        let (tx, rx) = oneshot::channel();
        (of_log.len() < WAITING_MAX).then(|| {
            of_log.push(tx);
            rx
        })
    }

    /// An answer came: everybody who waits for this log gets it.
    fn give(&self, log: &Log, checkpoints: &[ProvedCheckpoint]) {
        for answers in self.waiting().remove(log).unwrap_or_default() {
            // Who waited may have gone.
            let _ = answers.send(checkpoints.to_vec());
        }
    }

    fn forget(&self) {
        self.waiting().retain(|_, of_log| {
            of_log.retain(|answers| !answers.is_closed());
            !of_log.is_empty()
        });
    }
}

/// Asks the nodes of these logs for checkpoints over trees of these sizes, and gives what came in time.
/// Nothing of it is verified.
pub(crate) async fn ask(
    context: &Arc<Context>,
    logs: BTreeMap<Log, BTreeSet<u64>>,
) -> Vec<ProvedCheckpoint> {
    let deadline = Instant::now() + WAIT;
    let mut coming = Vec::new();
    for (log, sizes) in logs {
        let verifier = context.verifier();
        let hop = toward(verifier.directory(), &context.me, &log.0);
        let Some(to) = hop.filter(|hop| *hop != context.me) else { continue };
        if !is_connected(context, &to).await {
            continue;
        }
        let Some(answer) = context.proving.wait(&log) else { continue };
        let (node, epoch) = log;
        let sizes = sizes.into_iter().take(PROOF_SIZES_MAX).collect();
        let frame = Frame::ProofRequest { asker: context.me.clone(), log: node, epoch, sizes };
        if context.core.send(ToCore::Pass { to, frame }).is_err() {
            break;
        }
        coming.push(answer);
    }
    let mut come = Vec::new();
    for answer in coming {
        if let Ok(Ok(checkpoints)) = timeout_at(deadline, answer).await {
            come.extend(checkpoints);
        }
    }
    context.proving.forget();
    come
}

async fn is_connected(context: &Context, peer: &NodeId) -> bool {
    let peer = peer.clone();
    let connected = move |engine: &tram_engine::Engine, _: &dyn tram_engine::View| {
        engine.state().peers.get(&peer).is_some_and(|p| p.connected)
    };
    context.core.glance(connected).await.unwrap_or(false)
}

/// Takes a request or an answer that a peer sent.
///
/// # Errors
/// [`Stopping`].
pub(crate) fn take(context: &Arc<Context>, peer: &NodeId, frame: Frame) -> Result<(), Stopping> {
    let verifier = context.verifier();
    let directory = verifier.directory();
    let way = |node: &NodeId| toward(directory, &context.me, node);
    let (to, from) = match &frame {
        Frame::ProofRequest { asker, log, .. } => (log, asker),
        Frame::Proof { asker, log, .. } => (asker, log),
        _ => return Ok(()),
    };
    // What comes another way is nobody's: its answer would not go back as it came, or it is none.
    if way(from).as_ref() != Some(peer) {
        return Ok(());
    }
    if *to != context.me {
        let next = way(to).filter(|next| next != peer && *next != context.me);
        return match next {
            Some(next) => context.core.send(ToCore::Pass { to: next, frame }),
            None => Ok(()),
        };
    }
    match frame {
        Frame::ProofRequest { asker, epoch, sizes, .. } if epoch == context.epoch => {
            tokio::spawn(answer(context.clone(), peer.clone(), asker, sizes));
        }
        Frame::Proof { log, epoch, checkpoints, .. } => {
            context.proving.give(&(log, epoch), &checkpoints);
        }
        _ => {}
    }
    Ok(())
}

/// Proves trees of this node's own log.
async fn answer(context: Arc<Context>, peer: NodeId, asker: NodeId, sizes: Vec<u64>) {
    let shared = context.clone();
    let made = context.readers.run(move || {
        let head = shared.core.head().size;
        let sizes = sizes.into_iter().filter(|size| (1..=head).contains(size)).collect();
        checkpoints::own(&shared, &sizes)
    });
    let checkpoints = match made.await {
        Ok(Ok(checkpoints)) if !checkpoints.is_empty() => checkpoints,
        Ok(Ok(_)) => return,
        Ok(Err(problem)) => {
            tracing::warn!(%asker, code = %problem.code, detail = problem.detail, "no proof is given");
            return;
        }
        // Too many questions wait; who asked asks again.
        Err(_) => return,
    };
    let mut checkpoints = checkpoints;
    checkpoints.sort_by(|a, b| a.note.cmp(&b.note));
    checkpoints.dedup_by(|a, b| a.note == b.note);
    let (log, epoch) = (context.me.clone(), context.epoch);
    let frame = Frame::Proof { asker, log, epoch, checkpoints };
    // A core that is gone answers nobody.
    let _ = context.core.send(ToCore::Pass { to: peer, frame });
}
