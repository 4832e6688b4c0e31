//! Taking one dispatch from a peer: parse, verify, ask the engine, take the documents, answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tram_dispatch::limits::{FRAME_BYTES_MAX, RECEIPT_BYTES_MAX, UPSTREAM_RECEIPTS_MAX};
use tram_dispatch::{AgencyCode, Code, Digest, NodeId};
use tram_engine::{Answer, Documents};
use tram_transport::{FrameReceiver, FrameSender};
use tram_trust::{Verdict, VerifiedDispatch, VerifiedReceipt, Verifier};
use tram_wire::frame::{self, Frame};
use tram_wire::{Receipt, SealedDispatch};

use super::documents::documents;
use super::gates::Gates;
use super::{Counted, Process, bringer};
use crate::packet::core::{Offer, OfferReply};

/// Answers in one frame: as many as fit whatever their receipts' size.
const ANSWERS_PER_FRAME_MAX: usize = FRAME_BYTES_MAX / 2 / RECEIPT_BYTES_MAX;
/// What "later" says when nothing better is known.
const LATER_MS: u64 = 5_000;
/// An offer must be here in full so long after there is room for it.
const OFFER_MS_MAX: u64 = 45_000;

pub(super) type Objection = (Code, String);

/// Runs one transfer as its taker.
pub(super) async fn run(
    process: Arc<Process>,
    peer: NodeId,
    mut send: FrameSender,
    mut recv: FrameReceiver,
    gates: Arc<Gates>,
) {
    let _counted = Counted::new(&process.busy.taken);
    if let Err((code, detail)) = take(&process, &peer, &mut send, &mut recv, &gates).await {
        process.note(|| format!("offer of {peer} broke off: {code} {detail}"));
        recv.stop(u32::from(code.number()) + 0x100);
        send.reset(u32::from(code.number()) + 0x100);
    }
}

async fn take(
    process: &Arc<Process>,
    peer: &NodeId,
    send: &mut FrameSender,
    recv: &mut FrameReceiver,
    gates: &Gates,
) -> Result<(), Objection> {
    let stream = |e: tram_transport::StreamError| (Code::PeerUnreachable, e.to_string());
    let _turn = gates.taken.acquire().await.map_err(|e| (Code::Internal, e.to_string()))?;
    let bytes = timeout(Duration::from_millis(OFFER_MS_MAX), recv.recv(FRAME_BYTES_MAX))
        .await
        .map_err(|_| (Code::PeerUnreachable, "no offer in time".to_owned()))?
        .map_err(stream)?;
    let bytes = bytes.ok_or((Code::Malformed, "no offer".to_owned()))?;
    let Frame::Transfer(offer) = frame::decode(&bytes).map_err(|e| (e.code, e.detail))? else {
        return Err((Code::Malformed, "a transfer stream begins with an offer".into()));
    };
    let recipients = offer.recipients.clone();
    let outcome = match check(process, peer, *offer) {
        Ok(offer) => engine(process, send, recv, gates, offer).await?,
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
    process: &Arc<Process>,
    send: &mut FrameSender,
    recv: &mut FrameReceiver,
    gates: &Gates,
    offer: Checked,
) -> Result<Vec<(AgencyCode, Answer)>, Objection> {
    let stopping = |e: crate::packet::core::Stopping| (Code::Busy, e.to_string());
    match process.core.offer(offer.to_offer()).await.map_err(stopping)? {
        OfferReply::Answers(answers) => return Ok(answers),
        OfferReply::TakeDocuments => {}
    }
    let recipients = offer.recipients.clone();
    let turn = match offer.documents.missing.is_empty() {
        true => None,
        false => {
            Some(gates.taken_bulk.acquire().await.map_err(|e| (Code::Internal, e.to_string()))?)
        }
    };
    let pins = process.core.pin(offer.documents.missing.clone()).map_err(stopping)?;
    let who = bringer(&offer.peer, offer.dispatch.id());
    let complete = match documents(process, send, recv, &who, offer).await? {
        Ok(complete) => complete,
        Err(refusal) => return Ok(refusal.for_all(&recipients)),
    };
    drop(turn);
    let answers = match process.core.offer(complete.to_offer()).await.map_err(stopping)? {
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
        process.core.settled(&who, &files);
    }
    Ok(answers)
}

/// A refusal before the engine saw anything.
#[derive(Debug)]
pub(super) enum Refusal {
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
pub(super) struct Checked {
    pub(super) peer: NodeId,
    pub(super) dispatch: VerifiedDispatch,
    pub(super) recipients: Vec<AgencyCode>,
    pub(super) receipts: Vec<VerifiedReceipt>,
    pub(super) documents: Documents,
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
fn check(process: &Process, peer: &NodeId, offer: frame::Transfer) -> Result<Checked, Refusal> {
    let verifier = process.verifier();
    let refuse = |o: Objection| Refusal::Unsigned(o);
    if offer.receipts.len() > 1 + UPSTREAM_RECEIPTS_MAX * offer.recipients.len().max(1) {
        return Err(refuse((Code::TooLarge, "too many upstream receipts".into())));
    }
    let mut receipts = Vec::with_capacity(offer.receipts.len());
    for raw in &offer.receipts {
        receipts.push(verify_receipt(verifier, raw).map_err(refuse)?);
    }
    let first = receipts.first().ok_or_else(|| {
        refuse((Code::ReceiptInvalid, "the first node's receipt is missing".into()))
    })?;
    let judged_at = first.record().time;
    let sealed = SealedDispatch::parse(&offer.dispatch).map_err(|e| refuse((e.code, e.detail)))?;
    let last =
        offer.recipients.iter().any(|r| verifier.directory().hosting(r) == Some(&process.me));
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
