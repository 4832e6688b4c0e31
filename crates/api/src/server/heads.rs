//! Request heads as they came, before the HTTP library takes its view of them.
//!
//! hyper follows RFC 9112 where a head says its length in two ways: it believes `Transfer-Encoding`,
//! hides `Content-Length` and closes after the answer. Nobody who speaks to a local socket honestly
//! sends such a head, so it is refused here; for that the bytes must be looked at, as hyper hands
//! the request on without a trace of it. What this does not understand it leaves to hyper, which
//! refuses more than this does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tram_door::Watch;

/// How much of a line is kept: the names that matter, and a length with some space before it.
const LINE_BYTES_MAX: usize = 64;
/// No head of this connection is refused.
const NONE: u64 = u64::MAX;

/// Which request of a connection is refused for its head, shared by the reader and the service.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    first: Arc<AtomicU64>,
    asked: Arc<AtomicU64>,
}

impl Refused {
    pub(super) fn new() -> Self {
        Refused { first: Arc::new(AtomicU64::new(NONE)), asked: Arc::default() }
    }

    /// Whether the next request, in the order of their heads, is refused. Called once for each.
    pub(super) fn next(&self) -> bool {
        self.asked.fetch_add(1, Ordering::AcqRel) >= self.first.load(Ordering::Acquire)
    }
}

/// Where in the stream of requests the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Head,
    Body(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    /// Nothing more is looked at: the connection ends with the answer to what was seen.
    Over,
}

/// Follows one connection's requests: their heads are looked at as they are read.
#[derive(Debug)]
pub(super) struct Heads {
    at: At,
    refused: Refused,
    /// The number of the head being read.
    number: u64,
    /// The beginning of the line being read, and its whole length.
    line: Vec<u8>,
    line_bytes: usize,
    before: u8,
    lines: u32,
    lengths: u32,
    encodings: u32,
    length: Option<u64>,
    odd: bool,
}

impl Heads {
    pub(super) fn new(refused: Refused) -> Self {
        Heads {
            at: At::Head,
            refused,
            number: 0,
            line: Vec::with_capacity(LINE_BYTES_MAX),
            line_bytes: 0,
            before: 0,
            lines: 0,
            lengths: 0,
            encodings: 0,
            length: None,
            odd: false,
        }
    }

    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.at {
                At::Over => return,
                At::Body(left) => bytes = self.skip(bytes, left, At::Body, At::Head),
                At::Chunk(left) => bytes = self.skip(bytes, left, At::Chunk, At::ChunkEnd),
                At::Head | At::ChunkSize | At::ChunkEnd | At::Trailers => {
                    bytes = self.take_line(bytes);
                }
            }
        }
    }

    fn skip<'b>(&mut self, bytes: &'b [u8], left: u64, more: fn(u64) -> At, then: At) -> &'b [u8] {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left - here as u64;
        self.at = if left == 0 { then } else { more(left) };
        &bytes[here..]
    }

    /// Takes bytes up to the end of the line, and looks at it once it is whole.
    fn take_line<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let end = bytes.iter().position(|b| *b == b'\n');
        let (part, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        let room = LINE_BYTES_MAX - self.line.len();
        self.line.extend_from_slice(&part[..part.len().min(room)]);
        self.line_bytes += part.len();
        self.before = part.last().copied().unwrap_or(self.before);
        if end.is_none() {
            return rest;
        }
        let ended_well = self.line_bytes > 0 && self.before == b'\r';
        let line = std::mem::replace(&mut self.line, Vec::with_capacity(LINE_BYTES_MAX));
        let whole = self.line_bytes == line.len();
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let empty = line.is_empty() && whole;
        (self.line_bytes, self.before) = (0, 0);
        match self.at {
            At::Head => self.head_line(line, whole, empty, ended_well),
            At::ChunkSize => {
                self.at = match chunk_size(line) {
                    Some(0) => At::Trailers,
                    Some(size) => At::Chunk(size),
                    None => At::Over,
                };
            }
            At::ChunkEnd => self.at = if empty { At::ChunkSize } else { At::Over },
            At::Trailers if empty => self.at = At::Head,
            _ => {}
        }
        &rest[1..]
    }

    fn head_line(&mut self, line: &[u8], whole: bool, empty: bool, ended_well: bool) {
        if empty && self.lines == 0 {
            // An empty line before a request is none of it (RFC 9112 section 2.2).
            return;
        }
        self.lines = self.lines.saturating_add(1);
        // RFC 9112 section 2.2 lets a reader take a line feed alone for a line's end. That two
        // readers may differ in it is reason enough not to.
        self.odd |= !ended_well;
        if empty {
            self.head_ends();
            return;
        }
        let name_ends = line.iter().position(|b| *b == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(name_ends);
        if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths += 1;
            let digits = value.get(1..).map(<[u8]>::trim_ascii);
            let text = digits.filter(|_| whole).and_then(|d| std::str::from_utf8(d).ok());
            self.length = text.and_then(|t| t.parse().ok());
            self.odd |= self.length.is_none();
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.encodings += 1;
        }
    }

    fn head_ends(&mut self) {
        let twice = self.lengths + self.encodings > 1;
        if twice || self.odd {
            self.refused.first.store(self.number, Ordering::Release);
            self.at = At::Over;
            return;
        }
        self.at = match (self.encodings, self.length) {
            (0, None | Some(0)) => At::Head,
            (0, Some(length)) => At::Body(length),
            (_, _) => At::ChunkSize,
        };
        self.number += 1;
        (self.lines, self.lengths, self.encodings, self.length) = (0, 0, 0, None);
    }
}

/// The hexadecimal number at the beginning of a chunk's first line (RFC 9112 section 7.1).
fn chunk_size(line: &[u8]) -> Option<u64> {
    let ends = line.iter().position(|b| !b.is_ascii_hexdigit()).unwrap_or(line.len());
    u64::from_str_radix(std::str::from_utf8(&line[..ends]).ok()?, 16).ok()
}

impl Watch for Heads {
    fn came(&mut self, bytes: &mut [u8]) {
        self.feed(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of the first head refused, whatever the pieces in which the bytes come.
    fn first_refused(bytes: &str) -> Option<u64> {
        let in_pieces = |size: usize| {
            let refused = Refused::new();
            let mut heads = Heads::new(refused.clone());
            bytes.as_bytes().chunks(size).for_each(|piece| heads.feed(piece));
            refused.first.load(Ordering::Acquire)
        };
        let all: Vec<u64> = [1, 2, 3, 7, usize::MAX].map(in_pieces).to_vec();
        assert!(all.iter().all(|n| *n == all[0]), "{all:?} for {bytes:?}");
        Some(all[0]).filter(|n| *n != NONE)
    }

    #[test]
    fn bodies_are_passed_over_whatever_they_look_like() {
        let trap = "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let counted = format!("POST / HTTP/1.1\r\ncontent-length:  {}\r\n\r\n{trap}", trap.len());
        let size = trap.len();
        let chunked = format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{size:x};a=b\r\n{trap}\r\n\
             1\r\nx\r\n0\r\nTrailer: y\r\n\r\n"
        );
        let empty = "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
        let four = format!("{chunked}{empty}{counted}{empty}");
        for (sound, requests) in [(counted.as_str(), 1), (&chunked, 1), (empty, 1), (&four, 4)] {
            assert_eq!(first_refused(sound), None, "{sound:?}");
            assert_eq!(first_refused(&format!("{sound}{trap}")), Some(requests), "{sound:?}");
        }
    }

    #[test]
    fn heads_that_say_their_length_twice_or_oddly_are_refused() {
        for bad in [
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            "TRANSFER-ENCODING: chunked\r\ncontent-length: 4\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 4\r\nContent-Length: 4\r\n",
            "Content-Length: 4, 4\r\n",
            "Content-Length: -4\r\n",
            "Content-Length:                                                             4\r\n",
            "Host: x\nContent-Length: 4\r\n",
            "Host: x\n\n",
        ] {
            let head = format!("GET / HTTP/1.1\r\n{bad}\r\n");
            assert_eq!(first_refused(&head), Some(0), "{bad:?}");
        }
        assert_eq!(first_refused("GET / HTTP/1.1\r\nContent-Length: 4\r\n"), None, "no whole head");
    }
}
