//! Cosignatures of nodes, and whose are needed where.

use std::sync::Arc;

use tram_dispatch::directory::{Entry, Node};
use tram_dispatch::{Code, EpochId, NodeId};
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::cosignature::Cosignature;
use tram_tlog::{Hash, leaf_hash};
use tram_trust::checkpoint::origin;
use tram_trust::cosignature::verify;
use tram_trust::fixtures::{CENTRE, COMMUNE, DISTRICT, Log, NOW, Network, PROVINCE, START};
use tram_trust::position::{Around, policy};

const AT: u64 = NOW.0 / 1_000;

fn root() -> [u8; 32] {
    leaf_hash(b"root").0
}

struct World(Network);

impl World {
    fn new() -> Self {
        World(Network::new("cosignatures"))
    }

    fn log(&self) -> (&NodeId, EpochId) {
        let keys = self.0.node(COMMUNE);
        (&keys.id, keys.epoch)
    }

    fn text(&self, size: u64) -> Checkpoint {
        let (log, epoch) = self.log();
        let network = self.0.directory.network();
        Checkpoint::new(&origin(network, log, epoch), size, Hash(root())).unwrap()
    }

    fn line(&self, by: &str, size: u64, at: u64) -> String {
        let keys = self.0.node(by);
        let name = origin(self.0.directory.network(), &keys.id, keys.epoch);
        Cosignature::sign(&self.text(size), &name, at, &keys.checkpoint).unwrap().to_line()
    }

    fn check(&self, size: u64, line: &str) -> Result<NodeId, Code> {
        let checked = verify(&self.0.directory, self.log(), (size, root()), line);
        checked.map(|c| c.witness().clone()).map_err(|refusal| refusal.code)
    }
}

#[test]
fn a_cosignature_of_a_listed_key_verifies_and_nothing_else_does() {
    let world = World::new();
    let line = world.line(DISTRICT, 7, AT);
    assert_eq!(world.check(7, &line).as_ref(), Ok(&world.0.node(DISTRICT).id));
    let refused = Err(Code::ReceiptInvalid);
    // Of another tree size; of another witness's name; before the witness's epoch began.
    assert_eq!(world.check(8, &line), refused);
    let renamed = line.replace(&world.0.node(DISTRICT).id.to_string(), "n1.G22");
    assert_eq!(world.check(7, &renamed), refused);
    assert_eq!(world.check(7, &world.line(DISTRICT, 7, START.0 / 1_000 - 1)), refused);
    // Of the same checkpoint of another node's log.
    let other = (&world.0.node(CENTRE).id, world.0.node(CENTRE).epoch);
    assert!(verify(&world.0.directory, other, (7, root()), &line).is_err());
    // The witness's own checkpoint is no cosignature of it, nor of anything else.
    let note = String::from_utf8(Log::new(world.0.node(DISTRICT)).checkpoint()).unwrap();
    assert_eq!(world.check(7, note.lines().last().unwrap()), refused);
    // A key that the directory does not list under this name.
    let (network, keys) = (world.0.directory.network(), world.0.node(DISTRICT));
    for name in [origin(network, &keys.id, EpochId([7; 32])), "tram/x/y/z".into(), "w".into()] {
        let stray = Cosignature::sign(&world.text(7), &name, AT, &keys.checkpoint).unwrap();
        assert_eq!(world.check(7, &stray.to_line()), refused, "{name}");
    }
    for at in 0..line.len() {
        let mut bad = line.clone().into_bytes();
        bad[at] ^= 1;
        if let Ok(bad) = String::from_utf8(bad) {
            assert!(world.check(7, &bad).is_err(), "byte {at}");
        }
    }
}

/// No signature that a node makes as a log can be read as one that it makes as a witness.
#[test]
fn a_log_never_signs_what_a_witness_says() {
    let world = World::new();
    let keys = world.0.node(DISTRICT);
    let text = world.text(7).to_note_text();
    let as_witness = format!("cosignature/v1\ntime {AT}\n{text}");
    // The text of a checkpoint begins with its origin, and that with "tram/".
    assert!(Checkpoint::parse_text(&as_witness).is_err());
    assert!(origin(world.0.directory.network(), &keys.id, keys.epoch).starts_with("tram/"));
}

#[test]
fn the_policy_follows_the_position() {
    let world = World::new();
    let reached = |at: &str, by: &[&str]| {
        let node = &world.0.node(at).id;
        let policy = policy(&world.0.directory, node).unwrap();
        let keys = world.0.node(at);
        let network = world.0.directory.network();
        let text = Checkpoint::new(&origin(network, node, keys.epoch), 3, Hash(root())).unwrap();
        let sign = |w: &&str| {
            let keys = world.0.node(w);
            let name = origin(network, &keys.id, keys.epoch);
            Cosignature::sign(&text, &name, AT, &keys.checkpoint).unwrap()
        };
        let made: Vec<Cosignature> = by.iter().map(sign).collect();
        policy.judge(&text.to_note_text(), &made).reached
    };
    // A leaf: its parent and its parent's parent.
    assert!(reached(COMMUNE, &[DISTRICT, PROVINCE]));
    for few in [&[DISTRICT][..], &[PROVINCE], &[DISTRICT, CENTRE], &[COMMUNE, DISTRICT]] {
        assert!(!reached(COMMUNE, few), "{few:?}");
    }
    // Between: its parent and any one other neighbour.
    assert!(reached(DISTRICT, &[PROVINCE, COMMUNE]));
    for few in [&[PROVINCE][..], &[COMMUNE], &[PROVINCE, CENTRE], &[PROVINCE, DISTRICT]] {
        assert!(!reached(DISTRICT, few), "{few:?}");
    }
    // The top has one child here: that one.
    assert!(reached(CENTRE, &[PROVINCE]));
    assert!(!reached(CENTRE, &[DISTRICT]) && !reached(CENTRE, &[]));
    // Somebody whom the directory does not know needs nobody, and nobody knows him.
    let stranger: NodeId = "n9.G22".parse().unwrap();
    assert_eq!(policy(&world.0.directory, &stranger).unwrap().quorum(), None);
    assert_eq!(Around::of(&world.0.directory, &stranger), Around::default());
    let around = Around::of(&world.0.directory, &world.0.node(COMMUNE).id);
    assert!(around.contains(&world.0.node(PROVINCE).id));
    assert!(!around.contains(&world.0.node(CENTRE).id));
}

/// The same network with other entries in its directory.
fn with(change: impl FnOnce(&mut Vec<Entry>)) -> World {
    let mut world = World::new();
    let mut entries = world.0.entries.clone();
    change(&mut entries);
    world.0.directory = Arc::new(world.0.next_directory(&entries));
    world
}

fn listed<'a>(entries: &'a mut [Entry], agency: &str) -> &'a mut Node {
    let found = entries.iter_mut().find_map(|entry| match entry {
        Entry::Node(node) if node.id.agency().as_str() == agency => Some(node),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn a_witness_counts_within_its_epoch_to_the_second() {
    // Begins and ends within a second; cosignatures count whole ones.
    let world = with(|entries| {
        let epoch = &mut listed(entries, DISTRICT).epochs[0];
        (epoch.from, epoch.until) = (NOW.plus_ms(500), Some(NOW.plus_ms(10_700)));
    });
    for (at, counts) in [(AT - 1, false), (AT, true), (AT + 10, true), (AT + 11, false)] {
        let line = world.line(DISTRICT, 7, at);
        assert_eq!(world.check(7, &line).is_ok(), counts, "{}", at - AT);
    }
    let line = world.line(DISTRICT, 7, AT);
    let verified = verify(&world.0.directory, world.log(), (7, root()), &line).unwrap();
    assert_eq!((verified.size(), *verified.root()), (7, root()));
}

#[test]
fn a_leaf_asks_beside_it_only_where_there_is_nobody_above_its_parent() {
    let beside = |entries: &mut Vec<Entry>| {
        listed(entries, COMMUNE).lateral = vec!["n1.G22".parse().unwrap()];
        listed(entries, CENTRE).lateral = vec!["n1.H41.12.03".parse().unwrap()];
    };
    let reached = |world: &World, by: &[&str]| {
        let node = &world.0.node(COMMUNE).id;
        let policy = policy(&world.0.directory, node).unwrap();
        let text = world.text(3);
        let sign = |w: &&str| Cosignature::from_line(&world.line(w, 3, AT)).unwrap();
        let made: Vec<Cosignature> = by.iter().map(sign).collect();
        policy.judge(&text.to_note_text(), &made).reached
    };
    let above = with(beside);
    assert!(reached(&above, &[DISTRICT, PROVINCE]), "nobody beside it is needed");
    assert!(!reached(&above, &[DISTRICT, CENTRE]));
    let alone = with(|entries| {
        beside(entries);
        listed(entries, PROVINCE).open = false;
    });
    assert!(reached(&alone, &[DISTRICT, CENTRE]));
    assert!(!reached(&alone, &[DISTRICT]));
}
