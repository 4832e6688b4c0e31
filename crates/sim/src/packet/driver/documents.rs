//! The documents of one transfer, from the stream to memory or to their files.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tram_dispatch::Code;
use tram_dispatch::envelope::Document;
use tram_dispatch::limits::{FRAME_BYTES_MAX, INLINE_DOCUMENT_BYTES_MAX};
use tram_peer::taker::Awaited;
use tram_spool::documents::{DocumentError, DocumentStore, DocumentWriter};
use tram_transport::{FrameReceiver, FrameSender};
use tram_wire::frame::{self, Frame, Range};

use super::take::{Checked, Objection, Refusal};
use super::{Process, staging_name};
use crate::packet::core::Stopping;

/// Bytes taken from QUIC at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// After this without the document that comes next, the giver is given up.
const DATA_MS_MAX: u64 = 120_000;

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
    who: &str,
    mut offer: Checked,
) -> Result<Result<Checked, Refusal>, Objection> {
    let stopping = |e: Stopping| (Code::Busy, e.to_string());
    let store = process.core.documents().map_err(stopping)?;
    let listed = offer.dispatch.envelope().documents.clone();
    let wanted: Vec<(u16, &Document)> = listed
        .iter()
        .enumerate()
        .filter(|(i, d)| listed.iter().position(|o| o.sha256 == d.sha256) == Some(*i))
        .filter(|(_, d)| offer.documents.missing.contains(&d.sha256))
        .map(|(i, d)| (i as u16, d))
        .collect();
    let (mut ranges, mut staged) = (Vec::new(), Staged { writers: Writers::new() });
    for (index, d) in wanted {
        let mut offset = 0;
        if d.size > INLINE_DOCUMENT_BYTES_MAX as u64 {
            if process.core.was_brought(who, d.sha256)
                && store.contains(d.sha256.as_bytes()).is_ok_and(|there| there)
            {
                offer.documents.files.push((d.sha256, d.size));
                continue;
            }
            match stage(&store, who, d) {
                Ok(writer) => {
                    offset = writer.len_bytes();
                    staged.writers.insert(index, writer);
                }
                Err(e) => {
                    process.note(|| format!("cannot take a document now: {e}"));
                    return Ok(Err(Refusal::Later(Code::BusyStorage)));
                }
            }
        }
        ranges.push(Range { document: index, offset });
    }
    let result = receive(process, send, recv, who, &mut offer, &listed, &ranges, &mut staged).await;
    drop(staged);
    Ok(result?.map(|()| {
        offer.documents.missing.clear();
        offer
    }))
}

/// Opens a staged document where it was left, or begins it.
fn stage(
    store: &DocumentStore,
    who: &str,
    document: &Document,
) -> Result<DocumentWriter, DocumentError> {
    let name = staging_name(who, &document.sha256);
    match store.resume(&name, document.size) {
        Err(DocumentError::NoUpload { .. } | DocumentError::Overrun { .. }) => {
            store.begin(&name, document.size)
        }
        other => other,
    }
}

#[allow(clippy::too_many_arguments)] // one call site, which holds all of it
async fn receive(
    process: &Arc<Process>,
    send: &mut FrameSender,
    recv: &mut FrameReceiver,
    who: &str,
    offer: &mut Checked,
    listed: &[Document],
    ranges: &[Range],
    staged: &mut Staged,
) -> Result<Result<(), Refusal>, Objection> {
    let stream = |e: tram_transport::StreamError| (Code::PeerUnreachable, e.to_string());
    let want = frame::encode(&Frame::Want(ranges.to_vec()));
    send.send_bytes(want.into()).await.map_err(stream)?;
    let mut awaited = Awaited::new(listed, ranges);
    while awaited.next().is_some() {
        let bytes = timeout(Duration::from_millis(DATA_MS_MAX), recv.recv(FRAME_BYTES_MAX))
            .await
            .map_err(|_| (Code::PeerUnreachable, "no document in time".to_owned()))?
            .map_err(stream)?;
        let bytes = bytes.ok_or((Code::Malformed, "a document is missing".to_owned()))?;
        let frame = frame::decode(&bytes).map_err(|e| (e.code, e.detail))?;
        let (range, length) = awaited.announce(frame).map_err(|r| (r.code, r.detail))?;
        let document = &listed[usize::from(range.document)];
        recv.begin_raw(length).map_err(stream)?;
        if staged.writers.contains_key(&range.document) {
            process.note(|| format!("takes {length} B of a document from {}", range.offset));
            if let Err(refusal) = to_file(process, recv, who, staged, range, document).await? {
                return Ok(Err(refusal));
            }
            offer.documents.files.push((document.sha256, document.size));
        } else {
            let mut bytes = Vec::new();
            while let Some(chunk) = recv.recv_raw(CHUNK_BYTES).await.map_err(stream)? {
                bytes.extend_from_slice(&chunk);
            }
            if let Err(objection) = offer.documents.take_inline(document, bytes) {
                return Ok(Err(Refusal::Unsigned(objection)));
            }
        }
    }
    Ok(Ok(()))
}

/// Streams a large document to its staged file and makes it durable.
async fn to_file(
    process: &Arc<Process>,
    recv: &mut FrameReceiver,
    who: &str,
    staged: &mut Staged,
    range: Range,
    document: &Document,
) -> Result<Result<(), Refusal>, Objection> {
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
            process.core.brought(who, document.sha256).map_err(stopping)?;
            Ok(Ok(()))
        }
        Err(DocumentError::Disk(_)) => Ok(Err(Refusal::Later(Code::BusyStorage))),
        Err(other) => Ok(Err(Refusal::Unsigned((Code::DocumentDigestMismatch, other.to_string())))),
    }
}
