//! Nodes with different versions of the directory, each of which leads a leg on to the next, in a circle.
//! The leg is never left to nobody: it waits where it came to rest, ends once, or arrives when they agree.

use std::sync::Arc;

use tram_dispatch::directory::{Entry, Node};
use tram_dispatch::{Code, DispatchId, Event as E, EvidenceRecord};
use tram_engine::state::held::Known;
use tram_engine::state::leg::Leg;
use tram_engine::{Answer, Input};
use tram_trust::Directory;
use tram_trust::fixtures::NOW;

use crate::support::check::done;
use crate::support::net::*;
use crate::support::node::TestNode;
use crate::support::world::{Body, Message, World};

/// Whom everything is sent to; its mailbox is at another node in each version.
const RECIPIENT: &str = "H41.90";
/// Below the centre, each below the one before.
const LINE: [&str; 5] = [PROVINCE, DISTRICT, COMMUNE, "H41.12.03.02", "H41.12.03.02.01"];

/// A circle: the first versions of its directory, and the newest.
struct Circle {
    agencies: Vec<&'static str>,
    /// What everybody had before.
    first: Arc<Directory>,
    /// What each node in the circle has.
    own: Vec<Arc<Directory>>,
    newest: Arc<Directory>,
}

impl Circle {
    fn new(size: usize) -> Self {
        let agencies = LINE[..size].to_vec();
        let mut built: Vec<Arc<Directory>> = Vec::new();
        // At first the mailbox is at the end of the line; then, in each version, at another one's next.
        let hosts = std::iter::once(size - 1).chain((0..size).map(|n| (n + 1) % size));
        for (n, host) in hosts.chain([size - 1]).enumerate() {
            let entries = entries(&agencies, agencies[host], n > 0 && n <= size);
            let before = built.last();
            let head = net().base.head(n as u64 + 1, before.map(|d| d.digest()), &entries);
            let file = net().base.directory_file(head, &entries);
            let before = before.map(|d| &**d);
            let verified = Directory::verify(&net().base.root, &file, before, NOW).unwrap();
            built.push(Arc::new(verified));
        }
        let (first, newest) = (built.remove(0), built.pop().unwrap());
        Circle { agencies, first, own: built, newest }
    }

    /// Its nodes and the centre, each with its own version.
    fn world(&self) -> World {
        let all = std::iter::once(CENTRE).chain(self.agencies.iter().copied());
        let nodes = all.clone().map(|agency| TestNode::knowing(node(agency), self.first.clone()));
        let below: Vec<_> = all.clone().skip(1).map(node).collect();
        let mut links: Vec<_> = below.into_iter().zip(all.map(node)).collect();
        links.push((node(self.end()), node(self.agencies[0])));
        let mut w = World::made_of(nodes, links);
        for directory in self.own.iter().chain([&self.first, &self.newest]) {
            w.verifiers.insert(directory.digest(), net().verifier_for(directory));
        }
        w.connect_all();
        for (agency, own) in self.agencies.iter().zip(&self.own) {
            w.handle(agency, Input::Directory(own.clone()));
        }
        w.run();
        w
    }

    /// Everybody gets the newest.
    fn agree(&self, w: &mut World) {
        for agency in std::iter::once(&CENTRE).chain(&self.agencies) {
            w.handle(agency, Input::Directory(self.newest.clone()));
        }
        w.run();
    }

    fn end(&self) -> &'static str {
        self.agencies.last().unwrap()
    }

    /// In whose custody the leg is.
    fn custodians(&self, w: &World, id: &DispatchId) -> Vec<&'static str> {
        let all = std::iter::once(CENTRE).chain(self.agencies.iter().copied());
        let holds = |leg: Leg| matches!(leg, Leg::Held { .. } | Leg::Mailbox { .. });
        all.filter(|at| w.leg(at, id, RECIPIENT).is_some_and(holds)).collect()
    }

    /// Transfers over every link of the circle, the way round.
    fn transfers(&self, w: &World) -> usize {
        let next = self.agencies.iter().cycle().skip(1);
        let links = self.agencies.iter().zip(next);
        links.filter_map(|(a, b)| w.transfers.get(&(node(a), node(b)))).sum()
    }
}

fn entries(agencies: &[&str], host: &str, round: bool) -> Vec<Entry> {
    let above = std::iter::once(None).chain(std::iter::once(Some(CENTRE)));
    let above = above.chain(agencies.iter().map(|agency| Some(*agency)));
    let mut entries = Vec::new();
    for (agency, above) in std::iter::once(&CENTRE).chain(agencies).zip(above) {
        entries.push(agency_entry(agency, above, agency));
        let (first, end) = (agencies[0], *agencies.last().unwrap());
        let beside = [(first, end), (end, first)].into_iter();
        let beside = beside.filter(|(one, _)| round && one == agency).map(|(_, other)| node(other));
        entries.push(Entry::Node(Node {
            id: node(agency),
            addresses: Vec::new(),
            parent: above.map(node),
            lateral: beside.collect(),
            open: true,
            epochs: lives_of(&node(agency)).iter().map(listed).collect(),
        }));
    }
    entries.push(agency_entry(RECIPIENT, Some(PROVINCE), host));
    entries
}

fn sent(w: &mut World, reference: &str) -> DispatchId {
    let envelope = net().envelope(CENTRE, &[RECIPIENT], reference);
    let (chain, seal) = &net().seals[&envelope.originator];
    let sealed = net().base.seal_with(&envelope, chain, seal);
    let directory = w.at(CENTRE).directory.digest();
    let tram_trust::Verdict::Verified(d) = w.verifiers[&directory].dispatch(sealed, NOW) else {
        panic!("it verifies");
    };
    done(&w.submitted(CENTRE, &d));
    d.id()
}

/// Lets an hour pass, in which the leg is always in the custody of one node, until it has come to its end.
fn until_the_end(circle: &Circle, w: &mut World, id: &DispatchId) {
    for _ in 0..60 {
        if w.word(CENTRE, id, RECIPIENT) == "failed" {
            return;
        }
        assert_eq!(circle.custodians(w, id).len(), 1, "somebody has it, and nobody else");
        w.pass(60_000);
    }
    panic!("it never ends");
}

#[test]
fn a_circle_of_three_and_of_five_running_nodes_ends_once_and_with_evidence() {
    for size in [3, 5] {
        let circle = Circle::new(size);
        let mut w = circle.world();
        for (at, own) in circle.agencies.iter().zip(&circle.own) {
            let next = circle.agencies.iter().cycle().skip_while(|a| *a != at).nth(1).unwrap();
            let way = tram_engine::route::route(own, &node(at), &code(RECIPIENT));
            assert_eq!(way, tram_engine::route::Route::Hop(node(next)), "it is a circle");
        }
        let id = sent(&mut w, "circle/1");
        w.pass(1_000);
        // It went along the line and no further: the last one gave it back.
        assert_eq!(w.word(circle.end(), &id, RECIPIENT), "returned");
        until_the_end(&circle, &mut w, &id);
        assert_eq!(circle.custodians(&w, &id), [""; 0]);
        assert_eq!(circle.transfers(&w), size - 1, "nothing goes round");
        // Each of them says once that it gave it back; that it ends says who sent it.
        let ends: Vec<_> = w.evidence(CENTRE, &id);
        let ends: Vec<_> = ends.iter().filter(|e| e.event == E::RelayFailure).collect();
        let returned = |e: &&&EvidenceRecord| e.reason == Some(Code::Returned);
        assert_eq!(ends.iter().filter(returned).count(), size);
        let terminal: Vec<_> = ends.iter().filter(|e| !returned(e)).collect();
        assert_eq!(terminal.len(), 1);
        assert_eq!((&terminal[0].node, terminal[0].reason), (&node(CENTRE), Some(Code::NoRoute)));
        w.assert_at_rest();
        w.assert_recoverable();

        // With one directory everywhere there is no circle.
        circle.agree(&mut w);
        let id = sent(&mut w, "circle/2");
        w.pass(1_000);
        assert_eq!(w.word(CENTRE, &id, RECIPIENT), "consigned");
        assert_eq!(w.in_mailbox(circle.end(), RECIPIENT, &id), 1);
        w.assert_at_rest();
        w.assert_recoverable();
    }
}

#[test]
fn who_let_a_leg_go_does_not_say_that_it_has_it_to_whom_it_came_round() {
    let circle = Circle::new(3);
    let mut w = circle.world();
    let (first, end) = (circle.agencies[0], circle.end());
    let id = sent(&mut w, "round/1");
    let from_end = |m: &Message| m.from == node(end) && matches!(m.body, Body::Receipts(..));
    w.run_until(from_end);
    // The last one does what ours would not: it offers the leg to who had it first.
    let mut round = w.given.iter().rfind(|t| t.peer == node(end)).unwrap().clone();
    let last = &w.nodes[&node(end)];
    let engine = last.engine.as_ref().unwrap();
    let held = engine.find(&id, &last.store).unwrap().unwrap();
    let of_end = |k: &&Known| k.ours && k.evidence.event == E::RelayAcceptance;
    let known = held.evidence.iter().find(of_end).unwrap();
    let raw = engine.receipt_of(known, &last.store).unwrap().unwrap();
    round.receipts.push(raw);
    round.peer = node(first);
    let session = w.session(&node(end), &node(first)).unwrap();
    let (from, to) = (node(end), node(first));
    w.answers.clear();
    w.deliver(Message { from, to, session, body: Body::Transfer(round, true) });
    w.commit(&node(first));
    let answers = w.answers.values().next().unwrap();
    assert!(
        matches!(&answers[..], [(_, Answer::Later(Code::Misrouted, ms))] if *ms > 0),
        "{answers:?}"
    );
    assert_eq!(w.word(first, &id, RECIPIENT), "transferred");
}
