//! The order in which work toward one peer is given, under any mixture of it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tram_dispatch::{Code, DispatchId};
use tram_engine::quota::Use;
use tram_engine::state::lanes::Flow;
use tram_engine::state::queue::{HopQueue, Load};

#[derive(Clone, Debug)]
enum Step {
    Push { flow: u8, class: u8, bytes: u32, bulk: bool },
    Pop,
    Answered(bool),
    Reset(bool),
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u8..6, 0u8..4, 0u32..300_000, any::<bool>())
            .prop_map(|(flow, class, bytes, bulk)| Step::Push { flow, class, bytes, bulk }),
        8 => Just(Step::Pop),
        4 => any::<bool>().prop_map(Step::Answered),
        1 => any::<bool>().prop_map(Step::Reset),
        2 => (0u16..3_000).prop_map(Step::Wait),
    ]
}

fn flow(n: u8) -> Flow {
    Flow::Agency(format!("H{:02}", n + 10).parse().unwrap())
}

fn id(n: u32) -> DispatchId {
    let mut bytes = [0; 32];
    // Ids are digests: their order says nothing.
    bytes[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
    bytes[4..8].copy_from_slice(&n.to_be_bytes());
    DispatchId(bytes)
}

fn load(n: u8, class: u8, stored_bytes: u64, bulk: bool) -> Load {
    let size = Use { count: 1, stored_bytes, memory_bytes: stored_bytes / 2 };
    Load { class, flow: flow(n), size, bulk }
}

const WINDOW: usize = 24;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Nothing is lost or given twice at a time, the window is kept, and the queue counts itself.
    #[test]
    fn every_dispatch_is_given_until_it_is_answered(steps in prop::collection::vec(step(), 1..300)) {
        let mut queue = HopQueue::default();
        let (mut known, mut flying) = (BTreeMap::new(), BTreeSet::new());
        let (mut next, mut now) = (0u32, 0u64);
        for step in steps {
            match step {
                Step::Push { flow, class, bytes, bulk } => {
                    next += 1;
                    queue.push(id(next), load(flow, class, bytes.into(), bulk));
                    known.insert(id(next), u64::from(bytes));
                }
                Step::Pop => {
                    let due = queue.is_due(now, WINDOW);
                    let given = queue.pop(now, WINDOW);
                    // What is only deferred may be of a kind whose part of the window is full.
                    prop_assert!(due || given.is_none());
                    if let Some(given) = given {
                        prop_assert!(known.contains_key(&given) && flying.insert(given));
                    }
                    prop_assert!(flying.len() <= WINDOW);
                }
                Step::Answered(settled) => {
                    let Some(first) = flying.pop_first() else { continue };
                    if settled {
                        queue.remove(&first);
                        known.remove(&first);
                    } else {
                        queue.defer(&first, now + 1_000, Code::Busy);
                    }
                }
                Step::Reset(due) => {
                    queue.reset(due);
                    flying.clear();
                }
                Step::Wait(ms) => now += u64::from(ms),
            }
            let bytes: u64 = known.values().sum();
            prop_assert_eq!(queue.waiting().count, known.len() as u64);
            prop_assert_eq!(queue.waiting().stored_bytes, bytes);
            prop_assert_eq!(queue.in_flight(), flying.len());
        }
        // Whatever happened, all of it goes out in the end.
        queue.reset(true);
        let mut last = BTreeSet::new();
        while let Some(given) = queue.pop(now, WINDOW) {
            prop_assert!(last.insert(given));
            queue.remove(&given);
        }
        prop_assert_eq!(last, known.into_keys().collect::<BTreeSet<_>>());
        prop_assert!(queue.is_empty() && queue.waiting() == Use::default());
    }

    /// Two originators with much to send get the same share of the link, however unlike the sizes.
    #[test]
    fn originators_share_by_what_their_dispatches_cost(sizes in prop::array::uniform3(0u64..1_000_000)) {
        let mut queue = HopQueue::default();
        let cost = |n: usize| sizes[n] + (16 << 10);
        let most = (0..3).map(cost).max().unwrap();
        let mut n = 0;
        for (flow, size) in sizes.iter().enumerate() {
            for _ in 0..400 {
                n += 1;
                queue.push(id(n), load(flow as u8, 0, *size, false));
            }
        }
        let flow_of = |given: DispatchId| {
            let n = u32::from_be_bytes([given.0[4], given.0[5], given.0[6], given.0[7]]);
            (n - 1) as usize / 400
        };
        let (mut served, mut left) = ([0u64; 3], [400; 3]);
        while left.iter().all(|l| *l > 0) {
            let given = queue.pop(0, WINDOW).unwrap();
            queue.remove(&given);
            let flow = flow_of(given);
            (served[flow], left[flow]) = (served[flow] + cost(flow), left[flow] - 1);
            let spread = served.iter().max().unwrap() - served.iter().min().unwrap();
            prop_assert!(spread <= 2 * most, "{:?} of {:?}", served, sizes);
        }
    }
}
