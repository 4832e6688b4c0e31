//! Witnessing: what this node holds of other nodes' logs, whose checkpoints it cosigns, and who
//! cosigned its own.
//!
//! A checkpoint is cosigned only if it extends what this node holds of that log and epoch **now**,
//! and only once that it is held is durable: two sessions that begin from the same older state, a
//! crash between store and answer, and an epoch that comes back get no second history signed. What
//! a session proved it proved against what it was given; here that is compared with what is held.

use tram_dispatch::{EpochId, NodeId, Now};
use tram_tlog::{Hash, verify_consistency};
use tram_trust::position::Around;
use tram_trust::{VerifiedCheckpoint, VerifiedCosignature};

use crate::engine::Engine;
use crate::output::Output;
use crate::record::{Cosigned, PeerCheckpoint, Record};
use crate::release::Waiting;

/// What happened about cosignatures.
#[derive(Debug)]
pub enum Cosigning {
    /// A node two below asks for a cosignature, by way of the node between.
    Asked {
        /// The node between: this node's child.
        via: NodeId,
        /// The checkpoint.
        shown: VerifiedCheckpoint,
        /// The size from which `path` proves that it extends; 0 for none.
        old_size: u64,
        /// The consistency proof.
        path: Vec<[u8; 32]>,
    },
    /// A witness cosigned a checkpoint of this node's own log.
    Given(VerifiedCosignature),
}

/// What is to be done about cosignatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cosign {
    /// Cosign this checkpoint; that it is held is durable.
    Sign {
        /// The session's peer: the log's node, or the node between.
        to: NodeId,
        /// Whose log.
        log: NodeId,
        /// Which epoch.
        epoch: EpochId,
        /// Tree size.
        size: u64,
        /// Root.
        root: [u8; 32],
        /// The time to put into it, seconds since 1970-01-01 UTC.
        time: u64,
    },
    /// Say what is held of the log instead: a proof is needed from there.
    Holds {
        /// The session's peer: the log's node, or the node between.
        to: NodeId,
        /// What is held.
        held: PeerCheckpoint,
    },
}

impl Cosign {
    /// The peer whose session it goes over.
    pub fn to(&self) -> &NodeId {
        match self {
            Cosign::Sign { to, .. } | Cosign::Holds { to, .. } => to,
        }
    }
}

impl Engine {
    /// A checkpoint that a peer shows of its own log; `extends` is what its session proved it
    /// against.
    pub(crate) fn shown_by_peer(
        &mut self,
        now: Now,
        shown: PeerCheckpoint,
        extends: Option<(u64, [u8; 32])>,
    ) {
        let to = shown.peer.clone();
        match self.state.logs.held(&shown.peer, &shown.epoch) {
            held if held.map(|h| (h.size, h.root)) == extends => self.keep(now, to, shown),
            // Another session came between: this one must go on from what is held.
            Some(held) => {
                let held = held.clone();
                self.say(Cosign::Holds { to, held });
            }
            None => {}
        }
    }

    /// Takes what happened about cosignatures.
    pub(crate) fn cosigning(&mut self, now: Now, happened: Cosigning) {
        match happened {
            Cosigning::Asked { via, shown, old_size, path } => {
                self.asked(now, via, &shown, old_size, &path);
            }
            Cosigning::Given(given) => self.given(now, &given),
        }
    }

    /// A node two below asks; nobody else may this way.
    fn asked(
        &mut self,
        now: Now,
        via: NodeId,
        shown: &VerifiedCheckpoint,
        old_size: u64,
        path: &[[u8; 32]],
    ) {
        let above = |node: &NodeId| self.directory.parent(node);
        if above(shown.node()) != Some(&via) || above(&via) != Some(self.me()) {
            return;
        }
        let newer = PeerCheckpoint {
            peer: shown.node().clone(),
            epoch: shown.epoch(),
            size: shown.size(),
            root: *shown.root(),
            note: shown.note().into(),
        };
        match self.state.logs.held(shown.node(), &shown.epoch()) {
            None if old_size == 0 && path.is_empty() => self.keep(now, via, newer),
            None => {}
            Some(held) if (held.size, held.root) == (newer.size, newer.root) => {
                self.keep(now, via, newer);
            }
            Some(held) if held.size == old_size && extends(held, &newer, path) => {
                self.keep(now, via, newer);
            }
            // Its own signed note: it proves from there, or learns that its log went back.
            Some(held) => {
                let held = held.clone();
                self.say(Cosign::Holds { to: via, held });
            }
        }
    }

    /// Holds a checkpoint that extends what is held, and cosigns it once that is durable.
    fn keep(&mut self, now: Now, to: NodeId, shown: PeerCheckpoint) {
        let held = self.state.logs.held(&shown.peer, &shown.epoch);
        let (size, root) = held.map_or((0, None), |held| (held.size, Some(held.root)));
        // A smaller tree, or another one of this size, is what a session refuses.
        if shown.size < size || shown.size == 0 || shown.size == size && root != Some(shown.root) {
            return;
        }
        let (log, epoch) = (shown.peer.clone(), shown.epoch);
        let sign =
            Cosign::Sign { to, log, epoch, size: shown.size, root: shown.root, time: seconds(now) };
        if shown.size > size {
            self.record(now, Record::PeerCheckpoint(shown), None, false);
        }
        // A node whose own log contradicts itself is nobody's witness; nor is one whose store may be an
        // old copy, which would hold too little of others' logs.
        if self.shut().is_none() {
            self.say(sign);
        }
    }

    /// Records a cosignature on the own log: of a node around this one, and newer than its last.
    fn given(&mut self, now: Now, given: &VerifiedCosignature) {
        let issuer = self.log.issuer();
        let of_this_log = *given.log() == issuer.node && given.epoch() == issuer.epoch;
        let around = Around::of(&self.directory, &issuer.node);
        if !of_this_log
            || given.size() > self.log.head().0
            || !around.contains(given.witness())
            || self.state.logs.cosigned_size(given.witness()) >= given.size()
        {
            return;
        }
        let cosigned = Cosigned {
            witness: given.witness().clone(),
            size: given.size(),
            root: *given.root(),
            cosignature: given.cosignature().clone(),
        };
        self.record(now, Record::Cosigned(cosigned), None, false);
    }

    fn say(&mut self, cosign: Cosign) {
        self.wait(Waiting::Ready(Output::Cosign(cosign)));
    }
}

/// Whether this path proves that the newer tree extends the held one.
fn extends(held: &PeerCheckpoint, newer: &PeerCheckpoint, path: &[[u8; 32]]) -> bool {
    let path: Vec<Hash> = path.iter().map(|hash| Hash(*hash)).collect();
    let (old, new) = (Hash(held.root), Hash(newer.root));
    newer.size > held.size && verify_consistency(held.size, &old, newer.size, &new, &path).is_ok()
}

fn seconds(now: Now) -> u64 {
    now.wall.0 / 1_000
}
