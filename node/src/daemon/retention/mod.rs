//! Documents after their time, by the written policy: a thread of its own asks the engine to put each removal
//! on record, and only then takes away what the record names.
//!
//! ```text
//! decide:  closed dispatches, oldest first ── policy ──▶ engine: leaf in the receipt log
//! erase:   removals on record ──▶ files unlinked, journal segments written anew without the documents
//! ```
//!
//! Both go on where they were after any crash, from what is on record.

mod clock;
mod judge;
mod progress;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tram_config::Config;
use tram_config::retention::RetentionPolicy;
use tram_crypto::sha256;
use tram_dispatch::{Code, Digest, DispatchId, UnixMillis};
use tram_engine::record::Stage;
use tram_engine::retention::Overdue;
use tram_engine::{Input, Reply};
use tram_spool::store::{ClosedItem, Cursor};

use self::clock::RetentionClock;
pub(crate) use self::judge::{Fate, judge};
use self::progress::Progress;
use super::alarms::Found;
use super::context::Context;
use super::hand::Attempted;

/// How often it is looked whether something is due, and the clock goes on.
const LOOK: Duration = Duration::from_secs(1);
/// How often the moment that the clock reached is kept.
const KEEP: Duration = Duration::from_secs(600);
/// Entries of a listing looked at in one step.
const STEP: usize = 256;
/// Removals carried out in one pass.
const ERASED_MAX: usize = 4_096;
/// Work that cannot be done for longer than this needs somebody.
const OVERDUE_MS: u64 = 86_400_000;
/// Documents that ride in the segment that grows wait at most so long for the next one.
const RIDING_MS_MAX: u64 = 86_400_000;
const DAY_MS: u64 = 86_400_000;

/// The policy in force, and how its work stands.
#[derive(Default)]
pub(crate) struct Retention {
    policy: Option<Policy>,
    standing: Mutex<Standing>,
}

/// A policy with the name that its digest gives it.
pub(crate) struct Policy {
    pub rules: RetentionPolicy,
    pub digest: Digest,
}

/// How the work stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// The moment that counts now.
    pub moment: UnixMillis,
    /// Dispatches whose documents were removed today.
    pub removed_today: u64,
    /// More was due today than the policy lets go in a day.
    pub limited: bool,
    /// Since when it does not go on, and why.
    pub trouble: Option<(UnixMillis, String)>,
}

impl Retention {
    /// Reads the policy that the configuration names.
    ///
    /// # Errors
    /// In words, with the code.
    pub(crate) fn load(config: &Config) -> Result<Self, (Code, String)> {
        let Some(path) = &config.retention_policy else { return Ok(Self::default()) };
        let bad = |e| (Code::ConfigInvalid, format!("{}: {e}", path.display()));
        let (rules, bytes) = tram_config::retention::load(path).map_err(bad)?;
        let policy = Some(Policy { rules, digest: Digest(sha256(&bytes)) });
        Ok(Retention { policy, standing: Mutex::default() })
    }

    /// The policy in force, if there is one.
    pub(crate) fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What needs somebody.
    pub(crate) fn alarm(&self, now: UnixMillis) -> Option<Found> {
        let standing = self.standing();
        if standing.limited {
            let most = self.policy.as_ref().map_or(0, |p| p.rules.per_day_max);
            let detail = format!(
                "more documents are due today than the policy lets go in a day ({most} dispatches); the \
                 rest waits: see whether the clock and the policy are right"
            );
            return Some(Found::new(Code::RetentionOverdue, detail).about("limit"));
        }
        let (since, why) = standing.trouble?;
        if now.since_ms(since) < OVERDUE_MS {
            return None;
        }
        let detail = format!("no documents are removed since {since}: {why}");
        Some(Found::new(Code::RetentionOverdue, detail).since(since.plus_ms(OVERDUE_MS)))
    }
}

/// Why a pass ended early.
#[derive(Debug)]
enum Pause {
    /// The node stops.
    Stopping,
    /// It is tried again at the next pass.
    Trouble(String),
}

impl From<tram_spool::store::StoreError> for Pause {
    fn from(e: tram_spool::store::StoreError) -> Self {
        Pause::Trouble(e.explain())
    }
}

/// Works until the node ends; for a thread of its own.
pub(super) fn run(context: &Arc<Context>, runtime: &tokio::runtime::Runtime) {
    let Some(policy) = context.retention.policy() else { return };
    let data = &context.config.data_dir;
    let mut progress = Progress::load(data);
    progress.under(&policy.digest);
    let now = context.core.now();
    // Without a note of before, the newest entry of the log says how late it is at least.
    let reached = match progress.moment_ms {
        0 => context.core.head().time.min(now.wall),
        moment => UnixMillis(moment),
    };
    let mut clock = RetentionClock::new(reached, now);
    let every = Duration::from_secs(context.config.retention.look_every_s);
    let (mut due, mut keep) = (Instant::now(), Instant::now() + KEEP);
    while !context.is_stopping() {
        std::thread::sleep(LOOK.min(every));
        let moment = clock.advance(context.core.now());
        progress.moment_ms = clock.reached().0;
        context.retention.locked().moment = moment;
        if Instant::now() >= due {
            let mut work = Work { context, policy, runtime, progress: &mut progress, moment };
            let done = work.decide().and_then(|limited| work.erase().map(|()| limited));
            if work.settle(done) {
                return;
            }
            due = Instant::now() + every;
        } else if Instant::now() < keep {
            continue;
        }
        keep = Instant::now() + KEEP;
        if let Err(error) = progress.keep(data) {
            tracing::warn!(%error, file = progress::FILE, "not written");
        }
    }
}

/// One pass.
struct Work<'a> {
    context: &'a Arc<Context>,
    policy: &'a Policy,
    runtime: &'a tokio::runtime::Runtime,
    progress: &'a mut Progress,
    moment: UnixMillis,
}

impl Work<'_> {
    /// Notes how the pass ended; true if the node stops.
    fn settle(&self, done: Result<bool, Pause>) -> bool {
        let mut standing = self.context.retention.locked();
        standing.removed_today = self.progress.removed_on(self.moment);
        match done {
            Ok(limited) => {
                standing.limited = limited;
                standing.trouble = None;
                false
            }
            Err(Pause::Stopping) => true,
            Err(Pause::Trouble(why)) => {
                let now = self.context.core.now().wall;
                let since = standing.trouble.as_ref().map_or(now, |(since, _)| *since);
                if standing.trouble.as_ref().is_none_or(|(_, before)| *before != why) {
                    tracing::warn!(error = why, "documents are not removed for now");
                }
                standing.trouble = Some((since, why));
                false
            }
        }
    }

    /// Puts on record what is due. True if more is due than the policy lets go today.
    fn decide(&mut self) -> Result<bool, Pause> {
        for days in self.policy.rules.periods() {
            let before = self.moment.0.saturating_sub(days.saturating_mul(DAY_MS));
            loop {
                let after = self.progress.considered(days);
                let page =
                    self.context.store.closed(UnixMillis(before.saturating_add(1)), after, STEP)?;
                for item in &page.items {
                    if self.context.is_stopping() {
                        return Err(Pause::Stopping);
                    }
                    if self.is_due(item, days)? && !self.put_on_record(item, days)? {
                        return Ok(true);
                    }
                    self.progress.consider(days, item.cursor);
                }
                if page.next.is_none() {
                    break;
                }
            }
        }
        Ok(false)
    }

    fn is_due(&self, item: &ClosedItem, days: u64) -> Result<bool, Pause> {
        Ok(matches!(self.fate(item)?, Fate::Until { days: of_rule, .. } if of_rule == days))
    }

    fn fate(&self, item: &ClosedItem) -> Result<Fate, Pause> {
        Ok(self.context.fate(self.policy, item)?)
    }

    /// Asks the engine. False where today's number is reached.
    fn put_on_record(&mut self, item: &ClosedItem, days: u64) -> Result<bool, Pause> {
        if self.progress.removed_on(self.moment) >= self.policy.rules.per_day_max {
            return Ok(false);
        }
        let Fate::Until { rule, since, .. } = self.fate(item)? else { return Ok(true) };
        let dispatch = item.dispatch;
        let overdue = Overdue { dispatch, policy: self.policy.digest, rule, days, since };
        let asked = self.context.core.ask(move |token| Input::Remove { token, overdue });
        match self.runtime.block_on(asked) {
            Ok(Reply::Done { .. }) => {
                self.progress.count(self.moment);
                tracing::info!(%dispatch, days, "documents removed after their time");
                Ok(true)
            }
            // It was taken up again meanwhile: it will be closed again.
            Ok(Reply::Refused { .. }) => Ok(true),
            Ok(Reply::Later { code, .. }) => Err(Pause::Trouble(code.to_string())),
            Ok(Reply::Assigned { .. }) => Err(Pause::Trouble("another answer".to_owned())),
            Err(stopping) => match stopping.0 {
                None => Err(Pause::Stopping),
                Some(code) => Err(Pause::Trouble(code.to_string())),
            },
        }
    }

    /// Carries out what is on record and was not carried out yet.
    fn erase(&mut self) -> Result<(), Pause> {
        let store = &self.context.store;
        let mut after = self.progress.erased();
        let mut riding: BTreeSet<_> = BTreeSet::new();
        // What is carried out in this pass, each with the places where its documents ride.
        let mut done: Vec<(Cursor, Vec<_>)> = Vec::new();
        loop {
            let page = store.removals(after, STEP)?;
            for removal in &page.items {
                if self.context.is_stopping() {
                    return Err(Pause::Stopping);
                }
                let erased = store.erase(
                    removal,
                    |digest| self.claim(*digest),
                    |digest| self.context.pins.left(digest),
                )?;
                riding.extend(erased.riding.iter().copied());
                done.push((removal.cursor, erased.riding));
            }
            after = page.next;
            if after.is_none() || done.len() >= ERASED_MAX {
                break;
            }
        }
        let left: BTreeSet<_> = store.strip(&riding)?.into_iter().collect();
        for (cursor, places) in done {
            if places.iter().any(|place| left.contains(place)) {
                if self.moment.since_ms(cursor.time()) >= RIDING_MS_MAX {
                    store.journal().want_segment();
                }
                break;
            }
            self.progress.erase(cursor);
        }
        Ok(())
    }

    /// Whether a file may go: nobody is about to need it, and no dispatch in memory uses it. Then nobody
    /// is told any more that it is here: who uploaded it may need it for another dispatch, and uploads it anew.
    fn claim(&self, digest: Digest) -> bool {
        // Once it is leaving nobody can pin it. Who pinned it before handed it to the engine before this
        // question comes there.
        if !self.context.pins.leave(digest) {
            return false;
        }
        let used = self.context.core.glance(move |engine, _| engine.uses_file(&digest));
        let free = matches!(self.runtime.block_on(used), Ok(false));
        if free {
            self.context.uploads.forget_all(&digest);
        } else {
            self.context.pins.left(&digest);
        }
        free
    }
}

impl Context {
    /// What the policy says of a dispatch that was closed. Blocks.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn fate(
        &self,
        policy: &Policy,
        item: &ClosedItem,
    ) -> Result<Fate, tram_spool::store::StoreError> {
        if !item.newest || self.store.is_open(&item.dispatch) {
            return Ok(Fate::Nothing);
        }
        let fate = || match self.store.records_of(&item.dispatch) {
            Ok(history) => Ok(judge(&policy.rules, &self.me, &history, item.cursor.time())),
            // What cannot be read stays, and stops nothing else.
            Err(e) if e.code() == Code::StoreCorrupt => Ok(Fate::Kept(None)),
            Err(e) => Err(e),
        };
        // Nor does what breaks whoever reads it.
        match self.hands.attempt_long(&item.dispatch, Stage::Read, fate) {
            Ok(fate) => fate,
            Err(Attempted::SetAside) => Ok(Fate::Kept(None)),
            Err(Attempted::Broke(detail)) => {
                self.broke(item.dispatch, Stage::Read, detail);
                Ok(Fate::Kept(None))
            }
        }
    }

    /// Whether the documents of a dispatch were removed after their time.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn documents_removed(
        &self,
        dispatch: &DispatchId,
    ) -> Result<bool, tram_spool::store::StoreError> {
        self.store.documents_removed(dispatch)
    }
}

#[cfg(test)]
mod tests;
