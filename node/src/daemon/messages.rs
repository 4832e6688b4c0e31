//! What the engine's thread is told, and what it tells the sessions.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tram_dispatch::{AgencyCode, Code, Digest, NodeId};
use tram_engine::record::Batch;
use tram_engine::transfer::take::SoundOffer;
use tram_engine::{Answer, Cosign, Documents, Engine, Input, PeerUp, Reply, Token, Transfer, View};
use tram_trust::VerifiedDispatch;
use tram_wire::Frame;

use super::pins::Pin;

/// A question that only the engine's thread can answer. What it gives delivers the answer, once all
/// that was seen is durable.
pub(crate) type Question = Box<dyn FnOnce(&Engine, &dyn View) -> Deliver + Send>;
pub(crate) type Deliver = Box<dyn FnOnce() + Send>;

/// What the engine's thread is told.
pub(crate) enum ToCore {
    Input(Input),
    Submit {
        dispatch: VerifiedDispatch,
        documents: Documents,
        /// Held until the engine counts on the files itself, whether or not the caller still waits.
        pins: Vec<Pin>,
        reply: oneshot::Sender<Reply>,
    },
    /// An input that is answered with a `Reply`; the token is put in here.
    Ask {
        input: Box<dyn FnOnce(Token) -> Input + Send>,
        reply: oneshot::Sender<Reply>,
    },
    Offer {
        offer: SoundOffer,
        reply: oneshot::Sender<OfferReply>,
    },
    PeerUp {
        up: PeerUp,
        session: u64,
        link: mpsc::UnboundedSender<ToPeer>,
    },
    PeerDown {
        peer: NodeId,
        session: u64,
    },
    Question(Question),
    /// A question about what a recipient may read. While the store waits, it is answered by what the node
    /// knows, which may be ahead of the disk; nothing is signed or recorded meanwhile.
    Reading(Question),
    /// A question about what was promised to nobody: answered at once, whatever is still to commit.
    Glance(Question),
    /// A frame about cosignatures for another peer.
    Pass {
        to: NodeId,
        frame: Frame,
    },
    /// Document files that nobody counts on any more, unless a held dispatch does.
    Unneeded(Vec<Digest>),
    Persisted(Batch, Result<(), String>),
    /// The batch under way found no room; it is tried again until it finds some.
    StoreWaits(Code),
    /// The disk cannot be relied on any more, or the store's thread is gone.
    Fatal(String),
    Stop,
}

/// What the engine says to an offer.
#[derive(Debug)]
pub(crate) enum OfferReply {
    TakeDocuments,
    Answers(Vec<(AgencyCode, Answer)>),
}

/// What a session is told to send.
#[derive(Debug)]
pub(crate) enum ToPeer {
    Transfer(Transfer),
    Receipts {
        batch: u64,
        receipts: Vec<Arc<[u8]>>,
        statements: Vec<Arc<[u8]>>,
    },
    Stored(u64),
    /// Cosign a checkpoint, or say what is held instead.
    Cosign(Cosign),
    /// A frame about cosignatures of somebody else, passed on.
    Pass(Frame),
    /// Another session with the same peer took over.
    Replaced,
}
