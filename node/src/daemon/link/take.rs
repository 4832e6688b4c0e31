//! Taking one dispatch from a peer: the frames, the threads and the waits around
//! [`tram_engine::transfer::take`], which says what an offer must be.

use std::sync::Arc;

use tram_crypto::sha256;
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_dispatch::{AgencyCode, Code, DispatchId, NodeId};
use tram_engine::Answer;
use tram_engine::record::Stage;
use tram_engine::transfer::Objection;
use tram_engine::transfer::take::{NotTaken, ParsedOffer, SoundOffer, answer_frames};
use tram_peer::limits::OFFER_MS_MAX;
use tram_spool::documents::Bringer;
use tram_transport::{FrameReceiver, FrameSender};
use tram_wire::frame::{self, Frame};

use super::super::context::Context;
use super::super::core::{OfferReply, ToCore};
use super::super::hand::Attempted;
use super::documents::documents;
use super::gates::{Gates, Room};

/// Offers up to this size are verified on the session's own thread.
const BRIEF_BYTES_MAX: usize = 64 << 10;

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
    let bytes = recv.recv_within(FRAME_BYTES_MAX, OFFER_MS_MAX).await.map_err(stream)?;
    let bytes = bytes.ok_or((Code::Malformed, "no offer".to_owned()))?;
    room.shrink(bytes.len());
    let Frame::Transfer(offer) = frame::decode(&bytes)? else {
        return Err((Code::Malformed, "a transfer stream begins with an offer".into()));
    };
    let brief = bytes.len() <= BRIEF_BYTES_MAX;
    // What it holds was copied; only the copy stays while disks and documents are waited for.
    drop(bytes);
    let recipients = offer.recipients.clone();
    // A small offer is verified faster than another thread is woken (measured).
    let sound = if brief {
        watched(context, peer, *offer)
    } else {
        let (ctx, from) = (context.clone(), peer.clone());
        let _check = context.budgets.checks.acquire().await.map_err(closed)?;
        tokio::task::spawn_blocking(move || watched(&ctx, &from, *offer))
            .await
            .map_err(|e| (Code::Internal, e.to_string()))?
    };
    let answers = match sound {
        Ok(offer) => engine(context, send, recv, gates, &mut room, offer).await?,
        Err(not_taken) => not_taken.for_all(&recipients),
    };
    for frame in answer_frames(answers) {
        send.send_bytes(frame::encode(&frame).into()).await.map_err(stream)?;
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
    offer: SoundOffer,
) -> Result<Vec<(AgencyCode, Answer)>, Objection> {
    let stopping = |_| (Code::Busy, "the node is stopping".to_owned());
    if let Some(code) = context.no_room() {
        return Ok(NotTaken::later(code).for_all(offer.recipients()));
    }
    context.recent.add(&offer.documents().inline);
    match context.core.offer(offer.clone()).await.map_err(stopping)? {
        OfferReply::Answers(answers) => {
            let now = context.core.now();
            offer.close_door(&context.doors.peers, &answers, now.mono_ms);
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
    // Pinned until the engine has decided: a file that is being removed is not counted on.
    let mut pins = Vec::new();
    for digest in &offer.documents().missing {
        match context.pins.pin(*digest) {
            Some(pin) => pins.push(pin),
            None => return Ok(NotTaken::later(Code::Busy).for_all(&recipients)),
        }
    }
    let who = Bringer::Peer(offer.peer().clone(), offer.dispatch().id());
    let complete = match documents(context, send, recv, room, &who, offer).await? {
        Ok(complete) => complete,
        Err(not_taken) => return Ok(not_taken.for_all(&recipients)),
    };
    drop(turn);
    let answers = match context.core.offer(complete.clone()).await.map_err(stopping)? {
        OfferReply::Answers(answers) => answers,
        OfferReply::TakeDocuments => {
            return Err((Code::Internal, "documents asked for twice".into()));
        }
    };
    drop(pins);
    let settled = complete.settled(&answers);
    if !settled.is_empty() {
        for digest in &settled {
            context.uploads.forget(&who, digest);
        }
        // The engine keeps what a dispatch uses. One that is gone leaves it to the next start.
        let _ = context.core.send(ToCore::Unneeded(settled));
    }
    Ok(answers)
}

/// Parses and verifies an offer, counted against the sealed object as long as it does not come to an end.
fn watched(
    context: &Context,
    peer: &NodeId,
    offer: frame::Transfer,
) -> Result<SoundOffer, NotTaken> {
    let sealed = DispatchId(sha256(&offer.dispatch));
    let sound = || {
        ParsedOffer::parse(peer, offer)?
            .afford(&context.doors.peers, context.core.now().mono_ms)?
            .verify(&context.verifier(), &context.me)
    };
    match context.hands.attempt(&sealed, sound) {
        Ok(sound) => sound,
        Err(Attempted::SetAside) => Err(NotTaken::later(Code::Quarantined)),
        Err(Attempted::Broke(detail)) => {
            context.broke(sealed, Stage::Take, detail);
            Err(NotTaken::later(Code::WorkUnfinished))
        }
    }
}
