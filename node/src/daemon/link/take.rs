//! Taking one dispatch from a peer: parse, verify, ask the engine, take the documents, answer.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tram_crypto::sha256;
use tram_dispatch::envelope::Document;
use tram_dispatch::limits::{
    FRAME_BYTES_MAX, INLINE_DOCUMENT_BYTES_MAX, RECEIPT_BYTES_MAX, UPSTREAM_RECEIPTS_MAX,
};
use tram_dispatch::{AgencyCode, Code, Digest, NodeId};
use tram_engine::{Answer, Documents};
use tram_peer::taker::Awaited;
use tram_transport::{FrameReceiver, FrameSender};
use tram_trust::{Verdict, VerifiedDispatch, VerifiedReceipt, Verifier};
use tram_wire::frame::{self, Frame, Outcome, Range};
use tram_wire::{Receipt, SealedDispatch};

use super::super::context::{Context, stage, staging_name};
use super::super::core::{Offer, OfferReply};

/// Bytes taken from QUIC at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// Answers in one frame: as many as fit whatever their receipts' size.
const ANSWERS_PER_FRAME_MAX: usize = FRAME_BYTES_MAX / 2 / RECEIPT_BYTES_MAX;
/// What "later" says when nothing better is known.
const LATER_MS: u64 = 5_000;

type Objection = (Code, String);

/// Runs one transfer as its taker.
pub(super) async fn run(
    context: Arc<Context>,
    peer: NodeId,
    mut send: FrameSender,
    mut recv: FrameReceiver,
    bulk: Arc<Semaphore>,
) {
    if let Err((code, detail)) = take(&context, &peer, &mut send, &mut recv, &bulk).await {
        tracing::debug!(%peer, %code, detail, "offer broke off");
        recv.stop(u32::from(code.number()) + 0x100);
        send.reset(u32::from(code.number()) + 0x100);
    }
}

async fn take(
    context: &Arc<Context>,
    peer: &NodeId,
    send: &mut FrameSender,
    recv: &mut FrameReceiver,
    bulk: &Semaphore,
) -> Result<(), Objection> {
    let stream = |e: tram_transport::StreamError| (Code::PeerUnreachable, e.to_string());
    let bytes = recv.recv(FRAME_BYTES_MAX).await.map_err(stream)?;
    let bytes = bytes.ok_or((Code::Malformed, "no offer".to_owned()))?;
    let Frame::Transfer(offer) = frame::decode(&bytes).map_err(|e| (e.code, e.detail))? else {
        return Err((Code::Malformed, "a transfer stream begins with an offer".into()));
    };
    let recipients = offer.recipients.clone();
    let (ctx, from) = (context.clone(), peer.clone());
    let checked = tokio::task::spawn_blocking(move || check(&ctx, &from, *offer))
        .await
        .map_err(|e| (Code::Internal, e.to_string()))?;
    let outcome = match checked {
        Ok(offer) => engine(context, send, recv, bulk, offer).await?,
        Err(refusal) => refusal.for_all(&recipients),
    };
    let answers: Vec<frame::Answer> = outcome
        .into_iter()
        .map(|(recipient, answer)| frame::Answer { recipient, outcome: on_the_wire(answer) })
        .collect();
    for part in answers.chunks(ANSWERS_PER_FRAME_MAX) {
        let answer = frame::encode(&Frame::Answer(part.to_vec()));
        send.send_bytes(answer.into()).await.map_err(stream)?;
    }
    send.finish().map_err(stream)
}

/// Asks the engine; takes the documents if it wants them, and asks again.
async fn engine(
    context: &Arc<Context>,
    send: &mut FrameSender,
    recv: &mut FrameReceiver,
    bulk: &Semaphore,
    offer: Checked,
) -> Result<Vec<(AgencyCode, Answer)>, Objection> {
    let stopping = |_| (Code::Busy, "the node is stopping".to_owned());
    match context.core.offer(offer.to_offer()).await.map_err(stopping)? {
        OfferReply::Answers(answers) => return Ok(answers),
        OfferReply::TakeDocuments => {}
    }
    let _permit = bulk.acquire().await.map_err(|e| (Code::Internal, e.to_string()))?;
    let recipients = offer.recipients.clone();
    // Pinned until the engine has decided: a file that is being removed is not counted on.
    let mut pins = Vec::new();
    for digest in &offer.documents.missing {
        match context.pins.pin(*digest) {
            Some(pin) => pins.push(pin),
            None => return Ok(Refusal::Later(Code::Busy).for_all(&recipients)),
        }
    }
    match documents(context, send, recv, offer).await? {
        Ok(complete) => match context.core.offer(complete.to_offer()).await.map_err(stopping)? {
            OfferReply::Answers(answers) => Ok(answers),
            OfferReply::TakeDocuments => Err((Code::Internal, "documents asked for twice".into())),
        },
        Err(refusal) => Ok(refusal.for_all(&recipients)),
    }
}

fn on_the_wire(answer: Answer) -> Outcome {
    match answer {
        Answer::Accepted(raw) => Outcome::Accepted(raw.to_vec()),
        Answer::Refused(raw) => Outcome::Refused(raw.to_vec()),
        Answer::RefusedUnsigned(code, detail) => {
            Outcome::RefusedUnsigned { code, detail: frame::detail(&detail) }
        }
        Answer::Later(code, retry_ms) => Outcome::Later { code, retry_ms },
    }
}

/// A refusal before the engine saw anything.
#[derive(Debug)]
enum Refusal {
    Unsigned(Objection),
    Later(Code),
}

impl Refusal {
    fn for_all(self, recipients: &[AgencyCode]) -> Vec<(AgencyCode, Answer)> {
        let answer = match self {
            Refusal::Unsigned((code, detail)) => Answer::RefusedUnsigned(code, detail),
            Refusal::Later(code) => Answer::Later(code, LATER_MS),
        };
        recipients.iter().map(|r| (r.clone(), answer.clone())).collect()
    }
}

/// An offer whose signatures hold.
struct Checked {
    peer: NodeId,
    dispatch: VerifiedDispatch,
    recipients: Vec<AgencyCode>,
    receipts: Vec<VerifiedReceipt>,
    documents: Documents,
}

impl Checked {
    fn to_offer(&self) -> Offer {
        Offer {
            peer: self.peer.clone(),
            dispatch: self.dispatch.clone(),
            recipients: self.recipients.clone(),
            receipts: self.receipts.clone(),
            documents: self.documents.clone(),
        }
    }
}

/// Parses and verifies everything an offer carries.
fn check(context: &Context, peer: &NodeId, offer: frame::Transfer) -> Result<Checked, Refusal> {
    let verifier = context.verifier();
    let refuse = |o: Objection| Refusal::Unsigned(o);
    if offer.receipts.len() > 1 + UPSTREAM_RECEIPTS_MAX * offer.recipients.len().max(1) {
        return Err(refuse((Code::TooLarge, "too many upstream receipts".into())));
    }
    let mut receipts = Vec::with_capacity(offer.receipts.len());
    for raw in &offer.receipts {
        receipts.push(verify_receipt(&verifier, raw).map_err(refuse)?);
    }
    let first = receipts.first().ok_or_else(|| {
        refuse((Code::ReceiptInvalid, "the first node's receipt is missing".into()))
    })?;
    // One moment judges the certificate, here and everywhere: first custody.
    let judged_at = first.record().time;
    let sealed = SealedDispatch::parse(&offer.dispatch).map_err(|e| refuse((e.code, e.detail)))?;
    let last =
        offer.recipients.iter().any(|r| verifier.directory().hosting(r) == Some(&context.me));
    let verdict = if last {
        verifier.dispatch(sealed, judged_at)
    } else {
        verifier.dispatch_for_relay(sealed, judged_at)
    };
    let dispatch = match verdict {
        Verdict::Verified(dispatch) => dispatch,
        Verdict::Refused(r) => return Err(refuse((r.code, r.detail))),
        Verdict::Undetermined(cause) => return Err(Refusal::Later(cause.code)),
    };
    let mut documents = Documents::default();
    let listed = &dispatch.envelope().documents;
    for (index, bytes) in offer.inline {
        let document = listed
            .get(usize::from(index))
            .ok_or_else(|| refuse((Code::Malformed, format!("there is no document {index}"))))?;
        inline(&mut documents, document, bytes).map_err(refuse)?;
    }
    for d in listed {
        if !documents.inline.iter().any(|(digest, _)| *digest == d.sha256)
            && !documents.missing.contains(&d.sha256)
        {
            documents.missing.push(d.sha256);
        }
    }
    Ok(Checked { peer: peer.clone(), dispatch, recipients: offer.recipients, receipts, documents })
}

/// Takes bytes that must be this document.
fn inline(documents: &mut Documents, document: &Document, bytes: Vec<u8>) -> Result<(), Objection> {
    if bytes.len() as u64 != document.size || Digest(sha256(&bytes)) != document.sha256 {
        let detail = format!("document {}", document.sha256);
        return Err((Code::DocumentDigestMismatch, detail));
    }
    if !documents.inline.iter().any(|(d, _)| *d == document.sha256) {
        documents.inline.push((document.sha256, bytes.into()));
    }
    Ok(())
}

/// Takes the missing documents from the stream. Bytes this peer already gave of this dispatch are
/// not asked for again; bytes that came here in any other way are.
async fn documents(
    context: &Arc<Context>,
    send: &mut FrameSender,
    recv: &mut FrameReceiver,
    mut offer: Checked,
) -> Result<Result<Checked, Refusal>, Objection> {
    let stream = |e: tram_transport::StreamError| (Code::PeerUnreachable, e.to_string());
    let listed = offer.dispatch.envelope().documents.clone();
    let id = offer.dispatch.id();
    let mut ranges = Vec::new();
    let mut writers = std::collections::BTreeMap::new();
    for (index, d) in listed.iter().enumerate() {
        let first = listed.iter().position(|o| o.sha256 == d.sha256) == Some(index);
        if !first || !offer.documents.missing.contains(&d.sha256) {
            continue;
        }
        let mut offset = 0;
        if d.size > INLINE_DOCUMENT_BYTES_MAX as u64 {
            let name = staging_name(offer.peer.as_str(), Some(&id), &d.sha256);
            let (documents, size) = (context.documents.clone(), d.size);
            let opened = tokio::task::spawn_blocking(move || stage(&documents, &name, size))
                .await
                .map_err(|e| (Code::Internal, e.to_string()))?;
            match opened {
                Ok(writer) => {
                    offset = writer.len_bytes();
                    writers.insert(index as u16, writer);
                }
                Err(e) => {
                    tracing::warn!(peer = %offer.peer, dispatch = %id, error = %e, "cannot take a document now");
                    return Ok(Err(Refusal::Later(Code::BusyStorage)));
                }
            }
        }
        ranges.push(Range { document: index as u16, offset });
    }
    let want = frame::encode(&Frame::Want(ranges.clone()));
    send.send_bytes(want.into()).await.map_err(stream)?;
    let mut awaited = Awaited::new(&listed, &ranges);
    while awaited.next().is_some() {
        let bytes = recv.recv(FRAME_BYTES_MAX).await.map_err(stream)?;
        let bytes = bytes.ok_or((Code::Malformed, "a document is missing".to_owned()))?;
        let frame = frame::decode(&bytes).map_err(|e| (e.code, e.detail))?;
        let (range, length) = awaited.announce(frame).map_err(|r| (r.code, r.detail))?;
        let document = &listed[usize::from(range.document)];
        recv.begin_raw(length).map_err(stream)?;
        match writers.remove(&range.document) {
            Some(writer) => {
                let result = to_file(recv, writer, document).await?;
                if let Err(objection) = result {
                    return Ok(Err(Refusal::Unsigned(objection)));
                }
                offer.documents.files.push((document.sha256, document.size));
            }
            None => {
                let mut bytes = Vec::new();
                while let Some(chunk) = recv.recv_raw(CHUNK_BYTES).await.map_err(stream)? {
                    bytes.extend_from_slice(&chunk);
                }
                if let Err(objection) = inline(&mut offer.documents, document, bytes) {
                    return Ok(Err(Refusal::Unsigned(objection)));
                }
            }
        }
    }
    offer.documents.missing.clear();
    Ok(Ok(offer))
}

/// Streams a large document to its staged file and makes it durable. A cut keeps what came, so
/// that the next offer of the same peer resumes.
async fn to_file(
    recv: &mut FrameReceiver,
    mut writer: tram_spool::documents::DocumentWriter,
    document: &Document,
) -> Result<Result<(), Objection>, Objection> {
    let internal = |e: tokio::task::JoinError| (Code::Internal, e.to_string());
    loop {
        let chunk = match recv.recv_raw(CHUNK_BYTES).await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(e) => {
                let kept = tokio::task::spawn_blocking(move || writer.suspend()).await;
                tracing::debug!(?kept, "a document was cut off and is kept for resuming");
                return Err((Code::PeerUnreachable, e.to_string()));
            }
        };
        let (back, result) = tokio::task::spawn_blocking(move || {
            let result = writer.write(&chunk);
            (writer, result)
        })
        .await
        .map_err(internal)?;
        writer = back;
        if let Err(e) = result {
            return Err((Code::BusyStorage, e.to_string()));
        }
    }
    let (sha256, size) = (document.sha256, document.size);
    let finished = tokio::task::spawn_blocking(move || writer.finish(sha256.as_bytes(), size))
        .await
        .map_err(internal)?;
    Ok(finished.map(|_| ()).map_err(|e| match e {
        tram_spool::documents::DocumentError::Disk(e) => (Code::BusyStorage, e.to_string()),
        other => (Code::DocumentDigestMismatch, other.to_string()),
    }))
}

/// Parses and verifies one receipt.
pub(super) fn verify_receipt(
    verifier: &Verifier,
    raw: &[u8],
) -> Result<VerifiedReceipt, Objection> {
    let receipt = Receipt::parse(raw).map_err(|e| (Code::ReceiptInvalid, e.detail))?;
    verifier.receipt(receipt).map_err(|r| (r.code, r.detail))
}
