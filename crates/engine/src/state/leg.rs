//! One leg: the state of one dispatch toward one recipient.

use std::collections::BTreeMap;

use tram_dispatch::{Digest, NodeId, UnixMillis};

/// Where a leg stands. What is volatile about it (attempts, due times) lives in the queues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leg {
    /// In our custody, to be passed on.
    Held {
        /// Peers that gave it back, each with the digest of the directory by which it did; they are not
        /// tried again.
        returned_by: BTreeMap<NodeId, Option<Digest>>,
    },
    /// In our custody, stopped by the operator.
    OnHold,
    /// In the next node's custody; we keep the bytes.
    Transferred {
        /// The next node.
        peer: NodeId,
        /// Digest of its receipt.
        receipt: Digest,
    },
    /// In the recipient's mailbox on this node.
    Mailbox {
        /// How far the recipient took it.
        stage: Stage,
        /// When that stage was reached.
        at: UnixMillis,
    },
    /// A delivery outcome is proved.
    Ended {
        /// The outcome.
        outcome: Outcome,
        /// When.
        at: UnixMillis,
        /// The next node, where custody had passed to one.
        via: Option<NodeId>,
        /// Whether that next node is the one that issued the outcome, so that we are the last
        /// relay and keep the bytes until handover.
        last_relay: bool,
        /// How far the recipient took it after consignment.
        stage: Stage,
    },
    /// Given back, with evidence, to the peer it came from.
    Returned {
        /// That peer.
        to: NodeId,
    },
}

/// How far the recipient took a consigned dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Held for the recipient.
    Consigned,
    /// The recipient's system has it.
    HandedOver,
    /// The clerk refused it.
    Refused,
    /// The clerk registered it.
    Registered,
    /// The recipient gave it back.
    Withdrawn,
}

/// The delivery outcome of a leg toward its originator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Held durably at the recipient's node.
    Consigned,
    /// Refused by a node, signed.
    Refused,
    /// Given up by its custodian.
    Failed,
    /// Its time ran out.
    Expired,
}

impl Leg {
    /// A fresh leg in our custody.
    pub fn held() -> Self {
        Leg::Held { returned_by: BTreeMap::new() }
    }

    /// Whether this node holds custody and must act.
    pub fn in_custody(&self) -> bool {
        matches!(self, Leg::Held { .. } | Leg::OnHold)
    }

    /// Whether a peer consigned this leg, and the recipient's system is not known to have it.
    pub(crate) fn is_consigned_only(&self, at: &NodeId) -> bool {
        matches!(
            self,
            Leg::Ended { outcome: Outcome::Consigned, via: Some(via), last_relay: true, stage, .. }
                if via == at && *stage < Stage::HandedOver
        )
    }

    /// The word for tables and JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Leg::Held { .. } => "queued",
            Leg::OnHold => "on_hold",
            Leg::Transferred { .. } => "transferred",
            Leg::Mailbox { stage, .. } => stage.word(),
            Leg::Ended { outcome: Outcome::Consigned, stage, .. } => stage.word(),
            Leg::Ended { outcome, .. } => outcome.word(),
            Leg::Returned { .. } => "returned",
        }
    }
}

impl Stage {
    /// The word for tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Consigned => "consigned",
            Stage::HandedOver => "handed_over",
            Stage::Refused => "refused_by_recipient",
            Stage::Registered => "registered",
            Stage::Withdrawn => "withdrawn",
        }
    }
}

impl Outcome {
    /// The word for tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Consigned => "consigned",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
            Outcome::Expired => "expired",
        }
    }
}
