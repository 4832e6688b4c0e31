//! Where a leg goes next: a total function of the directory.

use tram_dispatch::{AgencyCode, Code, NodeId};
use tram_trust::{Directory, Resolution};

/// The way toward a recipient, seen from one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The mailbox is here.
    Local,
    /// The next node.
    Hop(NodeId),
    /// Nowhere, and why.
    None(Code),
}

/// The way from `me` toward `recipient`: the local mailbox, the child whose subtree holds the
/// recipient's node, a lateral peer the directory allows, the parent.
pub fn route(directory: &Directory, me: &NodeId, recipient: &AgencyCode) -> Route {
    match directory.resolve(recipient) {
        Resolution::Unknown => return Route::None(Code::RecipientUnknown),
        Resolution::Closed => return Route::None(Code::AgencyClosed),
        Resolution::Open(_) | Resolution::Successor { .. } => {}
    }
    match directory.hosting(recipient) {
        Some(host) => toward(directory, me, host).map_or(Route::None(Code::NoRoute), |n| {
            if n == *me { Route::Local } else { Route::Hop(n) }
        }),
        None => Route::None(Code::NoRoute),
    }
}

/// The next node from `me` toward the node `host`; `me` itself when they are the same.
pub fn toward(directory: &Directory, me: &NodeId, host: &NodeId) -> Option<NodeId> {
    if host == me {
        return Some(me.clone());
    }
    // From the host upward; where the line meets me, the node just before is the child to take.
    let line = directory.path_up(host);
    if let Some(i) = line.iter().position(|n| n == me) {
        return line.get(i.checked_sub(1)?).cloned();
    }
    let mine = directory.node(me)?;
    // Of several lateral peers on the line, the one nearest to the host.
    if let Some(side) = line.iter().find(|n| mine.lateral.contains(n) && directory.adjacent(me, n))
    {
        return Some(side.clone());
    }
    mine.parent.clone()
}
