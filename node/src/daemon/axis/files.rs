//! Files on their way out.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tram_api::service::OpenDocument;
use tram_axis::{FileRead, Refusal, Reply};

use super::refusals;

/// Bytes asked for at a time where reading blocks.
const STEP_BYTES: usize = 256 << 10;

/// Runs something that may block off the sockets' loop.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(refusals::broken)?
}

/// A document of the store.
pub(super) struct Stored(pub(super) OpenDocument);

impl FileRead for Stored {
    fn read(&mut self, offset: u64, bytes_max: usize) -> Reply<'_, Bytes> {
        let reading = self.0.reader.read(offset, bytes_max);
        Box::pin(async move { reading.await.map_err(refusals::of_problem) })
    }
}

/// A file without a name.
pub(super) struct Staged(pub(super) Arc<File>);

impl FileRead for Staged {
    fn read(&mut self, offset: u64, bytes_max: usize) -> Reply<'_, Bytes> {
        let file = self.0.clone();
        Box::pin(blocking(move || {
            let mut piece = vec![0; bytes_max];
            let n = file.read_at(&mut piece, offset).map_err(refusals::broken)?;
            piece.truncate(n);
            Ok(piece.into())
        }))
    }
}

/// Bytes in memory, for what is small.
pub(super) struct Small(pub(super) Bytes);

impl FileRead for Small {
    fn read(&mut self, offset: u64, bytes_max: usize) -> Reply<'_, Bytes> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let to = self.0.len().min(from.saturating_add(bytes_max));
        let piece = self.0.slice(from..to);
        Box::pin(async move { Ok(piece) })
    }
}

/// A document of the store for readers that block. Not for a thread that drives a runtime.
pub(super) struct Pulled {
    document: OpenDocument,
    offset: u64,
    piece: Bytes,
    handle: Handle,
}

impl Pulled {
    pub(super) fn new(document: OpenDocument, handle: Handle) -> Self {
        Pulled { document, offset: 0, piece: Bytes::new(), handle }
    }
}

impl Read for Pulled {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() && self.offset < self.document.size {
            let left = usize::try_from(self.document.size - self.offset).unwrap_or(STEP_BYTES);
            let reading = self.document.reader.read(self.offset, left.min(STEP_BYTES));
            self.piece = self.handle.block_on(reading).map_err(io::Error::other)?;
            self.offset += self.piece.len() as u64;
        }
        let n = self.piece.len().min(buffer.len());
        buffer[..n].copy_from_slice(&self.piece.split_to(n));
        Ok(n)
    }
}
