//! A body that is made while it is sent, by either side of the socket.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;

/// Pieces that may wait to be sent; with their size this bounds memory per transfer.
const PIECES_MAX: usize = 2;

/// Why a body ended early; the connection is cut so that the client notices.
pub(crate) type Cut = Box<dyn std::error::Error + Send + Sync>;

/// A body fed through a channel; `exact` bytes if known beforehand.
pub(crate) struct ChannelBody {
    pieces: mpsc::Receiver<Result<Bytes, Cut>>,
    left: Option<u64>,
}

impl ChannelBody {
    pub(crate) fn new(exact: Option<u64>) -> (mpsc::Sender<Result<Bytes, Cut>>, Self) {
        let (sender, pieces) = mpsc::channel(PIECES_MAX);
        (sender, ChannelBody { pieces, left: exact })
    }
}

impl hyper::body::Body for ChannelBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let piece = match self.pieces.poll_recv(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(piece) => piece,
        };
        if let (Some(Ok(bytes)), Some(left)) = (&piece, &mut self.left) {
            *left = left.saturating_sub(bytes.len() as u64);
        }
        Poll::Ready(piece.map(|p| p.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
