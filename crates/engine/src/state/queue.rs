//! Queues: an ordering of due work over the held dispatches, rebuilt at start, never the truth.

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::{Code, DispatchId};

/// Every n-th pick takes from the least urgent class that has work, so that it never starves.
const FAIR_PICK: u64 = 8;

/// The work toward one next hop.
#[derive(Debug, Default)]
pub struct HopQueue {
    /// Due now: per urgency class 0..=3, in order of arrival.
    ready: [BTreeMap<u64, DispatchId>; 4],
    /// Where each dispatch stands.
    places: BTreeMap<DispatchId, Place>,
    /// Deferred, by due time (monotonic ms).
    deferred: BTreeSet<(u64, DispatchId)>,
    /// Transfers under way.
    flying: BTreeSet<DispatchId>,
    serial: u64,
    picks: u64,
}

/// Where one dispatch stands in a queue.
#[derive(Debug, Clone)]
struct Place {
    class: u8,
    attempts: u32,
    cause: Option<Code>,
    /// More work came while the transfer was under way.
    more: bool,
    at: At,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Ready(u64),
    Deferred(u64),
    InFlight,
}

/// What a listing shows of one queued dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Tries so far.
    pub attempts: u32,
    /// Why the last one did not succeed.
    pub cause: Option<Code>,
    /// Under way now.
    pub in_flight: bool,
    /// Due at this monotonic time, where deferred.
    pub due_mono_ms: Option<u64>,
}

impl HopQueue {
    /// Puts a dispatch in, due now; one that is deferred becomes due now, one that is under way
    /// becomes due when the peer has answered.
    pub fn push(&mut self, id: DispatchId, class: u8) {
        let attempts = match self.places.get_mut(&id) {
            Some(p) if matches!(p.at, At::Ready(_)) => return,
            Some(p) if p.at == At::InFlight => {
                p.more = true;
                return;
            }
            Some(p) => p.attempts,
            None => 0,
        };
        self.remove(&id);
        self.make_ready(id, Place { class, attempts, cause: None, more: false, at: At::InFlight });
    }

    fn make_ready(&mut self, id: DispatchId, mut place: Place) {
        self.serial += 1;
        place.at = At::Ready(self.serial);
        self.ready[usize::from(place.class.min(3))].insert(self.serial, id);
        self.places.insert(id, place);
    }

    /// Takes it out wherever it stands.
    pub fn remove(&mut self, id: &DispatchId) {
        let Some(place) = self.places.remove(id) else { return };
        match place.at {
            At::Ready(n) => {
                self.ready[usize::from(place.class.min(3))].remove(&n);
            }
            At::Deferred(due) => {
                self.deferred.remove(&(due, *id));
            }
            At::InFlight => {
                self.flying.remove(id);
            }
        }
    }

    /// The next dispatch to transfer, now counted as under way.
    pub fn pop(&mut self, now_mono_ms: u64, in_flight_max: usize) -> Option<DispatchId> {
        if self.flying.len() >= in_flight_max {
            return None;
        }
        self.wake(now_mono_ms);
        self.picks += 1;
        let fair = self.picks.is_multiple_of(FAIR_PICK);
        let mut classes = [3usize, 2, 1, 0];
        if fair {
            classes.reverse();
        }
        let class = classes.into_iter().find(|c| !self.ready[*c].is_empty())?;
        let (_, id) = self.ready[class].pop_first()?;
        if let Some(place) = self.places.get_mut(&id) {
            place.at = At::InFlight;
            place.more = false;
            place.attempts = place.attempts.saturating_add(1);
            self.flying.insert(id);
        }
        Some(id)
    }

    fn wake(&mut self, now_mono_ms: u64) {
        while let Some(&(due, id)) = self.deferred.first() {
            if due > now_mono_ms {
                break;
            }
            self.deferred.pop_first();
            if let Some(place) = self.places.get(&id).cloned() {
                self.make_ready(id, place);
            }
        }
    }

    /// A transfer under way did not succeed: try again at `due`.
    pub fn defer(&mut self, id: &DispatchId, due_mono_ms: u64, cause: Code) {
        if let Some(place) = self.places.get_mut(id)
            && place.at == At::InFlight
        {
            place.at = At::Deferred(due_mono_ms);
            place.cause = Some(cause);
            self.flying.remove(id);
            self.deferred.insert((due_mono_ms, *id));
        }
    }

    /// A transfer under way was answered; if more work came meanwhile it is due now, and this
    /// gives true.
    pub fn go_on(&mut self, id: &DispatchId) -> bool {
        let Some(place) = self.places.get(id).filter(|p| p.more && p.at == At::InFlight) else {
            return false;
        };
        let place = Place { attempts: 0, cause: None, more: false, ..place.clone() };
        self.flying.remove(id);
        self.make_ready(*id, place);
        true
    }

    /// The session is gone: everything under way waits again; `due_now` when it has come back.
    pub fn reset(&mut self, due_now: bool) {
        let mut ids: Vec<DispatchId> = self.flying.iter().copied().collect();
        if due_now {
            ids.extend(self.deferred.iter().map(|(_, id)| *id));
        }
        ids.sort();
        for id in ids {
            let Some(mut place) = self.places.get(&id).cloned() else { continue };
            self.remove(&id);
            if due_now {
                place.attempts = 0;
            }
            self.make_ready(id, place);
        }
    }

    /// Tries so far.
    pub fn attempts(&self, id: &DispatchId) -> u32 {
        self.places.get(id).map_or(0, |p| p.attempts)
    }

    /// How it stands, for listings.
    pub fn standing(&self, id: &DispatchId) -> Option<Standing> {
        let p = self.places.get(id)?;
        Some(Standing {
            attempts: p.attempts,
            cause: p.cause,
            in_flight: p.at == At::InFlight,
            due_mono_ms: if let At::Deferred(due) = p.at { Some(due) } else { None },
        })
    }

    /// How many dispatches wait or are under way.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether something is due now.
    pub fn has_ready(&self) -> bool {
        self.ready.iter().any(|r| !r.is_empty())
    }

    /// Transfers under way.
    pub fn in_flight(&self) -> usize {
        self.flying.len()
    }

    /// Whether a transfer could start now.
    pub fn is_due(&self, now_mono_ms: u64, in_flight_max: usize) -> bool {
        self.flying.len() < in_flight_max
            && (self.has_ready() || self.next_due().is_some_and(|due| due <= now_mono_ms))
    }

    /// How many wait for a later time.
    pub fn deferred(&self) -> usize {
        self.deferred.len()
    }

    /// The next due time among the deferred.
    pub fn next_due(&self) -> Option<u64> {
        self.deferred.first().map(|(due, _)| *due)
    }

    /// The dispatches here, in id order.
    pub fn ids(&self) -> impl Iterator<Item = &DispatchId> {
        self.places.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> DispatchId {
        DispatchId([n; 32])
    }

    #[test]
    fn urgent_first_yet_normal_never_starves() {
        let mut q = HopQueue::default();
        q.push(id(200), 0);
        for n in 0..20 {
            q.push(id(n), 3);
        }
        let order: Vec<u8> = std::iter::from_fn(|| q.pop(0, 99)).map(|d| d.0[0]).collect();
        assert_eq!(order[..7], [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(order[7], 200);
        assert_eq!(order.len(), 21);
    }

    #[test]
    fn deferred_work_wakes_when_due_or_when_the_peer_returns() {
        let mut q = HopQueue::default();
        q.push(id(1), 0);
        assert_eq!(q.pop(0, 1), Some(id(1)));
        q.push(id(2), 0);
        assert_eq!(q.pop(0, 1), None, "window is full");
        q.defer(&id(1), 500, Code::Busy);
        assert_eq!(q.next_due(), Some(500));
        assert_eq!(q.pop(0, 1), Some(id(2)));
        q.reset(true);
        assert_eq!((q.in_flight(), q.next_due()), (0, None));
        assert_eq!(q.pop(0, 9).zip(q.pop(0, 9)), Some((id(1), id(2))));
        q.remove(&id(1));
        q.remove(&id(2));
        assert!(q.is_empty() && q.in_flight() == 0);
    }
}
