//! One session: the control stream between engine and peer, and transfers in both directions.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_dispatch::{Code, NodeId};
use tram_engine::{Input, PeerUp};
use tram_peer::{Event, Local, Refused, Session as Machine};
use tram_transport::{Control, FrameSender, Opened, Session, StreamError};
use tram_trust::Verifier;
use tram_wire::frame::{self, Frame};

use super::super::context::Context;
use super::super::core::{ToCore, ToPeer};
use super::{give, take};

/// Both hellos must be exchanged within this.
const HELLO_MS_MAX: u64 = 10_000;

/// How often a session is held against the directory in force.
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

/// Runs one session to its end.
pub(super) async fn run(context: Arc<Context>, peer: NodeId, opened: Opened) -> Ended {
    let Opened { session, control } = opened;
    let serial = context.next_serial();
    let ended = match drive(&context, &peer, &session, control, serial).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    };
    let _ = context.core.send(ToCore::PeerDown { peer, session: serial });
    session.close(tram_transport::close_code::CLOSED, &ended.to_string());
    ended
}

enum Never {}

async fn drive(
    context: &Arc<Context>,
    peer: &NodeId,
    session: &Session,
    control: Control,
    serial: u64,
) -> Result<Never, Ended> {
    let Control { send, mut recv } = control;
    // Writing has a task of its own: if both sides wrote before they read, both could wait for ever.
    let (out, frames) = queue();
    let mut writer = tokio::spawn(write_frames(send, frames));
    let mut machine = Machine::new(peer.clone(), local(context, peer).await?);
    let (link, mut from_engine) = queue();
    let mut link = Some(link);
    let gate = Arc::new(Semaphore::new(session.bulk_streams_max() as usize));
    let hello_deadline = tokio::time::sleep(Duration::from_millis(HELLO_MS_MAX));
    tokio::pin!(hello_deadline);
    let mut incomplete = BTreeSet::new();
    let mut recheck = tokio::time::interval(Duration::from_millis(RECHECK_MS));
    loop {
        while let Some(event) = machine.next_event() {
            match event {
                Event::Send(frame) => queue_frame(&out, &frame),
                Event::Up { epoch, checkpoint, held, wall, .. } => {
                    let up = PeerUp { peer: peer.clone(), epoch, checkpoint, held, wall };
                    if let Some(link) = link.take() {
                        let message = ToCore::PeerUp { up, session: serial, link };
                        context.core.send(message).map_err(|_| Ended::Stopping)?;
                        context.sessions.up(peer, session.clone(), context.core.now().wall);
                        tracing::info!(%peer, address = %session.remote_addr(), "session up");
                    }
                }
                Event::Prove { old, new } => {
                    let path = context.store.consistency_proof(old, new).map_err(|e| Refused {
                        code: Code::Internal,
                        detail: format!("no consistency proof from {old} to {new}: {e}"),
                    })?;
                    machine.prove(old, new, path);
                }
                Event::Receipts { batch, receipts } => {
                    if !take_receipts(context, peer, batch, receipts)? {
                        incomplete.insert(batch);
                    }
                }
                Event::Stored(batch) => {
                    let input = Input::Stored { peer: peer.clone(), batch };
                    context.core.send(ToCore::Input(input)).map_err(|_| Ended::Stopping)?;
                }
            }
        }
        tokio::select! {
            frame = recv.recv(FRAME_BYTES_MAX) => {
                let Some(bytes) = frame? else { return Err(session.closed().await.into()) };
                let result = frame::decode(&bytes)
                    .map_err(|e| Refused { code: e.code, detail: e.detail })
                    .and_then(|f| machine.handle(f, &context.verifier()));
                if let Err(refused) = result {
                    let detail = frame::detail(&refused.detail);
                    let last = Frame::HelloRefused { code: refused.code, detail };
                    queue_frame(&out, &last);
                    drop(out);
                    // The peer may be gone already; the session ends either way.
                    let _ = tokio::time::timeout(Duration::from_millis(500), writer).await;
                    return Err(refused.into());
                }
            }
            message = from_engine.recv(), if link.is_none() => {
                match message {
                    None | Some(ToPeer::Replaced) => return Err(Ended::Replaced),
                    Some(ToPeer::Transfer(transfer)) => {
                        tokio::spawn(give::run(context.clone(), session.clone(), transfer));
                    }
                    Some(ToPeer::Receipts { batch, receipts }) => {
                        let receipts = receipts.iter().map(|r| r.to_vec()).collect();
                        queue_frame(&out, &Frame::Receipts { batch, receipts });
                    }
                    Some(ToPeer::Stored(batch)) if incomplete.remove(&batch) => {}
                    Some(ToPeer::Stored(batch)) => {
                        queue_frame(&out, &Frame::Stored { batch });
                    }
                }
            }
            streams = session.accept_transfer(), if machine.is_up() => {
                let (to, from) = streams?;
                let (context, peer, gate) = (context.clone(), peer.clone(), gate.clone());
                tokio::spawn(take::run(context, peer, to, from, gate));
            }
            ended = &mut writer => {
                return Err(match ended {
                    Ok(Err(e)) => e.into(),
                    Ok(Ok(())) | Err(_) => session.closed().await.into(),
                });
            }
            _ = recheck.tick() => {
                if !context.verifier().directory().adjacent(&context.me, peer) {
                    let detail = format!("the directory does not put {peer} next to this node any more");
                    return Err(Refused { code: Code::PeerNotInDirectory, detail }.into());
                }
            }
            reason = session.closed() => return Err(reason.into()),
            () = &mut hello_deadline, if !machine.is_up() => {
                let detail = "no hello in time".to_owned();
                return Err(Refused { code: Code::PeerUnreachable, detail }.into());
            }
        }
    }
}

/// The engine bounds what is under way to one peer (transfers, receipt batches); what waits here is
/// never more than that.
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
        .map_err(|_| Ended::Stopping)?;
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
        credit: 256,
    })
}

/// Frames wait here for the writer; how many can wait is bounded by what the engine lets be under
/// way to one peer.
fn queue_frame(out: &mpsc::UnboundedSender<bytes::Bytes>, frame: &Frame) {
    // A writer that is gone ends the session in the same loop.
    let _ = out.send(frame::encode(frame).into());
}

async fn write_frames(
    mut send: FrameSender,
    mut frames: mpsc::UnboundedReceiver<bytes::Bytes>,
) -> Result<(), StreamError> {
    while let Some(frame) = frames.recv().await {
        send.send_bytes(frame).await?;
    }
    send.finish()?;
    send.delivered().await
}

/// Verifies receipts and hands them to the engine. One that does not verify is left out and said so
/// in the service log. False if one is of an epoch that our directory does not list yet: then the
/// batch is not answered "stored", and the peer sends it again until a newer directory is here.
fn take_receipts(
    context: &Arc<Context>,
    peer: &NodeId,
    batch: u64,
    receipts: Vec<Vec<u8>>,
) -> Result<bool, Ended> {
    let verifier = context.verifier();
    let mut verified = Vec::with_capacity(receipts.len());
    let mut complete = true;
    for raw in receipts {
        match take::verify_receipt(&verifier, &raw) {
            Ok(receipt) => verified.push(receipt),
            Err((code, detail)) => {
                tracing::warn!(%peer, %code, detail, "receipt left out");
                complete &= !is_ahead_of_us(&verifier, &raw);
            }
        }
    }
    let input = Input::Receipts { peer: peer.clone(), batch, receipts: verified };
    context.core.send(ToCore::Input(input)).map_err(|_| Ended::Stopping)?;
    Ok(complete)
}

/// Whether a receipt is of a node or epoch that our directory does not know.
fn is_ahead_of_us(verifier: &Verifier, raw: &[u8]) -> bool {
    tram_wire::Receipt::parse(raw).is_ok_and(|r| {
        let e = r.record();
        verifier.directory().epoch(&e.node, &e.epoch).is_none()
    })
}
