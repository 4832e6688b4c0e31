//! From entries to an index, with every rule that the entries must keep among each other. A
//! directory that breaks one is refused as a whole: the one before it stays in force.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use tram_crypto::{KeyKind, PublicKey};
use tram_dispatch::directory::{Agency, Delegation, Entry, Node};
use tram_dispatch::{AgencyCode, Digest, EpochId, NodeId, Succession};

use super::find::Names;
use super::{EpochKeys, STEPS_MAX};

/// What the entries say, indexed; one for every copy of the directory.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) agencies: BTreeMap<AgencyCode, Agency>,
    /// Former code to present code.
    pub(super) former: BTreeMap<AgencyCode, AgencyCode>,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    pub(super) children: BTreeMap<NodeId, Vec<NodeId>>,
    pub(super) bound: BTreeMap<Digest, AgencyCode>,
    pub(super) keys: BTreeMap<(NodeId, EpochId), EpochKeys>,
    pub(super) delegations: Vec<Delegation>,
    /// What look-ups by name go through; made when the first one comes.
    pub(super) names: OnceLock<Names>,
    /// Whose the mailboxes of closed agencies are; made when it is first asked for.
    pub(super) succession: OnceLock<Arc<Succession>>,
}

impl Listed {
    /// Indexes the entries; the error says which rule is broken, in English. Where they are not the
    /// `whole` directory, that those they name exist is not asked.
    pub(super) fn index(entries: Vec<Entry>, whole: bool) -> Result<Self, String> {
        let mut listed = Listed::default();
        for entry in entries {
            match entry {
                Entry::Agency(agency) => {
                    listed.agencies.insert(agency.code.clone(), agency);
                }
                Entry::Node(node) => {
                    listed.nodes.insert(node.id.clone(), node);
                }
                Entry::Delegation(delegation) => {
                    PublicKey::from_spki_der(&delegation.key)
                        .map_err(|e| format!("delegation for {}: {e}", delegation.subtree))?;
                    listed.delegations.push(delegation);
                }
            }
        }
        listed.index_agencies(whole)?;
        listed.index_nodes(whole)?;
        Ok(listed)
    }

    fn index_agencies(&mut self, whole: bool) -> Result<(), String> {
        for agency in self.agencies.values() {
            let code = &agency.code;
            for former in &agency.former {
                // A present code always means its own agency, so a clash would only be silent.
                let clash = self.agencies.contains_key(former)
                    || self.former.insert(former.clone(), code.clone()).is_some();
                if clash {
                    return Err(format!("the former code {former} of {code} means two agencies"));
                }
            }
            for binding in &agency.bindings {
                let other = self.bound.insert(binding.certificate, code.clone());
                if other.is_some_and(|other| other != *code) {
                    let digest = binding.certificate;
                    return Err(format!("certificate {digest} is bound to two agencies"));
                }
            }
            let homeless = agency.node.as_ref().filter(|n| !self.nodes.contains_key(*n));
            if let Some(node) = homeless.filter(|_| whole) {
                return Err(format!("agency {code} is hosted by {node}, which is not listed"));
            }
            self.check_related(agency, whole)?;
        }
        Ok(())
    }

    fn check_related(&self, agency: &Agency, whole: bool) -> Result<(), String> {
        let code = &agency.code;
        for (what, other) in [("parent", &agency.parent), ("successor", &agency.successor)] {
            let missing = other.as_ref().filter(|c| !self.agencies.contains_key(*c));
            if let Some(other) = missing.filter(|_| whole) {
                return Err(format!("the {what} {other} of agency {code} is not listed"));
            }
        }
        let up = |code: &AgencyCode| self.agencies.get(code).and_then(|a| a.parent.as_ref());
        if is_endless(code, up) {
            return Err(format!("agency {code} has no end of parents"));
        }
        let next = |code: &AgencyCode| self.agencies.get(code).and_then(|a| a.successor.as_ref());
        if is_endless(code, next) {
            return Err(format!("agency {code} has no end of successors"));
        }
        Ok(())
    }

    fn index_nodes(&mut self, whole: bool) -> Result<(), String> {
        for node in self.nodes.values() {
            let id = &node.id;
            if let Some(parent) = &node.parent {
                if whole && !self.nodes.contains_key(parent) {
                    return Err(format!("the parent {parent} of node {id} is not listed"));
                }
                self.children.entry(parent.clone()).or_default().push(id.clone());
            }
            if is_endless(id, |id: &NodeId| self.nodes.get(id).and_then(|n| n.parent.as_ref())) {
                return Err(format!("node {id} has no end of parents"));
            }
            let one_sided = |peer: &&NodeId| {
                self.nodes.get(*peer).is_none_or(|other| !other.lateral.contains(id))
            };
            if let Some(peer) = node.lateral.iter().find(one_sided).filter(|_| whole) {
                return Err(format!("{id} lists {peer} as lateral peer, but not the reverse"));
            }
            for (epoch, keys) in epochs(node)? {
                if self.keys.insert((id.clone(), epoch), keys).is_some() {
                    return Err(format!("node {id} lists an epoch twice"));
                }
            }
        }
        Ok(())
    }
}

fn epochs(node: &Node) -> Result<Vec<(EpochId, EpochKeys)>, String> {
    let key = |what: &str, spki: &[u8]| {
        let key = PublicKey::from_spki_der(spki)
            .map_err(|e| format!("the {what} key of node {}: {e}", node.id))?;
        match key.kind() {
            KeyKind::Ed25519 => Ok(key),
            kind => Err(format!("the {what} key of node {} is {kind}, not Ed25519", node.id)),
        }
    };
    let one = |epoch: &tram_dispatch::directory::Epoch| {
        let receipt = key("receipt", &epoch.receipt_key)?;
        let checkpoint = key("checkpoint", &epoch.checkpoint_key)?;
        if receipt == checkpoint {
            return Err(format!("node {} uses one key for receipts and checkpoints", node.id));
        }
        Ok((epoch.id, EpochKeys { receipt, checkpoint }))
    };
    node.epochs.iter().map(one).collect()
}

/// Whether following `next` from `start` takes more steps than any sound directory needs.
fn is_endless<'a, K: 'a>(start: &'a K, next: impl Fn(&'a K) -> Option<&'a K>) -> bool {
    let mut at = Some(start);
    for _ in 0..=STEPS_MAX {
        match at {
            Some(key) => at = next(key),
            None => return false,
        }
    }
    at.is_some()
}
