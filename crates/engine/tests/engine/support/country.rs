//! The made-up country of the real one's size, before and after 1 July 2025, under the root of the test
//! network; and a drawn part of it whose nodes have keys, so that tests can run them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tram_crypto::{Ed25519Signer, Entropy, SeededEntropy, Sign};
use tram_dispatch::directory::{Agency, Entry};
use tram_dispatch::envelope::Envelope;
use tram_dispatch::{AgencyCode, NodeId};
use tram_trust::fixtures::country::{self, Reorganisation, node_of};
use tram_trust::fixtures::{END, Leaf, NOW, START};
use tram_trust::{Directory, Verdict, VerifiedDispatch, Verifier};

use super::net::{listed, lives_of, net, signer};
use super::node::TestNode;
use super::world::World;

/// How large a part is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// Provinces that close; who takes them over is drawn with them.
    pub(crate) closing: usize,
    /// Provinces that stay and take nobody over.
    pub(crate) alone: usize,
    /// Districts of each.
    pub(crate) districts: usize,
    /// The directory holds the whole country; otherwise the provinces drawn, with all that is in them.
    pub(crate) whole: bool,
}

pub(crate) struct Country {
    pub(crate) before: Arc<Directory>,
    pub(crate) after: Arc<Directory>,
    /// The centre, the provinces and districts drawn: each runs a node.
    pub(crate) offices: Vec<AgencyCode>,
    /// These, and every commune of the districts drawn.
    pub(crate) agencies: Vec<AgencyCode>,
    verifiers: [Arc<Verifier>; 2],
    seals: BTreeMap<AgencyCode, (Vec<Vec<u8>>, Ed25519Signer)>,
}

/// A number below `bound`.
pub(crate) fn below(random: &mut SeededEntropy, bound: usize) -> usize {
    let mut bytes = [0; 8];
    random.fill(&mut bytes).unwrap();
    (u64::from_be_bytes(bytes) % bound.max(1) as u64) as usize
}

/// So many of these, or all, in a drawn order.
pub(crate) fn drawn<T>(random: &mut SeededEntropy, mut from: Vec<T>, count: usize) -> Vec<T> {
    let count = count.min(from.len());
    (0..count).map(|_| from.swap_remove(below(random, from.len()))).collect()
}

fn agencies(entries: &[Entry]) -> impl Iterator<Item = &Agency> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Agency(agency) => Some(agency),
        _ => None,
    })
}

/// The codes of a tier below one of these.
fn within(entries: &[Entry], tier: u8, parents: &BTreeSet<AgencyCode>) -> Vec<AgencyCode> {
    let is = |a: &&Agency| a.tier == tier && a.parent.as_ref().is_some_and(|p| parents.contains(p));
    agencies(entries).filter(is).map(|a| a.code.clone()).collect()
}

fn provinces(
    plan: &Reorganisation,
    entries: &[Entry],
    part: Part,
    random: &mut SeededEntropy,
) -> BTreeSet<AgencyCode> {
    let top = BTreeSet::from([super::net::code(country::TOP)]);
    let all = within(entries, 2, &top);
    let into: BTreeMap<&AgencyCode, &AgencyCode> = plan.close.iter().map(|(c, i)| (c, i)).collect();
    let closing: Vec<&AgencyCode> = all.iter().filter(|p| into.contains_key(p)).collect();
    let closing = drawn(random, closing, part.closing);
    let taking: BTreeSet<&AgencyCode> = all.iter().filter_map(|p| into.get(p).copied()).collect();
    let alone = all.iter().filter(|p| !into.contains_key(p) && !taking.contains(p)).collect();
    let alone = drawn(random, alone, part.alone);
    let pairs = closing.into_iter().flat_map(|p| [p, into[p]]);
    pairs.chain(alone).cloned().collect()
}

fn reorganised(before: &[Entry], plan: &Reorganisation) -> Vec<Entry> {
    let closing: BTreeMap<_, _> = plan.close.iter().map(|(code, into)| (code, into)).collect();
    let moving: BTreeMap<_, _> = plan.moves.iter().map(|(c, p, n)| (c, (p, n))).collect();
    let mut after = before.to_vec();
    for entry in &mut after {
        let Entry::Agency(agency) = entry else { continue };
        if let Some(into) = closing.get(&agency.code) {
            (agency.open, agency.successor) = (false, Some((*into).clone()));
        }
        if let Some((parent, node)) = moving.get(&agency.code) {
            (agency.parent, agency.node) = (Some((*parent).clone()), Some((*node).clone()));
        }
    }
    after
}

impl Country {
    pub(crate) fn new(part: Part, random: &mut SeededEntropy) -> Self {
        let (mut entries, plan) = (country::before(), country::reorganisation());
        let provinces = provinces(&plan, &entries, part, random);
        let top = super::net::code(country::TOP);
        if !part.whole {
            let kept = |code: &AgencyCode| {
                *code == top
                    || provinces
                        .iter()
                        .any(|p| code == p || code.as_str().starts_with(&format!("{p}.")))
            };
            entries.retain(|entry| match entry {
                Entry::Agency(agency) => kept(&agency.code),
                Entry::Node(node) => kept(&node.id.agency()),
                _ => true,
            });
        }
        let mut districts = BTreeSet::new();
        for province in &provinces {
            let all = within(&entries, 3, &BTreeSet::from([province.clone()]));
            districts.extend(drawn(random, all, part.districts));
        }
        let mut agencies = vec![top];
        agencies.extend(provinces.into_iter().chain(districts.iter().cloned()));
        let offices = agencies.clone();
        agencies.extend(within(&entries, 4, &districts));
        let run: BTreeSet<NodeId> = offices.iter().map(node_of).collect();
        for entry in &mut entries {
            let Entry::Node(node) = entry else { continue };
            if run.contains(&node.id) {
                node.epochs = lives_of(&node.id).iter().map(listed).collect();
            }
        }
        let base = &net().base;
        let signed = |version, earlier: Option<&Directory>, entries: &[Entry]| {
            let head = base.head(version, earlier.map(Directory::digest), entries);
            let file = base.directory_file(head, entries);
            Arc::new(Directory::verify(&base.root, &file, earlier, NOW).unwrap())
        };
        let before = signed(1, None, &entries);
        let after = signed(2, Some(&before), &reorganised(&entries, &plan));
        let verifiers = [&before, &after].map(|directory| net().verifier_for(directory));
        let seals = agencies.iter().map(|code| (code.clone(), seal(code))).collect();
        Country { before, after, offices, agencies, verifiers, seals }
    }

    /// Its nodes, all of which have the directory of before, linked as that says.
    pub(crate) fn world(&self) -> World {
        let ids = || self.offices.iter().map(node_of);
        let nodes = ids().map(|id| TestNode::knowing(id, self.before.clone()));
        let link = |id: NodeId| Some((id.clone(), self.before.parent(&id)?.clone()));
        let mut world = World::made_of(nodes, ids().filter_map(link).collect());
        for (directory, verifier) in [&self.before, &self.after].into_iter().zip(&self.verifiers) {
            world.verifiers.insert(directory.digest(), verifier.clone());
        }
        world.connect_all();
        world
    }

    /// The node of an agency or of who took over: before, and after.
    pub(crate) fn hosts(&self, agency: &AgencyCode) -> [NodeId; 2] {
        [&self.before, &self.after]
            .map(|d| d.hosting(agency).expect("every code leads to a node").clone())
    }

    pub(crate) fn is_closed(&self, agency: &AgencyCode) -> bool {
        self.after.agency(agency).is_some_and(|a| !a.open)
    }

    /// Seals with the originator's seal and verifies, as its node does: by the directory of before or of after.
    pub(crate) fn dispatch(&self, envelope: &Envelope, after: bool) -> VerifiedDispatch {
        let (chain, seal) = &self.seals[&envelope.originator];
        let sealed = net().base.seal_with(envelope, chain, seal);
        match self.verifiers[usize::from(after)].dispatch(sealed, NOW) {
            Verdict::Verified(verified) => verified,
            other => panic!("{other:?}"),
        }
    }
}

fn seal(agency: &AgencyCode) -> (Vec<Vec<u8>>, Ed25519Signer) {
    let (key, centre) = (signer(&format!("seal of {agency}")), net().base.authority("centre CA"));
    let leaf = Leaf::seal(&agency.certificate_name().unwrap(), START, END);
    let leaf = centre.issue(&leaf, key.public_key().spki_der());
    (vec![leaf, centre.der().to_vec()], key)
}
