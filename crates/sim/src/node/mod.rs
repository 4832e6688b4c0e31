//! A simulated node: a real engine, a real store on a simulated disk, real verification, and the
//! shell around them, which does what `node/src/daemon` does, without threads, clocks or sockets.
//!
//! A [`Node`] is a machine with a disk; while its process runs it takes what happens and gives
//! [`Action`]s. Sessions and streams are names and octets: who carries the octets (a queue with
//! delays, or a real QUIC connection) is not its affair. Drive it like this:
//!
//! ```text
//! node.start(now)                              recovery, genesis, engine
//! node.session_opened(now, session, …)         TLS is done; the hello follows
//! node.octets(now, session, stream, bytes)     octets of a stream, in order
//! node.stream_ended / session_closed
//! node.submit / upload / confirm / …           local callers
//! while let Some(action) = node.next_action()  carry it out
//! Action::Committing → later node.commit_done(now)
//! node.tick(now) at node.deadline()
//! node.crash(moment, outage) → node.start(…)
//! ```

mod action;
mod conversation;
mod cosigning;
mod disk;
mod documents;
mod give;
mod machine;
mod newest;
mod octets;
mod outage;
mod pins;
mod running;
mod sight;
mod start;
mod take;

pub use action::{Action, Session, Stream};
pub use disk::{Lie, SimDisk};
pub use documents::Submission;
pub use machine::{Node, NodeOptions};
pub use octets::{BadStream, Octets, framed};
pub use outage::{Moment, Outage};
pub use running::Stop;
pub use start::StartError;
