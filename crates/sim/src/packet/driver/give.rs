//! Giving one dispatch to a peer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::timeout;
use tram_dispatch::envelope::Document;
use tram_dispatch::limits::{FRAME_BYTES_MAX, INLINE_DOCUMENT_BYTES_MAX, INLINE_TOTAL_BYTES_MAX};
use tram_dispatch::{AgencyCode, Code};
use tram_engine::{Input, PeerAnswer, Transfer};
use tram_peer::giver::{Giver, Next};
use tram_spool::store::Document as Stored;
use tram_transport::{FrameReceiver, FrameSender, Session};
use tram_trust::Verifier;
use tram_wire::frame::{self, Frame, Outcome, Range};

use super::gates::Gates;
use super::take::verify_receipt;
use super::{Counted, Process};

/// Bytes of a document given to QUIC at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// Longest wait for the next thing a peer says of a transfer, and for a stream to say it on.
const ANSWER_MS_MAX: u64 = 600_000;

type Broken = (Code, String);

/// Runs one transfer and tells the engine how it ended.
pub(super) async fn run(
    process: Arc<Process>,
    session: Session,
    transfer: Transfer,
    gates: Arc<Gates>,
) {
    let _counted = Counted::new(&process.busy.given);
    process.busy.transfers.fetch_add(1, Ordering::Relaxed);
    let (peer, dispatch) = (transfer.peer.clone(), transfer.dispatch.id());
    process.note(|| format!("gives {dispatch} to {peer}"));
    let input = match give(&process, &session, transfer, &gates).await {
        Ok(answers) => Input::Answered { peer, dispatch, answers },
        Err((cause, detail)) => {
            process
                .note(|| format!("transfer of {dispatch} to {peer} broke off: {cause} {detail}"));
            if session.close_reason().is_some() {
                // The end of the session puts the dispatch back.
                return;
            }
            Input::TransferFailed { peer, dispatch, cause }
        }
    };
    // When the engine is gone the leg is in the journal and will be offered at the next start.
    let _ = process.core.input(input);
}

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

/// Up to `max` bytes of a document from `offset`.
fn read(
    process: &Process,
    document: &Document,
    offset: u64,
    max: usize,
) -> Result<bytes::Bytes, Broken> {
    let failed = |e: String| (Code::StorageFailed, e);
    let reader = process.core.reader().map_err(|e| failed(e.to_string()))?;
    let found = reader.document(&document.sha256).map_err(|e| failed(e.explain()))?;
    let left = usize::try_from(document.size.saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; max.min(left)];
    match found {
        Some(Stored::Inline(whole)) if whole.len() as u64 == document.size => {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(whole.len());
            let to = (from + bytes.len()).min(whole.len());
            bytes = whole[from..to].to_vec();
        }
        Some(Stored::File(file)) if file.len_bytes() == document.size => {
            let n = file.read_at(offset, &mut bytes).map_err(|e| failed(e.to_string()))?;
            bytes.truncate(n);
        }
        _ => {
            let detail = format!("document {} is not there", document.sha256);
            return Err((Code::StoreCorrupt, detail));
        }
    }
    Ok(bytes.into())
}

/// The first frame.
fn offer(
    process: &Process,
    transfer: &Transfer,
    riding: &BTreeSet<usize>,
) -> Result<Vec<u8>, Broken> {
    let documents = &transfer.dispatch.envelope().documents;
    let mut inline = Vec::new();
    for i in riding {
        let document = &documents[*i];
        inline.push((*i as u16, read(process, document, 0, document.size as usize)?.to_vec()));
    }
    Ok(frame::encode(&Frame::Transfer(Box::new(frame::Transfer {
        dispatch: transfer.dispatch.raw().to_vec(),
        recipients: transfer.recipients.clone(),
        receipts: transfer.receipts.iter().map(|r| r.to_vec()).collect(),
        inline,
    }))))
}

async fn give(
    process: &Arc<Process>,
    session: &Session,
    transfer: Transfer,
    gates: &Gates,
) -> Result<Vec<(AgencyCode, PeerAnswer)>, Broken> {
    let documents = transfer.dispatch.envelope().documents.clone();
    let riding = riding(&documents);
    let _bulk = match riding.len() < documents.len() {
        true => Some(gates.given_bulk.acquire().await.map_err(broken)?),
        false => None,
    };
    let _turn = gates.given.acquire().await.map_err(broken)?;
    let first = offer(process, &transfer, &riding)?;
    let wait = Duration::from_millis(ANSWER_MS_MAX);
    let opened = timeout(wait, session.open_transfer()).await;
    let (mut send, mut recv) =
        opened.map_err(|_| broken("the peer takes no more transfers"))?.map_err(broken)?;
    send.set_priority(i32::from(transfer.class));
    send.send_bytes(first.into()).await.map_err(broken)?;
    let mut giver = Giver::new(&documents);
    let mut awaited: BTreeSet<&AgencyCode> = transfer.recipients.iter().collect();
    let mut answers = Vec::new();
    while !awaited.is_empty() {
        let next = timeout(wait, next(&mut giver, &mut recv)).await;
        match next.map_err(|_| broken("no answer in time"))?? {
            Next::Give(ranges) => {
                for range in ranges {
                    let document = &documents[usize::from(range.document)];
                    give_range(process, &mut send, &giver, range, document).await?;
                }
            }
            Next::Answered(part) => {
                for a in part {
                    if !awaited.remove(&a.recipient) {
                        return Err(broken("an answer for somebody else, or a second one"));
                    }
                    answers.push((a.recipient, judged(process.verifier(), a.outcome)));
                }
            }
        }
    }
    // Everything was answered; a stream that is gone by now changes nothing.
    let _ = send.finish();
    Ok(answers)
}

/// A peer's answer with its receipt verified.
fn judged(verifier: &Verifier, outcome: Outcome) -> PeerAnswer {
    let unverified = |(code, _)| PeerAnswer::Later { code, retry_ms: 0 };
    match outcome {
        Outcome::Accepted(raw) => {
            verify_receipt(verifier, &raw).map_or_else(unverified, PeerAnswer::Accepted)
        }
        Outcome::Refused(raw) => {
            verify_receipt(verifier, &raw).map_or_else(unverified, PeerAnswer::Refused)
        }
        Outcome::RefusedUnsigned { code, .. } => PeerAnswer::Later { code, retry_ms: 0 },
        Outcome::Later { code, retry_ms } => PeerAnswer::Later { code, retry_ms },
    }
}

async fn next(giver: &mut Giver, recv: &mut FrameReceiver) -> Result<Next, Broken> {
    let bytes = recv.recv(FRAME_BYTES_MAX).await.map_err(broken)?;
    let bytes = bytes.ok_or_else(|| broken("the peer ended the stream"))?;
    let frame = frame::decode(&bytes).map_err(|e| (e.code, e.detail))?;
    giver.handle(frame).map_err(|r| (r.code, r.detail))
}

async fn give_range(
    process: &Process,
    send: &mut FrameSender,
    giver: &Giver,
    range: Range,
    document: &Document,
) -> Result<(), Broken> {
    let length = giver.remaining(&range);
    let data = Frame::Data { document: range.document, offset: range.offset, length };
    send.send_bytes(frame::encode(&data).into()).await.map_err(broken)?;
    send.begin_raw(length).map_err(broken)?;
    let (mut offset, end) = (range.offset, range.offset + length);
    while offset < end {
        let chunk = read(process, document, offset, CHUNK_BYTES)?;
        if chunk.is_empty() {
            return Err((Code::StoreCorrupt, "a stored document is too short".into()));
        }
        offset += chunk.len() as u64;
        send.send_raw(chunk).await.map_err(broken)?;
    }
    Ok(())
}
