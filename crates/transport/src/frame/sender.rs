//! The sending half of a stream.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use quinn::{SendStream, StoppedError, VarInt, WriteError};
use tokio::time::timeout;

use crate::{StreamError, reason::STREAM_ABANDONED, session::SessionCore};

/// Sends frames and raw ranges.
///
/// Dropped between frames it finishes the stream; dropped inside a frame or raw range it resets it,
/// so that the peer never takes a part for the whole.
pub struct FrameSender {
    stream: SendStream,
    session: Arc<SessionCore>,
    raw_left_bytes: u64,
    /// A write has begun and not ended: after an error, or when its future was dropped.
    torn: bool,
    ended: bool,
}

impl FrameSender {
    pub(crate) fn new(stream: SendStream, session: Arc<SessionCore>) -> Self {
        Self { stream, session, raw_left_bytes: 0, torn: false, ended: false }
    }

    /// Sends one frame, copying `body`. Returns when QUIC has taken it, which waits while the peer
    /// does not read. Not cancel-safe: after a dropped call the stream can only be reset.
    ///
    /// # Errors
    /// [`StreamError::TooLarge`] above `frame_bytes_max`, with nothing sent; else see
    /// [`StreamError`].
    pub async fn send(&mut self, body: &[u8]) -> Result<(), StreamError> {
        self.send_bytes(Bytes::copy_from_slice(body)).await
    }

    /// [`FrameSender::send`] without copying.
    ///
    /// # Errors
    /// As [`FrameSender::send`].
    pub async fn send_bytes(&mut self, body: Bytes) -> Result<(), StreamError> {
        self.between()?;
        let max_bytes = self.session.limits().frame_bytes_max;
        let length = u32::try_from(body.len()).ok().filter(|length| *length <= max_bytes).ok_or(
            StreamError::TooLarge {
                declared_bytes: body.len() as u64,
                max_bytes: max_bytes.into(),
            },
        )?;
        let header = Bytes::copy_from_slice(&length.to_be_bytes());
        // QUIC would wait for credit to write an empty body.
        let chunks = &mut [header, body];
        let used = if length == 0 { 1 } else { 2 };
        self.write(&mut chunks[..used]).await
    }

    /// Announces that `len_bytes` raw octets follow the frame just sent.
    ///
    /// # Errors
    /// [`StreamError::RawPending`] if the range before is not finished.
    pub fn begin_raw(&mut self, len_bytes: u64) -> Result<(), StreamError> {
        self.between()?;
        self.raw_left_bytes = len_bytes;
        Ok(())
    }

    /// Sends the next octets of the announced range. Not cancel-safe, like [`FrameSender::send`].
    ///
    /// # Errors
    /// [`StreamError::RawOverrun`], with nothing sent, if more than announced; else see
    /// [`StreamError`].
    pub async fn send_raw(&mut self, chunk: Bytes) -> Result<(), StreamError> {
        self.usable()?;
        let bytes = chunk.len() as u64;
        let Some(left_bytes) = self.raw_left_bytes.checked_sub(bytes) else {
            return Err(StreamError::RawOverrun { excess_bytes: bytes - self.raw_left_bytes });
        };
        self.write(&mut [chunk]).await?;
        self.raw_left_bytes = left_bytes;
        Ok(())
    }

    /// Says that nothing more comes. Does not wait for the peer.
    ///
    /// # Errors
    /// [`StreamError::RawPending`] inside a raw range; [`StreamError::Unusable`] if already ended.
    pub fn finish(&mut self) -> Result<(), StreamError> {
        self.between()?;
        self.ended = true;
        self.stream.finish().map_err(|_| StreamError::Unusable)
    }

    /// Waits until the peer's QUIC layer has received everything, after [`FrameSender::finish`].
    /// That is no custody: only a receipt is. Wanted before closing a session. Cancel-safe.
    ///
    /// # Errors
    /// The peer stopped the stream, or the session is gone.
    pub async fn delivered(&mut self) -> Result<(), StreamError> {
        match self.stream.stopped().await {
            Ok(None) => Ok(()),
            Ok(Some(code)) => Err(StreamError::Stopped { code: code.into_inner() }),
            Err(StoppedError::ConnectionLost(error)) => {
                Err(StreamError::SessionClosed(self.session.reason(error)))
            }
            Err(StoppedError::ZeroRttRejected) => Err(StreamError::Unusable),
        }
    }

    /// Gives the stream up; the peer's reads fail with `code`, what is in flight may be lost.
    pub fn reset(&mut self, code: u32) {
        self.torn = true;
        self.ended = true;
        // Already closed is as good as reset.
        let _ = self.stream.reset(VarInt::from_u32(code));
    }

    /// Streams of higher priority send first; equals take turns. `None` once the stream is closed.
    pub fn priority(&self) -> Option<i32> {
        self.stream.priority().ok()
    }

    /// New streams have 0.
    pub(crate) fn set_priority(&self, priority: i32) {
        // On a closed stream there is nothing left to order.
        let _ = self.stream.set_priority(priority);
    }

    async fn write(&mut self, mut chunks: &mut [Bytes]) -> Result<(), StreamError> {
        let stall_ms = self.session.limits().send_stall_timeout_ms;
        self.torn = true;
        while !chunks.is_empty() {
            let stall = Duration::from_millis(stall_ms.into());
            let written = timeout(stall, self.stream.write_chunks(chunks))
                .await
                .map_err(|_| StreamError::Stalled { after_ms: stall_ms })?
                .map_err(|error| self.explain(error))?;
            chunks = &mut chunks[written.chunks..];
        }
        self.torn = false;
        Ok(())
    }

    fn usable(&self) -> Result<(), StreamError> {
        if self.torn || self.ended { Err(StreamError::Unusable) } else { Ok(()) }
    }

    fn between(&self) -> Result<(), StreamError> {
        self.usable()?;
        match self.raw_left_bytes {
            0 => Ok(()),
            left_bytes => Err(StreamError::RawPending { left_bytes }),
        }
    }

    fn explain(&self, error: WriteError) -> StreamError {
        match error {
            WriteError::Stopped(code) => StreamError::Stopped { code: code.into_inner() },
            WriteError::ConnectionLost(error) => {
                StreamError::SessionClosed(self.session.reason(error))
            }
            _ => StreamError::Unusable,
        }
    }
}

impl Drop for FrameSender {
    fn drop(&mut self) {
        if !self.ended && (self.torn || self.raw_left_bytes > 0) {
            self.reset(STREAM_ABANDONED);
        }
    }
}

impl std::fmt::Debug for FrameSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameSender")
            .field("stream", &self.stream.id())
            .field("raw_left_bytes", &self.raw_left_bytes)
            .field("torn", &self.torn)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
