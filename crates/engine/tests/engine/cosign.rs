//! Cosignatures: who gets one, for what, and that no neighbour gets two histories signed.

use proptest::prelude::*;
use tram_dispatch::Code;
use tram_engine::record::PeerCheckpoint;
use tram_engine::{Cosign, Cosigning, Input, PeerUp, Record};
use tram_tlog::{Hash, MemoryTree, consistency_proof, root_at};
use tram_trust::VerifiedCheckpoint;

use crate::support::net::*;
use crate::support::world::World;

/// Leaves that both histories share.
const SHARED: u64 = 10;
/// Leaves of each.
const LEAVES: u64 = 30;

/// A log, and another that begins as it does.
fn histories() -> [MemoryTree; 2] {
    [0_u64, 1].map(|branch| {
        let mut tree = MemoryTree::new();
        for leaf in 0..LEAVES {
            let salt = if leaf < SHARED { 0 } else { branch };
            tree.push(&[leaf.to_be_bytes(), salt.to_be_bytes()].concat());
        }
        tree
    })
}

fn root(tree: &MemoryTree, size: u64) -> [u8; 32] {
    root_at(tree, size).unwrap().0
}

/// What a node signs of a tree of its log.
fn signed(of: &str, life: usize, tree: &MemoryTree, size: u64) -> VerifiedCheckpoint {
    let note = net().lives[&node(of)][life].note(size, root(tree, size));
    net().verifier.checkpoint(&node(of), &note).unwrap()
}

fn path(tree: &MemoryTree, old: u64, new: u64) -> Vec<[u8; 32]> {
    match old {
        0 => Vec::new(),
        _ => consistency_proof(tree, old, new).unwrap().iter().map(|h: &Hash| h.0).collect(),
    }
}

fn cosigned(w: &World, of: &str, life: usize) -> Vec<u64> {
    let epoch = net().lives[&node(of)][life].epoch;
    w.cosigned.of(&node(CENTRE), &node(of), epoch).into_iter().map(|(size, _)| size).collect()
}

#[test]
fn neighbours_cosign_each_other_and_it_is_kept() {
    let mut w = World::connected();
    w.run();
    w.pass(1_000);
    let by = |w: &mut World, at: &str| -> Vec<String> {
        w.at(at).engine().state().logs.cosigned().map(|c| c.witness.to_string()).collect()
    };
    assert_eq!(by(&mut w, CENTRE), ["n1.H29", "n1.H41"]);
    assert_eq!(by(&mut w, DISTRICT), ["n1.H41", "n1.H41.12.03", "n1.H41.12.04"]);
    w.restart(DISTRICT);
    assert_eq!(by(&mut w, DISTRICT), ["n1.H41", "n1.H41.12.03", "n1.H41.12.04"]);
    // What is kept is a cosignature of this log's checkpoint, at that size.
    let (size, root) = w.at(COMMUNE).store.head();
    let kept: Vec<_> = w.at(COMMUNE).engine().state().logs.cosigned().cloned().collect();
    assert_eq!((kept.len(), kept[0].size, kept[0].root), (1, size, root));
    let epoch = net().lives[&node(COMMUNE)][0].epoch;
    let line = kept[0].cosignature.to_line();
    let of = (&node(COMMUNE), epoch);
    assert!(tram_trust::cosignature::verify(&net().directory, of, (size, root), &line).is_ok());
}

#[test]
fn a_crash_between_store_and_answer_loses_only_the_answer() {
    let mut w = World::of(&[CENTRE]);
    let [tree, other] = histories();
    let up = |tree: &MemoryTree, size, extends| {
        let shown = signed(PROVINCE, 0, tree, size);
        let note = shown.note().into();
        let checkpoint = Some((size, *shown.root(), note));
        let (peer, epoch, wall) = (node(PROVINCE), shown.epoch(), tram_trust::fixtures::NOW);
        Input::PeerUp(PeerUp { peer, epoch, checkpoint, extends, wall })
    };
    w.handle(CENTRE, up(&tree, 12, None));
    // Nothing leaves before it is durable.
    let now = w.now;
    assert!(w.at(CENTRE).begin_commit(now));
    assert!(w.at(CENTRE).outputs().is_empty());
    // It reaches the disk, and the process ends before it answers.
    assert!(w.at(CENTRE).end_commit());
    w.restart(CENTRE);
    w.run();
    assert!(cosigned(&w, PROVINCE, 0).is_empty());
    // Another history of that size, or longer, gets nothing any more; the same one does.
    w.handle(CENTRE, up(&other, 12, None));
    w.handle(CENTRE, up(&other, 13, None));
    w.run();
    assert!(cosigned(&w, PROVINCE, 0).is_empty());
    w.handle(CENTRE, up(&tree, 12, Some((12, root(&tree, 12)))));
    w.run();
    assert_eq!(cosigned(&w, PROVINCE, 0), [12]);
    // Lost before it was durable: then nothing was promised.
    w.handle(CENTRE, up(&tree, 14, Some((12, root(&tree, 12)))));
    let now = w.now;
    assert!(w.at(CENTRE).begin_commit(now));
    w.restart(CENTRE);
    assert_eq!(w.at(CENTRE).engine().held_of(&node(PROVINCE)).unwrap().size, 12);
}

#[test]
fn a_node_that_must_not_sign_cosigns_nothing() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    let (size, _) = w.at(CENTRE).store.head();
    let note = net().lives[&node(CENTRE)][0].note(size, [7; 32]);
    let checkpoint = net().verifier.checkpoint(&node(CENTRE), &note).unwrap();
    w.handle(CENTRE, Input::Shown { by: node(PROVINCE), checkpoint });
    assert_eq!(w.at(CENTRE).engine().halted(), Some(Code::LogFork));
    w.connect_all();
    w.pass(1_000);
    assert!(cosigned(&w, PROVINCE, 0).is_empty());
    // It is held all the same: what it holds may prove something one day.
    assert!(w.at(CENTRE).engine().held_of(&node(PROVINCE)).is_some());
}

fn asked(via: &str, shown: &VerifiedCheckpoint, old_size: u64, path: Vec<[u8; 32]>) -> Input {
    let (via, shown) = (node(via), shown.clone());
    Input::Cosigning(Cosigning::Asked { via, shown, old_size, path })
}

#[test]
fn a_node_two_below_is_cosigned_by_way_of_the_node_between() {
    let mut w = World::of(&[CENTRE]);
    let [tree, other] = histories();
    let mut ask = |via: &str, of: &str, tree: &MemoryTree, old, new| -> (Vec<u64>, Vec<u64>) {
        let shown = signed(of, 0, tree, new);
        w.handle(CENTRE, asked(via, &shown, old, path(tree, old, new)));
        w.run();
        let holds = w.holds.drain(..).map(|(_, cosign)| match cosign {
            Cosign::Holds { to, held } => {
                assert_eq!((to, &held.peer), (node(via), shown.node()));
                held.size
            }
            other => panic!("{other:?}"),
        });
        let holds = holds.collect();
        (cosigned(&w, of, 0), holds)
    };
    // Not by way of anybody else, and not for anybody else.
    assert_eq!(ask(OTHER_PROVINCE, DISTRICT, &tree, 0, 5), (vec![], vec![]));
    assert_eq!(ask(DISTRICT, DISTRICT, &tree, 0, 5), (vec![], vec![]));
    assert_eq!(ask(DISTRICT, COMMUNE, &tree, 0, 5), (vec![], vec![]));
    assert_eq!(ask(PROVINCE, PROVINCE, &tree, 0, 5), (vec![], vec![]));
    // From nothing, and on from there; again is no harm.
    assert_eq!(ask(PROVINCE, DISTRICT, &tree, 0, 5), (vec![5], vec![]));
    assert_eq!(ask(PROVINCE, DISTRICT, &tree, 5, 12), (vec![5, 12], vec![]));
    assert_eq!(ask(PROVINCE, DISTRICT, &tree, 5, 12), (vec![5, 12], vec![]));
    // From another size, as another history, or backwards: it is told what is held.
    assert_eq!(ask(PROVINCE, DISTRICT, &tree, 0, 14), (vec![5, 12], vec![12]));
    assert_eq!(ask(PROVINCE, DISTRICT, &tree, 11, 14), (vec![5, 12], vec![12]));
    assert_eq!(ask(PROVINCE, DISTRICT, &other, 12, 14), (vec![5, 12], vec![12]));
    assert_eq!(ask(PROVINCE, DISTRICT, &other, 0, 12), (vec![5, 12], vec![12]));
    assert_eq!(ask(PROVINCE, DISTRICT, &tree, 0, 7), (vec![5, 12], vec![12]));
    assert_eq!(ask(PROVINCE, DISTRICT, &tree, 12, 14), (vec![5, 12, 14], vec![]));
}

#[test]
fn a_session_that_is_behind_is_told_what_is_held() {
    let mut w = World::of(&[CENTRE]);
    let [tree, _] = histories();
    let up = |size, extends: Option<u64>| {
        let shown = signed(PROVINCE, 0, &tree, size);
        let checkpoint = Some((size, *shown.root(), shown.note().into()));
        let extends = extends.map(|size| (size, root(&tree, size)));
        let (peer, epoch, wall) = (node(PROVINCE), shown.epoch(), tram_trust::fixtures::NOW);
        Input::PeerUp(PeerUp { peer, epoch, checkpoint, extends, wall })
    };
    w.handle(CENTRE, up(3, None));
    w.run();
    // Two sessions begin from size 3; the second to prove something is behind by then.
    w.handle(CENTRE, up(6, Some(3)));
    w.handle(CENTRE, up(9, Some(3)));
    w.run();
    assert_eq!(cosigned(&w, PROVINCE, 0), [3, 6]);
    let told: Vec<u64> = w.holds.iter().map(|(_, c)| held(c).size).collect();
    assert_eq!(told, [6]);
    let extends = Some((6, root(&tree, 6)));
    let shown = signed(PROVINCE, 0, &tree, 9);
    w.handle(CENTRE, Input::PeerCheckpoint { shown, extends });
    w.run();
    assert_eq!(cosigned(&w, PROVINCE, 0), [3, 6, 9]);
}

fn held(cosign: &Cosign) -> &PeerCheckpoint {
    match cosign {
        Cosign::Holds { held, .. } => held,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_the_nodes_around_are_believed_about_the_own_log() {
    let mut w = World::of(&[DISTRICT]);
    let (size, root) = w.at(DISTRICT).store.head();
    let of = (&node(DISTRICT), net().lives[&node(DISTRICT)][0].epoch);
    let give = |w: &mut World, by: &str, of: (&_, _), tree| {
        let life = &net().lives[&node(by)][0];
        let me = (&node(by), life.epoch);
        let at = tram_trust::fixtures::NOW.0 / 1_000;
        let (network, key) = (net().base.id(), &*life.checkpoint);
        let line = tram_trust::cosignature::sign(network, me, of, tree, at, key).unwrap().to_line();
        let made = tram_trust::cosignature::verify(&net().directory, of, tree, &line).unwrap();
        w.handle(DISTRICT, Input::Cosigning(Cosigning::Given(made)));
        w.pass(100);
        let records = &w.at(DISTRICT).store.records;
        records.iter().filter(|r| matches!(r, Record::Cosigned(_))).count()
    };
    assert_eq!(give(&mut w, OTHER_PROVINCE, of, (size, root)), 0, "no neighbour");
    let other = (&node(COMMUNE), net().lives[&node(COMMUNE)][0].epoch);
    assert_eq!(give(&mut w, PROVINCE, other, (size, root)), 0, "another log");
    let past = (of.0, net().lives[&node(DISTRICT)][1].epoch);
    assert_eq!(give(&mut w, PROVINCE, past, (size, root)), 0, "another life");
    assert_eq!(give(&mut w, PROVINCE, of, (size + 1, root)), 0, "a tree that is not there");
    assert_eq!(give(&mut w, PROVINCE, of, (size, root)), 1);
    assert_eq!(give(&mut w, PROVINCE, of, (size, root)), 1, "no news");
    assert_eq!(give(&mut w, CENTRE, of, (size, root)), 2, "the parent's parent");
    assert_eq!(give(&mut w, SISTER, of, (size, root)), 3, "a child");
}

/// One thing that a province with two histories, or one that crashes the centre, can do.
#[derive(Clone, Debug)]
enum Move {
    /// A session begins with what is held now.
    Begin,
    /// A session shows a tree: which session, which history, how much larger, in hello or later.
    Show(usize, usize, u64, bool),
    /// The other life of the log.
    Flip,
    Run,
    /// The centre writes, and its process ends before it answers.
    CrashAfterStore,
    /// The process ends before it writes.
    Crash,
    /// A tree of the district's log by way of the province, from this size.
    Ask(usize, u64, u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => Just(Move::Begin),
        8 => (0..6_usize, 0..2_usize, 0..8_u64, any::<bool>())
            .prop_map(|(s, b, more, hello)| Move::Show(s, b, more, hello)),
        1 => Just(Move::Flip),
        4 => Just(Move::Run),
        2 => Just(Move::CrashAfterStore),
        1 => Just(Move::Crash),
        4 => (0..2_usize, 0..LEAVES, 1..=LEAVES).prop_map(|(b, old, new)| Move::Ask(b, old.min(new), new)),
    ];
    prop::collection::vec(one, 1..40)
}

/// A session as its state machine keeps it: of which life, and what it was shown last.
struct Talk {
    life: usize,
    base: Option<(u64, [u8; 32])>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_neighbour_gets_two_histories_cosigned(moves in moves()) {
        let mut w = World::of(&[CENTRE]);
        let trees = histories();
        let (mut life, mut talks): (usize, Vec<Talk>) = (0, Vec::new());
        for one in moves {
            match one {
                Move::Begin => {
                    let held = w.at(CENTRE).engine().held_of(&node(PROVINCE));
                    let epoch = net().lives[&node(PROVINCE)][life].epoch;
                    let base = held.filter(|h| h.epoch == epoch).map(|h| (h.size, h.root));
                    talks.push(Talk { life, base });
                }
                Move::Show(which, branch, more, hello) => {
                    let count = talks.len().max(1);
                    let Some(talk) = talks.get_mut(which % count) else { continue };
                    let (tree, (old, old_root)) = (&trees[branch], talk.base.unwrap_or((0, [0; 32])));
                    let size = (old + more).clamp(1, LEAVES);
                    // What the state machine lets through: only what continues what it was shown.
                    if old > 0 && root(tree, old) != old_root {
                        continue;
                    }
                    let shown = signed(PROVINCE, talk.life, tree, size);
                    let (epoch, extends) = (shown.epoch(), talk.base);
                    talk.base = Some((size, *shown.root()));
                    let input = if hello {
                        let checkpoint = Some((size, *shown.root(), shown.note().into()));
                        let wall = tram_trust::fixtures::NOW;
                        Input::PeerUp(PeerUp { peer: node(PROVINCE), epoch, checkpoint, extends, wall })
                    } else {
                        Input::PeerCheckpoint { shown, extends }
                    };
                    w.handle(CENTRE, input);
                }
                Move::Flip => life = 1 - life,
                Move::Run => w.run(),
                Move::CrashAfterStore => {
                    let now = w.now;
                    w.at(CENTRE).begin_commit(now);
                    while w.at(CENTRE).end_commit() {}
                    w.restart(CENTRE);
                }
                Move::Crash => w.restart(CENTRE),
                Move::Ask(branch, old, new) => {
                    let shown = signed(DISTRICT, 0, &trees[branch], new);
                    let path = path(&trees[branch], old, new);
                    w.handle(CENTRE, asked(PROVINCE, &shown, old, path));
                }
            }
        }
        w.run();
        for (of, life) in [(PROVINCE, 0), (PROVINCE, 1), (DISTRICT, 0)] {
            let epoch = net().lives[&node(of)][life].epoch;
            let all = w.cosigned.of(&node(CENTRE), &node(of), epoch);
            let one = trees.iter().any(|tree| all.iter().all(|(size, r)| root(tree, *size) == *r));
            prop_assert!(one, "{of}, life {life}: {all:?}");
        }
    }
}
