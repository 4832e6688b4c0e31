//! Counts of one agency, one party, one day or a longer period.

use super::super::ordered::{put_short, take_short};
use super::legs::{Answer, Leg, Way};
use crate::index::IndexError;
use tram_dispatch::envelope::Urgency;
use tram_dispatch::{Day, UnixMillis, WorkingDays};

/// How often each length of time occurred, in steps of at most 12.5 %.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times(Counts);

/// Counts by small numbers, in their order: short, and read often.
type Counts = Vec<(u16, u32)>;

/// Counts of legs, each counted once. Those of the first group belong to the day on which custody of the dispatch
/// began at this node, and leave out what it gave back; those of the second to the day on which the recipient's node held the dispatch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Submissions that this node refused on that day, with evidence.
    pub rejected: u64,
    /// Legs taken into custody and not given back to the node before.
    pub sent: u64,
    /// Of these: arrived since.
    pub arrived: u64,
    /// Of these: refused by a node.
    pub refused: u64,
    /// Of these: given up.
    pub failed: u64,
    /// Of these: expired on the way.
    pub expired: u64,
    /// From custody to arrival.
    pub to_arrive: Times,
    /// Legs that arrived.
    pub came: u64,
    /// Of these: registered since.
    pub registered: u64,
    /// Of these: refused by the clerk.
    pub returned: u64,
    /// Of these: unanswered when the time for it was over.
    pub lapsed: u64,
    /// Of these: given up unanswered; no clerk will answer.
    pub dropped: u64,
    /// From arrival to registration.
    pub to_register: Times,
    /// Of those registered: by the end of the next day after arrival that is no weekend; of what is urgent, in
    /// time.
    pub(crate) registered_promptly: u64,
    /// Registered, by midnights of Viet Nam since arrival; only in the counts of a single day. What is urgent
    /// stands at none or at [`LAG_MAX`]: whether it was in time is the same by every list of holidays.
    lags: Counts,
}

/// Midnights are told up to this number; what took longer is counted as it.
const LAG_MAX: u32 = 255;

/// The next day after `day` that is no Saturday and no Sunday: where no holiday says otherwise, the last one
/// on which it is in time to register what arrived on `day`.
pub(crate) fn next_weekday(day: Day) -> Day {
    let mut next = day.next();
    while next.is_weekend() {
        next = next.next();
    }
    next
}

/// Whether what arrived and was registered so was prompt, and how many midnights count between.
fn lag(arrived: UnixMillis, registered: UnixMillis, urgency: Urgency) -> (bool, u32) {
    if urgency == Urgency::Normal {
        let (came, registered) = (Day::of(arrived), Day::of(registered));
        return (registered <= next_weekday(came), registered.since(came).min(LAG_MAX));
    }
    let in_time = registered < WorkingDays::default().register_by(arrived, urgency);
    (in_time, if in_time { 0 } else { LAG_MAX })
}

/// Counts one more or one less; false where there was none to take out.
fn step(count: &mut u64, gained: bool) -> bool {
    let sound = gained || *count > 0;
    *count = if gained { count.saturating_add(1) } else { count.saturating_sub(1) };
    sound
}

fn step_in(counts: &mut Counts, key: u16, gained: bool) -> bool {
    match counts.binary_search_by_key(&key, |(key, _)| *key) {
        Err(at) if gained => counts.insert(at, (key, 1)),
        Err(_) => return false,
        Ok(at) if gained => counts[at].1 = counts[at].1.saturating_add(1),
        Ok(at) => {
            counts[at].1 = counts[at].1.saturating_sub(1);
            if counts[at].1 == 0 {
                counts.remove(at);
            }
        }
    }
    true
}

impl Times {
    fn change(&mut self, ms: u64, gained: bool) -> bool {
        step_in(&mut self.0, bucket(ms), gained)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, n)| u64::from(*n)).sum()
    }

    /// Adds others.
    pub fn add(&mut self, other: &Times) {
        // Both are in order, and after the first few nearly all of the others are there already.
        let mut at = 0;
        for (bucket, n) in &other.0 {
            while self.0.get(at).is_some_and(|(mine, _)| mine < bucket) {
                at += 1;
            }
            match self.0.get_mut(at) {
                Some((mine, sum)) if mine == bucket => *sum = sum.saturating_add(*n),
                _ => self.0.insert(at, (*bucket, *n)),
            }
        }
    }

    /// The time in milliseconds that so many of a hundred do not exceed, to within 6.25 %; `None` if
    /// there are none.
    #[must_use]
    pub fn percentile_ms(&self, of_hundred: u64) -> Option<u64> {
        let rank = (self.count() * of_hundred.min(100)).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.0.iter().find(|(_, n)| {
            seen += u64::from(*n);
            seen >= rank
        });
        found.map(|(bucket, _)| middle(*bucket))
    }
}

/// Eight steps to each doubling; exact below eight milliseconds.
fn bucket(ms: u64) -> u16 {
    if ms < 8 {
        return ms as u16;
    }
    let exponent = 63 - ms.leading_zeros();
    ((exponent - 2) * 8) as u16 + (ms >> (exponent - 3) & 7) as u16
}

fn middle(bucket: u16) -> u64 {
    if bucket < 16 {
        return bucket.into();
    }
    let width = 1_u64 << (bucket / 8 - 1).min(60);
    (8 + u64::from(bucket % 8)) * width + width / 2
}

impl Tally {
    /// Takes a leg that this node answers for, and its way, in or out again; false where more was taken out than
    /// had been taken in.
    pub(super) fn way(&mut self, leg: &Leg, sent: UnixMillis, gained: bool) -> bool {
        let Some(way) = leg.way() else { return true };
        let mut sound = step(&mut self.sent, gained);
        sound &= match way {
            Way::Underway => true,
            Way::Refused => step(&mut self.refused, gained),
            Way::Failed => step(&mut self.failed, gained),
            Way::Expired => step(&mut self.expired, gained),
            Way::Arrived => step(&mut self.arrived, gained),
        };
        if let Some((arrived, _)) = leg.arrived {
            sound &= self.to_arrive.change(arrived.since_ms(sent), gained);
        }
        sound
    }

    /// Takes what became of a leg that arrived in or out again; `single` where these are the counts of one day.
    /// False as in [`Tally::way`].
    pub(super) fn came(&mut self, leg: &Leg, urgency: Urgency, gained: bool, single: bool) -> bool {
        let Some((arrived, _)) = leg.arrived else { return true };
        let mut sound = step(&mut self.came, gained);
        if leg.is_dropped() {
            sound &= step(&mut self.dropped, gained);
        }
        match leg.answer {
            None => {}
            Some((Answer::Lapsed, _)) => sound &= step(&mut self.lapsed, gained),
            Some((Answer::Returned, _)) => sound &= step(&mut self.returned, gained),
            Some((Answer::Registered, at)) => {
                sound &= step(&mut self.registered, gained);
                sound &= self.to_register.change(at.since_ms(arrived), gained);
                let (promptly, midnights) = lag(arrived, at, urgency);
                if promptly {
                    sound &= step(&mut self.registered_promptly, gained);
                }
                if single {
                    sound &= step_in(&mut self.lags, midnights as u16, gained);
                }
            }
        }
        sound
    }

    /// Adds the counts of another period or agency.
    pub fn add(&mut self, other: &Tally) {
        for (mine, theirs) in self.numbers_mut().into_iter().zip(other.numbers()) {
            *mine += theirs;
        }
        self.to_arrive.add(&other.to_arrive);
        self.to_register.add(&other.to_register);
    }

    /// In the counts of a single day: registered before so many midnights and one more had passed.
    pub(crate) fn registered_within(&self, midnights: u32) -> u64 {
        let within = self.lags.iter().filter(|(lag, _)| u32::from(*lag) <= midnights);
        within.map(|(_, n)| u64::from(*n)).sum()
    }

    fn numbers(&self) -> [u64; 12] {
        let t = self;
        [
            t.rejected,
            t.sent,
            t.arrived,
            t.refused,
            t.failed,
            t.expired,
            t.came,
            t.registered,
            t.returned,
            t.lapsed,
            t.dropped,
            t.registered_promptly,
        ]
    }

    fn numbers_mut(&mut self) -> [&mut u64; 12] {
        let t = self;
        [
            &mut t.rejected,
            &mut t.sent,
            &mut t.arrived,
            &mut t.refused,
            &mut t.failed,
            &mut t.expired,
            &mut t.came,
            &mut t.registered,
            &mut t.returned,
            &mut t.lapsed,
            &mut t.dropped,
            &mut t.registered_promptly,
        ]
    }

    /// Short, for whoever asks for a year reads many: integers as short as they can be, and of the small
    /// numbers by which is counted only how much each exceeds the one before.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        self.numbers().into_iter().for_each(|n| put_short(&mut out, n));
        for map in [&self.to_arrive.0, &self.to_register.0, &self.lags] {
            put_short(&mut out, map.len() as u64);
            let mut before = 0;
            for (key, count) in map {
                put_short(&mut out, (key - before).into());
                put_short(&mut out, (*count).into());
                before = *key;
            }
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, IndexError> {
        let mut tally = Tally::default();
        tally.set(bytes)?;
        Ok(tally)
    }

    /// Becomes what was encoded; the room it has is used again, for a year has many of them.
    pub(crate) fn set(&mut self, bytes: &[u8]) -> Result<(), IndexError> {
        read(self, bytes).ok_or_else(|| IndexError::damaged("counts cannot be read"))
    }
}

fn read(tally: &mut Tally, mut bytes: &[u8]) -> Option<()> {
    for number in tally.numbers_mut() {
        *number = take_short(&mut bytes)?;
    }
    for map in [&mut tally.to_arrive.0, &mut tally.to_register.0, &mut tally.lags] {
        map.clear();
        let count = usize::try_from(take_short(&mut bytes)?).ok()?;
        // Each takes two bytes at least.
        map.reserve(count.min(bytes.len() / 2));
        let mut before: u16 = 0;
        for n in 0..count {
            let more = u16::try_from(take_short(&mut bytes)?).ok()?;
            if more == 0 && n > 0 {
                return None;
            }
            let key = before.checked_add(more)?;
            map.push((key, u32::try_from(take_short(&mut bytes)?).ok()?));
            before = key;
        }
    }
    bytes.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn steps_of_time_are_narrow_and_in_order(ms in 0_u64..1 << 50, more in 0_u64..1 << 40) {
            prop_assert!(bucket(ms) <= bucket(ms + more));
            let found = middle(bucket(ms));
            prop_assert!(found.abs_diff(ms) * 16 <= ms, "{ms} {found}");
        }

        #[test]
        fn percentiles_are_those_of_the_list(mut all in proptest::collection::vec(0_u64..1 << 40, 1..200)) {
            let mut times = Times::default();
            prop_assert!(all.iter().all(|ms| times.change(*ms, true)));
            all.sort_unstable();
            for percent in [1, 50, 90, 100] {
                let rank = (all.len() * percent).div_ceil(100).max(1);
                let (want, got) = (all[rank - 1], times.percentile_ms(percent as u64).unwrap());
                prop_assert!(got.abs_diff(want) * 16 <= want, "{want} {got}");
            }
            let bytes = Tally { to_arrive: times.clone(), sent: 7, ..Tally::default() }.encode();
            prop_assert_eq!(Tally::decode(&bytes).unwrap().to_arrive, times.clone());
            prop_assert!((0..bytes.len()).all(|end| Tally::decode(&bytes[..end]).is_err()));
            prop_assert!(all.iter().all(|ms| times.change(*ms, false)));
            prop_assert!(all.iter().all(|ms| !times.change(*ms, false)));
            prop_assert_eq!(times, Times::default());
        }
    }
}
