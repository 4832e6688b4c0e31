//! What peers say of our receipt log without proving it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tram_dispatch::{NodeId, UnixMillis};

/// By peer; only adjacent nodes get this far, so the directory bounds it.
#[derive(Default)]
pub(crate) struct Claims(Mutex<BTreeMap<NodeId, Unproved>>);

/// Claims of one peer that nothing proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unproved {
    /// How many since the start.
    pub count: u64,
    /// Why the newest proves nothing.
    pub detail: String,
    /// Since when this peer proves nothing; absent once its newest hello was sound again.
    pub since: Option<UnixMillis>,
}

impl Claims {
    /// Notes one; gives how many there were of this peer.
    pub(crate) fn unproved(&self, peer: &NodeId, now: UnixMillis, detail: &str) -> u64 {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = Unproved { count: 0, detail: String::new(), since: None };
        let one = all.entry(peer.clone()).or_insert(nothing);
        one.count += 1;
        one.detail = detail.to_owned();
        one.since.get_or_insert(now);
        one.count
    }

    /// The peer's newest hello says nothing unproved.
    pub(crate) fn sound(&self, peer: &NodeId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = all.get_mut(peer) {
            one.since = None;
        }
    }

    /// Those whose newest hello proves nothing.
    pub(crate) fn standing(&self) -> Vec<(NodeId, Unproved)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = all.iter().filter(|(_, one)| one.since.is_some());
        standing.map(|(peer, one)| (peer.clone(), one.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_stands_accused_until_its_next_sound_hello() {
        let (claims, peer) = (Claims::default(), "n1.H41".parse::<NodeId>().unwrap());
        assert_eq!(claims.unproved(&peer, UnixMillis(5), "a"), 1);
        assert_eq!(claims.unproved(&peer, UnixMillis(9), "b"), 2);
        let one = Unproved { count: 2, detail: "b".to_owned(), since: Some(UnixMillis(5)) };
        assert_eq!(claims.standing(), [(peer.clone(), one)]);
        claims.sound(&peer);
        assert_eq!(claims.standing(), []);
        assert_eq!(claims.unproved(&peer, UnixMillis(11), "c"), 3);
        assert_eq!(claims.standing()[0].1.since, Some(UnixMillis(11)));
    }
}
