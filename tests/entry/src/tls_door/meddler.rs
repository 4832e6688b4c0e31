//! Somebody on the line, who changes what a client sends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Offsets are taken modulo this: a handshake and a request are shorter.
const REACH_BYTES: usize = 4096;

/// What is done to the client's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// These come before the byte at this place.
    Insert(usize, Vec<u8>),
    /// Bytes from this place on are combined with these by exclusive or.
    Xor(usize, Vec<u8>),
    /// So many bytes from this place on are lost.
    Lose(usize, usize),
    /// Everything from this place on is lost, and the line is closed.
    Cut(usize),
    /// What the client wrote at one go with this number is sent twice.
    Repeat(usize),
    /// And this is sent after the next.
    Swap(usize),
}

impl Change {
    /// Which change bytes ask for: two for the place, one for the kind, the rest as it needs.
    pub(super) fn read(bytes: &[u8]) -> Change {
        let Some(([high, low, kind], rest)) = bytes.split_first_chunk::<3>() else {
            return Change::None;
        };
        let place = usize::from(u16::from_be_bytes([*high, *low]));
        let at = place % REACH_BYTES;
        match kind % 6 {
            0 => Change::Xor(at, rest.to_vec()),
            1 => Change::Insert(at, rest.to_vec()),
            2 => Change::Lose(at, rest.len().max(1)),
            3 => Change::Cut(at),
            4 => Change::Repeat(place % 8),
            _ => Change::Swap(place % 8),
        }
    }
}

/// The client's line.
pub(super) struct Meddled<S> {
    line: S,
    change: Change,
    /// Bytes and pieces that the client wrote.
    written: usize,
    pieces: usize,
    /// Bytes that were not sent yet, and a piece that is held back.
    pending: Vec<u8>,
    held: Option<Vec<u8>>,
    closed: bool,
}

impl<S> Meddled<S> {
    pub(super) fn new(line: S, change: Change) -> Self {
        Meddled {
            line,
            change,
            written: 0,
            pieces: 0,
            pending: Vec::new(),
            held: None,
            closed: false,
        }
    }

    fn take(&mut self, piece: &[u8]) {
        let (number, from) = (self.pieces, self.written);
        self.pieces += 1;
        self.written += piece.len();
        // Where in this piece a place is, if it is in it.
        let within = |at: usize| at.checked_sub(from).filter(|at| *at < piece.len());
        let mut sent = piece.to_vec();
        match &self.change {
            Change::None => {}
            Change::Insert(at, bytes) => {
                if let Some(at) = within(*at) {
                    sent.splice(at..at, bytes.iter().copied());
                }
            }
            Change::Xor(at, bytes) => {
                for (offset, byte) in sent.iter_mut().enumerate() {
                    let place = (from + offset).checked_sub(*at);
                    *byte ^= place.and_then(|place| bytes.get(place)).unwrap_or(&0);
                }
            }
            Change::Lose(at, count) => {
                let mut place = from;
                sent.retain(|_| {
                    place += 1;
                    !(*at..at + count).contains(&(place - 1))
                });
            }
            Change::Cut(at) => {
                sent.truncate(at.saturating_sub(from));
                self.closed = self.written > *at;
            }
            Change::Repeat(which) if *which == number => sent.extend_from_slice(piece),
            Change::Swap(which) if *which == number => self.held = Some(std::mem::take(&mut sent)),
            Change::Repeat(_) | Change::Swap(_) => {}
        }
        self.pending.extend_from_slice(&sent);
        if !sent.is_empty() {
            self.pending.extend(self.held.take().unwrap_or_default());
        }
    }
}

impl<S: AsyncWrite + Unpin> Meddled<S> {
    /// Sends what is pending; then closes, if it is time.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let sent = ready!(Pin::new(&mut self.line).poll_write(cx, &self.pending))?;
            self.pending.drain(..sent);
        }
        if self.closed {
            return Pin::new(&mut self.line).poll_shutdown(cx);
        }
        Pin::new(&mut self.line).poll_flush(cx)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Meddled<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(cx))?;
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.line).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Meddled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_read(cx, buffer)
    }
}
