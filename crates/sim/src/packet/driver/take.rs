//! Taking one dispatch from a peer: the frames around [`tram_engine::transfer::take`].

use std::sync::Arc;

use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_dispatch::{AgencyCode, Code, NodeId};
use tram_engine::Answer;
use tram_engine::transfer::Objection;
use tram_engine::transfer::take::{ParsedOffer, SoundOffer, answer_frames};
use tram_peer::limits::OFFER_MS_MAX;
use tram_spool::documents::Bringer;
use tram_transport::{FrameReceiver, FrameSender};
use tram_wire::frame::{self, Frame};

use super::documents::documents;
use super::gates::Gates;
use super::{Counted, Process};
use crate::packet::core::OfferReply;

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
    let bytes = recv.recv_within(FRAME_BYTES_MAX, OFFER_MS_MAX).await.map_err(stream)?;
    let bytes = bytes.ok_or((Code::Malformed, "no offer".to_owned()))?;
    let Frame::Transfer(offer) = frame::decode(&bytes)? else {
        return Err((Code::Malformed, "a transfer stream begins with an offer".into()));
    };
    let recipients = offer.recipients.clone();
    let now_ms = process.core.clock().now().mono_ms;
    let sound = ParsedOffer::parse(peer, *offer)
        .and_then(|offer| offer.afford(&process.doors, now_ms))
        .and_then(|offer| offer.verify(process.verifier(), &process.me));
    let answers = match sound {
        Ok(offer) => engine(process, send, recv, gates, offer).await?,
        Err(not_taken) => not_taken.for_all(&recipients),
    };
    for frame in answer_frames(answers) {
        send.send_bytes(frame::encode(&frame).into()).await.map_err(stream)?;
    }
    send.finish().map_err(stream)
}

/// Asks the engine; takes the documents if it wants them, and asks again.
async fn engine(
    process: &Arc<Process>,
    send: &mut FrameSender,
    recv: &mut FrameReceiver,
    gates: &Gates,
    offer: SoundOffer,
) -> Result<Vec<(AgencyCode, Answer)>, Objection> {
    let stopping = |e: crate::packet::core::Stopping| (Code::Busy, e.to_string());
    match process.core.offer(offer.clone()).await.map_err(stopping)? {
        OfferReply::Answers(answers) => {
            offer.close_door(&process.doors, &answers, process.core.clock().now().mono_ms);
            return Ok(answers);
        }
        OfferReply::TakeDocuments => {}
    }
    let recipients = offer.recipients().to_vec();
    let turn = match offer.documents().missing.is_empty() {
        true => None,
        false => {
            Some(gates.taken_bulk.acquire().await.map_err(|e| (Code::Internal, e.to_string()))?)
        }
    };
    let pins = process.core.pin(offer.documents().missing.clone()).map_err(stopping)?;
    let who = Bringer::Peer(offer.peer().clone(), offer.dispatch().id());
    let complete = match documents(process, send, recv, &who, offer).await? {
        Ok(complete) => complete,
        Err(not_taken) => return Ok(not_taken.for_all(&recipients)),
    };
    drop(turn);
    let answers = match process.core.offer(complete.clone()).await.map_err(stopping)? {
        OfferReply::Answers(answers) => answers,
        OfferReply::TakeDocuments => {
            return Err((Code::Internal, "documents asked for twice".into()));
        }
    };
    drop(pins);
    let settled = complete.settled(&answers);
    if !settled.is_empty() {
        process.core.settled(&who, &settled);
    }
    Ok(answers)
}
