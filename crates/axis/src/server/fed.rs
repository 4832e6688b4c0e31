//! Answers: whole, or made while they are sent. With each goes its place among the requests.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use tram_door::Counted;

/// Pieces that may wait to be sent.
const PIECES_MAX: usize = 2;

/// Why an answer ended early: the connection is cut, so that the client notices.
pub(super) type Cut = Box<dyn std::error::Error + Send + Sync>;

/// What a request holds until its answer is sent or given up.
#[derive(Default)]
pub(super) struct Held {
    pub(super) permits: Vec<OwnedSemaphorePermit>,
    pub(super) account: Option<Counted<String>>,
}

/// The body of an answer.
pub(super) struct Fed {
    pieces: Pieces,
    /// Given back when the answer is.
    _held: Held,
}

enum Pieces {
    Whole(Option<Bytes>),
    Coming { receiver: mpsc::Receiver<Result<Bytes, Cut>>, left: Option<u64> },
}

impl Fed {
    /// All of it is there.
    pub(super) fn whole(bytes: Bytes, held: Held) -> Self {
        let bytes = Some(bytes).filter(|b| !b.is_empty());
        Fed { pieces: Pieces::Whole(bytes), _held: held }
    }

    /// It comes through a channel; `exact` bytes where that is known.
    pub(super) fn coming(
        exact: Option<u64>,
        held: Held,
    ) -> (mpsc::Sender<Result<Bytes, Cut>>, Self) {
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        (sender, Fed { pieces: Pieces::Coming { receiver, left: exact }, _held: held })
    }
}

impl hyper::body::Body for Fed {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut self.pieces {
            Pieces::Whole(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Pieces::Coming { receiver, left } => receiver.poll_recv(cx).map(|piece| {
                let piece = piece?;
                if let (Ok(bytes), Some(left)) = (&piece, left) {
                    *left = left.saturating_sub(bytes.len() as u64);
                }
                Some(piece.map(Frame::data))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.pieces, Pieces::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.pieces {
            Pieces::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Pieces::Coming { left: Some(left), .. } => SizeHint::with_exact(*left),
            Pieces::Coming { left: None, .. } => SizeHint::default(),
        }
    }
}
