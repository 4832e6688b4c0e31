//! Cosignatures on checkpoints of the own log: kept, found by size, found again after a restart.

use tram_engine::Record;
use tram_engine::record::Cosigned;
use tram_spool::disk::MemDisk;
use tram_spool::store::{CosignedCheckpoint, LOOKED_AT_MAX, StoreReader};

use crate::same::open;
use crate::world::{World, cosignature, node};

/// A cosignature of this witness; the root follows from the size.
fn cosigned(witness: &str, size: u64) -> Record {
    let root = [size as u8; 32];
    let cosignature = cosignature(size, root);
    Record::Cosigned(Cosigned { witness: node(witness), size, root, cosignature })
}

fn all_agree(reader: &StoreReader) {
    let newest = reader.cosigned_by().unwrap();
    let sizes: Vec<_> = newest.values().map(|c| (c.witness.as_str(), c.size)).collect();
    assert_eq!(sizes, [("n1.G22", 5_000), ("n1.H41", 40), ("n1.H41.12", 20)]);
    let two = |c: &CosignedCheckpoint| c.by.len() >= 2;
    let three = |c: &CosignedCheckpoint| c.by.len() >= 3;
    let size = |found: Option<CosignedCheckpoint>| found.map(|c| c.size);
    assert_eq!(size(reader.newest_cosigned(0, |_| true).unwrap()), Some(5_000));
    assert_eq!(size(reader.newest_cosigned(0, two).unwrap()), Some(40));
    assert_eq!(size(reader.newest_cosigned(0, three).unwrap()), Some(20));
    assert_eq!(size(reader.newest_cosigned(0, |_| false).unwrap()), None);
    assert_eq!(size(reader.newest_cosigned(20, three).unwrap()), Some(20));
    assert_eq!(size(reader.newest_cosigned(21, three).unwrap()), None);
    assert_eq!(size(reader.newest_cosigned(5_001, |_| true).unwrap()), None);
    assert_eq!(size(reader.cosigned_from(0, |_| true).unwrap()), Some(10));
    assert_eq!(size(reader.cosigned_from(11, |_| true).unwrap()), Some(20));
    assert_eq!(size(reader.cosigned_from(0, three).unwrap()), Some(20));
    assert_eq!(size(reader.cosigned_from(21, two).unwrap()), Some(40));
    assert_eq!(size(reader.cosigned_from(41, two).unwrap()), None);
    assert_eq!(size(reader.cosigned_from(5_001, |_| true).unwrap()), None);
    let found = reader.cosigned_from(20, |_| true).unwrap().unwrap();
    assert_eq!(found.root, [20; 32]);
    assert!(found.by.iter().all(|c| (c.size, c.cosignature.time()) == (20, 20)));
}

#[test]
fn cosignatures_are_found_by_size_and_by_witness_also_after_a_restart() {
    let disk = MemDisk::new();
    let mut world = World::new(4);
    let (mut store, ..) = open(&disk);
    // The first batch of a world is the genesis; what follows here adds no leaf.
    store.commit(&world.batch()).unwrap();
    let given = [
        ("n1.H41", 10),
        ("n1.H41", 20),
        ("n1.G22", 20),
        ("n1.H41.12", 20),
        ("n1.H41", 40),
        ("n1.G22", 40),
        ("n1.G22", 5_000),
    ];
    for (number, (witness, size)) in (2..).zip(given) {
        let records = vec![cosigned(witness, size)];
        store.commit(&tram_engine::Batch { number, records, tree_nodes: Vec::new() }).unwrap();
    }
    all_agree(&store.reader());
    drop(store);
    let (store, recovered, _) = open(&disk);
    all_agree(&store.reader());
    let kept = recovered.peers.iter().filter(|r| matches!(r, Record::Cosigned(_))).count();
    assert_eq!(kept, 3, "the newest of each witness");
}

/// More of one size, and more sizes, than are read at a time.
#[test]
fn many_cosignatures_are_read_in_pages() {
    let disk = MemDisk::new();
    let mut world = World::new(5);
    let (mut store, ..) = open(&disk);
    store.commit(&world.batch()).unwrap();
    let witness = |n: u64| format!("n{n}.H41");
    let mut records: Vec<Record> =
        (1..=900).flat_map(|n| [cosigned(&witness(1), n), cosigned(&witness(2), n)]).collect();
    records.extend((3..=60).map(|n| cosigned(&witness(n), 700)));
    let batch = tram_engine::Batch { number: 2, records, tree_nodes: Vec::new() };
    store.commit(&batch).unwrap();
    let reader = store.reader();
    let many = |c: &CosignedCheckpoint| c.by.len() == 60;
    assert_eq!(reader.cosigned_from(1, many).unwrap().unwrap().size, 700);
    assert_eq!(reader.newest_cosigned(0, many).unwrap().unwrap().size, 700);
    let mut seen = Vec::new();
    let none = reader.cosigned_from(1, |c| {
        seen.push(c.size);
        false
    });
    assert_eq!(none.unwrap(), None);
    assert_eq!(seen, (1..=900).collect::<Vec<u64>>());
}

/// More than are looked at for one question: the newest come first, and the rest is left.
#[test]
fn the_newest_is_looked_for_from_the_newest_on_and_not_for_ever() {
    const ALL: u64 = 100_000;
    let disk = MemDisk::new();
    let mut world = World::new(6);
    let (mut store, ..) = open(&disk);
    store.commit(&world.batch()).unwrap();
    let Record::Cosigned(one) = cosigned("n1.H41", 1) else { panic!() };
    let mut batch = tram_engine::Batch { number: 2, records: Vec::new(), tree_nodes: Vec::new() };
    for first in (1..=ALL).step_by(10_000) {
        let sizes = first..first + 10_000;
        let of = |size| Record::Cosigned(Cosigned { size, ..one.clone() });
        batch.records = sizes.map(of).collect();
        store.commit(&batch).unwrap();
        batch.number += 1;
    }
    let reader = store.reader();
    let newest = |most: u64| {
        let mut asked = Vec::new();
        let found = reader.newest_cosigned(0, |c| {
            asked.push(c.size);
            c.size <= most
        });
        let step = asked.windows(2).all(|pair| pair[0] == pair[1] + 1);
        assert!(asked[0] == ALL && step, "one by one from the newest on");
        (found.unwrap().map(|c| c.size), asked.len())
    };
    assert_eq!(newest(81_000).0, Some(81_000));
    let (found, asked) = newest(10);
    assert_eq!(found, None);
    assert!((LOOKED_AT_MAX..2 * LOOKED_AT_MAX).contains(&asked), "{asked}");
}
