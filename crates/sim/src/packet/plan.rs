//! What happens in one schedule: nodes, dispatches, faults. Drawn from a seed, or written by a test.

use std::sync::Arc;

use tram_dispatch::NodeId;
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_transport::TransportLimits;

use super::country::{Country, node, tree};
use super::weather::Weather;
use crate::dice::Dice;
use crate::plant::Plant;

/// One schedule.
pub struct Plan {
    /// All chance comes from it.
    pub seed: u64,
    /// Where the nodes are from.
    pub country: &'static Country,
    /// The nodes that run.
    pub nodes: Vec<NodeId>,
    /// Who is to have a session with whom.
    pub links: Vec<Link>,
    /// Of every node's transport.
    pub limits: TransportLimits,
    /// What is handed in.
    pub orders: Vec<Order>,
    /// What befalls nodes and links, by time in milliseconds, ascending.
    pub events: Vec<(u64, Event)>,
    /// Then every fault ends.
    pub faults_end_ms: u64,
    /// A bug planted in every node; of all there are, [`Plant::AnswerBeforeSync`] only.
    pub plant: Option<Plant>,
}

/// Two nodes that are to have a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The lower node, which dials.
    pub below: NodeId,
    /// The upper node.
    pub above: NodeId,
    /// The other one dials too.
    pub both_dial: bool,
}

/// A dispatch to be handed in.
#[derive(Clone, Debug)]
pub struct Order {
    /// When.
    pub at_ms: u64,
    /// By the agency of this node.
    pub from: NodeId,
    /// For the agencies of these.
    pub to: Vec<NodeId>,
    /// Their bytes.
    pub documents: Vec<Arc<[u8]>>,
    /// The clerks refuse it.
    pub refused: bool,
}

/// A fault, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// What one direction is like from now on.
    Weather(NodeId, NodeId, Weather),
    /// Nothing passes in this direction any more, or everything again.
    Cut(NodeId, NodeId, bool),
    /// Longer datagrams vanish, both ways.
    BlackHole(NodeId, NodeId, u32),
    /// The power of a node is cut; if a batch is on its way to the disk, perhaps in the middle of it.
    Kill(NodeId, bool),
    /// It starts again.
    Start(NodeId),
    /// From now on a sync takes up to so many milliseconds there.
    Sync(NodeId, u64),
}

/// What a sync takes on an ordinary disk.
pub const SYNC_MS: u64 = 4;

/// Parts of the tree that a schedule may run, by agency.
const SHAPES: [&[&str]; 5] = [
    &["H41.12", "H41.12.03"],
    &["H41.12", "H41.12.03", "H41.12.04"],
    &["H41", "H41.12", "H41.12.03"],
    &["H41", "H41.12", "H41.12.03", "H41.12.04"],
    &["G22", "H41", "H41.12", "H41.12.03"],
];

impl Plan {
    /// These nodes of a country, at rest: no dispatch, no fault. Links are those of the tree.
    #[must_use]
    pub fn calm(seed: u64, country: &'static Country, nodes: Vec<NodeId>) -> Self {
        let parent = |n: &NodeId| country.member(n).parent.clone().filter(|p| nodes.contains(p));
        let links = nodes
            .iter()
            .filter_map(|n| Some(Link { below: n.clone(), above: parent(n)?, both_dial: false }))
            .collect();
        Plan {
            seed,
            country,
            links,
            nodes,
            limits: limits(),
            orders: Vec::new(),
            events: Vec::new(),
            faults_end_ms: 0,
            plant: None,
        }
    }

    /// The schedule of a seed.
    #[must_use]
    pub fn drawn(seed: u64) -> Self {
        let mut dice = Dice::of(seed, "packet plan", 0);
        let shape = SHAPES[dice.place(SHAPES.len())];
        let nodes: Vec<NodeId> = shape.iter().map(|a| node(a)).collect();
        let mut plan = Plan::calm(seed, tree(), nodes);
        for link in &mut plan.links {
            link.both_dial = dice.percent(40);
        }
        if dice.percent(25) {
            // So few that one stream not given back shows soon.
            plan.limits.bidi_streams_max = 3;
        }
        plan.faults_end_ms = dice.between(4_000, 25_000);
        for _ in 0..dice.between(2, 5) {
            let order = plan.order(&mut dice);
            plan.orders.push(order);
        }
        plan.draw_weather(&mut dice);
        plan.draw_cuts(&mut dice);
        plan.draw_kills(&mut dice);
        if dice.percent(25) {
            let (slow, from) = (dice.pick(&plan.nodes), dice.below(plan.faults_end_ms));
            plan.events.push((from, Event::Sync(slow, dice.between(200, 4_000))));
        }
        plan.sort();
        plan
    }

    fn order(&self, dice: &mut Dice) -> Order {
        let from = dice.pick(&self.nodes);
        let others: Vec<NodeId> = self.nodes.iter().filter(|n| **n != from).cloned().collect();
        let mut to: Vec<NodeId> = (0..dice.between(1, 3)).map(|_| dice.pick(&others)).collect();
        to.sort();
        to.dedup();
        let documents = (0..dice.between(1, 3)).map(|_| document(dice)).collect();
        let at_ms = dice.below(self.faults_end_ms);
        Order { at_ms, from, to, documents, refused: dice.percent(20) }
    }

    fn draw_weather(&mut self, dice: &mut Dice) {
        for (a, b) in self.ways() {
            if dice.percent(15) {
                continue;
            }
            let least = dice.between(1, 40) as u32;
            let jitter = if dice.percent(10) { 400 } else { 60 };
            let weather = Weather {
                loss_ppm: (dice.below(160_000) * dice.below(2)) as u32,
                duplicate_ppm: (dice.below(60_000) * dice.below(2)) as u32,
                corrupt_ppm: (dice.below(20_000) * dice.below(2)) as u32,
                delay_ms_min: least,
                delay_ms_max: least + dice.below(jitter) as u32,
                rate_bytes_per_s: dice.percent(15).then(|| dice.between(20_000, 300_000) as u32),
                ..Weather::calm()
            };
            self.events.push((0, Event::Weather(a, b, weather)));
        }
        if dice.percent(20) {
            let link = dice.pick(&self.links);
            let (at, bytes) = (dice.below(self.faults_end_ms), dice.between(1200, 1500));
            self.events.push((at, Event::BlackHole(link.below, link.above, bytes as u32)));
        }
    }

    fn draw_cuts(&mut self, dice: &mut Dice) {
        for _ in 0..dice.below(3) {
            let (from, to) = dice.pick(&self.ways());
            let one_way = dice.percent(40);
            let begins = dice.below(self.faults_end_ms);
            // Some longer than the idle timeout.
            let lasts = if dice.percent(10) { 90_000 } else { 8_000 };
            let ends = begins + dice.between(100, lasts);
            self.cut(begins, ends, &from, &to);
            if !one_way {
                self.cut(begins, ends, &to, &from);
            }
        }
        if dice.percent(20) {
            let link = dice.pick(&self.links);
            let (mut at, end) = (dice.below(5_000), self.faults_end_ms);
            while at < end {
                let up_again = at + dice.between(100, 1_500);
                self.cut(at, up_again, &link.below, &link.above);
                self.cut(at, up_again, &link.above, &link.below);
                at = up_again + dice.between(50, 3_000);
            }
        }
    }

    fn draw_kills(&mut self, dice: &mut Dice) {
        for _ in 0..dice.below(4) {
            let (who, at) = (dice.pick(&self.nodes), dice.below(self.faults_end_ms));
            self.kill(at, at + dice.between(50, 6_000), &who, dice.percent(60));
        }
    }

    /// Puts the events in order; call it after adding some.
    pub fn sort(&mut self) {
        self.events.sort_by_key(|(at, _)| *at);
    }

    /// Cuts one direction for a time.
    pub fn cut(&mut self, from_ms: u64, to_ms: u64, from: &NodeId, to: &NodeId) {
        self.events.push((from_ms, Event::Cut(from.clone(), to.clone(), true)));
        self.events.push((to_ms, Event::Cut(from.clone(), to.clone(), false)));
        self.faults_end_ms = self.faults_end_ms.max(to_ms);
    }

    /// Cuts the power of a node for a time.
    pub fn kill(&mut self, from_ms: u64, to_ms: u64, who: &NodeId, torn: bool) {
        self.events.push((from_ms, Event::Kill(who.clone(), torn)));
        self.events.push((to_ms, Event::Start(who.clone())));
        self.faults_end_ms = self.faults_end_ms.max(to_ms);
    }

    /// Both directions of every link.
    fn ways(&self) -> Vec<(NodeId, NodeId)> {
        let both =
            |l: &Link| [(l.below.clone(), l.above.clone()), (l.above.clone(), l.below.clone())];
        self.links.iter().flat_map(both).collect()
    }
}

/// The daemon's own limits.
#[must_use]
pub fn limits() -> TransportLimits {
    TransportLimits { frame_bytes_max: FRAME_BYTES_MAX as u32, ..TransportLimits::default() }
}

/// Small ones mostly; one in ten is too large to ride along, and is taken by range.
fn document(dice: &mut Dice) -> Arc<[u8]> {
    let len_bytes = match dice.below(10) {
        0 => dice.between(66_000, 300_000),
        1 | 2 => dice.between(8_000, 60_000),
        _ => dice.between(1, 8_000),
    };
    content(dice, len_bytes as usize)
}

/// So many bytes that nobody else has.
#[must_use]
pub fn content(dice: &mut Dice, len_bytes: usize) -> Arc<[u8]> {
    let mut bytes = Vec::with_capacity(len_bytes + 8);
    while bytes.len() < len_bytes {
        bytes.extend_from_slice(&dice.number().to_be_bytes());
    }
    bytes.truncate(len_bytes);
    bytes.into()
}
