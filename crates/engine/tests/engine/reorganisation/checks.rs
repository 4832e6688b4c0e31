//! What must hold when everybody has learned and all is at rest.

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::{AgencyCode, Code, DispatchId, Event as E, NodeId};
use tram_engine::{Input, Reply};

use super::{Rehearsal, When};
use crate::support::check::refused;
use crate::support::country::{below, drawn};
use crate::support::net::net;

impl Rehearsal {
    /// The nodes in whose mailboxes each leg lies.
    fn mailboxes(&self) -> BTreeMap<(DispatchId, AgencyCode), Vec<NodeId>> {
        let mut found: BTreeMap<_, Vec<NodeId>> = BTreeMap::new();
        for (id, node) in &self.world.nodes {
            let engine = node.engine.as_ref().unwrap();
            for agency in &self.country.agencies {
                for (_, held) in engine.mailbox(agency, None, usize::MAX) {
                    found.entry((held.id(), agency.clone())).or_default().push(id.clone());
                }
            }
        }
        found
    }

    /// What each node has of a leg.
    fn history(&self, id: &DispatchId, to: &AgencyCode) -> String {
        let mut text = format!("hosts {:?}\n", self.country.hosts(to));
        for at in self.world.nodes.keys() {
            let at = at.agency();
            let Some(leg) = self.world.leg(at.as_str(), id, to.as_str()) else { continue };
            let lines = self.world.lines(at.as_str(), id);
            let of_leg = lines.iter().filter(|line| line.2.as_ref().is_none_or(|r| r == to));
            text += &format!("{at}: {leg:?}\n  {:?}\n", of_leg.collect::<Vec<_>>());
        }
        text
    }

    /// Every leg lies where it belongs, and its originator has one receipt that says so, about the code that
    /// it wrote; gives where each lies.
    pub(super) fn check_arrivals(&mut self) -> BTreeMap<(DispatchId, AgencyCode), NodeId> {
        let (mailboxes, mut places) = (self.mailboxes(), BTreeMap::new());
        let legs: usize = self.sent.values().map(|sent| sent.to.len()).sum();
        assert_eq!(mailboxes.len(), legs, "nothing lost, nothing more than was sent");
        for (id, sent) in &self.sent {
            assert!(matches!(self.world.replies[&sent.token], Reply::Done { repeat: false, .. }));
            let at = sent.at.agency();
            let evidence = self.world.evidence(at.as_str(), id);
            assert!(!evidence.iter().any(|e| e.reason == Some(Code::NoRoute)));
            self.counts.dispatches += 1;
            for to in &sent.to {
                let what = format!("{id} from {} to {to}", sent.at);
                assert_eq!(self.world.word(at.as_str(), id, to.as_str()), "consigned", "{what}");
                let [old, new] = self.country.hosts(to);
                let is = |e: &&_| said_of(e, E::ContentConsignment, to);
                let consigned: Vec<_> = evidence.iter().filter(is).collect();
                let [said] = consigned[..] else { panic!("{what}: {} receipts", consigned.len()) };
                let there = &said.node;
                // One mailbox has it, also where the link broke before the answer came.
                let lies = &mailboxes[&(*id, to.clone())];
                assert_eq!(
                    lies[..],
                    *std::slice::from_ref(there),
                    "{what}; {}",
                    self.history(id, to)
                );
                // Each place is right by one directory, and the receipt names that one.
                let by = |after| {
                    if after { self.country.after.digest() } else { self.country.before.digest() }
                };
                let told = said.directory.expect("a receipt names its directory");
                assert!(told == by(true) || told == by(false), "{what}");
                assert_eq!(
                    *there,
                    if told == by(true) { new.clone() } else { old.clone() },
                    "{what}"
                );
                let when = sent.when as usize;
                self.counts.legs[when] += 1;
                self.counts.to_old_codes[when] += usize::from(self.country.is_closed(to));
                if *there != old {
                    let tier = self.country.before.agency(to).unwrap().tier;
                    *self.counts.followed.entry(tier).or_default() += 1;
                    self.counts.turned_on_the_way += usize::from(sent.when == When::Before);
                } else if sent.when == When::After {
                    assert_eq!(old, new, "{what}: all knew better");
                }
                places.insert((*id, to.clone()), there.clone());
            }
        }
        places
    }

    /// Clerks take every second one and register half of these; the originator hears it under the old code, once.
    pub(super) fn check_clerks(&mut self, places: &BTreeMap<(DispatchId, AgencyCode), NodeId>) {
        let mut took: BTreeMap<(DispatchId, AgencyCode), (NodeId, bool)> = BTreeMap::new();
        for ((id, to), there) in places {
            if below(&mut self.random, 2) == 0 {
                let at = there.agency();
                self.world.confirm_quietly(at.as_str(), to.as_str(), *id);
                took.insert((*id, to.clone()), (there.clone(), below(&mut self.random, 2) == 0));
            }
        }
        self.world.run();
        for ((id, to), (there, _)) in took.iter().filter(|(_, (_, registers))| *registers) {
            let (token, recipient, dispatch) = (self.world.token(), to.clone(), *id);
            let (refusal, cause, remark, statement) = (None, None, None, None);
            let said =
                Input::Register { token, recipient, dispatch, refusal, cause, remark, statement };
            self.world.handle(there.agency().as_str(), said);
        }
        self.world.pass(5_000);
        for (id, sent) in &self.sent {
            let evidence = self.world.evidence(sent.at.agency().as_str(), id);
            for to in &sent.to {
                let heard = |event| {
                    evidence.iter().filter(|e| said_of(e, event, to)).map(|e| &e.node).collect()
                };
                let both: [Vec<&NodeId>; 2] =
                    [E::ContentHandover, E::ConsignmentAcceptance].map(heard);
                let one = took.get(&(*id, to.clone()));
                let expected = [one, one.filter(|(_, registers)| *registers)];
                let expected =
                    expected.map(|it| it.map(|(there, _)| there).into_iter().collect::<Vec<_>>());
                assert_eq!(both, expected, "{id} to {to}");
                self.counts.clerks += usize::from(one.is_some() && self.country.is_closed(to));
            }
        }
    }

    /// Who is closed begins nothing new, at neither node.
    pub(super) fn check_closed_senders(&mut self) {
        let closed =
            self.country.agencies.iter().filter(|a| self.country.is_closed(a)).cloned().collect();
        for from in drawn(&mut self.random, closed, 20) {
            let envelope = net().envelope(from.as_str(), &["G22"], "closed/1");
            let dispatch = self.country.dispatch(&envelope, true);
            for at in BTreeSet::from(self.country.hosts(&from)) {
                let reply = self.world.submitted(at.agency().as_str(), &dispatch);
                assert_eq!(refused(&reply).0, Code::OriginatorNotHere, "{from} at {at}");
            }
            self.counts.refused_senders += 1;
        }
    }

    pub(super) fn told(&self) {
        let (before, after) = (&self.country.before, &self.country.after);
        let open = |of: &tram_trust::Directory, tier| {
            of.agencies().filter(|a| a.open && a.tier == tier).count()
        };
        let tiers = |of| [2, 3, 4].map(|tier| open(of, tier));
        let closed = after.agencies().filter(|a| !a.open).count();
        println!(
            "directory of {} agencies: provinces, districts, communes {:?} -> {:?}, {closed} closed; \
             {} engines with {} of the agencies",
            before.agencies().count(),
            tiers(before),
            tiers(after),
            self.country.offices.len(),
            self.country.agencies.len(),
        );
        let c = &self.counts;
        println!(
            "{} dispatches, {} legs (before, during, after: {:?}; to codes that close: {:?}), one arrival told of each; {} \
             at the node of who took over or where the agency moved (by tier: {:?}), {} of these sent before any \
             node knew; each in one mailbox; {} taken by clerks under closed codes; \
             {} closed senders refused",
            c.dispatches,
            c.legs.iter().sum::<usize>(),
            c.legs,
            c.to_old_codes,
            c.followed.values().sum::<usize>(),
            c.followed,
            c.turned_on_the_way,
            c.clerks,
            c.refused_senders
        );
    }
}

fn said_of(e: &tram_dispatch::EvidenceRecord, event: E, to: &AgencyCode) -> bool {
    e.event == event && e.recipient.as_ref() == Some(to)
}
