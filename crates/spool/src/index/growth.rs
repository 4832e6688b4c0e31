//! How one batch grows the receipt log, checked against the root it claims.

use super::IndexError;
use std::collections::BTreeMap;
use tram_engine::record::{Leaf, Record};
use tram_tlog::{BatchAppend, Frontier, Hash, Node, leaf_hash};
use tram_wire::evidence::commitment;
use tram_wire::receipt::SignedRoot;

/// A new complete node of the tree as the engine hands it over: level, index, hash.
pub(crate) type EngineNode = (u8, u64, [u8; 32]);

/// The receipt log after a batch.
#[derive(Clone, Debug)]
pub(crate) struct Growth<'a> {
    /// Nodes that became complete, in the order of their creation.
    pub(crate) nodes: Vec<Node>,
    pub(crate) frontier: Frontier,
    /// The signed root, if there were leaves.
    pub(crate) root: Option<&'a SignedRoot>,
}

/// The leaf hash of a leaf: RFC 9162 over the commitment.
pub(crate) fn hash_of(leaf: &Leaf) -> Hash {
    leaf_hash(&commitment(&leaf.salt, &leaf.record))
}

/// Grows `old` by the leaves among `records`. `nodes` are those the engine computed; without them
/// (in recovery) everything is hashed again.
///
/// # Errors
/// [`IndexError::Log`] when leaves are out of order, the root is missing or misplaced, or another
/// root comes out than the one that was signed.
pub(crate) fn grow<'a>(
    old: &Frontier,
    records: &'a [Record],
    nodes: &[EngineNode],
) -> Result<Growth<'a>, IndexError> {
    let leaves: Vec<&Leaf> = records.iter().filter_map(Record::leaf).collect();
    let roots = records.iter().filter(|r| matches!(r, Record::Root(_))).count();
    let root = match records.last() {
        Some(Record::Root(root)) => Some(root),
        _ => None,
    };
    if roots != usize::from(root.is_some()) || root.is_some() == leaves.is_empty() {
        return log("leaves end with exactly one signed root, and only leaves do");
    }
    let Some(root) = root else {
        return Ok(Growth { nodes: Vec::new(), frontier: old.clone(), root: None });
    };
    if let Some((wanted, leaf)) = (old.size()..).zip(&leaves).find(|(i, leaf)| *i != leaf.index) {
        return log(format_args!("leaf {} comes where leaf {wanted} is due", leaf.index));
    }
    let genesis = |r: &&Record| matches!(r, Record::Genesis(_));
    if records.iter().filter(genesis).any(|r| r.leaf().is_some_and(|leaf| leaf.index > 0))
        || (old.size() == 0 && !records.iter().any(|r| matches!(r, Record::Genesis(_))))
    {
        return log("the genesis leaf is the first of the log, and there is one only");
    }
    let size = old.size() + leaves.len() as u64;
    let (nodes, frontier) =
        if nodes.is_empty() { hashed(old, &leaves) } else { given(old, nodes, size)? };
    if root.size != size || root.root != frontier.root().0 {
        return log(format_args!("{size} leaves do not lead to the root signed for {}", root.size));
    }
    Ok(Growth { nodes, frontier, root: Some(root) })
}

fn log<T>(what: impl std::fmt::Display) -> Result<T, IndexError> {
    Err(IndexError::Log(what.to_string()))
}

fn hashed(old: &Frontier, leaves: &[&Leaf]) -> (Vec<Node>, Frontier) {
    let mut batch = BatchAppend::new(old.clone());
    for leaf in leaves {
        batch.append(hash_of(leaf));
    }
    let grown = batch.finish();
    (grown.nodes().to_vec(), grown.frontier().clone())
}

/// The frontier at `size` from the old one and the new nodes: each of its peaks is in one of them.
fn given(
    old: &Frontier,
    nodes: &[EngineNode],
    size: u64,
) -> Result<(Vec<Node>, Frontier), IndexError> {
    let by_place: BTreeMap<(u8, u64), [u8; 32]> =
        nodes.iter().map(|(level, index, hash)| ((*level, *index), *hash)).collect();
    let leaves = by_place.keys().take_while(|(level, _)| *level == 0).map(|(_, index)| *index);
    if !leaves.eq(old.size()..size) || by_place.len() != nodes.len() {
        return log("the tree's new nodes are not those of the new leaves");
    }
    let old_peaks: BTreeMap<(u8, u64), Hash> =
        places(old.size()).zip(old.peaks().to_vec()).collect();
    let mut peaks = Vec::new();
    for place in places(size) {
        match (by_place.get(&place), old_peaks.get(&place)) {
            (Some(hash), _) => peaks.push(Hash(*hash)),
            (None, Some(hash)) => peaks.push(*hash),
            (None, None) => return log("a new node of the tree is missing"),
        }
    }
    let frontier = Frontier::from_parts(size, peaks).map_err(|e| IndexError::Log(e.to_string()))?;
    let nodes = nodes
        .iter()
        .map(|(level, index, hash)| Node { level: *level, index: *index, hash: Hash(*hash) })
        .collect();
    Ok((nodes, frontier))
}

/// Where the peaks of a tree of `size` leaves lie, from the left: (level, index).
fn places(size: u64) -> impl Iterator<Item = (u8, u64)> {
    (0..64_u8).rev().filter(move |level| size >> level & 1 == 1).map(move |level| {
        // Clearing the bits below leaves the leaves up to and with this peak.
        (level, (size >> level) - 1)
    })
}
