//! How far the work has come, in a small file beside the journal. It may be lost: then all of it is looked
//! at again, and what is on record as removed is not removed twice.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tram_dispatch::{Digest, UnixMillis};
use tram_spool::store::Cursor;

/// Its name in the data directory.
pub(crate) const FILE: &str = "retention-progress.json";
/// Largest file: some hundred bytes for each period.
const FILE_BYTES_MAX: u64 = 64 << 10;
const DAY_MS: u64 = 86_400_000;

/// How far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Progress {
    /// The moment that the clock of retention reached.
    pub moment_ms: u64,
    /// By which policy: with another one all is looked at anew.
    pub policy: String,
    /// For each period in days, up to where it was considered.
    considered: BTreeMap<u64, String>,
    /// Up to where removals on record were carried out.
    erased: Option<String>,
    /// The day, and how many dispatches it was on that day.
    day: u64,
    removed: u64,
}

impl Progress {
    /// Reads the file; one that is not there or cannot be read is an empty one.
    pub(super) fn load(data: &Path) -> Self {
        let path = data.join(FILE);
        let small = std::fs::metadata(&path).is_ok_and(|m| m.len() <= FILE_BYTES_MAX);
        let text = if small { std::fs::read(&path).unwrap_or_default() } else { Vec::new() };
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(super) fn keep(&self, data: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec(self).map_err(std::io::Error::other)?;
        super::super::files::replace(&data.join(FILE), &text)
    }

    /// Begins anew under another policy.
    pub(super) fn under(&mut self, policy: &Digest) {
        if self.policy != policy.to_string() {
            self.policy = policy.to_string();
            self.considered.clear();
        }
    }

    pub(super) fn considered(&self, days: u64) -> Option<Cursor> {
        self.considered.get(&days)?.parse().ok()
    }

    pub(super) fn consider(&mut self, days: u64, cursor: Cursor) {
        self.considered.insert(days, cursor.to_string());
    }

    pub(super) fn erased(&self) -> Option<Cursor> {
        self.erased.as_ref()?.parse().ok()
    }

    pub(super) fn erase(&mut self, cursor: Cursor) {
        self.erased = Some(cursor.to_string());
    }

    /// How many dispatches it was today, by the clock of retention.
    pub(super) fn removed_on(&self, moment: UnixMillis) -> u64 {
        if self.day == moment.0 / DAY_MS { self.removed } else { 0 }
    }

    pub(super) fn count(&mut self, moment: UnixMillis) {
        self.removed = self.removed_on(moment) + 1;
        self.day = moment.0 / DAY_MS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_a_broken_file_is_an_empty_one() {
        let data = tempfile::tempdir().unwrap();
        let mut progress = Progress::load(data.path());
        assert_eq!(progress, Progress::default());
        progress.under(&Digest([1; 32]));
        progress.count(UnixMillis(5));
        progress.count(UnixMillis(6));
        progress.keep(data.path()).unwrap();
        let mut again = Progress::load(data.path());
        assert_eq!(again, progress);
        assert_eq!((again.removed_on(UnixMillis(7)), again.removed_on(UnixMillis(DAY_MS))), (2, 0));
        again.count(UnixMillis(DAY_MS + 1));
        assert_eq!(again.removed_on(UnixMillis(DAY_MS)), 1);
        std::fs::write(data.path().join(FILE), "{").unwrap();
        assert_eq!(Progress::load(data.path()), Progress::default());
    }
}
