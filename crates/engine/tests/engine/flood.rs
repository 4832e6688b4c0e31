//! A node that signs more than there is to say.

use std::sync::Arc;

use tram_dispatch::{Code, Digest, Event as E, EvidenceRecord};
use tram_engine::Input;
use tram_tlog::MemoryTree;
use tram_wire::evidence::{commitment, encode};
use tram_wire::{Receipt, SignedRoot};

use crate::support::net::*;
use crate::support::world::World;

/// Receipts that a node's key signs over records of any content.
pub(crate) fn signed(agency: &str, records: &[EvidenceRecord]) -> Vec<Arc<[u8]>> {
    let life = &net().lives[&node(agency)][0];
    let (mut tree, salt) = (MemoryTree::new(), [7; 16]);
    let leaves: Vec<Vec<u8>> = records.iter().map(encode).collect();
    for leaf in &leaves {
        tree.push(&commitment(&salt, leaf));
    }
    let mut root = SignedRoot {
        key: Digest(life.receipt.public_key().key_id()),
        node: node(agency),
        epoch: life.epoch,
        size: tree.size(),
        time: records[0].time,
        root: tree.root().0,
        signature: Vec::new(),
    };
    root.signature = life.receipt.sign(&root.to_be_signed(net().base.id())).unwrap();
    let receipt = |(index, leaf): (usize, &Vec<u8>)| {
        let path = tree.inclusion(index as u64).unwrap();
        let path: Vec<[u8; 32]> = path.iter().map(|h| h.0).collect();
        let network = net().base.id();
        let built = Receipt::build(network, &root, index as u64, &path, &salt, leaf);
        built.unwrap().raw().clone()
    };
    leaves.iter().enumerate().map(receipt).collect()
}

#[test]
fn a_node_that_signs_the_same_over_and_over_fills_nothing() {
    let mut w = World::of(&[DISTRICT, COMMUNE]);
    w.connect_all();
    let d = net().dispatch(&net().envelope(DISTRICT, &[COMMUNE], "1/a"));
    w.submitted(DISTRICT, &d);
    let consigned = w.evidence(DISTRICT, &d.id()).pop().unwrap();
    assert_eq!(consigned.event, E::ContentConsignment);
    let forged: Vec<EvidenceRecord> = (0..300)
        .map(|n| EvidenceRecord {
            event: E::ContentHandover,
            custody: 1_000 + n,
            status: None,
            ..consigned.clone()
        })
        .collect();
    let raws = signed(COMMUNE, &forged);
    let receipts = raws.iter().map(|raw| w.verify(raw)).collect();
    w.handle(DISTRICT, Input::Receipts { peer: node(COMMUNE), batch: 1, receipts });
    w.run();
    let known = w.evidence(DISTRICT, &d.id()).len();
    // The district's own, that it is consigned, and one of 300 receipts that say one thing.
    assert_eq!(known, 3);
    // What was not said before still counts.
    w.confirm(COMMUNE, COMMUNE, d.id());
    w.register(COMMUNE, COMMUNE, d.id(), None);
    w.pass(1_000);
    assert_eq!(w.word(DISTRICT, &d.id(), COMMUNE), "registered");
    w.assert_recoverable();
}

#[test]
fn an_event_of_a_later_version_goes_upstream_and_changes_nothing() {
    let mut w = World::of(&[PROVINCE, DISTRICT, COMMUNE]);
    w.connect_all();
    let d = net().dispatch(&net().envelope(PROVINCE, &[COMMUNE], "2/a"));
    w.submitted(PROVINCE, &d);
    w.pass(1_000);
    let consigned = w.evidence(PROVINCE, &d.id()).pop().unwrap();
    assert_eq!(consigned.event, E::ContentConsignment);
    let unknown = (0..=255).filter_map(E::read).filter(|event| matches!(event, E::Unknown(_)));
    let later: Vec<EvidenceRecord> = (1_000..)
        .zip(unknown)
        .map(|(custody, event)| EvidenceRecord {
            event,
            custody,
            reason: Code::read(60_000),
            status: None,
            ..consigned.clone()
        })
        .collect();
    let raws = signed(COMMUNE, &later);
    let before = w.lines(PROVINCE, &d.id());
    let receipts = raws[..1].iter().map(|raw| w.verify(raw)).collect();
    w.handle(DISTRICT, Input::Receipts { peer: node(COMMUNE), batch: 1, receipts });
    w.pass(1_000);
    // Byte for byte, through a node that does not know it to another that does not.
    let there = w.evidence(PROVINCE, &d.id());
    assert_eq!(there.last(), Some(&later[0]));
    assert_eq!(w.lines(PROVINCE, &d.id()).len(), before.len() + 1);
    assert_eq!(w.word(PROVINCE, &d.id(), COMMUNE), "consigned");
    assert_eq!(w.word(DISTRICT, &d.id(), COMMUNE), "consigned");
    // Ever new numbers fill nothing either.
    let receipts = raws.iter().map(|raw| w.verify(raw)).collect();
    w.handle(DISTRICT, Input::Receipts { peer: node(COMMUNE), batch: 2, receipts });
    w.run();
    let kept = w.evidence(DISTRICT, &d.id());
    assert_eq!(kept.iter().filter(|e| matches!(e.event, E::Unknown(_))).count(), 32);
    w.confirm(COMMUNE, COMMUNE, d.id());
    w.pass(1_000);
    assert_eq!(w.word(PROVINCE, &d.id(), COMMUNE), "handed_over");
    w.assert_recoverable();
}
