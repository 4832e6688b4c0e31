//! The two clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tram_dispatch::{Now, UnixMillis};

/// The two clocks: one that only goes forward, since this was made, and the wall's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Clock { start: Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            mono_ms: self.start.elapsed().as_millis() as u64,
            wall: UnixMillis(wall.as_millis() as u64),
        }
    }
}
