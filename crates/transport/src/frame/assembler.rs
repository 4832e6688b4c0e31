//! Octets in, frames out: no I/O, so it can be tested octet by octet.

use bytes::{Buf, Bytes, BytesMut};

use super::HEADER_BYTES;
use crate::StreamError;

/// The most a declared length alone makes us allocate; beyond it the buffer grows with what came.
const FIRST_ALLOCATION_BYTES: usize = 64 << 10;

/// Collects a stream's chunks into frames.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    /// Received and not consumed yet.
    pending: Bytes,
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    body: Option<Body>,
}

#[derive(Debug)]
struct Body {
    declared: usize,
    buffer: BytesMut,
}

impl Assembler {
    /// Takes the next chunk; everything before must have been consumed.
    pub(super) fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.pending.is_empty());
        self.pending = chunk;
    }

    /// The next frame, if all of it is here.
    ///
    /// # Errors
    /// [`StreamError::TooLarge`] as soon as the length is known, before anything is allocated.
    pub(super) fn next(&mut self, max_bytes: usize) -> Result<Option<Bytes>, StreamError> {
        let mut body = match self.body.take() {
            Some(body) => body,
            None => match self.header(max_bytes)? {
                Some(declared) => {
                    // The usual case: one chunk holds the frame, and no octet is copied.
                    if self.pending.len() >= declared {
                        return Ok(Some(self.pending.split_to(declared)));
                    }
                    let capacity = declared.min(FIRST_ALLOCATION_BYTES);
                    Body { declared, buffer: BytesMut::with_capacity(capacity) }
                }
                None => return Ok(None),
            },
        };
        let missing = body.declared - body.buffer.len();
        let part = self.pending.split_to(missing.min(self.pending.len()));
        body.buffer.extend_from_slice(&part);
        if body.buffer.len() == body.declared {
            return Ok(Some(body.buffer.freeze()));
        }
        self.body = Some(body);
        Ok(None)
    }

    /// Octets that were received behind a frame, at most `max_bytes` of them.
    pub(super) fn take_raw(&mut self, max_bytes: usize) -> Bytes {
        self.pending.split_to(max_bytes.min(self.pending.len()))
    }

    /// Whether the stream may end here.
    pub(super) fn is_between_frames(&self) -> bool {
        self.pending.is_empty() && self.header_bytes == 0 && self.body.is_none()
    }

    fn header(&mut self, max_bytes: usize) -> Result<Option<usize>, StreamError> {
        let part = (HEADER_BYTES - self.header_bytes).min(self.pending.len());
        self.pending.copy_to_slice(&mut self.header[self.header_bytes..self.header_bytes + part]);
        self.header_bytes += part;
        if self.header_bytes < HEADER_BYTES {
            return Ok(None);
        }
        self.header_bytes = 0;
        let declared = u32::from_be_bytes(self.header);
        match usize::try_from(declared) {
            Ok(declared) if declared <= max_bytes => Ok(Some(declared)),
            _ => Err(StreamError::TooLarge {
                declared_bytes: declared.into(),
                max_bytes: max_bytes as u64,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(body: &[u8]) -> Vec<u8> {
        let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn any_cut_gives_the_same_frames() {
        let bodies: [&[u8]; 4] = [b"", b"one", &[7; 300], b""];
        let stream: Vec<u8> = bodies.iter().flat_map(|body| framed(body)).collect();
        for size in 1..=stream.len() {
            let mut assembler = Assembler::default();
            let mut frames = Vec::new();
            for chunk in stream.chunks(size) {
                assembler.feed(Bytes::copy_from_slice(chunk));
                while let Some(frame) = assembler.next(1000).unwrap() {
                    frames.push(frame);
                }
            }
            assert_eq!(frames, bodies, "chunks of {size}");
            assert!(assembler.is_between_frames());
        }
    }

    #[test]
    fn a_length_beyond_the_limit_allocates_nothing() {
        let mut assembler = Assembler::default();
        assembler.feed(Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 1, 2, 3]));
        let error = assembler.next(1000).unwrap_err();
        assert_eq!(error, StreamError::TooLarge { declared_bytes: 0xffff_ffff, max_bytes: 1000 });
        assert!(assembler.body.is_none());
    }

    #[test]
    fn a_declared_length_is_not_believed() {
        let declared: u32 = 900 << 20;
        let mut assembler = Assembler::default();
        assembler.feed(Bytes::copy_from_slice(&declared.to_be_bytes()));
        assert_eq!(assembler.next(1 << 30).unwrap(), None);
        let capacity = |assembler: &Assembler| assembler.body.as_ref().unwrap().buffer.capacity();
        assert!(capacity(&assembler) <= FIRST_ALLOCATION_BYTES);
        // Afterwards memory follows what has arrived, within the factor of a growing vector.
        let mut arrived = 0;
        for _ in 0..64 {
            assembler.feed(Bytes::from(vec![1; 10_000]));
            arrived += 10_000;
            assert_eq!(assembler.next(1 << 30).unwrap(), None);
            assert!(capacity(&assembler) <= (2 * arrived).max(FIRST_ALLOCATION_BYTES));
        }
    }

    #[test]
    fn raw_octets_behind_a_frame_are_kept() {
        let mut assembler = Assembler::default();
        let mut bytes = framed(b"offer");
        bytes.extend_from_slice(b"rawraw");
        assembler.feed(bytes.into());
        assert_eq!(assembler.next(10).unwrap().unwrap(), "offer");
        assert_eq!(assembler.take_raw(4), "rawr");
        assert!(!assembler.is_between_frames());
        assert_eq!(assembler.take_raw(4), "aw");
        assert!(assembler.is_between_frames());
    }
}
