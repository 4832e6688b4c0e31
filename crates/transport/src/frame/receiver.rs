//! The receiving half of a stream.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use quinn::{ReadError, RecvStream, VarInt};
use tokio::time::{Instant, timeout, timeout_at};

use super::assembler::Assembler;
use crate::{StreamError, reason::STREAM_REFUSED, session::SessionCore};

/// Most octets taken from QUIC at once while looking for frames.
const READ_BYTES: usize = 64 << 10;

/// Receives frames and raw ranges. Dropping it before the end tells the peer to stop sending.
pub struct FrameReceiver {
    stream: RecvStream,
    session: Arc<SessionCore>,
    assembler: Assembler,
    /// When the frame that has begun must be complete.
    deadline: Option<Instant>,
    raw: Raw,
    failed: bool,
}

/// Progress of a raw range.
#[derive(Debug, Default)]
struct Raw {
    left_bytes: u64,
    /// Time waited, and octets come, since progress was last sufficient.
    waited: Duration,
    come_bytes: u64,
}

impl FrameReceiver {
    pub(crate) fn new(stream: RecvStream, session: Arc<SessionCore>) -> Self {
        let (assembler, raw) = (Assembler::default(), Raw::default());
        Self { stream, session, assembler, deadline: None, raw, failed: false }
    }

    /// The next frame, or `None` at the end of the stream.
    ///
    /// `max_bytes` bounds this frame's body; the endpoint's `frame_bytes_max` holds besides. Memory
    /// grows with what has arrived, never with what was declared. Waits without limit for a frame
    /// to begin (the session's own idle timeout apart); once begun it must be complete within
    /// `frame_timeout_ms`. Cancel-safe: a frame half received is kept for the next call.
    ///
    /// # Errors
    /// See [`StreamError`]. After an error the stream is stopped, and the rest of it is refused.
    pub async fn recv(&mut self, max_bytes: usize) -> Result<Option<Bytes>, StreamError> {
        self.usable()?;
        if self.raw.left_bytes > 0 {
            return Err(StreamError::RawPending { left_bytes: self.raw.left_bytes });
        }
        let result = self.frame(max_bytes).await;
        self.settle(result)
    }

    /// [`FrameReceiver::recv`] that waits no longer than this.
    ///
    /// # Errors
    /// [`StreamError::Silent`] when the time is over, after which the stream goes on; else as
    /// [`FrameReceiver::recv`].
    pub async fn recv_within(
        &mut self,
        max_bytes: usize,
        wait_ms: u64,
    ) -> Result<Option<Bytes>, StreamError> {
        timeout(Duration::from_millis(wait_ms), self.recv(max_bytes))
            .await
            .map_err(|_| StreamError::Silent { after_ms: wait_ms })?
    }

    /// Announces, from a frame just received, that `len_bytes` raw octets follow.
    ///
    /// # Errors
    /// [`StreamError::RawPending`] if the range before is not finished.
    pub fn begin_raw(&mut self, len_bytes: u64) -> Result<(), StreamError> {
        self.usable()?;
        if self.raw.left_bytes > 0 {
            return Err(StreamError::RawPending { left_bytes: self.raw.left_bytes });
        }
        self.raw = Raw { left_bytes: len_bytes, ..Raw::default() };
        Ok(())
    }

    /// The next octets of the announced range, at least 1 and at most `max_chunk_bytes`, or `None`
    /// once the range is complete.
    ///
    /// At least `raw_progress_bytes` must come within each `frame_timeout_ms` spent waiting here.
    /// Cancel-safe.
    ///
    /// # Errors
    /// See [`StreamError`]; [`StreamError::Truncated`] if the stream ends before the range.
    pub async fn recv_raw(&mut self, max_chunk_bytes: usize) -> Result<Option<Bytes>, StreamError> {
        self.usable()?;
        if self.raw.left_bytes == 0 {
            return Ok(None);
        }
        let left = usize::try_from(self.raw.left_bytes).unwrap_or(usize::MAX);
        let result = self.raw_chunk(max_chunk_bytes.clamp(1, left)).await;
        let chunk = self.settle(result)?;
        self.raw.left_bytes -= chunk.len() as u64;
        Ok(Some(chunk))
    }

    /// Octets of the announced raw range still to come.
    pub fn raw_left_bytes(&self) -> u64 {
        self.raw.left_bytes
    }

    /// Refuses the rest of the stream; the peer's writes fail with `code`.
    pub fn stop(&mut self, code: u32) {
        self.failed = true;
        // Already ended is as good as stopped.
        let _ = self.stream.stop(VarInt::from_u32(code));
    }

    async fn frame(&mut self, max_bytes: usize) -> Result<Option<Bytes>, StreamError> {
        let limits = self.session.limits();
        let timeout_ms = limits.frame_timeout_ms;
        let ceiling = usize::try_from(limits.frame_bytes_max).unwrap_or(usize::MAX);
        let max_bytes = max_bytes.min(ceiling);
        loop {
            if let Some(frame) = self.assembler.next(max_bytes)? {
                self.deadline = None;
                return Ok(Some(frame));
            }
            let read = self.stream.read_chunk(READ_BYTES, true);
            let chunk = if self.assembler.is_between_frames() {
                read.await
            } else {
                let wait = Duration::from_millis(timeout_ms.into());
                let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + wait);
                timeout_at(deadline, read)
                    .await
                    .map_err(|_| StreamError::Stalled { after_ms: timeout_ms })?
            };
            match chunk.map_err(|error| self.explain(error))? {
                Some(chunk) => self.assembler.feed(chunk.bytes),
                None if self.assembler.is_between_frames() => return Ok(None),
                None => return Err(StreamError::Truncated),
            }
        }
    }

    async fn raw_chunk(&mut self, max_bytes: usize) -> Result<Bytes, StreamError> {
        let early = self.assembler.take_raw(max_bytes);
        if !early.is_empty() {
            return Ok(early);
        }
        let timeout_ms = self.session.limits().frame_timeout_ms;
        let allowed = Duration::from_millis(timeout_ms.into()).saturating_sub(self.raw.waited);
        let begun = Instant::now();
        let read = timeout(allowed, self.stream.read_chunk(max_bytes, true)).await;
        self.raw.waited += begun.elapsed();
        let chunk = read
            .map_err(|_| StreamError::Stalled { after_ms: timeout_ms })?
            .map_err(|error| self.explain(error))?
            .ok_or(StreamError::Truncated)?;
        self.raw.come_bytes += chunk.bytes.len() as u64;
        if self.raw.come_bytes >= u64::from(self.session.limits().raw_progress_bytes) {
            self.raw.come_bytes = 0;
            self.raw.waited = Duration::ZERO;
        }
        Ok(chunk.bytes)
    }

    fn usable(&self) -> Result<(), StreamError> {
        if self.failed { Err(StreamError::Unusable) } else { Ok(()) }
    }

    /// A failed stream is stopped, so that its buffers go and the peer hears of it.
    fn settle<T>(&mut self, result: Result<T, StreamError>) -> Result<T, StreamError> {
        if result.is_err() {
            self.stop(STREAM_REFUSED);
        }
        result
    }

    fn explain(&self, error: ReadError) -> StreamError {
        match error {
            ReadError::Reset(code) => StreamError::Reset { code: code.into_inner() },
            ReadError::ConnectionLost(error) => {
                StreamError::SessionClosed(self.session.reason(error))
            }
            _ => StreamError::Unusable,
        }
    }
}

impl std::fmt::Debug for FrameReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameReceiver")
            .field("stream", &self.stream.id())
            .field("raw", &self.raw)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
