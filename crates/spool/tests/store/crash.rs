//! Power cuts at every kind of moment: what was committed is there, what was not is whole or gone.

use crate::same::{assert_recovered, assert_same, open, put_files};
use crate::world::World;
use tram_spool::disk::MemDisk;

#[test]
fn after_every_power_cut_the_store_is_what_was_committed() {
    for seed in 0..12 {
        let mut disk = MemDisk::new();
        let mut world = World::new(seed);
        for life in 0..4 {
            let (mut store, recovered, report) = open(&disk);
            assert_recovered(&recovered, &report, &world.model);
            let reader = store.reader();
            disk.power_off_after(world.below(60) + 1);
            let mut unsure = None;
            while unsure.is_none() {
                let before = world.clone();
                let batch = world.batch();
                if world.model.files.keys().any(|d| !before.model.files.contains_key(d)) {
                    // Documents come first; the power may go off there too.
                    let put = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        put_files(&reader, &world.model);
                    }));
                    if put.is_err() {
                        unsure = Some((before.clone(), before));
                        break;
                    }
                }
                match store.commit(&batch) {
                    Ok(committed) => assert_eq!(committed.tree_size, reader.log_head().size),
                    Err(e) => {
                        assert!(e.is_fatal());
                        unsure = Some((before, world.clone()));
                    }
                }
            }
            let (before, after) = unsure.unwrap();
            drop((store, reader));
            disk = disk.crash(seed * 10 + life);
            let (store, recovered, report) = open(&disk);
            // The batch that was cut off is whole or gone.
            world = if report.journal.last_batch_seq == after.model.batches {
                after
            } else {
                assert_eq!(report.journal.last_batch_seq, before.model.batches, "seed {seed}");
                before
            };
            assert_recovered(&recovered, &report, &world.model);
            assert_same(&store.reader(), &world.model);
        }
    }
}
