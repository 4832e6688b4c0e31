//! One session: the control stream between engine and peer, and transfers in both directions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_dispatch::{Code, NodeId};
use tram_engine::{Input, PeerUp};
use tram_peer::limits::{HELLO_MS_MAX, QUESTIONS_MAX};
use tram_peer::{Event, HeldCheckpoint, Local, Refused, Session as Machine};
use tram_transport::{Control, Opened, Session, StreamError, outbox};
use tram_trust::{Statements, VerifiedReceipt, Verifier};
use tram_wire::frame::{self, Frame};

use super::checkpoints::{self, Checkpoints};
use super::gates::Gates;
use super::{Counted, IN_FLIGHT_MAX, Process, give, lock, take};
use crate::packet::core::{Stopping, ToPeer};

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error("{0}")]
    Closed(#[from] tram_transport::CloseReason),
    #[error("{0}")]
    Stream(#[from] StreamError),
    #[error("a newer session took over")]
    Replaced,
    #[error("{0}")]
    Stopping(#[from] Stopping),
}

enum Never {}

/// Runs one session to its end; gives why it ended, and whether it was ever up.
pub(super) async fn run(process: Arc<Process>, peer: NodeId, opened: Opened) -> (Ended, bool) {
    let _counted = Counted::new(&process.busy.sessions);
    let Opened { session, control } = opened;
    let serial = process.next_serial();
    let mut up = false;
    let ended = match drive(&process, &peer, &session, control, serial, &mut up).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    };
    let code = match ended {
        Ended::Replaced => tram_transport::close_code::SUPERSEDED,
        _ => tram_transport::close_code::CLOSED,
    };
    session.close(code, &ended.to_string());
    // A core that is gone knows no peers.
    let _ = process.core.peer_down(peer, serial);
    (ended, up)
}

struct Batch {
    number: u64,
    complete: bool,
    question: Option<OwnedSemaphorePermit>,
}

async fn drive(
    process: &Arc<Process>,
    peer: &NodeId,
    session: &Session,
    control: Control,
    serial: u64,
    up: &mut bool,
) -> Result<Never, Ended> {
    let Control { send, mut recv } = control;
    let (out, frames) = outbox();
    // Ends with the channel, or with the session.
    let (told, mut writer) = tokio::sync::oneshot::channel();
    process.spawn(async move {
        let _ = told.send(frames.write(send).await);
    });
    let mut checkpoints = Checkpoints::new(process.core.reader()?.log_head().size);
    let mut machine = Machine::new(peer.clone(), local(process, peer).await?);
    let (link, mut from_engine) = queue();
    let mut link = Some(link);
    let gates = Arc::new(Gates::new(session));
    let hello_deadline = tokio::time::sleep(Duration::from_millis(HELLO_MS_MAX));
    tokio::pin!(hello_deadline);
    let questions = Arc::new(Semaphore::new(QUESTIONS_MAX));
    let mut question: Option<OwnedSemaphorePermit> = None;
    let mut batches: BTreeMap<u64, Batch> = BTreeMap::new();
    loop {
        while let Some(event) = machine.next_event() {
            match event {
                Event::Send(frame) => out.put(frame::encode(&frame), question.take()),
                Event::Claim(claim) => checkpoints::claimed(process, peer, claim)?,
                Event::Up { epoch, checkpoint, extends, wall, credit, .. } => {
                    let hello = PeerUp { peer: peer.clone(), epoch, checkpoint, extends, wall };
                    if let Some(link) = link.take() {
                        if gives_way(process, peer, session) {
                            return Err(Ended::Replaced);
                        }
                        gates.given.forget_permits(
                            gates.given.available_permits().saturating_sub(credit.max(1) as usize),
                        );
                        process.core.peer_up(hello, serial, link)?;
                        *up = true;
                        lock(&process.sessions).insert(peer.clone(), session.clone());
                        process.busy.ups.fetch_add(1, Ordering::Relaxed);
                        process.note(|| format!("session with {peer} up"));
                    }
                }
                Event::Prove { old, new } => {
                    let reader = process.core.reader()?;
                    let path = reader.consistency_proof(old, new).map_err(|e| Refused {
                        code: Code::Internal,
                        detail: format!("no consistency proof from {old} to {new}: {e}"),
                    })?;
                    machine.prove(old, new, path);
                }
                Event::Checkpoint { shown, extends } => {
                    process.core.input(Input::PeerCheckpoint { shown, extends })?;
                }
                Event::Cosigning(frame) => checkpoints::cosigning(process, frame)?,
                // One directory for the whole run.
                Event::Directory(_) => {}
                Event::Receipts { batch, receipts, statements } => {
                    let ours = process.next_serial();
                    let (verified, complete) = verify(process.verifier(), &receipts, &statements);
                    let input =
                        Input::Receipts { peer: peer.clone(), batch: ours, receipts: verified };
                    process.core.input(input)?;
                    let question = question.take();
                    batches.insert(ours, Batch { number: batch, complete, question });
                }
                Event::Stored(batch) => {
                    process.core.input(Input::Stored { peer: peer.clone(), batch })?;
                }
            }
        }
        tokio::select! {
            biased;
            permit = questions.clone().acquire_owned(), if question.is_none() => {
                question = permit.ok();
            }
            frame = recv.recv(FRAME_BYTES_MAX), if question.is_some() => {
                let Some(bytes) = frame? else { return Err(session.closed().await.into()) };
                let result = frame::decode(&bytes).map_err(Refused::from).and_then(|f| {
                    let now_ms = process.core.clock().now().mono_ms;
                    match machine.is_up() && checkpoints.pace.passes_over(&f, now_ms) {
                        true => Ok(()),
                        false => machine.handle(f, process.verifier()),
                    }
                });
                if let Err(refused) = result {
                    checkpoints::refused(process, peer, &mut machine)?;
                    let detail = frame::detail(&refused.detail);
                    let last = Frame::HelloRefused { code: refused.code, detail };
                    out.put(frame::encode(&last), None);
                    drop(out);
                    // The peer may be gone already; the session ends either way.
                    let _ = tokio::time::timeout(Duration::from_millis(500), writer).await;
                    return Err(refused.into());
                }
            }
            said = from_engine.recv(), if link.is_none() => {
                match said {
                    None => return Err(Stopping.into()),
                    Some(ToPeer::Replaced) => return Err(Ended::Replaced),
                    Some(ToPeer::Transfer(transfer)) => {
                        let (one, session) = (process.clone(), session.clone());
                        process.spawn(give::run(one, session, transfer, gates.clone()));
                    }
                    Some(ToPeer::Receipts { batch, receipts, statements }) => {
                        let receipts = receipts.iter().map(|r| r.to_vec()).collect();
                        let statements = statements.iter().map(|s| s.to_vec()).collect();
                        let frame = Frame::Receipts { batch, receipts, statements };
                        out.put(frame::encode(&frame), None);
                    }
                    Some(ToPeer::Cosign(cosign)) => {
                        checkpoints::cosign(process, &mut machine, cosign, &out)?;
                    }
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
                let (one, peer, gates) = (process.clone(), peer.clone(), gates.clone());
                process.spawn(take::run(one, peer, to, from, gates));
            }
            ended = &mut writer => {
                return Err(match ended {
                    Ok(Err(e)) => e.into(),
                    Ok(Ok(())) | Err(_) => session.closed().await.into(),
                });
            }
            _ = checkpoints.every.tick(), if machine.is_up() => {
                checkpoints.tell(process, &out)?;
            }
            reason = session.closed() => return Err(reason.into()),
            () = &mut hello_deadline, if !machine.is_up() => {
                let detail = "no hello in time".to_owned();
                return Err(Refused { code: Code::PeerUnreachable, detail }.into());
            }
        }
    }
}

/// Whether this session gives way to one that is up.
fn gives_way(process: &Process, peer: &NodeId, session: &Session) -> bool {
    let Some(other) = process.session(peer) else { return false };
    let age_ms = other.age().as_millis() as u64;
    tram_peer::gives_way(&process.me, peer, session.dialled(), other.dialled(), age_ms)
}

#[expect(clippy::disallowed_methods, reason = "bounded by the engine's windows, as in the daemon")]
fn queue<T>() -> (mpsc::UnboundedSender<T>, mpsc::UnboundedReceiver<T>) {
    mpsc::unbounded_channel()
}

async fn local(process: &Process, peer: &NodeId) -> Result<Local, Ended> {
    let held = process.core.question(|engine, _| engine.held_of(peer)).await?;
    let held = held.map(|held| HeldCheckpoint {
        epoch: held.epoch,
        size: held.size,
        root: held.root,
        note: held.note,
    });
    let directory = process.verifier().directory();
    Ok(Local {
        network: process.country.network(),
        node: process.me.clone(),
        directory: (directory.version(), directory.digest()),
        epoch: process.member().epoch,
        checkpoint: process.checkpoint()?,
        held,
        wall: process.core.clock().wall(),
        credit: IN_FLIGHT_MAX as u32,
    })
}

/// Those that verify, and whether all do: here the directory never changes.
fn verify(
    verifier: &Verifier,
    receipts: &[Vec<u8>],
    statements: &[Vec<u8>],
) -> (Vec<VerifiedReceipt>, bool) {
    let statements = Statements::read(statements.iter().map(Vec::as_slice));
    let verified = receipts.iter().filter_map(|raw| verifier.receipt_bytes(raw).ok());
    let verified: Vec<_> = verified.map(|receipt| receipt.with_statement(&statements)).collect();
    let complete = verified.len() == receipts.len();
    (verified, complete)
}
