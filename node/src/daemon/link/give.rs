//! Giving one dispatch to a peer.

use std::sync::Arc;

use tram_dispatch::limits::{FRAME_BYTES_MAX, INLINE_DOCUMENT_BYTES_MAX, INLINE_TOTAL_BYTES_MAX};
use tram_dispatch::{AgencyCode, Code};
use tram_engine::{Input, PeerAnswer, Transfer};
use tram_peer::giver::{Giver, Next};
use tram_transport::{FrameReceiver, FrameSender, Session};
use tram_wire::frame::{self, Frame, Outcome, Range};

use super::super::context::{Bytes, Context};
use super::super::core::ToCore;
use super::take::verify_receipt;

/// Bytes of a document read from disk and given to QUIC at a time.
const CHUNK_BYTES: usize = 256 << 10;

/// Runs one transfer and tells the engine how it ended.
pub(super) async fn run(context: Arc<Context>, session: Session, transfer: Transfer) {
    let (peer, dispatch) = (transfer.peer.clone(), transfer.dispatch.id());
    let input = match give(&context, &session, transfer).await {
        Ok(answers) => Input::Answered { peer, dispatch, answers },
        Err((cause, detail)) => {
            tracing::debug!(%peer, %dispatch, %cause, detail, "transfer broke off");
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

async fn give(
    context: &Arc<Context>,
    session: &Session,
    transfer: Transfer,
) -> Result<Vec<(AgencyCode, PeerAnswer)>, Broken> {
    let (mut send, mut recv) = session.open_transfer().await.map_err(broken)?;
    send.set_priority(i32::from(transfer.class));
    let documents = transfer.dispatch.envelope().documents.clone();
    let mut inline = Vec::new();
    let mut total = 0;
    for (i, d) in documents.iter().enumerate() {
        let size = usize::try_from(d.size).unwrap_or(usize::MAX);
        if size <= INLINE_DOCUMENT_BYTES_MAX && total + size <= INLINE_TOTAL_BYTES_MAX {
            let bytes = open(context, d)?.read(0, size).map_err(|e| (Code::StorageFailed, e))?;
            total += size;
            inline.push((i as u16, bytes.to_vec()));
        }
    }
    let offer = Frame::Transfer(Box::new(frame::Transfer {
        dispatch: transfer.dispatch.raw().to_vec(),
        recipients: transfer.recipients.clone(),
        receipts: transfer.receipts.iter().map(|r| r.to_vec()).collect(),
        inline,
    }));
    send.send_bytes(frame::encode(&offer).into()).await.map_err(broken)?;
    let mut giver = Giver::new(&documents);
    let mut answers = Vec::new();
    let verifier = context.verifier();
    while answers.len() < transfer.recipients.len() {
        match next(&mut giver, &mut recv).await? {
            Next::Give(ranges) => {
                for range in ranges {
                    let document = &documents[usize::from(range.document)];
                    let bytes = open(context, document)?;
                    give_range(&mut send, &giver, range, bytes).await?;
                }
            }
            Next::Answered(part) => {
                if part.is_empty() {
                    return Err(broken("an answer for nobody"));
                }
                for a in part {
                    let answer = match a.outcome {
                        Outcome::Accepted(raw) => match verify_receipt(&verifier, &raw) {
                            Ok(receipt) => PeerAnswer::Accepted(receipt),
                            Err((code, detail)) => unverified(&transfer, code, &detail),
                        },
                        Outcome::Refused(raw) => match verify_receipt(&verifier, &raw) {
                            Ok(receipt) => PeerAnswer::Refused(receipt),
                            Err((code, detail)) => unverified(&transfer, code, &detail),
                        },
                        Outcome::RefusedUnsigned { code, detail } => {
                            tracing::warn!(peer = %transfer.peer, dispatch = %transfer.dispatch.id(), %code, detail, "refused without evidence");
                            PeerAnswer::Later { code, retry_ms: 0 }
                        }
                        Outcome::Later { code, retry_ms } => PeerAnswer::Later { code, retry_ms },
                    };
                    answers.push((a.recipient, answer));
                }
            }
        }
    }
    let _ = send.finish();
    Ok(answers)
}

fn unverified(transfer: &Transfer, code: Code, detail: &str) -> PeerAnswer {
    tracing::warn!(peer = %transfer.peer, dispatch = %transfer.dispatch.id(), %code, detail, "the peer's receipt does not verify");
    PeerAnswer::Later { code, retry_ms: 0 }
}

fn open(context: &Context, document: &tram_dispatch::envelope::Document) -> Result<Bytes, Broken> {
    match context.document(&document.sha256) {
        Ok(Some(bytes)) if bytes.len() == document.size => Ok(bytes),
        Ok(_) => Err((Code::StoreCorrupt, format!("document {} is not there", document.sha256))),
        Err(e) => Err((Code::StorageFailed, e)),
    }
}

async fn next(giver: &mut Giver, recv: &mut FrameReceiver) -> Result<Next, Broken> {
    let bytes = recv.recv(FRAME_BYTES_MAX).await.map_err(broken)?;
    let bytes = bytes.ok_or_else(|| broken("the peer ended the stream"))?;
    let frame = frame::decode(&bytes).map_err(|e| (e.code, e.detail))?;
    giver.handle(frame).map_err(|r| (r.code, r.detail))
}

async fn give_range(
    send: &mut FrameSender,
    giver: &Giver,
    range: Range,
    bytes: Bytes,
) -> Result<(), Broken> {
    let length = giver.remaining(&range);
    let data = Frame::Data { document: range.document, offset: range.offset, length };
    send.send_bytes(frame::encode(&data).into()).await.map_err(broken)?;
    send.begin_raw(length).map_err(broken)?;
    let source = Arc::new(bytes);
    let mut offset = range.offset;
    let end = range.offset + length;
    while offset < end {
        let max = CHUNK_BYTES.min(usize::try_from(end - offset).unwrap_or(CHUNK_BYTES));
        let reader = source.clone();
        // Reading from disk may block; the loop that serves every session must not.
        let chunk = tokio::task::spawn_blocking(move || reader.read(offset, max))
            .await
            .map_err(broken)?
            .map_err(|e| (Code::StorageFailed, e))?;
        if chunk.is_empty() {
            return Err((Code::StoreCorrupt, "a stored document is too short".into()));
        }
        offset += chunk.len() as u64;
        send.send_raw(chunk).await.map_err(broken)?;
    }
    Ok(())
}
