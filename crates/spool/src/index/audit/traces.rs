//! Dispatches seen lately, so that most events of a leg need no look into the index file.

use super::facts::Fact;
use super::legs::Change;
use super::{Past, Trace};
use crate::index::IndexError;
use crate::journal::Position;
use std::collections::HashMap;
use tram_dispatch::DispatchId;

/// Dispatches and their legs in one generation, counted alike. Two are kept, of 100 to 250 bytes an entry: 16 MB at
/// most, and what one batch brings beyond that.
const ENTRIES_MAX: usize = 1 << 15;

/// Two generations: what is used moves to the newer one, and the older one is dropped whole.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    new: HashMap<DispatchId, Trace>,
    old: HashMap<DispatchId, Trace>,
    /// In the newer one.
    entries: usize,
}

/// What a record changed.
pub(crate) struct Learnt<'a> {
    /// What is known of its dispatch now.
    pub(crate) trace: &'a Trace,
    /// The legs that it speaks of.
    pub(crate) changes: Vec<Change>,
}

impl Traces {
    /// Takes in what a record says about a dispatch; `at` is where.
    pub(crate) fn learn(
        &mut self,
        id: DispatchId,
        fact: &Fact,
        at: Position,
        past: &impl Past,
    ) -> Result<Learnt<'_>, IndexError> {
        let trace = self.of(id, past)?;
        let known = trace.legs.len();
        let changes = trace.learn(fact, at);
        let more = trace.legs.len() - known;
        self.entries += more;
        Ok(Learnt { trace: self.new.entry(id).or_default(), changes })
    }

    /// One dispatch as far as it is known, for more to be learned.
    pub(crate) fn of(
        &mut self,
        id: DispatchId,
        past: &impl Past,
    ) -> Result<&mut Trace, IndexError> {
        if !self.new.contains_key(&id) {
            let trace = match self.old.remove(&id) {
                Some(trace) => trace,
                None => past.trace(&id)?,
            };
            self.entries += 1 + trace.legs.len();
            self.new.insert(id, trace);
        }
        Ok(self.new.entry(id).or_default())
    }

    /// Between two batches: never in one, since the index does not know its records yet.
    pub(crate) fn settle(&mut self) {
        if self.entries > ENTRIES_MAX {
            self.old = std::mem::take(&mut self.new);
            self.entries = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::audit::Tally;
    use tram_dispatch::envelope::Urgency;
    use tram_dispatch::{AgencyCode, Event, UnixMillis};

    /// An index that knows nothing.
    struct Nothing;

    impl Past for Nothing {
        const AGREES: bool = true;

        fn held(&self, _: &DispatchId) -> Result<bool, IndexError> {
            Ok(false)
        }
        fn trace(&self, _: &DispatchId) -> Result<Trace, IndexError> {
            Ok(Trace::default())
        }
        fn tally(&self, _: &[u8]) -> Result<Option<Tally>, IndexError> {
            Ok(None)
        }
    }

    fn agency(n: usize) -> AgencyCode {
        AgencyCode::parse(&format!("H41.{n:03}")).unwrap()
    }

    fn held(n: usize, legs: usize) -> (DispatchId, Fact) {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.to_be_bytes());
        let recipients = (0..legs).map(agency).collect();
        let (at, originator) = (UnixMillis(7), "G22".parse().unwrap());
        let held = Fact::Held { at, urgency: Urgency::Normal, originator, recipients };
        (DispatchId(id), held)
    }

    fn size(traces: &Traces) -> usize {
        let all = traces.new.values().chain(traces.old.values());
        all.map(|trace| 1 + trace.legs.len()).sum()
    }

    /// Tells it of so many dispatches, in a batch each, and gives the most that was kept.
    fn most(dispatches: usize, facts: impl Fn(usize) -> Vec<(DispatchId, Fact)>) -> usize {
        let (mut traces, mut most) = (Traces::default(), 0);
        let at = Position { segment: 1, offset: 2, record: 3 };
        for n in 0..dispatches {
            for (id, fact) in facts(n) {
                traces.learn(id, &fact, at, &Nothing).unwrap();
            }
            traces.settle();
            most = most.max(size(&traces));
        }
        most
    }

    #[test]
    fn legs_are_counted_however_they_became_known() {
        const LEGS: usize = 100;
        let bound = 2 * (ENTRIES_MAX + LEGS + 1);
        let at_once = most(1_000, |n| vec![held(n, LEGS)]);
        assert!((ENTRIES_MAX..=bound).contains(&at_once), "{at_once}");
        let later = most(1_000, |n| {
            let (id, fact) = held(n, 0);
            vec![(id, fact), (id, Fact::More { recipients: (0..LEGS).map(agency).collect() })]
        });
        assert!((ENTRIES_MAX..=bound).contains(&later), "{later}");
        let one_by_one = most(1_000, |n| {
            let (id, fact) = held(n, 0);
            let leg = |n| Fact::Leg {
                event: Event::ContentConsignment,
                ours: false,
                expired: false,
                time: UnixMillis(8),
                recipient: agency(n),
            };
            [fact].into_iter().chain((0..LEGS).map(leg)).map(|fact| (id, fact)).collect()
        });
        assert!((ENTRIES_MAX..=bound).contains(&one_by_one), "{one_by_one}");
        let of_one = most(50_000, |n| vec![held(n, 1)]);
        assert!((ENTRIES_MAX..=2 * (ENTRIES_MAX + 2)).contains(&of_one), "{of_one}");
    }

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<(AgencyCode, crate::index::audit::legs::Leg)>() <= 120);
        assert!(size_of::<(DispatchId, Trace)>() <= 136);
    }
}
