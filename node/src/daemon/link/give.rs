//! Giving one dispatch to a peer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tram_crypto::sha256;
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId};
use tram_engine::record::Stage;
use tram_engine::transfer::give::{self, Answers, Unproved};
use tram_engine::{Input, PeerAnswer, Transfer};
use tram_peer::giver::{Giver, Next, riding};
use tram_peer::limits::{ANSWER_MS_MAX, CHUNK_BYTES};
use tram_transport::{FrameReceiver, FrameSender, Session};
use tram_trust::{Refusal, VerifiedReceipt, Verifier};
use tram_wire::frame::{self, Frame, Range};

use super::super::context::Context;
use super::super::core::ToCore;
use super::super::hand::{Attempted, Hands};
use super::super::kept::{Kept, Unfit};
use super::gates::Gates;

/// Documents up to this size together are read on the session's own thread.
const BRIEF_BYTES_MAX: u64 = 64 << 10;

/// Runs one transfer and tells the engine how it ended.
pub(super) async fn run(
    context: Arc<Context>,
    session: Session,
    transfer: Transfer,
    gates: Arc<Gates>,
) {
    let (peer, dispatch) = (transfer.peer.clone(), transfer.dispatch.id());
    let input = match give(&context, &session, transfer, &gates).await {
        Ok(answers) => Input::Answered { peer, dispatch, answers },
        Err((Code::StoreCorrupt, detail)) => {
            tracing::error!(code = "STORE_CORRUPT", %dispatch, detail, "not given: what is stored of it is damaged");
            Input::Damaged { dispatch, detail }
        }
        Err((Code::WorkUnfinished, detail)) => {
            tracing::error!(code = "WORK_UNFINISHED", %dispatch, detail, "a transfer broke off");
            Input::Broke { dispatch, stage: Stage::Give, peer: Some(peer), detail }
        }
        Err((cause, detail)) => {
            tracing::debug!(%peer, %dispatch, %cause, detail, "transfer broke off");
            if session.close_reason().is_some() {
                // The end of the session puts the dispatch back; it may be under way in the next
                // session by now, and that one is not to be called failed.
                return;
            }
            Input::TransferFailed { peer, dispatch, cause }
        }
    };
    // When the engine is gone the leg is in the journal and will be offered at the next start.
    let _ = context.core.send(ToCore::Input(input));
}

type Broken = (Code, String);

fn broken(e: impl std::fmt::Display) -> Broken {
    (Code::PeerUnreachable, e.to_string())
}

/// The first frame. Reads from disk.
fn offer(
    context: &Context,
    transfer: &Transfer,
    riding: &BTreeSet<usize>,
) -> Result<Vec<u8>, Broken> {
    let offer = give::offer(transfer, riding, |document| {
        let bytes = context.kept(document).and_then(|mut d| d.read(0, document.size as usize));
        bytes.map(|bytes| bytes.to_vec()).map_err(unfit)
    });
    offer.map(|offer| frame::encode(&offer))
}

async fn give(
    context: &Arc<Context>,
    session: &Session,
    transfer: Transfer,
    gates: &Gates,
) -> Result<Vec<(AgencyCode, PeerAnswer)>, Broken> {
    let transfer = Arc::new(transfer);
    let dispatch = transfer.dispatch.clone();
    let documents = &dispatch.envelope().documents;
    let riding = if transfer.documents { riding(documents) } else { BTreeSet::new() };
    let _bulk = match transfer.documents && riding.len() < documents.len() {
        true => Some(gates.given_bulk.acquire().await.map_err(broken)?),
        false => None,
    };
    let _turn = gates.given.acquire().await.map_err(broken)?;
    let along: u64 = riding.iter().map(|i| documents[*i].size).sum();
    // What is read in moments is read faster than another thread is woken (measured).
    let id = transfer.dispatch.id();
    let first = if along <= BRIEF_BYTES_MAX {
        worked(context.hands.work(&id, Stage::Give, || offer(context, &transfer, &riding)))?
    } else {
        let (context, transfer) = (context.clone(), transfer.clone());
        blocking(&context.hands.clone(), id, move || offer(&context, &transfer, &riding)).await?
    };
    let (mut send, mut recv) = open(session, &transfer).await?;
    send.send_bytes(first.into()).await.map_err(broken)?;
    let mut giver = Giver::new(documents);
    let mut answers = Answers::awaited(&transfer.recipients);
    let verifier = context.verifier();
    while !answers.are_complete() {
        match next(&mut giver, &mut recv).await? {
            Next::Give(ranges) => {
                for range in ranges {
                    let document = documents[usize::from(range.document)].clone();
                    let ctx = context.clone();
                    let open = move || ctx.kept(&document).map_err(unfit);
                    let kept = blocking(&context.hands, id, open).await?;
                    give_range(context, id, &mut send, &giver, range, kept).await?;
                }
            }
            Next::Answered(part) => {
                for unproved in answers.take(part, |raw| receipt(context, &verifier, raw))? {
                    told(&transfer, &unproved);
                }
            }
        }
    }
    // Everything was answered; a stream that is gone by now changes nothing.
    let _ = send.finish();
    Ok(answers.into_inner())
}

/// Verifies a receipt of an answer, which goes by its own digest: it is the peer's, and need not be about the
/// dispatch that was given.
fn receipt(context: &Context, verifier: &Verifier, raw: &[u8]) -> Result<VerifiedReceipt, Refusal> {
    let named = DispatchId(sha256(raw));
    match context.hands.attempt(&named, || verifier.receipt_bytes(raw)) {
        Ok(verified) => verified,
        Err(Attempted::Broke(detail)) => {
            context.broke(named, Stage::Take, detail.clone());
            Err(Refusal { code: Code::WorkUnfinished, detail })
        }
        Err(Attempted::SetAside) => {
            let detail = format!("receipt {}", Digest(named.0));
            Err(Refusal { code: Code::Quarantined, detail })
        }
    }
}

/// Opens the stream of a transfer. Within the session, too, what is more urgent is sent first.
async fn open(
    session: &Session,
    transfer: &Transfer,
) -> Result<(FrameSender, FrameReceiver), Broken> {
    let wait = Duration::from_millis(ANSWER_MS_MAX);
    let opened = timeout(wait, session.open_transfer(transfer.priority())).await;
    opened.map_err(|_| broken("the peer takes no more transfers"))?.map_err(broken)
}

/// Tells the operator of an answer that proves nothing.
fn told(transfer: &Transfer, unproved: &Unproved) {
    let (peer, dispatch) = (&transfer.peer, transfer.dispatch.id());
    match unproved {
        Unproved::Unsigned(code, detail) => {
            tracing::warn!(%peer, %dispatch, %code, detail, "refused without evidence");
        }
        Unproved::Receipt(code, detail) => {
            tracing::warn!(%peer, %dispatch, %code, detail, "the peer's receipt does not verify");
        }
    }
}

fn unfit(e: Unfit) -> Broken {
    (e.code(), e.words().to_owned())
}

/// The result of a piece of work that may have panicked.
fn worked<T>(done: Result<Result<T, Broken>, String>) -> Result<T, Broken> {
    done.unwrap_or_else(|panic| Err((Code::WorkUnfinished, panic)))
}

/// Reads from disk on another thread: that may block, and the loop that serves every session must not.
async fn blocking<T: Send + 'static>(
    hands: &Arc<Hands>,
    id: DispatchId,
    work: impl FnOnce() -> Result<T, Broken> + Send + 'static,
) -> Result<T, Broken> {
    let hands = hands.clone();
    let work = move || hands.work(&id, Stage::Give, work);
    worked(tokio::task::spawn_blocking(work).await.map_err(|e| (Code::Internal, e.to_string()))?)
}

async fn next(giver: &mut Giver, recv: &mut FrameReceiver) -> Result<Next, Broken> {
    let bytes = recv.recv_within(FRAME_BYTES_MAX, ANSWER_MS_MAX).await.map_err(broken)?;
    let bytes = bytes.ok_or_else(|| broken("the peer ended the stream"))?;
    Ok(giver.handle(frame::decode(&bytes)?)?)
}

async fn give_range(
    context: &Arc<Context>,
    id: DispatchId,
    send: &mut FrameSender,
    giver: &Giver,
    range: Range,
    mut kept: Kept,
) -> Result<(), Broken> {
    let length = giver.remaining(&range);
    let data = Frame::Data { document: range.document, offset: range.offset, length };
    send.send_bytes(frame::encode(&data).into()).await.map_err(broken)?;
    send.begin_raw(length).map_err(broken)?;
    let mut offset = range.offset;
    let end = range.offset + length;
    while offset < end {
        let max = CHUNK_BYTES.min(usize::try_from(end - offset).unwrap_or(CHUNK_BYTES));
        let read = move || {
            let chunk = kept.read(offset, max).map_err(unfit)?;
            Ok((kept, chunk))
        };
        let (back, chunk) = blocking(&context.hands, id, read).await?;
        kept = back;
        if chunk.is_empty() {
            return Err((Code::StoreCorrupt, "a stored document is too short".into()));
        }
        offset += chunk.len() as u64;
        send.send_raw(chunk).await.map_err(broken)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
