//! Queues: an ordering of due work over the held dispatches, rebuilt at start, never the truth.

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::limits::INLINE_TOTAL_BYTES_MAX;
use tram_dispatch::{Code, DispatchId};

use super::held::HeldDispatch;
use super::lanes::{CLASSES, Flow, Lanes, Open};
use crate::quota::Use;

/// The part of the transfers under way that is kept for urgent dispatches.
const URGENT_SHARE: usize = 8;
/// Most transfers under way that need a bulk stream: twice as many as a session runs at a time, so
/// that the next is at hand; the others wait here, where what is urgent overtakes them.
const BULK_MAX: usize = 16;
/// What any dispatch costs its flow beside its bytes.
const COST_BYTES: u64 = 16 << 10;

/// The work toward one next hop.
#[derive(Debug, Default)]
pub struct HopQueue {
    /// Due now.
    ready: Lanes,
    /// Where each dispatch stands.
    places: BTreeMap<DispatchId, Place>,
    /// Deferred, by due time (monotonic ms).
    deferred: BTreeSet<(u64, DispatchId)>,
    /// Transfers under way.
    flying: BTreeSet<DispatchId>,
    counts: Counts,
    /// Everything here together.
    waiting: Use,
    /// The same by who shares with whom.
    flows: BTreeMap<Flow, Use>,
    serial: u64,
}

/// What the queue must know of a dispatch.
#[derive(Debug, Clone)]
pub struct Load {
    /// Urgency class, 0 to 3.
    pub class: u8,
    /// Who it shares with.
    pub flow: Flow,
    /// What it takes of the node.
    pub size: Use,
    /// Whether its documents need a bulk stream.
    pub bulk: bool,
}

/// Transfers under way, by kind.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    ordinary: usize,
    bulk: usize,
    ordinary_bulk: usize,
}

/// Where one dispatch stands in a queue.
#[derive(Debug, Clone)]
struct Place {
    load: Load,
    /// Order of arrival; kept when it is tried again.
    serial: u64,
    attempts: u32,
    cause: Option<Code>,
    /// More work came while the transfer was under way.
    more: bool,
    at: At,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Ready,
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

impl Load {
    /// A held dispatch as a load.
    pub fn of(held: &HeldDispatch) -> Self {
        let envelope = held.dispatch.envelope();
        let documents: u64 = envelope.documents.iter().map(|d| d.size).sum();
        Load {
            class: held.class(),
            flow: Flow::of(held),
            size: Use::now(held),
            bulk: !held.files.is_empty() || documents > INLINE_TOTAL_BYTES_MAX as u64,
        }
    }
}

impl Place {
    fn kind(&self) -> (u8, bool) {
        (self.load.class, self.load.bulk)
    }
}

impl Counts {
    /// Counts one more under way, or one less.
    fn change(&mut self, load: &Load, by: fn(usize, usize) -> usize) {
        let (ordinary, bulk) = (usize::from(load.class == 0), usize::from(load.bulk));
        self.ordinary = by(self.ordinary, ordinary);
        self.bulk = by(self.bulk, bulk);
        self.ordinary_bulk = by(self.ordinary_bulk, ordinary * bulk);
    }

    /// What may start: a part of the transfers is kept for urgent ones, and few are of bulk.
    fn open(&self, in_flight_max: usize) -> Open {
        let kept = |max: usize| max - max / URGENT_SHARE;
        let bulk_max = (in_flight_max / URGENT_SHARE).clamp(1, BULK_MAX);
        let (mut small, mut bulk) = ([true; CLASSES], [self.bulk < bulk_max; CLASSES]);
        small[0] = self.ordinary < kept(in_flight_max);
        bulk[0] = bulk[0] && small[0] && self.ordinary_bulk < kept(bulk_max);
        Open { small, bulk }
    }
}

impl HopQueue {
    /// Puts a dispatch in, due now; one that is deferred becomes due now, one that is under way
    /// becomes due when the peer has answered.
    pub fn push(&mut self, id: DispatchId, load: Load) {
        let (attempts, serial) = match self.places.get_mut(&id) {
            Some(p) if p.at == At::Ready => return,
            Some(p) if p.at == At::InFlight => {
                p.more = true;
                return;
            }
            Some(p) => (p.attempts, p.serial),
            None => {
                self.serial += 1;
                (0, self.serial)
            }
        };
        self.remove(&id);
        let place = Place { load, serial, attempts, cause: None, more: false, at: At::InFlight };
        self.make_ready(id, place);
    }

    /// More of it than fitted the transfer under way is due when the peer has answered.
    pub fn again(&mut self, id: &DispatchId) {
        if let Some(p) = self.places.get_mut(id).filter(|p| p.at == At::InFlight) {
            p.more = true;
        }
    }

    /// Takes in a place that is not here.
    fn make_ready(&mut self, id: DispatchId, mut place: Place) {
        place.at = At::Ready;
        let cost = COST_BYTES.saturating_add(place.load.size.stored_bytes);
        self.ready.push(place.kind(), place.load.flow.clone(), place.serial, id, cost);
        self.weigh(&place.load, Use::plus);
        self.places.insert(id, place);
    }

    /// Takes it out wherever it stands.
    pub fn remove(&mut self, id: &DispatchId) {
        self.take_out(id);
    }

    fn take_out(&mut self, id: &DispatchId) -> Option<Place> {
        let place = self.places.remove(id)?;
        self.weigh(&place.load, Use::minus);
        match place.at {
            At::Ready => self.ready.remove(place.kind(), &place.load.flow, place.serial),
            At::Deferred(due) => {
                self.deferred.remove(&(due, *id));
            }
            At::InFlight => self.land(id, &place.load),
        }
        Some(place)
    }

    fn weigh(&mut self, load: &Load, change: fn(Use, Use) -> Use) {
        self.waiting = change(self.waiting, load.size);
        let of_flow = self.flows.entry(load.flow.clone()).or_default();
        *of_flow = change(*of_flow, load.size);
        if of_flow.count == 0 {
            self.flows.remove(&load.flow);
        }
    }

    fn land(&mut self, id: &DispatchId, load: &Load) {
        if self.flying.remove(id) {
            self.counts.change(load, usize::saturating_sub);
        }
    }

    /// The next dispatch to transfer, now counted as under way.
    pub fn pop(&mut self, now_mono_ms: u64, in_flight_max: usize) -> Option<DispatchId> {
        if self.flying.len() >= in_flight_max {
            return None;
        }
        self.wake(now_mono_ms);
        let id = self.ready.pop(self.counts.open(in_flight_max))?;
        if let Some(place) = self.places.get_mut(&id) {
            place.at = At::InFlight;
            place.more = false;
            place.attempts = place.attempts.saturating_add(1);
            self.counts.change(&place.load, usize::saturating_add);
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
            if let Some(place) = self.take_out(&id) {
                self.make_ready(id, place);
            }
        }
    }

    /// A transfer under way did not succeed: try again at `due`.
    pub fn defer(&mut self, id: &DispatchId, due_mono_ms: u64, cause: Code) {
        let Some(place) = self.places.get_mut(id).filter(|p| p.at == At::InFlight) else { return };
        place.at = At::Deferred(due_mono_ms);
        place.cause = Some(cause);
        let load = place.load.clone();
        self.land(id, &load);
        self.deferred.insert((due_mono_ms, *id));
    }

    /// A transfer under way was answered; if more work came meanwhile it is due now, and this
    /// gives true.
    pub fn go_on(&mut self, id: &DispatchId) -> bool {
        if self.places.get(id).is_none_or(|p| !p.more || p.at != At::InFlight) {
            return false;
        }
        let Some(place) = self.take_out(id) else { return false };
        self.make_ready(*id, Place { attempts: 0, cause: None, more: false, ..place });
        true
    }

    /// The session is gone: everything under way waits again; `due_now` when it has come back.
    pub fn reset(&mut self, due_now: bool) {
        let mut ids: Vec<DispatchId> = self.flying.iter().copied().collect();
        if due_now {
            ids.extend(self.deferred.iter().map(|(_, id)| *id));
        }
        for id in ids {
            let Some(mut place) = self.take_out(&id) else { continue };
            if due_now {
                place.attempts = 0;
            }
            self.make_ready(id, place);
        }
    }

    /// Everything here together.
    pub fn waiting(&self) -> Use {
        self.waiting
    }

    /// What one flow has here.
    pub fn waiting_of(&self, flow: &Flow) -> Use {
        self.flows.get(flow).copied().unwrap_or_default()
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

    /// What is under way, in id order.
    pub fn flying(&self) -> impl Iterator<Item = &DispatchId> {
        self.flying.iter()
    }

    /// Transfers under way.
    pub fn in_flight(&self) -> usize {
        self.flying.len()
    }

    /// Whether a transfer could start now.
    pub fn is_due(&self, now_mono_ms: u64, in_flight_max: usize) -> bool {
        self.flying.len() < in_flight_max
            && (self.ready.has_open(self.counts.open(in_flight_max))
                || self.next_due().is_some_and(|due| due <= now_mono_ms))
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

    fn load(class: u8) -> Load {
        let size = Use { count: 1, stored_bytes: 100, memory_bytes: 10 };
        Load { class, flow: Flow::Peer("n1.H41".parse().unwrap()), size, bulk: false }
    }

    #[test]
    fn urgent_first_yet_normal_never_starves() {
        let mut q = HopQueue::default();
        q.push(id(200), load(0));
        for n in 0..20 {
            q.push(id(n), load(3));
        }
        assert_eq!(q.waiting(), Use { count: 21, stored_bytes: 2_100, memory_bytes: 210 });
        let order: Vec<u8> = std::iter::from_fn(|| q.pop(0, 99)).map(|d| d.0[0]).collect();
        assert_eq!(order[..7], [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(order[7], 200);
        assert_eq!(order.len(), 21);
    }

    #[test]
    fn deferred_work_wakes_when_due_or_when_the_peer_returns() {
        let mut q = HopQueue::default();
        q.push(id(1), load(0));
        assert_eq!(q.pop(0, 1), Some(id(1)));
        q.push(id(2), load(0));
        assert_eq!(q.pop(0, 1), None, "window is full");
        q.defer(&id(1), 500, Code::Busy);
        assert_eq!(q.next_due(), Some(500));
        assert_eq!(q.pop(0, 1), Some(id(2)));
        q.reset(true);
        assert_eq!((q.in_flight(), q.next_due()), (0, None));
        assert_eq!(q.pop(0, 9).zip(q.pop(0, 9)), Some((id(1), id(2))));
        q.remove(&id(1));
        q.remove(&id(2));
        assert!(q.is_empty() && q.in_flight() == 0 && q.waiting() == Use::default());
    }

    #[test]
    fn a_part_of_the_window_is_kept_for_urgent_dispatches() {
        let mut q = HopQueue::default();
        for n in 0..40 {
            q.push(id(n), load(0));
        }
        assert_eq!(std::iter::from_fn(|| q.pop(0, 32)).count(), 28);
        assert!(!q.is_due(0, 32), "or the engine would look for ever");
        for n in 100..110 {
            q.push(id(n), load(1));
        }
        assert_eq!(std::iter::from_fn(|| q.pop(0, 32)).count(), 4);
        // Urgent ones that finish make room for urgent ones, normal ones for any.
        q.remove(&id(0));
        assert!(q.is_due(0, 32));
        assert_eq!(q.pop(0, 32).map(|d| d.0[0]), Some(104));
        q.defer(&id(100), 10, Code::Busy);
        q.remove(&id(1));
        let next: Vec<u8> = std::iter::from_fn(|| q.pop(5, 32)).map(|d| d.0[0]).collect();
        assert_eq!(next.len(), 2);
        assert_eq!(q.in_flight(), 32);
        assert_eq!(q.counts.ordinary, 26);
    }

    #[test]
    fn large_documents_do_not_fill_the_window() {
        let mut q = HopQueue::default();
        for n in 0..100 {
            q.push(id(n), Load { bulk: true, ..load(0) });
        }
        let started = std::iter::from_fn(|| q.pop(0, 256)).count();
        assert_eq!(started, BULK_MAX - BULK_MAX / URGENT_SHARE);
        q.push(id(200), Load { bulk: true, ..load(2) });
        q.push(id(201), load(0));
        assert_eq!(q.pop(0, 256), Some(id(200)));
        assert_eq!(q.pop(0, 256), Some(id(201)));
        assert!(!q.is_due(0, 256));
        q.reset(false);
        assert_eq!((q.in_flight(), q.counts.bulk, q.counts.ordinary_bulk), (0, 0, 0));
        assert_eq!(q.len(), 102);
    }

    #[test]
    fn what_is_tried_again_keeps_its_place() {
        let mut q = HopQueue::default();
        for n in [5, 3, 9] {
            q.push(id(n), load(0));
        }
        assert_eq!(q.pop(0, 9), Some(id(5)));
        q.defer(&id(5), 100, Code::Busy);
        let order: Vec<u8> = std::iter::from_fn(|| q.pop(200, 9)).map(|d| d.0[0]).collect();
        assert_eq!(order, [5, 3, 9]);
    }
}
