//! Whose cosignatures a node's checkpoints need, from where the node stands: the policy where none is
//! configured.

use std::collections::BTreeSet;

use tram_dispatch::NodeId;
use tram_tlog::policy::{Draft, Policy, PolicyFault};

use crate::cosignature::key;
use crate::directory::Directory;

/// Of more neighbours than this, of whom any may witness, the first by id are asked: a policy stays
/// short enough to travel with evidence.
const ANY_OF_MAX: usize = 200;

/// The neighbours that may witness a node's log, and its parent's parent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// The node above.
    pub parent: Option<NodeId>,
    /// The node above that one.
    pub grandparent: Option<NodeId>,
    /// The nodes below, by id.
    pub children: Vec<NodeId>,
    /// Peers beside it, by id.
    pub lateral: Vec<NodeId>,
}

impl Around {
    /// The open nodes around a node.
    pub fn of(directory: &Directory, node: &NodeId) -> Self {
        let open = |id: &&NodeId| directory.node(id).is_some_and(|n| n.open);
        let parent = directory.parent(node).filter(open).cloned();
        let above = parent.as_ref().and_then(|p| directory.parent(p));
        let listed = directory.node(node).map(|n| n.lateral.as_slice()).unwrap_or_default();
        let lateral: BTreeSet<NodeId> = listed.iter().filter(open).cloned().collect();
        Around {
            grandparent: above.filter(open).cloned(),
            parent,
            children: directory.children(node).iter().filter(open).cloned().collect(),
            lateral: lateral.into_iter().collect(),
        }
    }

    /// Whether this node's word is asked for.
    pub fn contains(&self, node: &NodeId) -> bool {
        self.parent.as_ref() == Some(node)
            || self.grandparent.as_ref() == Some(node)
            || self.children.contains(node)
            || self.lateral.contains(node)
    }
}

/// The policy by position. A leaf needs its parent and its parent's parent; a node between needs its
/// parent and any one other neighbour; the top any two children. Where there are fewer, those that
/// there are; where there is nobody, none. A witness counts with the key of any of its epochs.
///
/// # Errors
/// [`PolicyFault`] where the directory lists more witnesses than a policy may have.
pub fn policy(directory: &Directory, node: &NodeId) -> Result<Policy, PolicyFault> {
    let around = Around::of(directory, node);
    let mut draft = Draft::new();
    let witness = |draft: &mut Draft, id: &NodeId| -> Result<bool, PolicyFault> {
        let lives = directory.node(id).map(|n| n.epochs.as_slice()).unwrap_or_default();
        let mut names = Vec::new();
        // The newest first: of a key that two epochs share, the newer counts.
        for (number, life) in lives.iter().enumerate().rev() {
            let Some(key) = key(directory, id, life.id) else { continue };
            let name = format!("{id}/{number}");
            match draft.witness(&name, key, None) {
                Ok(()) => names.push(name),
                Err(PolicyFault::DuplicateKey) => {}
                Err(fault) => return Err(fault),
            }
        }
        if !names.is_empty() {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            draft.group(id.as_str(), 1, &names)?;
        }
        Ok(!names.is_empty())
    };
    let some = |draft: &mut Draft, ids: &[NodeId]| -> Result<Vec<String>, PolicyFault> {
        let mut names = Vec::new();
        for id in ids.iter().take(ANY_OF_MAX) {
            if witness(draft, id)? {
                names.push(id.to_string());
            }
        }
        Ok(names)
    };
    let parent = some(&mut draft, around.parent.as_slice())?;
    let mut needed: Vec<String> = parent.clone();
    if parent.is_empty() {
        let below = some(&mut draft, &[around.children, around.lateral].concat())?;
        needed.extend(group(&mut draft, "below", 2, &below)?);
    } else if around.children.is_empty() {
        needed.extend(some(&mut draft, around.grandparent.as_slice())?);
        if needed.len() == 1 {
            let beside = some(&mut draft, &around.lateral)?;
            needed.extend(group(&mut draft, "beside", 1, &beside)?);
        }
    } else {
        let others = some(&mut draft, &[around.children, around.lateral].concat())?;
        needed.extend(group(&mut draft, "others", 1, &others)?);
    }
    let all = needed.len();
    match group(&mut draft, "position", all, &needed)? {
        Some(name) => draft.quorum(&name)?,
        None => draft.quorum("none")?,
    }
    draft.finish()
}

/// A group of these, of whom so many are needed, or all where there are fewer; `None` of nobody.
fn group(
    draft: &mut Draft,
    name: &str,
    wanted: usize,
    members: &[String],
) -> Result<Option<String>, PolicyFault> {
    if members.is_empty() {
        return Ok(None);
    }
    let refs: Vec<&str> = members.iter().map(String::as_str).collect();
    draft.group(name, wanted.min(refs.len()), &refs)?;
    Ok(Some(name.to_owned()))
}
