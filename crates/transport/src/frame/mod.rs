//! Frames and raw ranges on a stream.

mod assembler;
mod receiver;
mod sender;

pub use receiver::FrameReceiver;
pub use sender::FrameSender;

/// Octets of the length before each frame.
const HEADER_BYTES: usize = 4;
