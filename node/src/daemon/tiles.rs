//! The public log, by schedule: a thread of its own brings the folder of static files up to date; nothing
//! waits for it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tram_dispatch::{Code, UnixMillis};
use tram_tlog::published::encode_bundle;
use tram_tlog::tile::TILE_WIDTH;

use super::alarms::Found;
use super::context::Context;
use crate::tiles::{Export, ExportError, Exported, ended};

/// How often it is looked whether something is due.
const LOOK: Duration = Duration::from_secs(1);
/// First pause after a failure; it doubles up to the longest, and is never longer than the schedule's.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_LONGEST: Duration = Duration::from_secs(300);
/// A folder that is behind for longer than this, or three times the schedule, needs somebody.
const OVERDUE_MS: u64 = 3_600_000;

/// How the public log stands.
#[derive(Default)]
pub(crate) struct PublicLog(Mutex<Standing>);

#[derive(Default)]
struct Standing {
    /// Since when tries fail, and why the last one did.
    trouble: Option<(UnixMillis, String)>,
}

impl PublicLog {
    fn standing(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, now: UnixMillis, why: String) {
        let mut standing = self.standing();
        let since = standing.trouble.as_ref().map_or(now, |(since, _)| *since);
        standing.trouble = Some((since, why));
    }

    /// What needs somebody: it has not been brought up to date for long.
    fn alarm(&self, every_s: u64, now: UnixMillis) -> Option<Found> {
        let standing = self.standing();
        let (since, why) = standing.trouble.as_ref()?;
        let after = OVERDUE_MS.max(every_s.saturating_mul(3_000));
        if now.since_ms(*since) < after {
            return None;
        }
        let detail = format!("not brought up to date since {since}; the last try: {why}");
        Some(Found::new(Code::TilesOverdue, detail).since(since.plus_ms(after)))
    }
}

/// Why a try failed, in words.
fn explain(e: &ExportError) -> String {
    format!("{}: {e}", e.code())
}

impl Context {
    /// What the public log needs of somebody.
    pub(crate) fn public_log_alarm(&self, now: UnixMillis) -> Option<Found> {
        self.public_log.alarm(self.config.tiles_pace.every_s, now)
    }

    /// The checkpoint to publish: the newest that is cosigned as the policy asks, unless a newer one was
    /// published already; then the one that the neighbours are told of, with the cosignatures on it.
    fn checkpoint_to_publish(&self, published: u64) -> Result<Option<Vec<u8>>, String> {
        let policy = self.policy().map_err(|e| e.to_string())?;
        let quorum = self.newest_quorum(&policy).map_err(|e| e.explain())?;
        if let Some(quorum) = quorum.filter(|c| c.size >= published) {
            let note = self.cosigned_note(Some(&policy), &quorum);
            return note.map(Some).map_err(|e| e.to_string());
        }
        let Some((size, note)) = self.published() else { return Ok(None) };
        let told = self.store.cosigned_from(size, |c| c.size == size).map_err(|e| e.explain())?;
        match told {
            Some(told) => self.cosigned_note(Some(&policy), &told).map(Some),
            None => Ok(Some(note)),
        }
        .map_err(|e| e.to_string())
    }

    /// Writes out the logs of epochs that ended, each until it succeeded.
    fn publish_ended(&self, below: &Path, folders: &mut Vec<PathBuf>) -> Result<(), String> {
        while let Some(folder) = folders.last() {
            let whose = (self.network, &self.me);
            let done = ended::export(folder, below, whose, |_, _| ());
            let done = done.map_err(|(code, e)| format!("{}: {code}: {e}", folder.display()))?;
            if done.new > 0 {
                tracing::info!(folder = %done.folder.display(), size = done.size, "ended log published");
            }
            folders.pop();
        }
        Ok(())
    }

    /// One try to bring the folder up to date.
    fn publish(&self, below: &Path, published: u64) -> Result<Option<Exported>, String> {
        let Some(note) = self.checkpoint_to_publish(published)? else { return Ok(None) };
        let name = self.epoch.to_string();
        let mut export = Export::begin(below, &name, note).map_err(|e| explain(&e))?;
        while let Some(wanted) = export.wanted().map_err(|e| explain(&e))? {
            if self.is_stopping() {
                return Ok(None);
            }
            let first = wanted.index * TILE_WIDTH as u64;
            let entries = self.store.entries(first, wanted.width).map_err(|e| e.explain())?;
            let bundle = encode_bundle(&entries).map_err(|e| e.to_string())?;
            export.put(wanted, &bundle).map_err(|e| explain(&e))?;
        }
        export.finish().map(Some).map_err(|e| explain(&e))
    }
}

/// Keeps the folder up to date until the node ends; for a thread of its own.
pub(super) fn run(context: &Arc<Context>) {
    let Some(folder) = &context.config.tiles else { return };
    let interval = Duration::from_secs(context.config.tiles_pace.every_s);
    let (mut due, mut pause, mut published) = (Instant::now(), RETRY_FIRST, 0);
    // They grow no more: once in a life of the process is enough.
    let mut ended = ended::folders(&context.config.data_dir);
    while !context.is_stopping() {
        std::thread::sleep(LOOK.min(interval));
        if Instant::now() < due {
            continue;
        }
        let newest = context.publish(folder, published);
        let done = newest.and_then(|done| context.publish_ended(folder, &mut ended).map(|()| done));
        match done {
            Ok(done) => {
                (due, pause) = (Instant::now() + interval, RETRY_FIRST);
                context.public_log.standing().trouble = None;
                let Some(Exported { folder, size, new }) = done else { continue };
                published = size;
                if new > 0 {
                    tracing::info!(folder = %folder.display(), size, new, "log published");
                }
            }
            Err(error) => {
                let again_s = pause.as_secs();
                tracing::warn!(folder = %folder.display(), error, again_s, "log not published");
                context.public_log.failed(context.core.now().wall, error);
                due = Instant::now() + pause.min(interval);
                pause = (pause * 2).min(RETRY_LONGEST);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_stays_behind_is_an_alarm() {
        let log = PublicLog::default();
        let begun = UnixMillis(5_000);
        assert!(log.alarm(300, begun).is_none());
        log.failed(begun, "no space".to_owned());
        log.failed(begun.plus_ms(9_000), "read-only".to_owned());
        let hour = begun.plus_ms(OVERDUE_MS);
        assert!(log.alarm(300, UnixMillis(hour.0 - 1)).is_none());
        let found = log.alarm(300, hour).unwrap();
        assert_eq!((found.code, found.since), (Code::TilesOverdue, Some(hour)));
        assert!(found.detail.contains("read-only") && found.code.as_str() == "TILES_OVERDUE");
        assert!(
            log.alarm(86_400, hour).is_none(),
            "written once a day, it may be behind for three"
        );
        log.standing().trouble = None;
        assert!(log.alarm(300, hour).is_none());
    }
}
