//! Keeps a document file from being removed while somebody is about to need it.
//!
//! A file may go only when no held dispatch uses it (the engine knows) and nobody pinned it; while
//! it is on its way out nobody can pin it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tram_dispatch::Digest;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pinned(u32),
    Leaving,
}

/// The pins of one store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pins(Arc<Mutex<BTreeMap<Digest, State>>>);

/// Held while a document is on its way into custody; dropping it unpins.
#[derive(Debug)]
pub(crate) struct Pin {
    pins: Pins,
    digest: Digest,
}

impl Pins {
    /// Pins a document; `None` while its file is being removed: try again a moment later.
    pub(crate) fn pin(&self, digest: Digest) -> Option<Pin> {
        let mut map = self.0.lock().ok()?;
        match map.get_mut(&digest) {
            Some(State::Leaving) => return None,
            Some(State::Pinned(n)) => *n += 1,
            None => {
                map.insert(digest, State::Pinned(1));
            }
        }
        Some(Pin { pins: self.clone(), digest })
    }

    /// Marks a document as leaving, unless somebody pinned it.
    pub(crate) fn leave(&self, digest: Digest) -> bool {
        let Ok(mut map) = self.0.lock() else { return false };
        if map.contains_key(&digest) {
            return false;
        }
        map.insert(digest, State::Leaving);
        true
    }

    /// The file is gone.
    pub(crate) fn left(&self, digest: &Digest) {
        if let Ok(mut map) = self.0.lock()
            && map.get(digest) == Some(&State::Leaving)
        {
            map.remove(digest);
        }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let Ok(mut map) = self.pins.0.lock() else { return };
        if let Some(State::Pinned(n)) = map.get_mut(&self.digest) {
            *n -= 1;
            if *n == 0 {
                map.remove(&self.digest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_file_stays_and_a_leaving_one_cannot_be_pinned() {
        let (pins, d) = (Pins::default(), Digest([1; 32]));
        let (a, b) = (pins.pin(d), pins.pin(d));
        assert!(a.is_some() && !pins.leave(d));
        drop(a);
        assert!(!pins.leave(d));
        drop(b);
        assert!(pins.leave(d) && pins.pin(d).is_none());
        pins.left(&d);
        assert!(pins.pin(d).is_some());
    }
}
