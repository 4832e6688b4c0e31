//! A new epoch: everything is carried over into a new store but the tree.

use crate::same::{open, options, put_files};
use crate::world::{NETWORK, World, node};
use std::sync::Arc;
use tram_crypto::{Ed25519Signer, Sign};
use tram_dispatch::UnixMillis;
use tram_dispatch::evidence::Genesis;
use tram_engine::record::{Owed, Record};
use tram_engine::{Issuer, View, genesis_batch};
use tram_spool::disk::MemDisk;
use tram_spool::store::{Store, StoreOptions};

/// A new store with the genesis leaf of another epoch.
fn begun(disk: &MemDisk, store_id: [u8; 16]) -> Store {
    let key = |seed: u8| Ed25519Signer::from_seed(&[seed; 32]).unwrap();
    let genesis = Genesis {
        network: NETWORK,
        node: node("n1.H41.12"),
        receipt_key: key(60).public_key().spki_der().to_vec(),
        checkpoint_key: key(61).public_key().spki_der().to_vec(),
        started_at: UnixMillis(1_790_000_000_000),
        previous: Some(b"a checkpoint".to_vec()),
    };
    let epoch = tram_wire::genesis::epoch_id(&genesis);
    let issuer =
        Issuer { network: NETWORK, node: genesis.node.clone(), epoch, key: Arc::new(key(60)) };
    let options = StoreOptions { create_with_store_id: Some(store_id), ..options() };
    let (mut store, _, _) = Store::open(Arc::new(disk.clone()), options).unwrap();
    let (batch, _) = genesis_batch(&issuer, &genesis, genesis.started_at).unwrap();
    store.commit(&batch).unwrap();
    store
}

#[test]
fn everything_is_carried_over_but_the_tree() {
    for seed in 0..6 {
        let (old_disk, disk, again) = (MemDisk::new(), MemDisk::new(), MemDisk::new());
        let mut world = World::new(seed);
        let (mut old, _, _) = open(&old_disk);
        for _ in 0..120 {
            let batch = world.batch();
            put_files(&old.reader(), &world.model);
            old.commit(&batch).unwrap();
        }
        let before = old.reader();
        let mut store = begun(&disk, [8; 16]);
        let carried = store.carry_over(&before).unwrap();
        assert_eq!(carried.dispatches, before.counts().dispatches);
        assert_eq!(carried.receipts, before.counts().leaves - 1);
        same(&before, &store, &world);
        // A second new epoch carries the first one's past over as it is.
        let mut next = begun(&again, [9; 16]);
        let carried = next.carry_over(&store.reader()).unwrap();
        assert_eq!(carried.receipts, 0, "none was given in between");
        same(&before, &next, &world);
        // And all of it is there after a power cut.
        drop(next);
        let cut = again.crash(seed);
        let options = StoreOptions { create_with_store_id: Some([9; 16]), ..options() };
        let (next, recovered, _) = Store::open(Arc::new(cut), options).unwrap();
        same(&before, &next, &world);
        let highest = before.counts().leaves;
        assert!(recovered.custody_base <= highest && recovered.custody_base > 0);
        assert_eq!(recovered.frontier.size(), 1);
        assert_eq!(recovered.open.len(), world.model.active.len());
    }
}

fn same(before: &tram_spool::store::StoreReader, store: &Store, world: &World) {
    let now = store.reader();
    assert_eq!(now.log_head().size, 1);
    for (id, history) in &world.model.histories {
        let kept = now.history(id).unwrap();
        assert_eq!(kept.len(), history.len());
        assert_eq!(now.is_open(id), before.is_open(id), "{id}");
        for (was, is) in history.iter().zip(&kept) {
            match (was, is) {
                (Record::Evidence(own), Record::Earlier(kept)) => {
                    let raw = &world.model.receipts[&own.leaf.index];
                    assert_eq!((&kept.raw, &kept.evidence), (raw, &own.evidence));
                    assert_eq!(kept.owed_to, own.owed_to);
                }
                (Record::OutboxDone(was), Record::OutboxDone(is)) => {
                    let owed = match was.owed {
                        Owed::Own(leaf) => {
                            let raw = &world.model.receipts[&leaf];
                            let receipt = tram_wire::Receipt::parse(raw).unwrap();
                            Owed::Foreign(receipt.digest())
                        }
                        foreign => foreign,
                    };
                    assert_eq!((is.owed, &is.peer), (owed, &was.peer));
                }
                (was, is) => assert_eq!(is, was),
            }
        }
    }
    for ((originator, reference), id) in &world.model.references {
        assert_eq!(now.by_reference(originator, reference).unwrap(), Some(*id));
    }
}
