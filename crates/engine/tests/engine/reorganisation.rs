//! 1 July 2025 in full: 63 provinces become 34, districts are no more, 10,035 communes become 3,321, while
//! dispatches are under way between nodes of a drawn part of that country. One node after the other learns
//! of it, in a drawn order and at drawn moments.
#![allow(clippy::print_stdout, reason = "tells the counts of the rehearsal")]

mod checks;

use std::collections::BTreeMap;

use tram_crypto::SeededEntropy;
use tram_dispatch::{AgencyCode, DispatchId, NodeId};
use tram_engine::{Input, Token};
use tram_trust::fixtures::country::node_of;

use crate::support::country::{Country, Part, below, drawn};
use crate::support::net::net;
use crate::support::world::World;

/// When something was sent: before the first node learned, before the last did, or after.
#[derive(Clone, Copy, PartialEq)]
enum When {
    Before,
    During,
    After,
}

struct Sent {
    at: NodeId,
    to: Vec<AgencyCode>,
    when: When,
    token: Token,
}

/// How much is sent.
struct Traffic {
    /// Dispatches before, and as many after.
    each: usize,
    /// At each node that learns.
    between: usize,
    /// Recipients of each.
    recipients: usize,
}

#[derive(Debug, Default)]
struct Counts {
    dispatches: usize,
    /// Before, during, after.
    legs: [usize; 3],
    /// Of them to codes that close.
    to_old_codes: [usize; 3],
    /// Ended at another node than the one that had the agency, by the tier of the recipient.
    followed: BTreeMap<u8, usize>,
    /// Of them sent before any node knew of it.
    turned_on_the_way: usize,
    /// Old codes by which a clerk said something.
    clerks: usize,
    refused_senders: usize,
}

struct Rehearsal {
    country: Country,
    world: World,
    random: SeededEntropy,
    sent: BTreeMap<DispatchId, Sent>,
    counts: Counts,
}

impl Rehearsal {
    fn new(part: Part, seed: u64) -> Self {
        let mut random = SeededEntropy::from_u64(seed);
        let country = Country::new(part, &mut random);
        let world = country.world();
        let (sent, counts) = Default::default();
        Rehearsal { country, world, random, sent, counts }
    }

    fn knows(&self, at: &NodeId) -> bool {
        self.world.nodes[at].directory.digest() == self.country.after.digest()
    }

    /// Whether a node takes what this agency sends.
    fn speaks_at(&self, agency: &AgencyCode, at: &NodeId) -> bool {
        let directory = &self.world.nodes[at].directory;
        directory.agency(agency).is_some_and(|a| a.open && a.node.as_ref() == Some(at))
    }

    /// One dispatch of an agency that may send, to drawn others.
    fn send(&mut self, when: When, recipients: usize) {
        let (from, at) = loop {
            let all = &self.country.agencies;
            let from = all[below(&mut self.random, all.len())].clone();
            let hosts = self.country.hosts(&from);
            // Who moves may be taken at both places for a while, or at neither.
            let at = hosts[below(&mut self.random, 2)].clone();
            if self.speaks_at(&from, &at) {
                break (from, at);
            }
        };
        let others = self.country.agencies.iter().filter(|to| **to != from).cloned().collect();
        let to = drawn(&mut self.random, others, recipients);
        let named: Vec<&str> = to.iter().map(AgencyCode::as_str).collect();
        let reference = format!("{}/QD", self.sent.len());
        let envelope = net().envelope(from.as_str(), &named, &reference);
        let dispatch = self.country.dispatch(&envelope, self.knows(&at));
        let token = self.world.submit(at.agency().as_str(), &dispatch);
        self.sent.insert(dispatch.id(), Sent { at, to, when, token });
    }

    /// Commits everywhere, then lets a drawn number of messages arrive: links in any order, each in its own.
    fn flow(&mut self) {
        for id in self.world.nodes.keys().cloned().collect::<Vec<_>>() {
            self.world.commit(&id);
        }
        for _ in 0..below(&mut self.random, self.world.mail.len() + 1) {
            let mail = &mut self.world.mail;
            let one = &mail[below(&mut self.random, mail.len())];
            let of_link = mail.iter().position(|m| (&m.from, &m.to) == (&one.from, &one.to));
            let first = mail.remove(of_link.unwrap());
            self.world.deliver(first);
        }
    }

    fn learns(&mut self, office: &AgencyCode, traffic: &Traffic) {
        let after = self.country.after.clone();
        self.world.handle(office.as_str(), Input::Directory(after));
        for _ in 0..traffic.between {
            self.send(When::During, traffic.recipients);
        }
        for _ in 0..below(&mut self.random, 3) {
            self.flow();
        }
    }

    fn run(&mut self, traffic: &Traffic) {
        for _ in 0..traffic.each {
            self.send(When::Before, traffic.recipients);
        }
        for _ in 0..below(&mut self.random, 6) {
            self.flow();
        }
        // Some are cut off meanwhile: they go on taking what is sent at their end.
        let offices = drawn(&mut self.random, self.country.offices.clone(), usize::MAX);
        let lowest = |code: &&AgencyCode| self.country.before.agency(code).unwrap().tier == 3;
        let away: Vec<AgencyCode> = offices.iter().filter(lowest).step_by(4).cloned().collect();
        for office in &away {
            let id = node_of(office);
            let above = self.country.before.parent(&id).unwrap();
            self.world.disconnect(&id, above);
        }
        for office in offices.iter().filter(|office| !away.contains(office)) {
            self.learns(office, traffic);
        }
        for (nth, office) in away.iter().enumerate() {
            // It may learn first, from an operator, or be linked first.
            let id = node_of(office);
            let above = self.country.before.parent(&id).unwrap().clone();
            if nth % 2 == 0 {
                self.world.connect(&id, &above);
            }
            self.learns(office, traffic);
            if nth % 2 == 1 {
                self.world.connect(&id, &above);
            }
        }
        for _ in 0..traffic.each {
            self.send(When::After, traffic.recipients);
        }
        self.world.run();
        // What was refused by who had another directory is offered again after a while.
        for _ in 0..4 {
            self.world.pass(400_000);
        }
    }
}

fn rehearse(part: Part, traffic: &Traffic, seed: u64) -> Counts {
    let mut r = Rehearsal::new(part, seed);
    for office in &r.country.offices {
        assert!(r.world.nodes.contains_key(&node_of(office)));
    }
    r.run(traffic);
    let places = r.check_arrivals();
    r.check_clerks(&places);
    r.check_closed_senders();
    r.world.pass(400_000);
    r.world.assert_at_rest();
    r.world.assert_recoverable();
    r.told();
    r.counts
}

#[test]
fn a_part_of_the_country_is_reorganised_while_dispatches_are_under_way() {
    let part = Part { closing: 1, alone: 1, districts: 2, whole: false };
    let counts = rehearse(part, &Traffic { each: 8, between: 1, recipients: 8 }, 1);
    let followed: usize = counts.followed.values().sum();
    assert!(
        counts.dispatches == 26 && followed > 100 && counts.turned_on_the_way > 10,
        "{counts:?}"
    );
    assert!(counts.to_old_codes.iter().all(|legs| *legs > 20) && counts.clerks > 30, "{counts:?}");
}

#[test]
#[ignore = "long: the whole country's directories, 40 engines, five drawn reorganisations"]
fn long_a_reorganisation_of_the_whole_country_while_dispatches_are_under_way() {
    let part = Part { closing: 4, alone: 2, districts: 3, whole: true };
    for seed in 1..=5 {
        let counts = rehearse(part, &Traffic { each: 80, between: 4, recipients: 12 }, seed);
        let followed: usize = counts.followed.values().sum();
        assert!(followed > 1_000 && counts.turned_on_the_way > 200, "{counts:?}");
        // Provinces, districts and communes: all three follow.
        assert!([2, 3, 4].iter().all(|tier| counts.followed.contains_key(tier)), "{counts:?}");
        assert!(
            counts.to_old_codes.iter().all(|legs| *legs > 300) && counts.clerks > 500,
            "{counts:?}"
        );
    }
}
