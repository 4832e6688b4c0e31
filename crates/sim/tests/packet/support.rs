//! Plans written by hand.

use std::sync::Arc;

use tram_dispatch::NodeId;
use tram_sim::dice::Dice;
use tram_sim::packet::country::{node, tree};
use tram_sim::packet::plan::{Order, Plan, content};
use tram_sim::packet::world::World;

pub(crate) const DISTRICT: &str = "H41.12";
pub(crate) const COMMUNE: &str = "H41.12.03";

/// District and commune, with no faults; the commune dials.
pub(crate) fn pair() -> Plan {
    Plan::calm(7, tree(), vec![node(DISTRICT), node(COMMUNE)])
}

pub(crate) fn ends() -> (NodeId, NodeId) {
    (node(DISTRICT), node(COMMUNE))
}

/// A dispatch of one document.
pub(crate) fn order(at_ms: u64, from: &NodeId, to: &NodeId, len_bytes: usize) -> Order {
    let documents = vec![content(&mut Dice::of(at_ms, from.as_str(), 0), len_bytes)];
    Order { at_ms, from: from.clone(), to: vec![to.clone()], documents, refused: false }
}

/// Runs a plan to its end; everything that must hold held.
pub(crate) async fn run(mut plan: Plan) -> Arc<World> {
    plan.sort();
    let orders = plan.orders.len();
    let world = World::start(plan, true);
    world.run().await;
    let found = world.violations();
    assert!(found.is_empty(), "{found:#?}\n{}", tail(&world));
    assert_eq!(world.acknowledgements(), orders);
    world
}

/// The end of the trace, for a test that failed.
pub(crate) fn tail(world: &World) -> String {
    let trace = world.fabric().take_trace();
    trace[trace.len().saturating_sub(60)..].join("\n")
}
