//! The documents of one transfer, from the stream to memory or to their files.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_dispatch::Code;
use tram_dispatch::envelope::Document;
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_engine::transfer::Objection;
use tram_engine::transfer::take::{NotTaken, SoundOffer};
use tram_peer::limits::{CHUNK_BYTES, DATA_MS_MAX};
use tram_peer::taker::Awaited;
use tram_spool::documents::{Bringer, DocumentError, DocumentWriter};
use tram_transport::{FrameReceiver, FrameSender};
use tram_wire::frame::{self, Frame, Range};

use super::Process;
use crate::packet::core::Stopping;

/// What a writer of each document not here yet is at, by its index in the envelope.
type Writers = BTreeMap<u16, DocumentWriter>;

/// The staged files of one transfer; what is not whole when it ends is kept for the next offer.
struct Staged {
    writers: Writers,
}

impl Drop for Staged {
    fn drop(&mut self) {
        for (_, writer) in std::mem::take(&mut self.writers) {
            if writer.len_bytes() > 0 {
                // The next offer begins anew if it cannot be kept.
                let _ = writer.suspend();
            }
        }
    }
}

/// Takes the missing documents from the stream. Bytes this peer already gave of this dispatch are
/// not asked for again.
pub(super) async fn documents(
    process: &Arc<Process>,
    send: &mut FrameSender,
    recv: &mut FrameReceiver,
    who: &Bringer,
    mut offer: SoundOffer,
) -> Result<Result<SoundOffer, NotTaken>, Objection> {
    let stopping = |e: Stopping| (Code::Busy, e.to_string());
    let store = process.core.documents().map_err(stopping)?;
    let dispatch = offer.dispatch().clone();
    let listed = &dispatch.envelope().documents;
    let (mut ranges, mut staged) = (Vec::new(), Staged { writers: Writers::new() });
    let inline = offer.inline();
    for index in offer.wanted() {
        let (d, mut offset) = (&listed[usize::from(index)], 0);
        if !inline.contains(&index) {
            if process.core.size_brought(who, &d.sha256) == Some(d.size)
                && store.contains(d.sha256.as_bytes()).is_ok_and(|there| there)
            {
                offer.take_file(d);
                continue;
            }
            match store.stage(who, &d.sha256, d.size) {
                Ok(writer) => {
                    offset = writer.len_bytes();
                    staged.writers.insert(index, writer);
                }
                Err(e) => {
                    process.note(|| format!("cannot take a document now: {e}"));
                    return Ok(Err(NotTaken::later(Code::BusyStorage)));
                }
            }
        }
        ranges.push(Range { document: index, offset });
    }
    let result = receive(process, send, recv, who, &mut offer, listed, &ranges, &mut staged).await;
    drop(staged);
    Ok(result?.map(|()| offer))
}

#[allow(clippy::too_many_arguments)] // one call site, which holds all of it
async fn receive(
    process: &Arc<Process>,
    send: &mut FrameSender,
    recv: &mut FrameReceiver,
    who: &Bringer,
    offer: &mut SoundOffer,
    listed: &[Document],
    ranges: &[Range],
    staged: &mut Staged,
) -> Result<Result<(), NotTaken>, Objection> {
    let stream = |e: tram_transport::StreamError| (Code::PeerUnreachable, e.to_string());
    let want = frame::encode(&Frame::Want(ranges.to_vec()));
    send.send_bytes(want.into()).await.map_err(stream)?;
    let mut awaited = Awaited::new(listed, ranges);
    while awaited.next().is_some() {
        let bytes = recv.recv_within(FRAME_BYTES_MAX, DATA_MS_MAX).await.map_err(stream)?;
        let bytes = bytes.ok_or((Code::Malformed, "a document is missing".to_owned()))?;
        let (range, length) = awaited.announce(frame::decode(&bytes)?)?;
        let document = &listed[usize::from(range.document)];
        recv.begin_raw(length).map_err(stream)?;
        if staged.writers.contains_key(&range.document) {
            process.note(|| format!("takes {length} B of a document from {}", range.offset));
            if let Err(not_taken) = to_file(process, recv, who, staged, range, document).await? {
                return Ok(Err(not_taken));
            }
            offer.take_file(document);
        } else {
            let mut bytes = Vec::new();
            while let Some(chunk) = recv.recv_raw(CHUNK_BYTES).await.map_err(stream)? {
                bytes.extend_from_slice(&chunk);
            }
            if let Err(not_taken) = offer.take_inline(document, bytes) {
                return Ok(Err(not_taken));
            }
        }
    }
    Ok(Ok(()))
}

/// Streams a large document to its staged file and makes it durable.
async fn to_file(
    process: &Arc<Process>,
    recv: &mut FrameReceiver,
    who: &Bringer,
    staged: &mut Staged,
    range: Range,
    document: &Document,
) -> Result<Result<(), NotTaken>, Objection> {
    let storage = |e: DocumentError| (Code::BusyStorage, e.to_string());
    loop {
        let chunk = recv.recv_raw(CHUNK_BYTES).await;
        let chunk = chunk.map_err(|e| (Code::PeerUnreachable, e.to_string()))?;
        let Some(chunk) = chunk else { break };
        if let Some(writer) = staged.writers.get_mut(&range.document) {
            writer.write(&chunk).map_err(storage)?;
        }
    }
    process.core.sync_pause().await;
    let Some(writer) = staged.writers.remove(&range.document) else { return Ok(Ok(())) };
    match writer.finish(document.sha256.as_bytes(), document.size) {
        Ok(_) => {
            let stopping = |e: Stopping| (Code::Busy, e.to_string());
            process.core.brought(who, document.sha256, document.size).map_err(stopping)?;
            Ok(Ok(()))
        }
        Err(DocumentError::Disk(_)) => Ok(Err(NotTaken::later(Code::BusyStorage))),
        Err(other) => Ok(Err(NotTaken::Refused(Code::DocumentDigestMismatch, other.to_string()))),
    }
}
