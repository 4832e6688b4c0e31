//! Files that must stay for now, as `node/src/daemon/pins.rs` keeps them.

use std::collections::BTreeMap;

use tram_dispatch::Digest;

/// How many count on each file.
#[derive(Debug, Default)]
pub(super) struct Pins(BTreeMap<Digest, u32>);

impl Pins {
    pub(super) fn pin(&mut self, digest: Digest) {
        *self.0.entry(digest).or_default() += 1;
    }

    pub(super) fn unpin(&mut self, digest: &Digest) {
        if let Some(n) = self.0.get_mut(digest) {
            *n -= 1;
            if *n == 0 {
                self.0.remove(digest);
            }
        }
    }

    pub(super) fn contains(&self, digest: &Digest) -> bool {
        self.0.contains_key(digest)
    }
}
