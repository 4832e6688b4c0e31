//! Taking one dispatch from a peer: parse, verify, ask the engine, take the documents, answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tram_crypto::sha256;
use tram_dispatch::limits::{FRAME_BYTES_MAX, RECEIPT_BYTES_MAX, UPSTREAM_RECEIPTS_MAX};
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, NodeId};
use tram_engine::record::Stage;
use tram_engine::{Answer, Documents};
use tram_transport::{FrameReceiver, FrameSender};
use tram_trust::{Verdict, VerifiedDispatch, VerifiedReceipt, Verifier};
use tram_wire::frame::{self, Frame};
use tram_wire::{Receipt, SealedDispatch};

use super::super::context::Context;
use super::super::core::{Offer, OfferReply, ToCore};
use super::super::hand::Attempted;
use super::super::uploads::Bringer;
use super::documents::documents;
use super::gates::{Gates, Room};

/// Offers up to this size are checked on the session's own thread.
const BRIEF_BYTES_MAX: usize = 64 << 10;
/// Answers in one frame: as many as fit whatever their receipts' size.
const ANSWERS_PER_FRAME_MAX: usize = FRAME_BYTES_MAX / 2 / RECEIPT_BYTES_MAX;
/// What "later" says when nothing better is known.
const LATER_MS: u64 = 5_000;
/// An offer must be here in full so long after there is room for it.
const OFFER_MS_MAX: u64 = 45_000;

pub(super) type Objection = (Code, String);

/// Runs one transfer as its taker.
pub(super) async fn run(
    context: Arc<Context>,
    peer: NodeId,
    mut send: FrameSender,
    mut recv: FrameReceiver,
    gates: Arc<Gates>,
) {
    if let Err((code, detail)) = take(&context, &peer, &mut send, &mut recv, &gates).await {
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
    gates: &Gates,
) -> Result<(), Objection> {
    let stream = |e: tram_transport::StreamError| (Code::PeerUnreachable, e.to_string());
    let closed = |e: tokio::sync::AcquireError| (Code::Internal, e.to_string());
    let _turn = gates.taken.acquire().await.map_err(closed)?;
    let mut room = gates.room().await.map_err(closed)?;
    let bytes = timeout(Duration::from_millis(OFFER_MS_MAX), recv.recv(FRAME_BYTES_MAX))
        .await
        .map_err(|_| (Code::PeerUnreachable, "no offer in time".to_owned()))?
        .map_err(stream)?;
    let bytes = bytes.ok_or((Code::Malformed, "no offer".to_owned()))?;
    room.shrink(bytes.len());
    let Frame::Transfer(offer) = frame::decode(&bytes).map_err(|e| (e.code, e.detail))? else {
        return Err((Code::Malformed, "a transfer stream begins with an offer".into()));
    };
    let brief = bytes.len() <= BRIEF_BYTES_MAX;
    // What it holds was copied; only the copy stays while disks and documents are waited for.
    drop(bytes);
    let recipients = offer.recipients.clone();
    // A small offer is checked faster than another thread is woken (measured).
    let checked = if brief {
        watched_check(context, peer, *offer)
    } else {
        let (ctx, from) = (context.clone(), peer.clone());
        let _check = context.budgets.checks.acquire().await.map_err(closed)?;
        tokio::task::spawn_blocking(move || watched_check(&ctx, &from, *offer))
            .await
            .map_err(|e| (Code::Internal, e.to_string()))?
    };
    let outcome = match checked {
        Ok(offer) => engine(context, send, recv, gates, &mut room, offer).await?,
        Err(refusal) => refusal.for_all(&recipients),
    };
    let answers: Vec<frame::Answer> = outcome
        .into_iter()
        .map(|(recipient, answer)| frame::Answer { recipient, outcome: answer.into() })
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
    gates: &Gates,
    room: &mut Room,
    offer: Checked,
) -> Result<Vec<(AgencyCode, Answer)>, Objection> {
    let stopping = |_| (Code::Busy, "the node is stopping".to_owned());
    if let Some(code) = context.no_room() {
        return Ok(Refusal::Later(code).for_all(&offer.recipients));
    }
    context.recent.add(&offer.documents.inline);
    match context.core.offer(offer.to_offer()).await.map_err(stopping)? {
        OfferReply::Answers(answers) => {
            close_door(context, &offer, &answers);
            return Ok(answers);
        }
        OfferReply::TakeDocuments => {}
    }
    let recipients = offer.recipients.clone();
    let turn = match offer.documents.missing.is_empty() {
        true => None,
        false => {
            Some(gates.taken_bulk.acquire().await.map_err(|e| (Code::Internal, e.to_string()))?)
        }
    };
    // Pinned until the engine has decided: a file that is being removed is not counted on.
    let mut pins = Vec::new();
    for digest in &offer.documents.missing {
        match context.pins.pin(*digest) {
            Some(pin) => pins.push(pin),
            None => return Ok(Refusal::Later(Code::Busy).for_all(&recipients)),
        }
    }
    let who = Bringer::Peer(offer.peer.clone(), offer.dispatch.id());
    let complete = match documents(context, send, recv, room, &who, offer).await? {
        Ok(complete) => complete,
        Err(refusal) => return Ok(refusal.for_all(&recipients)),
    };
    drop(turn);
    let answers = match context.core.offer(complete.to_offer()).await.map_err(stopping)? {
        OfferReply::Answers(answers) => answers,
        OfferReply::TakeDocuments => {
            return Err((Code::Internal, "documents asked for twice".into()));
        }
    };
    drop(pins);
    // What is to be offered again need not be given again; all else is the engine's, or nobody's.
    let again = answers.iter().any(|(_, a)| matches!(a, Answer::Later(..)));
    if !again && !complete.documents.files.is_empty() {
        let files: Vec<Digest> = complete.documents.files.iter().map(|(d, _)| *d).collect();
        for digest in &files {
            context.uploads.forget(&who, digest);
        }
        // The engine keeps what a dispatch uses. One that is gone leaves it to the next start.
        let _ = context.core.send(ToCore::Unneeded(files));
    }
    Ok(answers)
}

/// Where the engine says that the peer is over its quota, the next offers need not ask.
fn close_door(context: &Context, offer: &Checked, answers: &[(AgencyCode, Answer)]) {
    let over = answers.iter().find_map(|(_, answer)| match answer {
        Answer::Later(Code::Quota, retry_ms) => Some(*retry_ms),
        _ => None,
    });
    if let Some(retry_ms) = over {
        let class = offer.dispatch.envelope().metadata.urgency.class();
        let now = context.core.now();
        context.doors.peers.close(&offer.peer, class, retry_ms, now.mono_ms);
    }
}

/// A refusal before the engine saw anything.
#[derive(Debug)]
pub(super) enum Refusal {
    Unsigned(Objection),
    Later(Code),
    /// Later, after so many milliseconds.
    LaterAt(Code, u64),
}

impl Refusal {
    fn for_all(self, recipients: &[AgencyCode]) -> Vec<(AgencyCode, Answer)> {
        let answer = match self {
            Refusal::Unsigned((code, detail)) => Answer::RefusedUnsigned(code, detail),
            Refusal::Later(code) => Answer::Later(code, LATER_MS),
            Refusal::LaterAt(code, retry_ms) => Answer::Later(code, retry_ms),
        };
        recipients.iter().map(|r| (r.clone(), answer.clone())).collect()
    }
}

/// An offer whose signatures hold.
pub(super) struct Checked {
    pub peer: NodeId,
    pub dispatch: VerifiedDispatch,
    pub recipients: Vec<AgencyCode>,
    pub receipts: Vec<VerifiedReceipt>,
    pub documents: Documents,
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

/// [`check`], counted against the sealed object as long as it does not come to an end.
fn watched_check(
    context: &Context,
    peer: &NodeId,
    offer: frame::Transfer,
) -> Result<Checked, Refusal> {
    let sealed = DispatchId(sha256(&offer.dispatch));
    match context.hands.attempt(&sealed, || check(context, peer, offer)) {
        Ok(checked) => checked,
        Err(Attempted::SetAside) => Err(Refusal::Later(Code::Quarantined)),
        Err(Attempted::Broke(detail)) => {
            context.broke(sealed, Stage::Take, detail);
            Err(Refusal::Later(Code::WorkUnfinished))
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
    let sealed = SealedDispatch::parse(&offer.dispatch).map_err(|e| refuse((e.code, e.detail)))?;
    // Who is over its quota is told so again before any signature is checked.
    let (class, now) = (sealed.envelope().metadata.urgency.class(), context.core.now());
    if let Some(retry_ms) = context.doors.peers.turn_away(peer, class, now.mono_ms) {
        return Err(Refusal::LaterAt(Code::Quota, retry_ms));
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
    let listed = &dispatch.envelope().documents;
    let documents = Documents::of_offer(listed, offer.inline).map_err(refuse)?;
    Ok(Checked { peer: peer.clone(), dispatch, recipients: offer.recipients, receipts, documents })
}

/// Parses and verifies one receipt.
pub(super) fn verify_receipt(
    verifier: &Verifier,
    raw: &[u8],
) -> Result<VerifiedReceipt, Objection> {
    let receipt = Receipt::parse(raw).map_err(|e| (Code::ReceiptInvalid, e.detail))?;
    verifier.receipt(receipt).map_err(|r| (r.code, r.detail))
}
