//! Power cuts at every point, also during recovery, over several lives of a journal.

use crate::support::{Rng, contents, open};
use tram_spool::disk::MemDisk;
use tram_spool::journal::{CommitError, Journal, Record};

/// What the outside world knows.
#[derive(Default)]
struct Known {
    /// Acknowledged batches; the first has sequence number 1.
    batches: Vec<Vec<Record>>,
    /// The batch whose commit was under way when the power went.
    in_flight: Option<Vec<Record>>,
    /// Batches below this may have been dropped by retention.
    droppable: u64,
}

impl Known {
    /// Compares a recovered journal with what was acknowledged, and takes over what it holds.
    fn check(&mut self, journal: &Journal, note: &str) {
        let found = contents(&journal.reader()).unwrap();
        let first = found.first().map_or(journal.last_batch_seq() + 1, |(seq, _)| *seq);
        assert!(first == 1 || first <= self.droppable, "{note}: begins at {first}");
        let last = journal.last_batch_seq();
        let known = self.batches.len() as u64;
        assert!(last >= known, "{note}: acknowledged batches are lost: {last} < {known}");
        if last > known {
            assert_eq!(last, known + 1, "{note}: batches are invented");
            self.batches.push(self.in_flight.take().expect("a batch nobody wrote"));
        }
        self.in_flight = None;
        for (seq, records) in found {
            assert_eq!(records, self.batches[seq as usize - 1], "{note}: batch {seq}");
        }
        journal.reader().verify_all().unwrap();
    }
}

/// Opens the journal while power cuts hit the recovery itself up to `cuts` times.
fn recover(mut disk: MemDisk, rng: &mut Rng, cuts: u64, segment: u64) -> (MemDisk, Journal, bool) {
    for _ in 0..cuts {
        disk.power_off_after(rng.below(8));
        match open(&disk, segment) {
            Ok(_) if !disk.is_off() => {}
            Ok(_) => panic!("opened without power"),
            Err(e) => assert!(disk.is_off(), "{e:?}"),
        }
        disk = disk.crash(rng.below(u64::MAX));
    }
    let (journal, report) = open(&disk, segment).unwrap();
    (disk, journal, report.discarded.is_some())
}

fn live(seed: u64) -> u64 {
    let mut rng = Rng::new(seed);
    let segment = 512 * (2 + rng.below(14));
    let len_max = [40, 600, 3000][rng.below(3) as usize];
    let mut known = Known::default();
    let mut disk = MemDisk::new();
    let mut torn = 0;
    for life in 0..4 {
        let cuts = rng.below(3);
        let (recovered, mut journal, discarded) = recover(disk, &mut rng, cuts, segment);
        torn += u64::from(discarded);
        known.check(&journal, &format!("seed {seed} life {life}"));
        recovered.power_off_after(rng.below(40));
        loop {
            if rng.below(12) == 0 {
                let segments = journal.segments();
                let keep = segments[rng.below(segments.len() as u64) as usize];
                known.droppable = known.droppable.max(keep.first_batch_seq);
                match journal.drop_segments_before(keep.segment) {
                    Ok(_) => continue,
                    Err(_) => break,
                }
            }
            let batch = rng.batch(len_max);
            match journal.append(&batch) {
                Ok(_) => known.batches.push(batch),
                Err(CommitError::Unknown(_)) => {
                    known.in_flight = Some(batch);
                    break;
                }
                Err(e) => panic!("seed {seed}: {e:?}"),
            }
        }
        assert!(recovered.is_off());
        disk = recovered.crash(rng.below(u64::MAX));
    }
    let (_, journal, discarded) = recover(disk, &mut rng, 3, segment);
    known.check(&journal, &format!("seed {seed} at the end"));
    torn + u64::from(discarded)
}

fn survive(seeds: std::ops::Range<u64>) {
    let torn: u64 = seeds.clone().map(live).sum();
    // The generator must reach the case that matters most.
    assert!(torn > (seeds.end - seeds.start) / 10, "only {torn} torn tails in all");
}

// Two tests, so that two cores share the work.
#[test]
fn whatever_was_acknowledged_survives_and_nothing_is_invented() {
    survive(0..1000);
}

#[test]
fn whatever_was_acknowledged_survives_other_seeds() {
    survive(1000..2000);
}

#[test]
fn a_killed_process_leaves_its_cache_and_opening_makes_it_durable() {
    const SEGMENT: u64 = 512 * 512;
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let disk = MemDisk::new();
        let (mut journal, _) = open(&disk, SEGMENT).unwrap();
        for _ in 0..rng.below(20) {
            journal.append(&rng.batch(600)).unwrap();
        }
        let before = journal.last_batch_seq();
        // Killed between the write and the sync of one more batch: its bytes are in the cache,
        // and the system goes on.
        disk.power_off_after(0);
        assert!(journal.append(&rng.batch(600)).is_err());
        drop(journal);
        disk.set_faults(Vec::new());
        let (journal, _) = open(&disk, SEGMENT).unwrap();
        assert_eq!(journal.last_batch_seq(), before + 1);
        let (again, _) = open(&disk.crash(seed), SEGMENT).unwrap();
        assert_eq!(again.last_batch_seq(), before + 1, "seed {seed}: opened, yet not durable");
    }
}
