//! Octets of a stream to frames and raw ranges and back: a length of four octets, big-endian, then
//! the frame (`docs/protocol.md`, section 10).

use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_wire::frame::{self, Frame};

/// Octets of the length before a frame.
const HEADER_BYTES: usize = 4;

/// A frame as it goes over a stream.
#[must_use]
pub fn framed(frame: &Frame) -> Vec<u8> {
    let body = frame::encode(frame);
    let mut out = Vec::with_capacity(HEADER_BYTES + body.len());
    out.extend_from_slice(&(body.len() as u32).to_be_bytes());
    out.extend_from_slice(&body);
    out
}

/// What came over one direction of a stream and was not consumed yet.
#[derive(Debug, Default)]
pub struct Octets {
    buffer: Vec<u8>,
    used: usize,
}

/// The stream is not what the protocol says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadStream;

impl Octets {
    /// Takes what came.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.used > 0 && self.used == self.buffer.len() {
            self.buffer.clear();
            self.used = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The bytes of the next frame, if all of it is here.
    ///
    /// # Errors
    /// [`BadStream`] where a frame is longer than any may be.
    pub fn frame(&mut self) -> Result<Option<Vec<u8>>, BadStream> {
        let rest = &self.buffer[self.used..];
        let Some(header) = rest.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let declared = u32::from_be_bytes(*header) as usize;
        if declared > FRAME_BYTES_MAX {
            return Err(BadStream);
        }
        let Some(body) = rest.get(HEADER_BYTES..HEADER_BYTES + declared) else { return Ok(None) };
        let body = body.to_vec();
        self.used += HEADER_BYTES + declared;
        Ok(Some(body))
    }

    /// Up to `max` raw octets.
    pub fn raw(&mut self, max: u64) -> Vec<u8> {
        let rest = &self.buffer[self.used..];
        let n = rest.len().min(usize::try_from(max).unwrap_or(usize::MAX));
        let out = rest[..n].to_vec();
        self.used += n;
        out
    }

    /// Octets that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len() - self.used
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_gives_the_same_frames() {
        let frames = [Frame::Stored { batch: 7 }, Frame::Stored { batch: 1 << 40 }];
        let stream: Vec<u8> = frames.iter().flat_map(framed).collect();
        for size in 1..=stream.len() {
            let (mut octets, mut out) = (Octets::default(), Vec::new());
            for chunk in stream.chunks(size) {
                octets.feed(chunk);
                while let Some(bytes) = octets.frame().unwrap() {
                    out.push(frame::decode(&bytes).unwrap());
                }
            }
            assert_eq!(out, frames);
            assert!(octets.is_empty());
        }
        let mut octets = Octets::default();
        octets.feed(&[0xff; 5]);
        assert_eq!(octets.frame(), Err(BadStream));
        assert_eq!(octets.raw(2), [0xff; 2]);
    }
}
