//! The open sessions of an endpoint: how many, whose, and how they share the receive window.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::{PeerName, TransportLimits, close_code, session::SessionCore};

const SUPERSEDED_WORDS: &str = "a newer session took its place";

/// Bounds sessions in number and memory.
pub(crate) struct Registry {
    limits: Arc<TransportLimits>,
    /// Window of each session at present in each direction, octets.
    window_bytes: AtomicU32,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    /// By age, oldest first; a place may be taken before its session exists.
    places: BTreeMap<u64, Place>,
}

struct Place {
    peer: PeerName,
    session: Weak<SessionCore>,
}

impl Registry {
    pub(crate) fn new(limits: Arc<TransportLimits>) -> Arc<Self> {
        let window_bytes = AtomicU32::new(limits.window_max_bytes);
        Arc::new(Self { limits, window_bytes, open: Mutex::default() })
    }

    /// Takes a place for `peer`, or `None` if the budget is used up.
    ///
    /// A peer with too many sessions loses its oldest: it proved its identity just now, so the old
    /// one is most likely a session it no longer knows. That never needs a new place.
    pub(crate) fn admit(self: &Arc<Self>, peer: &PeerName) -> Option<Admission> {
        let mut closing = Vec::new();
        let id = {
            let mut open = self.lock();
            let mine: Vec<u64> = open
                .places
                .iter()
                .filter(|(_, place)| place.peer == *peer)
                .map(|(id, _)| *id)
                .collect();
            let keep = usize::try_from(self.limits.sessions_per_peer_max).unwrap_or(usize::MAX);
            let excess = (mine.len() + 1).saturating_sub(keep);
            for id in mine.into_iter().take(excess) {
                closing.extend(open.places.remove(&id).and_then(|place| place.session.upgrade()));
            }
            let full = open.places.len() as u64 >= self.limits.sessions_max();
            if full {
                None
            } else {
                let id = open.next;
                open.next += 1;
                let place = Place { peer: peer.clone(), session: Weak::new() };
                open.places.insert(id, place);
                Some(id)
            }
        };
        for session in closing {
            session.close(close_code::SUPERSEDED, SUPERSEDED_WORDS);
        }
        self.share();
        id.map(|id| Admission { registry: self.clone(), id })
    }

    /// Ties a taken place to its session and gives the session its window. A place that a newer
    /// session of the same peer took meanwhile ends this one.
    pub(crate) fn seat(&self, admission: &Admission, session: &Arc<SessionCore>) {
        let seated = match self.lock().places.get_mut(&admission.id) {
            Some(place) => {
                place.session = Arc::downgrade(session);
                true
            }
            None => false,
        };
        if seated {
            session.set_window(self.window_bytes());
        } else {
            session.close(close_code::SUPERSEDED, SUPERSEDED_WORDS);
        }
    }

    /// Receive window of each session at present, octets.
    pub(crate) fn window_bytes(&self) -> u32 {
        self.window_bytes.load(Ordering::Relaxed)
    }

    /// Places taken at present.
    pub(crate) fn places(&self) -> usize {
        self.lock().places.len()
    }

    /// Closes every session.
    pub(crate) fn close_all(&self, code: u32, reason: &str) {
        for session in self.sessions() {
            session.close(code, reason);
        }
    }

    /// Recomputes the equal share and hands it out if it changed.
    fn share(&self) {
        let count = (self.lock().places.len() as u64).max(1);
        let share = u32::try_from(self.limits.window_total_bytes / 2 / count).unwrap_or(u32::MAX);
        let share = share.clamp(self.limits.window_min_bytes, self.limits.window_max_bytes);
        if self.window_bytes.swap(share, Ordering::Relaxed) != share {
            for session in self.sessions() {
                session.set_window(share);
            }
        }
    }

    // Collected first, because a session's last owner may be dropped here, and takes locks too.
    fn sessions(&self) -> Vec<Arc<SessionCore>> {
        self.lock().places.values().filter_map(|place| place.session.upgrade()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the registry; given back when dropped.
pub(crate) struct Admission {
    registry: Arc<Registry>,
    id: u64,
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.registry.lock().places.remove(&self.id);
        self.registry.share();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(limits: TransportLimits) -> Arc<Registry> {
        Registry::new(Arc::new(limits))
    }

    #[test]
    fn the_budget_is_shared_and_bounded() {
        let limits = TransportLimits {
            window_min_bytes: 4 << 20,
            window_max_bytes: 16 << 20,
            window_total_bytes: 48 << 20,
            ..Default::default()
        };
        let registry = registry(limits);
        let mut held = Vec::new();
        let mut windows = Vec::new();
        for n in 0..6 {
            held.push(registry.admit(&PeerName::new(format!("n{n}"))).unwrap());
            windows.push(registry.window_bytes() >> 20);
        }
        assert_eq!(windows, [16, 12, 8, 6, 4, 4]);
        assert!(registry.admit(&PeerName::new("n7")).is_none());
        held.truncate(2);
        assert_eq!(registry.window_bytes() >> 20, 12);
        assert!(registry.admit(&PeerName::new("n7")).is_some());
    }

    #[test]
    fn one_peer_cannot_fill_the_registry() {
        let registry = registry(TransportLimits { sessions_per_peer_max: 2, ..Default::default() });
        let peer = PeerName::new("n1");
        let held: Vec<_> = (0..500).map(|_| registry.admit(&peer).unwrap()).collect();
        assert_eq!(registry.lock().places.len(), 2);
        drop(held);
        assert_eq!(registry.lock().places.len(), 0);
    }
}
