//! Ordinary life of a journal.

use crate::support::{DIR, Rng, STORE_ID, contents, open, open_on, options};
use proptest::prelude::*;
use std::sync::Arc;
use tram_spool::disk::{
    CountingDisk, Disk, DiskOp, Fault, FaultEffect, FaultError, MemDisk, RealDisk,
};
use tram_spool::journal::{
    BATCH_BYTES_MAX, CommitError, Journal, JournalError, JournalOptions, Position, Record,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_appended_is_read_back_across_rolls_and_reopenings(
        batches in prop::collection::vec(
            prop::collection::vec((0_u16..100, prop::collection::vec(any::<u8>(), 0..1500)), 1..5),
            1..25,
        ),
        segment_sectors in 2_u64..24,
        reopen_every in 1_usize..9,
    ) {
        let disk = MemDisk::new();
        let segment_bytes = segment_sectors * 512;
        let (mut journal, report) = open(&disk, segment_bytes).unwrap();
        prop_assert!(report.created);
        let mut expected = Vec::new();
        for (index, batch) in batches.into_iter().enumerate() {
            let records: Vec<Record> =
                batch.into_iter().map(|(kind, body)| Record { kind, body }).collect();
            let appended = journal.append(&records).unwrap();
            prop_assert_eq!(appended.batch_seq, index as u64 + 1);
            for (position, record) in appended.positions.iter().zip(&records) {
                prop_assert_eq!(&journal.read(*position).unwrap(), record);
            }
            expected.push((appended.batch_seq, records));
            if index % reopen_every == 0 {
                let chain = journal.chain_value();
                drop(journal);
                let report;
                (journal, report) = open(&disk, segment_bytes).unwrap();
                prop_assert!(!report.created && report.discarded.is_none());
                prop_assert_eq!(report.chain_value, chain);
                prop_assert_eq!(report.last_batch_seq, index as u64 + 1);
                prop_assert_eq!(report.store_id, STORE_ID);
            }
        }
        let found = contents(&journal.reader()).unwrap();
        prop_assert_eq!(&found, &expected);
        let verified = journal.reader().verify_all().unwrap();
        prop_assert_eq!(verified.batches, expected.len() as u64);
        prop_assert_eq!(verified.records, expected.iter().map(|(_, r)| r.len() as u64).sum::<u64>());
        prop_assert_eq!(verified.segments, journal.segments().len() as u64);
    }
}

fn records(n: usize, len: usize) -> Vec<Record> {
    (0..n).map(|i| Record { kind: i as u16, body: vec![i as u8; len] }).collect()
}

#[test]
fn the_same_on_a_real_disk_with_one_write_and_one_sync_for_each_commit() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(CountingDisk::counting(RealDisk::open(dir.path()).unwrap()));
    let (mut journal, _) = open_on(disk.clone(), 1 << 20).unwrap();
    let before = disk.counts();
    let mut expected = Vec::new();
    for n in 1..40 {
        journal.append(&records(n, 100)).unwrap();
        expected.push((n as u64, records(n, 100)));
    }
    let after = disk.counts();
    assert_eq!((after.writes - before.writes, after.syncs - before.syncs), (39, 39));
    for _ in 0..60 {
        let appended = journal.append(&records(3, 20_000)).unwrap();
        expected.push((appended.batch_seq, records(3, 20_000)));
    }
    assert!(journal.segments().len() > 3);
    drop(journal);
    let (journal, report) = open_on(disk.clone(), 1 << 20).unwrap();
    assert_eq!(report.discarded, None);
    assert_eq!(contents(&journal.reader()).unwrap(), expected);
    let used: u64 = journal.segments().iter().map(|s| s.used_bytes).sum();
    let on_disk: u64 = disk
        .list(DIR)
        .unwrap()
        .iter()
        .map(|e| std::fs::metadata(dir.path().join(DIR).join(&e.name)).unwrap().len())
        .sum();
    assert!(on_disk - used < 1 << 20, "sealed segments give their unused space back");
}

#[test]
fn readers_in_other_threads_see_committed_batches_while_more_are_appended() {
    let (mut journal, _) = open(&MemDisk::new(), 64 * 512).unwrap();
    let reader = journal.reader();
    let (send, receive) = std::sync::mpsc::sync_channel::<(Position, Record)>(64);
    let reading = std::thread::spawn(move || {
        let mut read = 0;
        for (position, record) in receive {
            assert_eq!(reader.read(position).unwrap(), record);
            read += 1;
        }
        read
    });
    let mut rng = Rng::new(1);
    let mut sent = 0;
    for _ in 0..300 {
        let batch = rng.batch(3000);
        let appended = journal.append(&batch).unwrap();
        for pair in appended.positions.into_iter().zip(batch) {
            send.send(pair).unwrap();
            sent += 1;
        }
    }
    drop(send);
    assert_eq!(reading.join().unwrap(), sent);
}

#[test]
fn scans_begin_at_after_or_at_the_oldest_batch() {
    let (mut journal, _) = open(&MemDisk::new(), 4 * 512).unwrap();
    let appended: Vec<_> = (0..30).map(|_| journal.append(&records(1, 600)).unwrap()).collect();
    let reader = journal.reader();
    for (index, one) in appended.iter().enumerate() {
        let from = reader.scan_from(Some(one.batch)).unwrap();
        let seqs: Vec<u64> = from.map(|b| b.unwrap().batch_seq).collect();
        assert_eq!(seqs, (index as u64 + 1..=30).collect::<Vec<_>>());
        let after = reader.scan_after(one.batch).unwrap();
        let positions: Vec<_> = after.map(|b| b.unwrap().position).collect();
        assert_eq!(positions, appended[index + 1..].iter().map(|a| a.batch).collect::<Vec<_>>());
    }
    let mut wrong = appended[3].batch;
    wrong.batch_seq += 1;
    assert!(reader.scan_after(wrong).is_err());
}

#[test]
fn positions_that_lead_nowhere_are_errors() {
    let (mut journal, _) = open(&MemDisk::new(), 64 * 512).unwrap();
    let appended = journal.append(&records(3, 700)).unwrap();
    let good = appended.positions[1];
    for bad in [
        Position { record: 2, ..good },
        Position { offset: good.offset + 1, ..good },
        Position { offset: 512, ..good },
        Position { offset: 0, ..good },
        Position { offset: u64::MAX, ..good },
        Position { offset: 60 * 512, ..good },
        Position { segment: 2, ..good },
    ] {
        assert!(journal.read(bad).is_err(), "{bad:?}");
    }
    for offset in 0..8 * 512 {
        let _ = journal.read(Position { offset, ..good });
    }
}

#[test]
fn dropped_segments_are_gone_and_the_rest_verifies() {
    let disk = MemDisk::new();
    let (mut journal, _) = open(&disk, 4 * 512).unwrap();
    let first = journal.append(&records(1, 600)).unwrap();
    for _ in 0..20 {
        journal.append(&records(1, 600)).unwrap();
    }
    let middle = journal.segments()[5];
    assert_eq!(journal.drop_segments_before(middle.segment).unwrap(), 5);
    assert!(matches!(journal.read(first.positions[0]), Err(JournalError::OutOfRange { .. })));
    drop(journal);
    let (mut journal, _) = open(&disk, 4 * 512).unwrap();
    assert_eq!(contents(&journal.reader()).unwrap()[0].0, middle.first_batch_seq);
    journal.reader().verify_all().unwrap();
    // The active segment stays, whatever is asked.
    journal.drop_segments_before(u64::MAX).unwrap();
    assert_eq!(journal.segments().len(), 1);
    journal.append(&records(1, 600)).unwrap();
    drop(journal);
    assert_eq!(open(&disk, 4 * 512).unwrap().1.last_batch_seq, 22);
}

#[test]
fn a_batch_larger_than_a_segment_gets_one_of_its_own_and_the_limit_holds() {
    let disk = MemDisk::new();
    let (mut journal, _) = open(&disk, 1024).unwrap();
    let large = vec![Record { kind: 1, body: vec![5; 3 << 20] }];
    journal.append(&large).unwrap();
    journal.append(&records(1, 1)).unwrap();
    let too_large = vec![Record { kind: 1, body: vec![0; BATCH_BYTES_MAX as usize] }];
    assert!(matches!(journal.append(&too_large), Err(CommitError::TooLarge { .. })));
    assert!(matches!(journal.append(&[]), Err(CommitError::Empty)));
    drop(journal);
    let (journal, _) = open(&disk, 1024).unwrap();
    assert_eq!(contents(&journal.reader()).unwrap(), vec![(1, large), (2, records(1, 1))]);
}

#[test]
fn without_leave_to_create_nothing_is_made() {
    let disk = MemDisk::new();
    let only_existing = JournalOptions::default();
    let opened = Journal::open(Arc::new(disk.clone()), DIR, &only_existing);
    assert!(matches!(opened, Err(JournalError::Missing { .. })));
    assert!(disk.list("").unwrap().is_empty());
    let odd = JournalOptions { segment_bytes: 1000, ..options(0) };
    let opened = Journal::open(Arc::new(disk), DIR, &odd);
    assert!(matches!(opened, Err(JournalError::BadSegmentSize { segment_bytes: 1000 })));
}

#[test]
fn a_read_only_file_system_refuses_a_batch_that_may_be_tried_again() {
    let read_only =
        |op, nth| Fault { op, nth, error: FaultError::ReadOnly, effect: FaultEffect::NotApplied };
    let disk = MemDisk::new();
    let (mut journal, _) = open(&disk, 8 * 512).unwrap();
    for stored in 1..=20 {
        // In the middle of a segment, and where a new one begins.
        disk.set_faults(vec![read_only(DiskOp::Write, 1), read_only(DiskOp::Open, 1)]);
        while let Err(e) = journal.append(&records(1, 600)) {
            assert!(matches!(e, CommitError::ReadOnly), "{e:?}");
            assert!(!journal.is_poisoned());
        }
        assert_eq!(journal.last_batch_seq(), stored);
    }
    disk.set_faults(Vec::new());
    assert_eq!(contents(&journal.reader()).unwrap().len(), 20, "each once");
    // A sync that fails for that reason leaves as much in doubt as any other.
    disk.set_faults(vec![read_only(DiskOp::Sync, 1)]);
    assert!(matches!(journal.append(&records(1, 600)), Err(CommitError::Unknown(_))));
    assert!(matches!(journal.append(&records(1, 600)), Err(CommitError::Poisoned)));
}

#[test]
fn a_full_disk_refuses_the_batch_before_anything_is_written_and_recovers_by_itself() {
    let disk = MemDisk::new();
    let (mut journal, _) = open(&disk, 8 * 512).unwrap();
    disk.set_capacity_bytes(9 * 512);
    let mut stored = 0;
    let refused = loop {
        match journal.append(&records(1, 600)) {
            Ok(_) => stored += 1,
            Err(e) => break e,
        }
    };
    assert!(matches!(refused, CommitError::NoSpace { needed_bytes: 4096 }), "{refused:?}");
    assert!(!journal.is_poisoned());
    let (after_crash, _) = open(&disk.crash(3), 8 * 512).unwrap_or_else(|_| {
        // The unfinished segment cannot be finished on the full disk either; with room it can.
        let roomy = disk.crash(3);
        roomy.set_capacity_bytes(1 << 20);
        open(&roomy, 8 * 512).unwrap()
    });
    assert_eq!(after_crash.last_batch_seq(), stored);
    disk.set_capacity_bytes(1 << 20);
    assert_eq!(journal.append(&records(1, 600)).unwrap().batch_seq, stored + 1);
    assert_eq!(contents(&journal.reader()).unwrap().len() as u64, stored + 1);
}

#[test]
fn after_any_failed_write_sync_or_directory_sync_the_journal_takes_nothing_more() {
    for op in [DiskOp::Write, DiskOp::Sync, DiskOp::SyncDir, DiskOp::Truncate, DiskOp::Open] {
        for effect in [FaultEffect::Applied, FaultEffect::NotApplied] {
            for nth in 1..30 {
                let disk = MemDisk::new();
                let (mut journal, _) = open(&disk, 6 * 512).unwrap();
                disk.set_faults(vec![Fault { op, nth, error: FaultError::Io, effect }]);
                let mut stored = 0;
                let failed = (0..40).find_map(|_| match journal.append(&records(1, 600)) {
                    Ok(_) => {
                        stored += 1;
                        None
                    }
                    Err(e) => Some(e),
                });
                let Some(failed) = failed else { continue };
                assert!(matches!(failed, CommitError::Unknown(_)), "{op} {nth}: {failed:?}");
                let syncs = disk.counts().syncs;
                assert!(matches!(journal.append(&records(1, 1)), Err(CommitError::Poisoned)));
                assert!(matches!(journal.drop_segments_before(9), Err(CommitError::Poisoned)));
                assert_eq!(disk.counts().syncs, syncs, "a failed sync is never tried again");
                for seed in 0..4 {
                    let (after, _) = open(&disk.crash(seed), 6 * 512).unwrap();
                    let last = after.last_batch_seq();
                    assert!(last == stored || last == stored + 1, "{op} {nth} {seed}");
                    assert_eq!(contents(&after.reader()).unwrap().len() as u64, last);
                }
            }
        }
    }
}

/// A sync fails, and the process is killed before it could say so to the next start: the pages read as
/// written and count as clean.
#[test]
fn what_a_killed_process_failed_to_sync_is_written_again() {
    let mut failed = 0;
    for op in [DiskOp::Write, DiskOp::Sync, DiskOp::SyncDir] {
        for (effect, nth) in [FaultEffect::Applied, FaultEffect::NotApplied]
            .into_iter()
            .flat_map(|effect| (1..30).map(move |nth| (effect, nth)))
        {
            let disk = MemDisk::new();
            let (mut journal, _) = open(&disk, 6 * 512).unwrap();
            disk.set_faults(vec![Fault { op, nth, error: FaultError::Io, effect }]);
            failed += usize::from((0..40).any(|_| journal.append(&records(1, 600)).is_err()));
            drop(journal);
            disk.set_faults(Vec::new());
            let (mut journal, _) = open(&disk, 6 * 512).unwrap();
            let last = journal.append(&records(1, 600)).unwrap().batch_seq;
            for seed in 0..16 {
                let (after, _) = open(&disk.crash(seed), 6 * 512)
                    .unwrap_or_else(|e| panic!("{op} {nth} {seed}: {e}"));
                assert_eq!(after.last_batch_seq(), last, "{op} {nth} {seed}");
            }
        }
    }
    assert!(failed > 100, "{failed}");
}
