//! Pauses before something that could not be done has its next turn. Meanwhile it is trouble still.

use std::time::{Duration, Instant};

/// First pause; it doubles up to the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// Why something could not be done, and when its next turn comes.
#[derive(Clone, Debug)]
pub(super) struct Pause {
    tries: u32,
    until: Instant,
    words: String,
}

impl Pause {
    /// After one more try.
    pub(super) fn after(before: Option<&Pause>, words: String, now: Instant) -> Self {
        let tries = before.map_or(0, |pause| pause.tries);
        let pause = FIRST.saturating_mul(1 << tries.min(16)).min(LONGEST);
        Pause { tries: tries.saturating_add(1), until: now + pause, words }
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until <= now
    }

    /// What was wrong when it was tried last.
    pub(super) fn words(&self) -> &str {
        &self.words
    }
}
