//! What the core and its sessions say to each other, and the clock they go by.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tram_dispatch::{AgencyCode, Now, UnixMillis};
use tram_engine::{Answer, Cosign, Transfer};
use tram_trust::fixtures::NOW;

/// The two clocks of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// Begins now, at the fixtures' ordinary moment of work.
    pub(crate) fn new() -> Self {
        Clock { start: Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        let mono_ms = 60_000 + self.start.elapsed().as_millis() as u64;
        Now { mono_ms, wall: NOW.plus_ms(mono_ms) }
    }

    pub(crate) fn wall(&self) -> UnixMillis {
        self.now().wall
    }
}

/// The process is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node is stopping")]
pub(crate) struct Stopping;

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
    Receipts { batch: u64, receipts: Vec<Arc<[u8]>>, statements: Vec<Arc<[u8]>> },
    Stored(u64),
    Cosign(Cosign),
    Replaced,
}

pub(crate) type Link = mpsc::UnboundedSender<ToPeer>;
