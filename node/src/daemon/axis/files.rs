//! Files on their way out.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use tram_api::service::OpenDocument;
use tram_axis::{FileRead, Refusal, Reply};

use super::refusals;

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
