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

use super::super::context::Context;
use super::super::intake;
use super::gates::Room;

/// What a writer of each document not here yet is at, by its index in the envelope.
type Writers = BTreeMap<u16, DocumentWriter>;

/// Takes the missing documents from the stream. Bytes this peer already gave of this dispatch are
/// not asked for again; bytes that came here in any other way are.
pub(super) async fn documents(
    context: &Arc<Context>,
    send: &mut FrameSender,
    recv: &mut FrameReceiver,
    room: &mut Room,
    who: &Bringer,
    mut offer: SoundOffer,
) -> Result<Result<SoundOffer, NotTaken>, Objection> {
    let dispatch = offer.dispatch().clone();
    let listed = &dispatch.envelope().documents;
    let (wanted, inline) = (offer.wanted(), offer.inline());
    let sizes = inline.iter().map(|i| listed[usize::from(*i)].size as usize);
    if !room.grow(sizes.sum()) {
        return Ok(Err(NotTaken::later(Code::Busy)));
    }
    let (mut ranges, mut writers) = (Vec::new(), Writers::new());
    for index in wanted {
        let (d, mut offset) = (&listed[usize::from(index)], 0);
        if !inline.contains(&index) {
            if is_here(context, who, d) {
                offer.take_file(d);
                continue;
            }
            if !intake::within_quota(context, who, &d.sha256, d.size) {
                suspend_all(context, who, listed, writers).await;
                return Ok(Err(NotTaken::later(Code::Quota)));
            }
            match open(context, who, d).await? {
                Ok(writer) => {
                    offset = writer.len_bytes();
                    writers.insert(index, writer);
                }
                Err(e) => {
                    tracing::warn!(peer = %offer.peer(), dispatch = %dispatch.id(), error = %e.explain(), "cannot take a document now");
                    suspend_all(context, who, listed, writers).await;
                    return Ok(Err(NotTaken::later(Code::BusyStorage)));
                }
            }
        }
        ranges.push(Range { document: index, offset });
    }
    let result = receive(context, send, recv, who, &mut offer, listed, &ranges, &mut writers).await;
    // Those whose turn did not come keep what they had.
    suspend_all(context, who, listed, writers).await;
    Ok(result?.map(|()| offer))
}

/// Whether this peer gave this document for this dispatch before, whole. It is pinned.
fn is_here(context: &Context, who: &Bringer, document: &Document) -> bool {
    context.uploads.size(who, &document.sha256) == Some(document.size)
        && context.documents.contains(document.sha256.as_bytes()).is_ok_and(|there| there)
}

#[allow(clippy::too_many_arguments)] // one call site, which holds all of it
async fn receive(
    context: &Arc<Context>,
    send: &mut FrameSender,
    recv: &mut FrameReceiver,
    who: &Bringer,
    offer: &mut SoundOffer,
    listed: &[Document],
    ranges: &[Range],
    writers: &mut Writers,
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
        match writers.remove(&range.document) {
            Some(writer) => {
                if let Err(not_taken) = to_file(context, recv, who, writer, document).await? {
                    return Ok(Err(not_taken));
                }
                offer.take_file(document);
            }
            None => {
                let mut bytes = Vec::new();
                while let Some(chunk) = recv.recv_raw(CHUNK_BYTES).await.map_err(stream)? {
                    bytes.extend_from_slice(&chunk);
                }
                if let Err(not_taken) = offer.take_inline(document, bytes) {
                    return Ok(Err(not_taken));
                }
            }
        }
    }
    Ok(Ok(()))
}

/// Streams a large document to its staged file and makes it durable. A cut keeps what came, so
/// that the next offer of the same peer resumes.
async fn to_file(
    context: &Arc<Context>,
    recv: &mut FrameReceiver,
    who: &Bringer,
    mut writer: DocumentWriter,
    document: &Document,
) -> Result<Result<(), NotTaken>, Objection> {
    let internal = |e: tokio::task::JoinError| (Code::Internal, e.to_string());
    let (sha256, size) = (document.sha256, document.size);
    loop {
        let chunk = match recv.recv_raw(CHUNK_BYTES).await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(e) => {
                suspend_all(context, who, std::slice::from_ref(document), [(0, writer)].into())
                    .await;
                return Err((Code::PeerUnreachable, e.to_string()));
            }
        };
        let ctx = context.clone();
        let (back, result) = tokio::task::spawn_blocking(move || {
            let result = intake::watched(&ctx, writer.write(&chunk));
            (writer, result)
        })
        .await
        .map_err(internal)?;
        writer = back;
        if let Err(e) = result {
            return Err((Code::BusyStorage, e.to_string()));
        }
    }
    let (ctx, owner) = (context.clone(), who.clone());
    let finish = move || intake::finish(&ctx, &owner, sha256, size, writer);
    let finished = tokio::task::spawn_blocking(finish).await.map_err(internal)?;
    Ok(match finished {
        // Not being remembered costs no more than giving it again.
        Ok(_remembered) => Ok(()),
        Err(DocumentError::Disk(e)) => {
            tracing::warn!(document = %sha256, error = %e, "a document was not stored");
            Err(NotTaken::later(Code::BusyStorage))
        }
        Err(other) => Err(NotTaken::Refused(Code::DocumentDigestMismatch, other.to_string())),
    })
}

async fn open(
    context: &Arc<Context>,
    who: &Bringer,
    document: &Document,
) -> Result<Result<DocumentWriter, DocumentError>, Objection> {
    let (documents, who) = (context.documents.clone(), who.clone());
    let (sha256, size) = (document.sha256, document.size);
    tokio::task::spawn_blocking(move || documents.stage(&who, &sha256, size))
        .await
        .map_err(|e| (Code::Internal, e.to_string()))
}

/// Keeps what came of documents that are not whole.
async fn suspend_all(context: &Arc<Context>, who: &Bringer, listed: &[Document], writers: Writers) {
    if writers.is_empty() {
        return;
    }
    let named: Vec<_> = writers
        .into_iter()
        .filter_map(|(i, w)| listed.get(usize::from(i)).map(|d| (d.sha256, d.size, w)))
        .collect();
    let (context, who) = (context.clone(), who.clone());
    let suspend = move || {
        for (sha256, size, writer) in named {
            let kept = intake::suspend(&context, &who, sha256, size, writer);
            tracing::debug!(document = %sha256, ?kept, "a document was cut off");
        }
    };
    // A panic in there was told by the panic hook; what was staged then is not kept.
    let _ = tokio::task::spawn_blocking(suspend).await;
}
