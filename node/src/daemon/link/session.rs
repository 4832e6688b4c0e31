//! One session: the control stream between engine and peer, and transfers in both directions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tram_crypto::sha256;
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_dispatch::{Code, Digest, DispatchId, NodeId};
use tram_engine::quota::{Bucket, Rate};
use tram_engine::record::Stage;
use tram_engine::{Input, PeerUp};
use tram_peer::limits::{HELLO_MS_MAX, QUESTIONS_MAX};
use tram_peer::{Event, HeldCheckpoint, Local, Refused, Session as Machine};
use tram_transport::{Control, Opened, Session, outbox};
use tram_trust::{Refusal, Statements, VerifiedReceipt, Verifier};
use tram_wire::frame::{self, Frame};

use super::super::context::Context;
use super::super::core::{ToCore, ToPeer};
use super::super::epochs;
use super::super::hand::Attempted;
use super::checkpoints::{self, Checkpoints};
use super::cosigning::{self, Cosigning};
use super::directories::{Directories, PIECE_COSTS};
use super::gates::Gates;
use super::{give, take};

/// Receipts up to this size together are verified on the session's own thread.
const BRIEF_BYTES_MAX: usize = 64 << 10;

/// Receipts of one peer that are taken in a second, after so many at once: more than any node passes
/// on, and few enough that checking what proves nothing takes a part of one processor.
const RECEIPTS: Rate = Rate { amount: 5_000, period_ms: 1_000, burst: 5_000 };

/// Bytes of receipts of one peer that are here and not durable yet: then we read no more until some are, and
/// what waits while the disk is slow is never more than this and one frame.
const UNANSWERED_BYTES_MAX: usize = 1 << 20;

/// How often a session is held against the directory and the revocation lists in force.
const RECHECK_MS: u64 = 5_000;

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error("{0}")]
    Closed(#[from] tram_transport::CloseReason),
    #[error("{0}")]
    Stream(#[from] tram_transport::StreamError),
    #[error("a newer session took over")]
    Replaced,
    #[error("the node is stopping")]
    Stopping,
}

impl Ended {
    /// The code for listings.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Ended::Refused(r) => r.code.as_str(),
            Ended::Closed(_) | Ended::Stream(_) | Ended::Replaced | Ended::Stopping => {
                Code::PeerUnreachable.as_str()
            }
        }
    }
}

/// Runs one session to its end; gives why it ended, and whether it was ever up.
pub(super) async fn run(context: Arc<Context>, peer: NodeId, opened: Opened) -> (Ended, bool) {
    let Opened { session, control } = opened;
    let serial = context.next_serial();
    let mut up = false;
    let ended = match drive(&context, &peer, &session, control, serial, &mut up).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    };
    // Before it is closed: transfers that fail with it need not be told to the engine.
    let code = match ended {
        Ended::Replaced => tram_transport::close_code::SUPERSEDED,
        _ => tram_transport::close_code::CLOSED,
    };
    session.close(code, &ended.to_string());
    // A core that is gone knows no peers.
    let _ = context.core.send(ToCore::PeerDown { peer, session: serial });
    (ended, up)
}

enum Never {}

/// A batch of receipts that the engine has: the peer's number for it, whether it may be called
/// stored, and its place among the peer's questions.
struct Batch {
    number: u64,
    bytes: usize,
    complete: bool,
    question: Option<OwnedSemaphorePermit>,
}

async fn drive(
    context: &Arc<Context>,
    peer: &NodeId,
    session: &Session,
    control: Control,
    serial: u64,
    up: &mut bool,
) -> Result<Never, Ended> {
    let Control { send, mut recv } = control;
    // Bounded by what the engine lets be under way to one peer, and by the places for its questions.
    let (out, frames) = outbox();
    let mut writer = tokio::spawn(frames.write(send));
    let mut checkpoints = Checkpoints::new(context.core.head().size);
    let mut cosigning = Cosigning::default();
    if let Some(own) = epochs::own(context) {
        out.put(frame::encode(&own), None);
    }
    let local = local(context, peer).await?;
    let ours: Arc<[u8]> = local.checkpoint.clone().into();
    let mut directories = Directories::new(local.directory.0);
    let mut machine = Machine::new(peer.clone(), local);
    let (link, mut from_engine) = queue();
    let mut link = Some(link);
    let gates = Arc::new(Gates::new(context, session));
    let hello_deadline = tokio::time::sleep(Duration::from_millis(HELLO_MS_MAX));
    tokio::pin!(hello_deadline);
    let questions = Arc::new(Semaphore::new(QUESTIONS_MAX));
    let mut question: Option<OwnedSemaphorePermit> = None;
    // By a number of ours, which no other session has: the peer's own numbers begin again when it
    // restarts, and an answer meant for an earlier session must not pass for one of this.
    let mut batches: BTreeMap<u64, Batch> = BTreeMap::new();
    let chain = session.peer_chain_der();
    // What receipts and statements cost; in debt, we read no more.
    let mut receipts_left = Bucket::full(&RECEIPTS, context.core.now().mono_ms);
    let mut recheck = tokio::time::interval(Duration::from_millis(RECHECK_MS));
    loop {
        while let Some(event) = machine.next_event() {
            match event {
                Event::Send(frame) => out.put(frame::encode(&frame), question.take()),
                Event::Claim(claim) => checkpoints::claimed(context, peer, claim, &ours)?,
                Event::Up { epoch, checkpoint, extends, wall, directory, credit } => {
                    directories.heard(context, peer, directory);
                    let hello = PeerUp { peer: peer.clone(), epoch, checkpoint, extends, wall };
                    if let Some(link) = link.take() {
                        if gives_way(context, peer, session) {
                            return Err(Ended::Replaced);
                        }
                        gates.given.forget_permits(
                            gates.given.available_permits().saturating_sub(credit.max(1) as usize),
                        );
                        let message = ToCore::PeerUp { up: hello, session: serial, link };
                        context.core.send(message).map_err(|_| Ended::Stopping)?;
                        for epoch in epochs::of_others(context, peer) {
                            out.put(frame::encode(&epoch), None);
                        }
                        *up = true;
                        context.sessions.up(peer, session.clone(), context.core.now().wall);
                        tracing::info!(%peer, address = %session.remote_addr(), "session up");
                    }
                }
                Event::Prove { old, new } => {
                    let store = context.store.clone();
                    // It reads from disk; other sessions go on meanwhile.
                    let proof =
                        move || store.consistency_proof(old, new).map_err(|e| e.to_string());
                    let proof = tokio::task::spawn_blocking(proof).await;
                    let path = proof.map_err(|e| e.to_string()).flatten().map_err(|e| Refused {
                        code: Code::Internal,
                        detail: format!("no consistency proof from {old} to {new}: {e}"),
                    })?;
                    machine.prove(old, new, path);
                }
                Event::Cosigning(frame) => cosigning.take(context, peer, frame)?,
                Event::Directory(frame) => {
                    if matches!(frame, Frame::DirectoryRequest { .. }) {
                        receipts_left.take(&RECEIPTS, PIECE_COSTS, context.core.now().mono_ms);
                    }
                    directories.take(context, peer, frame, &mut question, &out).await?;
                }
                Event::Checkpoint { shown, extends } => {
                    let input = Input::PeerCheckpoint { shown, extends };
                    context.core.send(ToCore::Input(input)).map_err(|_| Ended::Stopping)?;
                }
                Event::Receipts { batch, receipts, statements } => {
                    let count = (receipts.len() + statements.len()) as u64;
                    let bytes = receipts.iter().chain(&statements).map(Vec::len).sum();
                    receipts_left.take(&RECEIPTS, count, context.core.now().mono_ms);
                    let ours = context.next_serial();
                    let complete = take_receipts(context, peer, ours, receipts, statements).await?;
                    let question = question.take();
                    batches.insert(ours, Batch { number: batch, bytes, complete, question });
                }
                Event::Stored(batch) => {
                    let input = Input::Stored { peer: peer.clone(), batch };
                    context.core.send(ToCore::Input(input)).map_err(|_| Ended::Stopping)?;
                }
            }
        }
        let wait_ms = receipts_left.wait_ms(&RECEIPTS, 0, context.core.now().mono_ms);
        let dear = wait_ms > 0;
        let unanswered: usize = batches.values().map(|batch| batch.bytes).sum();
        let reads = question.is_some() && !dear && unanswered < UNANSWERED_BYTES_MAX;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(wait_ms)), if dear => {}
            permit = questions.clone().acquire_owned(), if question.is_none() => {
                question = permit.ok();
            }
            frame = recv.recv(FRAME_BYTES_MAX), if reads => {
                let Some(bytes) = frame? else { return Err(session.closed().await.into()) };
                let now_ms = context.core.now().mono_ms;
                let result = match frame::decode(&bytes).map_err(Refused::from) {
                    Err(refused) => Err(refused),
                    // Before the hello that may need it.
                    Ok(Frame::Epoch { file }) => match cosigning.may(now_ms) {
                        true => epochs::take(context, peer, file)
                            .await
                            .map_err(|r| Refused { code: r.code, detail: r.detail }),
                        false => Ok(()),
                    },
                    Ok(f) if machine.is_up() && checkpoints.pace.passes_over(&f, now_ms) => Ok(()),
                    Ok(f) => machine.handle(f, &context.verifier()),
                };
                if let Err(refused) = result {
                    checkpoints::refused(context, peer, &mut machine, &ours)?;
                    let detail = frame::detail(&refused.detail);
                    let last = Frame::HelloRefused { code: refused.code, detail };
                    out.put(frame::encode(&last), None);
                    drop(out);
                    // The peer may be gone already; the session ends either way.
                    let _ = tokio::time::timeout(Duration::from_millis(500), writer).await;
                    return Err(refused.into());
                }
            }
            message = from_engine.recv(), if link.is_none() => {
                match message {
                    None => return Err(Ended::Stopping),
                    Some(ToPeer::Replaced) => return Err(Ended::Replaced),
                    Some(ToPeer::Transfer(transfer)) => {
                        let (context, session) = (context.clone(), session.clone());
                        tokio::spawn(give::run(context, session, transfer, gates.clone()));
                    }
                    Some(ToPeer::Receipts { batch, receipts, statements }) => {
                        let receipts = receipts.iter().map(|r| r.to_vec()).collect();
                        let statements = statements.iter().map(|s| s.to_vec()).collect();
                        let frame = Frame::Receipts { batch, receipts, statements };
                        out.put(frame::encode(&frame), None);
                    }
                    Some(ToPeer::Cosign(cosign)) => {
                        cosigning::say(context, &mut machine, cosign, &out);
                    }
                    Some(ToPeer::Pass(frame)) => out.put(frame::encode(&frame), None),
                    Some(ToPeer::Stored(ours)) => {
                        if let Some(batch) = batches.remove(&ours).filter(|b| b.complete) {
                            let stored = Frame::Stored { batch: batch.number };
                            out.put(frame::encode(&stored), batch.question);
                        }
                    }
                }
            }
            streams = session.accept_transfer(), if machine.is_up() => {
                let (to, from) = streams?;
                let (context, peer, gates) = (context.clone(), peer.clone(), gates.clone());
                tokio::spawn(take::run(context, peer, to, from, gates));
            }
            ended = &mut writer => {
                return Err(match ended {
                    Ok(Err(e)) => e.into(),
                    Ok(Ok(())) | Err(_) => session.closed().await.into(),
                });
            }
            _ = checkpoints.every.tick(), if machine.is_up() => {
                checkpoints.tell(context, &out);
                cosigning::ask(context, peer, &out);
                directories.tick(context, peer, &out).await;
            }
            _ = recheck.tick() => admitted_still(context, peer, &chain)?,
            reason = session.closed() => return Err(reason.into()),
            () = &mut hello_deadline, if !machine.is_up() => {
                let detail = "no hello in time".to_owned();
                return Err(Refused { code: Code::PeerUnreachable, detail }.into());
            }
        }
    }
}

/// Whether a peer that was let in would be let in still: adjacent, its certificate in force and not
/// revoked. Where nobody can tell any more, a session has one more grace than a new one.
fn admitted_still(context: &Context, peer: &NodeId, chain: &[Vec<u8>]) -> Result<(), Refused> {
    let verifier = context.verifier();
    if !verifier.directory().adjacent(&context.me, peer) {
        let detail = format!("the directory does not put {peer} next to this node any more");
        return Err(Refused { code: Code::PeerNotInDirectory, detail });
    }
    let now = context.core.now().wall;
    verifier
        .peer_again(chain, peer, now)
        .map(|_| ())
        .map_err(|r| Refused { code: r.code, detail: r.detail })
}

/// Whether this session gives way to one that is up.
fn gives_way(context: &Context, peer: &NodeId, session: &Session) -> bool {
    let Some((other, _)) = context.sessions.get(peer).session else { return false };
    let age_ms = other.age().as_millis() as u64;
    other.close_reason().is_none()
        && tram_peer::gives_way(&context.me, peer, session.dialled(), other.dialled(), age_ms)
}

/// The engine bounds what is under way to one peer (transfers, receipt batches, the latter sent again
/// while the writer's own time limit runs), and [`QUESTIONS_MAX`] the answers to the peer's
/// questions; what waits here is never more than that.
#[expect(clippy::disallowed_methods, reason = "bounded by the engine's windows, see above")]
fn queue<T>() -> (mpsc::UnboundedSender<T>, mpsc::UnboundedReceiver<T>) {
    mpsc::unbounded_channel()
}

async fn local(context: &Arc<Context>, peer: &NodeId) -> Result<Local, Ended> {
    let asked = peer.clone();
    let held = context
        .core
        .question(move |engine, _| engine.held_of(&asked))
        .await
        .map_err(|_| Ended::Stopping)?
        .map(|held| HeldCheckpoint {
            epoch: held.epoch,
            size: held.size,
            root: held.root,
            note: held.note,
        });
    let verifier = context.verifier();
    let directory = verifier.directory();
    Ok(Local {
        network: context.network,
        node: context.me.clone(),
        directory: (directory.version(), directory.digest()),
        epoch: context.epoch,
        checkpoint: context.checkpoint(),
        held,
        wall: context.core.now().wall,
        credit: context.config.limits.peer_in_flight_max as u32,
    })
}

/// Verifies receipts and hands them to the engine. One that does not verify is left out and said so
/// in the service log. False if one is of an epoch that our directory does not list yet: then the
/// batch is not answered "stored", and the peer sends it again until a newer directory is here.
async fn take_receipts(
    context: &Arc<Context>,
    peer: &NodeId,
    batch: u64,
    receipts: Vec<Vec<u8>>,
    statements: Vec<Vec<u8>>,
) -> Result<bool, Ended> {
    let verifier = context.verifier();
    let bytes = receipts.iter().chain(&statements).map(Vec::len).sum::<usize>();
    let (verified, complete) = if bytes <= BRIEF_BYTES_MAX {
        verify_receipts(context, &verifier, peer, &receipts, &statements)
    } else {
        let (peer, ctx) = (peer.clone(), context.clone());
        let check = context.budgets.checks.acquire().await;
        let _check = check.map_err(|_| Ended::Stopping)?;
        tokio::task::spawn_blocking(move || {
            verify_receipts(&ctx, &verifier, &peer, &receipts, &statements)
        })
        .await
        .map_err(|_| Ended::Stopping)?
    };
    let input = Input::Receipts { peer: peer.clone(), batch, receipts: verified };
    context.core.send(ToCore::Input(input)).map_err(|_| Ended::Stopping)?;
    Ok(complete)
}

/// Those that verify, with the statements that they name, and whether none is ahead of our directory.
fn verify_receipts(
    context: &Context,
    verifier: &Verifier,
    peer: &NodeId,
    receipts: &[Vec<u8>],
    statements: &[Vec<u8>],
) -> (Vec<VerifiedReceipt>, bool) {
    let statements = read_statements(context, peer, statements);
    let mut verified = Vec::with_capacity(receipts.len());
    let mut complete = true;
    for raw in receipts {
        // One that breaks its verification is asked for again, until it is set aside.
        let named = DispatchId(sha256(raw));
        let verify = || {
            let verified = verifier.receipt_bytes(raw).map(|r| r.with_statement(&statements));
            verified.map_err(|refusal| (refusal, is_ahead_of_us(verifier, raw)))
        };
        match context.hands.attempt(&named, verify) {
            Ok(Ok(receipt)) => verified.push(receipt),
            Ok(Err((Refusal { code, detail }, ahead))) => {
                tracing::warn!(%peer, %code, detail, "receipt left out");
                complete &= !ahead;
            }
            Err(Attempted::Broke(detail)) => {
                context.broke(named, Stage::Take, detail);
                complete = false;
            }
            Err(Attempted::SetAside) => {
                let code = Code::Quarantined;
                tracing::error!(%peer, %code, receipt = %Digest(named.0), "receipt left out");
            }
        }
    }
    (verified, complete)
}

/// The statements that came with receipts. Without one, its receipt says as much as its node's word is worth.
fn read_statements(context: &Context, peer: &NodeId, raws: &[Vec<u8>]) -> Statements {
    let mut statements = Statements::default();
    for raw in raws {
        let named = DispatchId(sha256(raw));
        match context.hands.attempt(&named, || Statements::read([raw.as_slice()])) {
            Ok(read) => statements.extend(read),
            Err(Attempted::Broke(detail)) => context.broke(named, Stage::Take, detail),
            Err(Attempted::SetAside) => {
                let code = Code::Quarantined;
                tracing::error!(%peer, %code, statement = %Digest(named.0), "statement left out");
            }
        }
    }
    statements
}

/// Whether a receipt is of a node or epoch that our directory does not know.
fn is_ahead_of_us(verifier: &Verifier, raw: &[u8]) -> bool {
    tram_wire::Receipt::parse(raw).is_ok_and(|r| {
        let e = r.record();
        verifier.directory().epoch(&e.node, &e.epoch).is_none()
    })
}
