//! The verified directory: who the agencies and nodes are, and how they hang together.

mod find;
mod index;
mod part;
mod subtree;
mod verify;

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_crypto::PublicKey;
use tram_dispatch::directory::{Agency, Delegation, Entry, Epoch, Head, Node};
use tram_dispatch::{AgencyCode, Digest, EpochId, NetworkId, NodeId, UnixMillis};

use self::index::Listed;
pub use self::subtree::VerifiedSubtreeChange;
use crate::epoch::{Standing, VerifiedEpoch};

/// Most steps from a node to the top, and from a closed agency to its last successor. More can only
/// be a loop.
pub const STEPS_MAX: usize = 32;

/// A directory that the network's keys have signed, indexed. Only [`Directory::verify`] makes one.
#[derive(Clone, Debug)]
pub struct Directory {
    head: Head,
    digest: Digest,
    /// Shared: a country's entries are not copied for one adopted epoch.
    listed: Arc<Listed>,
    /// Epochs that are not listed.
    adopted: BTreeMap<(NodeId, EpochId), VerifiedEpoch>,
}

/// Most epochs of one node that are adopted: what a node and its parent could make beyond is of no use.
pub const ADOPTED_MAX: usize = 4;

/// The keys of one epoch, parsed.
#[derive(Clone, Debug)]
pub(crate) struct EpochKeys {
    pub(crate) receipt: PublicKey,
    pub(crate) checkpoint: PublicKey,
}

/// What an agency code means today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution<'a> {
    /// The agency itself, by its present or a former code.
    Open(&'a Agency),
    /// It is closed, and another takes over what is addressed to it.
    Successor {
        /// The closed one.
        from: &'a Agency,
        /// The one that is open.
        to: &'a Agency,
    },
    /// It is closed, and nobody takes over.
    Closed,
    /// The directory does not know the code.
    Unknown,
}

impl Directory {
    /// The signed head.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// SHA-256 of the head's bytes: what evidence names.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The version; only grows.
    pub fn version(&self) -> u64 {
        self.head.version
    }

    /// The network.
    pub fn network(&self) -> NetworkId {
        self.head.network
    }

    /// After this, routing goes on, evidence is flagged, and nothing new takes effect.
    pub fn expires_at(&self) -> UnixMillis {
        self.head.expires_at
    }

    /// All agencies, by code.
    pub fn agencies(&self) -> impl Iterator<Item = &Agency> {
        self.listed.agencies.values()
    }

    /// All nodes, by id.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.listed.nodes.values()
    }

    /// The keys that may sign changes of a subtree, in the order of the entries.
    pub fn delegations(&self) -> &[Delegation] {
        &self.listed.delegations
    }

    /// Whether these entries would make a directory: what [`Directory::verify`] asks of them, for whoever
    /// is about to sign.
    ///
    /// # Errors
    /// The rule that is broken, in English.
    pub fn check_entries(entries: Vec<Entry>) -> Result<(), String> {
        Listed::index(entries, true).map(|_| ())
    }

    /// The agency with this code, or that had it before; open or closed.
    pub fn agency(&self, code: &AgencyCode) -> Option<&Agency> {
        self.listed
            .agencies
            .get(code)
            .or_else(|| self.listed.agencies.get(self.listed.former.get(code)?))
    }

    /// Whom a code means today, following successors.
    pub fn resolve(&self, code: &AgencyCode) -> Resolution<'_> {
        let Some(from) = self.agency(code) else { return Resolution::Unknown };
        if from.open {
            return Resolution::Open(from);
        }
        let mut at = from;
        for _ in 0..STEPS_MAX {
            match at.successor.as_ref().and_then(|code| self.agency(code)) {
                Some(to) if to.open => return Resolution::Successor { from, to },
                Some(next) => at = next,
                None => break,
            }
        }
        Resolution::Closed
    }

    /// The node that holds the mailbox for this code today, after successors.
    pub fn hosting(&self, code: &AgencyCode) -> Option<&NodeId> {
        match self.resolve(code) {
            Resolution::Open(agency) | Resolution::Successor { to: agency, .. } => {
                agency.node.as_ref()
            }
            Resolution::Closed | Resolution::Unknown => None,
        }
    }

    /// The node with this id; open or closed.
    pub fn node(&self, id: &NodeId) -> Option<&Node> {
        self.listed.nodes.get(id)
    }

    /// One life of a node's receipt log: listed, or adopted.
    pub fn epoch(&self, node: &NodeId, epoch: &EpochId) -> Option<&Epoch> {
        let listed = self.listed.nodes.get(node)?.epochs.iter().find(|e| e.id == *epoch);
        let adopted = || Some(self.adopted.get(&(node.clone(), *epoch))?.epoch());
        listed.or_else(adopted)
    }

    /// How an epoch stands; `None` for one that is unknown.
    pub fn standing(&self, node: &NodeId, epoch: &EpochId) -> Option<Standing> {
        if self.listed.nodes.get(node)?.epochs.iter().any(|e| e.id == *epoch) {
            return Some(Standing::Listed);
        }
        self.adopted.get(&(node.clone(), *epoch)).map(VerifiedEpoch::standing)
    }

    /// The ids of a node's epochs: the listed ones, then the adopted.
    pub(crate) fn epochs_of(&self, node: &NodeId) -> impl Iterator<Item = EpochId> {
        let listed = self.listed.nodes.get(node).map(|n| n.epochs.as_slice()).unwrap_or_default();
        let adopted = self.adopted.values().filter(move |e| e.node() == node);
        let listed: Vec<EpochId> = listed.iter().map(|e| e.id).collect();
        listed.into_iter().chain(adopted.map(VerifiedEpoch::id).collect::<Vec<_>>())
    }

    /// The epochs that are not listed and are known all the same.
    pub fn adopted(&self) -> impl Iterator<Item = &VerifiedEpoch> {
        self.adopted.values()
    }

    /// This directory with one more epoch that it does not list. `None` where that changes nothing: it
    /// is listed, a later one is, it is known as well as this, or the node has [`ADOPTED_MAX`] already.
    pub fn adopt(&self, epoch: &VerifiedEpoch) -> Option<Directory> {
        let (node, id) = (epoch.node(), epoch.id());
        let listed = self.listed.nodes.get(node)?;
        let known = self.standing(node, &id);
        let superseded = listed.epochs.iter().any(|e| e.from > epoch.epoch().from);
        let of_node = self.adopted.values().filter(|e| e.node() == node && e.id() != id).count();
        if superseded || known.is_some_and(|s| s >= epoch.standing()) || of_node >= ADOPTED_MAX {
            return None;
        }
        let mut with = self.clone();
        with.adopted.insert((node.clone(), id), epoch.clone());
        Some(with)
    }

    /// This directory with what another one had adopted, as far as this one says nothing against it.
    #[must_use]
    pub(crate) fn keeping(self, before: &Directory) -> Directory {
        before.adopted().fold(self, |kept, epoch| kept.adopt(epoch).unwrap_or(kept))
    }

    pub(crate) fn epoch_keys(&self, node: &NodeId, epoch: &EpochId) -> Option<&EpochKeys> {
        let key = (node.clone(), *epoch);
        let adopted = || self.adopted.get(&key).map(VerifiedEpoch::keys);
        self.listed.keys.get(&key).or_else(adopted)
    }

    /// The node above; `None` at the top and for unknown nodes.
    pub fn parent(&self, node: &NodeId) -> Option<&NodeId> {
        self.listed.nodes.get(node)?.parent.as_ref()
    }

    /// The nodes directly below, by id.
    pub fn children(&self, node: &NodeId) -> &[NodeId] {
        self.listed.children.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    /// The node itself and those above it, lowest first; empty for an unknown node. A verified
    /// directory has no loops; the bound holds all the same.
    pub fn path_up(&self, node: &NodeId) -> Vec<NodeId> {
        let mut path = Vec::new();
        let mut at = self.listed.nodes.get(node).map(|n| &n.id);
        while let Some(id) = at {
            if path.len() > STEPS_MAX {
                break;
            }
            path.push(id.clone());
            at = self.parent(id);
        }
        path
    }

    /// Whether `node` is `top` or lies below it.
    pub fn is_below(&self, node: &NodeId, top: &NodeId) -> bool {
        self.path_up(node).contains(top)
    }

    /// Whether two open nodes may hold a session: one is the other's parent, or both list each other
    /// as lateral peers.
    pub fn adjacent(&self, a: &NodeId, b: &NodeId) -> bool {
        let (Some(x), Some(y)) = (self.listed.nodes.get(a), self.listed.nodes.get(b)) else {
            return false;
        };
        let related = x.parent.as_ref() == Some(b)
            || y.parent.as_ref() == Some(a)
            || (x.lateral.contains(b) && y.lateral.contains(a));
        a != b && x.open && y.open && related
    }

    /// Whether the directory says that this certificate seals for this agency at `at`. A binding
    /// that would begin after the directory expired takes no effect.
    pub fn binds(&self, agency: &AgencyCode, certificate: &Digest, at: UnixMillis) -> bool {
        let Some(agency) = self.agency(agency) else { return false };
        agency.bindings.iter().any(|binding| {
            binding.certificate == *certificate
                && binding.from <= at
                && binding.until.is_none_or(|until| at <= until)
                && binding.from <= self.head.expires_at
        })
    }

    /// Whether the certificate is bound to any agency, at any time.
    pub(crate) fn is_bound(&self, certificate: &Digest) -> bool {
        self.listed.bound.contains_key(certificate)
    }
}
