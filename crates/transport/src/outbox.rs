//! Frames that wait for the control stream. Writing has a task of its own: if both sides wrote before
//! they read, both could wait for ever.

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::{FrameSender, StreamError};

/// The control stream goes before every transfer.
const CONTROL_PRIORITY: i32 = 16;

/// A frame on its way out, with the place that it frees.
#[derive(Debug)]
struct Waiting {
    frame: Bytes,
    _place: Option<OwnedSemaphorePermit>,
}

/// Where frames are put.
#[derive(Clone, Debug)]
pub struct Outbox(mpsc::UnboundedSender<Waiting>);

/// What sends them.
#[derive(Debug)]
pub struct OutboxWriter(mpsc::UnboundedReceiver<Waiting>);

/// An outbox and its writer. It has no bound of its own: whoever puts frames in must have one, as the
/// engine has for what is under way to one peer.
#[expect(clippy::disallowed_methods, reason = "bounded by those who put frames in, see above")]
pub fn outbox() -> (Outbox, OutboxWriter) {
    let (outbox, writer) = mpsc::unbounded_channel();
    (Outbox(outbox), OutboxWriter(writer))
}

impl Outbox {
    /// Puts a frame in; `place` is given back when it was sent, or is not sent any more. A writer that is
    /// gone takes nothing: its own result says why.
    pub fn put(&self, frame: Vec<u8>, place: Option<OwnedSemaphorePermit>) {
        let _ = self.0.send(Waiting { frame: frame.into(), _place: place });
    }
}

impl OutboxWriter {
    /// Sends all frames over a control stream; ends when the last [`Outbox`] is dropped and the peer's
    /// transport has everything.
    ///
    /// # Errors
    /// As [`FrameSender::send_bytes`].
    pub async fn write(mut self, mut send: FrameSender) -> Result<(), StreamError> {
        send.set_priority(CONTROL_PRIORITY);
        while let Some(waiting) = self.0.recv().await {
            send.send_bytes(waiting.frame).await?;
        }
        send.finish()?;
        send.delivered().await
    }
}
