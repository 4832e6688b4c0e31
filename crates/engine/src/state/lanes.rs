//! Fair shares among what is due toward one peer.
//!
//! Urgent classes go first, but every so often the class that waited longest has its turn. Within a
//! class, flows (originators at the first node, previous peers at a relay) share by what they cost,
//! by start-time fair queueing (Goyal, Vin and Cheng, 1996): each flow has a virtual start, the least
//! goes first, and what it cost moves its start on. Every operation is logarithmic.

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::{AgencyCode, DispatchId, NodeId};

use super::held::HeldDispatch;

/// Urgency classes, 0 normal to 3 flash.
pub(super) const CLASSES: usize = 4;
/// Every n-th pick is the turn of the class that waited longest.
const FAIR_PICK: u64 = 8;

/// Who shares with whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// An originator, at its first node.
    Agency(AgencyCode),
    /// A peer, at a relay.
    Peer(NodeId),
}

impl Flow {
    /// The flow of a held dispatch: at its first node it shares with other originators, at a relay
    /// with other peers, for those behind one peer shared there already.
    pub fn of(held: &HeldDispatch) -> Self {
        match held.upstreams.first() {
            Some(peer) => Flow::Peer(peer.clone()),
            None => Flow::Agency(held.dispatch.envelope().originator.clone()),
        }
    }
}

/// What is due, by urgency class, apart for what needs a bulk stream and what does not.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    classes: [Class; CLASSES],
    picks: u64,
}

#[derive(Debug, Default)]
struct Class {
    small: Lane,
    bulk: Lane,
    /// Whose turn it is where both have work.
    bulk_next: bool,
    /// The pick that was served last.
    served: u64,
}

/// The flows of one class.
#[derive(Debug, Default)]
struct Lane {
    flows: BTreeMap<Flow, Waiting>,
    /// Flows with work, by virtual start.
    turns: BTreeSet<(u128, Flow)>,
    /// Flows without work whose start lies ahead: they do not gain by pausing.
    resting: BTreeSet<(u128, Flow)>,
    /// Virtual start of what was served last.
    at: u128,
}

#[derive(Debug, Default)]
struct Waiting {
    start: u128,
    /// By order of arrival: what, and what it costs.
    work: BTreeMap<u64, (DispatchId, u64)>,
}

/// What a lane may give now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    /// Per class: anything at all.
    pub small: [bool; CLASSES],
    /// Per class: what needs a bulk stream.
    pub bulk: [bool; CLASSES],
}

impl Lanes {
    pub(super) fn push(
        &mut self,
        (class, bulk): (u8, bool),
        flow: Flow,
        serial: u64,
        id: DispatchId,
        cost: u64,
    ) {
        self.lane(class, bulk).push(flow, serial, id, cost);
    }

    pub(super) fn remove(&mut self, (class, bulk): (u8, bool), flow: &Flow, serial: u64) {
        self.lane(class, bulk).remove(flow, serial);
    }

    /// The next in turn.
    pub(super) fn pop(&mut self, open: Open) -> Option<DispatchId> {
        let able: Vec<usize> = (0..CLASSES).rev().filter(|c| self.able(*c, open)).collect();
        let first = *able.first()?;
        self.picks += 1;
        let class = match self.picks.is_multiple_of(FAIR_PICK) {
            true => able.into_iter().min_by_key(|c| self.classes[*c].served).unwrap_or(first),
            false => first,
        };
        let lanes = &mut self.classes[class];
        lanes.served = self.picks;
        let small = open.small[class] && !lanes.small.turns.is_empty();
        let bulk = open.bulk[class] && !lanes.bulk.turns.is_empty();
        let take_bulk = bulk && (lanes.bulk_next || !small);
        lanes.bulk_next = !take_bulk;
        if take_bulk { lanes.bulk.pop() } else { lanes.small.pop() }
    }

    /// Whether [`Lanes::pop`] would give something.
    pub(super) fn has_open(&self, open: Open) -> bool {
        (0..CLASSES).any(|c| self.able(c, open))
    }

    fn able(&self, class: usize, open: Open) -> bool {
        let lanes = &self.classes[class];
        (open.small[class] && !lanes.small.turns.is_empty())
            || (open.bulk[class] && !lanes.bulk.turns.is_empty())
    }

    fn lane(&mut self, class: u8, bulk: bool) -> &mut Lane {
        let lanes = &mut self.classes[usize::from(class).min(CLASSES - 1)];
        if bulk { &mut lanes.bulk } else { &mut lanes.small }
    }
}

impl Lane {
    fn push(&mut self, flow: Flow, serial: u64, id: DispatchId, cost: u64) {
        let waiting = self.flows.entry(flow.clone()).or_default();
        if waiting.work.is_empty() {
            self.resting.remove(&(waiting.start, flow.clone()));
            waiting.start = waiting.start.max(self.at);
            self.turns.insert((waiting.start, flow));
        }
        waiting.work.insert(serial, (id, cost));
    }

    fn remove(&mut self, flow: &Flow, serial: u64) {
        let Some(waiting) = self.flows.get_mut(flow) else { return };
        if waiting.work.remove(&serial).is_some() && waiting.work.is_empty() {
            let turn = (waiting.start, flow.clone());
            self.turns.remove(&turn);
            self.rest(turn);
        }
    }

    fn pop(&mut self) -> Option<DispatchId> {
        let (start, flow) = self.turns.pop_first()?;
        self.at = self.at.max(start);
        let waiting = self.flows.get_mut(&flow)?;
        let (_, (id, cost)) = waiting.work.pop_first()?;
        waiting.start = start + u128::from(cost);
        let turn = (waiting.start, flow);
        if waiting.work.is_empty() {
            self.rest(turn);
        } else {
            self.turns.insert(turn);
        }
        Some(id)
    }

    /// A flow has no work left. It is forgotten once its pause costs it nothing.
    fn rest(&mut self, turn: (u128, Flow)) {
        self.resting.insert(turn);
        if self.turns.is_empty() {
            *self = Lane::default();
        }
        while let Some((start, flow)) = self.resting.first()
            && *start <= self.at
        {
            self.flows.remove(flow);
            self.resting.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Open = Open { small: [true; CLASSES], bulk: [true; CLASSES] };

    fn flow(n: u32) -> Flow {
        Flow::Agency(format!("H{:02}", n + 10).parse().unwrap())
    }

    fn id(flow: u32, n: u32) -> DispatchId {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&flow.to_be_bytes());
        bytes[4..8].copy_from_slice(&n.to_be_bytes());
        DispatchId(bytes)
    }

    fn flow_of(id: DispatchId) -> u32 {
        u32::from_be_bytes([id.0[0], id.0[1], id.0[2], id.0[3]])
    }

    #[test]
    fn a_flow_with_much_work_waits_its_turn_like_all_others() {
        let mut lanes = Lanes::default();
        for n in 0..1_000 {
            lanes.push((0, false), flow(0), n.into(), id(0, n), 10);
        }
        for f in 1..21 {
            lanes.push((0, false), flow(f), (5_000 + f).into(), id(f, 0), 10);
        }
        let first: BTreeSet<u32> = (0..21).map(|_| flow_of(lanes.pop(ALL).unwrap())).collect();
        assert_eq!(first.len(), 21, "each flow once in the first round");
        assert!((0..999).all(|_| flow_of(lanes.pop(ALL).unwrap()) == 0));
        assert_eq!(lanes.pop(ALL), None);
    }

    #[test]
    fn shares_are_of_what_work_costs_and_pausing_gains_nothing() {
        let mut lanes = Lanes::default();
        let (mut serial, mut served) = (0, [0u64; 2]);
        for n in 0..2_000 {
            lanes.push((0, false), flow(0), n, id(0, n as u32), 100);
        }
        // The other flow never has more than one, ten times as dear.
        for n in 0..800 {
            if n % 3 == 0 {
                serial += 1;
                lanes.push((0, false), flow(1), 10_000 + serial, id(1, serial as u32), 1_000);
            }
            let f = flow_of(lanes.pop(ALL).unwrap()) as usize;
            served[f] += [100, 1_000][f];
        }
        let (most, least) = (served[0].max(served[1]), served[0].min(served[1]));
        assert!(most - least <= 3_000, "{served:?}");
    }

    #[test]
    fn every_class_with_work_has_its_turn() {
        let mut lanes = Lanes::default();
        for class in 0..4u8 {
            for n in 0..500 {
                lanes.push((class, false), flow(0), n.into(), id(class.into(), n), 1);
            }
        }
        let order: Vec<u32> = (0..400).map(|_| flow_of(lanes.pop(ALL).unwrap())).collect();
        for (n, window) in order.windows(32).enumerate() {
            let classes: BTreeSet<&u32> = window.iter().collect();
            assert_eq!(classes.len(), 4, "from pick {n}: {window:?}");
            assert!(window.iter().filter(|c| **c == 3).count() >= 28);
        }
    }

    #[test]
    fn bulk_work_never_holds_up_small_work() {
        let mut lanes = Lanes::default();
        for n in 0..10 {
            lanes.push((0, true), flow(0), n.into(), id(7, n), 1_000_000);
            lanes.push((0, false), flow(0), (100 + n).into(), id(8, n), 1);
        }
        let closed = Open { bulk: [false; CLASSES], ..ALL };
        assert!((0..5).all(|_| flow_of(lanes.pop(closed).unwrap()) == 8));
        let turns: Vec<u32> = (0..10).map(|_| flow_of(lanes.pop(ALL).unwrap())).collect();
        assert_eq!(turns.iter().filter(|f| **f == 8).count(), 5, "they take turns: {turns:?}");
        assert!(!lanes.has_open(closed) && lanes.has_open(ALL));
    }

    #[test]
    fn nothing_is_remembered_of_flows_that_went_away() {
        let mut lanes = Lanes::default();
        for n in 0..50 {
            lanes.push((1, false), flow(n), n.into(), id(n, 0), 5);
        }
        lanes.remove((1, false), &flow(3), 3);
        assert_eq!((0..49).filter_map(|_| lanes.pop(ALL)).count(), 49);
        let lane = &lanes.classes[1].small;
        assert!(lane.flows.is_empty() && lane.turns.is_empty() && lane.resting.is_empty());
    }
}
