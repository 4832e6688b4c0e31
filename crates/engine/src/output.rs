//! What a node does. Nothing here leaves before everything it depends on is durable.

use std::sync::Arc;

use tram_dispatch::{
    AgencyCode, Code, Digest, DispatchId, Event, EvidenceRecord, NodeId, UnixMillis,
};
use tram_trust::VerifiedDispatch;
use tram_wire::frame::{self, Outcome};

use crate::cosign::Cosign;
use crate::input::Token;

/// One effect.
#[derive(Debug, Clone)]
pub enum Output {
    /// The answer to a local caller.
    Reply {
        /// Who waits.
        token: Token,
        /// The answer.
        reply: Reply,
    },
    /// The answer to a peer's offer.
    Answer {
        /// Who waits.
        token: Token,
        /// For each recipient offered.
        answers: Vec<(AgencyCode, Answer)>,
    },
    /// The peer's offer is welcome: take the missing documents, then hand it in again.
    TakeDocuments {
        /// Who waits.
        token: Token,
    },
    /// Give a dispatch to a peer.
    Transfer(Transfer),
    /// Give receipts to a peer on their way back.
    SendReceipts {
        /// The peer.
        peer: NodeId,
        /// Our number for the batch.
        batch: u64,
        /// The receipts.
        receipts: Vec<Arc<[u8]>>,
        /// Statements of agencies that they name, as far as they are here.
        statements: Vec<Arc<[u8]>>,
    },
    /// A peer's batch of receipts is durable here.
    Stored {
        /// The peer.
        peer: NodeId,
        /// The peer's number for it.
        batch: u64,
    },
    /// Cosign a checkpoint of another node's log, or say what is held of it.
    Cosign(Cosign),
    /// Document files nobody needs any more.
    RemoveDocuments(Vec<Digest>),
    /// Tell whoever listens.
    Notify(Notice),
}

/// The answer to a local caller.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Done: the receipts that prove it, newest state first; `repeat` if it had been done before.
    Done {
        /// The dispatch.
        dispatch: DispatchId,
        /// Receipts, as bytes.
        receipts: Vec<Arc<[u8]>>,
        /// Whether this repeats an earlier call.
        repeat: bool,
    },
    /// Refused; with the receipt of the refusal where it is evidence.
    Refused {
        /// Why.
        code: Code,
        /// In words.
        detail: String,
        /// The receipt of the refusal.
        receipt: Option<Arc<[u8]>>,
    },
    /// The number that a dispatch to be sealed here gets.
    Assigned {
        /// The number in its series.
        number: u64,
        /// Its time of sealing.
        at: UnixMillis,
    },
    /// Not now.
    Later {
        /// Why.
        code: Code,
        /// Try again after, milliseconds.
        retry_ms: u64,
    },
}

/// The answer to a peer for one recipient.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Held: the receipt.
    Accepted(Arc<[u8]>),
    /// Refused for good: the receipt.
    Refused(Arc<[u8]>),
    /// Refused without evidence.
    RefusedUnsigned(Code, String),
    /// Not now.
    Later(Code, u64),
}

impl From<Answer> for Outcome {
    /// The answer as it goes over the wire.
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Accepted(raw) => Outcome::Accepted(raw.to_vec()),
            Answer::Refused(raw) => Outcome::Refused(raw.to_vec()),
            Answer::RefusedUnsigned(code, detail) => {
                Outcome::RefusedUnsigned { code, detail: frame::detail(&detail) }
            }
            Answer::Later(code, retry_ms) => Outcome::Later { code, retry_ms },
        }
    }
}

/// A dispatch to give to a peer.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// The peer.
    pub peer: NodeId,
    /// The dispatch.
    pub dispatch: VerifiedDispatch,
    /// The recipients it is given for.
    pub recipients: Vec<AgencyCode>,
    /// The first node's receipt, then the upstream ones, ours last.
    pub receipts: Vec<Arc<[u8]>>,
    /// 0 normal to 3 flash.
    pub class: u8,
    /// Whether small documents ride along: not with what goes after the first part, for the peer has them.
    pub documents: bool,
}

impl Transfer {
    /// The priority of its stream: what is more urgent is sent first, also within one session.
    #[must_use]
    pub fn priority(&self) -> i32 {
        i32::from(self.class)
    }
}

/// Something that listeners (long-polls, event streams, metrics) may want to know.
#[derive(Debug, Clone)]
pub struct Notice {
    /// What.
    pub event: Event,
    /// The dispatch.
    pub dispatch: DispatchId,
    /// Who sealed it.
    pub originator: AgencyCode,
    /// The recipient, where it is about one.
    pub recipient: Option<AgencyCode>,
    /// The node that says so.
    pub node: NodeId,
    /// When.
    pub time: UnixMillis,
    /// Why, on a negative event.
    pub reason: Option<Code>,
    /// National status, where the event carries one.
    pub status: Option<u8>,
}

impl From<&EvidenceRecord> for Notice {
    fn from(e: &EvidenceRecord) -> Self {
        Notice {
            event: e.event,
            dispatch: e.dispatch,
            originator: e.originator.clone(),
            recipient: e.recipient.clone(),
            node: e.node.clone(),
            time: e.time,
            reason: e.reason,
            status: e.status,
        }
    }
}
