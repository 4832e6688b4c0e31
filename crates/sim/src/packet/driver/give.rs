//! Giving one dispatch to a peer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::timeout;
use tram_dispatch::envelope::Document;
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_dispatch::{AgencyCode, Code};
use tram_engine::transfer::give::{self, Answers};
use tram_engine::{Input, PeerAnswer, Transfer};
use tram_peer::giver::{Giver, Next, riding};
use tram_peer::limits::{ANSWER_MS_MAX, CHUNK_BYTES};
use tram_spool::store::Document as Stored;
use tram_transport::{FrameReceiver, FrameSender, Session};
use tram_wire::frame::{self, Frame, Range};

use super::gates::Gates;
use super::{Counted, Process};

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
    let offer = give::offer(transfer, riding, |document| {
        read(process, document, 0, document.size as usize).map(|bytes| bytes.to_vec())
    });
    offer.map(|offer| frame::encode(&offer))
}

async fn give(
    process: &Arc<Process>,
    session: &Session,
    transfer: Transfer,
    gates: &Gates,
) -> Result<Vec<(AgencyCode, PeerAnswer)>, Broken> {
    let dispatch = transfer.dispatch.clone();
    let documents = &dispatch.envelope().documents;
    let riding = if transfer.documents { riding(documents) } else { Default::default() };
    let _bulk = match riding.len() < documents.len() {
        true => Some(gates.given_bulk.acquire().await.map_err(broken)?),
        false => None,
    };
    let _turn = gates.given.acquire().await.map_err(broken)?;
    let first = offer(process, &transfer, &riding)?;
    let wait = Duration::from_millis(ANSWER_MS_MAX);
    let opened = timeout(wait, session.open_transfer(transfer.priority())).await;
    let (mut send, mut recv) =
        opened.map_err(|_| broken("the peer takes no more transfers"))?.map_err(broken)?;
    send.send_bytes(first.into()).await.map_err(broken)?;
    let mut giver = Giver::new(documents);
    let mut answers = Answers::awaited(&transfer.recipients);
    while !answers.are_complete() {
        match next(&mut giver, &mut recv).await? {
            Next::Give(ranges) => {
                for range in ranges {
                    let document = &documents[usize::from(range.document)];
                    give_range(process, &mut send, &giver, range, document).await?;
                }
            }
            Next::Answered(part) => {
                for unproved in answers.take(part, |raw| process.verifier().receipt_bytes(raw))? {
                    process.note(|| format!("{}: {unproved:?}", transfer.peer));
                }
            }
        }
    }
    // Everything was answered; a stream that is gone by now changes nothing.
    let _ = send.finish();
    Ok(answers.into_inner())
}

async fn next(giver: &mut Giver, recv: &mut FrameReceiver) -> Result<Next, Broken> {
    let bytes = recv.recv_within(FRAME_BYTES_MAX, ANSWER_MS_MAX).await.map_err(broken)?;
    let bytes = bytes.ok_or_else(|| broken("the peer ended the stream"))?;
    Ok(giver.handle(frame::decode(&bytes)?)?)
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
