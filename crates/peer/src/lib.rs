//! The node-to-node session as a state machine: frames in, frames out.
//!
//! [`Session`] runs the control stream of one authenticated connection: hello, the proof that the
//! peer's log extends what we held of it, receipts on their way back. [`giver`] and [`taker`] are
//! the two sides of one transfer. Nothing here names a socket, a clock or a store: what the session
//! must know is handed in, what it wants done comes out as [`Event`]s.

pub mod directory;
pub mod giver;
mod held;
pub mod limits;
mod pace;
mod session;
pub mod taker;

pub use held::{Claim, HeldCheckpoint, TwoHistories};
pub use pace::{Pace, gives_way};
pub use session::{Event, Local, Refused, Session};

/// The name of a frame, for messages.
pub(crate) fn name(frame: &tram_wire::Frame) -> &'static str {
    use tram_wire::Frame;
    match frame {
        Frame::Hello(_) => "hello",
        Frame::HelloRefused { .. } => "hello-refused",
        Frame::Receipts { .. } => "receipts",
        Frame::Stored { .. } => "stored",
        Frame::Checkpoint { .. } => "checkpoint",
        Frame::ConsistencyRequest { .. } => "consistency-request",
        Frame::Consistency { .. } => "consistency",
        Frame::Transfer(_) => "transfer",
        Frame::Want(_) => "want",
        Frame::Data { .. } => "data",
        Frame::Answer(_) => "answer",
        Frame::Directory { .. } => "directory",
        Frame::DirectoryRequest { .. } => "directory-request",
        Frame::DirectoryPiece(_) => "directory-piece",
        Frame::Cosignature { .. } => "cosignature",
        Frame::CosignatureRequest { .. } => "cosignature-request",
        Frame::CosignatureHeld { .. } => "cosignature-held",
        Frame::ProofRequest { .. } => "proof-request",
        Frame::Proof { .. } => "proof",
        Frame::Epoch { .. } => "epoch",
        Frame::Unknown { .. } => "unknown",
    }
}
