//! What a node wants done.

use std::sync::Arc;

use tram_dispatch::Code;
use tram_engine::{Notice, Reply, Token};

/// Names a session; chosen by who carries it, the same at no two ends and at no two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(pub u64);

/// Names a stream of a session. 0 is the control stream; a transfer's stream is named by the side
/// that opened it: odd where that side dialled the session, even where not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream(pub u64);

impl Stream {
    /// The control stream.
    pub const CONTROL: Stream = Stream(0);
}

/// One thing to do, in this order.
#[derive(Clone, Debug)]
pub enum Action {
    /// Send octets over a stream; the first ones of a transfer's stream open it.
    Send {
        /// The session.
        session: Session,
        /// The stream.
        stream: Stream,
        /// The octets.
        bytes: Vec<u8>,
    },
    /// No more octets follow on this stream in our direction.
    Finish {
        /// The session.
        session: Session,
        /// The stream.
        stream: Stream,
    },
    /// Break a stream off, in both directions.
    Reset {
        /// The session.
        session: Session,
        /// The stream.
        stream: Stream,
    },
    /// Close a session; what was sent on the control stream before should still get there.
    Close {
        /// The session.
        session: Session,
    },
    /// The hello is done; this session is now the one with its peer.
    Up {
        /// The session.
        session: Session,
    },
    /// A batch is on its way to disk: call [`super::Node::commit_done`] after as long as it takes.
    Committing,
    /// The disk has no room for the batch: call [`super::Node::commit_done`] again later.
    WaitingForRoom,
    /// The answer to a local caller.
    Reply {
        /// Who waits.
        token: Token,
        /// The answer.
        reply: Reply,
    },
    /// This receipt just left the node, to a peer or a local caller.
    Released(Arc<[u8]>),
    /// An offer was answered "accepted" with this receipt.
    Accepted {
        /// The receipt.
        receipt: Arc<[u8]>,
        /// The size of the node's log when it was offered.
        offered_at: u64,
    },
    /// Evidence of this node, or of another as it came here, is durable.
    Notify(Notice),
    /// The process ended by itself.
    Stopped {
        /// Why.
        code: Code,
        /// In words.
        detail: String,
    },
}
