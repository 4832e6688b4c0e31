//! The promises, held against what the nodes have.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use tram_dispatch::{DispatchId, Event, NodeId};
use tram_spool::store::{PAGE_MAX, ReceiptQuery};
use tram_wire::Receipt;

use super::driver::Process;
use super::model::Promise;
use super::world::World;

/// Ends of a leg toward its recipient.
const CLERKS: [Event; 2] = [Event::ConsignmentAcceptance, Event::ConsignmentRejection];
/// What no leg of these schedules ends with: every recipient exists and comes back.
const NEVER: [Event; 6] = [
    Event::SubmissionRejection,
    Event::RelayRejection,
    Event::RelayFailure,
    Event::ContentConsignmentFailure,
    Event::ContentHandoverFailure,
    Event::AcceptanceRejectionExpiry,
];

/// What is left to do somewhere, in words; `None` when all is at rest.
pub(super) fn restless(world: &World) -> Option<String> {
    for node in &world.plan.nodes {
        let Some(process) = world.process(node) else { return Some(format!("{node} is down")) };
        if let Some(why) = process.failure() {
            world.model().violate(format!("{node} failed: {why}"));
            return None;
        }
        for peer in process.core.look(|engine, _| engine.peers()).unwrap_or_default() {
            if (peer.queued, peer.in_flight, peer.receipts_owed) != (0, 0, 0) {
                return Some(format!("{node} has work for its peer: {peer:?}"));
            }
        }
    }
    for link in &world.plan.links {
        for (a, b) in [(&link.below, &link.above), (&link.above, &link.below)] {
            if world.process(a).is_none_or(|p| p.session(b).is_none()) {
                return Some(format!("{a} has no session with {b}"));
            }
        }
    }
    let promises = world.model().promises();
    if promises.len() < world.plan.orders.len() {
        let (here, all) = (promises.len(), world.plan.orders.len());
        return Some(format!("{here} of {all} orders are acknowledged"));
    }
    for Promise { id, order, .. } in promises {
        let order = &world.plan.orders[order];
        let process = world.process(&order.from)?;
        let held = process.core.look(|engine, view| engine.find(&id, view).ok().flatten());
        let Some(held) = held.flatten() else { return Some(format!("{id} is unknown")) };
        let wanted = if order.refused { "refused_by_recipient" } else { "registered" };
        for (recipient, leg) in &held.legs {
            if leg.word() != wanted {
                return Some(format!("{id} toward {recipient} is {}", leg.word()));
            }
        }
    }
    None
}

/// Judges a schedule that is over.
pub(super) fn at_the_end(world: &World) {
    for node in &world.plan.nodes {
        if let Some(process) = world.process(node) {
            for (what, found, wanted) in left(world, &process) {
                let mut model = world.model();
                model.verdict.leaked += 1;
                model.violate(format!("{node} has {found} {what} instead of {wanted}"));
            }
        }
    }
    let promises = world.model().promises();
    promises.iter().for_each(|promise| kept(world, promise));
    let ids: Vec<DispatchId> = promises.iter().map(|p| p.id).collect();
    one_history_each(world, &ids);
}

/// Whether a node has more open than it should.
pub(super) fn is_anything_left(world: &World) -> bool {
    let nodes = world.plan.nodes.iter();
    nodes.filter_map(|n| world.process(n)).any(|p| !left(world, &p).is_empty())
}

/// One session for each link, and nothing else open: what differs, as (what, found, wanted).
fn left(world: &World, process: &Process) -> Vec<(&'static str, usize, usize)> {
    let degree = world.degree(&process.me);
    let count = |n: &std::sync::atomic::AtomicUsize| n.load(Ordering::Relaxed);
    let stats = process.endpoint.stats();
    let mut counts = vec![
        ("sessions", process.sessions_up(), degree),
        ("sessions running", count(&process.busy.sessions), degree),
        ("sessions of the endpoint", stats.sessions, degree),
        ("connections", stats.connections, degree),
        ("transfers given", count(&process.busy.given), 0),
        ("transfers taken", count(&process.busy.taken), 0),
    ];
    counts.retain(|(_, found, wanted)| found != wanted);
    counts
}

/// Everything promised about one acknowledged dispatch.
fn kept(world: &World, promise: &Promise) {
    let (id, order) = (promise.id, &world.plan.orders[promise.order]);
    let country = world.plan.country;
    let at_first = receipts_at(world, &order.from, id);
    for raw in &promise.receipts {
        if !at_first.iter().any(|(_, kept)| kept[..] == raw[..]) {
            let mut model = world.model();
            model.verdict.lost += 1;
            model.violate(format!("a receipt given for {id} is not in the store any more"));
        }
    }
    for (event, _) in at_first.iter().map(|(e, raw)| (e.0, raw)) {
        if NEVER.contains(&event) {
            world.model().violate(format!("{id} met {}", event.name()));
        }
    }
    for host in &order.to {
        let agency = &country.member(host).agency;
        let about = |events: &[Event], of: &[(Said, Vec<u8>)]| {
            of.iter()
                .filter(|((e, by, to), _)| {
                    events.contains(e) && by == host && to.as_ref() == Some(agency)
                })
                .count()
        };
        let at_last = receipts_at(world, host, id);
        for events in [&[Event::ContentConsignment][..], &[Event::ContentHandover], &CLERKS] {
            let (here, there) = (about(events, &at_first), about(events, &at_last));
            let mut model = world.model();
            if here == 0 || there == 0 {
                model.verdict.lost += 1;
                let name = events[0].name();
                model.violate(format!("{id} toward {agency}: no {name} ({here}, {there})"));
            }
            if here > 1 || there > 1 {
                model.verdict.duplicated += 1;
                let name = events[0].name();
                model.violate(format!("{id} toward {agency}: {here} and {there} {name}"));
            }
        }
    }
}

/// Who says what of whom.
type Said = (Event, NodeId, Option<tram_dispatch::AgencyCode>);

/// The receipts a node has of a dispatch; each is verified as an auditor would.
fn receipts_at(world: &World, node: &NodeId, id: DispatchId) -> Vec<(Said, Vec<u8>)> {
    let Some(process) = world.process(node) else { return Vec::new() };
    let query = ReceiptQuery { dispatch: Some(id), limit: PAGE_MAX, ..ReceiptQuery::default() };
    let page = process.core.look(|_, reader| reader.receipts(&query));
    let items = match page {
        Some(Ok(page)) => page.items,
        Some(Err(e)) => {
            world.model().violate(format!("receipts of {id} at {node}: {}", e.explain()));
            return Vec::new();
        }
        None => return Vec::new(),
    };
    let mut said = Vec::new();
    for item in items {
        let e = &item.evidence;
        said.push(((e.event, e.node.clone(), e.recipient.clone()), item.raw.to_vec()));
        let country = world.plan.country;
        let verified = Receipt::parse(&item.raw).map_err(|e| e.to_string()).and_then(|r| {
            tram_trust::receipt::verify_offline(country.root(), &country.directory, r)
                .map_err(|e| e.to_string())
        });
        if let Err(why) = verified {
            let mut model = world.model();
            model.verdict.unverifiable += 1;
            model.violate(format!("a receipt of {id} at {node} does not verify: {why}"));
        }
    }
    said
}

/// No node signed two different roots of one size, whoever has the receipts.
fn one_history_each(world: &World, ids: &[DispatchId]) {
    let mut roots = BTreeMap::new();
    for id in ids {
        for node in &world.plan.nodes {
            for (_, raw) in receipts_at(world, node, *id) {
                let Ok(receipt) = Receipt::parse(&raw) else { continue };
                let root = receipt.signed_root();
                let first = roots
                    .entry((root.node.clone(), root.epoch, root.size))
                    .or_insert((root.root, root.time));
                if *first != (root.root, root.time) {
                    let (who, size) = (&root.node, root.size);
                    world.model().violate(format!("{who} signed two roots of size {size}"));
                }
            }
        }
    }
}
