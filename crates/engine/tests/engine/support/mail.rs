//! What nodes say to each other, and how one that hears it reads it.

use std::sync::Arc;

use tram_dispatch::{AgencyCode, DispatchId, NodeId};
use tram_engine::{Answer, PeerAnswer, Transfer};
use tram_trust::{VerifiedCosignature, VerifiedReceipt, Verifier};
use tram_wire::Receipt;

/// What travels over a session.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Transfer(Transfer, /* documents given */ bool),
    Failed(DispatchId),
    Answer(DispatchId, Vec<(AgencyCode, Answer)>),
    Receipts(u64, Vec<Arc<[u8]>>, Vec<Arc<[u8]>>),
    Stored(u64),
    Cosigned(VerifiedCosignature),
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) session: u64,
    pub(crate) body: Body,
}

pub(crate) fn receipt(verifier: &Verifier, raw: &[u8]) -> VerifiedReceipt {
    verifier.receipt(Receipt::parse(raw).unwrap()).unwrap()
}

pub(crate) fn peer_answer(verifier: &Verifier, answer: Answer) -> PeerAnswer {
    match answer {
        Answer::Accepted(raw) => PeerAnswer::Accepted(receipt(verifier, &raw)),
        Answer::Refused(raw) => PeerAnswer::Refused(receipt(verifier, &raw)),
        Answer::RefusedUnsigned(code, _) => PeerAnswer::Later { code, retry_ms: 0 },
        Answer::Later(code, retry_ms) => PeerAnswer::Later { code, retry_ms },
    }
}
