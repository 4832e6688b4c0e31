//! A node that signs more than there is to say.

use std::sync::Arc;

use tram_crypto::Sign as _;
use tram_dispatch::{Digest, Event as E, EvidenceRecord};
use tram_engine::Input;
use tram_tlog::MemoryTree;
use tram_wire::evidence::{commitment, encode};
use tram_wire::{Receipt, SignedRoot};

use crate::support::net::*;
use crate::support::world::World;

/// Receipts that a node's key signs over records of any content.
fn signed(agency: &str, records: &[EvidenceRecord]) -> Vec<Arc<[u8]>> {
    let life = &net().lives[&node(agency)][0];
    let (mut tree, salt) = (MemoryTree::new(), [7; 16]);
    let leaves: Vec<Vec<u8>> = records.iter().map(encode).collect();
    leaves.iter().for_each(|leaf| drop(tree.push(&commitment(&salt, leaf))));
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
    assert_eq!(known, 64, "of 300 receipts that say one thing");
    // What was not said before still counts.
    w.confirm(COMMUNE, COMMUNE, d.id());
    w.register(COMMUNE, COMMUNE, d.id(), None);
    w.pass(1_000);
    assert_eq!(w.word(DISTRICT, &d.id(), COMMUNE), "registered");
    w.assert_recoverable();
}
