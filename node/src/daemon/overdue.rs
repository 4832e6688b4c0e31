//! What was submitted here and should have left, or should be known to have arrived, by now: told once to
//! whoever sent it, and an alarm as long as it stands.
//!
//! No evidence is made of it, and nothing is kept but the moment up to which everything was told. The listing
//! of dispatches is what holds; a notice only says that it is time to look.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tram_api::model::{EventNotice, Happening};
use tram_config::working_days;
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, UnixMillis, WorkingDays};
use tram_engine::Engine;
use tram_engine::state::held::HeldDispatch;
use tram_engine::state::leg::Leg;

use super::alarms::Found;
use super::context::Context;
use super::files;

/// What is to go at once is told when it is still here after so long; a session takes a moment to come about,
/// and a large document to pass.
pub(crate) const AT_ONCE_MS: u64 = 60_000;
/// Longest pause between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// A look takes the engine's thread at most this part of its time.
const AT_MOST_A: u32 = 50;
/// Dispatches looked at in one question to the engine.
const AT_ONCE: usize = 256;
/// The file with the moment up to which everything was told, in the data directory.
const FILE: &str = "overdue-told";

/// What one dispatch still owes, where it was submitted here; elsewhere nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owing {
    /// Legs that have not left.
    pub to_send: u32,
    /// Of each leg that has left and is not known to have arrived: the first moment that is too late for that.
    pub acknowledge_by: Vec<UnixMillis>,
}

impl Owing {
    /// By what is known now.
    pub(crate) fn of(held: &HeldDispatch) -> Self {
        let mut owing = Owing::default();
        // Elsewhere it is a matter of relays, who have a deadline of their own: at once.
        if !held.upstreams.is_empty() {
            return owing;
        }
        owing.to_send = held.legs.values().filter(|leg| leg.in_custody()).count() as u32;
        if !held.legs.values().any(|leg| matches!(leg, Leg::Transferred { .. })) {
            return owing;
        }
        // One pass: there may be thousands of legs. One that was given back and sent again left later.
        let mut left: BTreeMap<&AgencyCode, UnixMillis> = BTreeMap::new();
        for known in held.evidence.iter().filter(|k| k.authorised) {
            let e = &known.evidence;
            if e.event == Event::RelayAcceptance
                && let Some(recipient) = &e.recipient
                && matches!(held.legs.get(recipient), Some(Leg::Transferred { peer, .. }) if *peer == e.node)
            {
                left.insert(recipient, e.time);
            }
        }
        let urgency = held.dispatch.envelope().metadata.urgency;
        let away = held.legs.iter().filter(|(_, leg)| matches!(leg, Leg::Transferred { .. }));
        owing.acknowledge_by = away
            .map(|(recipient, _)| left.get(recipient).copied().unwrap_or(held.at))
            .map(|at| WorkingDays::acknowledge_by(at, urgency))
            .collect();
        owing.acknowledge_by.sort_unstable();
        owing
    }
}

/// When a dispatch that has not left is told: the first moment that is too late, and where custody began later
/// than that, a little later.
fn told_at(send_by: UnixMillis, custody: UnixMillis) -> UnixMillis {
    if send_by > custody { send_by } else { custody.plus_ms(AT_ONCE_MS) }
}

/// One dispatch that is overdue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What about it: `SENDING_OVERDUE` or `ACKNOWLEDGEMENT_OVERDUE`.
    pub code: Code,
    pub dispatch: DispatchId,
    /// Who must act.
    pub originator: AgencyCode,
    /// Since when.
    pub due: UnixMillis,
    /// When it was found: later ones are greater.
    pub noted: UnixMillis,
}

impl Entry {
    /// As it is announced, behind an event.
    pub(crate) fn notice(&self, context: &Context, behind: &str) -> EventNotice {
        let short = tram_dispatch::id::hex(&self.dispatch.as_bytes()[..8]);
        EventNotice {
            id: format!("{behind}.{}.{short}", self.code),
            event: Happening::Overdue.into(),
            dispatch: self.dispatch.into(),
            originator: self.originator.clone().into(),
            recipient: None,
            node: context.me.clone().into(),
            at: self.due.into(),
            status: None,
            code: Some(self.code.into()),
        }
    }
}

/// What a look found: which dispatch, what about it; whose, since when.
type Looked = BTreeMap<(Code, DispatchId), (AgencyCode, UnixMillis)>;

/// What is overdue now.
pub(crate) struct Overdue {
    standing: Mutex<Standing>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Standing {
    entries: BTreeMap<(Code, DispatchId), Entry>,
    /// The newest `noted` there was.
    newest: UnixMillis,
    looked: bool,
}

impl Default for Overdue {
    fn default() -> Self {
        Overdue { standing: Mutex::default(), changed: watch::Sender::new(()) }
    }
}

impl Overdue {
    /// As the node starts.
    pub(crate) fn begin(data_dir: &Path, now: UnixMillis) -> Self {
        let told = std::fs::read_to_string(data_dir.join(FILE)).ok();
        let told = told.and_then(|text| text.trim().parse().ok()).unwrap_or_default();
        // A clock that was ahead then must not silence what comes.
        Self::behind_told(UnixMillis(told).min(now))
    }

    /// Hears of later ones; and behind what to ask for them.
    pub(crate) fn listen(&self) -> (watch::Receiver<()>, UnixMillis) {
        let standing = self.lock();
        (self.changed.subscribe(), standing.newest)
    }

    /// Those that stand and were found behind `mark`, in that order.
    pub(crate) fn behind(&self, mark: UnixMillis) -> Vec<Entry> {
        let standing = self.lock();
        let later = standing.entries.values().filter(|entry| entry.noted > mark);
        let mut later: Vec<Entry> = later.cloned().collect();
        drop(standing);
        later.sort_by_key(|entry| (entry.noted, entry.due, entry.dispatch));
        later
    }

    /// One alarm for each of the two, with how many there are and the oldest.
    pub(crate) fn alarms(&self) -> Vec<Found> {
        let standing = self.lock();
        let mut of: BTreeMap<Code, (u64, &Entry)> = BTreeMap::new();
        for entry in standing.entries.values() {
            let (count, oldest) = of.entry(entry.code).or_insert((0, entry));
            *count += 1;
            if entry.due < oldest.due {
                *oldest = entry;
            }
        }
        let found = |(code, (count, oldest)): (Code, (u64, &Entry))| {
            let Entry { dispatch, originator, due, .. } = oldest;
            let detail = format!(
                "dispatches: {count}; the oldest is {dispatch} of {originator}, due at {due}"
            );
            Found::new(code, detail).since(*due)
        };
        of.into_iter().map(found).collect()
    }

    /// What was told up to this moment, before the node started, is not told again.
    fn behind_told(told: UnixMillis) -> Self {
        let overdue = Overdue::default();
        overdue.lock().newest = told;
        overdue
    }

    /// Takes in what a look found; the newest mark, where something is to be told.
    fn settle(&self, now: UnixMillis, found: Looked) -> Option<UnixMillis> {
        let mut standing = self.lock();
        let told = standing.newest;
        let (first, mut news) = (!standing.looked, false);
        let noted = now.max(told.plus_ms(1));
        let mut before = std::mem::take(&mut standing.entries);
        for ((code, dispatch), (originator, due)) in found {
            let key = (code, dispatch);
            let noted = match before.remove(&key) {
                Some(known) => known.noted,
                // It stood before the start, and was told then.
                None if first && due <= told => due,
                None => {
                    news = true;
                    noted
                }
            };
            let entry = Entry { code, dispatch, originator, due, noted };
            standing.entries.insert(key, entry);
        }
        standing.looked = true;
        if news {
            standing.newest = noted;
        }
        news.then_some(noted)
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks until the node ends.
pub(crate) async fn watch(context: Arc<Context>) {
    loop {
        // Who was listening before a restart comes back within this time.
        tokio::time::sleep(LOOK_EVERY).await;
        while let Some((took, next)) = look(&context).await {
            let now = context.core.now().wall;
            let until = next.map_or(LOOK_EVERY, |next| Duration::from_millis(next.since_ms(now)));
            tokio::time::sleep(until.min(LOOK_EVERY).max(took * AT_MOST_A)).await;
        }
    }
}

/// Looks once: how long that took the engine, and when the next deadline passes. `None` if it could not.
async fn look(context: &Arc<Context>) -> Option<(Duration, Option<UnixMillis>)> {
    let file = context.config.working_days.clone();
    let days = tokio::task::spawn_blocking(move || working_days::load(file.as_deref()).ok());
    let days = Arc::new(days.await.ok()??);
    let now = context.core.now().wall;
    let (mut found, mut next, mut took) = (Looked::new(), None::<UnixMillis>, Duration::ZERO);
    let mut after = None;
    loop {
        let days = days.clone();
        let ask = move |engine: &Engine, _: &dyn tram_engine::View| {
            let begun = Instant::now();
            let (some, last) = some(engine, after, &days);
            (some, last, begun.elapsed())
        };
        let (some, last, part) = context.core.glance(ask).await.ok()?;
        took += part;
        for (key, (originator, due)) in some {
            if due <= now {
                found.insert(key, (originator, due));
            } else {
                next = Some(next.map_or(due, |next| next.min(due)));
            }
        }
        if last.is_none() {
            break;
        }
        after = last;
    }
    if let Some(told) = context.overdue.settle(now, found) {
        context.overdue.changed.send_replace(());
        let (path, text) = (context.config.data_dir.join(FILE), told.0.to_string());
        let kept =
            tokio::task::spawn_blocking(move || files::replace(&path, text.as_bytes())).await;
        if !matches!(kept, Ok(Ok(()))) {
            tracing::warn!("{FILE} cannot be written; what is overdue may be told again");
        }
    }
    Some((took, next))
}

/// As [`Looked`], in the order of the dispatches, and not only what is overdue.
type Owed = Vec<((Code, DispatchId), (AgencyCode, UnixMillis))>;

/// What some dispatches behind `after` owe, and by when; the last one, where there are more.
fn some(
    engine: &Engine,
    after: Option<DispatchId>,
    days: &WorkingDays,
) -> (Owed, Option<DispatchId>) {
    let from = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
    let (mut owed, mut last, mut looked) = (Vec::new(), None, 0);
    for (id, held) in engine.state().held.range(from).take(AT_ONCE) {
        (looked, last) = (looked + 1, Some(*id));
        let owing = Owing::of(held);
        let e = held.dispatch.envelope();
        if owing.to_send > 0 {
            let due = told_at(days.send_by(e.issued_at, e.metadata.urgency), held.at);
            owed.push(((Code::SendingOverdue, *id), (e.originator.clone(), due)));
        }
        if let Some(due) = owing.acknowledge_by.first() {
            owed.push(((Code::AcknowledgementOverdue, *id), (e.originator.clone(), *due)));
        }
    }
    (owed, last.filter(|_| looked == AT_ONCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(all: &[(Code, u8, u64)]) -> Looked {
        let agency = AgencyCode::parse("H41").unwrap();
        let one = |&(code, id, due): &(Code, u8, u64)| {
            ((code, DispatchId([id; 32])), (agency.clone(), UnixMillis(due)))
        };
        all.iter().map(one).collect()
    }

    fn told(overdue: &Overdue, mark: UnixMillis) -> Vec<u8> {
        overdue.behind(mark).iter().map(|entry| entry.dispatch.as_bytes()[0]).collect()
    }

    const SENDING: Code = Code::SendingOverdue;
    const ARRIVING: Code = Code::AcknowledgementOverdue;

    #[test]
    fn each_is_told_once_also_over_a_restart() {
        let overdue = Overdue::default();
        let (_, mark) = overdue.listen();
        let first = overdue.settle(UnixMillis(100), looked(&[(SENDING, 1, 90), (SENDING, 2, 80)]));
        assert_eq!((first, told(&overdue, mark)), (Some(UnixMillis(100)), vec![2, 1]));
        let (_, mark) = overdue.listen();
        // It stands; one of them left and did not arrive.
        let next = looked(&[(SENDING, 1, 90), (ARRIVING, 2, 120)]);
        assert_eq!(overdue.settle(UnixMillis(130), next.clone()), Some(UnixMillis(130)));
        assert_eq!(told(&overdue, mark), [2]);
        let (_, mark) = overdue.listen();
        assert_eq!(overdue.settle(UnixMillis(140), next.clone()), None);
        assert_eq!(told(&overdue, mark), [] as [u8; 0]);
        let alarms = overdue.alarms();
        let since: BTreeMap<_, _> = alarms.iter().map(|a| (a.code, a.since)).collect();
        assert_eq!((alarms.len(), since[&SENDING]), (2, Some(UnixMillis(90))));
        assert_eq!(since[&ARRIVING], Some(UnixMillis(120)));
        assert!(alarms.iter().all(|a| a.detail.starts_with("dispatches: 1; the oldest is ")));

        // Started again: only what came to be overdue in the meantime.
        let again = Overdue::behind_told(UnixMillis(130));
        let (_, mark) = again.listen();
        let mut now = next;
        now.extend(looked(&[(SENDING, 3, 150)]));
        assert_eq!(again.settle(UnixMillis(200), now), Some(UnixMillis(200)));
        assert_eq!(told(&again, mark), [3]);
        assert_eq!(again.alarms().len(), 2);
        // A receiver that took none since the moment 95 is owed what stands.
        assert_eq!(told(&again, UnixMillis(95)), [2, 3]);
        // All is sent.
        assert_eq!(again.settle(UnixMillis(300), Looked::new()), None);
        assert!(again.alarms().is_empty() && told(&again, UnixMillis(0)).is_empty());
    }

    #[test]
    fn a_clock_that_goes_back_hides_nothing() {
        let overdue = Overdue::default();
        overdue.settle(UnixMillis(500), looked(&[(SENDING, 1, 400)]));
        let (_, mark) = overdue.listen();
        overdue.settle(UnixMillis(300), looked(&[(SENDING, 1, 400), (SENDING, 2, 299)]));
        assert_eq!(told(&overdue, mark), [2]);
    }

    #[test]
    fn what_is_to_go_at_once_has_a_minute() {
        let (early, late) = (UnixMillis(1_000), UnixMillis(2_000));
        assert_eq!(told_at(late, early), late);
        assert_eq!(told_at(early, late), late.plus_ms(AT_ONCE_MS));
        assert_eq!(told_at(early, early), early.plus_ms(AT_ONCE_MS));
    }
}
