//! Giving one dispatch to a peer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tram_dispatch::envelope::Document;
use tram_dispatch::limits::{FRAME_BYTES_MAX, INLINE_DOCUMENT_BYTES_MAX, INLINE_TOTAL_BYTES_MAX};
use tram_dispatch::{AgencyCode, Code, DispatchId};
use tram_engine::record::Stage;
use tram_engine::{Input, PeerAnswer, Transfer};
use tram_peer::giver::{Giver, Next};
use tram_transport::{FrameReceiver, FrameSender, Session};
use tram_trust::Verifier;
use tram_wire::frame::{self, Frame, Outcome, Range};

use super::super::context::Context;
use super::super::core::ToCore;
use super::super::hand::Hands;
use super::super::kept::{Kept, Unfit};
use super::gates::Gates;
use super::take::verify_receipt;

/// Documents up to this size together are read on the session's own thread.
const BRIEF_BYTES_MAX: u64 = 64 << 10;
/// Bytes of a document read from disk and given to QUIC at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// Longest wait for the next thing a peer says of a transfer, and for a stream to say it on. It may
/// wait for its disk, or for other documents of ours; after this the transfer is tried anew.
const ANSWER_MS_MAX: u64 = 600_000;

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

/// Which documents ride along, by index.
fn riding(documents: &[Document]) -> BTreeSet<usize> {
    let mut total = 0;
    let rides = |d: &Document| {
        let size = usize::try_from(d.size).unwrap_or(usize::MAX);
        let fits = size <= INLINE_DOCUMENT_BYTES_MAX && total + size <= INLINE_TOTAL_BYTES_MAX;
        total += if fits { size } else { 0 };
        fits
    };
    let rides: Vec<bool> = documents.iter().map(rides).collect();
    rides.iter().enumerate().filter(|(_, rides)| **rides).map(|(i, _)| i).collect()
}

/// The first frame. Reads from disk.
fn offer(
    context: &Context,
    transfer: &Transfer,
    riding: &BTreeSet<usize>,
) -> Result<Vec<u8>, Broken> {
    let documents = &transfer.dispatch.envelope().documents;
    let mut inline = Vec::new();
    for i in riding {
        let document = &documents[*i];
        let bytes = context.kept(document).and_then(|mut d| d.read(0, document.size as usize));
        inline.push((*i as u16, bytes.map_err(unfit)?.to_vec()));
    }
    Ok(frame::encode(&Frame::Transfer(Box::new(frame::Transfer {
        dispatch: transfer.dispatch.raw().to_vec(),
        recipients: transfer.recipients.clone(),
        receipts: transfer.receipts.iter().map(|r| r.to_vec()).collect(),
        inline,
    }))))
}

async fn give(
    context: &Arc<Context>,
    session: &Session,
    transfer: Transfer,
    gates: &Gates,
) -> Result<Vec<(AgencyCode, PeerAnswer)>, Broken> {
    let transfer = Arc::new(transfer);
    let documents = transfer.dispatch.envelope().documents.clone();
    let riding = riding(&documents);
    let _bulk = match riding.len() < documents.len() {
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
    let wait = Duration::from_millis(ANSWER_MS_MAX);
    let opened = timeout(wait, session.open_transfer()).await;
    let (mut send, mut recv) =
        opened.map_err(|_| broken("the peer takes no more transfers"))?.map_err(broken)?;
    send.set_priority(i32::from(transfer.class));
    send.send_bytes(first.into()).await.map_err(broken)?;
    let mut giver = Giver::new(&documents);
    let mut awaited: BTreeSet<&AgencyCode> = transfer.recipients.iter().collect();
    let mut answers = Vec::new();
    let verifier = context.verifier();
    while !awaited.is_empty() {
        let next = timeout(wait, next(&mut giver, &mut recv)).await;
        match next.map_err(|_| broken("no answer in time"))?? {
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
                for a in part {
                    if !awaited.remove(&a.recipient) {
                        return Err(broken("an answer for somebody else, or a second one"));
                    }
                    answers.push((a.recipient, judged(&verifier, &transfer, a.outcome)));
                }
            }
        }
    }
    // Everything was answered; a stream that is gone by now changes nothing.
    let _ = send.finish();
    Ok(answers)
}

/// A peer's answer with its receipt verified.
fn judged(verifier: &Verifier, transfer: &Transfer, outcome: Outcome) -> PeerAnswer {
    match outcome {
        Outcome::Accepted(raw) => match verify_receipt(verifier, &raw) {
            Ok(receipt) => PeerAnswer::Accepted(receipt),
            Err((code, detail)) => unverified(transfer, code, &detail),
        },
        Outcome::Refused(raw) => match verify_receipt(verifier, &raw) {
            Ok(receipt) => PeerAnswer::Refused(receipt),
            Err((code, detail)) => unverified(transfer, code, &detail),
        },
        Outcome::RefusedUnsigned { code, detail } => {
            tracing::warn!(peer = %transfer.peer, dispatch = %transfer.dispatch.id(), %code, detail, "refused without evidence");
            PeerAnswer::Later { code, retry_ms: 0 }
        }
        Outcome::Later { code, retry_ms } => PeerAnswer::Later { code, retry_ms },
    }
}

fn unverified(transfer: &Transfer, code: Code, detail: &str) -> PeerAnswer {
    tracing::warn!(peer = %transfer.peer, dispatch = %transfer.dispatch.id(), %code, detail, "the peer's receipt does not verify");
    PeerAnswer::Later { code, retry_ms: 0 }
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
    let bytes = recv.recv(FRAME_BYTES_MAX).await.map_err(broken)?;
    let bytes = bytes.ok_or_else(|| broken("the peer ended the stream"))?;
    let frame = frame::decode(&bytes).map_err(|e| (e.code, e.detail))?;
    giver.handle(frame).map_err(|r| (r.code, r.detail))
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
mod tests {
    use super::*;

    #[test]
    fn small_documents_ride_along_until_the_frame_is_full() {
        let document = |size| Document {
            name: "a".into(),
            media_type: "a/b".into(),
            size,
            sha256: tram_dispatch::Digest([0; 32]),
            second_digest: None,
        };
        let small = INLINE_DOCUMENT_BYTES_MAX as u64;
        let mut list = vec![document(small + 1), document(5)];
        list.extend((0..5).map(|_| document(small)));
        list.push(document(7));
        assert_eq!(riding(&list), [1, 2, 3, 4, 7].into());
    }
}
