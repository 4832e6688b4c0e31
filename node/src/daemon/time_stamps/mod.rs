//! Time-stamps from outside on this node's checkpoints (RFC 3161): asked for on a thread of its own, so
//! that a server which does not answer stops nothing; tried again until there is one.

mod http;
mod kept;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tram_config::Config;
use tram_crypto::{Entropy as _, SystemEntropy};
use tram_dispatch::limits::ANCHORS_BYTES_MAX;
use tram_dispatch::{Code, UnixMillis};
use tram_trust::time_stamp::{self, Authorities, Nonce, TimeStamp};

pub(crate) use self::kept::Kept;
use super::alarms::Found;
use super::context::Context;

/// How often it is looked whether there is something to stamp.
const LOOK: Duration = Duration::from_secs(1);
/// First pause after a failure; it doubles up to the longest.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_LONGEST: Duration = Duration::from_secs(300);
/// Receipts without a time-stamp for longer than this need somebody.
const OVERDUE_MS: u64 = 86_400_000;

/// What the node knows of its time-stamps.
#[derive(Default)]
pub(crate) struct TimeStamps {
    /// Whose count; absent: no server is configured.
    authorities: Option<Authorities>,
    standing: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    /// Leaves under the newest token; `None` until the folder was looked at.
    stamped_size: Option<u64>,
    /// Why the last try failed.
    trouble: Option<String>,
}

/// What no time-stamp covers yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Debt {
    pub stamped_size: u64,
    /// When the oldest such leaf was committed.
    pub since: Option<UnixMillis>,
    pub trouble: Option<String>,
}

impl TimeStamps {
    /// Reads the anchors that the configuration names.
    ///
    /// # Errors
    /// In words, with the code.
    pub(crate) fn load(config: &Config) -> Result<Self, (Code, String)> {
        let Some(configured) = &config.time_stamps else { return Ok(Self::default()) };
        let path = &configured.anchors;
        let bad = |what: String| (Code::ConfigInvalid, format!("{}: {what}", path.display()));
        let length = std::fs::metadata(path).map_err(|e| bad(e.to_string()))?.len();
        if length > ANCHORS_BYTES_MAX as u64 {
            return Err(bad(format!("{length} bytes")));
        }
        let bytes = std::fs::read(path).map_err(|e| bad(e.to_string()))?;
        let authorities = Authorities::read(&bytes).map_err(|r| bad(r.to_string()))?;
        Ok(TimeStamps { authorities: Some(authorities), ..Self::default() })
    }

    fn standing(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debt {
    /// What needs somebody: it is more than a day, and trying did not help.
    pub(crate) fn alarm(&self, now: UnixMillis) -> Option<Found> {
        let (since, trouble) = (self.since?, self.trouble.as_ref()?);
        if now.since_ms(since) < OVERDUE_MS {
            return None;
        }
        let detail = format!("receipts since {since} have none; the last try: {trouble}");
        Some(Found::new(Code::TimeStampOverdue, detail).since(since.plus_ms(OVERDUE_MS)))
    }
}

impl Context {
    /// The text of the checkpoint of this size of the node's own log, which tokens are over.
    pub(crate) fn checkpoint_text(&self, size: u64) -> Result<String, String> {
        let root = self.store.root(size).map_err(|e| e.to_string())?;
        let checkpoint = self.own_checkpoint(size, root).map_err(|e| e.to_string())?;
        Ok(checkpoint.to_note_text())
    }

    /// The tokens kept of this epoch, ascending by size. Blocks.
    pub(crate) fn tokens(&self) -> std::io::Result<Vec<Kept>> {
        kept::list(&self.config.data_dir, &self.epoch)
    }

    /// What is not time-stamped yet; `None` where no server is configured. Blocks.
    pub(crate) fn time_stamp_debt(&self) -> Option<Debt> {
        self.time_stamps.authorities.as_ref()?;
        let stamped_size = self.stamped_size();
        let trouble = self.time_stamps.standing().trouble.clone();
        let since = if self.core.head().size > stamped_size {
            self.store.root_over(stamped_size).ok().flatten().map(|root| root.time)
        } else {
            None
        };
        Some(Debt { stamped_size, since, trouble })
    }

    /// Verifies a token kept, by the anchors configured now. Blocks.
    pub(crate) fn verified_token(&self, kept: &Kept) -> Result<(Vec<u8>, TimeStamp), String> {
        let authorities = self.time_stamps.authorities.clone().unwrap_or_default();
        let token = kept.token().map_err(|e| e.to_string())?;
        let text = self.checkpoint_text(kept.size)?;
        time_stamp::verify(&token, text.as_bytes(), &authorities)
            .map(|stamp| (token, stamp))
            .map_err(|refusal| refusal.to_string())
    }

    /// Leaves under the newest token that there is a file of.
    fn stamped_size(&self) -> u64 {
        let mut standing = self.time_stamps.standing();
        if let Some(size) = standing.stamped_size {
            return size;
        }
        match self.tokens() {
            Ok(kept) => {
                // A log that is shorter than its token was put back; `LOG_ROLLBACK` is for others to say.
                let size = kept.last().map_or(0, |kept| kept.size);
                *standing.stamped_size.insert(size)
            }
            Err(error) => {
                standing.trouble = Some(format!("{}: {error}", kept::FOLDER));
                0
            }
        }
    }
}

/// Asks for time-stamps until the node ends; for a thread of its own.
pub(super) fn run(context: &Arc<Context>, runtime: &tokio::runtime::Runtime) {
    let Some(configured) = &context.config.time_stamps else { return };
    let interval = Duration::from_secs(configured.pace.interval_s);
    let (mut due, mut pause) = (Instant::now(), RETRY_FIRST);
    while !context.is_stopping() {
        std::thread::sleep(LOOK);
        let size = context.core.head().size;
        if Instant::now() < due || size <= context.stamped_size() {
            continue;
        }
        match runtime.block_on(stamp(context, size)) {
            Ok(stamp) => {
                let mut standing = context.time_stamps.standing();
                (standing.stamped_size, standing.trouble) = (Some(size), None);
                (due, pause) = (Instant::now() + interval, RETRY_FIRST);
                tracing::info!(size, latest = %stamp.latest, by = stamp.authority, "time-stamped");
            }
            Err(error) => {
                tracing::warn!(size, error, again_s = pause.as_secs(), "no time-stamp");
                context.time_stamps.standing().trouble = Some(error);
                due = Instant::now() + pause;
                pause = (pause * 2).min(RETRY_LONGEST);
            }
        }
    }
}

/// One try: asks, verifies, keeps.
async fn stamp(context: &Arc<Context>, size: u64) -> Result<TimeStamp, String> {
    let (Some(configured), Some(authorities)) =
        (&context.config.time_stamps, &context.time_stamps.authorities)
    else {
        return Err("no server is configured".to_owned());
    };
    let text = context.checkpoint_text(size)?;
    let mut nonce = [0; 8];
    SystemEntropy::new().fill(&mut nonce).map_err(|e| e.to_string())?;
    let nonce = Nonce::new(nonce);
    let request = time_stamp::request(text.as_bytes(), nonce);
    let answer = http::ask(&configured.server, request).await?;
    let verifier = context.verifier();
    let (token, stamp) = time_stamp::response(&answer)
        .and_then(|token| {
            let text = text.as_bytes();
            time_stamp::accept(&token, text, Some(nonce), authorities, verifier.crls())
        })
        .map_err(|refusal| refusal.to_string())?;
    kept::keep(&context.config.data_dir, &context.epoch, size, &token)
        .map_err(|e| format!("{}: {e}", kept::FOLDER))?;
    Ok(stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debt_of_more_than_a_day_is_an_alarm() {
        let debt = |since, trouble: Option<&str>| Debt {
            stamped_size: 7,
            since,
            trouble: trouble.map(str::to_owned),
        };
        let begun = UnixMillis(1_000);
        let day = begun.plus_ms(OVERDUE_MS);
        let found = debt(Some(begun), Some("no answer")).alarm(day).unwrap();
        assert_eq!((found.code, found.since), (Code::TimeStampOverdue, Some(day)));
        assert!(found.detail.contains("no answer") && found.code.as_str() == "TIME_STAMP_OVERDUE");
        assert!(debt(Some(begun), Some("no answer")).alarm(UnixMillis(day.0 - 1)).is_none());
        // One that was just configured is asked at once.
        assert!(debt(Some(begun), None).alarm(day.plus_ms(OVERDUE_MS)).is_none());
        assert!(debt(None, Some("no answer")).alarm(day).is_none());
    }
}
